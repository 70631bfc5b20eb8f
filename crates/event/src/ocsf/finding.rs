//! Detection Finding 2004.

use serde_json::{Value, json};

use super::{attacks, base, evidences, ms, observables};
use crate::{Event, Finding};

pub(super) fn json(event: &Event, finding: &Finding) -> Value {
    let mut object = base(event, (2, "Findings"), (1, "Create"), finding.severity);
    let a = &finding.analytic;
    let reasons: Vec<Value> = finding
        .reasons
        .iter()
        .map(|r| json!({"code": r.code.as_str(), "text": r.text, "usual": r.usual, "now": r.now, "push": round(r.push)}))
        .collect();
    let rules: Vec<Value> = finding
        .rules
        .iter()
        .map(|r| json!({"id": r.id, "message": r.message.as_str(), "tags": r.tags, "target": r.target.as_str(), "matched": r.matched}))
        .collect();
    let models: Vec<Value> =
        finding.models.iter().map(|m| json!({"name": m.name.as_str(), "version": m.version.as_str(), "score": round(m.score)})).collect();
    object.insert(
        "finding_info".into(),
        json!({
            "uid": finding.uid.as_str(), "title": finding.title, "desc": finding.text,
            "first_seen_time": ms(finding.first_seen), "last_seen_time": ms(finding.last_seen), "created_time": ms(event.meta.time),
            "analytic": {
                "uid": a.uid.as_str(), "name": a.name.as_str(), "version": a.version.as_str(),
                "type_id": a.kind as u8, "type": a.kind.caption(),
            },
            "attacks": attacks(&finding.techniques),
        }),
    );
    object.insert("attacks".into(), attacks(&finding.techniques));
    object.insert("status_id".into(), 1.into());
    object.insert("status".into(), "New".into());
    object.insert("is_alert".into(), true.into());
    object.insert("count".into(), finding.count.into());
    object.insert("risk_score".into(), ((finding.score.value() * 100.0).round() as u32).into());
    object.insert("confidence_score".into(), ((finding.score.value() * 100.0).round() as u32).into());
    object.insert("observables".into(), observables(&finding.entities));
    object.insert("evidences".into(), evidences(&finding.evidence));
    let omitted = finding.count.saturating_sub(finding.evidence.len() as u64);
    object.insert(
        "unmapped".into(),
        json!({
            "reasons": reasons, "rules": rules, "models": models, "would_change": finding.would_change, "evidences_omitted": omitted,
            "evidence_total": finding.count, "succeeded": finding.succeeded, "request_id": finding.request_id,
        }),
    );
    if let Some(c) = &finding.compliance {
        let requirements: Vec<&str> = c.requirements.iter().map(crate::Text::as_str).collect();
        object.insert(
            "compliance".into(),
            json!({"control": c.rule.as_str(), "requirements": requirements, "standards": [], "status_id": 3, "status": "Fail"}),
        );
        object.insert("resources".into(), json!([{"uid": c.resource, "name": c.resource}]));
        object.insert("remediation".into(), json!({"desc": c.fix}));
        object["unmapped"]["compliance"] = json!({
            "file": c.file, "line": c.line, "end_line": c.end_line, "aliases": c.aliases, "fingerprint": c.fingerprint.as_str(),
        });
    }
    let mut profiles = vec![];
    if let Some(verdict) = finding.verdict {
        let ((disposition_id, disposition), (action_id, action)) = (verdict.disposition(), verdict.action());
        object.insert("disposition_id".into(), disposition_id.into());
        object.insert("disposition".into(), disposition.into());
        object.insert("action_id".into(), action_id.into());
        object.insert("action".into(), action.into());
    }
    profiles.push("security_control");
    object["metadata"]["profiles"] = json!(profiles);
    Value::Object(object)
}

/// Six decimals: enough to sort by, short enough to read.
pub(super) fn round(value: f32) -> f64 {
    (f64::from(value) * 1e6).round() / 1e6
}
