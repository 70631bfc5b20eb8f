//! Reading the log for pages: what several pages ask in the same way.

use std::collections::BTreeMap;
use std::sync::Arc;

use event::order::What;
use event::response::{Mode, Phase};
use event::{Body, Entity, Event, Finding, Http, Incident, Response, Severity, Text, Time};
use store::{IncidentFilter, Log, Query};

/// Incidents that need a person: open, and at least medium.
pub(crate) fn needs_you(log: &Log, limit: usize) -> Vec<Arc<Incident>> {
    let filter = IncidentFilter { open: true, severity: Some(Severity::Medium), ..IncidentFilter::default() };
    let mut all = log.incidents(&filter);
    all.retain(|i| i.merged_into.is_none());
    all.sort_by_key(|i| std::cmp::Reverse((i.severity, i.last_seen)));
    all.truncate(limit);
    all
}

/// Newest first.
pub(crate) fn incidents(log: &Log) -> Vec<Arc<Incident>> {
    let mut all = log.incidents(&IncidentFilter::default());
    all.retain(|i| i.merged_into.is_none());
    all.sort_by(|a, b| (b.last_seen, &b.uid).cmp(&(a.last_seen, &a.uid)));
    all
}

/// Newest first.
pub(crate) fn responses(log: &Log) -> Vec<Arc<Response>> {
    let mut all = log.responses();
    all.sort_by(|a, b| (b.requested, &b.uid).cmp(&(a.requested, &a.uid)));
    all
}

/// Newest first, oldest of the same moment last.
pub(crate) fn responses_of(log: &Log, incident: &str) -> Vec<Arc<Response>> {
    let mut all = log.responses_of(incident);
    all.sort_by_key(|r| r.requested);
    all.reverse();
    all
}

/// What a response is doing, in a word or two that a person does not have to translate.
pub(crate) fn standing(response: &Response, now: Time) -> &'static str {
    match (&response.phase, response.mode) {
        (Phase::Applied { .. }, _) if now >= response.until => "ended",
        (Phase::Applied { .. }, Mode::Enforce) => "in force",
        (Phase::Applied { .. }, Mode::Monitor) => "recorded only",
        (Phase::Waiting { .. }, _) => "waits for approval",
        (Phase::Rejected { .. }, _) => "rejected",
        (Phase::Requested, _) => "asked for",
        (Phase::Refused { .. }, _) => "refused",
        (Phase::Failed { .. }, _) => "failed",
        (Phase::Undone { .. }, _) => "undone",
        (Phase::Expired { .. }, _) => "ended",
    }
}

/// A gateway request and the findings about it.
pub(crate) struct Request {
    pub(crate) offset: u64,
    pub(crate) event: Event,
    pub(crate) findings: Vec<Finding>,
}

impl Request {
    pub(crate) fn http(&self) -> Option<&Http> {
        match &self.event.body {
            Body::Http(http) => Some(http),
            _ => None,
        }
    }
}

pub(crate) fn request(log: &Log, id: &str) -> Result<Option<Request>, store::Error> {
    let Some((offset, event)) = log.request(id)? else { return Ok(None) };
    let mut findings: Vec<Finding> = Vec::new();
    // The request's findings are appended right after it; a query is asked only when they are not.
    for (_, event) in log.read(offset, 64)? {
        take(&mut findings, event, id);
    }
    if findings.is_empty()
        && let Ok(query) = Query::parse(&format!("class:finding request:{id}"))
    {
        for (_, event) in log.query(&Query { limit: 10, rows_max: 200_000, ..query })?.rows.into_iter().rev() {
            take(&mut findings, event, id);
        }
    }
    findings.sort_by(|a, b| b.score.value().total_cmp(&a.score.value()));
    Ok(Some(Request { offset, event, findings }))
}

/// A later state of a finding replaces an earlier one.
fn take(findings: &mut Vec<Finding>, event: Event, request: &str) {
    let Body::Finding(finding) = event.body else { return };
    if finding.request_id.as_deref() == Some(request) {
        findings.retain(|f| f.uid != finding.uid);
        findings.push(*finding);
    }
}

/// The request behind an incident's strongest proof.
pub(crate) fn request_of(log: &Log, incident: &Incident) -> Option<Text> {
    let stage = incident.stages.iter().max_by(|a, b| a.score.value().total_cmp(&b.score.value()))?;
    let names = std::iter::once(&stage.finding).chain(incident.findings.iter().take(3));
    names.filter(|n| !n.is_empty()).find_map(|name| match log.finding(name).ok()??.1.body {
        Body::Finding(finding) => finding.request_id,
        _ => None,
    })
}

/// What the rules said, by number: names and messages of an incident's stages.
pub(crate) fn rules_of(log: &Log, incident: &Incident) -> BTreeMap<u32, Text> {
    let mut rules: BTreeMap<u32, Text> = incident.stages.iter().flat_map(|s| s.rules.iter().map(|id| (*id, Text::default()))).collect();
    for stage in incident.stages.iter().take(12) {
        let Ok(Some((_, event))) = log.finding(&stage.finding) else { continue };
        let Body::Finding(finding) = event.body else { continue };
        for hit in finding.rules {
            rules.insert(hit.id, hit.message);
        }
    }
    rules
}

/// How often an entity acted, newest incident first.
pub(crate) struct Actor {
    pub(crate) entity: Entity,
    pub(crate) risk: u8,
    pub(crate) open: usize,
    pub(crate) incidents: Vec<Arc<Incident>>,
}

/// Actors of incidents, riskiest first.
pub(crate) fn actors(log: &Log, limit: usize) -> Vec<Actor> {
    let mut by_entity: BTreeMap<Entity, Vec<Arc<Incident>>> = BTreeMap::new();
    for incident in incidents(log) {
        for entity in incident.entities.iter().take(20) {
            by_entity.entry(entity.clone()).or_default().push(incident.clone());
        }
    }
    let mut all: Vec<Actor> = by_entity
        .into_iter()
        .map(|(entity, incidents)| Actor {
            risk: incidents.iter().filter(|i| i.actor() == Some(&entity)).map(|i| i.risk).max().unwrap_or(0),
            open: incidents.iter().filter(|i| i.is_open()).count(),
            entity,
            incidents,
        })
        .collect();
    all.sort_by(|a, b| (b.risk, b.open, b.incidents.len()).cmp(&(a.risk, a.open, a.incidents.len())).then_with(|| a.entity.cmp(&b.entity)));
    all.truncate(limit);
    all
}

/// One line for the trail and the live stream.
pub(crate) fn order_text(what: &What) -> String {
    match what {
        What::Undo { target } => format!("undo {target}"),
        What::Approve { target } => format!("approve {target}"),
        What::Reject { target } => format!("reject {target}"),
        What::Redo { receipt } => format!("redo {receipt}"),
        What::Block { entity, for_s, disposition, .. } => {
            format!("{} {entity} for {}", disposition.word(), crate::part::span(f64::from(*for_s)))
        }
        What::Close { incident, outcome, .. } => format!("close {incident} as {}", outcome.word().replace('_', " ")),
        What::Reopen { incident } => format!("reopen {incident}"),
        What::Note { incident, .. } => format!("note on {incident}"),
        What::Quarantine { path, .. } => format!("quarantine {path}"),
        What::Enforce { on: true } => "start blocking".to_owned(),
        What::Enforce { on: false } => "stop blocking: record only".to_owned(),
        What::Retain(retain) => format!("remove {} records by {}", retain.records, retain.rule),
        What::SignIn { granted: true, .. } => "signed in".to_owned(),
        What::SignIn { granted: false, unsaid: 0 } => "sign-in refused: the link was never made, used or too old".to_owned(),
        What::SignIn { granted: false, unsaid } => {
            format!("sign-in refused: the link was never made, used or too old; {unsaid} more before it")
        }
        What::TakeUp { thing, version, text, refused, .. } => {
            let verb = if *refused { "refused" } else { "took up" };
            let parts = [verb, thing.as_str(), version.as_str(), text.as_str()];
            parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
        }
    }
}
