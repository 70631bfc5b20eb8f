//! Training of the name model. The trees learn from values that come from tables of the other half of the names: a table knows the names that
//! it was made from.

use super::features::values;
use super::heads::{self, Head, Heads};
use super::letters::Letters;
use super::{FEATURES, NameModel};
use crate::calibrate::Curve;
use crate::generate::Random;
use crate::text::Thresholds;
use crate::tree::{self, FitError, Grid, Settings};

/// Names of joined words count less: honest names are often made the same way, and a model that wanted them all would give up on the rest.
const WORDS_WEIGHT: f32 = 0.3;

/// One name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Example<'a> {
    pub(crate) label: &'a str,
    pub(crate) positive: bool,
    /// Of a family that joins words.
    pub(crate) words: bool,
    pub(crate) weight: f32,
}

fn settings() -> Settings {
    Settings { depth: 5, rounds: 150, eta: 0.12, column_share: 0.7, row_share: 0.7, leaf_rows_min: 40, ..Settings::default() }
}

/// Tables of the examples that `keep` wants.
fn tables(examples: &[Example<'_>], keep: impl Fn(usize) -> bool, seed: u64) -> (Letters, Heads) {
    let kept = || examples.iter().enumerate().filter(|(at, _)| keep(*at)).map(|(_, example)| example);
    let letters = Letters::fit(kept().filter(|example| !example.positive).map(|example| example.label));
    let grams: Vec<(Vec<u16>, &Example<'_>)> = kept().map(|example| (heads::grams(example.label.as_bytes()), example)).collect();
    let head = |words: bool| {
        let rows: Vec<(&[u16], bool)> = grams
            .iter()
            .filter(|(_, example)| !example.positive || example.words == words)
            .map(|(grams, example)| (grams.as_slice(), example.positive))
            .collect();
        Head::fit(&rows, seed ^ u64::from(words))
    };
    (letters, Heads([head(false), head(true)]))
}

/// Trains; the curve is the identity and the thresholds are open until the caller sets them.
pub(crate) fn fit(examples: &[Example<'_>], seed: u64) -> Result<NameModel, FitError> {
    let mut random = Random::new(seed ^ 0x4A1F);
    let half: Vec<bool> = examples.iter().map(|_| random.one_in(2)).collect();
    let other = [tables(examples, |at| half[at], seed), tables(examples, |at| !half[at], seed)];
    let mut all = Vec::with_capacity(examples.len() * FEATURES.len());
    for (example, &half) in examples.iter().zip(&half) {
        let (letters, heads) = &other[usize::from(half)];
        all.extend(values(example.label, letters, heads));
    }
    let names: Vec<&str> = FEATURES.iter().map(|feature| feature.name).collect();
    let labels: Vec<f32> = examples.iter().map(|example| f32::from(u8::from(example.positive))).collect();
    let weight = |example: &Example<'_>| example.weight * if example.words { WORDS_WEIGHT } else { 1.0 };
    let weights: Vec<f32> = examples.iter().map(weight).collect();
    let grid = Grid { values: &all, names: &names, labels: &labels, weights: &weights };
    match grid.check() {
        // A column that says nothing in this table stays in its place: no split uses it.
        Ok(()) | Err(FitError::Constant { .. }) => {}
        Err(error) => return Err(error),
    }
    let forest = tree::fit(&grid, None, &settings(), seed)?;
    let (letters, heads) = tables(examples, |_| true, seed);
    Ok(NameModel {
        name: String::new(),
        version: String::new(),
        letters,
        heads,
        forest,
        curve: Curve::identity(),
        thresholds: Thresholds { alone: 1.0, alert: 1.0, veto: 0.0 },
    })
}
