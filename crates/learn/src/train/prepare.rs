//! Rows made ready: canonical text once, equal texts merged, context-only attacks dropped, clusters and folds set.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::table::{Label, Row};
use super::{cluster, context, weight};
use crate::canonical::Canonical;
use crate::text::{VALUE_BYTES_MAX, is_plain};

/// Folds that clusters are dealt to.
pub(super) const FOLDS: u32 = 5;

/// One example: canonical text and what the trainer needs to know.
#[derive(Clone, Debug)]
pub(super) struct Example {
    pub(super) text: Box<[u8]>,
    pub(super) steps: u32,
    pub(super) positive: bool,
    pub(super) weight: f32,
    /// Index into [`Prepared::sources`].
    pub(super) source: u16,
    pub(super) class: u16,
    pub(super) cluster: u32,
    pub(super) fold: u32,
    /// Index of the row it came from.
    pub(super) row: u32,
    /// Rows in its cluster.
    pub(super) cluster_rows: u32,
    /// Signs in the raw value, for the trivial rule.
    pub(super) signs: u32,
}

/// A whole table made ready.
#[derive(Clone, Debug, Default)]
pub(super) struct Prepared {
    pub(super) examples: Vec<Example>,
    pub(super) sources: Vec<String>,
    pub(super) classes: Vec<String>,
    /// Rows dropped by each rule of `context::RULES`, then attack values on the fast path, equal texts, mislabelled benign rows.
    pub(super) dropped: [u64; context::RULES.len() + 3],
}

pub(super) fn prepare(rows: &[Row], seed: u64) -> Prepared {
    let mut prepared = Prepared::default();
    let mut seen: HashMap<u64, (), FixedState> = HashMap::with_hasher(FixedState::with_seed(2));
    let mut canonical = Canonical::default();
    for (at, row) in rows.iter().enumerate() {
        let raw = row.payload.as_bytes();
        let raw = &raw[..raw.len().min(VALUE_BYTES_MAX)];
        let positive = row.label == Label::Attack;
        canonical.set_without_spans(raw);
        // Our own benign rows speak of such things on purpose; they are ordinary by construction.
        if !positive && row.source != crate::generate::web::SOURCE && context::is_mislabelled(canonical.bytes()) {
            prepared.dropped[context::RULES.len() + 2] += 1;
            continue;
        }
        if positive {
            if let Some(rule) = context::rule(row, canonical.bytes()) {
                prepared.dropped[rule] += 1;
                continue;
            }
            if is_plain(raw) {
                prepared.dropped[context::RULES.len()] += 1;
                continue;
            }
        }
        let source = intern(&mut prepared.sources, &row.source);
        // Equal texts of one source and label count once; across sources both stay, so that leaving one out leaves the other.
        let key = cluster::hash(canonical.bytes(), u64::from(source) << 1 | u64::from(positive));
        if seen.insert(key, ()).is_some() {
            prepared.dropped[context::RULES.len() + 1] += 1;
            continue;
        }
        let signs = raw.iter().filter(|&&b| !(b.is_ascii_alphanumeric() || b >= 0x80 || b" ._".contains(&b))).count() as u32;
        prepared.examples.push(Example {
            text: canonical.bytes().into(),
            steps: canonical.steps().bits(),
            positive,
            weight: 1.0,
            source,
            class: intern(&mut prepared.classes, &row.class),
            cluster: 0,
            fold: 0,
            row: at as u32,
            cluster_rows: 1,
            signs,
        });
    }
    let clusters = cluster::clusters(prepared.examples.iter().map(|example| &*example.text));
    for (example, cluster) in prepared.examples.iter_mut().zip(clusters) {
        example.cluster = cluster;
        example.fold = (cluster::hash(&cluster.to_le_bytes(), seed ^ 0xF01D) % u64::from(FOLDS)) as u32;
    }
    weight::set(&mut prepared);
    prepared
}

fn intern(names: &mut Vec<String>, name: &str) -> u16 {
    match names.iter().position(|known| known == name) {
        Some(at) => at as u16,
        // Past the limit everything shares the last name: the table still trains, its groups are coarser.
        None if names.len() >= 4_096 => (names.len() - 1) as u16,
        None => {
            names.push(name.into());
            (names.len() - 1) as u16
        }
    }
}
