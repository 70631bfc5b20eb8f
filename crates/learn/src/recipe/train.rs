//! Training by a recipe: five folds by group, each ensemble judged on the fold it did not see, their mean is the model.
//!
//! Calibration, thresholds and every figure rest on the held-back scores alone. Trees stop early on a part of their own rows that is
//! split off by group.

use std::collections::BTreeMap;

use super::sample::{FOLDS, OWN, Sample, Samples, Seen, samples};
use super::{Form, Names, Prose, Recipe, Trees, web_payload};
use crate::calibrate::{Curve, Held};
use crate::card::{Card, Figure, LeftOut, json_bytes};
use crate::features::Direction;
use crate::generate::Random;
use crate::measure::{self, Report, Scored};
use crate::names::{self, NameModel};
use crate::prose::{self, ProseModel};
use crate::registry::Model;
use crate::sign::Folder;
use crate::table::{Table, TableError};
use crate::text::Thresholds;
use crate::tree::{self, FitError, Forest, Grid};

/// Fewest rows of each label.
const ROWS_MIN: usize = 50;
/// Most suspects that are kept.
const SUSPECTS_MAX: usize = 1_000;
/// Most sources that are left out in turn.
const SOURCES_MAX: usize = 12;

/// Why nothing was trained.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A row or column that cannot be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Too few usable rows of one label.
    #[error("{found} usable {label} rows in the table, expected at least {least}")]
    Rows {
        /// `bad` or `good`.
        label: &'static str,
        /// Rows found.
        found: usize,
        /// Least number.
        least: usize,
    },
    /// The trees refuse.
    #[error(transparent)]
    Fit(#[from] FitError),
}

/// A row whose label the models that did not see it contradict: for a person to look at, never removed by itself.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Suspect {
    /// Line in its file, from 1; 0 for generated rows.
    pub line: u64,
    /// Whether it is labelled bad.
    pub bad: bool,
    /// Calibrated score, 0..1.
    pub score: f32,
}

/// The one-line rule on the same rows.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Trivially {
    /// The rule.
    pub what: String,
    /// Its area under the curve.
    pub auc: Option<f64>,
    /// Its hits at 0.1 % and 1 % false positives.
    pub tpr_at_fpr: BTreeMap<&'static str, Option<f64>>,
}

/// What was measured on held-back rows.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Figures {
    /// Rows learned from.
    pub rows: u64,
    /// Rows equal to an earlier one, left out before the split.
    pub duplicates: u64,
    /// Rows that stand there with both labels.
    pub contradictions: u64,
    /// How rows were held back.
    pub split: String,
    /// The figures.
    #[serde(flatten)]
    pub report: Report,
    /// The rule to beat.
    pub trivial: Trivially,
    /// Shares with intervals.
    pub held: Vec<Figure>,
}

/// A trained model: its folder (not yet signed), the model itself and its figures.
pub struct Trained {
    /// `model.bin`, `card.json`, `thresholds.json`, `features.json`, `datasheet.json`.
    pub folder: Folder,
    /// The model, as loading would give it.
    pub model: Model,
    /// The card in `card.json`.
    pub card: Card,
    /// What was measured.
    pub figures: Figures,
    /// Rows whose label looks wrong, worst first.
    pub suspects: Vec<Suspect>,
    /// What a person should know about the table.
    pub notes: Vec<String>,
}

pub(super) fn train(recipe: &Recipe, table: &Table, seed: u64) -> Result<Trained, TrainError> {
    recipe.check_columns(table)?;
    let (own, notes) = (own_rows(recipe, table, seed), super::label::notes(recipe, table));
    let ready = match &recipe.form {
        Form::Web => return web_payload::train(recipe, table, seed, notes),
        _ => samples(recipe, table, own.as_ref(), seed)?,
    };
    for (label, bad) in [("bad", true), ("good", false)] {
        let found = ready.rows.iter().filter(|sample| sample.bad == bad).count();
        if found < ROWS_MIN {
            return Err(TrainError::Rows { label, found, least: ROWS_MIN });
        }
    }
    let everything: Vec<&Sample> = ready.rows.iter().collect();
    let mut scored = vec![0f32; ready.rows.len()];
    let mut parts = Vec::new();
    for fold in 0..FOLDS {
        let learning: Vec<&Sample> = everything.iter().copied().filter(|sample| sample.fold != fold).collect();
        let part = fit(recipe, &learning, seed.wrapping_mul(31).wrapping_add(u64::from(fold)))?;
        for (score, sample) in scored.iter_mut().zip(&everything).filter(|(_, sample)| sample.fold == fold) {
            *score = part.logit(&sample.seen);
        }
        parts.push(part);
    }
    let held: Vec<Held> = everything.iter().zip(&scored).map(|(s, &logit)| Held { logit, positive: s.bad, weight: s.weight }).collect();
    if matches!(recipe.form, Form::Names(_)) {
        // Tables of letters have no mean: the model is made anew from all names.
        parts = vec![fit(recipe, &everything, seed)?];
    }
    let curve = Curve::fit(&held);
    let thresholds = thresholds(recipe, &ready, &scored, &curve);
    let model = finish(recipe, parts, curve.clone(), thresholds).ok_or(FitError::Shape("no ensemble was trained"))?;
    let rows: Vec<Scored> = ready.rows.iter().zip(&scored).map(|(s, &l)| Scored { score: curve.score(l), positive: s.bad }).collect();
    let figures = figures(recipe, table, own.as_ref(), &ready, &rows, thresholds);
    let left_out = left_out(recipe, &ready, seed)?;
    let card = super::card::card(recipe, table, &ready, &figures, &rows, thresholds, left_out, seed);
    let mut folder = Folder::new();
    folder.put("model.bin", model.bytes());
    folder.put("card.json", card.to_bytes());
    folder.put("thresholds.json", json_bytes(&thresholds));
    folder.put("features.json", json_bytes(&recipe.features()));
    folder.put("datasheet.json", json_bytes(&card.sources));
    let suspects = suspects(&ready, &rows);
    Ok(Trained { folder, model: model.into_model(), card, figures, suspects, notes })
}

/// The rows that a recipe adds.
pub(super) fn own_rows(recipe: &Recipe, table: &Table, seed: u64) -> Option<Table> {
    match &recipe.form {
        Form::Names(Names { own_rows, .. }) => Some(own_rows(seed, table)),
        Form::Prose(Prose { own_rows: Some(make), .. }) => Some(make(seed, table.len())),
        Form::Trees(Trees { own_rows: Some(make), .. }) => Some(make(seed, table)),
        _ => None,
    }
}

/// One ensemble or its mean.
pub(super) enum Part {
    Prose(ProseModel),
    Names(NameModel),
    Trees(Forest),
}

impl Part {
    pub(super) fn logit(&self, seen: &Seen) -> f32 {
        match (self, seen) {
            (Part::Prose(model), Seen::Prose(read)) => model.logit_of(read),
            (Part::Names(model), Seen::Name(label, _)) => model.logit(label),
            (Part::Trees(forest), Seen::Trees(values)) => worst(forest, values),
            _ => f32::MIN,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Part::Prose(model) => model.to_bytes(),
            Part::Names(model) => model.to_bytes(),
            Part::Trees(forest) => forest.to_bytes(),
        }
    }

    fn into_model(self) -> Model {
        match self {
            Part::Prose(model) => Model::Prose(model.into()),
            Part::Names(model) => Model::Names(model.into()),
            Part::Trees(forest) => Model::Trees(forest.into()),
        }
    }
}

/// The greatest logit over a row's vectors.
pub(super) fn worst(forest: &Forest, values: &[f32]) -> f32 {
    values.chunks_exact(forest.columns.max(1)).map(|row| forest.logit(row)).fold(f32::MIN, f32::max)
}

pub(super) fn fit(recipe: &Recipe, samples: &[&Sample], seed: u64) -> Result<Part, FitError> {
    match &recipe.form {
        Form::Trees(trees) => trees_fit(trees, samples, &(trees.settings)(), seed).map(Part::Trees),
        Form::Prose(prose) => {
            let examples = samples.iter().filter_map(|sample| match &sample.seen {
                Seen::Prose(read) => Some(prose::fit::Example { read, positive: sample.bad, weight: sample.weight }),
                _ => None,
            });
            Ok(Part::Prose(prose::fit::fit(examples, prose.window, prose.epochs, seed)))
        }
        Form::Names(_) => {
            let examples: Vec<names::fit::Example<'_>> = samples
                .iter()
                .filter_map(|sample| match &sample.seen {
                    Seen::Name(label, words) => {
                        Some(names::fit::Example { label, positive: sample.bad, words: *words, weight: sample.weight })
                    }
                    _ => None,
                })
                .collect();
            names::fit::fit(&examples, seed).map(Part::Names)
        }
        Form::Web => Err(FitError::Shape("web values have a training of their own")),
    }
}

pub(super) fn trees_fit(trees: &Trees, samples: &[&Sample], settings: &tree::Settings, seed: u64) -> Result<Forest, FitError> {
    let columns = trees.features.len();
    let names: Vec<&str> = trees.features.iter().map(|feature| feature.name).collect();
    let mut sets = [(Vec::new(), Vec::new(), Vec::new()), (Vec::new(), Vec::new(), Vec::new())];
    for sample in samples {
        let Seen::Trees(values) = &sample.seen else { continue };
        // A tenth of the groups is for early stopping.
        let held = Random::new(sample.group ^ seed ^ 0x5709).one_in(10);
        let (all, labels, weights) = &mut sets[usize::from(held)];
        let vectors = values.len() / columns.max(1);
        all.extend_from_slice(values);
        labels.extend(std::iter::repeat_n(f32::from(u8::from(sample.bad)), vectors));
        weights.extend(std::iter::repeat_n(sample.weight / (vectors.max(1) as f32).sqrt(), vectors));
    }
    let [train, held] = &sets;
    let grid = |(values, labels, weights): &(Vec<f32>, Vec<f32>, Vec<f32>)| -> (Vec<f32>, Vec<f32>, Vec<f32>) {
        (values.clone(), labels.clone(), weights.clone())
    };
    let (train, held) = (grid(train), grid(held));
    let directions = trees.features.iter().map(|feature| match feature.direction {
        Direction::Rises => 1,
        Direction::Falls => -1,
        Direction::Free => 0,
    });
    let settings = tree::Settings { directions: directions.collect(), ..settings.clone() };
    let train = Grid { values: &train.0, names: &names, labels: &train.1, weights: &train.2 };
    let held = Grid { values: &held.0, names: &names, labels: &held.1, weights: &held.2 };
    match train.check() {
        // A column that says nothing in this table stays in its place: no split uses it.
        Ok(()) | Err(FitError::Constant { .. }) => {}
        Err(error) => return Err(error),
    }
    let both = |labels: &[f32]| labels.contains(&0.0) && labels.contains(&1.0);
    tree::fit(&train, both(held.labels).then_some(&held), &settings, seed)
}

/// The mean of the ensembles, with name, curve and thresholds.
fn finish(recipe: &Recipe, parts: Vec<Part>, curve: Curve, thresholds: Thresholds) -> Option<Part> {
    let (mut forests, mut texts, mut names) = (Vec::new(), Vec::new(), Vec::new());
    for part in parts {
        match part {
            Part::Prose(model) => texts.push(model),
            Part::Names(model) => names.push(model),
            Part::Trees(forest) => forests.push(forest),
        }
    }
    let (name, version) = (recipe.name.to_owned(), recipe.version.to_owned());
    if let Some(model) = names.pop() {
        return Some(Part::Names(model.finished(name, version, curve, thresholds)));
    }
    if texts.is_empty() {
        let forest = Forest::mean(forests)?;
        return Some(Part::Trees(Forest { name, version, curve, thresholds, ..forest }));
    }
    let model = ProseModel::mean(texts)?;
    Some(Part::Prose(ProseModel { name, version, curve, thresholds, ..model }))
}

/// Limits by false-positive rate on held-back rows; sources of good rows count alike to the square root of their size.
fn thresholds(recipe: &Recipe, ready: &Samples, scored: &[f32], curve: &Curve) -> Thresholds {
    let mut totals = vec![0f64; ready.sources.len()];
    for sample in ready.rows.iter().filter(|sample| !sample.bad) {
        totals[usize::from(sample.source)] += 1.0;
    }
    let good: Vec<(f32, f64)> = ready
        .rows
        .iter()
        .zip(scored)
        .filter(|(sample, _)| !sample.bad)
        .map(|(sample, &score)| (score, 1.0 / totals[usize::from(sample.source)].max(1.0).sqrt()))
        .collect();
    let bad: Vec<f32> = ready.rows.iter().zip(scored).filter(|(sample, _)| sample.bad).map(|(_, &score)| score).collect();
    let alone = curve.score(measure::weighted_threshold_at_fpr(&good, recipe.budget.alone));
    let alert = curve.score(measure::weighted_threshold_at_fpr(&good, recipe.budget.alert)).min(alone);
    let veto = curve.score(measure::low_quantile(&bad, 0.001)).min(alert);
    Thresholds { alone, alert, veto }
}

fn figures(recipe: &Recipe, table: &Table, own: Option<&Table>, ready: &Samples, rows: &[Scored], thresholds: Thresholds) -> Figures {
    let trivial: Vec<Scored> = ready.rows.iter().map(|s| Scored { score: s.trivial, positive: s.bad }).collect();
    let mut held = Vec::new();
    let mut add = |what: String, of: &[Scored]| {
        for (name, limit) in [("alone", thresholds.alone), ("alert", thresholds.alert)] {
            for (share, kind) in [(measure::fpr_at(of, limit), "good"), (measure::tpr_at(of, limit), "bad")] {
                if share.of >= 15 {
                    held.push(Figure { what: format!("{kind} rows{what} at or above `{name}`, groups held back"), share });
                }
            }
        }
    };
    add(String::new(), rows);
    for (at, source) in ready.sources.iter().enumerate().take(SOURCES_MAX).filter(|_| ready.sources.len() > 1) {
        let of: Vec<Scored> = ready.rows.iter().zip(rows).filter(|(s, _)| usize::from(s.source) == at).map(|(_, row)| *row).collect();
        add(format!(" of {source}"), &of);
    }
    for column in recipe.by {
        let mut groups: BTreeMap<String, Vec<Scored>> = BTreeMap::new();
        for (sample, row) in ready.rows.iter().zip(rows).filter(|(sample, _)| !sample.own) {
            if let Some(value) = table.row(sample.row as usize).text(column) {
                groups.entry(value.into_owned()).or_default().push(*row);
            }
        }
        for (value, of) in groups.into_iter().take(60) {
            add(format!(" with {column} {value}"), &of);
        }
    }
    // A group of our own rows stands on one side of the split as a whole: a family that the model did not see.
    if let (Some(column), Some(own)) = (recipe.group, own) {
        let mut groups: BTreeMap<String, Vec<Scored>> = BTreeMap::new();
        for (sample, row) in ready.rows.iter().zip(rows).filter(|(sample, _)| sample.own) {
            if let Some(value) = own.row(sample.row as usize).text(column) {
                groups.entry(value.into_owned()).or_default().push(*row);
            }
        }
        for (value, of) in groups.into_iter().take(60) {
            add(format!(" of the generated {column} {value}"), &of);
        }
    }
    Figures {
        rows: ready.rows.len() as u64,
        duplicates: ready.duplicates,
        contradictions: ready.contradictions,
        split: super::card::split(recipe),
        report: Report::of(rows, thresholds.alert),
        trivial: trivially(recipe, &trivial),
        held,
    }
}

pub(super) fn trivially(recipe: &Recipe, rows: &[Scored]) -> Trivially {
    let report = Report::of(rows, f32::MAX);
    Trivially { what: recipe.trivial.what.into(), auc: report.auc, tpr_at_fpr: report.tpr_at_fpr }
}

/// Each source with bad rows left out of training and measured, where the table has several.
fn left_out(recipe: &Recipe, ready: &Samples, seed: u64) -> Result<Vec<LeftOut>, FitError> {
    let mut table = Vec::new();
    if ready.sources.len() < 2 {
        return Ok(table);
    }
    for (at, source) in ready.sources.iter().enumerate().take(SOURCES_MAX).filter(|(_, source)| *source != OWN) {
        let of = |sample: &&Sample| usize::from(sample.source) == at;
        let bad: Vec<&Sample> = ready.rows.iter().filter(of).filter(|sample| sample.bad).collect();
        let own: Vec<&Sample> = ready.rows.iter().filter(of).filter(|sample| !sample.bad).collect();
        let has_own = own.len() >= ROWS_MIN;
        let rest: Vec<&Sample> = ready.rows.iter().filter(|s| !of(s) && (has_own || s.bad || s.fold != 0)).collect();
        let enough = |bad| rest.iter().filter(|sample| sample.bad == bad).count() >= ROWS_MIN;
        if bad.len() < ROWS_MIN || !enough(true) || !enough(false) {
            continue;
        }
        let good: Vec<&Sample> = if has_own { own } else { ready.rows.iter().filter(|s| !of(s) && !s.bad && s.fold == 0).collect() };
        let part = fit(recipe, &rest, seed)?;
        let score = |samples: &[&Sample], score: &dyn Fn(&Sample) -> f32| -> Vec<Scored> {
            samples.iter().map(|sample| Scored { score: score(sample), positive: sample.bad }).collect()
        };
        let logit = |sample: &Sample| part.logit(&sample.seen);
        let trivial = |sample: &Sample| sample.trivial;
        let rows = [score(&bad, &logit), score(&good, &logit)].concat();
        let trivial = [score(&bad, &trivial), score(&good, &trivial)].concat();
        table.push(LeftOut {
            source: source.clone(),
            attacks: bad.len() as u64,
            benign: good.len() as u64,
            benign_from: if has_own { "own" } else { "held" }.into(),
            tpr_at_fpr_01: measure::tpr_at_fpr(&rows, 0.001),
            tpr_at_fpr_05: measure::tpr_at_fpr(&rows, 0.005),
            tpr_at_fpr_1: measure::tpr_at_fpr(&rows, 0.01),
            auc: measure::auc(&rows).unwrap_or(0.0),
            trivial_at_fpr_05: measure::tpr_at_fpr(&trivial, 0.005),
        });
    }
    Ok(table)
}

fn suspects(ready: &Samples, rows: &[Scored]) -> Vec<Suspect> {
    let wrong = |suspect: &Suspect| if suspect.bad { 1.0 - suspect.score } else { suspect.score };
    let all = ready.rows.iter().zip(rows).filter(|(sample, _)| !sample.own);
    let mut found: Vec<Suspect> = all
        .map(|(sample, row)| Suspect { line: sample.line, bad: sample.bad, score: row.score })
        .filter(|suspect| wrong(suspect) > 0.9)
        .collect();
    found.sort_by(|a, b| wrong(b).total_cmp(&wrong(a)).then(a.line.cmp(&b.line)));
    found.truncate(SUSPECTS_MAX);
    found
}
