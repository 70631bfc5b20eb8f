//! Why a value has its score: raw byte spans with their share of the logit.
//!
//! The weight of a gram is spread evenly over the bytes it covers; neighbouring bytes of one token, and neighbouring tokens that push
//! the same way, become one part. The parts and the bias add up to the logit (test: to 1e-4).

use super::{Scratch, TextModel, fast_path, grams, window};
use crate::canonical::{Canonical, STEP_NAMES};

/// Parts shown one by one; the others are summed up in one part named `(other)`.
const PARTS_MAX: usize = 8;
/// Longest text shown of one part, in bytes.
const TEXT_BYTES_MAX: usize = 120;

/// A score taken apart.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Explanation {
    /// Calibrated score, 0..1.
    pub score: f32,
    /// Logit of a value without evidence.
    pub bias: f32,
    /// `bias` + all pushes, before calibration.
    pub logit: f32,
    /// Strongest first. Pushes in logits; positive speaks for an attack.
    pub parts: Vec<Part>,
    /// True when the value was longer than 64 KiB and its middle was not read.
    pub cut: bool,
}

/// One piece of evidence.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Part {
    /// First raw byte; 0 with `end` 0 when the part has no single place.
    pub start: u32,
    /// One past the last raw byte.
    pub end: u32,
    /// The raw bytes as text, or `step:<name>` for a canonical step, or `(other)`.
    pub text: String,
    /// Logits.
    pub push: f32,
}

pub(super) fn explain(model: &TextModel, value: &[u8]) -> Explanation {
    let cut = value.len() > super::VALUE_BYTES_MAX;
    if fast_path::is_plain(value) {
        return Explanation { score: model.calibrated(model.bias), bias: model.bias, logit: model.bias, parts: Vec::new(), cut };
    }
    let mut buffer = Vec::new();
    let mut canonical = Canonical::default();
    canonical.set(window::cut(value, &mut buffer));
    let logit = model.logit(value, &mut Scratch::default());

    let mut parts: Vec<Part> = chunks(model, &canonical)
        .into_iter()
        .map(|(from, to, push)| {
            let spans = &canonical.spans()[from..to];
            let start = spans.iter().map(|span| span.start).min().unwrap_or(0) as usize;
            let end = spans.iter().map(|span| span.end).max().unwrap_or(0) as usize;
            let (start, end) = (window::raw_position(start, value.len(), false), window::raw_position(end, value.len(), true));
            let shown = &value[start..end.min(start + TEXT_BYTES_MAX)];
            Part { start: start as u32, end: end as u32, text: String::from_utf8_lossy(shown).into_owned(), push: push as f32 }
        })
        .collect();
    for (bit, name) in STEP_NAMES.iter().enumerate() {
        if canonical.steps().bits() >> bit & 1 == 1 && model.flags[bit] != 0.0 {
            parts.push(Part { start: 0, end: 0, text: format!("step:{name}"), push: model.flags[bit] });
        }
    }
    parts.sort_by(|a, b| b.push.abs().total_cmp(&a.push.abs()).then(a.start.cmp(&b.start)));
    let rest: f64 = parts.iter().skip(PARTS_MAX).map(|part| f64::from(part.push)).sum();
    let more = parts.len() > PARTS_MAX;
    parts.truncate(PARTS_MAX);
    if more {
        parts.push(Part { start: 0, end: 0, text: "(other)".into(), push: rest as f32 });
    }
    Explanation { score: model.calibrated(logit), bias: model.bias, logit, parts, cut }
}

/// Canonical ranges with their push in logits, in order; together the sum of the worst segment.
fn chunks(model: &TextModel, canonical: &Canonical) -> Vec<(usize, usize, f64)> {
    let text = canonical.bytes();
    let segment = model.worst_segment(text);
    if segment.sum == 0 {
        return Vec::new();
    }
    let mut push = vec![0f64; text.len()];
    grams::for_each_position(text, |at, buckets| {
        if at < segment.start || at >= segment.end {
            return;
        }
        push[at] -= f64::from(model.drift);
        for (order, &bucket) in buckets.iter().enumerate() {
            let weight = f64::from(model.weights[bucket as usize & grams::MASK]);
            // The first four are character 2..5-grams; the others end with the token before or at this byte.
            let bytes = if order < 4 { order + 2 } else { 6 };
            let from = (at + 1).saturating_sub(bytes).max(segment.start);
            for share in &mut push[from..=at] {
                *share += weight / (at + 1 - from) as f64;
            }
        }
    });
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80;
    let mut chunks: Vec<(usize, usize, f64)> = Vec::new();
    let mut at = segment.start;
    while at < segment.end {
        let mut to = at + 1;
        while to < segment.end && word(text[to]) == word(text[at]) {
            to += 1;
        }
        let sum: f64 = push[at..to].iter().sum::<f64>() * f64::from(model.unit);
        match chunks.last_mut() {
            // Short pieces read better together: `' or 0=0` rather than `'`, `or`, `0=0`.
            Some(last) if (last.2 >= 0.0) == (sum >= 0.0) && to - last.0 <= 24 => (last.1, last.2) = (to, last.2 + sum),
            _ => chunks.push((at, to, sum)),
        }
        at = to;
    }
    chunks
}
