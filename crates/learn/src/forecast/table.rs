//! The training table: JSON lines with `techniques`, an object (id to count) or a list of ids.

use serde_json::Value;

/// The techniques of one report, sorted, each once.
pub type Bag = Vec<String>;

/// A row that does not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct TableError {
    /// From 1.
    pub line: u64,
    pub why: String,
}

/// At most this many techniques are read from one row.
const TECHNIQUES_MAX: usize = 1_000;

/// Rows without a technique are left out.
pub fn parse(text: &str) -> Result<Vec<Bag>, TableError> {
    let mut bags = Vec::new();
    for (line, row) in (1..).zip(text.lines()) {
        if row.trim().is_empty() {
            continue;
        }
        let wrong = |why: &str| TableError { line, why: why.into() };
        let row: Value = serde_json::from_str(row).map_err(|e| wrong(&e.to_string()))?;
        let mut bag: Bag = match row.get("techniques") {
            Some(Value::Object(counts)) => counts.keys().take(TECHNIQUES_MAX).cloned().collect(),
            Some(Value::Array(ids)) => ids.iter().take(TECHNIQUES_MAX).filter_map(|id| id.as_str().map(str::to_owned)).collect(),
            _ => return Err(wrong("expected \"techniques\": an object of id to count, or a list of ids")),
        };
        bag.sort_unstable();
        bag.dedup();
        if !bag.is_empty() {
            bags.push(bag);
        }
    }
    Ok(bags)
}
