//! Provenance: which batch each row came with.

use std::collections::BTreeMap;

use crate::table::{Row, Table};

/// Smaller batches of one source are pooled.
const ROWS_MIN: usize = 200;

/// Batches of a table.
pub(super) struct Batches {
    pub(super) names: Vec<String>,
    /// Source of each batch: that of most of its rows.
    pub(super) sources: Vec<String>,
    /// Batch of each row.
    pub(super) of: Vec<u32>,
}

/// Name of a row's batch: column `batch`, else `source` and day of `time`, else `source`, else the file.
pub fn batch_of(row: &Row<'_>) -> String {
    if let Some(batch) = row.text("batch") {
        return batch.into_owned();
    }
    let source = source_of(row);
    match row.text("time").map(|time| time.chars().take(10).collect::<String>()) {
        Some(day) => format!("{source} {day}"),
        None => source,
    }
}

fn source_of(row: &Row<'_>) -> String {
    row.text("source").map_or_else(|| row.file().rsplit('/').next().unwrap_or_default().to_owned(), |text| text.into_owned())
}

pub(super) fn batches(table: &Table) -> Batches {
    let mut rows: BTreeMap<String, (Vec<usize>, BTreeMap<String, usize>)> = BTreeMap::new();
    for (at, row) in table.rows().enumerate() {
        let entry = rows.entry(batch_of(&row)).or_default();
        entry.0.push(at);
        *entry.1.entry(source_of(&row)).or_default() += 1;
    }
    let main = |sources: &BTreeMap<String, usize>| {
        sources.iter().max_by_key(|(_, rows)| **rows).map(|(source, _)| source.clone()).unwrap_or_default()
    };
    let mut pooled: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
    for (name, (at, sources)) in rows {
        let source = main(&sources);
        let name = if at.len() < ROWS_MIN { format!("{source} (small batches)") } else { name };
        pooled.entry((name, source)).or_default().extend(at);
    }
    let mut batches = Batches { names: Vec::new(), sources: Vec::new(), of: vec![0; table.len()] };
    for ((name, source), at) in pooled {
        at.into_iter().for_each(|row| batches.of[row] = batches.names.len() as u32);
        batches.names.push(name);
        batches.sources.push(source);
    }
    batches
}
