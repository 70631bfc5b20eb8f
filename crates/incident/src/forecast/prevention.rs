//! How much the first measures would have stopped, on reports that the model has not seen: ours, always the same five, and the best that could be known.

use learn::forecast::{Bag, Case};
use serde::Serialize;

use super::{CONTROLS_MAX, GENERAL_FROM, Mapping, Wanted, rank, share};

/// Mean share of the hidden techniques that the first five specific measures are mapped to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Prevention {
    pub reports: usize,
    pub ours: f64,
    /// The five that would have covered most over all reports of training.
    pub fixed_five: f64,
    /// Chosen with knowledge of what was hidden.
    pub oracle: f64,
}

pub fn prevention(bags: &[Bag], controls: &[Mapping], framework: &str, seed: u64) -> Prevention {
    let specific: Vec<&Mapping> = controls.iter().filter(|c| c.framework == framework && c.covers.len() <= GENERAL_FROM).collect();
    let mut sum = Prevention::default();
    for (model, cases) in learn::forecast::held_out(bags, seed) {
        let popular: Vec<(&str, f32)> = model.popular().collect();
        let fixed = rank(&specific, &popular, CONTROLS_MAX);
        for case in &cases {
            let seen: Vec<&str> = case.seen.iter().map(String::as_str).collect();
            let next = model.next(&seen, Wanted::default().top);
            let expected: Vec<(&str, f32)> = next.next.iter().map(|n| (n.technique, n.probability.max(0.0))).collect();
            let known: Vec<(&str, f32)> = case.hidden.iter().map(|id| (id.as_str(), 1.0)).collect();
            sum.reports += 1;
            sum.ours += covered(case, &rank(&specific, &expected, CONTROLS_MAX));
            sum.fixed_five += covered(case, &fixed);
            sum.oracle += covered(case, &rank(&specific, &known, CONTROLS_MAX));
        }
    }
    let n = sum.reports.max(1) as f64;
    Prevention { reports: sum.reports, ours: sum.ours / n, fixed_five: sum.fixed_five / n, oracle: sum.oracle / n }
}

fn covered(case: &Case, chosen: &[(&Mapping, f32)]) -> f64 {
    let hit = |id: &&String| chosen.iter().any(|(c, _)| share(c, id) > 0.0);
    case.hidden.iter().filter(hit).count() as f64 / case.hidden.len().max(1) as f64
}
