//! OCSF 1.8 JSON, made only at the rim: `replay`, `watch`, exports, API.

mod activity;
mod finding;
mod incident;
mod network;
mod object;
mod response;

use serde_json::{Map, Value, json};

use crate::finding::Evidence;
use crate::{Body, Entity, Event, Severity, Technique, Time};

pub const VERSION: &str = "1.8.0";

/// One event as an OCSF 1.8 object.
pub fn json(event: &Event) -> Value {
    match &event.body {
        Body::Http(http) => activity::http(event, http),
        Body::Authentication(auth) => activity::authentication(event, auth),
        Body::Process(process) => activity::process(event, process),
        Body::Network(flow) => network::network(event, flow),
        Body::Dns(dns) => network::dns(event, dns),
        Body::Api(api) => object::api(event, api),
        Body::Mail(mail) => object::mail(event, mail),
        Body::File(file) => object::file(event, file),
        Body::Resource(resource) => object::resource(event, resource),
        Body::Other { host, service } => activity::other(event, host, service),
        Body::Undecoded { reason } => activity::undecoded(event, reason),
        Body::Order(order) => activity::order(event, order),
        Body::Finding(f) => finding::json(event, f),
        Body::Incident(i) => incident::json(event, i),
        Body::Response(r) => response::json(event, r),
    }
}

/// What every class has.
fn base(event: &Event, category: (u32, &str), activity: (u32, &str), severity: Severity) -> Map<String, Value> {
    let (class_name, class_uid) = event.body.class();
    let mut metadata = Map::new();
    metadata.insert("version".into(), VERSION.into());
    metadata.insert("uid".into(), event.meta.uid.to_string().into());
    metadata.insert("product".into(), json!({"name": "Bartizan", "vendor_name": "Bartizan", "version": env!("CARGO_PKG_VERSION")}));
    if !event.meta.source.is_empty() {
        metadata.insert("log_source".into(), event.meta.source.as_str().into());
    }
    if !event.meta.format.is_empty() {
        metadata.insert("log_format".into(), event.meta.format.as_str().into());
    }
    if event.meta.record > 0 {
        metadata.insert("sequence".into(), event.meta.record.into());
    }
    metadata.insert("logged_time".into(), event.meta.logged.ms().into());
    if let Some(length) = event.meta.cut_from {
        metadata.insert("is_truncated".into(), true.into());
        metadata.insert("untruncated_size".into(), length.into());
    }
    let mut object = Map::new();
    object.insert("activity_id".into(), activity.0.into());
    object.insert("activity_name".into(), activity.1.into());
    object.insert("category_uid".into(), category.0.into());
    object.insert("category_name".into(), category.1.into());
    object.insert("class_uid".into(), class_uid.into());
    object.insert("class_name".into(), class_name.into());
    object.insert("type_uid".into(), (class_uid * 100 + activity.0).into());
    object.insert("type_name".into(), format!("{class_name}: {}", activity.1).into());
    object.insert("time".into(), event.meta.time.ms().into());
    object.insert("severity_id".into(), severity.id().into());
    object.insert("severity".into(), severity.caption().into());
    object.insert("metadata".into(), Value::Object(metadata));
    if !event.raw.is_empty() {
        object.insert("raw_data".into(), event.raw.text().into());
    }
    object
}

fn attacks(techniques: &[Technique]) -> Value {
    techniques
        .iter()
        .map(|t| {
            let (tactic_uid, tactic) = t.tactic.named();
            json!({"version": "18", "tactic": {"uid": tactic_uid, "name": tactic}, "technique": {"uid": t.uid, "name": t.name}})
        })
        .collect()
}

fn observables(entities: &[Entity]) -> Value {
    entities
        .iter()
        .map(|e| {
            let (type_id, kind) = e.kind.observable();
            json!({"name": e.kind.word(), "type_id": type_id, "type": kind, "value": e.name.as_str()})
        })
        .collect()
}

fn evidences(all: &[Evidence]) -> Value {
    all.iter()
        .map(|e| {
            let matches: Vec<Value> = e
                .matches
                .iter()
                .map(|m| json!({"by": m.by.as_str(), "target": m.target.as_str(), "decoded": m.decoded, "start": m.start, "end": m.end}))
                .collect();
            json!({"data": {
                "source": e.source.as_str(), "record": e.record, "event_uid": e.event_uid.to_string(),
                "time": e.time.to_string(), "raw": e.raw.text(), "matches": matches,
            }})
        })
        .collect()
}

fn opt(object: &mut Map<String, Value>, key: &str, text: &str) {
    if !text.is_empty() {
        object.insert(key.into(), text.into());
    }
}

fn ms(time: Time) -> Value {
    time.ms().into()
}
