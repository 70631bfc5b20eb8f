//! `replay PATH...`: findings and incidents of files as OCSF; nothing is stored, nothing is done.

mod past;

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use event::response::Mode;
use event::{Body, Event, Incident, Uid};

use super::fail::{Exit, Fail};
use super::{Global, incident, out, text};
use crate::feed;
use crate::geo::Places;
use crate::knowledge::Content;
use crate::pipeline::{Inline, Outcome, Pipeline};
use crate::service::Service;

/// Run files through the pipeline and print what it finds
#[derive(Args)]
#[command(
    after_help = "Examples:\n  bartizan replay access.log --ndjson\n  bartizan replay /var/log --emit events | head\n  bartizan replay --last 7d --rule mine.yml\n\nExit codes: 0 read; 3 something could not be read."
)]
pub(super) struct Replay {
    /// Files or folders
    #[arg(required_unless_present = "last")]
    paths: Vec<PathBuf>,
    /// The last 24h, 7d, .. of the log instead of files; with --rule: what these rules would have changed
    #[arg(long, value_name = "SPAN", value_parser = super::order::seconds, conflicts_with_all = ["paths", "ndjson", "emit", "geo", "format"])]
    last: Option<u32>,
    #[arg(long, default_value = "auto")]
    format: String,
    /// Sigma rules beside the built-in ones: a folder, a .yml file, a .tar.zst; may be given several times
    #[arg(long, visible_alias = "rule", value_name = "DIR")]
    rules: Vec<PathBuf>,
    #[arg(long)]
    ndjson: bool,
    /// Print every normalised event, or the responses as well
    #[arg(long, value_enum, default_value = "findings")]
    emit: Emit,
    /// Threads that decode and detect; the result is the same for any number
    #[arg(long)]
    shards: Option<usize>,
    /// Location file for sign-ins whose records name no country [default: that of the data directory, when it has one]
    #[arg(long, value_name = "FILE")]
    geo: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Emit {
    Findings,
    Events,
    Responses,
    /// One line more for each sign-in and use of a session: risk, decision, reasons
    Decisions,
}

pub(super) fn run(args: &Replay, global: &Global) -> Result<Exit, Fail> {
    let shards = args.shards.unwrap_or_else(|| std::thread::available_parallelism().map_or(2, usize::from));
    if let Some(span_s) = args.last {
        return past::run(span_s, &args.rules, shards, global);
    }
    let mut content = Content::load(global.content.as_deref())?;
    content.add_rules(&args.rules)?;
    let (knowledge, said) = content.knowledge()?;
    let (forecaster, unforeseen) = content.forecaster();
    said.iter().chain(&unforeseen).for_each(out::note);
    let (places, unplaced) = match &args.geo {
        Some(file) => (Some(Arc::new(Places::check(file)?)), None),
        None => Places::kept(&crate::paths::data_dir(global.data_dir.as_ref())),
    };
    unplaced.iter().for_each(out::note);
    let files = feed::list(&args.paths)?;
    let mut pipeline = Pipeline::new(&knowledge, shards, ::incident::Never::default(), Mode::Monitor).foreseeing(forecaster).telling_all();
    let lines = args.ndjson || args.emit != Emit::Findings;
    let (mut findings, mut printed) = (0_u64, Vec::new());
    let mut tell = |outcome: Outcome, printed: &mut Vec<u8>| {
        findings += outcome.findings.len() as u64;
        for decision in outcome.decisions.iter().filter(|_| args.emit == Emit::Decisions) {
            write(printed, &login_json(decision));
        }
        if lines {
            for finding in outcome.findings {
                write(printed, &finding_json(finding));
            }
            for response in outcome.planned.into_iter().filter(|_| args.emit == Emit::Responses) {
                let at = response.requested;
                let name = Uid::of_record(&response.uid, 0);
                write(printed, &event::ocsf::json(&Event::own(name, at, Body::Response(Box::new(response)))));
            }
        }
        out::raw(printed);
        printed.clear();
    };
    let mut read = feed::read(&files, feed::format(&args.format)?, shards, &mut |mut events| {
        if let Some(places) = &places {
            places.fill(&mut events);
        }
        if args.emit == Emit::Events {
            for event in &events {
                write(&mut printed, &event::ocsf::json(event));
            }
            out::raw(&printed);
            printed.clear();
        } else {
            tell(pipeline.step(&events, &[], Inline::default(), None), &mut printed);
        }
        std::ops::ControlFlow::Continue(())
    })?;
    tell(pipeline.rest(None), &mut printed);
    read.findings = findings;
    let incidents: Vec<&Incident> = pipeline.correlator.incidents().filter(|i| i.merged_into.is_none()).collect();
    read.rules_refused = knowledge.sigma.refused.len() as u64;
    read.incidents = incidents.len() as u64;
    if lines {
        for incident in incidents {
            write(&mut printed, &incident::ocsf(incident));
        }
        out::raw(&printed);
        out::json(&read.summary());
    } else {
        for incident in incidents {
            out::line(text::incident_row(incident));
        }
        out::line(format!(
            " {} incidents, {} findings in {} events ({} not understood), {:.2} s, {:.0} events/s",
            read.incidents,
            read.findings,
            read.events,
            read.undecoded,
            read.wall_s,
            read.events as f64 / read.wall_s.max(1e-6)
        ));
        if global.json {
            out::json(&read.summary());
        }
    }
    Ok(if read.failed > 0 { Exit::CouldNot } else { Exit::Fine })
}

fn write(out: &mut Vec<u8>, value: &serde_json::Value) {
    if serde_json::to_writer(&mut *out, value).is_ok() {
        out.push(b'\n');
    }
}

/// `bartizan.login/1`
pub(super) fn login_json(decision: &event::LoginDecision) -> serde_json::Value {
    let reasons: Vec<serde_json::Value> =
        decision.reasons.iter().map(|r| serde_json::json!({"code": r.code, "text": r.text, "push": r.push})).collect();
    serde_json::json!({
        "schema": "bartizan.login/1", "id": decision.id, "line": decision.line, "time": decision.time.to_string(), "user": decision.user,
        "risk": decision.risk, "decision": decision.decision, "effective": decision.effective, "prior_logins": decision.prior_logins,
        "reasons": reasons, "model": decision.model,
    })
}

fn finding_json(finding: event::Finding) -> serde_json::Value {
    let name = Uid::of_record(&finding.uid, finding.count);
    let mut event = Event::own(name, finding.last_seen, Body::Finding(Box::new(finding)));
    if let Body::Finding(finding) = &event.body {
        event.meta.source = finding.evidence.first().map(|e| e.source.clone()).unwrap_or_default();
    }
    event::ocsf::json(&event)
}

/// Findings and incidents that the log got since `from`.
pub(super) fn print_from(log: &store::Log, from: u64) -> Result<(), Fail> {
    let mut at = from;
    let mut last: std::collections::BTreeMap<event::Text, Incident> = std::collections::BTreeMap::new();
    loop {
        let rows = log.read(at, 1_024).map_err(|e| Fail::new("E0203", e.to_string()))?;
        let Some((offset, _)) = rows.last() else { break };
        at = offset + 1;
        for (_, row) in &rows {
            match &row.body {
                Body::Finding(_) => out::json(&event::ocsf::json(row)),
                Body::Incident(incident) => {
                    last.insert(incident.uid.clone(), (**incident).clone());
                }
                _ => {}
            }
        }
    }
    for incident in last.values() {
        out::json(&incident::ocsf(incident));
    }
    Ok(())
}

/// Findings and incidents as they come, until dropped.
pub(super) fn live_lines(service: &Service) -> tokio::task::JoinHandle<()> {
    let mut facts = service.shared.live.subscribe();
    let log = service.log.clone();
    service.runtime().spawn(async move {
        loop {
            match facts.recv().await {
                Ok(fact) if fact.kind == "finding" || fact.kind == "incident" => {
                    if let Ok(rows) = log.read(fact.offset, 1) {
                        rows.iter().for_each(|(_, row)| out::json(&event::ocsf::json(row)));
                    }
                }
                Ok(_) | Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
                Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
            }
        }
    })
}
