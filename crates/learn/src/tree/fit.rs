//! Training of trees: the one file that knows the training library. Same rows, settings and seed: same trees on any number of threads.

use std::num::NonZeroUsize;

use hessboost::config::Monotone;
use hessboost::metric::EvalMetric;
use hessboost::objective::RegLoss;
use hessboost::prelude::{BoostedModel, DMatrix, Objective, Trainer, TrainingParams, TreeMethod};

use super::{COLUMNS_MAX, DEPTH_MAX, Forest, Node, ROWS_MAX, TREES_MAX};
use crate::calibrate::Curve;
use crate::text::Thresholds;

/// Rows for training: `values` holds row after row.
#[derive(Clone, Copy, Debug)]
pub struct Grid<'a> {
    /// `rows * names.len()` numbers; `NaN` is missing.
    pub values: &'a [f32],
    /// Names of the columns.
    pub names: &'a [&'a str],
    /// 0 or 1 for each row.
    pub labels: &'a [f32],
    /// Weight of each row; empty when all are alike.
    pub weights: &'a [f32],
}

/// What is not in the rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Depth, at most 6.
    pub depth: usize,
    /// Trees of one ensemble; early stopping may end sooner.
    pub rounds: usize,
    /// Learning rate.
    pub eta: f64,
    /// Share of the columns that each tree sees.
    pub column_share: f64,
    /// Share of the rows that each tree sees.
    pub row_share: f64,
    /// Rows of each leaf, at least.
    pub leaf_rows_min: usize,
    /// +1: more can only raise the score; -1: only lower it; 0: free. Empty: all free.
    pub directions: Vec<i8>,
    /// Rounds without progress on the held rows that end the training.
    pub patience: usize,
    /// L2 on leaf values.
    pub lambda: f64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            depth: 4,
            rounds: 200,
            eta: 0.1,
            column_share: 0.5,
            row_share: 0.8,
            leaf_rows_min: 20,
            directions: Vec::new(),
            patience: 20,
            lambda: 2.0,
        }
    }
}

/// Why nothing was trained. Rows count from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// Beyond a limit.
    #[error("{what}: {found}, at most {most}")]
    Limit {
        /// Rows, columns, trees or depth.
        what: &'static str,
        /// Found.
        found: usize,
        /// The limit.
        most: usize,
    },
    /// A label that is neither 0 nor 1.
    #[error("column label, row {row}: expected 0 or 1")]
    Label {
        /// Row.
        row: usize,
    },
    /// An infinite number.
    #[error("column {column}, row {row}: the number is infinite")]
    Infinite {
        /// Name.
        column: String,
        /// Row.
        row: usize,
    },
    /// A column that says nothing.
    #[error("column {column}, row {row}: the same value as in every row before; leave the column out")]
    Constant {
        /// Name.
        column: String,
        /// Last row.
        row: usize,
    },
    /// Only one label.
    #[error("column label, row {row}: every row up to here has the same label; two classes are needed")]
    OneClass {
        /// Last row.
        row: usize,
    },
    /// Lengths that do not fit each other.
    #[error("{0}")]
    Shape(&'static str),
    /// The training library refuses.
    #[error("training failed: {0}")]
    Library(String),
}

impl Grid<'_> {
    /// Rows.
    pub fn rows(&self) -> usize {
        self.labels.len()
    }

    /// Limits, labels, infinite numbers and columns without a word to say.
    pub fn check(&self) -> Result<(), FitError> {
        let columns = self.names.len();
        limit("rows", self.rows(), ROWS_MAX)?;
        limit("columns", columns, COLUMNS_MAX)?;
        if columns == 0 || self.values.len() != columns * self.rows() {
            return Err(FitError::Shape("expected as many values as rows times columns"));
        }
        if !self.weights.is_empty() && self.weights.len() != self.rows() {
            return Err(FitError::Shape("expected one weight for each row"));
        }
        if let Some(row) = self.labels.iter().position(|&label| label != 0.0 && label != 1.0) {
            return Err(FitError::Label { row });
        }
        if let Some(at) = self.values.iter().position(|value| value.is_infinite()) {
            return Err(FitError::Infinite { column: self.names[at % columns].into(), row: at / columns });
        }
        if self.labels.iter().all(|&label| label == self.labels.first().copied().unwrap_or(0.0)) {
            return Err(FitError::OneClass { row: self.rows().saturating_sub(1) });
        }
        match self.constant_columns().first() {
            Some(&column) => Err(FitError::Constant { column: self.names[column].into(), row: self.rows() - 1 }),
            None => Ok(()),
        }
    }

    /// Columns with one value (or only missing ones) in every row.
    pub fn constant_columns(&self) -> Vec<usize> {
        let columns = self.names.len();
        let first = &self.values[..columns.min(self.values.len())];
        let mut same: Vec<bool> = vec![true; first.len()];
        for row in self.values.chunks_exact(columns.max(1)) {
            for ((same, value), first) in same.iter_mut().zip(row).zip(first) {
                *same &= value.to_bits() == first.to_bits() || (value.is_nan() && first.is_nan());
            }
        }
        (0..same.len()).filter(|&column| same[column]).collect()
    }
}

fn limit(what: &'static str, found: usize, most: usize) -> Result<(), FitError> {
    if found > most { Err(FitError::Limit { what, found, most }) } else { Ok(()) }
}

/// One ensemble. `stop` are rows held back for early stopping; without them all rounds are trained. The curve is the identity.
pub fn fit(rows: &Grid<'_>, stop: Option<&Grid<'_>>, settings: &Settings, seed: u64) -> Result<Forest, FitError> {
    limit("depth", settings.depth, DEPTH_MAX)?;
    limit("trees", settings.rounds, TREES_MAX)?;
    let said = |error: hessboost::error::HessboostError| FitError::Library(error.to_string());
    let train = matrix(rows).map_err(said)?;
    let held = stop.filter(|stop| stop.rows() > 0).map(matrix).transpose().map_err(said)?;
    let direction = |&direction: &i8| match direction {
        1.. => Monotone::Increasing,
        0 => Monotone::None,
        ..0 => Monotone::Decreasing,
    };
    // The smallest leaf in rows: each row is a group of its own.
    let groups: Vec<u64> = (0..rows.rows() as u64).collect();
    let train = train.with_split_groups(&groups).map_err(said)?;
    let mut params = TrainingParams::builder()
        .objective(Objective::BinaryLogistic(RegLoss::default()))
        .eval_metric(EvalMetric::LogLoss)
        .tree_method(TreeMethod::Hist)
        .max_bin(128)
        .max_depth(settings.depth)
        .eta(settings.eta)
        .lambda(settings.lambda)
        .min_child_weight(1.0)
        .min_child_groups(settings.leaf_rows_min)
        .colsample_bytree(settings.column_share)
        .subsample(settings.row_share)
        .seed(seed);
    if settings.directions.iter().any(|&direction| direction != 0) {
        params = params.monotone_constraints(settings.directions.iter().map(direction).collect());
    }
    let params = params.build().map_err(said)?;
    let mut trainer = Trainer::new(&params, &train, settings.rounds);
    if let (Some(held), Some(patience)) = (&held, NonZeroUsize::new(settings.patience)) {
        trainer = trainer.eval(held, "held").early_stopping_rounds(patience);
    }
    let model = trainer.train().map_err(said)?.model;
    Ok(take_over(&model, rows.names.len()))
}

fn matrix(grid: &Grid<'_>) -> hessboost::error::Result<DMatrix> {
    let matrix = DMatrix::from_dense(grid.values, grid.rows(), grid.names.len())?.with_labels(grid.labels)?;
    if grid.weights.is_empty() { Ok(matrix) } else { matrix.with_weights(grid.weights) }
}

/// The library's trees as ours, up to the best round.
fn take_over(model: &BoostedModel, columns: usize) -> Forest {
    let rounds = model.best_iteration().map_or(model.num_trees(), |best| best + 1);
    let trees = model.trees()[..rounds.min(model.num_trees())]
        .iter()
        .zip(model.tree_weights())
        .map(|(tree, weight)| {
            tree.nodes()
                .iter()
                .map(|node| {
                    let leaf = node.is_leaf();
                    Node {
                        feature: node.split_feature as u16,
                        default_left: node.default_left,
                        split: if leaf { node.leaf_value * weight } else { node.split_cond },
                        left: if leaf { 0 } else { node.left as u32 },
                        right: if leaf { 0 } else { node.right as u32 },
                        cover: node.sum_hess,
                    }
                })
                .collect()
        })
        .collect();
    Forest {
        name: String::new(),
        version: String::new(),
        columns,
        base: model.base_score(),
        trees,
        curve: Curve::identity(),
        thresholds: Thresholds { alone: 1.0, alert: 1.0, veto: 0.0 },
    }
}
