//! Web values.
use crate::train::Row;
/// Source name of generated rows.
pub const SOURCE: &str = "bartizan";
/// Benign rows.
pub fn benign(_seed: u64, _count: usize) -> Vec<Row> { Vec::new() }
/// Attack rows.
pub fn attacks(_seed: u64, _count: usize) -> Vec<Row> { Vec::new() }
