//! Training of the prose model: logistic loss, AdaGrad, seeded order, one thread.
//!
//! A long benign text teaches by its worst window under the running weights and by a random one; a long bad text by its worst window.

use super::grams::Read;
use super::{BUCKET_BITS, ProseModel, windows};
use crate::calibrate::Curve;
use crate::generate::Random;
use crate::text::Thresholds;

/// Largest weight of one bucket, in logits before the division by the root of the number of grams.
const WEIGHT_LIMIT: f32 = 12.7;
const UNIT: f32 = WEIGHT_LIMIT / 127.0;
const STEP: f32 = 0.5;
/// Pull of every weight towards 0 when it is touched.
const DECAY: f32 = 1e-4;
/// Errors below this teach nothing.
const ERROR_MIN: f32 = 0.005;

/// One text.
pub(crate) struct Example<'a> {
    pub(crate) read: &'a Read,
    pub(crate) positive: bool,
    pub(crate) weight: f32,
}

/// Trains with windows of that many words; the curve is the identity and the thresholds are open until the caller sets them.
pub(crate) fn fit<'a>(examples: impl Iterator<Item = Example<'a>>, window: usize, epochs: u32, seed: u64) -> ProseModel {
    let examples: Vec<Example<'_>> = examples.collect();
    let mut weights = vec![0f32; 1 << BUCKET_BITS];
    let mut squares = vec![1f32; 1 << BUCKET_BITS];
    let (mut bias, mut bias_square) = (0f32, 1f32);
    let mut random = Random::new(seed);
    let mut order: Vec<u32> = (0..examples.len() as u32).collect();
    for epoch in 0..epochs {
        random.shuffle(&mut order);
        let step = STEP / (1.0 + 0.5 * epoch as f32);
        for &at in &order {
            let example = &examples[at as usize];
            let words = example.read.words();
            let worst = worst(example.read, &weights, window);
            let second = (!example.positive && words > window).then(|| {
                let from = random.below(words - window + 1);
                (from, from + window)
            });
            let share = if second.is_some() { 0.5 } else { 1.0 };
            for (from, to) in std::iter::once(worst).chain(second) {
                let grams = example.read.grams(from, to);
                let scale = 1.0 / (grams.len().max(1) as f32).sqrt();
                let sum: f32 = grams.iter().map(|&bucket| weights[bucket as usize]).sum();
                let error = 1.0 / (1.0 + (-(bias + sum * scale)).exp()) - f32::from(u8::from(example.positive));
                if error.abs() < ERROR_MIN {
                    continue;
                }
                let pull = error * example.weight * share;
                bias_square += pull * pull;
                bias -= step * pull / bias_square.sqrt();
                for &bucket in grams {
                    let at = bucket as usize;
                    let pull = pull * scale + DECAY * weights[at];
                    squares[at] += pull * pull;
                    weights[at] = (weights[at] - step * pull / squares[at].sqrt()).clamp(-WEIGHT_LIMIT, WEIGHT_LIMIT);
                }
            }
        }
    }
    ProseModel {
        name: String::new(),
        version: String::new(),
        window,
        bias,
        unit: UNIT,
        weights: weights.iter().map(|weight| (weight / UNIT).round() as i8).collect(),
        curve: Curve::identity(),
        thresholds: Thresholds { alone: 1.0, alert: 1.0, veto: 0.0 },
    }
}

fn worst(read: &Read, weights: &[f32], window: usize) -> (usize, usize) {
    if read.words() <= window {
        return (0, read.words());
    }
    let sum = |(from, to): (usize, usize)| {
        let grams = read.grams(from, to);
        grams.iter().map(|&bucket| weights[bucket as usize]).sum::<f32>() / (grams.len().max(1) as f32).sqrt()
    };
    windows(read.words(), window).max_by(|&a, &b| sum(a).total_cmp(&sum(b))).unwrap_or((0, window))
}
