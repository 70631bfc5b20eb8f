//! The card of a model: what it was made of, how good it is and where it is blind. JSON in the folder, Markdown for people.

mod features;
mod markdown;

pub use features::{Feature, Features};

use crate::measure::{Reliability, Share};

/// `card.json`.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Card {
    /// `bartizan.card/1`.
    pub schema: String,
    /// Name, such as `web-payload`.
    pub name: String,
    /// Version, such as `1.0`.
    pub version: String,
    /// What a score is about, one sentence.
    pub purpose: String,
    /// Kind of model, one sentence.
    pub method: String,
    /// Whether every source's licence allows shipping the model.
    pub ships: bool,
    /// Where the rows came from.
    pub sources: Vec<Source>,
    /// Rows used for training, after the rules below.
    pub rows: u64,
    /// Rules that dropped rows before training, with counts.
    pub dropped: Vec<Dropped>,
    /// How rows were held back, one sentence.
    pub split: String,
    /// Seed of the training.
    pub seed: u64,
    /// Share of attacks that scores assume (base rate of the calibration).
    pub base_rate: f64,
    /// Figures, best known first.
    pub figures: Vec<Figure>,
    /// Each source left out of training and measured.
    pub left_out: Vec<LeftOut>,
    /// Expected calibration error on held-back rows, and its table.
    pub calibration: Calibration,
    /// Score limits.
    pub thresholds: crate::text::Thresholds,
    /// Shares of good rows that the thresholds `alone` and `alert` were set at, where they are not 0.05 % and 0.5 %.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<[f64; 2]>,
    /// The one-line rule that the model has to beat; empty: the number of signs in a value.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub trivial: String,
    /// Area under the curve on held-back rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auc: Option<f64>,
    /// That of the one-line rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trivial_auc: Option<f64>,
    /// Hits at set false-positive rates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<Figure>,
    /// Known blind spots, one sentence each.
    pub blind_spots: Vec<String>,
    /// Attacks tried on the model and what held.
    pub attacks_tried: Vec<String>,
    /// Command that prints the figures again.
    pub command_eval: String,
    /// Command that trains the same bytes again.
    pub command_train: String,
}

/// One source of training rows.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Source {
    /// Name in the table's `source` column.
    pub name: String,
    /// Where it comes from: repository and commit, or this program's generator.
    pub origin: String,
    /// SPDX licence id.
    pub licence: String,
    /// Attack rows before dropping.
    pub attacks: u64,
    /// Benign rows before dropping.
    pub benign: u64,
    /// SHA-256 over all payloads of the source in table order, each ended by a NUL byte; hex.
    pub sha256: String,
}

/// A rule that removed rows.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Dropped {
    /// The rule and its reason.
    pub rule: String,
    /// Rows removed.
    pub rows: u64,
}

/// One measured share with the command that prints it.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Figure {
    /// What was measured, on what.
    pub what: String,
    /// The share and its interval.
    pub share: Share,
}

/// One source left out of training.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct LeftOut {
    /// The source.
    pub source: String,
    /// Attack rows measured.
    pub attacks: u64,
    /// Benign rows behind the thresholds.
    pub benign: u64,
    /// `own` when the benign rows are of the source itself, `held` when they are held-back rows of the other sources.
    pub benign_from: String,
    /// True-positive rate at 0.1 % false positives.
    pub tpr_at_fpr_01: Share,
    /// True-positive rate at 0.5 % false positives.
    pub tpr_at_fpr_05: Share,
    /// True-positive rate at 1 % false positives.
    pub tpr_at_fpr_1: Share,
    /// Area under the ROC curve.
    pub auc: f64,
    /// The same 0.5 % figure for the best one-line rule: the number of signs (neither word, space nor full stop) in the value.
    pub trivial_at_fpr_05: Share,
}

/// How well scores are probabilities.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Calibration {
    /// Expected calibration error over ten bins.
    pub error: f64,
    /// The bins.
    pub table: Vec<Reliability>,
}

impl Card {
    /// The card as Markdown.
    pub fn to_markdown(&self) -> String {
        markdown::render(self)
    }

    /// The card as the bytes of `card.json`.
    pub fn to_bytes(&self) -> Vec<u8> {
        json_bytes(self)
    }

    /// Reads `card.json`.
    pub fn from_bytes(bytes: &[u8]) -> Result<Card, serde_json::Error> {
        serde_json::from_slice(bytes)
    }
}

/// Pretty JSON with a line end, the form of every JSON file in a model folder.
pub(crate) fn json_bytes<T: serde::Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).expect("invariant: these types have text keys and finite numbers");
    bytes.push(b'\n');
    bytes
}
