//! The trainer: logistic loss on the worst segment, AdaGrad, seeded order, one thread.
//!
//! Loss:       log(1 + exp(-y * logit)), logit as in [`crate::text`] with a fixed bias: a value without evidence is benign, and only
//!             evidence moves it. The segment is found anew with the running weights (latent variable), so a benign row learns from
//!             its most suspicious part and an attack from its most telling one; an attack without any learns from its whole text.
//! Bounds:     each weight in [-WEIGHT_LIMIT, WEIGHT_LIMIT], so that no single n-gram decides; step flags in [0, FLAG_LIMIT].

use super::prepare::Example;
use crate::calibrate::Curve;
use crate::canonical::STEP_NAMES;
use crate::text::segment::Search;
use crate::text::{BUCKET_BITS, Parts, TextModel, Thresholds, grams};

/// Logit of a value without evidence.
const BIAS: f32 = -5.0;
/// Cost of one byte of a segment in logits.
const DRIFT: f32 = 0.03;
/// Largest weight of one bucket, in logits.
const WEIGHT_LIMIT: f32 = 1.27;
/// Largest weight of one canonical step, in logits.
const FLAG_LIMIT: f32 = 1.5;
/// One unit of the stored weights: 127 units are the limit.
const UNIT: f32 = WEIGHT_LIMIT / 127.0;
const STEP: f32 = 0.03;
const EPOCHS: u32 = 8;
/// Errors below this teach nothing.
const ERROR_MIN: f32 = 0.002;
/// Most bytes of an attack that teach when it has no segment yet.
const FIRST_BYTES: usize = 160;

/// Trains on `examples`; the curve is the identity and the thresholds are open until the caller sets them.
pub(super) fn train<'a>(examples: impl Iterator<Item = &'a Example>, seed: u64) -> Parts {
    let examples: Vec<&Example> = examples.collect();
    let mut state = State::new();
    let mut order: Vec<u32> = (0..examples.len() as u32).collect();
    let mut random = crate::generate::Random::new(seed);
    for epoch in 0..EPOCHS {
        random.shuffle(&mut order);
        let step = STEP / (1.0 + 0.5 * epoch as f32);
        for &at in &order {
            state.learn(examples[at as usize], step);
        }
    }
    state.into_parts()
}

struct State {
    weights: Vec<f32>,
    squares: Vec<f32>,
    flags: [f32; STEP_NAMES.len()],
    /// Buckets of the running example, position after position, and where each position begins.
    buckets: Vec<u32>,
    begins: Vec<u32>,
}

impl State {
    fn new() -> State {
        let size = 1 << BUCKET_BITS;
        State {
            weights: vec![0.0; size],
            squares: vec![1.0; size],
            flags: [0.0; STEP_NAMES.len()],
            buckets: Vec::new(),
            begins: Vec::new(),
        }
    }

    fn learn(&mut self, example: &Example, step: f32) {
        self.buckets.clear();
        self.begins.clear();
        let mut search = Search::<f32>::new();
        let (weights, all, begins) = (&self.weights, &mut self.buckets, &mut self.begins);
        grams::for_each_position(&example.text, |_, buckets| {
            begins.push(all.len() as u32);
            all.extend_from_slice(buckets);
            let gain: f32 = buckets.iter().map(|&bucket| weights[bucket as usize & grams::MASK]).sum();
            search.push(gain - DRIFT);
        });
        let found = search.best();
        let (best, mut segment) = (found.sum, found.start..found.end);
        self.begins.push(self.buckets.len() as u32);
        let flags: f32 = set_bits(example.steps).map(|bit| self.flags[bit]).sum();
        let logit = BIAS + flags + best;
        let probability = 1.0 / (1.0 + (-logit).exp());
        let error = probability - f32::from(u8::from(example.positive));
        if error.abs() < ERROR_MIN {
            return;
        }
        if example.positive && best < 1.0 {
            segment = 0..example.text.len().min(FIRST_BYTES);
        }
        let pull = error * example.weight;
        let from = self.begins[segment.start] as usize;
        let to = self.begins[segment.end] as usize;
        for &bucket in &self.buckets[from..to] {
            let at = bucket as usize & grams::MASK;
            self.squares[at] += pull * pull;
            let moved = self.weights[at] - step * pull / self.squares[at].sqrt();
            self.weights[at] = moved.clamp(-WEIGHT_LIMIT, WEIGHT_LIMIT);
        }
        for bit in set_bits(example.steps) {
            self.flags[bit] = (self.flags[bit] - step * pull).clamp(0.0, FLAG_LIMIT);
        }
    }

    fn into_parts(self) -> Parts {
        Parts {
            name: String::new(),
            version: String::new(),
            unit: UNIT,
            bias: BIAS,
            drift: (DRIFT / UNIT).round() as i32,
            weights: self.weights.iter().map(|weight| (weight / UNIT).round() as i8).collect(),
            flags: self.flags,
            curve: Curve::identity(),
            thresholds: Thresholds { alone: 1.0, alert: 1.0, veto: 0.0 },
        }
    }
}

fn set_bits(steps: u32) -> impl Iterator<Item = usize> {
    (0..STEP_NAMES.len()).filter(move |bit| steps >> bit & 1 == 1)
}

/// Raw logits of examples under trained parts, in order.
pub(super) fn logits<'a>(parts: &Parts, examples: impl Iterator<Item = &'a Example>) -> Vec<f32> {
    let model = TextModel::from(parts.clone());
    examples.map(|example| model.logit_of_canonical(&example.text, example.steps)).collect()
}
