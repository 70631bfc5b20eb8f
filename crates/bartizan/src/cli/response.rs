//! `response list|approve|reject`: what is in force, what waits for a person, and the person's word.

use clap::{Args, Subcommand};
use event::Response;
use event::order::What;
use event::response::Phase;
use serde_json::json;

use super::fail::{Exit, Fail};
use super::{Global, order, out, text};
use crate::{clock, paths};

/// Responses: what is in force, what waits for approval
#[derive(Args)]
#[command(
    after_help = "Examples:\n  bartizan response list\n  bartizan response approve R-1k7qf2m9dxw4\n  bartizan response reject INC-7\n\nWhat nobody approves before its deadline is rejected.\nExit codes: 0 done; 3 could not, or nothing waits by that name; 4 refused."
)]
pub(super) struct ResponseCommand {
    #[command(subcommand)]
    what: Asked,
}

#[derive(Subcommand)]
enum Asked {
    /// What waits and what is in force; with --all also what has ended
    List {
        #[arg(long)]
        all: bool,
    },
    /// Carry out what waits; it lasts as long as was planned, from now on
    Approve {
        /// A response, an incident with all that waits for it, or a target
        id: String,
    },
    /// Leave it; it is not asked for again for the same reason for 24 h
    Reject { id: String },
}

pub(super) fn run(args: &ResponseCommand, global: &Global) -> Result<Exit, Fail> {
    let data_dir = paths::data_dir(global.data_dir.as_ref());
    let log = store::open_read_only(&data_dir).map_err(|e| text::cannot_open(&data_dir, &e))?;
    let (what, word) = match &args.what {
        Asked::List { all } => {
            list(&log, *all, global);
            return Ok(Exit::Fine);
        }
        Asked::Approve { id } => (What::Approve { target: text::whole_id(&log, id)?.as_str().into() }, "carried out"),
        Asked::Reject { id } => (What::Reject { target: text::whole_id(&log, id)?.as_str().into() }, "rejected"),
    };
    drop(log);
    order::finish(&order::carry_out(what, global, &data_dir)?, global, word)
}

fn list(log: &store::Log, all: bool, global: &Global) {
    let now = clock::now();
    let waits = |r: &Response| matches!(r.phase, Phase::Waiting { deadline } if now < deadline);
    let mut responses = log.responses();
    responses.retain(|r| all || waits(r) || r.is_active(now));
    responses.sort_by_key(|r| (!waits(r), std::cmp::Reverse(r.requested), r.uid.clone()));
    if global.json {
        out::json(&json!({"schema": "bartizan.responses/1", "responses": responses}));
        return;
    }
    if responses.is_empty() {
        out::line("nothing waits and nothing is in force");
    }
    for r in &responses {
        let mode = if r.mode == event::response::Mode::Monitor { " (recorded only)" } else { "" };
        let state = incident::state_words(r);
        let line = format!("{}  {} {}{mode}: {state}; {} {}; {}", r.uid, r.verb(), r.target.name, r.by, r.incident, r.reason);
        out::line(out::shown(&line));
        if waits(r) {
            let blast = crate::blast::of(log, &r.target, now).map_or_else(|e| format!("cannot be counted: {e}"), |b| b.to_string());
            out::line(format!("        it would meet: {blast}"));
            out::line(format!("        bartizan response approve {0}   or   bartizan response reject {0}", out::shown(&r.uid)));
        }
    }
}
