//! Recipes: how each model is made from a table, scored on one and described. One file a model, one line in [`ALL`].
//!
//! A recipe names its columns, its features (one function for training and for scoring), its form, its trivial baseline and the licences
//! of its sources. Everything else is common: [`train`] splits by group, calibrates, sets thresholds by false-positive rate, measures
//! and writes the card; [`Recipe::eval`] scores a table.

mod card;
mod dga;
mod eval;
mod label;
mod login;
mod pdf;
mod pe_header;
mod powershell;
mod prompt_injection;
mod sample;
mod train;
mod web_payload;

pub use eval::Evaluation;
pub use train::{Figures, Suspect, TrainError, Trained, Trivially};
pub use web_payload::web_rows;

use std::borrow::Cow;

use crate::features::Feature;
use crate::registry::Model;
use crate::table::{Row, Table, TableError};
use crate::tree::Settings;

/// Every model that can be trained.
pub const ALL: &[&Recipe] =
    &[&web_payload::RECIPE, &dga::RECIPE, &login::RECIPE, &pe_header::RECIPE, &pdf::RECIPE, &powershell::RECIPE, &prompt_injection::RECIPE];

/// How one model is made.
pub struct Recipe {
    /// Name, such as `dga`.
    pub name: &'static str,
    /// Version of the model that this recipe makes.
    pub version: &'static str,
    /// What a score is about, one sentence.
    pub purpose: &'static str,
    /// Kind of model, one sentence.
    pub method: &'static str,
    /// Whether the model may ship: false where no licensed data exist. A source without a licence forbids it in any case.
    pub ships: bool,
    /// Origin and licence of the sources we know, by the name in the column `source` or by file name.
    pub sources: &'static [Licence],
    /// Names of the label column; the first that the table has, else its last column.
    pub label: &'static [&'static str],
    /// Label texts of the bad class beside the usual ones (`attack`, `malicious`, `1`, `yes`, ..).
    pub bad: &'static [&'static str],
    /// Columns without which no row can be read.
    pub needs: &'static [&'static str],
    /// Columns that are read where the table has them.
    pub reads: &'static [&'static str],
    /// Rows with the same value of this column stay on one side of a split; without it, near-duplicates do.
    pub group: Option<&'static str>,
    /// Columns for which figures are also given value by value.
    pub by: &'static [&'static str],
    /// The one-line rule that the model has to beat.
    pub trivial: Trivial,
    /// Shares of good rows that may reach the thresholds.
    pub budget: Budget,
    /// What is learned.
    pub form: Form,
    /// Known blind spots, one sentence each.
    pub blind_spots: &'static [&'static str],
    /// Makes a table of another shape ready for training: the columns of a source that has no label, and only rows that may teach.
    pub prepare: Option<fn(&Table) -> Table>,
}

/// Where a source comes from.
#[derive(Clone, Copy, Debug)]
pub struct Licence {
    /// Name in the column `source`, or the beginning of the file's name.
    pub source: &'static str,
    /// Repository and commit, or this program's generator.
    pub origin: &'static str,
    /// SPDX id, or `none stated`.
    pub licence: &'static str,
    /// Whether it may train a model that ships.
    pub ships: bool,
}

/// A one-line rule.
#[derive(Clone, Copy)]
pub struct Trivial {
    /// What it says, in words.
    pub what: &'static str,
    /// The rule; higher is worse.
    pub score: fn(&Row<'_>) -> f32,
}

/// Shares of good rows at or above a threshold.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// The model alone may act.
    pub alone: f64,
    /// Worth an alert: the threshold that `model eval` reports as shipped.
    pub alert: f64,
}

/// 0.1 % and 1 %.
pub const BUDGET: Budget = Budget { alone: 0.001, alert: 0.01 };

/// What is learned from a row.
pub enum Form {
    /// Values of web requests: own training in [`crate::train`].
    Web,
    /// Hashed words and letters of one text.
    Prose(Prose),
    /// Letters of a domain name.
    Names(Names),
    /// Boosted trees over numbers.
    Trees(Trees),
}

/// A name model.
pub struct Names {
    /// The label of a row; `None`: the row cannot be judged.
    pub label: for<'a> fn(&Row<'a>) -> Option<String>,
    /// Whether its family joins words.
    pub words: for<'a> fn(&Row<'a>) -> bool,
    /// Rows of our own added to the table, by seed and the table.
    pub own_rows: fn(u64, &Table) -> Table,
}

/// A prose model.
pub struct Prose {
    /// The text of a row; `None`: the row cannot be judged.
    pub text: for<'a> fn(&Row<'a>) -> Option<Cow<'a, str>>,
    /// Words of a window.
    pub window: usize,
    /// Passes over the rows.
    pub epochs: u32,
    /// Rows of our own added to the table, by seed and number of rows in it.
    pub own_rows: Option<fn(u64, usize) -> Table>,
}

/// Trees over features.
pub struct Trees {
    /// The features in order.
    pub features: &'static [Feature],
    /// Appends the features of a row: one vector of `features.len()` numbers, or several when the row is scored window by window; the
    /// greatest score counts. Nothing: the row cannot be judged.
    pub read: fn(&Row<'_>, &mut Vec<f32>),
    /// Size of the ensemble, of which five are averaged.
    pub settings: fn() -> Settings,
    /// Rows of our own added to the table, by seed and the table.
    pub own_rows: Option<fn(u64, &Table) -> Table>,
    /// Least share of the features that must be present; below it the model abstains.
    pub present_min: f32,
}

impl Trees {
    /// Trees over the named numeric columns as they stand.
    pub const fn named(features: &'static [Feature], read: fn(&Row<'_>, &mut Vec<f32>)) -> Trees {
        Trees { features, read, settings: Settings::default, own_rows: None, present_min: 0.5 }
    }
}

/// The recipe of that name.
pub fn by_name(name: &str) -> Option<&'static Recipe> {
    ALL.iter().copied().find(|recipe| recipe.name == name)
}

/// A judged row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// Calibrated score, 0..1; when abstained, 0.
    pub score: f32,
    /// Why the model has nothing to say.
    pub abstained: Option<&'static str>,
}

impl Recipe {
    /// Trains on a table: folder, card and figures. Same rows and seed, same bytes.
    pub fn train(&self, table: &Table, seed: u64) -> Result<Trained, TrainError> {
        train::train(self, table, seed)
    }

    /// A table as training wants it; most recipes take it as it stands.
    pub fn prepared(&self, table: Table) -> Table {
        match self.prepare {
            Some(prepare) => prepare(&table),
            None => table,
        }
    }

    /// Scores a row with a model that this recipe made.
    pub fn score(&self, model: &Model, row: &Row<'_>) -> Judged {
        eval::score(self, model, row)
    }

    /// Scores a whole table and measures.
    pub fn eval(&self, model: &Model, table: &Table) -> Result<Evaluation, TableError> {
        eval::eval(self, model, table)
    }

    /// For each row that was judged: its place, whether it is bad, whether the model flags it at its own threshold.
    pub fn flags(&self, model: &Model, table: &Table) -> Result<Vec<(usize, bool, bool)>, TableError> {
        eval::flags(self, model, table)
    }

    /// The list of features with its hash, as in `features.json`.
    pub fn features(&self) -> crate::card::Features {
        match &self.form {
            Form::Web => crate::card::Features::text(),
            Form::Prose(_) => crate::card::Features::prose(),
            Form::Names(_) => crate::card::Features::trees(crate::names::FEATURES),
            Form::Trees(trees) => crate::card::Features::trees(trees.features),
        }
    }

    /// Whether a row of the bad class; a fault when the cell is empty or no label.
    pub fn is_bad(&self, row: &Row<'_>, column: &str) -> Result<bool, TableError> {
        label::is_bad(self, row, column)
    }

    /// The label column of a table.
    pub fn label_column<'a>(&self, table: &'a Table) -> Option<&'a str> {
        label::column(self, table)
    }

    /// Faults of the table itself: a needed column that is not there.
    pub fn check_columns(&self, table: &Table) -> Result<(), TableError> {
        label::check_columns(self, table)
    }

    /// Origin and licence of a source.
    pub fn licence(&self, source: &str) -> Licence {
        let known = |licence: &&Licence| source.starts_with(licence.source);
        self.sources.iter().find(known).copied().unwrap_or(Licence {
            source: "",
            origin: "table of the user",
            licence: "LicenseRef-user",
            ships: false,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests;
