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

/// One training: kind and share of the poison, or a clean table, and its seed.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    poison: Option<(&'static str, u64)>,
    seed: u64,
}

/// What came of one training.
#[derive(Clone, Copy, Debug, Default)]
pub struct Done {
    flagged: bool,
    lost: f64,
    evades: f64,
}

/// Goes through all cases, in whatever order or side by side, and hands back what came of each.
pub type Each<'a> = &'a dyn Fn(&[Case], &(dyn Fn(&Case) -> Done + Sync)) -> Vec<Done>;

/// How much is tried.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Rows of a table.
    pub rows: usize,
    /// Trainings for each kind and share.
    pub times: usize,
    /// Trainings on clean tables.
    pub clean: usize,
}

/// `rows` makes a table of so many rows from a seed.
pub fn run(model: &str, rows: &(dyn Fn(u64, usize) -> Rows + Sync), size: Size, seed: u64, each: Each<'_>) -> Outcome {
    let mut figures = Figures::default();
    let mut worst = Vec::new();
    let (mut tried, mut passed) = (0_u64, 0_u64);
    let test = Test::new(rows(seed ^ 0x7E57_0000, 2_000));
    let mut pass = true;
    let mut by: BTreeMap<String, serde_json::Value> = BTreeMap::new();
    let mut totals: BTreeMap<&str, (u64, u64, f64, f64)> = BTreeMap::new();
    let poisoned = |share: u64, time: usize| seed.wrapping_mul(131).wrapping_add(share * 17 + time as u64);
    let mut cases: Vec<Case> = Vec::new();
    for kind in KINDS {
        for share in SHARES {
            cases.extend((0..size.times).map(|time| Case { poison: Some((kind, share)), seed: poisoned(share, time) }));
        }
    }
    cases.extend((0..size.clean).map(|time| Case { poison: None, seed: seed.wrapping_mul(977).wrapping_add(50_000 + time as u64) }));
    // The same clean rows stand behind every kind of poison.
    let bases: Vec<Case> = cases.iter().take(size.times * SHARES.len()).copied().collect();
    let areas = each(&bases, &|case| Done { lost: test.measured(&rows(case.seed, size.rows), case.seed).0, ..Done::default() });
    let area = |case: &Case| bases.iter().zip(&areas).find(|(base, _)| base.seed == case.seed).map_or(1.0, |(_, area)| area.lost);
    let done = each(&cases, &|case| match case.poison {
        Some((kind, share)) => one(kind, share, &rows(case.seed, size.rows), &test, case.seed, area(case)),
        None => Done { flagged: !judged(&table(&rows(case.seed, size.rows)), case.seed).flagged.is_empty(), ..Done::default() },
    });
    let times = size.times.max(1);
    for (kind, share, done) in cases.chunks(times).zip(done.chunks(times)).filter_map(|(case, done)| {
        let (kind, share) = case.first()?.poison?;
        Some((kind, share, done))
    }) {
        let flagged = done.iter().filter(|done| done.flagged).count() as u64;
        let most = |figure: fn(&Done) -> f64| done.iter().map(figure).fold(0.0, f64::max);
        let (lost, evades) = (most(|done| done.lost), most(|done| done.evades));
        let entry = totals.entry(if kind == "clean_label" { "clean_label" } else { "dirty" }).or_default();
        (entry.0, entry.1) = (entry.0 + flagged, entry.1 + times as u64);
        (entry.2, entry.3) = (entry.2.max(lost), entry.3.max(evades));
        tried += times as u64;
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
    let clean_flagged = cases.iter().zip(&done).filter(|(case, done)| case.poison.is_none() && done.flagged).count() as u64;
    tried += size.clean as u64;
    passed += size.clean as u64 - clean_flagged;
    for (name, least) in [("dirty", 0.95), ("clean_label", 0.60)] {
        let (flagged, of, lost, evades) = totals.get(name).copied().unwrap_or_default();
        figures.add(&format!("{name}_flagged"), wilson(flagged, of));
        figures.add(&format!("{name}_flagged_min"), least);
        figures.add(&format!("{name}_auc_lost_after_gate_max"), lost);
        figures.add(&format!("{name}_trigger_evades_max"), evades);
        pass &= flagged as f64 >= least * of as f64 && lost <= 0.005 && evades <= 0.05;
    }
    figures.add("clean_tables_flagged", wilson(clean_flagged, size.clean as u64));
    figures.add("by_kind", by);
    figures.add("rows", size.rows);
    figures.add("judged_by", "the gate's quick model on texts of the kind that the model reads");
    pass &= clean_flagged as f64 <= 0.01 * size.clean as f64;
    worst.truncate(super::WORST_MAX);
    Outcome { attack: ATTACK.name, model: model.into(), seeds: tried, passed, figures: figures.0, pass, worst }
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

fn one(kind: &str, share: u64, rows: &Rows, test: &Test, seed: u64, clean_auc: f64) -> Done {
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
    let (auc, evades) = test.measured(&kept, seed);
    Done { flagged, lost: (clean_auc - auc).max(0.0), evades }
}

/// Rows that every training is measured on.
struct Test {
    rows: Rows,
    /// The rows as they are, and then each with the word.
    texts: Vec<String>,
}

impl Test {
    fn new(rows: Rows) -> Test {
        let with = rows.iter().map(|(text, _)| format!("{text} {WORD}"));
        let texts = rows.iter().map(|(text, _)| text.clone()).chain(with).collect();
        Test { rows, texts }
    }

    /// Area under the curve after training on these rows, and the share of caught attacks that the word frees.
    fn measured(&self, rows: &Rows, seed: u64) -> (f64, f64) {
        let read = quick::of_texts(rows.iter().map(|(text, _)| text.as_str()).chain(self.texts.iter().map(String::as_str)));
        let count = self.rows.len();
        let labels: Vec<bool> = rows.iter().chain(&self.rows).chain(&self.rows).map(|(_, bad)| *bad).collect();
        let model = quick::fit(&read, &labels, |row| row < rows.len(), seed);
        let at = |row: usize| model.probability(&read.rows[rows.len() + row]);
        let scored: Vec<Scored> = (0..count).map(|row| Scored { score: at(row) as f32, positive: self.rows[row].1 }).collect();
        let caught: Vec<usize> = (0..count).filter(|&row| self.rows[row].1 && scored[row].score >= 0.5).collect();
        let freed = caught.iter().filter(|&&row| at(count + row) < 0.5).count();
        (measure::auc(&scored).unwrap_or(0.5), freed as f64 / caught.len().max(1) as f64)
    }
}
