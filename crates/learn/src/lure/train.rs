//! Trains a model with heads: logistic loss for each head, AdaGrad, seeded order, one thread. A head may be unknown for a row.

use super::words::Words;
use super::{BITS, Heads, char_features, meaning_features, word_features};
use crate::generate::Random;

/// Largest weight of one bucket, in logits.
const WEIGHT_LIMIT: f32 = 0.9;
const UNIT: f32 = WEIGHT_LIMIT / 127.0;
const EPOCHS: u32 = 4;
/// Pull towards zero for each touch of a weight.
const DECAY: f32 = 2e-5;

/// One training row: its features, which heads are true and which are known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    pub(crate) buckets: Vec<u32>,
    pub(crate) truth: u16,
    pub(crate) known: u16,
    pub(crate) weight: f32,
}

impl Row {
    /// A stretch of words; `spelled` when it may learn the words themselves and not their meaning alone.
    pub(crate) fn of_words(prose: &Words, from: usize, to: usize, spelled: bool) -> Row {
        let mut row = Row { known: u16::MAX, weight: 1.0, ..Row::default() };
        for at in from..to.min(prose.words.len()) {
            let each = |bucket| row.buckets.push(bucket as u32);
            if spelled { word_features(prose, at, each) } else { meaning_features(prose, at, each) }
        }
        row
    }

    /// A short string.
    pub(crate) fn of_chars(text: &str) -> Row {
        let mut row = Row { known: u16::MAX, weight: 1.0, ..Row::default() };
        char_features(text, |bucket| row.buckets.push(bucket as u32));
        row
    }
}

impl Heads {
    /// Logit of a head for a row that was read for training.
    pub(crate) fn of_row(&self, row: &Row, head: usize) -> f32 {
        let sum: i32 = row.buckets.iter().map(|&bucket| i32::from(self.weights[bucket as usize * self.heads.len() + head])).sum();
        self.bias[head] + sum as f32 * self.unit
    }
}

/// Weights and bias of every head; thresholds are 0 until the caller sets them.
pub(crate) fn train(name: &str, version: &str, heads: &[&str], bias: f32, step: f32, rows: &[Row], seed: u64) -> Heads {
    let count = heads.len();
    let mut weights = vec![0_f32; count << BITS];
    let mut squares = vec![1e-2_f32; count << BITS];
    let mut biases = vec![bias; count];
    let mut order: Vec<u32> = (0..rows.len() as u32).collect();
    let mut random = Random::new(seed);
    let mut errors = vec![0_f32; count];
    for epoch in 0..EPOCHS {
        random.shuffle(&mut order);
        let step = step / (1.0 + 0.5 * epoch as f32);
        for &at in &order {
            let row = &rows[at as usize];
            let mut logits = biases.clone();
            for &bucket in &row.buckets {
                let from = bucket as usize * count;
                logits.iter_mut().zip(&weights[from..from + count]).for_each(|(sum, weight)| *sum += weight);
            }
            let mut any = false;
            for (head, error) in errors.iter_mut().enumerate() {
                let target = f32::from(row.truth >> head & 1);
                *error = if row.known >> head & 1 == 1 { (1.0 / (1.0 + (-logits[head]).exp()) - target) * row.weight } else { 0.0 };
                if error.abs() < 0.01 {
                    *error = 0.0;
                }
                any |= *error != 0.0;
                biases[head] = (biases[head] - 0.002 * *error).clamp(-8.0, -1.0);
            }
            if !any {
                continue;
            }
            for &bucket in &row.buckets {
                let from = bucket as usize * count;
                for head in 0..count {
                    let error = errors[head];
                    if error != 0.0 {
                        let square = &mut squares[from + head];
                        *square += error * error;
                        let weight = &mut weights[from + head];
                        *weight = ((*weight) * (1.0 - DECAY) - step * error / square.sqrt()).clamp(-WEIGHT_LIMIT, WEIGHT_LIMIT);
                    }
                }
            }
        }
    }
    Heads {
        name: name.into(),
        version: version.into(),
        heads: heads.iter().map(|&head| head.to_owned()).collect(),
        bias: biases,
        threshold: vec![0.0; count],
        unit: UNIT,
        languages: Vec::new(),
        weights: weights.iter().map(|weight| (weight / UNIT).round() as i8).collect(),
    }
}
