//! API 6003, e-mail 4009, file 1001 and configuration state 5002.

use serde_json::{Map, Value, json};

use super::activity::endpoint;
use super::{base, opt};
use crate::{Api, Event, File, Mail, Resource, Severity};

pub(super) fn api(event: &Event, api: &Api) -> Value {
    let verb = api.operation.rsplit(['.', ':', '/']).next().unwrap_or_default();
    let starts = |words: &[&str]| words.iter().any(|w| verb.len() >= w.len() && verb[..w.len()].eq_ignore_ascii_case(w));
    let activity = if api.read_only || starts(&["get", "list", "describe", "read", "head"]) {
        (2, "Read")
    } else if starts(&["create", "put", "add", "run", "insert", "post"]) {
        (1, "Create")
    } else if starts(&["delete", "remove", "terminate"]) {
        (4, "Delete")
    } else {
        (3, "Update")
    };
    let mut object = base(event, (6, "Application Activity"), activity, Severity::Info);
    let mut call = Map::new();
    call.insert("operation".into(), api.operation.as_str().into());
    call.insert("service".into(), json!({"name": api.service.as_str()}));
    if !api.error.is_empty() {
        call.insert("response".into(), json!({"error": api.error.as_str()}));
    }
    object.insert("api".into(), Value::Object(call));
    let mut user = Map::new();
    opt(&mut user, "name", &api.user);
    opt(&mut user, "type", &api.user_kind);
    opt(&mut user, "uid", &api.principal);
    opt(&mut user, "credential_uid", &api.credential);
    object.insert("actor".into(), json!({"user": user}));
    let mut source = endpoint(api.client, None);
    if !api.client_name.is_empty() {
        source["svc_name"] = api.client_name.as_str().into();
    }
    object.insert("src_endpoint".into(), source);
    let mut cloud = Map::new();
    opt(&mut cloud, "provider", &api.provider);
    opt(&mut cloud, "region", &api.region);
    if !api.account.is_empty() {
        cloud.insert("account".into(), json!({"uid": api.account.as_str()}));
    }
    object.insert("cloud".into(), Value::Object(cloud));
    object["metadata"]["profiles"] = json!(["cloud"]);
    if !api.user_agent.is_empty() {
        object.insert("http_request".into(), json!({"user_agent": api.user_agent}));
    }
    if !api.resources.is_empty() {
        object.insert("resources".into(), api.resources.iter().map(|r| json!({"name": r.as_str()})).collect());
    }
    object.insert("status_id".into(), if api.success { 1 } else { 2 }.into());
    object.insert("status".into(), if api.success { "Success" } else { "Failure" }.into());
    opt(&mut object, "status_code", &api.error);
    if let Some(mfa) = api.mfa {
        object.insert("unmapped".into(), json!({"mfa": mfa}));
    }
    Value::Object(object)
}

pub(super) fn mail(event: &Event, mail: &Mail) -> Value {
    let mut object = base(event, (4, "Network Activity"), (2, "Receive"), Severity::Info);
    object.insert("direction_id".into(), 1.into());
    object.insert("direction".into(), "Inbound".into());
    let mut email = Map::new();
    email.insert("from".into(), mail.from.as_str().into());
    email.insert("to".into(), mail.to.iter().map(crate::Text::as_str).collect());
    opt(&mut email, "reply_to", &mail.reply_to);
    opt(&mut email, "subject", &mail.subject);
    opt(&mut email, "message_uid", &mail.message_id);
    email.insert("size".into(), mail.bytes.into());
    let hash = |sha: &str| json!([{"algorithm_id": 3, "algorithm": "SHA-256", "value": sha}]);
    let files: Vec<Value> = mail
        .files
        .iter()
        .map(|f| json!({"name": f.name, "type_id": 1, "type": f.kind.as_str(), "size": f.bytes, "hashes": hash(&f.sha256)}))
        .collect();
    if !files.is_empty() {
        email.insert("files".into(), files.into());
    }
    if !mail.links.is_empty() {
        email.insert("urls".into(), mail.links.iter().map(|l| json!({"url_string": l})).collect());
    }
    object.insert("email".into(), Value::Object(email));
    Value::Object(object)
}

pub(super) fn file(event: &Event, file: &File) -> Value {
    let activity = match file.action.as_str() {
        "create" => (1, "Create"),
        "read" => (2, "Read"),
        "update" => (3, "Update"),
        "delete" => (4, "Delete"),
        "rename" => (5, "Rename"),
        _ => (99, "Scan"),
    };
    let mut object = base(event, (1, "System Activity"), activity, Severity::Info);
    let name = file.path.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut inner = Map::new();
    inner.insert("name".into(), name.into());
    inner.insert("path".into(), file.path.as_str().into());
    inner.insert("type_id".into(), 1.into());
    opt(&mut inner, "mime_type", &file.kind);
    inner.insert("size".into(), file.bytes.into());
    if !file.sha256.is_empty() {
        inner.insert("hashes".into(), json!([{"algorithm_id": 3, "algorithm": "SHA-256", "value": file.sha256.as_str()}]));
    }
    object.insert("file".into(), Value::Object(inner));
    object.insert("device".into(), json!({"hostname": file.host.as_str(), "type_id": 0, "type": "Unknown"}));
    let by = super::activity::program(None, &format!("{}-by", event.meta.uid), &file.by, "");
    object.insert("actor".into(), json!({"process": by}));
    Value::Object(object)
}

pub(super) fn resource(event: &Event, resource: &Resource) -> Value {
    let mut object = base(event, (5, "Discovery"), (1, "Log"), Severity::Info);
    object.insert("device".into(), json!({"name": resource.address, "type_id": 99, "type": resource.kind.as_str()}));
    let unknown: Vec<&str> = resource.unknown.iter().map(crate::Text::as_str).collect();
    let attributes: Value = serde_json::from_str(&resource.attributes).unwrap_or(Value::Null);
    object.insert(
        "unmapped".into(),
        json!({
            "input": resource.input.as_str(), "file": resource.file, "line": resource.line, "end_line": resource.end_line,
            "attributes": attributes, "unknown": unknown,
        }),
    );
    Value::Object(object)
}
