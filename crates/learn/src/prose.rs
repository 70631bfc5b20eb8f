//! Prose model: a linear model over hashed words and letters of a running text, scored window by window.
//!
//! Reads:      one text, any bytes; compatibility forms are folded, invisible characters dropped, letters lower-cased, digits one sign.
//! Features:   word 1-2-grams and letter 3-5-grams inside a word, in 2^18 buckets.
//! Score:      the worst window of N words: `bias + sum of weights / sqrt(number of grams)`, then calibrated; good words elsewhere
//!             cannot dilute a bad window.
//! Cost:       linear; at most 64 KiB are read (head and tail).
//! Mistaken by: texts about the subject (warnings, training material); languages that the training rows lack.

mod file;
pub(crate) mod fit;
pub(crate) mod grams;

use crate::calibrate::Curve;
use crate::text::{Explanation, Part, Thresholds};

/// Buckets of the weight table, as a power of two.
pub const BUCKET_BITS: u32 = 18;
/// Fewest words that a model judges; shorter texts are abstained from.
pub const WORDS_MIN: usize = 2;
/// Parts shown one by one in an explanation.
const PARTS_MAX: usize = 12;

/// A loaded prose model. Immutable; share it behind an `Arc`.
#[derive(Clone, Debug)]
pub struct ProseModel {
    pub(crate) name: String,
    pub(crate) version: String,
    /// Words of a window.
    pub(crate) window: usize,
    pub(crate) bias: f32,
    /// One unit of `weights` in logits.
    pub(crate) unit: f32,
    pub(crate) weights: Box<[i8]>,
    pub(crate) curve: Curve,
    pub(crate) thresholds: Thresholds,
}

/// A window and its logit.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Window {
    /// First word and one past the last.
    from: usize,
    to: usize,
    logit: f32,
}

impl ProseModel {
    /// Calibrated score of a text, 0..1. Never panics, whatever the bytes.
    pub fn score(&self, text: &[u8]) -> f32 {
        self.curve.score(self.logit(text))
    }

    /// The uncalibrated logit of the worst window.
    pub fn logit(&self, text: &[u8]) -> f32 {
        self.logit_of(&grams::read(text))
    }

    pub(crate) fn logit_of(&self, read: &grams::Read) -> f32 {
        self.worst(read).logit
    }

    /// The score with the bytes of the text that made it; bias and parts add up to the logit.
    pub fn explain(&self, text: &[u8]) -> Explanation {
        let read = grams::read(text);
        let window = self.worst(&read);
        let scale = 1.0 / (read.grams(window.from, window.to).len().max(1) as f32).sqrt();
        let mut parts: Vec<Part> = (window.from..window.to)
            .map(|word| {
                let push: f32 = read.grams(word, word + 1).iter().map(|&bucket| self.weight(bucket)).sum();
                let (start, end) = read.span(word);
                let shown = text.get(start as usize..end as usize).unwrap_or_default();
                Part { start, end, text: String::from_utf8_lossy(shown).into_owned(), push: push * scale }
            })
            .collect();
        parts.sort_by(|a, b| b.push.abs().total_cmp(&a.push.abs()).then(a.start.cmp(&b.start)));
        let rest: f64 = parts.iter().skip(PARTS_MAX).map(|part| f64::from(part.push)).sum();
        if parts.len() > PARTS_MAX {
            parts.truncate(PARTS_MAX);
            parts.push(Part { start: 0, end: 0, text: "(other)".into(), push: rest as f32 });
        }
        Explanation {
            score: self.curve.score(window.logit),
            bias: self.bias,
            logit: window.logit,
            parts,
            cut: text.len() > crate::text::VALUE_BYTES_MAX,
        }
    }

    /// Words that the model reads in a text; below [`WORDS_MIN`] it has nothing to say.
    pub fn words(text: &[u8]) -> usize {
        grams::read(text).words()
    }

    /// Score limits of the model's card.
    pub fn thresholds(&self) -> Thresholds {
        self.thresholds
    }

    /// Name of the model.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Version, such as `1.0`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Calibrated score of a logit; monotone.
    pub fn calibrated(&self, logit: f32) -> f32 {
        self.curve.score(logit)
    }

    /// The mean of several models with the same windows.
    pub(crate) fn mean(parts: Vec<ProseModel>) -> Option<ProseModel> {
        let count = parts.len() as f32;
        let bias = parts.iter().map(|part| part.bias).sum::<f32>() / count;
        let weights = (0..1 << BUCKET_BITS)
            .map(|at| (parts.iter().map(|part| f32::from(part.weights[at])).sum::<f32>() / count).round() as i8)
            .collect();
        let first = parts.into_iter().next()?;
        Some(ProseModel { bias, weights, ..first })
    }

    fn weight(&self, bucket: u32) -> f32 {
        f32::from(self.weights[bucket as usize]) * self.unit
    }

    fn worst(&self, read: &grams::Read) -> Window {
        let mut sums = Vec::with_capacity(read.words() + 1);
        sums.push(0i64);
        for word in 0..read.words() {
            let sum: i64 = read.grams(word, word + 1).iter().map(|&bucket| i64::from(self.weights[bucket as usize])).sum();
            sums.push(sums[word] + sum);
        }
        windows(read.words(), self.window)
            .map(|(from, to)| {
                let count = read.grams(from, to).len().max(1) as f32;
                Window { from, to, logit: self.bias + (sums[to] - sums[from]) as f32 * self.unit / count.sqrt() }
            })
            .max_by(|a, b| a.logit.total_cmp(&b.logit))
            .unwrap_or(Window { from: 0, to: 0, logit: self.bias })
    }
}

/// Windows over that many words: half overlapping, the last one flush with the end.
fn windows(words: usize, window: usize) -> impl Iterator<Item = (usize, usize)> {
    let step = (window / 2).max(1);
    let count = if words == 0 { 0 } else { words.saturating_sub(window).div_ceil(step) + 1 };
    (0..count).map(move |at| {
        let to = (at * step + window).min(words);
        (to.saturating_sub(window), to)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn arbitrary() -> ProseModel {
        let mut random = crate::generate::Random::new(3);
        ProseModel {
            name: "test".into(),
            version: "1".into(),
            window: 8,
            bias: -1.0,
            unit: 0.01,
            weights: (0..1 << BUCKET_BITS).map(|_| (random.below(200) as i64 - 100) as i8).collect(),
            curve: Curve::identity(),
            thresholds: Thresholds { alone: 0.9, alert: 0.5, veto: 0.1 },
        }
    }

    #[test]
    fn windows_cover_every_word() {
        for (words, window) in [(0, 4), (3, 4), (4, 4), (5, 4), (100, 7), (9, 1)] {
            let all: Vec<(usize, usize)> = windows(words, window).collect();
            assert_eq!(all.last().map_or(0, |last| last.1), words);
            assert!(all.windows(2).all(|pair| pair[1].0 <= pair[0].1), "{words} {window}");
        }
    }

    #[test]
    fn file_round_trip() {
        let model = arbitrary();
        let bytes = model.to_bytes();
        let again = ProseModel::from_bytes(&bytes, model.thresholds()).unwrap();
        assert_eq!(again.to_bytes(), bytes);
        assert_eq!(again.score(b"some words of a text"), model.score(b"some words of a text"));
        assert!(ProseModel::from_bytes(&bytes[..bytes.len() - 1], model.thresholds()).is_err());
    }

    proptest! {
        #[test]
        fn parts_add_up_and_nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..600), text in "\\PC{0,200}") {
            let model = arbitrary();
            for input in [bytes.as_slice(), text.as_bytes()] {
                let why = model.explain(input);
                let sum = why.bias + why.parts.iter().map(|part| part.push).sum::<f32>();
                prop_assert!((sum - why.logit).abs() < 1e-3 && why.logit == model.logit(input));
            }
        }

        #[test]
        fn a_bad_window_is_not_diluted(bad in "[a-z]{3,8}( [a-z]{3,8}){7}", good in "[a-z]{3,8}( [a-z]{3,8}){8,40}") {
            // Half windows of the bad text remain: the score of the whole is at least that of its own first window.
            let model = arbitrary();
            let both = format!("{bad} {good}");
            prop_assert!(model.logit(both.as_bytes()) >= model.logit(bad.as_bytes()) - 1.0);
        }
    }
}
