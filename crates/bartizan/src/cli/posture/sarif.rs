//! SARIF 2.1.0, with fingerprints that survive moved lines.

use rule::posture::Rules;
use serde_json::{Value, json};

use super::Found;

pub(super) fn log(rules: &Rules, found: &[Found<'_>]) -> Value {
    let level = |severity: event::Severity| match severity {
        event::Severity::Critical | event::Severity::High => "error",
        event::Severity::Medium => "warning",
        _ => "note",
    };
    let described: Vec<Value> = rules
        .all()
        .iter()
        .map(|r| {
            json!({"id": r.id, "shortDescription": {"text": r.title}, "fullDescription": {"text": r.why}, "help": {"text": r.fix},
                "defaultConfiguration": {"level": level(r.severity)}, "properties": {"tags": r.aliases}})
        })
        .collect();
    let results: Vec<Value> = found
        .iter()
        .map(|f| {
            let rule = &rules.all()[f.verdict.rule];
            let suppressions: Vec<Value> = f.suppressed.iter().map(|s| json!({"kind": "inSource", "justification": s["reason"]})).collect();
            json!({
                "ruleId": rule.id, "ruleIndex": f.verdict.rule, "level": level(rule.severity),
                "message": {"text": format!("{}: {}. {} {}", f.item.address, rule.title, rule.why, rule.fix)},
                "locations": [{
                    "physicalLocation": {
                        "artifactLocation": {"uri": f.item.file},
                        "region": {"startLine": f.line.max(1), "endLine": f.end_line.max(f.line).max(1)},
                    },
                    "logicalLocations": [{"fullyQualifiedName": f.item.address, "kind": "resource"}],
                }],
                "partialFingerprints": {"bartizan/v1": f.fingerprint},
                "suppressions": suppressions,
            })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
        "runs": [{"tool": {"driver": {"name": "bartizan", "version": env!("CARGO_PKG_VERSION"), "rules": described}}, "results": results}],
    })
}
