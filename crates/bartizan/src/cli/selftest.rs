//! `selftest`: known attacks through the real pipeline, and whether each was found.

use clap::Args;
use serde_json::json;

use super::fail::{Exit, Fail};
use super::{Global, out};

/// Send known attacks, harmless here, through the real gateway and engine, and say what was found
///
/// It works on a folder of its own below the temporary directory, listens on loopback, and leaves nothing behind.
#[derive(Args)]
#[command(
    after_help = "Example:\n  bartizan selftest\n\nExit codes: 0 everything was found; 1 something was missed; 3 the test could not run."
)]
pub(super) struct Selftest {}

pub(super) fn run(_args: &Selftest, global: &Global) -> Result<Exit, Fail> {
    let proofs = crate::selftest::run(global.content.clone())?;
    let missed = proofs.iter().filter(|p| !p.held).count();
    if global.json {
        let rows: Vec<_> = proofs
            .iter()
            .map(|p| json!({"probe": p.what, "held": p.held, "text": p.text, "ms": u64::try_from(p.took.as_millis()).unwrap_or(u64::MAX)}))
            .collect();
        out::json(&json!({"schema": "bartizan.selftest/1", "missed": missed, "probes": rows}));
    } else {
        for p in &proofs {
            let word = if p.held { "ok" } else { "MISSED" };
            out::line(format!(" {word:<7}{:<24} {}   {} ms", p.what, out::shown_line(&p.text), p.took.as_millis()));
        }
        out::line(format!(" {} of {} held", proofs.len() - missed, proofs.len()));
    }
    Ok(if missed == 0 { Exit::Fine } else { Exit::Found })
}
