//! Name model: how much the registered part of a domain name looks made by a program.
//!
//! Reads:      one label, `example` of `www.example.co.uk`; host names below it are the business of their owner and are not judged.
//! Features:   how likely each letter is after the two before it ([`letters`]), how much the runs of 2-4 letters look like random letters
//!             and like joined words ([`heads`]), length, shares, runs.
//! Score:      boosted trees over these, then calibrated.
//! Cost:       some microseconds a name; names are at most 63 letters long.
//! Mistaken by: short names of letters that stand for words in a language the training names lack; names that are themselves hashes.
//! Method:     Woodbridge et al. 2016 and Tran et al. 2018 for the two kinds of families; trigram likelihood as in Yadav et al. 2010.

mod features;
mod file;
pub(crate) mod fit;
mod heads;
mod letters;

pub use features::{FEATURES, entropy, label};

use crate::calibrate::Curve;
use crate::text::Thresholds;
use crate::tree::{Explained, Forest, TreeModel as _};
use heads::Heads;
use letters::Letters;

/// A loaded name model. Immutable; share it behind an `Arc`.
#[derive(Clone, Debug)]
pub struct NameModel {
    name: String,
    version: String,
    letters: Letters,
    heads: Heads,
    forest: Forest,
    curve: Curve,
    thresholds: Thresholds,
}

impl NameModel {
    /// Calibrated score 0..1 of a label as [`label`] gives it.
    pub fn score(&self, label: &str) -> f32 {
        self.curve.score(self.logit(label))
    }

    /// The uncalibrated logit.
    pub fn logit(&self, label: &str) -> f32 {
        self.forest.logit(&self.features(label))
    }

    /// Calibrated score of a logit; monotone.
    pub fn calibrated(&self, logit: f32) -> f32 {
        self.curve.score(logit)
    }

    /// Values in the order of [`FEATURES`].
    pub fn features(&self, label: &str) -> Vec<f32> {
        features::values(label, &self.letters, &self.heads)
    }

    /// Why: one push in logits for each of [`FEATURES`].
    pub fn explain(&self, label: &str) -> Explained {
        let explained = self.forest.explain(&self.features(label));
        Explained { score: self.curve.score(explained.logit), ..explained }
    }

    /// The same model under a name, with its curve and limits.
    pub(crate) fn finished(self, name: String, version: String, curve: Curve, thresholds: Thresholds) -> NameModel {
        NameModel { name, version, curve, thresholds, ..self }
    }

    /// Score limits of the model's card.
    pub fn thresholds(&self) -> Thresholds {
        self.thresholds
    }

    /// Name of the model.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Version, such as `1.0`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The same model under another version.
    pub(crate) fn renumbered(self, version: &str) -> NameModel {
        NameModel { version: version.to_owned(), ..self }
    }
}

#[cfg(test)]
mod tests;
