//! Drift: do the rows that a model sees today look like those that it is known to be good on?
//!
//! First:      the pipeline. A column that is gone or new, values that are missing, another unit. Most drifts are faults of these kinds, and
//!             they are said as such.
//! Then:       the population stability index (PSI) of each column and of the score, on at least [`ROWS_MIN`] rows. What is too much is
//!             not a rule of thumb: the reference is resampled [`RESAMPLES`] times against itself at the same sizes, and the limit is the
//!             value that the worst column of such a pair reaches with the chance [`ALARM_RATE`].
//! Alert rate: [`PageHinkley`] over the share of alerts.
//! State:      the reference alone: ten shares a column. Pure; rows and seeds are arguments.
//! Mistaken by: weekdays against weekends when the reference has only one of them; rows that come in bursts of one kind.

mod page_hinkley;

pub use page_hinkley::PageHinkley;

use crate::generate::Random;

/// Fewest rows that are compared; PSI of fewer is noise.
pub const ROWS_MIN: usize = 500;
/// Chance that rows like the reference raise an alarm, for each window.
pub const ALARM_RATE: f64 = 0.005;
/// Pairs drawn from the reference.
pub const RESAMPLES: usize = 400;
/// Bins of a column, without the one of missing values.
const BINS: usize = 10;
/// Most rows kept of a reference.
const REFERENCE_MAX: usize = 20_000;
/// Points of missing values more or less than in the reference, as a share.
const NULLS_MAX: f64 = 0.05;
/// Factor between the middles from which another unit is likely.
const UNIT_FACTOR: f64 = 8.0;

/// What is usual: binned rows, and what is needed to say what is not.
#[derive(Clone, Debug)]
pub struct Reference {
    names: Vec<String>,
    columns: Vec<Column>,
    /// Bins of each row, column by column; for resampling.
    binned: Vec<Vec<u8>>,
}

#[derive(Clone, Debug)]
struct Column {
    /// Ascending; values below the first are in bin 0.
    edges: Vec<f32>,
    shares: Vec<f64>,
    missing: f64,
    /// Quartiles of what is there.
    quartiles: [f64; 3],
}

/// A fault of the pipeline.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Fault {
    /// `schema`, `missing` or `unit`.
    pub kind: &'static str,
    /// The column.
    pub column: String,
    /// In words.
    pub text: String,
}

/// One column against the reference.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Stability {
    /// The column.
    pub column: String,
    /// Population stability index.
    pub psi: f64,
    /// What rows like the reference hardly ever reach.
    pub limit: f64,
    /// Whether it is reached.
    pub drifted: bool,
}

/// What is said about a window of rows.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Report {
    /// Rows looked at.
    pub rows: u64,
    /// Rows of the reference.
    pub reference: u64,
    /// Whether there were enough of both.
    pub enough: bool,
    /// Faults of the pipeline.
    pub faults: Vec<Fault>,
    /// Each column, worst first.
    pub columns: Vec<Stability>,
    /// Whether anything is wrong.
    pub drift: bool,
}

impl Report {
    /// The gravest thing, in words.
    pub fn first(&self) -> Option<String> {
        let moved = || self.columns.iter().find(|column| column.drifted);
        let words =
            |c: &Stability| format!("{} has moved: stability index {:.3}, rows as before stay below {:.3}", c.column, c.psi, c.limit);
        self.faults.first().map(|fault| fault.text.clone()).or_else(|| moved().map(words))
    }
}

impl Reference {
    /// From rows of `names.len()` values, missing ones `NaN`.
    pub fn new(names: &[&str], rows: &[Vec<f32>]) -> Reference {
        let every = rows.len().div_ceil(REFERENCE_MAX).max(1);
        let rows: Vec<&Vec<f32>> = rows.iter().step_by(every).collect();
        let columns: Vec<Column> = (0..names.len()).map(|at| Column::new(rows.iter().map(|row| value(row, at)))).collect();
        let binned = rows.iter().map(|row| columns.iter().enumerate().map(|(at, column)| column.bin(value(row, at))).collect()).collect();
        Reference { names: names.iter().map(|&name| name.to_owned()).collect(), columns, binned }
    }

    /// Rows of the reference.
    pub fn rows(&self) -> usize {
        self.binned.len()
    }

    /// What is wrong with these rows, whose columns are `names`.
    pub fn check(&self, names: &[&str], rows: &[Vec<f32>], seed: u64) -> Report {
        let enough = rows.len() >= ROWS_MIN && self.rows() >= ROWS_MIN;
        let mut report = Report { rows: rows.len() as u64, reference: self.rows() as u64, enough, ..Report::default() };
        for name in self.names.iter().filter(|name| !names.contains(&name.as_str())) {
            report.faults.push(Fault { kind: "schema", column: name.clone(), text: format!("column {name} is gone") });
        }
        for &name in names.iter().filter(|name| !self.names.iter().any(|known| known == *name)) {
            report.faults.push(Fault { kind: "schema", column: name.into(), text: format!("column {name} is new") });
        }
        if enough {
            let limit = self.limit(rows.len().min(REFERENCE_MAX), seed);
            for (at, (column, name)) in self.columns.iter().zip(&self.names).enumerate() {
                let Some(from) = names.iter().position(|other| other == name) else { continue };
                let now = Column::new(rows.iter().map(|row| value(row, from)));
                report.faults.extend(column.faults(&now, name, rows.len()));
                let mut counts = vec![0.0; BINS + 1];
                rows.iter().for_each(|row| counts[usize::from(column.bin(value(row, from)))] += 1.0);
                let psi = psi(&column.shares, self.rows() as f64, &counts, rows.len() as f64);
                let limit = limit.of(at);
                report.columns.push(Stability { column: name.clone(), psi, limit, drifted: psi > limit });
            }
            report.columns.sort_by(|a, b| (b.psi / b.limit).total_cmp(&(a.psi / a.limit)).then(a.column.cmp(&b.column)));
        }
        report.drift = !report.faults.is_empty() || report.columns.iter().any(|column| column.drifted);
        report
    }

    /// What pairs drawn from the reference reach. Both sides are drawn: the reference is a sample too.
    fn limit(&self, rows: usize, seed: u64) -> Limit {
        let mut random = Random::new(seed ^ 0xD21F);
        let width = self.columns.len();
        let mut draws: Vec<Vec<f64>> = Vec::with_capacity(RESAMPLES);
        // A pair of smaller samples differs more by a known factor: 1/n + 1/m. It bounds the cost.
        let (n, m) = (rows.min(2_000), self.rows().min(2_000));
        let factor = (1.0 / rows as f64 + 1.0 / self.rows() as f64) / (1.0 / n as f64 + 1.0 / m as f64);
        for _ in 0..RESAMPLES {
            let mut sides = [vec![0.0; width * (BINS + 1)], vec![0.0; width * (BINS + 1)]];
            for (side, count) in sides.iter_mut().zip([m, n]) {
                for _ in 0..count {
                    let row = &self.binned[random.below(self.binned.len())];
                    row.iter().enumerate().for_each(|(at, &bin)| side[at * (BINS + 1) + usize::from(bin)] += 1.0);
                }
            }
            let of = |side: &[f64], at: usize| side[at * (BINS + 1)..(at + 1) * (BINS + 1)].to_vec();
            let psis = (0..width).map(|at| {
                let shares: Vec<f64> = of(&sides[0], at).iter().map(|count| count / m as f64).collect();
                psi(&shares, m as f64, &of(&sides[1], at), n as f64) * factor
            });
            draws.push(psis.collect());
        }
        let means: Vec<f64> = (0..width).map(|at| (draws.iter().map(|draw| draw[at]).sum::<f64>() / RESAMPLES as f64).max(1e-6)).collect();
        let mut worst: Vec<f64> =
            draws.iter().map(|draw| draw.iter().zip(&means).map(|(psi, mean)| psi / mean).fold(0.0, f64::max)).collect();
        worst.sort_by(|a, b| b.total_cmp(a));
        let times = worst[(ALARM_RATE * RESAMPLES as f64) as usize];
        Limit { means, times }
    }
}

/// Worst of all columns, in units of each column's own mean.
struct Limit {
    means: Vec<f64>,
    times: f64,
}

impl Limit {
    fn of(&self, column: usize) -> f64 {
        self.means[column] * self.times
    }
}

fn value(row: &[f32], at: usize) -> f32 {
    row.get(at).copied().unwrap_or(f32::NAN)
}

/// Population stability index; half a row is added to each bin, so that an empty one counts and does not decide alone.
fn psi(shares: &[f64], reference: f64, counts: &[f64], rows: f64) -> f64 {
    shares
        .iter()
        .zip(counts)
        .map(|(&share, &count)| {
            let (a, b) = ((share * reference + 0.5) / (reference + 0.5), (count + 0.5) / (rows + 0.5));
            (b - a) * (b / a).ln()
        })
        .sum()
}

impl Column {
    fn new(values: impl Iterator<Item = f32>) -> Column {
        let all: Vec<f32> = values.collect();
        let mut there: Vec<f32> = all.iter().copied().filter(|v| v.is_finite()).collect();
        there.sort_by(f32::total_cmp);
        let at = |share: f64| there.get(((there.len() as f64 * share) as usize).min(there.len().saturating_sub(1))).copied();
        let mut edges: Vec<f32> = (1..BINS).filter_map(|bin| at(bin as f64 / BINS as f64)).collect();
        edges.dedup();
        let quartiles = [0.25, 0.5, 0.75].map(|share| at(share).map_or(f64::NAN, f64::from));
        let missing = (all.len() - there.len()) as f64 / all.len().max(1) as f64;
        let mut column = Column { edges, shares: Vec::new(), missing, quartiles };
        let mut counts = [0.0; BINS + 1];
        all.iter().for_each(|&value| counts[usize::from(column.bin(value))] += 1.0);
        column.shares = counts.iter().map(|count| count / all.len().max(1) as f64).collect();
        column
    }

    fn bin(&self, value: f32) -> u8 {
        if value.is_finite() { self.edges.partition_point(|edge| *edge <= value) as u8 } else { BINS as u8 }
    }

    /// Missing values and units, before any talk of drift.
    fn faults(&self, now: &Column, name: &str, rows: usize) -> Vec<Fault> {
        let mut faults = Vec::new();
        let spread = (self.missing * (1.0 - self.missing) / rows as f64).sqrt().max(1.0 / rows as f64);
        if (now.missing - self.missing).abs() > NULLS_MAX.max(6.0 * spread) {
            let text = format!("{name}: {:.1} % of the values are missing, {:.1} % were", now.missing * 100.0, self.missing * 100.0);
            faults.push(Fault { kind: "missing", column: name.into(), text });
        }
        let ratios: Vec<f64> = now.quartiles.iter().zip(self.quartiles).filter(|(_, b)| b.abs() > 1e-9).map(|(a, b)| a / b).collect();
        // All quartiles by one and the same factor: a unit, not a change of what happens.
        if let (3, Some(&middle)) = (ratios.len(), ratios.get(1)) {
            let alike = ratios.iter().all(|ratio| *ratio > 0.0 && (ratio / middle).ln().abs() < 0.35);
            if alike && (middle >= UNIT_FACTOR || middle <= 1.0 / UNIT_FACTOR) {
                let text = format!("{name}: every value is about {middle:.4} times what it was: another unit?");
                faults.push(Fault { kind: "unit", column: name.into(), text });
            }
        }
        faults
    }
}

/// Columns that tell what kind of text a model reads, for models that read none of their own.
pub const TEXT_COLUMNS: [&str; 7] = ["bytes", "letters", "digits", "signs", "spaces", "beyond_ascii", "score"];

/// [`TEXT_COLUMNS`] of one text: bytes as they are, then shares.
pub fn describe(text: &str, score: f32) -> Vec<f32> {
    if text.is_empty() {
        return vec![f32::NAN, f32::NAN, f32::NAN, f32::NAN, f32::NAN, f32::NAN, score];
    }
    let all = text.len() as f32;
    let share = |test: fn(u8) -> bool| text.bytes().filter(|&b| test(b)).count() as f32 / all;
    vec![
        all,
        share(|b| b.is_ascii_alphabetic()),
        share(|b| b.is_ascii_digit()),
        share(|b| b.is_ascii_punctuation()),
        share(|b| b.is_ascii_whitespace()),
        share(|b| b >= 0x80),
        score,
    ]
}

#[cfg(test)]
mod tests;
