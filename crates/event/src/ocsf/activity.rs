//! HTTP 4002, Authentication 3002, Process 1007 and Base Event 0.

use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::{base, opt};
use crate::authentication::{Action, Outcome};
use crate::order::Order;
use crate::{Authentication, Event, Http, Process, Severity};

pub(super) fn endpoint(ip: Option<IpAddr>, port: Option<u16>) -> Value {
    let mut object = Map::new();
    if let Some(ip) = ip {
        object.insert("ip".into(), ip.to_string().into());
    }
    if let Some(port) = port {
        object.insert("port".into(), port.into());
    }
    Value::Object(object)
}

pub(super) fn http(event: &Event, http: &Http) -> Value {
    let activity = match http.method.as_str() {
        "CONNECT" => (1, "Connect"),
        "DELETE" => (2, "Delete"),
        "GET" => (3, "Get"),
        "HEAD" => (4, "Head"),
        "OPTIONS" => (5, "Options"),
        "POST" => (6, "Post"),
        "PUT" => (7, "Put"),
        "TRACE" => (8, "Trace"),
        "PATCH" => (9, "Patch"),
        "" => (0, "Unknown"),
        _ => (99, "Other"),
    };
    let mut object = base(event, (4, "Network Activity"), activity, Severity::Info);
    let mut url = Map::new();
    opt(&mut url, "hostname", &http.host);
    opt(&mut url, "path", http.path());
    opt(&mut url, "query_string", http.query());
    opt(&mut url, "url_string", &http.target);
    let mut request = Map::new();
    opt(&mut request, "http_method", &http.method);
    opt(&mut request, "user_agent", &http.user_agent);
    opt(&mut request, "referrer", &http.referrer);
    opt(&mut request, "version", &http.version);
    opt(&mut request, "uid", http.request_id.as_deref().unwrap_or(""));
    request.insert("url".into(), Value::Object(url));
    if let Some(length) = http.request_bytes {
        request.insert("length".into(), length.into());
    }
    if !http.headers.is_empty() {
        let headers: Vec<Value> = http.headers.iter().map(|(name, value)| json!({"name": name.as_str(), "value": value})).collect();
        request.insert("http_headers".into(), headers.into());
    }
    object.insert("http_request".into(), Value::Object(request));
    let mut response = Map::new();
    response.insert("code".into(), http.status.unwrap_or(0).into());
    if let Some(length) = http.response_bytes {
        response.insert("length".into(), length.into());
    }
    object.insert("http_response".into(), Value::Object(response));
    object.insert("src_endpoint".into(), endpoint(http.client, http.client_port));
    object.insert("dst_endpoint".into(), json!({"hostname": http.host.as_str()}));
    let mut profiles = Vec::new();
    if !http.user.is_empty() {
        object.insert("actor".into(), json!({"user": {"name": http.user.as_str()}}));
        profiles.push("host");
    }
    if let Some(verdict) = http.verdict {
        let ((disposition_id, disposition), (action_id, action)) = (verdict.disposition(), verdict.action());
        object.insert("disposition_id".into(), disposition_id.into());
        object.insert("disposition".into(), disposition.into());
        object.insert("action_id".into(), action_id.into());
        object.insert("action".into(), action.into());
        profiles.push("security_control");
    }
    if !profiles.is_empty() {
        object["metadata"]["profiles"] = json!(profiles);
    }
    if let Some(us) = http.duration_us {
        object.insert("duration".into(), (us / 1000).into());
    }
    Value::Object(object)
}

pub(super) fn authentication(event: &Event, auth: &Authentication) -> Value {
    let activity = match auth.action {
        Action::Login | Action::StepUp | Action::Session => (1, "Logon"),
        Action::Logout => (2, "Logoff"),
        // OCSF 1.8 has no word for a connection that ends before anybody signed in.
        Action::Preauth => (99, "Preauth"),
        Action::PasswordReset | Action::MfaReset => (99, "Other"),
    };
    let severity = if auth.outcome == Outcome::Failure { Severity::Low } else { Severity::Info };
    let mut object = base(event, (3, "Identity & Access Management"), activity, severity);
    let (status_id, status) = match auth.outcome {
        Outcome::Success => (1, "Success"),
        Outcome::Failure => (2, "Failure"),
        Outcome::Pending => (99, "Pending"),
    };
    object.insert("status_id".into(), status_id.into());
    object.insert("status".into(), status.into());
    opt(&mut object, "status_detail", &auth.reason);
    object.insert("user".into(), json!({"name": auth.user.as_str()}));
    let mut src = endpoint(auth.client, auth.client_port);
    if !auth.country.is_empty() {
        src["location"] = json!({"country": auth.country.as_str()});
    }
    if let Some(asn) = auth.asn {
        src["autonomous_system"] = json!({"number": asn});
    }
    object.insert("src_endpoint".into(), src);
    object.insert("dst_endpoint".into(), json!({"hostname": auth.host.as_str(), "svc_name": auth.service.as_str()}));
    object.insert("service".into(), json!({"name": auth.service.as_str()}));
    if !auth.session.is_empty() {
        object.insert("session".into(), json!({"uid": auth.session.as_str()}));
    }
    let mut unmapped = Map::new();
    opt(&mut unmapped, "factor", &auth.factor);
    opt(&mut unmapped, "user_agent", &auth.user_agent);
    opt(&mut unmapped, "device", &auth.device);
    opt(&mut unmapped, "ja4", &auth.ja4);
    opt(&mut unmapped, "id", &auth.id);
    unmapped.insert("user_unknown".into(), auth.user_unknown.into());
    if auth.repeats > 1 {
        object.insert("count".into(), auth.repeats.into());
    }
    if let Ok(Value::Object(more)) = serde_json::from_str(&auth.unmapped) {
        unmapped.extend(more);
    }
    object.insert("unmapped".into(), Value::Object(unmapped));
    Value::Object(object)
}

pub(super) fn process(event: &Event, process: &Process) -> Value {
    let severity = if process.allowed { Severity::Info } else { Severity::Low };
    let mut object = base(event, (1, "System Activity"), (1, "Launch"), severity);
    object.insert("device".into(), json!({"hostname": process.host.as_str(), "type_id": 0, "type": "Unknown"}));
    object.insert("actor".into(), json!({"user": {"name": process.user.as_str()}}));
    let mut started = program(process.pid, &event.meta.uid.to_string(), &process.image, &process.command_line);
    opt(&mut started, "working_directory", &process.working_directory);
    started.insert("user".into(), json!({"name": process.run_as.as_str()}));
    if process.parent_pid.is_some() || !process.parent_image.is_empty() || !process.parent_command_line.is_empty() {
        let name = format!("{}-parent", event.meta.uid);
        let parent = program(process.parent_pid, &name, &process.parent_image, &process.parent_command_line);
        started.insert("parent_process".into(), parent.into());
    }
    object.insert("process".into(), started.into());
    object.insert("status_id".into(), if process.allowed { 1 } else { 2 }.into());
    object.insert("status".into(), if process.allowed { "Success" } else { "Failure" }.into());
    opt(&mut object, "status_detail", &process.reason);
    object.insert("unmapped".into(), json!({"service": process.service.as_str(), "terminal": process.terminal.as_str()}));
    Value::Object(object)
}

/// OCSF wants a process id or a name that the producer gave.
pub(super) fn program(pid: Option<u32>, name: &str, image: &str, command_line: &str) -> serde_json::Map<String, Value> {
    let mut object = serde_json::Map::new();
    match pid {
        Some(pid) => object.insert("pid".into(), pid.into()),
        None => object.insert("uid".into(), name.into()),
    };
    opt(&mut object, "cmd_line", command_line);
    opt(&mut object, "path", image);
    opt(&mut object, "name", image.rsplit(['/', '\\']).next().unwrap_or_default());
    object
}

pub(super) fn other(event: &Event, host: &str, service: &str) -> Value {
    let mut object = base(event, (0, "Uncategorized"), (0, "Unknown"), Severity::Info);
    object.insert("unmapped".into(), json!({"host": host, "service": service}));
    Value::Object(object)
}

pub(super) fn undecoded(event: &Event, reason: &str) -> Value {
    let mut object = base(event, (0, "Uncategorized"), (0, "Unknown"), Severity::Info);
    object.insert("unmapped".into(), json!({"reason": reason}));
    Value::Object(object)
}

pub(super) fn order(event: &Event, order: &Order) -> Value {
    let mut object = base(event, (0, "Uncategorized"), (99, "Order"), Severity::Info);
    let what = serde_json::to_value(&order.what).unwrap_or_default();
    object.insert("unmapped".into(), json!({"order": order.uid.as_str(), "by": order.by.as_str(), "what": what}));
    Value::Object(object)
}
