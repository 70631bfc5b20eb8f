//! Rows made ready for learning: read once, equal ones merged, groups and folds set.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::{Form, Recipe};
use crate::generate::Random;
use crate::prose::grams::{self, Read};
use crate::table::{Row, Table, TableError};
use crate::train::cluster;

/// Folds that groups are dealt to; as many ensembles are averaged.
pub(super) const FOLDS: u32 = 5;

/// What a model sees of a row.
pub(super) enum Seen {
    /// Words.
    Prose(Read),
    /// The label of a name, and whether its family joins words.
    Name(String, bool),
    /// One or several feature vectors, flat.
    Trees(Vec<f32>),
}

/// One row made ready.
pub(super) struct Sample {
    pub(super) seen: Seen,
    pub(super) bad: bool,
    pub(super) fold: u32,
    pub(super) weight: f32,
    /// Row in its table.
    pub(super) row: u32,
    /// Of our own rows, not of the table.
    pub(super) own: bool,
    pub(super) line: u64,
    pub(super) source: u16,
    pub(super) trivial: f32,
    pub(super) group: u64,
}

/// A table made ready.
#[derive(Default)]
pub(super) struct Samples {
    pub(super) rows: Vec<Sample>,
    pub(super) sources: Vec<String>,
    /// Rows equal to an earlier one in all that the model sees, with the same label.
    pub(super) duplicates: u64,
    /// Rows equal to an earlier one with the other label.
    pub(super) contradictions: u64,
    /// Rows that cannot be judged.
    pub(super) unread: u64,
}

/// The name of our own rows' source.
pub(super) const OWN: &str = "generated";

pub(super) fn samples(recipe: &Recipe, table: &Table, own: Option<&Table>, seed: u64) -> Result<Samples, TableError> {
    let mut samples = Samples::default();
    let mut seen: HashMap<u64, bool, FixedState> = HashMap::with_hasher(FixedState::with_seed(5));
    for (at, table) in std::iter::once(table).chain(own).enumerate() {
        let Some(label) = recipe.label_column(table).map(str::to_owned) else { continue };
        for (index, row) in table.rows().enumerate() {
            let bad = recipe.is_bad(&row, &label)?;
            let Some((see, hash)) = read(recipe, &row) else {
                samples.unread += 1;
                continue;
            };
            match seen.insert(hash, bad) {
                Some(before) if before == bad => {
                    samples.duplicates += 1;
                    continue;
                }
                Some(_) => samples.contradictions += 1,
                None => {}
            }
            let source = if at == 1 { OWN.to_owned() } else { source(&row) };
            let group = group(recipe, &row, &see, hash);
            samples.rows.push(Sample {
                seen: see,
                bad,
                fold: 0,
                weight: 1.0,
                row: index as u32,
                own: at == 1,
                line: row.line(),
                source: intern(&mut samples.sources, &source),
                trivial: (recipe.trivial.score)(&row),
                group,
            });
        }
    }
    if recipe.group.is_none() && matches!(recipe.form, Form::Prose(_)) {
        near(recipe, table, own, &mut samples);
    }
    for sample in &mut samples.rows {
        sample.fold = Random::new(sample.group ^ seed ^ 0xF01D).below(FOLDS as usize) as u32;
    }
    weigh(&mut samples);
    Ok(samples)
}

/// What the model sees, and a hash of it.
pub(super) fn read(recipe: &Recipe, row: &Row<'_>) -> Option<(Seen, u64)> {
    match &recipe.form {
        Form::Web => None,
        Form::Prose(prose) => {
            let text = (prose.text)(row)?;
            let read = grams::read(text.as_bytes());
            let hash = cluster::hash(read.grams(0, read.words()).iter().flat_map(|b| b.to_le_bytes()).collect::<Vec<u8>>().as_slice(), 1);
            (read.words() > 0).then_some((Seen::Prose(read), hash))
        }
        Form::Names(names) => {
            let label = (names.label)(row)?;
            let hash = cluster::hash(label.as_bytes(), 6);
            Some((Seen::Name(label, (names.words)(row)), hash))
        }
        Form::Trees(trees) => {
            let mut values = Vec::with_capacity(trees.features.len());
            (trees.read)(row, &mut values);
            for value in &mut values {
                // Beyond f32 is as good as missing.
                if value.is_infinite() {
                    *value = f32::NAN;
                }
            }
            let hash = cluster::hash(values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>().as_slice(), 2);
            (!values.is_empty()).then_some((Seen::Trees(values), hash))
        }
    }
}

fn source(row: &Row<'_>) -> String {
    row.text("source").map_or_else(|| row.file().rsplit('/').next().unwrap_or_default().to_owned(), |text| text.into_owned())
}

/// Rows that may not stand on both sides of a split.
fn group(recipe: &Recipe, row: &Row<'_>, seen: &Seen, hash: u64) -> u64 {
    if let Some(text) = recipe.group.and_then(|column| row.text(column)) {
        return cluster::hash(text.as_bytes(), 3);
    }
    match seen {
        Seen::Prose(_) | Seen::Name(..) => hash,
        // Near-duplicates of numbers: the same after rounding to about three bits.
        Seen::Trees(values) => {
            let rounded: Vec<u8> = values.iter().flat_map(|value| ((value.abs() + 1.0).log2() * 2.0).round().to_le_bytes()).collect();
            cluster::hash(&rounded, 4)
        }
    }
}

/// Texts of one template share a group.
fn near(recipe: &Recipe, table: &Table, own: Option<&Table>, samples: &mut Samples) {
    let Form::Prose(prose) = &recipe.form else { return };
    let texts: Vec<String> = samples
        .rows
        .iter()
        .map(|sample| {
            let table = if sample.own { own.unwrap_or(table) } else { table };
            let row = table.row(sample.row as usize);
            (prose.text)(&row).map(|text| text.chars().take(4_000).flat_map(char::to_lowercase).collect()).unwrap_or_default()
        })
        .collect();
    let clusters = cluster::clusters(texts.iter().map(|text| text.as_bytes()));
    for (sample, cluster) in samples.rows.iter_mut().zip(clusters) {
        sample.group = u64::from(cluster) + 1;
    }
}

/// Each label has half of the weight.
fn weigh(samples: &mut Samples) {
    let bad = samples.rows.iter().filter(|sample| sample.bad).count().max(1) as f32;
    let good = (samples.rows.len() as f32 - bad).max(1.0);
    let half = samples.rows.len() as f32 / 2.0;
    for sample in &mut samples.rows {
        sample.weight = half / if sample.bad { bad } else { good };
    }
}

fn intern(names: &mut Vec<String>, name: &str) -> u16 {
    match names.iter().position(|known| known == name) {
        Some(at) => at as u16,
        // Past the limit everything shares the last name.
        None if names.len() >= 4_096 => (names.len() - 1) as u16,
        None => {
            names.push(name.into());
            (names.len() - 1) as u16
        }
    }
}
