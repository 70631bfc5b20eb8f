//! Labels: which column they stand in and what they say. The label is never an input.

use super::Recipe;
use crate::table::{Cell, Row, Table, TableError};

const BAD: [&str; 13] =
    ["attack", "malicious", "1", "1.0", "yes", "true", "phishing", "spam", "injection", "dga", "malware", "bad", "positive"];
const GOOD: [&str; 13] = ["benign", "0", "0.0", "no", "false", "ham", "legit", "legitimate", "clean", "norm", "normal", "good", "negative"];

pub(super) fn column<'a>(recipe: &Recipe, table: &'a Table) -> Option<&'a str> {
    let named = recipe.label.iter().find_map(|name| table.columns().iter().find(|column| column.eq_ignore_ascii_case(name)));
    named.or(table.columns().last()).map(String::as_str)
}

pub(super) fn is_bad(recipe: &Recipe, row: &Row<'_>, column: &str) -> Result<bool, TableError> {
    let text = match row.cell(column) {
        Cell::Missing => return Err(row.fault(format!("column {column} is empty: expected a label"))),
        Cell::Text(text) => text.to_string(),
        Cell::Json(value) => value.to_string(),
    };
    let text = text.trim();
    let is = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(text));
    match (is(recipe.bad) || is(&BAD), is(&GOOD)) {
        (true, _) => Ok(true),
        (false, true) => Ok(false),
        _ => {
            Err(row.fault(format!("column {column} has {:?}: expected attack or benign (or 1/0, yes/no, malicious/benign)", shorten(text))))
        }
    }
}

pub(super) fn check_columns(recipe: &Recipe, table: &Table) -> Result<(), TableError> {
    let fault = |why: String| match table.rows().next() {
        Some(row) => TableError { line: 1, ..row.fault(why) },
        None => TableError { file: String::new(), line: 0, why },
    };
    if table.is_empty() {
        return Err(fault("the table has no rows".into()));
    }
    let absent: Vec<&str> = recipe.needs.iter().copied().filter(|name| !table.has(name)).collect();
    if !absent.is_empty() {
        return Err(fault(format!("no column {}; {} reads {}", absent.join(", "), recipe.name, recipe.needs.join(", "))));
    }
    Ok(())
}

fn shorten(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Where the label stands and which columns nobody reads.
pub(super) fn notes(recipe: &Recipe, table: &Table) -> Vec<String> {
    let Some(label) = column(recipe, table) else { return Vec::new() };
    let mut notes = vec![format!("label column: {label}")];
    let features = recipe.features();
    let read = |name: &str| {
        name == label
            || ["source", "batch", "time", "class", "split", "id"].contains(&name)
            || recipe.needs.contains(&name)
            || recipe.by.contains(&name)
            || recipe.reads.contains(&name)
            || recipe.group == Some(name)
            || features.features.iter().any(|feature| feature.name == name)
    };
    let unknown: Vec<&str> = table.columns().iter().map(String::as_str).filter(|name| !read(name)).take(20).collect();
    if !unknown.is_empty() {
        notes.push(format!("columns not read: {}", unknown.join(", ")));
    }
    let absent: Vec<&str> = recipe.reads.iter().copied().filter(|name| !table.has(name)).take(20).collect();
    if !absent.is_empty() {
        notes.push(format!("columns not there, taken as missing: {}", absent.join(", ")));
    }
    notes
}
