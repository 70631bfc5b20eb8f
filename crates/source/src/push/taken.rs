//! What a request brings, as records of a batch.

use std::sync::Arc;

use event::Time;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{Batch, RECORD_BYTES_MAX};

/// Items of one request: an answer may have to speak of each.
pub const ITEMS_MAX: usize = 50_000;
/// Of the records of one request; descriptions that are repeated in each make them longer than what was sent.
const RECORDS_BYTES_MAX: usize = 2 * super::BODY_BYTES_MAX;

/// The records of a request.
#[derive(Debug)]
pub struct Taken {
    pub batch: Batch,
}

/// A request with more than may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMuch;

impl Taken {
    pub(super) fn new(source: Arc<str>) -> Taken {
        Taken { batch: Batch::of(source) }
    }

    /// One record; a longer one than a line may be is cut, like a line.
    pub(super) fn add(&mut self, record: &[u8], shipped: Option<Time>) -> Result<(), TooMuch> {
        let kept = &record[..record.len().min(RECORD_BYTES_MAX)];
        if self.batch.line_count() >= ITEMS_MAX || self.batch.bytes() + kept.len() > RECORDS_BYTES_MAX {
            return Err(TooMuch);
        }
        self.batch.push(kept, (kept.len() < record.len()).then_some(record.len() as u64), shipped);
        Ok(())
    }

    /// A document that a shipper made of a line: the line itself when a decoder knows it better than the document.
    pub(super) fn add_document(&mut self, document: &str, shipped: Option<Time>) -> Result<(), TooMuch> {
        #[derive(Default, Deserialize)]
        struct Wrapper<'d> {
            /// Beats, Logstash, Vector.
            #[serde(borrow)]
            message: Option<&'d RawValue>,
            /// Fluent Bit.
            #[serde(borrow)]
            log: Option<&'d RawValue>,
            #[serde(borrow, rename = "@timestamp")]
            at: Option<&'d RawValue>,
            #[serde(borrow)]
            timestamp: Option<&'d RawValue>,
        }
        let wrapper: Wrapper<'_> = serde_json::from_str(document).unwrap_or_default();
        let text = |value: Option<&RawValue>| value.and_then(|value| serde_json::from_str::<String>(value.get()).ok());
        let shipped = shipped.or_else(|| text(wrapper.at).or_else(|| text(wrapper.timestamp)).and_then(|at| Time::parse_rfc3339(&at)));
        match text(wrapper.message).or_else(|| text(wrapper.log)) {
            Some(line) => self.add_line_or(&line, document, shipped),
            None => self.add(document.as_bytes(), shipped),
        }
    }

    /// `line` where a decoder is surer of it than of `document`, which says more.
    pub(super) fn add_line_or(&mut self, line: &str, document: &str, shipped: Option<Time>) -> Result<(), TooMuch> {
        let line = line.trim_end_matches(['\r', '\n']);
        let is_line = !line.is_empty() && decode::sureness(line.as_bytes()) > decode::sureness(document.as_bytes());
        self.add(if is_line { line } else { document }.as_bytes(), shipped)
    }
}

/// Seconds since 1970 as a number or a text, with a fraction; as HEC has it.
pub(super) fn epoch(value: &RawValue) -> Option<Time> {
    let text = value.get().trim_matches('"');
    let seconds: f64 = text.parse().ok().filter(|s: &f64| s.is_finite() && (0.0..=32_503_680_000.0).contains(s))?;
    Some(Time::from_us((seconds * 1e6).round() as i64))
}
