//! Incident Finding 2005.

use serde_json::{Value, json};

use super::finding::round;
use super::{attacks, base, evidences, ms, observables};
use crate::incident::{Outcome, Status};
use crate::{Event, Incident};

pub(super) fn json(event: &Event, incident: &Incident) -> Value {
    let activity = match (&incident.status, incident.revision) {
        (Status::Closed { .. }, _) => (3, "Close"),
        (_, 0 | 1) => (1, "Create"),
        _ => (2, "Update"),
    };
    let mut object = base(event, (2, "Findings"), activity, incident.severity);
    object["metadata"]["correlation_uid"] = incident.uid.as_str().into();
    let (status_id, status) = match incident.status {
        Status::Open => (1, "New"),
        Status::Closed { .. } => (5, "Closed"),
    };
    object.insert("status_id".into(), status_id.into());
    object.insert("status".into(), status.into());
    if let Status::Closed { outcome } = incident.status {
        let (verdict_id, verdict) = match outcome {
            Outcome::True => (2, "True Positive"),
            Outcome::False => (1, "False Positive"),
            Outcome::BenignButOdd => (99, "Benign but odd"),
        };
        object.insert("verdict_id".into(), verdict_id.into());
        object.insert("verdict".into(), verdict.into());
    }
    object.insert("desc".into(), incident.story.as_str().into());
    object.insert("start_time".into(), ms(incident.first_seen));
    object.insert("end_time".into(), ms(incident.last_seen));
    object.insert("count".into(), incident.event_count.into());
    object.insert("confidence_score".into(), ((incident.score.value() * 100.0).round() as u32).into());
    object.insert("is_suspected_breach".into(), incident.succeeded.into());
    object.insert("attacks".into(), attacks(&incident.techniques));
    let findings: Vec<Value> = incident.findings.iter().map(|uid| json!({"uid": uid.as_str(), "title": incident.title})).collect();
    object.insert("finding_info_list".into(), findings.into());
    object.insert("observables".into(), observables(&incident.entities));
    // OCSF asks for whom it is; Bartizan hands incidents to everybody who operates it.
    object.insert("assignee_group".into(), json!({"name": "operators"}));
    let stages: Vec<Value> = incident
        .stages
        .iter()
        .map(|s| {
            json!({
                "analytic": s.analytic.as_str(), "title": s.title, "text": s.text, "count": s.count, "first_seen_time": ms(s.first_seen),
                "last_seen_time": ms(s.last_seen), "score": round(s.score.value()), "rules": s.rules, "models": s.models,
                "finding": s.finding.as_str(),
            })
        })
        .collect();
    let reasons: Vec<Value> = incident
        .reasons
        .iter()
        .map(|r| json!({"code": r.code.as_str(), "text": r.text, "usual": r.usual, "now": r.now, "push": round(r.push)}))
        .collect();
    object.insert(
        "unmapped".into(),
        json!({
            "title": incident.title, "revision": incident.revision, "stages": stages, "reasons": reasons,
            "would_change": incident.would_change, "blocked": incident.blocked_count, "passed": incident.passed_count,
            "finding_total": incident.finding_count, "responses": incident.responses, "merged_into": incident.merged_into,
            "risk_score": incident.risk, "evidences": evidences(&incident.evidence), "evidence_total": incident.event_count,
        }),
    );
    Value::Object(object)
}
