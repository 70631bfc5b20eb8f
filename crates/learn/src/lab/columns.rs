//! Evasion of trees: an attacker who may choose the columns that are cheap to forge, and no other.
//!
//! Search:     one column or a few at a time take the values of a good row; what lowers the score is kept; `queries` questions a row.
//! Certified:  rows whose score stays above the threshold whatever those columns hold, by the bounds of the trees (sound, not tight).

use super::evade::{ATTACK, THROUGH_MAX};
use super::{Figures, Outcome, WORST_MAX, Worst};
use crate::features::{Feature, Forge};
use crate::generate::Random;
use crate::measure::wilson;
use crate::tree::{Forest, TreeModel};

/// Which columns the attacker may choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Those that cost nothing.
    Free,
    /// Also those that cost some work.
    Some,
}

impl Reach {
    fn holds(self, forge: Forge) -> bool {
        forge == Forge::Free || (self == Reach::Some && forge == Forge::Some)
    }
}

/// Attacks the bad rows with what good rows hold. Rows of several vectors (windows) are for the caller to leave out.
pub fn run(model: &str, forest: &Forest, features: &[Feature], bad: &[Vec<f32>], good: &[Vec<f32>], queries: usize, seed: u64) -> Outcome {
    let limit = forest.thresholds().alert;
    let score = |row: &[f32]| forest.calibrated(forest.logit(row));
    let mut figures = Figures::default();
    let (mut worst, mut passed, mut pass) = (Vec::new(), bad.len() as u64, true);
    for (reach, name) in [(Reach::Free, "free"), (Reach::Some, "free_or_some_work")] {
        let columns: Vec<usize> = (0..features.len()).filter(|&at| reach.holds(features[at].forge)).collect();
        let (mut through, mut at_once, mut certified) = (0_u64, 0_u64, 0_u64);
        for (at, row) in bad.iter().enumerate() {
            let first = score(row);
            let (mut low, mut high) = (row.clone(), row.clone());
            for &column in &columns {
                (low[column], high[column]) = (f32::MIN, f32::MAX);
            }
            certified += u64::from(forest.calibrated(forest.bounds(&low, &high).0) >= limit);
            at_once += u64::from(first < limit);
            let (mut best, mut least) = (row.clone(), first);
            let mut random = Random::new(seed ^ (at as u64) << 16);
            for _ in 0..queries {
                if least < limit || columns.is_empty() || good.is_empty() {
                    break;
                }
                let donor = &good[random.below(good.len())];
                let mut next = best.clone();
                for _ in 0..random.between(1, 4) {
                    let column = columns[random.below(columns.len())];
                    next[column] = donor[column];
                }
                let now = score(&next);
                if now < least {
                    (best, least) = (next, now);
                }
            }
            if least < limit {
                through += 1;
            }
            if reach == Reach::Some {
                let changed = |row: &[f32]| {
                    let different = features.iter().zip(row).zip(&bad[at]).filter(|((_, a), b)| a.to_bits() != b.to_bits());
                    different.map(|((feature, value), _)| format!("{}={value}", feature.name)).collect::<Vec<_>>().join(" ")
                };
                worst.push(Worst { seed: format!("row {} score {first:.4}", at + 1), r#final: changed(&best), score: least });
            }
        }
        let of = bad.len() as u64;
        figures.add(&format!("{name}_columns"), columns.len());
        figures.add(&format!("{name}_got_through"), wilson(through, of));
        figures.add(&format!("{name}_certified"), wilson(certified, of));
        figures.add("got_through_unchanged", wilson(at_once, of));
        if reach == Reach::Some {
            passed = of - through;
            pass = through as f64 <= THROUGH_MAX * of as f64;
        }
    }
    figures.add("queries_a_seed", queries);
    figures.add("got_through_max", THROUGH_MAX);
    figures.add("threshold", limit);
    worst.sort_by(|a, b| a.score.total_cmp(&b.score));
    worst.truncate(WORST_MAX);
    Outcome { attack: ATTACK.name, model: model.into(), seeds: bad.len() as u64, passed, figures: figures.0, pass, worst }
}
