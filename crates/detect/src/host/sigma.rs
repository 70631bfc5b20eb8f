//! Sigma rules: what others already know about attacks in logs.

use std::sync::Arc;

use event::analytic::AnalyticKind;
use event::finding::{AnalyticName, Evidence, Match, Reason};
use event::{Analytic, Bytes, Event, Finding, Score, Severity, Technique, attack, short_id};
use rule::sigma::{Hit, Level, Set};

use crate::acting::acting;
use crate::{Detector, Scope, Seen, Spec, StateError};

const HEADER: &str = "\
Reads:      events with native fields (Windows, audit log, syslog, CloudTrail, Zeek), web requests, DNS and flows; each rule those of its log source.
Evidence:   the record, with the fields that the rule matched.
Score:      by the level of the rule: informational 0.10, low 0.25, medium 0.50, high 0.75, critical 0.90. One finding for each rule, acting entity and day, with every record.
State:      none.
Mistaken:   what the rule's author names as false positives stands in the text.";

pub const SPEC: Spec = Spec {
    analytic: Analytic { uid: "host.sigma", name: "Sigma rules", version: "1.0.0", kind: AnalyticKind::Rule, techniques: &[] },
    scope: Scope::Event,
    header: HEADER,
    build: |knowledge| Box::new(Sigma { rules: Arc::clone(&knowledge.sigma) }),
};

struct Sigma {
    rules: Arc<Set>,
}

/// Bytes of the record kept as evidence.
const RAW_BYTES_MAX: usize = 4 << 10;
/// Matched fields that are told.
const REASONS_MAX: usize = 8;

impl Detector for Sigma {
    fn detect(&mut self, event: &Event, _seen: &Seen, out: &mut Vec<Finding>) {
        if !self.rules.is_empty() {
            out.extend(self.rules.hits(event).into_iter().map(|hit| finding(event, &hit)));
        }
    }

    fn is_gathered(&self) -> bool {
        true
    }

    fn save(&self) -> Vec<u8> {
        Vec::new()
    }

    fn load(&mut self, _state: &[u8]) -> Result<(), StateError> {
        Ok(())
    }
}

fn weight(level: Level) -> (Severity, f32) {
    match level {
        Level::Informational => (Severity::Info, 0.1),
        Level::Low => (Severity::Low, 0.25),
        Level::Medium => (Severity::Medium, 0.5),
        Level::High => (Severity::High, 0.75),
        Level::Critical => (Severity::Critical, 0.9),
    }
}

/// Ids of a later ATT&CK, which split impaired defences into techniques of their own, and what they are in the version of our table.
const LATER: &[(&str, &str)] = &[
    ("T1685", "T1562.001"),
    ("T1685.001", "T1562.002"),
    ("T1685.002", "T1562.008"),
    ("T1685.004", "T1562.012"),
    ("T1685.005", "T1070.001"),
    ("T1685.006", "T1070.002"),
    ("T1686", "T1562.004"),
    ("T1686.001", "T1562.007"),
    ("T1686.002", "T1562.004"),
    ("T1686.003", "T1562.004"),
    ("T1689", "T1562.010"),
    ("T1690", "T1562.006"),
];

/// `attack.t1059.001`; a sub-technique that the table does not know is told as its technique.
fn techniques(tags: &[String]) -> Vec<Technique> {
    let mut all: Vec<Technique> = Vec::new();
    for tag in tags {
        let Some(uid) = tag.to_ascii_lowercase().strip_prefix("attack.t").map(|rest| format!("T{rest}")) else { continue };
        let later = LATER.iter().find(|(new, _)| *new == uid).and_then(|(_, known)| attack::by_uid(known));
        let known = later.or_else(|| attack::by_uid(&uid)).or_else(|| attack::by_uid(uid.split('.').next().unwrap_or_default()));
        all.extend(known.filter(|technique| !all.contains(technique)));
    }
    all
}

fn finding(event: &Event, hit: &Hit<'_>) -> Finding {
    let rule = hit.rule;
    let entities = acting(event);
    let actor = entities[0].to_string();
    let (severity, score) = weight(rule.level);
    let reason = |(field, value): &(String, String)| Reason {
        code: "sigma.field".into(),
        text: format!("{field} is {value}"),
        usual: String::new(),
        now: value.clone(),
        push: 1.0,
    };
    let mut reasons: Vec<Reason> = hit.matched.iter().take(REASONS_MAX).map(reason).collect();
    if reasons.is_empty() {
        let text = format!("the words of rule {} stand in the record", rule.title);
        reasons.push(Reason { code: "sigma.words".into(), text, push: 1.0, ..Reason::default() });
    }
    let told = |name: &str, value: &str| if value.is_empty() { String::new() } else { format!("; {name}: {value}") };
    let references = rule.references.iter().take(2).cloned().collect::<Vec<_>>().join(" ");
    let mistaken = rule.false_positives.join("; ");
    let text = format!(
        "{}{}{}{}{}",
        if rule.description.is_empty() { rule.title.as_str() } else { rule.description.trim() },
        told("mistaken for it", &mistaken),
        told("author", &rule.author),
        told("reference", &references),
        told("licence", &rule.license),
    );
    let kept = &event.raw[..event.raw.len().min(RAW_BYTES_MAX)];
    let matches = hit.matched.iter().filter_map(|(field, value)| {
        let start = find(kept, value.as_bytes())?;
        Some(Match {
            by: format!("rule {}", rule.id).into(),
            target: field.as_str().into(),
            decoded: value.clone(),
            start: start as u32,
            end: (start + value.len()) as u32,
        })
    });
    let evidence = Evidence {
        source: event.meta.source.clone(),
        record: event.meta.record,
        event_uid: event.meta.uid,
        time: event.meta.time,
        raw: Bytes::from(&event.raw[..event.raw.len().min(RAW_BYTES_MAX)]),
        matches: matches.collect(),
    };
    let finding = Finding {
        uid: short_id("F", &[rule.id.as_bytes(), actor.as_bytes()]),
        analytic: AnalyticName {
            uid: rule.id.as_str().into(),
            name: rule.title.as_str().into(),
            version: "".into(),
            kind: AnalyticKind::Rule,
        },
        title: rule.title.clone(),
        text,
        severity,
        techniques: techniques(&rule.tags),
        entities,
        first_seen: event.meta.time,
        last_seen: event.meta.time,
        count: 1,
        evidence: vec![evidence],
        would_change: format!("it rests on this one rule ({}): another value of a named field", rule.source),
        ..Finding::default()
    };
    finding.explained(Score::new(score), reasons)
}

/// Where the value stands in the record as it came; a value that is written otherwise there is not marked.
fn find(raw: &[u8], value: &[u8]) -> Option<usize> {
    if value.is_empty() || value.len() > raw.len() {
        return None;
    }
    memchr::memmem::find(raw, value)
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests;
