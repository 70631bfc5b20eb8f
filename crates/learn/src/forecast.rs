//! Which techniques come next, given those that were seen: an item-item model in closed form (EASE: Steck, "Embarrassingly Shallow
//! Autoencoders for Sparse Data", WWW 2019), trained on reports of intrusions as bags of techniques.
//!
//! A score is the sum of the weights from what was seen to the candidate; it explains itself by the largest of them. Scores become
//! probabilities by a curve fitted on reports that were left out: the share of candidates with that score that the report indeed named.

mod ease;
mod evaluate;
mod file;
mod folder;
mod table;
mod train;

pub use evaluate::{Case, Evaluation, evaluate, held_out};
pub use file::FileError;
pub use folder::folder;
pub use table::{Bag, TableError, parse};
pub use train::{TrainError, Trained, train};

use crate::calibrate::Curve;

/// Name of the model and its folder.
pub const NAME: &str = "forecast";
/// Version that this code trains.
pub const VERSION: &str = "1.0";
/// With fewer known techniques the answer is what is seen most, and says so.
pub const SEEN_MIN: usize = 2;

/// Weights between techniques.
#[derive(Clone, Debug, PartialEq)]
pub struct ForecastModel {
    version: String,
    /// ATT&CK ids, sorted.
    techniques: Vec<String>,
    /// Share of the reports that name it.
    popularity: Vec<f32>,
    /// `weights[seen * n + candidate]`.
    weights: Vec<f32>,
    curve: Curve,
}

/// One technique that may come next.
#[derive(Clone, Debug, PartialEq)]
pub struct Next<'m> {
    pub technique: &'m str,
    pub probability: f32,
    /// What was seen and speaks for it, strongest first.
    pub because: Vec<&'m str>,
}

/// What is expected, and on which ground.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast<'m> {
    pub next: Vec<Next<'m>>,
    /// `model`, or `popular` when too little was seen.
    pub basis: &'static str,
    /// Given ids that neither the model nor a parent or sub-technique in it knows.
    pub unknown: Vec<String>,
}

/// At most this many reasons a technique.
const BECAUSE_MAX: usize = 3;

impl ForecastModel {
    pub fn version(&self) -> &str {
        &self.version
    }

    pub fn techniques(&self) -> &[String] {
        &self.techniques
    }

    /// The `top` most likely techniques beside those that were seen.
    pub fn next(&self, seen: &[&str], top: usize) -> Forecast<'_> {
        let mut known: Vec<usize> = Vec::with_capacity(seen.len());
        let mut unknown = Vec::new();
        for id in seen {
            match self.place(id) {
                Some(at) => known.push(at),
                None => unknown.push((*id).to_owned()),
            }
        }
        known.sort_unstable();
        known.dedup();
        let popular = known.len() < SEEN_MIN;
        let mut scored: Vec<(f32, usize)> = (0..self.techniques.len())
            .filter(|at| !known.contains(at) && !seen.contains(&self.techniques[*at].as_str()))
            .map(|at| (if popular { self.popularity[at] } else { self.raw(&known, at) }, at))
            .collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        scored.truncate(top);
        let next = scored.into_iter().map(|(raw, at)| Next {
            technique: &self.techniques[at],
            probability: if popular { raw } else { self.curve.score(raw) },
            because: self.because(&known, at),
        });
        Forecast { next: next.collect(), basis: if popular { "popular" } else { "model" }, unknown }
    }

    /// Each technique with the share of reports that name it.
    pub fn popular(&self) -> impl Iterator<Item = (&str, f32)> {
        self.techniques.iter().map(String::as_str).zip(self.popularity.iter().copied())
    }

    /// Score of one candidate, before calibration.
    fn raw(&self, seen: &[usize], candidate: usize) -> f32 {
        seen.iter().map(|s| self.weights[s * self.techniques.len() + candidate]).sum()
    }

    fn because(&self, seen: &[usize], candidate: usize) -> Vec<&str> {
        let mut parts: Vec<(f32, usize)> =
            seen.iter().map(|s| (self.weights[s * self.techniques.len() + candidate], *s)).filter(|(w, _)| *w > 0.0).collect();
        parts.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        parts.into_iter().take(BECAUSE_MAX).map(|(_, at)| self.techniques[at].as_str()).collect()
    }

    /// The id itself, else its parent, else its most reported sub-technique.
    fn place(&self, id: &str) -> Option<usize> {
        let exact = |id: &str| self.techniques.binary_search_by(|held| held.as_str().cmp(id)).ok();
        exact(id).or_else(|| match id.split_once('.') {
            Some((parent, _)) => exact(parent),
            None => {
                let below = |at: &usize| self.techniques[*at].strip_prefix(id).is_some_and(|rest| rest.starts_with('.'));
                (0..self.techniques.len()).filter(below).max_by(|a, b| self.popularity[*a].total_cmp(&self.popularity[*b]).then(b.cmp(a)))
            }
        })
    }
}

#[cfg(test)]
mod tests;
