//! Boosted trees: scored, explained and bounded by our own code; trained by `hessboost`, which only [`fit`] sees.
//!
//! Reads:      one row of numbers; `NaN` is a missing value and takes each split's learned default side.
//! Score:      `logit = base + sum of leaf values`, then calibrated to 0..1.
//! Explained:  exact path-dependent TreeSHAP (Lundberg et al. 2020): base + contributions = logit to 1e-4 (test).
//! Bounds:     the least and greatest logit over a box of values: what an attacker can reach who moves some columns.
//! Cost:       about a microsecond a row for 300 trees of depth 6; no allocation in `score`.

mod bound;
pub mod export;
mod file;
pub mod fit;
mod shap;
#[cfg(test)]
mod tests;

pub use file::FileError;
pub use fit::{FitError, Grid, Settings, fit};

use crate::calibrate::Curve;
use crate::text::Thresholds;

/// Most trees of a model.
pub const TREES_MAX: usize = 2_000;
/// Most columns of a row.
pub const COLUMNS_MAX: usize = 4_096;
/// Most rows of a training table.
pub const ROWS_MAX: usize = 10_000_000;
/// Greatest depth of a tree.
pub const DEPTH_MAX: usize = 6;

/// A score taken apart: `base` + all of `pushes` = `logit`.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Explained {
    /// Calibrated score, 0..1.
    pub score: f32,
    /// Expected logit over the training rows.
    pub base: f32,
    /// The logit before calibration.
    pub logit: f32,
    /// One push in logits for each column, in column order; positive speaks for the bad class.
    pub pushes: Vec<f32>,
}

/// What every tree model can do. Rows shorter than the model's columns count as missing at their end.
pub trait TreeModel {
    /// Calibrated score of one row, 0..1.
    fn score(&self, row: &[f32]) -> f32;
    /// Scores of many rows, each of `columns()` values, appended to `out`.
    fn score_batch(&self, rows: &[f32], out: &mut Vec<f32>);
    /// Why: exact contributions.
    fn explain(&self, row: &[f32]) -> Explained;
    /// Least and greatest logit when column `i` may lie anywhere in `low[i]..=high[i]`; `NaN` in both: the column is missing.
    fn bounds(&self, low: &[f32], high: &[f32]) -> (f32, f32);
    /// Columns of a row.
    fn columns(&self) -> usize;
}

/// One node. A leaf has `left == 0` (the root is never a child).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) feature: u16,
    pub(crate) default_left: bool,
    /// Rows with `value < split` go left; the value of a leaf.
    pub(crate) split: f32,
    pub(crate) left: u32,
    pub(crate) right: u32,
    /// Weight of the training rows that came here.
    pub(crate) cover: f32,
}

impl Node {
    #[inline]
    pub(crate) fn is_leaf(&self) -> bool {
        self.left == 0
    }

    #[inline]
    pub(crate) fn goes_left(&self, value: f32) -> bool {
        if value.is_nan() { self.default_left } else { value < self.split }
    }
}

/// One tree: its nodes, the root first; children stand after their parent.
pub(crate) type Tree = Vec<Node>;

/// A loaded ensemble. Immutable; share it behind an `Arc`.
#[derive(Clone, Debug)]
pub struct Forest {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) columns: usize,
    pub(crate) base: f32,
    pub(crate) trees: Vec<Tree>,
    pub(crate) curve: Curve,
    pub(crate) thresholds: Thresholds,
}

impl Forest {
    /// Name of the model, such as `dga`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Version, such as `1.0`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Score limits of the model's card.
    pub fn thresholds(&self) -> Thresholds {
        self.thresholds
    }

    /// Number of trees.
    pub fn trees(&self) -> usize {
        self.trees.len()
    }

    /// The uncalibrated logit.
    pub fn logit(&self, row: &[f32]) -> f32 {
        self.trees.iter().fold(self.base, |sum, tree| sum + leaf(tree, row))
    }

    /// The calibrated log odds, as if both classes came equally often; monotone in [`Forest::logit`].
    pub fn log_odds(&self, row: &[f32]) -> f32 {
        self.curve.logit(self.logit(row))
    }

    /// Calibrated score of a logit; monotone.
    pub fn calibrated(&self, logit: f32) -> f32 {
        self.curve.score(logit)
    }

    /// The mean of several ensembles over the same columns; each keeps its trees with leaves divided by their number.
    pub(crate) fn mean(parts: Vec<Forest>) -> Option<Forest> {
        let share = 1.0 / parts.len() as f32;
        let mut parts = parts.into_iter();
        let mut all = parts.next()?;
        all.base *= share;
        let mut trees = std::mem::take(&mut all.trees);
        for part in parts {
            all.base += part.base * share;
            trees.extend(part.trees);
        }
        for node in trees.iter_mut().flatten().filter(|node| node.is_leaf()) {
            node.split *= share;
        }
        all.trees = trees;
        Some(all)
    }
}

impl TreeModel for Forest {
    fn score(&self, row: &[f32]) -> f32 {
        self.curve.score(self.logit(row))
    }

    fn score_batch(&self, rows: &[f32], out: &mut Vec<f32>) {
        // Tree by tree over a block of rows keeps one tree in the cache.
        for block in rows.chunks(self.columns.max(1) * 64) {
            let mut sums = [self.base; 64];
            for tree in &self.trees {
                for (sum, row) in sums.iter_mut().zip(block.chunks_exact(self.columns.max(1))) {
                    *sum += leaf(tree, row);
                }
            }
            out.extend(sums[..block.len() / self.columns.max(1)].iter().map(|&sum| self.curve.score(sum)));
        }
    }

    fn explain(&self, row: &[f32]) -> Explained {
        let logit = self.logit(row);
        let (base, pushes) = shap::contributions(self, row);
        Explained { score: self.curve.score(logit), base, logit, pushes }
    }

    fn bounds(&self, low: &[f32], high: &[f32]) -> (f32, f32) {
        bound::bounds(self, low, high)
    }

    fn columns(&self) -> usize {
        self.columns
    }
}

#[inline]
fn leaf(tree: &[Node], row: &[f32]) -> f32 {
    let mut node = &tree[0];
    while !node.is_leaf() {
        let value = row.get(usize::from(node.feature)).copied().unwrap_or(f32::NAN);
        node = &tree[if node.goes_left(value) { node.left } else { node.right } as usize];
    }
    node.split
}
