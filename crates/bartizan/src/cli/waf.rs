//! `waf eval`: what rules and model say about labelled payloads, each as one request through the gateway's code.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, Subcommand, ValueEnum};
use detect::web::request::{Decide, Inspector, Place, Scratch};
use learn::measure::{self, Scored};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::fail::{Exit, Fail};
use super::{Global, out};
use crate::knowledge::Content;

/// Measure the web detection on labelled data
#[derive(Args)]
pub(super) struct Waf {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Detection and false alarms on rows {"label":"attack|benign","class":..,"payload":..}
    Eval(Eval),
}

#[derive(Args)]
#[command(
    after_help = "Example:\n  bartizan waf eval --data payloads.jsonl --mode both --json\n\nExit codes: 0 measured; 3 a row could not be read (named by its line)."
)]
struct Eval {
    /// JSON lines, also .zst
    #[arg(long)]
    data: PathBuf,
    #[arg(long, value_enum, default_value = "both")]
    mode: Mode,
    /// Only rows with this `split`
    #[arg(long)]
    split: Option<String>,
    /// Only rows of this `source`
    #[arg(long)]
    source: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Mode {
    Rules,
    Model,
    Both,
}

#[derive(Deserialize)]
struct Row {
    label: Label,
    #[serde(default)]
    class: String,
    payload: String,
    #[serde(default)]
    place: Option<String>,
    #[serde(default)]
    split: String,
    #[serde(default)]
    source: String,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Label {
    Attack,
    Benign,
}

/// One class of rows.
#[derive(Default)]
struct Tally {
    n: u64,
    blocked: u64,
}

pub(super) fn run(args: &Waf, global: &Global) -> Result<Exit, Fail> {
    let Verb::Eval(args) = &args.verb;
    let (mut knowledge, said) =
        Content::serving(global.content.as_deref(), &crate::paths::data_dir(global.data_dir.as_ref()))?.knowledge()?;
    said.iter().for_each(out::note);
    if knowledge.web_model.is_none() && !matches!(args.mode, Mode::Rules) {
        return Err(
            Fail::new("E0504", "the model is not loaded, so only --mode rules can be measured").fix("bartizan model verify web-payload")
        );
    }
    knowledge.config.request.decide = match args.mode {
        Mode::Rules => Decide::Rules,
        Mode::Model => Decide::Model,
        Mode::Both => Decide::Both,
    };
    let inspector = Inspector::new(&knowledge);
    let mut scratch = Scratch::default();
    let mut by_class: BTreeMap<String, Tally> = BTreeMap::new();
    let (mut attacks, mut benign) = (Tally::default(), Tally::default());
    let mut scored = Vec::new();
    let mut ns = Vec::new();
    each_line(&args.data, &mut |number, line| {
        let bad = |why: String| Fail::new("E0108", format!("{}:{number}: {why}", args.data.display()));
        let row: Row = serde_json::from_slice(line).map_err(|e| bad(e.to_string()))?;
        if args.split.as_ref().is_some_and(|s| *s != row.split) || args.source.as_ref().is_some_and(|s| *s != row.source) {
            return Ok(());
        }
        let place = match row.place.as_deref() {
            None | Some("query") => Place::Query,
            Some("form") => Place::Form,
            Some("json") => Place::Json,
            Some("xml") => Place::Xml,
            Some("header") => Place::Header,
            Some("cookie") => Place::Cookie,
            Some("path") => Place::Path,
            Some(other) => return Err(bad(format!("place {other:?} is none of query, form, json, xml, header, cookie, path"))),
        };
        let start = Instant::now();
        let said = inspector.inspect_row(row.payload.as_bytes(), place, &mut scratch);
        ns.push(start.elapsed().as_nanos() as u64);
        let tally = if row.label == Label::Attack { &mut attacks } else { &mut benign };
        tally.n += 1;
        tally.blocked += u64::from(said.verdict_block);
        if row.label == Label::Attack {
            let class = by_class.entry(row.class).or_default();
            class.n += 1;
            class.blocked += u64::from(said.verdict_block);
        }
        scored.push(Scored { score: said.score, positive: row.label == Label::Attack });
        Ok(())
    })?;
    ns.sort_unstable();
    let at =
        |share: f64| ns.get(((ns.len() as f64 * share) as usize).min(ns.len().saturating_sub(1))).copied().unwrap_or(0) as f64 / 1000.0;
    let tpr_at = |rate: f64| measure::tpr_at_fpr(&scored, rate).share;
    if global.json {
        let classes: Map<String, Value> = by_class
            .iter()
            .map(|(class, t)| {
                let w = measure::wilson(t.blocked, t.n);
                (class.clone(), json!({"n": t.n, "tpr": w.share, "low": w.low, "high": w.high}))
            })
            .collect();
        out::json(&json!({
            "schema": "bartizan.waf_eval/1", "n_attack": attacks.n, "n_benign": benign.n,
            "tpr": share(&attacks), "fpr": share(&benign), "tpr_at_fpr": {"0.001": tpr_at(0.001), "0.005": tpr_at(0.005), "0.01": tpr_at(0.01)},
            "by_class": classes, "cpu_us_median": at(0.5), "cpu_us_p99": at(0.99),
        }));
        return Ok(Exit::Fine);
    }
    out::line(format!(" {} attacks, {} benign", attacks.n, benign.n));
    out::line(format!(" blocked  {:>7.3} % of attacks   {:>7.3} % of benign", share(&attacks) * 100.0, share(&benign) * 100.0));
    out::line(format!(" ranked   {:>7.3} % of attacks at 0.1 % false alarms, {:.3} % at 1 %", tpr_at(0.001) * 100.0, tpr_at(0.01) * 100.0));
    for (class, tally) in &by_class {
        let w = measure::wilson(tally.blocked, tally.n);
        out::line(format!(" {class:<16} {:>7}  {:>7.3} %  ({:.1} to {:.1})", tally.n, w.share * 100.0, w.low * 100.0, w.high * 100.0));
    }
    out::line(format!(" cost     {:.1} us median, {:.1} us p99", at(0.5), at(0.99)));
    Ok(Exit::Fine)
}

fn share(tally: &Tally) -> f64 {
    if tally.n == 0 { 0.0 } else { tally.blocked as f64 / tally.n as f64 }
}

/// Takes a numbered line.
type Take<'t> = dyn FnMut(u64, &[u8]) -> Result<(), Fail> + 't;

/// Lines of a file, also of a `.zst`, numbered from 1; empty ones are left out.
pub(super) fn each_line(path: &Path, take: &mut Take<'_>) -> Result<(), Fail> {
    let file = std::fs::File::open(path).map_err(|e| Fail::unreadable(path, &e))?;
    let plain: Box<dyn Read> = if path.extension().is_some_and(|e| e == "zst") {
        Box::new(zstd::stream::read::Decoder::new(file).map_err(|e| Fail::unreadable(path, &e))?)
    } else {
        Box::new(file)
    };
    let mut reader = BufReader::with_capacity(1 << 20, plain);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        // A row is at most 16 MiB.
        let read = (&mut reader).take(16 << 20).read_until(b'\n', &mut line).map_err(|e| Fail::unreadable(path, &e))?;
        if read == 0 {
            break;
        }
        let text = line.trim_ascii();
        if !text.is_empty() {
            take(number, text)?;
        }
    }
    Ok(())
}
