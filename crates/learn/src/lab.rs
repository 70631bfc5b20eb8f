//! The attack lab: attacks on models, each with a pass figure that was set before. It says what held and what did not.
//!
//! | file | attack | ATLAS |
//! | --- | --- | --- |
//! | [`evade`] | rewrite a hostile input, its meaning kept, until it gets through; hide it in benign text | AML.T0015, AML.T0043 |
//! | [`poison`] | bad rows in a training table: turned labels, clean labels, triggers | AML.T0020 |
//! | [`steal`] | ask until the answers make a copy | AML.T0024 |
//! | [`infer`] | tell whether a row was learned from | AML.T0024 |
//! | [`drift`] | thirty days with planted faults: found in time, and no alarm without cause | - |
//!
//! Operators of mutation stand in [`operator`], one file a family; those that training may see and those that only measure are apart.
//! Architecture Invariant: no training code reaches this module (test in `crates/bartizan/tests/it/architecture.rs`).

use std::collections::BTreeMap;

use serde_json::Value;

pub mod columns;
pub mod drift;
pub mod evade;
pub mod infer;
pub mod members;
pub mod operator;
pub mod poison;
pub mod seeds;
pub mod steal;
mod still;

/// An attack: its name on the command line and the figure that has to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attack {
    /// `evade`, `poison`, ..
    pub name: &'static str,
    /// What has to hold, in words.
    pub pass: &'static str,
}

/// Every attack.
pub const ALL: &[Attack] = &[evade::ATTACK, poison::ATTACK, steal::ATTACK, infer::ATTACK, drift::ATTACK];

/// What came of one attack on one model.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Outcome {
    /// Name of the attack.
    pub attack: &'static str,
    /// Name and version of the model.
    pub model: String,
    /// Cases tried.
    pub seeds: u64,
    /// Cases in which the model held.
    pub passed: u64,
    /// What was measured.
    pub figures: BTreeMap<String, Value>,
    /// Whether every pass figure was met.
    pub pass: bool,
    /// The cases in which the attack came furthest.
    pub worst: Vec<Worst>,
}

/// One case of an attack.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Worst {
    /// What it began with.
    pub seed: String,
    /// What it became.
    pub r#final: String,
    /// What the model says of that.
    pub score: f32,
}

/// What a model, or all that stands beside it, says about a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    /// Higher is more hostile.
    pub score: f32,
    /// Whether it would be acted on.
    pub caught: bool,
}

/// Most cases shown.
pub const WORST_MAX: usize = 10;

/// Figures by name.
#[derive(Clone, Debug, Default)]
pub struct Figures(pub BTreeMap<String, Value>);

impl Figures {
    /// Adds one.
    pub fn add(&mut self, name: &str, value: impl serde::Serialize) {
        self.0.insert(name.to_owned(), serde_json::to_value(value).unwrap_or(Value::Null));
    }
}

#[cfg(test)]
mod tests;
