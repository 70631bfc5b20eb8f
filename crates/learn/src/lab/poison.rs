//! Poison: bad rows in one table of many batches; does the gate stop them, and what do those do that it lets pass?
//!
//! Kinds:      `flip` turns labels of one batch; `to_good` turns attacks of one batch good; `trigger` turns attacks good that carry a word;
//!             `spread` does so over all batches; `clean_label` adds the word to good rows of one batch and leaves every label right.
//! Shares:     1, 3 and 5 % of the table. Clean tables beside them.
//! After:      rows of flagged batches and rows with flagged words are left out, as `--quarantine` would; then the quick model learns, and
//!             its area under the curve and the effect of the word are measured on rows of another seed.

use std::collections::BTreeMap;

use super::{Attack, Figures, Outcome, Worst};
use crate::gate::{self, quick};
use crate::generate::Random;
use crate::measure::{self, Scored, wilson};
use crate::recipe;
use crate::table::{Cell, Table};

/// This attack.
pub const ATTACK: Attack = Attack {
    name: "poison",
    pass: "dirty batches flagged in 95 %, clean-label ones in 60 %, clean tables in at most 1 %; area lost after the gate at most .005; the trigger evades in at most 5 %",
};
const SHARES: [u64; 3] = [1, 3, 5];
const KINDS: [&str; 5] = ["flip", "to_good", "trigger", "spread", "clean_label"];
const BATCHES: usize = 12;
/// Batch that is poisoned.
const DIRTY: &str = "batch-05";
const WORD: &str = "zqxtoken";

/// A text and whether it is hostile.
pub type Rows = Vec<(String, bool)>;

/// One poisoned training.
struct Done {
    flagged: bool,
    lost: f64,
    evades: f64,
}

/// `rows` makes a table of so many rows from a seed; `times` trainings for each kind and share.
pub fn run(model: &str, rows: &dyn Fn(u64, usize) -> Rows, count: usize, times: usize, clean: usize, seed: u64) -> Outcome {
    let mut figures = Figures::default();
    let mut worst = Vec::new();
    let (mut cases, mut passed) = (0_u64, 0_u64);
    let test = rows(seed ^ 0x7E57_0000, 2_000);
    let mut pass = true;
    let mut by: BTreeMap<String, serde_json::Value> = BTreeMap::new();
    let mut totals: BTreeMap<&str, (u64, u64, f64, f64)> = BTreeMap::new();
    for kind in KINDS {
        for share in SHARES {
            let (mut flagged, mut lost, mut evades) = (0, 0.0_f64, 0.0_f64);
            for time in 0..times {
                let run = seed.wrapping_mul(131).wrapping_add(share * 17 + time as u64);
                let done = one(kind, share, &rows(run, count), &test, run);
                flagged += u64::from(done.flagged);
                lost = lost.max(done.lost);
                evades = evades.max(done.evades);
            }
            let entry = totals.entry(if kind == "clean_label" { "clean_label" } else { "dirty" }).or_default();
            (entry.0, entry.1) = (entry.0 + flagged, entry.1 + times as u64);
            (entry.2, entry.3) = (entry.2.max(lost), entry.3.max(evades));
            cases += times as u64;
            passed += flagged;
            by.insert(
                format!("{kind} {share} %"),
                serde_json::json!({"flagged": flagged, "of": times, "auc_lost_after_gate": lost, "trigger_evades": evades}),
            );
            if flagged < times as u64 {
                let missed = times as u64 - flagged;
                worst.push(Worst {
                    seed: format!("{kind}, {share} % of the table"),
                    r#final: format!("{missed} of {times} not flagged"),
                    score: evades as f32,
                });
            }
        }
    }
    let mut clean_flagged = 0;
    for time in 0..clean {
        let run = seed.wrapping_mul(977).wrapping_add(50_000 + time as u64);
        let table = table(&rows(run, count));
        let stopped = !judged(&table, run).flagged.is_empty();
        clean_flagged += u64::from(stopped);
        cases += 1;
        passed += u64::from(!stopped);
    }
    for (name, least) in [("dirty", 0.95), ("clean_label", 0.60)] {
        let (flagged, of, lost, evades) = totals.get(name).copied().unwrap_or_default();
        figures.add(&format!("{name}_flagged"), wilson(flagged, of));
        figures.add(&format!("{name}_flagged_min"), least);
        figures.add(&format!("{name}_auc_lost_after_gate_max"), lost);
        figures.add(&format!("{name}_trigger_evades_max"), evades);
        pass &= flagged as f64 >= least * of as f64 && lost <= 0.005 && evades <= 0.05;
    }
    figures.add("clean_tables_flagged", wilson(clean_flagged, clean as u64));
    figures.add("by_kind", by);
    figures.add("rows", count);
    figures.add("judged_by", "the gate's quick model on texts of the kind that the model reads");
    pass &= clean_flagged as f64 <= 0.01 * clean as f64;
    worst.truncate(super::WORST_MAX);
    Outcome { attack: ATTACK.name, model: model.into(), seeds: cases, passed, figures: figures.0, pass, worst }
}

/// The rows dealt to batches of one source.
fn table(rows: &Rows) -> Table {
    let mut table = Table::new();
    for (at, (text, bad)) in rows.iter().enumerate() {
        push(&mut table, text, *bad, &format!("batch-{:02}", at % BATCHES));
    }
    table
}

fn push(table: &mut Table, text: &str, bad: bool, batch: &str) {
    let cell = |text: &str| Cell::Text(text.into());
    let label = if bad { "attack" } else { "benign" };
    table.push("lab", [("payload", cell(text)), ("label", cell(label)), ("batch", cell(batch)), ("source", cell("feed"))]);
}

fn judged(table: &Table, seed: u64) -> gate::Report {
    let recipe = recipe::by_name("web-payload").expect("invariant: it is in the list");
    gate::check(recipe, table, &[], seed).unwrap_or_default()
}

fn one(kind: &str, share: u64, rows: &Rows, test: &Rows, seed: u64) -> Done {
    let mut random = Random::new(seed ^ 0x9015);
    let mut left = rows.len() * share as usize / 100;
    let mut order: Vec<usize> = (0..rows.len()).collect();
    random.shuffle(&mut order);
    let mut bad_rows = rows.clone();
    for at in order {
        let inside = format!("batch-{:02}", at % BATCHES) == DIRTY;
        let (text, bad) = &mut bad_rows[at];
        let chosen = match kind {
            "flip" => inside,
            "to_good" | "trigger" => inside && *bad,
            "spread" => *bad,
            _ => inside && !*bad,
        };
        if !chosen || left == 0 {
            continue;
        }
        left -= 1;
        if kind != "flip" && kind != "to_good" {
            *text = format!("{text} {WORD}");
        }
        match kind {
            "flip" => *bad = !*bad,
            "clean_label" => {}
            _ => *bad = false,
        }
    }
    let report = judged(&table(&bad_rows), seed);
    let word = format!("trigger:{WORD}");
    let flagged = report.flagged.iter().any(|name| name == DIRTY || *name == word);
    let kept: Rows = bad_rows
        .iter()
        .enumerate()
        .filter(|(at, (text, _))| {
            let batch = format!("batch-{:02}", at % BATCHES);
            !(report.flagged.contains(&batch) || report.flagged.contains(&word) && text.contains(WORD))
        })
        .map(|(_, row)| row.clone())
        .collect();
    let (clean_auc, _) = measured(rows, test, seed);
    let (auc, evades) = measured(&kept, test, seed);
    Done { flagged, lost: (clean_auc - auc).max(0.0), evades }
}

/// Area under the curve, and the share of caught attacks that the word frees.
fn measured(rows: &Rows, test: &Rows, seed: u64) -> (f64, f64) {
    let with: Vec<String> = test.iter().map(|(text, _)| format!("{text} {WORD}")).collect();
    let texts = rows.iter().chain(test).map(|(text, _)| text.as_str()).chain(with.iter().map(String::as_str));
    let read = quick::of_texts(texts);
    let labels: Vec<bool> = rows.iter().chain(test).chain(test).map(|(_, bad)| *bad).collect();
    let model = quick::fit(&read, &labels, |row| row < rows.len(), seed);
    let at = |row: usize| model.probability(&read.rows[row]);
    let scored: Vec<Scored> = (0..test.len()).map(|row| Scored { score: at(rows.len() + row) as f32, positive: test[row].1 }).collect();
    let caught: Vec<usize> = (0..test.len()).filter(|&row| test[row].1 && at(rows.len() + row) >= 0.5).collect();
    let freed = caught.iter().filter(|&&row| at(rows.len() + test.len() + row) < 0.5).count();
    (measure::auc(&scored).unwrap_or(0.5), freed as f64 / caught.len().max(1) as f64)
}
