//! Thirty simulated days of scored rows: no alarm without a cause, and planted faults are found within 2,000 rows.
//!
//! Days:       1,000 rows each; weekends have another mixture, and the reference (fourteen days before) has seen weekends too.
//! Planted:    values that go missing, another unit, a column that is gone, another mixture of rows, a score that creeps up.

use std::collections::BTreeMap;

use super::{Answer, Attack, Figures, Outcome, Worst};
use crate::drift::{Reference, TEXT_COLUMNS, describe};
use crate::generate::Random;
use crate::measure::wilson;

/// This attack.
pub const ATTACK: Attack =
    Attack { name: "drift", pass: "at most 1 false alarm in 30 days; planted faults found within 2,000 rows in 95 %" };
const DAYS: usize = 30;
const DAY: usize = 1_000;
/// Rows within which a fault has to be found.
const WITHIN: usize = 2_000;
const FAULTS: [&str; 5] = ["missing", "unit", "schema", "mixture", "score"];

/// Ordinary texts by seed and number.
pub type Texts<'a> = &'a dyn Fn(u64, usize) -> Vec<String>;

/// Runs the days `worlds` times, and plants each fault as often.
pub fn run(model: &str, texts: Texts<'_>, worlds: usize, seed: u64, ask: &mut dyn FnMut(&str) -> Answer) -> Outcome {
    let mut rows = |seed: u64, count: usize, weekend: bool| -> Vec<Vec<f32>> {
        let mut random = Random::new(seed ^ 0x3EE);
        let mut day: Vec<String> = texts(seed, count);
        if weekend {
            // A quarter of the long texts is gone: people write less.
            day.retain(|text| text.len() < 120 || !random.one_in(4));
        }
        day.iter().map(|text| describe(text, ask(text).score)).collect()
    };
    let mut figures = Figures::default();
    let mut by: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    let (mut false_most, mut false_all) = (0_u64, 0_u64);
    let mut worst = Vec::new();
    for world in 0..worlds as u64 {
        let base = seed.wrapping_mul(1_009).wrapping_add(world * 100);
        let before: Vec<Vec<f32>> = (0..14).flat_map(|day| rows(base + 500_000 + day, DAY / 2, day % 7 >= 5)).collect();
        let reference = Reference::new(&TEXT_COLUMNS, &before);
        // A week is compared, as `model drift --since 7d` does: a weekend alone is not like the fortnight.
        let mut week: Vec<Vec<Vec<f32>>> = Vec::new();
        let mut alarms = 0;
        for day in 0..DAYS as u64 {
            week.push(rows(base + day, DAY, day % 7 >= 5));
            if week.len() > 7 {
                week.remove(0);
            }
            if week.len() == 7 {
                let all: Vec<Vec<f32>> = week.iter().flatten().cloned().collect();
                alarms += u64::from(reference.check(&TEXT_COLUMNS, &all, base + day).drift);
            }
        }
        false_most = false_most.max(alarms);
        false_all += alarms;
        for fault in FAULTS {
            let entry = by.entry(fault).or_default();
            entry.1 += 1;
            let found = [WITHIN / 4, WITHIN / 2, WITHIN].iter().find(|&&upto| {
                let mut window = rows(base + 77, upto, false);
                let names = plant(fault, &mut window, base);
                reference.check(&names, &window, base).drift
            });
            entry.0 += u64::from(found.is_some());
            if found.is_none() {
                worst.push(Worst { seed: format!("world {world}, {fault}"), r#final: format!("not found in {WITHIN} rows"), score: 0.0 });
            }
        }
    }
    let (found, of) = by.values().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    figures.add("days", DAYS);
    figures.add("worlds", worlds);
    figures.add("false_alarms_in_30_days_most", false_most);
    figures.add("false_alarms_in_30_days_mean", false_all as f64 / worlds.max(1) as f64);
    figures.add("found_within_2000_rows", wilson(found, of));
    figures.add("by_fault", by.iter().map(|(name, (found, of))| (*name, wilson(*found, *of))).collect::<BTreeMap<_, _>>());
    let pass = false_most <= 1 && found as f64 >= 0.95 * of as f64;
    worst.truncate(super::WORST_MAX);
    Outcome { attack: ATTACK.name, model: model.into(), seeds: of, passed: found, figures: figures.0, pass, worst }
}

/// Damages rows as pipelines do; gives the names of their columns.
fn plant(fault: &str, rows: &mut [Vec<f32>], seed: u64) -> Vec<&'static str> {
    let mut random = Random::new(seed ^ 0xFA017);
    let score = TEXT_COLUMNS.len() - 1;
    match fault {
        "missing" => rows.iter_mut().for_each(|row| {
            if random.one_in(8) {
                row[0] = f32::NAN;
            }
        }),
        "unit" => rows.iter_mut().for_each(|row| row[0] *= 1_000.0),
        "schema" => {
            rows.iter_mut().for_each(|row| {
                row.remove(1);
            });
            return TEXT_COLUMNS.iter().copied().filter(|name| *name != TEXT_COLUMNS[1]).collect();
        }
        // Another client: a third of the rows are numbers.
        "mixture" => rows.iter_mut().for_each(|row| {
            if random.one_in(3) {
                *row = describe(&random.below(100_000_000).to_string(), row[score]);
            }
        }),
        _ => rows.iter_mut().for_each(|row| {
            if random.one_in(6) {
                row[score] = (row[score] + 0.02 + random.below(200) as f32 / 1_000.0).min(1.0);
            }
        }),
    }
    TEXT_COLUMNS.to_vec()
}
