//! `restart`: the running Bartizan starts itself anew, with the program file and the configuration as they are now.

use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::fail::{Exit, Fail};
use super::{Global, out};
use crate::control::{self, Ask, Reply};

/// Start the running Bartizan anew without dropping a connection
///
/// A new process reads rules, models and configuration, then takes the listening sockets; the old one answers what it has begun and ends. When
/// the new one does not come up, the old one goes on.
#[derive(Args)]
#[command(after_help = "Example:\n  bartizan restart\n\nExit codes: 0 the new process serves; 3 the old one goes on, or nobody runs.")]
pub(super) struct Restart {}

pub(super) fn run(_args: &Restart, global: &Global) -> Result<Exit, Fail> {
    operate(&Ask::Restart, "E0609", "bartizan.restart/1", global)
}

/// Asks the running one and says what it answers.
pub(super) fn operate(ask: &Ask, code: &'static str, schema: &str, global: &Global) -> Result<Exit, Fail> {
    /// Rules and models are read anew.
    const PATIENCE: Duration = Duration::from_secs(200);
    let loaded = super::config::place(global).load();
    // A configuration with faults does not say where the running one is: the default may.
    let dir = loaded.map_or_else(|_| crate::paths::data_dir(global.data_dir.as_ref()), |loaded| loaded.config.program.data_dir);
    match control::ask_for(&crate::paths::control_socket(&dir), ask, PATIENCE) {
        Some(Reply::Done(text)) => {
            if global.json {
                out::json(&json!({"schema": schema, "text": text}));
            } else {
                out::line(out::shown_line(&text));
            }
            Ok(Exit::Fine)
        }
        Some(Reply::Error(why)) => {
            let lines: Vec<String> = why.lines().map(out::shown_line).collect();
            Err(Fail::new(code, lines.join("\n")))
        }
        Some(_) => Err(Fail::new("E0603", "the running bartizan answered something else")),
        None => Err(Fail::new("E0604", format!("no bartizan runs on {}", dir.display())).fix("start bartizan run, or name its --data-dir")),
    }
}
