//! Membership: can somebody who sees scores tell whether a row was learned from?
//!
//! Loss:       rows that were learned from have the smaller loss (Yeom et al. 2018).
//! Shadows:    sixteen models of the same kind, each learned from a random half of the rows; a row's score against what models that did not
//!             see it say of it (after Carlini et al. 2022, with the mean alone).
//! Target:     a model of the same training on a half of these rows, because nobody can hand out the rows of the shipped one. Fewer rows
//!             than the shipped model has: it remembers more, not less.

use super::{Attack, Figures, Outcome};
use crate::generate::Random;
use crate::measure::{self, Scored};

/// This attack.
pub const ATTACK: Attack =
    Attack { name: "infer", pass: "area under the curve at most .55 and at most .003 found at 0.1 % false alarms, by either attack" };
/// Area under the curve that is still as good as guessing.
pub const AUC_MAX: f64 = 0.55;
/// Hits at 0.1 % false alarms; guessing has .001.
pub const HITS_MAX: f64 = 0.003;
const SHADOWS: usize = 16;

/// Says of a row how much a model speaks for its true label, in logits.
pub type Says = Box<dyn Fn(usize) -> f32>;
/// Trains on the rows named and says of any row.
pub type Train<'a> = &'a dyn Fn(&[usize], u64) -> Says;

/// Attacks a training of `rows` rows.
pub fn run(model: &str, rows: usize, seed: u64, train: Train<'_>) -> Outcome {
    let half = |salt: u64| -> Vec<bool> {
        let mut random = Random::new(seed ^ salt.wrapping_mul(0x51AD) ^ 0x1F);
        let mut order: Vec<usize> = (0..rows).collect();
        random.shuffle(&mut order);
        let mut inside = vec![false; rows];
        order[..rows / 2].iter().for_each(|&row| inside[row] = true);
        inside
    };
    let list = |inside: &[bool]| (0..rows).filter(|&row| inside[row]).collect::<Vec<_>>();
    let member = half(0);
    let target = train(&list(&member), seed);
    let (mut sums, mut counts) = (vec![0.0_f64; rows], vec![0.0_f64; rows]);
    for shadow in 1..=SHADOWS {
        let inside = half(shadow as u64);
        let says = train(&list(&inside), seed);
        for row in (0..rows).filter(|&row| !inside[row]) {
            sums[row] += f64::from(says(row));
            counts[row] += 1.0;
        }
    }
    let mut figures = Figures::default();
    let mut pass = true;
    let mut passed = 0;
    for (name, against) in [("loss", false), ("shadows", true)] {
        let scored: Vec<Scored> = (0..rows)
            .map(|row| {
                let usual = if against && counts[row] > 0.0 { sums[row] / counts[row] } else { 0.0 };
                Scored { score: (f64::from(target(row)) - usual) as f32, positive: member[row] }
            })
            .collect();
        let auc = measure::auc(&scored).unwrap_or(0.5);
        let hits = measure::tpr_at_fpr(&scored, 0.001);
        figures.add(&format!("{name}_auc"), auc);
        figures.add(&format!("{name}_found_at_0.001"), hits);
        let held = auc <= AUC_MAX && hits.share <= HITS_MAX;
        passed += u64::from(held);
        pass &= held;
    }
    figures.add("rows", rows);
    figures.add("shadow_models", SHADOWS);
    figures.add("auc_max", AUC_MAX);
    figures.add("found_max", HITS_MAX);
    Outcome { attack: ATTACK.name, model: model.into(), seeds: 2, passed, figures: figures.0, pass, worst: Vec::new() }
}
