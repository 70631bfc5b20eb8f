//! What gives a labelled row its numbers, for every kind of model: columns to compare, and the score as the last of them.

use std::sync::Arc;

use learn::drift::{TEXT_COLUMNS, describe};
use learn::lure::Heads;
use learn::recipe::{Form, Recipe};
use learn::sign::Folder;
use learn::table::Table;
use learn::{Model, Scratch};

use super::{eval, table};
use crate::cli::Global;
use crate::cli::fail::Fail;
use crate::knowledge::Content;

/// What gives a row its numbers.
pub(super) enum Scorer {
    Rows(Box<Model>, &'static Recipe),
    Heads(Arc<Heads>, bool),
}

impl Scorer {
    /// The one that serves, or a folder.
    pub(super) fn load(name: &str, global: &Global) -> Result<Scorer, Fail> {
        let (knowledge, _) = Content::serving(global.content.as_deref(), &crate::paths::data_dir(global.data_dir.as_ref()))?.knowledge()?;
        if let Some(heads) = knowledge.models.heads(name) {
            return Ok(Scorer::Heads(Arc::clone(heads), name == "url-phish"));
        }
        let model = eval::load(name, global)?;
        let recipe = eval::recipe_of(model.name())?;
        Ok(Scorer::Rows(Box::new(model), recipe))
    }

    /// A candidate that does not serve yet.
    pub(super) fn of_folder(name: &str, folder: &Folder) -> Result<Scorer, Fail> {
        let refused = |why: String| Fail::new("E0504", why);
        let bytes = folder.get("model.bin").unwrap_or_default();
        if Heads::is_mine(bytes) {
            let heads = Heads::from_bytes(bytes).map_err(|e| refused(e.to_string()))?;
            return Ok(Scorer::Heads(Arc::new(heads), name == "url-phish"));
        }
        let model = learn::load_any_unverified(folder).map_err(|e| refused(e.to_string()))?;
        Ok(Scorer::Rows(Box::new(model), eval::recipe_of(name)?))
    }

    /// One score a row.
    pub(super) fn scores(&self, table: &Table) -> Result<Vec<f32>, Fail> {
        let (_, rows, _) = self.rows(table)?;
        Ok(rows.iter().map(|row| row.last().copied().unwrap_or_default()).collect())
    }

    /// Names, rows, and whether each was worth an alert.
    #[allow(clippy::type_complexity)]
    pub(super) fn rows(&self, table: &Table) -> Result<(Vec<&'static str>, Vec<Vec<f32>>, Vec<bool>), Fail> {
        let (mut rows, mut alerts) = (Vec::with_capacity(table.len()), Vec::with_capacity(table.len()));
        let mut scratch = Scratch::default();
        if let Scorer::Rows(model, recipe) = self {
            recipe.check_columns(table).map_err(|e| table::fault(&e))?;
            if let Form::Trees(trees) = &recipe.form {
                let mut names: Vec<&'static str> = trees.features.iter().map(|feature| feature.name).collect();
                names.push("score");
                for row in table.rows() {
                    let mut values = Vec::new();
                    (trees.read)(&row, &mut values);
                    values.truncate(trees.features.len());
                    values.resize(trees.features.len(), f32::NAN);
                    let score = recipe.score(model, &row).score;
                    values.push(score);
                    rows.push(values);
                    alerts.push(score >= model.thresholds().alert);
                }
                return Ok((names, rows, alerts));
            }
        }
        for row in table.rows() {
            let text = ["payload", "text", "raw", "url", "key", "domain"].iter().find_map(|name| row.text(name)).unwrap_or_default();
            let (score, alert) = match self {
                Scorer::Rows(model, _) => match model.as_ref() {
                    Model::Text(text_model) => (text_model.score(text.as_bytes(), &mut scratch), model.thresholds().alert),
                    Model::Prose(prose) => (prose.score(text.as_bytes()), model.thresholds().alert),
                    Model::Names(names) => {
                        let label = learn::names::label(&text).unwrap_or_default();
                        (names.score(&label), model.thresholds().alert)
                    }
                    Model::Trees(_) => (0.0, 1.0),
                },
                Scorer::Heads(heads, url) => {
                    let (logit, at) = if *url {
                        (heads.spelling(&text), 0)
                    } else {
                        (learn::lure::mail::logit(heads, &text, learn::lure::LURE), learn::lure::LURE)
                    };
                    let over = logit - heads.threshold.get(at).copied().unwrap_or(0.0);
                    (1.0 / (1.0 + (-over).exp()), 0.5)
                }
            };
            rows.push(describe(&text, score));
            alerts.push(score >= alert);
        }
        Ok((TEXT_COLUMNS.to_vec(), rows, alerts))
    }
}
