//! OTLP logs as JSON: numbers of 64 bits may be texts, bytes are base64.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{DEPTH_MAX, Log, RECORD_BYTES_MAX, RESOURCE_BYTES_MAX, Sink};

const BROKEN: &str = "the body is no ExportLogsServiceRequest in JSON";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request<'r> {
    #[serde(borrow, default)]
    resource_logs: Vec<ResourceLogs<'r>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceLogs<'r> {
    #[serde(borrow)]
    resource: Option<&'r RawValue>,
    #[serde(borrow, default)]
    scope_logs: Vec<ScopeLogs<'r>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScopeLogs<'r> {
    #[serde(borrow, default)]
    log_records: Vec<&'r RawValue>,
}

pub(super) fn read(body: &[u8], sink: &mut Sink) -> Result<(), &'static str> {
    let request: Request<'_> = serde_json::from_slice(body).map_err(|_| BROKEN)?;
    for of in request.resource_logs {
        let described = of.resource.filter(|resource| resource.get().len() <= RESOURCE_BYTES_MAX);
        let resource = match described.map(|resource| serde_json::from_str::<Value>(resource.get())) {
            Some(Ok(Value::Object(mut resource))) => pairs(resource.remove("attributes"), 0)?,
            _ => Map::new(),
        };
        for record in of.scope_logs.into_iter().flat_map(|scope| scope.log_records) {
            if sink.is_full() {
                return Err("too many log records in one request");
            }
            if record.get().len() > RECORD_BYTES_MAX {
                sink.rejected.one("a log record is longer than 1 MiB");
                continue;
            }
            match serde_json::from_str::<Value>(record.get()).map_err(|_| BROKEN).and_then(log) {
                Ok(log) => sink.add(log, &resource),
                Err(why) => sink.rejected.one(why),
            }
        }
    }
    Ok(())
}

fn log(record: Value) -> Result<Log, &'static str> {
    let Value::Object(mut fields) = record else { return Err("a log record is no object") };
    let text = |value: Option<Value>| if let Some(Value::String(text)) = value { text } else { String::new() };
    Ok(Log {
        time_ns: number(fields.remove("timeUnixNano")),
        observed_ns: number(fields.remove("observedTimeUnixNano")),
        severity: text(fields.remove("severityText")),
        severity_number: number(fields.remove("severityNumber")),
        body: fields.remove("body").map_or(Ok(Value::Null), |body| value(body, 0))?,
        attributes: pairs(fields.remove("attributes"), 0)?,
        event: text(fields.remove("eventName")),
    })
}

fn number(value: Option<Value>) -> u64 {
    match value {
        Some(Value::Number(number)) => number.as_u64().unwrap_or(0),
        Some(Value::String(text)) => text.parse().unwrap_or(0),
        _ => 0,
    }
}

fn pairs(list: Option<Value>, depth: usize) -> Result<Map<String, Value>, &'static str> {
    let Some(Value::Array(list)) = list else { return Ok(Map::new()) };
    let mut all = Map::new();
    for pair in list {
        let Value::Object(mut pair) = pair else { continue };
        if let Some(Value::String(key)) = pair.remove("key") {
            let held = pair.remove("value").map_or(Ok(Value::Null), |held| value(held, depth + 1))?;
            all.insert(key, held);
        }
    }
    Ok(all)
}

/// `AnyValue`
fn value(of: Value, depth: usize) -> Result<Value, &'static str> {
    if depth > DEPTH_MAX {
        return Err("values within values, deeper than 32");
    }
    let Value::Object(mut of) = of else { return Ok(Value::Null) };
    for name in ["stringValue", "boolValue", "doubleValue", "bytesValue"] {
        if let Some(held) = of.remove(name) {
            return Ok(held);
        }
    }
    if let Some(held) = of.remove("intValue") {
        return Ok(match held {
            Value::String(text) => text.parse::<i64>().map_or(Value::String(text), Value::from),
            other => other,
        });
    }
    if let Some(Value::Object(mut list)) = of.remove("arrayValue") {
        let Some(Value::Array(items)) = list.remove("values") else { return Ok(Value::Array(Vec::new())) };
        return items.into_iter().map(|item| value(item, depth + 1)).collect();
    }
    if let Some(Value::Object(mut list)) = of.remove("kvlistValue") {
        return pairs(list.remove("values"), depth + 1).map(Value::Object);
    }
    Ok(Value::Null)
}
