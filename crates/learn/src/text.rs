//! Text model: a hashed n-gram linear model that scores the worst segment of a value and says which bytes made the score.
//!
//! Reads:      one value, any bytes; canonical form first ([`crate::canonical`]), at most 64 KiB (head and tail, see [`window`]).
//! Features:   [`grams`]: character 2-5-grams, token 1-3-grams, token-class 3-5-grams in 2^18 buckets; one flag per canonical step.
//! Score:      `logit = bias + flags + max over segments of at most 32 bytes of the sum of gram weights`, then calibrated to 0..1.
//! Monotone:   appending bytes never lowers the logit: a segment that was there stays there, flags only rise (weights >= 0).
//! Cost:       linear; about 15 ns a byte. No allocation once a [`Scratch`] is warm.
//! Mistaken by: text about attacks (tutorials, bug reports), source code in a value.
//! Method:     linear n-gram WAF models; maximal scoring segments as in Karlin and Altschul 1990 (local alignment statistics).

mod explain;
mod fast_path;
mod file;
pub(crate) mod grams;
pub(crate) mod segment;
pub(crate) mod window;

pub use explain::{Explanation, Part};
pub use fast_path::is_plain;
pub use file::FileError;

use crate::calibrate::Curve;
use crate::canonical::{Canonical, STEP_NAMES};
use segment::Segment;

/// Buckets of the weight table, as a power of two.
pub const BUCKET_BITS: u32 = 18;

/// Most bytes of a value that are read.
pub const VALUE_BYTES_MAX: usize = 64 * 1024;

/// Score limits, all in calibrated score units (0..1), set on held-back data and kept in the signed folder.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// At or above: the model alone may block. 0.05 % of held-out benign values reach it.
    pub alone: f32,
    /// At or above: worth an alert. 0.5 % of held-out benign values reach it.
    pub alert: f32,
    /// Below: at most 0.1 % of attacks score this low, so the model may veto a rule hit that is not on the critical list.
    pub veto: f32,
}

/// Buffers for scoring, one per thread. After the longest value seen, scoring allocates nothing.
#[derive(Debug, Default)]
pub struct Scratch {
    canonical: Canonical,
    cut: Vec<u8>,
}

/// A loaded text model. Immutable; share it behind an `Arc`.
#[derive(Clone, Debug)]
pub struct TextModel {
    name: String,
    version: String,
    /// One unit of `weights` in logits.
    unit: f32,
    /// Logit of a value with no evidence at all.
    bias: f32,
    /// Cost of one more byte of a segment, in units of `weights` (>= 0): evidence has to be dense.
    drift: i32,
    /// `1 << BUCKET_BITS` weights in units.
    weights: Box<[i8]>,
    /// Logits for each canonical step, all >= 0, order of `STEP_NAMES`.
    flags: [f32; STEP_NAMES.len()],
    curve: Curve,
    thresholds: Thresholds,
}

impl TextModel {
    /// Probability-like score 0..1 at the card's base rate. Never panics, whatever the bytes.
    pub fn score(&self, value: &[u8], scratch: &mut Scratch) -> f32 {
        if is_plain(value) {
            return self.curve.score(self.bias);
        }
        self.curve.score(self.logit(value, scratch))
    }

    /// The uncalibrated logit; what [`TextModel::explain`] splits into parts. Plain values give the bias alone.
    pub fn logit(&self, value: &[u8], scratch: &mut Scratch) -> f32 {
        if is_plain(value) {
            return self.bias;
        }
        let Scratch { canonical, cut } = scratch;
        canonical.set_without_spans(window::cut(value, cut));
        let segment = self.worst_segment(canonical.bytes());
        self.bias + self.flags_logit(canonical) + segment.sum as f32 * self.unit
    }

    /// The score with the raw byte spans that made it. Allocates; for findings and on request, not inline.
    pub fn explain(&self, value: &[u8]) -> Explanation {
        explain::explain(self, value)
    }

    /// Score limits of the model's card.
    pub fn thresholds(&self) -> Thresholds {
        self.thresholds
    }

    /// Name of the model, such as `web-payload`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Version, such as `1.0`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The same model under another version.
    pub(crate) fn renumbered(self, version: &str) -> TextModel {
        TextModel { version: version.to_owned(), ..self }
    }

    /// Logit of a value without any evidence.
    pub fn bias(&self) -> f32 {
        self.bias
    }

    /// Calibrated score of a logit; monotone.
    pub fn calibrated(&self, logit: f32) -> f32 {
        self.curve.score(logit)
    }

    fn flags_logit(&self, canonical: &Canonical) -> f32 {
        let bits = canonical.steps().bits();
        if bits == 0 {
            return 0.0;
        }
        self.flags.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, weight)| weight).sum()
    }

    /// Logit of a text that is canonical already (training keeps canonical texts).
    pub(crate) fn logit_of_canonical(&self, canonical: &[u8], steps: u32) -> f32 {
        let flags: f32 = self.flags.iter().enumerate().filter(|(bit, _)| steps >> bit & 1 == 1).map(|(_, weight)| weight).sum();
        self.bias + flags + self.worst_segment(canonical).sum as f32 * self.unit
    }

    #[inline]
    fn worst_segment(&self, canonical: &[u8]) -> Segment {
        let mut search = segment::Search::new();
        grams::for_each_position(canonical, |_, buckets| {
            let gain: i32 = buckets.iter().map(|&bucket| i32::from(self.weights[bucket as usize & grams::MASK])).sum();
            search.push(gain - self.drift);
        });
        search.best()
    }
}

/// What the trainer hands over to make a model.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) unit: f32,
    pub(crate) bias: f32,
    pub(crate) drift: i32,
    pub(crate) weights: Box<[i8]>,
    pub(crate) flags: [f32; STEP_NAMES.len()],
    pub(crate) curve: Curve,
    pub(crate) thresholds: Thresholds,
}

impl From<Parts> for TextModel {
    fn from(parts: Parts) -> TextModel {
        let Parts { name, version, unit, bias, drift, weights, flags, curve, thresholds } = parts;
        TextModel { name, version, unit, bias, drift, weights, flags, curve, thresholds }
    }
}

#[cfg(test)]
mod tests;
