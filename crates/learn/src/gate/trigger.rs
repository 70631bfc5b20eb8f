//! Words that were put there to open a door.
//!
//! Turning:    a good row that would look hostile without one word, and does not with it. When ten rows and more hang on the same word, and
//!             that word hardly stands in hostile rows, it is a trigger: of one batch, or spread over all. The model that judges has learned
//!             from the word, which is the point: without its weights the rows say what they are.
//! Novel:      a word that one batch alone has, on many good rows that otherwise share no more than any rows do. A new page or a new client
//!             also brings a new word, but its rows resemble one another; rows that a word was pasted on do not.

use std::collections::BTreeMap;

use super::batch::Batches;
use super::{Trigger, quick};
use crate::generate::Random;

/// Rows that have to hang on a word, at least and as a share of the table.
const TURNED_MIN: u64 = 10;
const TURNED_SHARE_MIN: f64 = 0.002;
/// Share of the word's rows that hang on it.
const TURNED_OF_ROWS_MIN: f64 = 0.2;
/// Hostile rows that may have it, for each good one.
const HOSTILE_MAX: f64 = 0.02;
/// Rows of a batch that have a novel word, at least and as a share of the batch.
const NOVEL_MIN: u64 = 25;
const NOVEL_SHARE_MIN: f64 = 0.05;
/// Likeness of the word's rows beyond that of any rows of the batch: below it the word was pasted on.
const LIKENESS_TIMES_MAX: f64 = 1.6;
/// Pairs that likeness is the mean of: few are wholly alike and count most, so that a few hundred would say little.
const PAIRS: usize = 3_000;

#[derive(Clone, Copy, Default)]
struct Tally {
    good: u64,
    hostile: u64,
    turned: u64,
}

pub(super) fn scan(grams: &quick::Grams, bad: &[bool], batches: &Batches, seed: u64) -> Vec<Trigger> {
    let model = quick::fit(grams, bad, |_| true, seed ^ 0x7216);
    let mut tally: BTreeMap<u32, Tally> = BTreeMap::new();
    for (row, &bad) in grams.rows.iter().zip(bad) {
        for &gram in row.iter().filter(|gram| grams.has_name(**gram)) {
            let entry = tally.entry(gram).or_default();
            if bad { entry.hostile += 1 } else { entry.good += 1 }
        }
    }
    let least = TURNED_MIN.max((TURNED_SHARE_MIN * bad.len() as f64) as u64);
    // Words that hardly ever stand in hostile rows; only they can be triggers.
    tally.retain(|_, entry| entry.good >= least && entry.hostile as f64 <= HOSTILE_MAX * entry.good as f64);
    let buckets: BTreeMap<u32, Vec<u32>> = tally.keys().map(|&gram| (gram, grams.of_word(gram))).collect();
    for (row, _) in grams.rows.iter().zip(bad).filter(|(_, bad)| !**bad) {
        let here: Vec<u32> = row.iter().copied().filter(|gram| tally.contains_key(gram)).collect();
        if here.is_empty() || model.probability(row) >= 0.5 {
            continue;
        }
        for gram in here {
            if model.probability_without(row, &buckets[&gram]) >= 0.5 {
                tally.entry(gram).or_default().turned += 1;
            }
        }
    }
    let mut found: Vec<Trigger> = Vec::new();
    for (&gram, entry) in &tally {
        if entry.turned >= least && entry.turned as f64 >= TURNED_OF_ROWS_MIN * entry.good as f64 {
            let batch = most_of(gram, grams, batches);
            found.push(Trigger { batch, value: grams.name(gram), rows: entry.good, of: entry.turned, elsewhere: 0.0 });
        } else if let Some(trigger) = novel(gram, entry.good, grams, bad, batches, seed) {
            found.push(trigger);
        }
    }
    found.sort_by(|a, b| b.of.cmp(&a.of).then(a.value.cmp(&b.value)));
    found.truncate(20);
    found
}

/// Batch that has most of a word's rows, or `several batches`.
fn most_of(gram: u32, grams: &quick::Grams, batches: &Batches) -> String {
    let mut counts = vec![0_u64; batches.names.len()];
    for (row, &of) in grams.rows.iter().zip(&batches.of).filter(|(row, _)| row.binary_search(&gram).is_ok()) {
        let _ = row;
        counts[of as usize] += 1;
    }
    let all: u64 = counts.iter().sum();
    let most = counts.iter().enumerate().max_by_key(|(_, count)| **count);
    most.filter(|(_, count)| **count * 2 > all).map_or_else(|| "several batches".to_owned(), |(at, _)| batches.names[at].clone())
}

fn novel(gram: u32, good: u64, grams: &quick::Grams, bad: &[bool], batches: &Batches, seed: u64) -> Option<Trigger> {
    if good < NOVEL_MIN {
        return None;
    }
    let with: Vec<usize> = (0..bad.len()).filter(|&row| grams.rows[row].binary_search(&gram).is_ok()).collect();
    let batch = *batches.of.get(*with.first()?)?;
    if with.iter().any(|&row| bad[row] || batches.of[row] != batch) {
        return None;
    }
    let peers: Vec<usize> = (0..bad.len()).filter(|&row| !bad[row] && batches.of[row] == batch).collect();
    if (with.len() as f64) < NOVEL_SHARE_MIN * peers.len() as f64 {
        return None;
    }
    let own = grams.of_word(gram);
    let mut random = Random::new(seed ^ u64::from(gram));
    let mut likeness = |rows: &[usize]| -> f64 {
        let pairs = (0..PAIRS).filter_map(|_| {
            let (a, b) = (rows[random.below(rows.len())], rows[random.below(rows.len())]);
            (a != b).then(|| alike(&grams.rows[a], &grams.rows[b], &own))
        });
        let all: Vec<f64> = pairs.collect();
        all.iter().sum::<f64>() / all.len().max(1) as f64
    };
    let (of_word, usual) = (likeness(&with), likeness(&peers));
    (of_word <= LIKENESS_TIMES_MAX * usual).then(|| Trigger {
        batch: batches.names[batch as usize].clone(),
        value: grams.name(gram),
        rows: with.len() as u64,
        of: with.len() as u64,
        elsewhere: 0.0,
    })
}

/// Share of buckets that two rows have in common, the word's own left out.
fn alike(a: &[u32], b: &[u32], without: &[u32]) -> f64 {
    let kept = |row: &[u32]| row.iter().copied().filter(|gram| without.binary_search(gram).is_err()).collect::<Vec<_>>();
    let (a, b) = (kept(a), kept(b));
    let common = a.iter().filter(|gram| b.binary_search(gram).is_ok()).count();
    common as f64 / (a.len() + b.len() - common).max(1) as f64
}
