//! OTLP logs (`POST /v1/logs`), as protobuf or JSON: https://opentelemetry.io/docs/specs/otlp/.
//!
//! A record whose body is a text that a decoder knows is that text; every other one is a JSON object of time, severity, body, attributes and what
//! it was said of (`resource`). What cannot be taken is counted in the answer (`rejectedLogRecords`), the rest is taken.

use std::sync::Arc;

use event::Time;
use serde_json::{Map, Value, json};

use super::answer::JSON;
use super::{Answer, ITEMS_MAX, Protocol, Taken};

mod json;
mod proto;

pub(super) const PROTOBUF: &str = "application/x-protobuf";
/// Of one encoded log record, and of one description of who logs.
const RECORD_BYTES_MAX: usize = 1 << 20;
const RESOURCE_BYTES_MAX: usize = 16 << 10;
/// Values within values.
const DEPTH_MAX: usize = 32;

/// One log record, as both encodings say it.
#[derive(Debug, Default)]
struct Log {
    time_ns: u64,
    observed_ns: u64,
    severity: String,
    severity_number: u64,
    body: Value,
    attributes: Map<String, Value>,
    event: String,
}

/// What was not taken, and the first reason.
#[derive(Debug, Default)]
struct Rejected {
    records: u64,
    why: &'static str,
}

impl Rejected {
    fn one(&mut self, why: &'static str) {
        if self.records == 0 {
            self.why = why;
        }
        self.records += 1;
    }
}

/// Where both encodings put what they read.
struct Sink {
    taken: Taken,
    rejected: Rejected,
}

impl Sink {
    fn add(&mut self, log: Log, resource: &Map<String, Value>) {
        let Log { time_ns, observed_ns, severity, severity_number, body, attributes, event } = log;
        let at_ns = if time_ns == 0 { observed_ns } else { time_ns };
        let shipped = i64::try_from(at_ns / 1_000).ok().filter(|us| *us > 0).map(Time::from_us);
        let line = if let Value::String(line) = &body { line.clone() } else { String::new() };
        // A body of fields is the record; what else is said of it stands beside them.
        let mut record = if let Value::Object(fields) = body { fields } else { Map::from_iter([("body".to_owned(), body)]) };
        let mut beside = |name: &str, value: Value| {
            record.entry(name).or_insert(value);
        };
        if let Some(time) = shipped {
            beside("time", time.to_string().into());
        }
        if !severity.is_empty() {
            beside("severity", severity.into());
        } else if severity_number > 0 {
            beside("severity", severity_number.into());
        }
        if !event.is_empty() {
            beside("event_name", event.into());
        }
        if !attributes.is_empty() {
            beside("attributes", Value::Object(attributes));
        }
        if !resource.is_empty() {
            beside("resource", Value::Object(resource.clone()));
        }
        let document = Value::Object(record).to_string();
        if self.taken.add_line_or(&line, &document, shipped).is_err() {
            self.rejected.one("too much in one request: send fewer records at once");
        }
    }

    /// Whether one more may come at all.
    fn is_full(&self) -> bool {
        self.taken.batch.line_count() as u64 + self.rejected.records >= 2 * ITEMS_MAX as u64
    }
}

pub(super) fn read(protocol: Protocol, body: &[u8], source: Arc<str>) -> Result<(Taken, Answer), Answer> {
    let mut sink = Sink { taken: Taken::new(source), rejected: Rejected::default() };
    let done = if protocol == Protocol::OtlpJson { json::read(body, &mut sink) } else { proto::read(body, &mut sink) };
    done.map_err(|why| Answer::refusal(protocol, 400, why))?;
    let Sink { taken, rejected } = sink;
    let answer = match (protocol, rejected.records) {
        (Protocol::OtlpJson, 0) => Answer::json(200, &json!({})),
        (Protocol::OtlpJson, records) => {
            let said = json!({"rejectedLogRecords": records.to_string(), "errorMessage": rejected.why});
            Answer { status: 200, kind: JSON, body: json!({"partialSuccess": said}).to_string().into_bytes() }
        }
        (_, records) => Answer { status: 200, kind: PROTOBUF, body: proto::partial(records, rejected.why) },
    };
    Ok((taken, answer))
}

/// `google.rpc.Status`
pub(super) fn status(code: u64, why: &str) -> Vec<u8> {
    proto::status(code, why)
}
