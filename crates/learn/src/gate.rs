//! The data gate: who gave which rows, and does one batch of them say something else than its peers?
//!
//! Table:   rows that stand there twice, rows with both labels, a read column that alone tells the label.
//! Batches: for each provenance batch a quick model learns from all others; rows whose given label gets less than 10 % are counted, the
//!          two directions apart, and compared with the other batches of the same source (median and spread, binomial tail, Holm's
//!          correction at 1 % a training). A source with one batch is said to have no peers; it is not called poison.
//! Trigger: a word or value that most of the contradicted rows of one batch share and other rows hardly have.
//! Words:   a word that alone turns hostile-looking rows good, in whatever batches; a word that one batch alone has, on rows that share
//!          nothing else ([`trigger`]).
//! Absent:  clean-label poison of columns of numbers; a word that is also usual in good rows.

mod batch;
pub(crate) mod quick;
mod tail;
mod trigger;

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::FixedState;

use crate::measure::{Scored, auc};
use crate::recipe::{Form, Recipe};
use crate::table::{Table, TableError};

pub use batch::batch_of;

/// Probability of the given label below which a row counts as contradicted.
const DISAGREE: f64 = 0.1;
/// Chance that a clean training flags any batch.
const FAMILY_ERROR: f64 = 0.01;
/// A flagged batch is contradicted at least this much more often than expected: differences of a row or two are not poison.
const EXCESS_MIN: f64 = 0.01;
/// Most batches that are left out in turn; further ones are judged together in as many groups.
const BATCHES_MAX: usize = 64;
/// Area under the curve of one column that is too good to be true.
const LEAK_AUC: f64 = 0.99;

/// One batch and what the others say about it.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Batch {
    /// Its name.
    pub batch: String,
    /// Its rows.
    pub rows: u64,
    /// Share of its rows whose label the other batches contradict, in the worse direction.
    pub disagreement: f64,
    /// The share usual among its peers.
    pub expected: f64,
    /// Chance of as many by luck.
    pub p: f64,
    /// Whether it stops the training.
    pub flagged: bool,
    /// In words.
    pub why: String,
}

/// A value that contradicted rows of one batch share.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Trigger {
    /// The batch.
    pub batch: String,
    /// The word, or column and bin.
    pub value: String,
    /// Contradicted rows of the batch that have it, and all of them.
    pub rows: u64,
    /// All contradicted rows of the batch in that direction.
    pub of: u64,
    /// Share of the rows of other batches that have it.
    pub elsewhere: f64,
}

/// What the gate says.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Report {
    /// Every batch.
    pub batches: Vec<Batch>,
    /// Names of what stops the training: batches, and columns as `column:NAME`.
    pub flagged: Vec<String>,
    /// Lines of contradicted rows of flagged batches, worst first.
    pub suspect_rows: Vec<u64>,
    /// Values that those rows share.
    pub triggers: Vec<Trigger>,
    /// Rows that stand there more than once.
    pub duplicates: u64,
    /// Rows that stand there with both labels.
    pub both_labels: u64,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// Judges a table before a training. `accepted` batches are reported and never stop it.
pub fn check(recipe: &Recipe, table: &Table, accepted: &[String], seed: u64) -> Result<Report, TableError> {
    recipe.check_columns(table)?;
    let label = recipe.label_column(table).unwrap_or_default().to_owned();
    let mut bad = Vec::with_capacity(table.len());
    for row in table.rows() {
        bad.push(recipe.is_bad(&row, &label)?);
    }
    let mut report = Report::default();
    let grams = quick::read(recipe, table);
    let mut seen: HashMap<&[u32], bool, FixedState> = HashMap::with_hasher(FixedState::with_seed(6));
    for (row, &bad) in grams.rows.iter().zip(&bad) {
        match seen.insert(row, bad) {
            Some(before) if before == bad => report.duplicates += 1,
            Some(_) => report.both_labels += 1,
            None => {}
        }
    }
    leaks(recipe, table, &bad, accepted, &mut report);
    let batches = batch::batches(table);
    if batches.names.len() < 2 {
        let name = batches.names.first().cloned().unwrap_or_default();
        let why = "no peers: the only batch".to_owned();
        report.batches.push(Batch { batch: name, rows: table.len() as u64, disagreement: 0.0, expected: 0.0, p: 1.0, flagged: false, why });
        return Ok(report);
    }
    leave_out(&grams, &bad, &batches, accepted, seed, table, &mut report);
    for found in trigger::scan(&grams, &bad, &batches, seed) {
        let name = format!("trigger:{}", found.value);
        let known = report.triggers.iter().any(|known| known.value == found.value);
        report.notes.push(format!("{:?} stands on {} good rows of {} and turns what looks hostile", found.value, found.rows, found.batch));
        if !accepted.contains(&name) {
            report.flagged.push(name);
        }
        if !known {
            report.triggers.push(found);
        }
    }
    Ok(report)
}

/// Columns of numbers that the model reads and that alone tell the label.
fn leaks(recipe: &Recipe, table: &Table, bad: &[bool], accepted: &[String], report: &mut Report) {
    if !matches!(recipe.form, Form::Trees(_)) {
        return;
    }
    for column in recipe.reads {
        let rows = table.rows().zip(bad).filter_map(|(row, &positive)| Some(Scored { score: row.number(column)? as f32, positive }));
        let area = auc(&rows.collect::<Vec<_>>()).unwrap_or(0.5);
        if area.max(1.0 - area) > LEAK_AUC {
            report.notes.push(format!("looks like a label leak: column {column} alone has AUC {:.4}", area.max(1.0 - area)));
            let name = format!("column:{column}");
            if !accepted.contains(&name) {
                report.flagged.push(name);
            }
        }
    }
}

/// Contradicted rows of one batch: labelled good and looking bad, and the other way round.
#[derive(Default)]
struct Count {
    of: [u64; 2],
    contradicted: [Vec<(f64, u32)>; 2],
}

fn leave_out(
    grams: &quick::Grams,
    bad: &[bool],
    batches: &batch::Batches,
    accepted: &[String],
    seed: u64,
    table: &Table,
    report: &mut Report,
) {
    let count = batches.names.len();
    let groups = count.min(BATCHES_MAX);
    let mut counts: Vec<Count> = (0..count).map(|_| Count::default()).collect();
    for group in 0..groups {
        let model = quick::fit(grams, bad, |row| batches.of[row] as usize % groups != group, seed ^ group as u64);
        for (row, &is_bad) in bad.iter().enumerate().filter(|(row, _)| batches.of[*row] as usize % groups == group) {
            let score = model.probability(&grams.rows[row]);
            let given = if is_bad { score } else { 1.0 - score };
            let at = usize::from(is_bad);
            let count = &mut counts[batches.of[row] as usize];
            count.of[at] += 1;
            if given < DISAGREE {
                count.contradicted[at].push((given, row as u32));
            }
        }
    }
    let rate = |count: &Count, at: usize| count.contradicted[at].len() as f64 / (count.of[at].max(1)) as f64;
    // Two tests a batch: (p, batch, direction, expected).
    let mut tests: Vec<(f64, usize, usize, f64)> = Vec::new();
    for (name, count) in counts.iter().enumerate() {
        let peers: Vec<usize> =
            (0..counts.len()).filter(|&other| other != name && batches.sources[other] == batches.sources[name]).collect();
        for at in [0, 1] {
            let rates: Vec<f64> = peers.iter().filter(|&&peer| counts[peer].of[at] >= 20).map(|&peer| rate(&counts[peer], at)).collect();
            if rates.is_empty() || count.of[at] == 0 {
                continue;
            }
            let expected = tail::usual(&rates);
            tests.push((tail::binomial(count.contradicted[at].len() as u64, count.of[at], expected), name, at, expected));
        }
    }
    tests.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let total = tests.len();
    let mut worst: BTreeMap<usize, (f64, usize, f64, bool)> = BTreeMap::new();
    let mut rejecting = true;
    for (rank, &(p, name, at, expected)) in tests.iter().enumerate() {
        rejecting &= p <= FAMILY_ERROR / (total - rank) as f64;
        let flagged = rejecting && rate(&counts[name], at) >= expected + EXCESS_MIN;
        let entry = worst.entry(name).or_insert((p, at, expected, flagged));
        if flagged && !entry.3 {
            *entry = (p, at, expected, true);
        }
    }
    let mut suspects: Vec<(f64, u64)> = Vec::new();
    for (name, count) in counts.iter().enumerate() {
        let batch = batches.names[name].clone();
        let rows = count.of[0] + count.of[1];
        let Some(&(p, at, expected, flagged)) = worst.get(&name) else {
            let why = format!("no peers: the only batch of source {}", batches.sources[name]);
            let disagreement = rate(count, 0).max(rate(count, 1));
            report.batches.push(Batch { batch, rows, disagreement, expected: 0.0, p: 1.0, flagged: false, why });
            continue;
        };
        let direction = if at == 0 { "labelled good and look bad" } else { "labelled bad and look good" };
        let hits = count.contradicted[at].len();
        let mut why = format!("{hits} of {} rows are {direction}; {:.2} % is usual among its peers", count.of[at], expected * 100.0);
        let taken = accepted.contains(&batch);
        if flagged && taken {
            why.push_str("; accepted");
        }
        if flagged && !taken {
            report.flagged.push(batch.clone());
            suspects.extend(count.contradicted.iter().flatten().map(|&(given, row)| (given, table.row(row as usize).line())));
            report.triggers.extend(trigger(grams, batches, name, &count.contradicted[at]));
        }
        report.batches.push(Batch { batch, rows, disagreement: rate(count, at), expected, p, flagged: flagged && !taken, why });
    }
    suspects.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    report.suspect_rows = suspects.into_iter().map(|(_, line)| line).take(1_000).collect();
}

/// The value that most contradicted rows of a batch share and the fewest rows elsewhere have.
fn trigger(grams: &quick::Grams, batches: &batch::Batches, name: usize, contradicted: &[(f64, u32)]) -> Option<Trigger> {
    let mut inside: BTreeMap<u32, u64> = BTreeMap::new();
    for &(_, row) in contradicted {
        for &gram in &grams.rows[row as usize] {
            *inside.entry(gram).or_default() += 1;
        }
    }
    let mut outside: HashMap<u32, u64, FixedState> = HashMap::with_hasher(FixedState::with_seed(7));
    let mut others = 0u64;
    for (row, _) in grams.rows.iter().zip(&batches.of).filter(|(_, of)| **of as usize != name) {
        others += 1;
        for &gram in row.iter().filter(|gram| inside.contains_key(gram)) {
            *outside.entry(gram).or_default() += 1;
        }
    }
    let share = |gram: u32| outside.get(&gram).copied().unwrap_or(0) as f64 / others.max(1) as f64;
    inside
        .into_iter()
        .filter(|&(gram, rows)| grams.has_name(gram) && rows * 2 > contradicted.len() as u64 && rows >= 5 && share(gram) < 0.01)
        .max_by(|a, b| (a.1 as f64 - share(a.0)).total_cmp(&(b.1 as f64 - share(b.0))).then(b.0.cmp(&a.0)))
        .map(|(gram, rows)| Trigger {
            batch: batches.names[name].clone(),
            value: grams.name(gram),
            rows,
            of: contradicted.len() as u64,
            elsewhere: share(gram),
        })
}

#[cfg(test)]
mod tests;
