//! Remediation Activity 7001.

use serde_json::{Value, json};

use super::{base, ms, observables};
use crate::response::Phase;
use crate::{Event, Response, Severity};

pub(super) fn json(event: &Event, response: &Response) -> Value {
    let activity = match response.phase {
        Phase::Undone { .. } | Phase::Expired { .. } => (99, "Restore"),
        _ => (1, "Isolate"),
    };
    let mut object = base(event, (7, "Remediation"), activity, Severity::Info);
    if !response.incident.is_empty() {
        object["metadata"]["correlation_uid"] = response.incident.as_str().into();
    }
    let (status_id, status) = match &response.phase {
        Phase::Failed { .. } | Phase::Refused { .. } | Phase::Rejected { .. } => (2, "Failure"),
        Phase::Requested | Phase::Waiting { .. } => (0, "Unknown"),
        _ => (1, "Success"),
    };
    object.insert("status_id".into(), status_id.into());
    object.insert("status".into(), status.into());
    object.insert("command_uid".into(), response.uid.as_str().into());
    object.insert("start_time".into(), ms(response.requested));
    object.insert("end_time".into(), ms(response.until));
    // D3FEND: Inbound Traffic Filtering.
    object.insert(
        "countermeasures".into(),
        json!([{"version": "1.0", "d3f_tactic": {"uid": "d3f:Isolate", "name": "Isolate"},
            "d3f_technique": {"uid": "D3-ITF", "name": "Inbound Traffic Filtering"}}]),
    );
    object.insert("observables".into(), observables(std::slice::from_ref(&response.target)));
    object.insert("unmapped".into(), serde_json::to_value(response).unwrap_or_default());
    Value::Object(object)
}
