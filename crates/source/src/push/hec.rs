//! Splunk's HTTP event collector: events as JSON objects one behind the other, or raw lines.
//!
//! A request is taken whole or not at all. An answer comes when its records are on disk, so every acknowledgement that was given is true.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Answer, Protocol, Taken, lines, taken};

/// Acknowledgements that are asked for at once.
const ACKS_MAX: usize = 10_000;

#[derive(Deserialize)]
struct Wrapper<'e> {
    #[serde(borrow)]
    event: Option<&'e RawValue>,
    #[serde(borrow)]
    time: Option<&'e RawValue>,
}

pub(super) fn said(text: &str, code: u32, status: u16) -> Answer {
    Answer::json(status, &json!({"text": text, "code": code}))
}

fn invalid(text: &str, code: u32, number: usize) -> Answer {
    Answer::json(400, &json!({"text": text, "code": code, "invalid-event-number": number}))
}

pub(super) fn events(body: &[u8], source: Arc<str>) -> Result<(Taken, Answer), Answer> {
    let mut taken = Taken::new(source);
    let all = serde_json::Deserializer::from_slice(body).into_iter::<&RawValue>();
    let mut number = 0;
    for one in all {
        let one = one.map_err(|_| invalid("Invalid data format", 6, number))?;
        let wrapper: Wrapper<'_> = serde_json::from_str(one.get()).map_err(|_| invalid("Invalid data format", 6, number))?;
        let event = wrapper.event.ok_or_else(|| invalid("Event field is required", 12, number))?.get();
        let shipped = wrapper.time.and_then(taken::epoch);
        let added = match event.as_bytes() {
            [b'"', ..] => {
                let text: String = serde_json::from_str(event).map_err(|_| invalid("Invalid data format", 6, number))?;
                if text.trim().is_empty() {
                    return Err(invalid("Event field cannot be blank", 13, number));
                }
                taken.add(text.trim_end_matches(['\r', '\n']).as_bytes(), shipped)
            }
            [b'{', ..] => taken.add_document(event, shipped),
            b"null" => return Err(invalid("Event field cannot be blank", 13, number)),
            _ => taken.add(event.as_bytes(), shipped),
        };
        added.map_err(|_| Answer::too_much(Protocol::HecEvents))?;
        number += 1;
    }
    if number == 0 {
        return Err(said("No data", 5, 400));
    }
    Ok((taken, said("Success", 0, 200)))
}

pub(super) fn raw(body: &[u8], source: Arc<str>) -> Result<(Taken, Answer), Answer> {
    let mut taken = Taken::new(source);
    for line in lines::lines(body) {
        taken.add(line, None).map_err(|_| Answer::too_much(Protocol::HecRaw))?;
    }
    if taken.batch.line_count() == 0 {
        return Err(said("No data", 5, 400));
    }
    Ok((taken, said("Success", 0, 200)))
}

/// Who names a channel gets a number that it may ask about.
pub(super) fn acknowledged(number: u64) -> Answer {
    Answer::json(200, &json!({"text": "Success", "code": 0, "ackId": number}))
}

/// Every number below `given` was given for records that are on disk.
pub(super) fn asked(body: &[u8], given: u64) -> Answer {
    #[derive(Deserialize)]
    struct Asked {
        acks: Vec<u64>,
    }
    match serde_json::from_slice::<Asked>(body) {
        Ok(asked) if asked.acks.len() <= ACKS_MAX => {
            let all: serde_json::Map<String, Value> = asked.acks.iter().map(|n| (n.to_string(), json!(*n < given))).collect();
            Answer::json(200, &json!({"acks": all}))
        }
        _ => said("Invalid data format", 6, 400),
    }
}
