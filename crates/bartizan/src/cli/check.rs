//! `check [PATH|URL|HASH|-]...`: one word about a file, mail, link or text, with reasons.

mod evict;
mod input;
mod record;
mod rows;
mod say;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use detect::Knowledge;
use detect::content::{self, Input, Judgement, Matter, Verdict};
use event::Text;

use super::fail::{Exit, Fail};
use super::{Global, out};
use crate::knowledge::Content;

/// Look at a file, folder, mail, link, hash or text and say one word about it
///
/// Nothing is opened in its own program, run or fetched. The word is clean, unknown, suspicious, spam, phishing or malicious.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  bartizan check invoice.eml\n  bartizan check dist/ --ndjson\n  bartizan check --list rows.jsonl --ndjson\n\nExit codes: 0 nothing at or above --fail-on; 1 found; 3 something could not be read."
)]
pub(super) struct Check {
    /// Files, folders, links, hashes, or `-` for stdin
    #[arg(required_unless_present = "list")]
    inputs: Vec<String>,
    /// JSON lines {"id","kind":"mail|url|text|prompt","raw"|"url"|"text"}: one result a row, in order
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// One object a line
    #[arg(long)]
    ndjson: bool,
    /// Treat every input as this, whatever it looks like
    #[arg(long = "type", value_enum, value_name = "TYPE")]
    as_type: Option<As>,
    /// From which word on the exit code is 1
    #[arg(long, default_value = "suspicious", value_parser = fail_on)]
    fail_on: Threshold,
    /// Threshold learnt on your own mail (`model calibrate mail-phish --out FILE`)
    #[arg(long, value_name = "FILE")]
    calibration: Option<PathBuf>,
    /// YARA rules beside the built-in ones: a folder, a .yar file, a .tar.zst; may be given several times
    #[arg(long, value_name = "DIR")]
    rules: Vec<PathBuf>,
    /// Keep it in the data directory: what is found becomes an incident
    #[arg(long)]
    record: bool,
    /// Move files judged phishing or malicious out of reach; asks, or needs --yes. `undo PATH` puts one back. Implies --record
    #[arg(long)]
    quarantine: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum As {
    File,
    Mail,
    Url,
    Text,
    Prompt,
}

/// `None` never fails.
#[derive(Clone, Copy)]
struct Threshold(Option<Verdict>);

fn fail_on(word: &str) -> Result<Threshold, String> {
    match word {
        "never" => Ok(Threshold(None)),
        "clean" => Err("everything is at least clean; words are unknown, suspicious, spam, phishing, malicious, never".into()),
        _ => Verdict::parse(word)
            .map(|v| Threshold(Some(v)))
            .ok_or_else(|| "words are unknown, suspicious, spam, phishing, malicious, never".into()),
    }
}

/// One judged thing.
struct Checked {
    input: String,
    /// Of a row of a list.
    id: Option<serde_json::Value>,
    said: Judgement,
    /// First bytes of it, for the log.
    head: Vec<u8>,
    cpu_ms: f64,
    /// A whole file of this machine, with the hash of its bytes.
    is_file: bool,
    sha256: String,
}

/// What the judging needs, once.
struct Judge {
    knowledge: Knowledge,
    fail_on: Threshold,
    found: bool,
    unreadable: bool,
}

impl Judge {
    fn look(&mut self, name: &str, matter: Matter<'_>) -> Checked {
        let start = input::cpu_ms();
        let said = content::judge(&Input { name, matter }, &self.knowledge);
        let cpu_ms = input::cpu_ms() - start;
        self.found |= self.fail_on.0.is_some_and(|least| said.verdict >= least);
        Checked { input: name.to_owned(), id: None, said, head: input::head(matter), cpu_ms, is_file: false, sha256: String::new() }
    }

    /// It could not be read, which is a result as well.
    fn could_not(&mut self, name: &str, code: &str, why: String) -> Checked {
        self.unreadable = true;
        let said = Judgement::unknown("unknown", code, why);
        Checked { input: name.to_owned(), id: None, said, head: Vec::new(), cpu_ms: 0.0, is_file: false, sha256: String::new() }
    }
}

pub(super) fn run(args: &Check, global: &Global) -> Result<Exit, Fail> {
    let mut content = Content::serving(global.content.as_deref(), &crate::paths::data_dir(global.data_dir.as_ref()))?;
    content.add_rules(&args.rules)?;
    let (mut knowledge, said) = content.knowledge()?;
    said.iter().for_each(out::note);
    if let Some(path) = &args.calibration {
        let text = std::fs::read_to_string(path).map_err(|e| Fail::unreadable(path, &e))?;
        let learnt: serde_json::Value = serde_json::from_str(&text).map_err(|e| Fail::new("E0108", format!("{}: {e}", path.display())))?;
        knowledge.config.mail.threshold = learnt.get("threshold").and_then(serde_json::Value::as_f64).map(|limit| limit as f32);
    }
    let mut judge = Judge { knowledge, fail_on: args.fail_on, found: false, unreadable: false };
    let mut record =
        if args.record || args.quarantine { Some(record::Recorder::start(&content, judge.knowledge.clone(), global)?) } else { None };
    let mut teller = say::Teller::new(args.ndjson, global);
    let mut each = |checked: Checked| {
        if let Some(record) = &mut record {
            record.take(&checked);
        }
        teller.tell(&checked);
    };
    if let Some(list) = &args.list {
        rows::each(list, &mut judge, &mut each)?;
    }
    for name in &args.inputs {
        input::each(name, args.as_type, &mut judge, &mut each);
    }
    teller.end();
    if let Some(settled) = record.map(record::Recorder::settle).transpose()? {
        if !args.ndjson && !global.json {
            let mut named: Vec<&Text> = settled.incidents.iter().map(|(_, incident)| incident).collect();
            named.sort_unstable();
            named.dedup();
            for uid in named {
                out::line(format!(" incident {uid}      why: bartizan explain {uid}"));
            }
        }
        let moved = if args.quarantine { evict::evict(&settled, args.ndjson, global) } else { Ok(Exit::Fine) };
        settled.to.stop();
        judge.unreadable |= moved? == Exit::CouldNot;
    }
    Ok(match (judge.unreadable, judge.found) {
        (true, _) => Exit::CouldNot,
        (false, true) => Exit::Found,
        (false, false) => Exit::Fine,
    })
}
