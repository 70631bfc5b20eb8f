//! `log retain`: what retention removes, told or done now.

use clap::{Args, Subcommand};
use serde_json::json;
use store::retain::{Policy, Retained};

use super::fail::{Exit, Fail};
use super::{Global, out, text};
use crate::checkpoint;
use crate::clock;

/// What is kept in the log, and for how long
#[derive(Args)]
pub(super) struct Log {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Remove what [retention] says is over; a running Bartizan does so by itself
    #[command(
        after_help = "Examples:\n  bartizan log retain --dry-run\n  bartizan log retain\n\nRecords that open incidents and responses in force need stay, as does what the next start reads. What is removed is said in the\nlog first, and `bartizan audit verify` still proves the rest.\n\nExit codes: 0 done; 3 it could not be done, or Bartizan runs and does it itself."
    )]
    Retain {
        /// Say what would go, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
}

pub(super) fn run(args: &Log, global: &Global) -> Result<Exit, Fail> {
    let Verb::Retain { dry_run } = args.verb;
    let loaded = super::config::place(global).load().map_err(|faults| super::config::fail(&faults))?;
    let dir = loaded.config.program.data_dir;
    // By hand nothing waits for its neighbours.
    let policy = Policy { slack: std::time::Duration::ZERO, ..loaded.config.retention };
    let fault = |error: store::Error| text::cannot_open(&dir, &error);
    let known = checkpoint::offset(&dir);
    let done = if dry_run {
        let log = store::open_read_only(&dir).map_err(fault)?;
        log.retain_dry_run(&policy, known.unwrap_or(u64::MAX), clock::now()).map_err(fault)?
    } else {
        let (mut writer, _) = store::open(&dir, store::Options::default()).map_err(|error| {
            let busy = matches!(error, store::Error::Busy { .. });
            let fail = fault(error);
            if busy { fail.fix("nothing: what runs there removes it by itself, within a day; --dry-run says what") } else { fail }
        })?;
        writer.seal().map_err(fault)?;
        writer.retain_below(known.unwrap_or(u64::MAX));
        writer.retain(&policy, clock::now()).map_err(fault)?
    };
    say(&done, dry_run, &policy, global);
    Ok(Exit::Fine)
}

fn say(done: &Retained, dry_run: bool, policy: &Policy, global: &Global) {
    if global.json {
        let mut object = serde_json::to_value(done).unwrap_or_default();
        (object["schema"], object["dry_run"]) = (json!("bartizan.retain/1"), json!(dry_run));
        object["classes"] =
            done.classes.iter().map(|(word, count)| ((*word).to_owned(), json!(count))).collect::<serde_json::Map<_, _>>().into();
        return out::json(&object);
    }
    let word = if dry_run { "would go" } else { "gone" };
    if policy.hold.everything {
        out::line("hold   everything: nothing is removed while [retention] hold says \"all\"");
    }
    for (class, count) in &done.classes {
        out::line(format!("{count:>12}  {class}"));
    }
    let until = done.until.map(|until| format!(", logged until {until}")).unwrap_or_default();
    let about = if dry_run { "about " } else { "" };
    out::line(format!("{:>12}  {word} from {} segments, {about}{} bytes{until}", done.records, done.segments, done.bytes));
    if dry_run && policy.bytes_max.is_some() {
        out::line("note   told by age; what bytes_max removes beyond it depends on what is left then");
    }
}
