//! How good a forecast is: half of a report's techniques are given, the other half is to be among the first twenty.
//!
//! Reports that resemble each other (Jaccard of 0.6 or more) stand in one fold, so that a copy of a test report is never trained on. What was given
//! is masked for the baseline as well.

use super::train::{fit, held};
use super::{Bag, ForecastModel};
use crate::calibrate::{Curve, Held};
use crate::measure::{Scored, calibration_error};

pub(super) const FOLDS: usize = 5;
/// Reports with fewer techniques are not measured.
const TECHNIQUES_MIN: usize = 6;
const TOP: usize = 20;
const SAME: f64 = 0.6;

/// Figures of one evaluation.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct Evaluation {
    /// Reports measured.
    pub reports: usize,
    /// Mean share of the hidden techniques among the first twenty.
    pub recall_at_20: f64,
    /// The same for the techniques that most reports name, what was given left out.
    pub popularity_recall_at_20: f64,
    /// Expected calibration error of the listed probabilities.
    pub calibration_error: f64,
    /// Hidden techniques of all reports, those among the first twenty, and those among the twenty most named.
    pub hidden: u64,
    pub hits: u64,
    pub popular_hits: u64,
    /// Share of the listed techniques that were hidden ones.
    pub base_rate: f32,
}

/// A report that no part of the model has seen: what was given, and what was to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    pub seen: Vec<String>,
    pub hidden: Vec<String>,
}

/// For each fold a model of the other folds, and the reports of the fold.
pub fn held_out(bags: &[Bag], seed: u64) -> Vec<(ForecastModel, Vec<Case>)> {
    let techniques: Vec<String> = bags.iter().flatten().collect::<std::collections::BTreeSet<_>>().into_iter().cloned().collect();
    let folds = folds(bags, seed);
    let owned = |ids: Vec<&String>| ids.into_iter().cloned().collect::<Vec<String>>();
    (0..FOLDS)
        .map(|fold| {
            let train: Vec<Bag> = bags.iter().zip(&folds).filter(|(_, f)| **f != fold).map(|(bag, _)| bag.clone()).collect();
            let of_fold = bags.iter().zip(&folds).enumerate().filter(|(_, (bag, f))| **f == fold && bag.len() >= TECHNIQUES_MIN);
            let cases = of_fold.map(|(n, (bag, _))| {
                let (seen, hidden) = halves(bag, mixed(seed, n));
                Case { seen: owned(seen), hidden: owned(hidden) }
            });
            (fit(&train, &techniques, Curve::identity()), cases.collect())
        })
        .collect()
}

/// The model as it is on reports that it was not trained on.
pub fn evaluate(model: &ForecastModel, bags: &[Bag], seed: u64) -> Evaluation {
    let mut sums = Sums::default();
    for (n, bag) in bags.iter().enumerate().filter(|(_, bag)| bag.len() >= TECHNIQUES_MIN) {
        sums.add(model, bag, mixed(seed, n));
    }
    sums.done()
}

/// Each fold measured by a model of the others, and all its scores for the calibration.
pub(super) fn cross_validate(bags: &[Bag], techniques: &[String], seed: u64) -> (Evaluation, Vec<Held>) {
    let folds = folds(bags, seed);
    let mut all = Sums::default();
    for fold in 0..FOLDS {
        let train: Vec<Bag> = bags.iter().zip(&folds).filter(|(_, f)| **f != fold).map(|(bag, _)| bag.clone()).collect();
        let model = fit(&train, techniques, Curve::identity());
        for (n, (bag, _)) in bags.iter().zip(&folds).enumerate().filter(|(_, (bag, f))| **f == fold && bag.len() >= TECHNIQUES_MIN) {
            all.add(&model, bag, mixed(seed, n));
        }
    }
    // The curve is judged where it was fitted on the other half of the scores.
    let half = |even: bool| {
        all.held.iter().enumerate().filter(|(n, _)| (n / TOP).is_multiple_of(2) == even).map(|(_, h)| *h).collect::<Vec<Held>>()
    };
    let curve = Curve::fit(&half(true));
    let scored: Vec<Scored> = half(false).iter().map(|h| Scored { score: curve.score(h.logit), positive: h.positive }).collect();
    let held = std::mem::take(&mut all.held);
    (Evaluation { calibration_error: calibration_error(&scored).0, ..all.done() }, held)
}

#[derive(Default)]
struct Sums {
    reports: usize,
    recall: f64,
    popular: f64,
    hidden: u64,
    hits: u64,
    popular_hits: u64,
    held: Vec<Held>,
    scored: Vec<Scored>,
}

impl Sums {
    fn add(&mut self, model: &ForecastModel, bag: &Bag, seed: u64) {
        let (seen, hidden) = halves(bag, seed);
        let seen: Vec<usize> = seen.iter().filter_map(|id| model.place(id)).collect();
        let hits = |score: &dyn Fn(usize) -> f32| {
            let mut order: Vec<usize> = (0..model.techniques.len()).filter(|at| !seen.contains(at)).collect();
            order.sort_by(|a, b| score(*b).total_cmp(&score(*a)).then(a.cmp(b)));
            order.truncate(TOP);
            order
        };
        let is_hidden = |at: &usize| hidden.iter().any(|id| **id == model.techniques[*at]);
        let top = hits(&|at| model.raw(&seen, at));
        let popular = hits(&|at| model.popularity[at]);
        let (found, by_popularity) = (top.iter().filter(|at| is_hidden(at)).count(), popular.iter().filter(|at| is_hidden(at)).count());
        self.reports += 1;
        self.hidden += hidden.len() as u64;
        self.hits += found as u64;
        self.popular_hits += by_popularity as u64;
        self.recall += found as f64 / hidden.len() as f64;
        self.popular += by_popularity as f64 / hidden.len() as f64;
        for at in top {
            let raw = model.raw(&seen, at);
            self.held.push(held(raw, is_hidden(&at)));
            self.scored.push(Scored { score: model.curve.score(raw), positive: is_hidden(&at) });
        }
    }

    fn done(self) -> Evaluation {
        let n = self.reports.max(1) as f64;
        Evaluation {
            reports: self.reports,
            recall_at_20: self.recall / n,
            popularity_recall_at_20: self.popular / n,
            hidden: self.hidden,
            hits: self.hits,
            popular_hits: self.popular_hits,
            base_rate: self.hits as f32 / (self.reports.max(1) * TOP) as f32,
            calibration_error: if self.scored.is_empty() { 0.0 } else { calibration_error(&self.scored).0 },
        }
    }
}

/// What is given and what is to be found.
pub(super) fn halves(bag: &Bag, seed: u64) -> (Vec<&String>, Vec<&String>) {
    let mut order: Vec<(u64, &String)> = bag.iter().enumerate().map(|(n, id)| (mixed(seed, n + 1), id)).collect();
    order.sort_unstable();
    let hidden = order.split_off(order.len() / 2);
    (order.into_iter().map(|(_, id)| id).collect(), hidden.into_iter().map(|(_, id)| id).collect())
}

/// A fold for each bag; bags that are alike share one.
fn folds(bags: &[Bag], seed: u64) -> Vec<usize> {
    let mut group: Vec<usize> = (0..bags.len()).collect();
    fn root(group: &mut [usize], mut at: usize) -> usize {
        while group[at] != at {
            group[at] = group[group[at]];
            at = group[at];
        }
        at
    }
    for a in 0..bags.len() {
        for b in 0..a {
            if alike(&bags[a], &bags[b]) {
                let (x, y) = (root(&mut group, a), root(&mut group, b));
                group[x.max(y)] = x.min(y);
            }
        }
    }
    (0..bags.len()).map(|at| (mixed(seed, root(&mut group, at)) % FOLDS as u64) as usize).collect()
}

/// Jaccard of two sorted bags.
fn alike(a: &Bag, b: &Bag) -> bool {
    let (short, long) = (a.len().min(b.len()) as f64, a.len().max(b.len()) as f64);
    if short < SAME * long {
        return false;
    }
    let (mut i, mut j, mut both) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => (i, j, both) = (i + 1, j + 1, both + 1),
        }
    }
    f64::from(both) >= SAME * (a.len() + b.len()) as f64 - SAME * f64::from(both)
}

/// splitmix64 over seed and number.
fn mixed(seed: u64, n: usize) -> u64 {
    let mut x = seed ^ (n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
