//! The card of a model made by a recipe.

use sha2::{Digest as _, Sha256};

use super::sample::{FOLDS, OWN, Samples};
use super::train::Figures;
use super::{Form, Recipe};
use crate::card::{Calibration, Card, Dropped, Figure, LeftOut, Source};
use crate::measure::{self, Scored};
use crate::sign::hex;
use crate::table::Table;
use crate::text::Thresholds;

pub(super) fn split(recipe: &Recipe) -> String {
    let groups = match (recipe.group, &recipe.form) {
        (Some(column), _) => format!("the column {column}"),
        (None, Form::Trees(_)) => "near-duplicate feature rows".into(),
        (None, _) => "near-duplicate clusters of texts".into(),
    };
    format!(
        "Thresholds, calibration and held figures: {FOLDS} folds by {groups}, each scored by a model that did not see it; the model is the \
         mean of those {FOLDS}."
    )
}

#[expect(clippy::too_many_arguments, reason = "a card names everything that was known at training")]
pub(super) fn card(
    recipe: &Recipe,
    table: &Table,
    ready: &Samples,
    figures: &Figures,
    rows: &[Scored],
    thresholds: Thresholds,
    left_out: Vec<LeftOut>,
    seed: u64,
) -> Card {
    let (error, calibration) = measure::calibration_error(rows);
    let sources = sources(recipe, table, ready);
    let allowed = ready.sources.iter().all(|source| source == OWN || recipe.licence(source).ships);
    Card {
        schema: "bartizan.card/1".into(),
        name: recipe.name.into(),
        version: recipe.version.into(),
        purpose: recipe.purpose.into(),
        method: recipe.method.into(),
        ships: recipe.ships && allowed,
        sources,
        rows: figures.rows,
        dropped: [
            ("equal to an earlier row in all that the model reads", ready.duplicates),
            ("without anything that the model reads", ready.unread),
        ]
        .into_iter()
        .filter(|(_, rows)| *rows > 0)
        .map(|(rule, rows)| Dropped { rule: rule.into(), rows })
        .collect(),
        split: split(recipe),
        seed,
        base_rate: 0.5,
        figures: figures.held.clone(),
        left_out,
        calibration: Calibration { error, table: calibration },
        thresholds,
        budget: Some([recipe.budget.alone, recipe.budget.alert]),
        trivial: recipe.trivial.what.into(),
        auc: figures.report.auc,
        trivial_auc: figures.trivial.auc,
        beside: beside(figures),
        blind_spots: recipe.blind_spots.iter().map(|&text| text.to_owned()).collect(),
        attacks_tried: Vec::new(),
        command_eval: format!("bartizan model eval {} --data TABLE", recipe.name),
        command_train: format!("bartizan model train {} --data TABLE --seed {seed}", recipe.name),
    }
}

/// Hits at set false-positive rates on the held-back rows.
fn beside(figures: &Figures) -> Vec<Figure> {
    let report = &figures.report;
    let hits = report.tpr_at_fpr_interval.iter();
    hits.map(|(rate, share)| Figure { what: format!("bad rows found at a false-positive rate of {rate}, groups held back"), share: *share })
        .collect()
}

fn sources(recipe: &Recipe, table: &Table, ready: &Samples) -> Vec<Source> {
    let label = recipe.label_column(table).unwrap_or_default();
    ready
        .sources
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let known = recipe.licence(name);
            let mut hash = Sha256::new();
            let (mut attacks, mut benign) = (0, 0);
            for sample in ready.rows.iter().filter(|sample| usize::from(sample.source) == at) {
                if sample.bad {
                    attacks += 1;
                } else {
                    benign += 1;
                }
                if !sample.own {
                    hash.update(table.row(sample.row as usize).hash_without(&[label]).to_le_bytes());
                }
            }
            let (origin, licence) = if name == OWN {
                ("this program's generator, crates/learn/src/generate", "Apache-2.0")
            } else {
                (known.origin, known.licence)
            };
            Source { name: name.clone(), origin: origin.into(), licence: licence.into(), attacks, benign, sha256: hex(&hash.finalize()) }
        })
        .collect()
}
