//! `model canary NAME --data TABLE`: rows whose scores a new version may not move without somebody saying why.
//!
//! They lie beside the versions of the model in the data directory, with the score of the version that served when they were chosen.
//! `model promote` compares; training touches nothing that is in use and asks nothing.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use learn::sign::Folder;
use learn::table::{Cell, Table};
use serde_json::{Map, Value, json};

use super::scorer::Scorer;
use super::table;
use crate::cli::fail::{Exit, Fail};
use crate::cli::{Global, out};
use crate::paths;

/// How far a score may move.
const MOVE_MAX: f32 = 0.05;
/// Moved rows that are shown.
const SHOWN_MAX: usize = 10;
/// Column with the score that a row had.
const SCORE: &str = "canary_score";

/// Keep rows whose scores the next version may not move by more than .05
#[derive(Args)]
#[command(
    after_help = "Example:\n  bartizan model canary web-payload --data payloads.jsonl --rows 200\n\nExit codes: 0 kept; 3 could not."
)]
pub(super) struct Canary {
    name: String,
    /// Labelled rows to choose from; repeatable
    #[arg(long, required = true)]
    data: Vec<PathBuf>,
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(20..=5_000))]
    rows: u32,
}

/// A row whose score moved too far.
pub(super) struct Moved {
    text: String,
    before: f32,
    now: f32,
}

fn file(models: &Path, name: &str) -> PathBuf {
    models.join(name).join("canary.jsonl")
}

pub(super) fn keep(args: &Canary, global: &Global) -> Result<Exit, Fail> {
    let table = table::read(&args.data)?;
    let scorer = Scorer::load(&args.name, global)?;
    let chosen = choose(&table, args.rows as usize);
    let models = paths::data_dir(global.data_dir.as_ref()).join("models");
    let scores = scorer.scores(&chosen)?;
    write(&models, &args.name, &chosen, &scores)?;
    if global.json {
        out::json(&json!({"schema": "bartizan.model_canary/1", "model": args.name, "rows": chosen.len()}));
    } else {
        out::line(format!(" kept {} rows: model promote refuses what moves one of them by more than {MOVE_MAX}", chosen.len()));
    }
    Ok(Exit::Fine)
}

/// As many of each label as there are, by the hash of the row: the same table gives the same rows.
fn choose(table: &Table, rows: usize) -> Table {
    let mut by_label: std::collections::BTreeMap<String, Vec<u64>> = std::collections::BTreeMap::new();
    for row in table.rows() {
        by_label.entry(row.text("label").unwrap_or_default().into_owned()).or_default().push(row.hash_without(&[]));
    }
    let each = rows.div_ceil(by_label.len().max(1));
    let mut wanted = std::collections::HashSet::new();
    for hashes in by_label.values_mut() {
        hashes.sort_unstable();
        hashes.dedup();
        wanted.extend(hashes.iter().take(each).copied());
    }
    table.filter(|row| wanted.remove(&row.hash_without(&[])))
}

/// From now on these are the rows and their scores.
pub(super) fn write(models: &Path, name: &str, table: &Table, scores: &[f32]) -> Result<(), Fail> {
    let path = file(models, name);
    let failed = |e: std::io::Error| Fail::unreadable(&path, &e);
    std::fs::create_dir_all(models.join(name)).map_err(failed)?;
    let mut lines = Vec::new();
    for (row, score) in table.rows().zip(scores) {
        let mut object: Map<String, Value> = Map::new();
        for column in table.columns().iter().filter(|column| *column != SCORE) {
            match row.cell(column) {
                Cell::Missing => continue,
                Cell::Text(text) => object.insert(column.clone(), text.as_ref().into()),
                Cell::Json(value) => object.insert(column.clone(), value.as_ref().clone()),
            };
        }
        object.insert(SCORE.into(), json!(score));
        writeln!(lines, "{}", Value::Object(object)).map_err(failed)?;
    }
    std::fs::write(&path, lines).map_err(failed)
}

/// The kept rows and the candidate's scores of them; `None` when nobody kept any.
pub(super) fn judged(models: &Path, name: &str, folder: &Folder) -> Result<Option<(Table, Vec<f32>)>, Fail> {
    let path = file(models, name);
    if !path.exists() {
        return Ok(None);
    }
    let table = table::read(&[path])?;
    let scores = Scorer::of_folder(name, folder)?.scores(&table)?;
    Ok(Some((table, scores)))
}

/// Those that moved too far, furthest first.
pub(super) fn moved(table: &Table, scores: &[f32]) -> Vec<Moved> {
    let mut all: Vec<Moved> = table
        .rows()
        .zip(scores)
        .filter_map(|(row, now)| {
            let before = row.number(SCORE)? as f32;
            let columns = ["payload", "text", "url", "domain", "raw", "name"];
            let text =
                columns.iter().find_map(|c| row.text(c)).map_or_else(|| format!("row {}", row.line()), |t| t.chars().take(60).collect());
            ((now - before).abs() > MOVE_MAX).then_some(Moved { text, before, now: *now })
        })
        .collect();
    all.sort_by(|a, b| (b.now - b.before).abs().total_cmp(&(a.now - a.before).abs()));
    all
}

pub(super) fn print(moved: &[Moved], of: usize) {
    out::line(format!(" {} of {of} canary rows moved by more than {MOVE_MAX}:", moved.len()));
    for row in moved.iter().take(SHOWN_MAX) {
        out::line(format!("   {:.3} -> {:.3}  {}", row.before, row.now, out::shown(&row.text)));
    }
}
