//! Leave one source out: train without a source, measure on it.
//!
//! Threshold:  for a source with benign rows of its own, at a false-positive rate among those; for a source of attacks only, among
//!             benign rows of the other sources in the fold of clusters that this training did not see.
//! Beside it:  the best one-line rule, the number of signs in a value.

use super::linear;
use super::prepare::{Example, Prepared, prepare};
use super::table::Row;
use crate::card::LeftOut;
use crate::measure::{self, Scored};

/// Benign rows a source needs to set its own thresholds.
const OWN_BENIGN_MIN: usize = 400;

/// The rule that every model has to beat: how many bytes of a value are neither word characters, spaces nor full stops.
#[derive(Clone, Copy, Debug)]
pub struct TrivialRule;

/// Names of the sources in a table that have attacks, in order of appearance.
pub fn sources(rows: &[Row]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for row in rows.iter().filter(|row| row.label == super::Label::Attack) {
        if !names.contains(&row.source) {
            names.push(row.source.clone());
        }
    }
    names
}

/// Trains without `source` (and, when it has no benign rows, without one fold of the others) and measures on it.
/// `None` when the source has no attack rows.
pub fn leave_source_out(rows: &[Row], source: &str, seed: u64) -> Option<LeftOut> {
    left_out(&prepare(rows, seed), source, seed)
}

pub(super) fn left_out(prepared: &Prepared, source: &str, seed: u64) -> Option<LeftOut> {
    let at = prepared.sources.iter().position(|name| name == source)? as u16;
    // Our own values made from a source's rows must leave with it.
    let of_source =
        |example: &&Example| example.source == at || prepared.sources[usize::from(example.source)].strip_suffix("/value") == Some(source);
    let attacks: Vec<&Example> = prepared.examples.iter().filter(|example| example.source == at && example.positive).collect();
    let own: Vec<&Example> = prepared.examples.iter().filter(|example| example.source == at && !example.positive).collect();
    if attacks.is_empty() {
        return None;
    }
    let has_own = own.len() >= OWN_BENIGN_MIN;
    let held: Vec<&Example> =
        prepared.examples.iter().filter(|example| !of_source(example) && !example.positive && example.fold == 0).collect();
    let training = prepared.examples.iter().filter(|example| !of_source(example) && (has_own || example.positive || example.fold != 0));
    let parts = linear::train(training, seed);
    let (benign, from) = if has_own { (own, "own") } else { (held, "held") };
    let scored = |examples: &[&Example], positive| -> Vec<Scored> {
        let logits = linear::logits(&parts, examples.iter().copied());
        logits.into_iter().map(|score| Scored { score, positive }).collect()
    };
    let rows: Vec<Scored> = scored(&attacks, true).into_iter().chain(scored(&benign, false)).collect();
    let trivial: Vec<Scored> =
        attacks.iter().chain(&benign).map(|example| Scored { score: example.signs as f32, positive: example.positive }).collect();
    Some(LeftOut {
        source: source.into(),
        attacks: attacks.len() as u64,
        benign: benign.len() as u64,
        benign_from: from.into(),
        tpr_at_fpr_01: measure::tpr_at_fpr(&rows, 0.001),
        tpr_at_fpr_05: measure::tpr_at_fpr(&rows, 0.005),
        tpr_at_fpr_1: measure::tpr_at_fpr(&rows, 0.01),
        auc: measure::auc(&rows).unwrap_or(0.0),
        trivial_at_fpr_05: measure::tpr_at_fpr(&trivial, 0.005),
    })
}
