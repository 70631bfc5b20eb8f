//! Scoring a table: figures over all rows that were judged, over each group, and of the one-line rule beside them.

use std::collections::BTreeMap;

use super::train::{Trivially, trivially, worst};
use super::{Form, Judged, Recipe};
use crate::measure::{self, Report, Scored};
use crate::prose::{self, ProseModel};
use crate::registry::Model;
use crate::table::{Row, Table, TableError};
use crate::text::Scratch;

/// Most values of a group column that are reported.
const GROUPS_MAX: usize = 100;

/// What `model eval` prints.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Evaluation {
    /// Figures over all rows that were judged.
    #[serde(flatten)]
    pub report: Report,
    /// Rows that the model would not judge.
    pub abstained: u64,
    /// Why, with counts.
    pub abstained_why: BTreeMap<&'static str, u64>,
    /// Figures for each value of each group column.
    pub by: BTreeMap<String, BTreeMap<String, Report>>,
    /// Area under the curve of groups that hold bad rows only, against all good rows.
    pub auc_against_good: BTreeMap<String, BTreeMap<String, f64>>,
    /// The rule to beat, on the same rows.
    pub trivial: Trivially,
    /// What a person should know about the table.
    pub notes: Vec<String>,
}

pub(super) fn score(recipe: &Recipe, model: &Model, row: &Row<'_>) -> Judged {
    let judged = |score| Judged { score, abstained: None };
    let abstained = |why| Judged { score: 0.0, abstained: Some(why) };
    match (&recipe.form, model) {
        (Form::Web, Model::Text(model)) => match row.text("payload") {
            Some(payload) => judged(model.score(payload.as_bytes(), &mut Scratch::default())),
            // An empty value is a value: nothing was sent.
            None => judged(model.score(b"", &mut Scratch::default())),
        },
        (Form::Prose(prose), Model::Prose(model)) => match (prose.text)(row) {
            Some(text) if ProseModel::words(text.as_bytes()) >= prose::WORDS_MIN => judged(model.score(text.as_bytes())),
            _ => abstained("too little text"),
        },
        (Form::Names(names), Model::Names(model)) => match (names.label)(row) {
            Some(label) => judged(model.score(&label)),
            None => abstained("no name that somebody registered"),
        },
        (Form::Trees(trees), Model::Trees(forest)) => {
            let mut values = Vec::with_capacity(trees.features.len());
            (trees.read)(row, &mut values);
            for value in values.iter_mut().filter(|value| value.is_infinite()) {
                *value = f32::NAN;
            }
            let present = values.iter().filter(|value| !value.is_nan()).count() as f32;
            if values.is_empty() || present < trees.present_min * values.len() as f32 {
                return abstained("too few features present");
            }
            judged(forest.calibrated(worst(forest, &values)))
        }
        _ => abstained("the model is of another kind than its recipe"),
    }
}

/// For each row of the table that was judged: its place, whether it is bad, whether the model flags it at its own threshold.
pub(super) fn flags(recipe: &Recipe, model: &Model, table: &Table) -> Result<Vec<(usize, bool, bool)>, TableError> {
    recipe.check_columns(table)?;
    let column = recipe.label_column(table).unwrap_or_default();
    let limit = model.shipped_threshold();
    let mut all = Vec::with_capacity(table.len());
    for (at, row) in table.rows().enumerate() {
        let judged = score(recipe, model, &row);
        if judged.abstained.is_none() {
            all.push((at, recipe.is_bad(&row, column)?, judged.score >= limit));
        }
    }
    Ok(all)
}

pub(super) fn eval(recipe: &Recipe, model: &Model, table: &Table) -> Result<Evaluation, TableError> {
    recipe.check_columns(table)?;
    let column = recipe.label_column(table).unwrap_or_default();
    let (mut rows, mut trivial) = (Vec::with_capacity(table.len()), Vec::with_capacity(table.len()));
    let mut abstained_why: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut groups: BTreeMap<String, BTreeMap<String, Vec<Scored>>> = BTreeMap::new();
    // A group that has no columns of its own beside it, such as a family; people are not listed one by one.
    let group = recipe.group.iter().filter(|_| recipe.by.is_empty());
    let by: Vec<&str> = recipe.by.iter().chain(group).copied().filter(|name| table.has(name)).collect();
    for row in table.rows() {
        let positive = recipe.is_bad(&row, column)?;
        let judged = score(recipe, model, &row);
        if let Some(why) = judged.abstained {
            *abstained_why.entry(why).or_default() += 1;
            continue;
        }
        let scored = Scored { score: judged.score, positive };
        rows.push(scored);
        trivial.push(Scored { score: (recipe.trivial.score)(&row), positive });
        for name in &by {
            if let Some(value) = row.text(name) {
                let values = groups.entry((*name).to_owned()).or_default();
                if values.len() < GROUPS_MAX || values.contains_key(&*value) {
                    values.entry(value.into_owned()).or_default().push(scored);
                }
            }
        }
    }
    let limit = model.shipped_threshold();
    let good: Vec<Scored> = rows.iter().filter(|row| !row.positive).copied().collect();
    let against = |of: &Vec<Scored>| {
        let only_bad = !good.is_empty() && of.iter().all(|row| row.positive);
        only_bad.then(|| measure::auc(&[of.as_slice(), &good].concat())).flatten()
    };
    let auc_against_good = groups
        .iter()
        .map(|(name, values)| (name.clone(), values.iter().filter_map(|(value, of)| Some((value.clone(), against(of)?))).collect()))
        .collect();
    let by = groups
        .into_iter()
        .map(|(name, values)| (name, values.into_iter().map(|(value, rows)| (value, Report::of(&rows, limit))).collect()))
        .collect();
    Ok(Evaluation {
        report: Report::of(&rows, limit),
        abstained: abstained_why.values().sum(),
        abstained_why,
        by,
        auc_against_good,
        trivial: trivially(recipe, &trivial),
        notes: super::label::notes(recipe, table),
    })
}
