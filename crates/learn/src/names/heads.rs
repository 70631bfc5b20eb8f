//! Two linear models over hashed runs of 2-4 letters: honest names against random letters, and against joined words.

use crate::generate::Random;

/// Buckets of each, as a power of two.
const BUCKET_BITS: u32 = 15;
pub(super) const BUCKETS: usize = 1 << BUCKET_BITS;
/// Largest weight of one bucket, in logits.
const WEIGHT_LIMIT: f32 = 12.7;
const UNIT: f32 = WEIGHT_LIMIT / 127.0;
const EPOCHS: u32 = 4;
const STEP: f32 = 0.5;
/// Errors below this teach nothing.
const ERROR_MIN: f32 = 0.01;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Head {
    pub(super) bias: f32,
    pub(super) weights: Vec<i8>,
}

/// Random letters first, joined words second.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Heads(pub(super) [Head; 2]);

/// The buckets of a label between its edges.
pub(super) fn grams(label: &[u8]) -> Vec<u16> {
    let framed = [b"^", label, b"$"].concat();
    (2..=4).flat_map(|size| framed.windows(size).map(bucket)).collect()
}

fn bucket(gram: &[u8]) -> u16 {
    let hash = gram.iter().fold(0xCBF2_9CE4_8422_2325u64, |state, &byte| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3));
    (hash.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - BUCKET_BITS)) as u16
}

impl Heads {
    pub(super) fn logits(&self, label: &[u8]) -> [f32; 2] {
        let grams = grams(label);
        let scale = UNIT / (grams.len().max(1) as f32).sqrt();
        [0, 1].map(|at| {
            let head = &self.0[at];
            head.bias + grams.iter().map(|&gram| i32::from(head.weights[usize::from(gram)])).sum::<i32>() as f32 * scale
        })
    }
}

impl Head {
    /// Logistic regression by AdaGrad in a seeded order; both sides have half of the weight.
    pub(super) fn fit(rows: &[(&[u16], bool)], seed: u64) -> Head {
        let bad = rows.iter().filter(|row| row.1).count().max(1) as f32;
        let good = (rows.len() as f32 - bad).max(1.0);
        let half = rows.len() as f32 / 2.0;
        let mut weights = vec![0f32; BUCKETS];
        let mut squares = vec![1f32; BUCKETS];
        let (mut bias, mut bias_square) = (0f32, 1f32);
        let mut random = Random::new(seed);
        let mut order: Vec<u32> = (0..rows.len() as u32).collect();
        for epoch in 0..EPOCHS {
            random.shuffle(&mut order);
            let step = STEP / (1.0 + epoch as f32);
            for &at in &order {
                let (grams, positive) = rows[at as usize];
                let scale = 1.0 / (grams.len().max(1) as f32).sqrt();
                let sum: f32 = grams.iter().map(|&gram| weights[usize::from(gram)]).sum();
                let error = 1.0 / (1.0 + (-(bias + sum * scale)).exp()) - f32::from(u8::from(positive));
                if error.abs() < ERROR_MIN {
                    continue;
                }
                let pull = error * half / if positive { bad } else { good };
                bias_square += pull * pull;
                bias -= step * pull / bias_square.sqrt();
                for &gram in grams {
                    let at = usize::from(gram);
                    let pull = pull * scale;
                    squares[at] += pull * pull;
                    weights[at] = (weights[at] - step * pull / squares[at].sqrt()).clamp(-WEIGHT_LIMIT, WEIGHT_LIMIT);
                }
            }
        }
        Head { bias, weights: weights.iter().map(|weight| (weight / UNIT).round() as i8).collect() }
    }
}
