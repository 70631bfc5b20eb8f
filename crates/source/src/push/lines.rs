//! Plain lines, one record each: what `curl --data-binary @file` sends. Lines that are JSON objects are records like any other.

use std::sync::Arc;

use serde_json::json;

use super::{Answer, Protocol, Taken};

/// Blank lines are no records.
pub(super) fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    body.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)).filter(|line| !line.trim_ascii().is_empty())
}

pub(super) fn read(body: &[u8], source: Arc<str>) -> Result<(Taken, Answer), Answer> {
    let mut taken = Taken::new(source);
    for line in lines(body) {
        taken.add(line, None).map_err(|_| Answer::too_much(Protocol::Lines))?;
    }
    let answer = Answer::json(200, &json!({"accepted": taken.batch.line_count()}));
    Ok((taken, answer))
}
