//! `incident list|show|close|note`: what happened.

use clap::{Args, Subcommand};
use event::incident::{Outcome, Status};
use event::order::What;
use event::{Body, Event, Incident, Meta, Severity, Uid};
use serde_json::json;

use super::fail::{Exit, Fail};
use super::{Global, order, out, text};
use crate::{clock, paths};

/// What happened: list, show, close, note
#[derive(Args)]
#[command(
    after_help = "Examples:\n  bartizan incident list\n  bartizan incident show INC-1\n  bartizan incident close INC-1 --as false --note 'our own test'\n\nExit codes: 0 fine; 3 no such incident."
)]
pub(super) struct IncidentCommand {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Newest first
    List {
        /// Closed ones as well
        #[arg(long)]
        all: bool,
        #[arg(long, value_parser = severity, default_value = "info")]
        severity: Severity,
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// One OCSF object a line
        #[arg(long)]
        ndjson: bool,
    },
    /// The whole story of one
    Show { id: String },
    /// End it: true, false (alarm) or benign_but_odd
    Close {
        id: String,
        #[arg(long = "as", value_parser = outcome)]
        outcome: Outcome,
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Open a closed one again
    Reopen { id: String },
    /// Write into its trail
    Note { id: String, text: String },
}

fn severity(word: &str) -> Result<Severity, String> {
    Severity::parse(word).ok_or_else(|| format!("{word:?} is none of info, low, medium, high, critical"))
}

fn outcome(word: &str) -> Result<Outcome, String> {
    Outcome::parse(word).ok_or_else(|| format!("{word:?} is none of true, false, benign_but_odd"))
}

pub(super) fn run(args: &IncidentCommand, global: &Global) -> Result<Exit, Fail> {
    let dir = paths::data_dir(global.data_dir.as_ref());
    let open = || store::open_read_only(&dir).map_err(|e| text::cannot_open(&dir, &e));
    match &args.verb {
        Verb::List { all, severity, limit, ndjson } => list(&open()?, *all, *severity, *limit, *ndjson, global),
        Verb::Show { id } => {
            let log = open()?;
            let id = text::whole_id(&log, id)?;
            let incident =
                log.incident(&id).ok_or_else(|| Fail::new("E0402", format!("no incident {id}")).fix("bartizan incident list"))?;
            show(&log, &incident, global);
            Ok(Exit::Fine)
        }
        Verb::Close { id, outcome, note } => {
            let what = What::Close { incident: id.as_str().into(), outcome: *outcome, note: note.clone() };
            order::finish(&order::carry_out(what, global, &dir)?, global, "closed")
        }
        Verb::Reopen { id } => {
            order::finish(&order::carry_out(What::Reopen { incident: id.as_str().into() }, global, &dir)?, global, "reopened")
        }
        Verb::Note { id, text } => {
            let what = What::Note { incident: id.as_str().into(), text: text.clone() };
            order::finish(&order::carry_out(what, global, &dir)?, global, "noted")
        }
    }
}

fn list(log: &store::Log, all: bool, severity: Severity, limit: usize, ndjson: bool, global: &Global) -> Result<Exit, Fail> {
    let filter = store::IncidentFilter { open: !all, severity: Some(severity), limit: usize::MAX, ..Default::default() };
    let found = log.incidents(&filter);
    if ndjson {
        for incident in found.iter().take(limit) {
            out::json(&ocsf(incident));
        }
        return Ok(Exit::Fine);
    }
    if global.json {
        let rows: Vec<_> = found.iter().take(limit).map(|i| ocsf(i)).collect();
        out::json(&json!({"schema": "bartizan.incidents/1", "total": found.len(), "incidents": rows}));
        return Ok(Exit::Fine);
    }
    if found.is_empty() {
        let facts = log.facts();
        out::line(format!(" no incidents in {} events", facts.records));
        return Ok(Exit::Fine);
    }
    for incident in found.iter().take(limit) {
        out::line(text::incident_row(incident));
    }
    if found.len() > limit {
        out::line(format!(" and {} more: --limit {}", found.len() - limit, found.len()));
    }
    Ok(Exit::Fine)
}

pub(super) fn ocsf(incident: &Incident) -> serde_json::Value {
    let meta = Meta {
        time: incident.last_seen,
        logged: incident.last_seen,
        uid: Uid::of_record(&incident.uid, u64::from(incident.revision)),
        ..Meta::default()
    };
    event::ocsf::json(&Event::new(meta, Body::Incident(Box::new(incident.clone())), event::Bytes::default()))
}

/// In the order of the incident page: what happened, what we did, why, what you can do, proof.
pub(super) fn show(log: &store::Log, incident: &Incident, global: &Global) {
    let responses = log.responses_of(&incident.uid);
    if global.json {
        let mut object = ocsf(incident);
        object["responses"] = responses.iter().map(|r| serde_json::to_value(&**r).unwrap_or_default()).collect();
        object["schema"] = "bartizan.incident/1".into();
        return out::json(&object);
    }
    let now = clock::now();
    let state = match &incident.status {
        Status::Open => "open".to_owned(),
        Status::Closed { outcome } => format!("closed as {}", outcome.word()),
    };
    out::line(format!(
        " {}  {}  {state}  risk {}  {}",
        incident.uid,
        out::severity(incident.severity),
        incident.risk,
        out::shown(&incident.title)
    ));
    out::line(format!(" what   {}", out::shown(&incident.story)));
    out::line(format!("        confidence {:.2}, {} events", incident.score.value(), incident.event_count));
    if let Some(other) = &incident.merged_into {
        out::line(format!("        part of {other} since: bartizan explain {other}"));
    }
    let did: Vec<String> = responses.iter().map(|r| text::response(r, now)).collect();
    out::line(format!(" did    {}", did.first().map_or("nothing", String::as_str)));
    for line in did.iter().skip(1).take(9) {
        out::line(format!("        {line}"));
    }
    if did.len() > 10 {
        out::line(format!("        and {} more", did.len() - 10));
    }
    text::reasons(&incident.reasons);
    if !incident.would_change.is_empty() {
        out::line(format!("        would change it: {}", out::shown(&incident.would_change)));
    }
    for stage in &incident.stages {
        let by = rules_and_models(stage);
        out::line(format!(" stage  {}  {} x {}{by}", text::time(stage.first_seen), stage.count, out::shown(&stage.title)));
    }
    for technique in &incident.techniques {
        out::line(format!(" att&ck {} {}", technique.uid, technique.name));
    }
    if responses.iter().any(|r| r.is_active(now)) {
        out::line(format!(" do     bartizan undo {}      lets it in again", incident.uid));
    }
    out::line(format!("        bartizan incident close {} --as true|false|benign_but_odd", incident.uid));
    for entry in incident.trail.iter().rev().take(10).rev() {
        out::line(format!(" trail  {}  {}  {}", text::time(entry.time), out::shown(&entry.by), out::shown(&entry.text)));
    }
    text::evidence(&incident.evidence, 3);
}

fn rules_and_models(stage: &event::incident::Stage) -> String {
    let mut by = String::new();
    if !stage.rules.is_empty() {
        let ids: Vec<String> = stage.rules.iter().take(8).map(ToString::to_string).collect();
        by.push_str(&format!("  rules {}", ids.join(" ")));
    }
    if !stage.models.is_empty() {
        by.push_str(&format!("  model {}", stage.models.join(", ")));
    }
    if by.is_empty() { format!("  {}", stage.analytic) } else { by }
}
