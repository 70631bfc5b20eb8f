//! `playbook lint|list|test`: playbooks before they are used, and those in force.

mod dry_run;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use incident::Playbooks;
use incident::playbook::{Fault, Playbook};
use serde_json::json;

use super::fail::{Exit, Fail};
use super::{Global, out};
use crate::knowledge::Content;
use crate::paths;

/// Playbooks: which findings ask for which actions, within which bounds
#[derive(Args)]
#[command(
    after_help = "Examples:\n  bartizan playbook lint my-playbook.yaml\n  bartizan playbook test my-playbook.yaml --last 7d\n  bartizan playbook list\n\nYour own go into DATA_DIR/playbooks/NAME.yaml and are taken up at the next start.\nExit codes: 0 fine; 1 faults; 3 could not read."
)]
pub(super) struct PlaybookCommand {
    #[command(subcommand)]
    what: Asked,
}

#[derive(Subcommand)]
enum Asked {
    /// Every fault of every file, with its line and what to write instead
    Lint {
        /// Files or folders
        #[arg(required = true)]
        paths: Vec<PathBuf>,
    },
    /// Those in force, with their bounds
    List,
    /// What it would have done about the findings of the log, and whom that would have met; changes nothing
    Test {
        file: PathBuf,
        /// How far back: 24h, 7d
        #[arg(long, default_value = "24h", value_parser = super::order::seconds)]
        last: u32,
    },
}

pub(super) fn run(args: &PlaybookCommand, global: &Global) -> Result<Exit, Fail> {
    match &args.what {
        Asked::Lint { paths } => lint(paths, global),
        Asked::List => {
            let data_dir = paths::data_dir(global.data_dir.as_ref());
            list(&Content::serving(global.content.as_deref(), &data_dir)?.playbooks()?, global);
            Ok(Exit::Fine)
        }
        Asked::Test { file, last } => dry_run::run(file, *last, global),
    }
}

fn lint(paths: &[PathBuf], global: &Global) -> Result<Exit, Fail> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let entries = std::fs::read_dir(path).map_err(|e| Fail::unreadable(path, &e))?;
            let mut inside: Vec<PathBuf> =
                entries.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "yaml" || e == "yml")).collect();
            inside.sort();
            for path in &inside {
                files.push((path.display().to_string(), text(path)?));
            }
        } else {
            files.push((path.display().to_string(), text(path)?));
        }
    }
    let faults: Vec<Fault> = Playbooks::parse(files.iter().map(|(name, text)| (name.as_str(), text.as_str()))).err().unwrap_or_default();
    if global.json {
        let listed: Vec<_> =
            faults.iter().map(|f| json!({"code": f.code, "file": f.file, "line": f.line, "found": f.found, "write": f.write})).collect();
        out::json(&json!({"schema": "bartizan.playbook_lint/1", "files": files.len(), "faults": listed}));
    } else {
        faults.iter().for_each(|fault| out::line(out::shown(&fault.to_string())));
        out::line(format!("{} files, {} faults", files.len(), faults.len()));
    }
    Ok(if faults.is_empty() { Exit::Fine } else { Exit::Found })
}

fn text(path: &Path) -> Result<String, Fail> {
    let bytes = std::fs::read(path).map_err(|e| Fail::unreadable(path, &e))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn list(playbooks: &Playbooks, global: &Global) {
    if global.json {
        let listed: Vec<_> = playbooks.iter().map(row).collect();
        out::json(&json!({"schema": "bartizan.playbooks/1", "playbooks": listed}));
        return;
    }
    for p in playbooks.iter() {
        let steps: Vec<String> = p.steps.iter().map(|s| format!("{} for {} s, at most {} s", s.action, s.first_s, s.max_s)).collect();
        out::line(out::shown(&format!("{}  {} ({})", p.name, p.title, p.approach.word())));
        out::line(format!("        {}", steps.join("; ")));
        out::line(format!("        at most {} in 10 minutes, {} in an hour", p.caps.per_10_min, p.caps.per_hour));
    }
}

fn row(p: &Playbook) -> serde_json::Value {
    let steps: Vec<_> =
        p.steps.iter().map(|s| json!({"do": s.action, "disposition": s.disposition, "for_s": s.first_s, "for_max_s": s.max_s})).collect();
    json!({
        "name": p.name, "title": p.title, "mode": p.approach.word(), "actions": steps, "approval_s": p.approval_s, "errors_max": p.errors_max,
        "caps": {"per_10_min": p.caps.per_10_min, "per_hour": p.caps.per_hour},
    })
}
