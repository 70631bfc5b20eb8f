//! The score of each row from the rows up to it.

use serde::{Deserialize, Serialize};

use super::past::Past;
use super::record::Record;
use super::season::Season;

/// Rows before the first score.
pub const WARM_ROWS: u64 = 150;
/// Rows before the first record: the first deviations are as large as chance makes them.
const RECORD_ROWS: u64 = 30;
/// Rows that the level of variation needs.
const RESTLESS_ROWS: usize = 60;
/// Share of the newest row in the smoothed distance from the season.
const SMOOTH: f64 = 1.0 / 12.0;
/// Rows that a season is watched before it may speak.
const SEASON_ROWS: u64 = 288;
/// A flat line shorter than this says nothing; a longer one must be twice as long as any before and this.
const FLAT_ROWS: f64 = 20.0;
/// After an alarm the next one must be larger by this share of it, which fades over [`HELD_ROWS`].
const HELD_SHARE: f64 = 0.4;
const HELD_ROWS: f64 = 100.0;

/// One series.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stream {
    rows: u64,
    past: Past,
    season: Season,
    season_smooth: f64,
    seasonal: Record,
    /// Of the value, the step, the fast and the slow change, and the variation.
    records: [Record; 5],
    flat: f64,
    flat_most: f64,
    /// What is left of the last alarm.
    held: f64,
    score: f64,
}

impl Stream {
    /// Scores one value against all before it; one half is as far out as it ever was. Not a number: the last score again.
    pub fn push(&mut self, value: f64) -> f64 {
        if !value.is_finite() {
            return self.score;
        }
        // Squares of larger values would not be numbers.
        let value = value.clamp(-1e140, 1e140);
        let mut most = self.flatness(value).max(self.distance(value));
        let parts = self.parts(value);
        if self.rows >= RECORD_ROWS {
            for (record, number) in self.records.iter_mut().zip(parts) {
                most = most.max(record.add(number, WARM_ROWS - RECORD_ROWS));
            }
        }
        self.rows += 1;
        let free = (most - self.held).max(0.0);
        // One cause, one alarm: what follows must be stronger, less so as time passes.
        self.held *= 1.0 - 1.0 / HELD_ROWS;
        if most > 1.0 && self.rows > WARM_ROWS {
            self.held = self.held.max(HELD_SHARE * most);
        }
        self.score = if self.rows <= WARM_ROWS { 0.0 } else { free / (free + 1.0) };
        self.score
    }

    /// The score of the last row.
    pub fn score(&self) -> f64 {
        self.score
    }

    /// Rows of the period that was found; 0 when there is none.
    pub fn period(&self) -> usize {
        self.season.period()
    }

    /// How far the value is from the mean, from the last one, and how far the latest rows are from those before in level and variation,
    /// in units of the last 2,000 rows. Learns the value.
    fn parts(&mut self, value: f64) -> [f64; 5] {
        let (mean, unit, usual_step) = (self.past.mean(), self.past.spread(), self.past.step());
        let step = self.past.last().map_or(0.0, |last| (value - last).abs());
        self.past.add(value);
        let change = |at: usize| self.past.change(at).map_or(0.0, |change| change.abs() / unit);
        let restless = if self.past.len() > RESTLESS_ROWS { (self.past.short_step() / usual_step).max(1e-3).ln().abs() } else { 0.0 };
        [(value - mean).abs() / unit, step / usual_step, change(0), change(2), restless]
    }

    /// Distance from the same place one and two periods ago, smoothed, as a record since the period was found. Learns the value.
    fn distance(&mut self, value: f64) -> f64 {
        let distance = self.season.distance(value);
        self.season.add(value);
        let Some(distance) = distance else {
            (self.season_smooth, self.seasonal) = (0.0, Record::default());
            return 0.0;
        };
        self.season_smooth += SMOOTH * (distance - self.season_smooth);
        self.seasonal.add(self.season_smooth, SEASON_ROWS)
    }

    /// A line that stays flat much longer than it ever did.
    fn flatness(&mut self, value: f64) -> f64 {
        if self.past.last() == Some(value) {
            self.flat += 1.0;
            return if self.rows > WARM_ROWS { self.flat / (2.0 * (self.flat_most + FLAT_ROWS)) } else { 0.0 };
        }
        self.flat_most = self.flat_most.max(self.flat);
        self.flat = 0.0;
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(rows: usize, seed: u64) -> Vec<f64> {
        let mut state = seed;
        (0..rows)
            .map(|n| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let noise = (state >> 40) as f64 / (1u64 << 24) as f64 - 0.5;
                100.0 + 30.0 * (n as f64 * std::f64::consts::TAU / 288.0).sin() + 4.0 * noise
            })
            .collect()
    }

    fn scores(values: &[f64]) -> Vec<f64> {
        let mut stream = Stream::default();
        values.iter().map(|v| stream.push(*v)).collect()
    }

    /// Row n knows rows up to n only.
    #[test]
    fn a_prefix_has_the_same_scores() {
        let values = wave(3_000, 7);
        let whole = scores(&values);
        for rows in [1, 149, 700, 1_500, 2_999] {
            assert_eq!(scores(&values[..rows]), whole[..rows]);
        }
    }

    #[test]
    fn a_spike_stands_out_and_the_period_is_found() {
        let mut values = wave(4_000, 3);
        values[3_000] += 400.0;
        let all = scores(&values);
        let best = all.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map(|(n, _)| n);
        assert_eq!(best, Some(3_000));
        let mut stream = Stream::default();
        for value in &values {
            stream.push(*value);
        }
        assert!((280..=296).contains(&stream.period()), "{}", stream.period());
    }

    #[test]
    fn odd_numbers_are_safe() {
        let odd = [f64::NAN, f64::INFINITY, -0.0, f64::MAX, f64::MIN, 1e-300, 5.0];
        let values: Vec<f64> = odd.iter().cycle().take(1_500).copied().collect();
        assert!(scores(&values).iter().all(|s| (0.0..=1.0).contains(s)));
        assert!(scores(&[3.0; 1_000]).iter().all(|s| (0.0..=1.0).contains(s)));
    }

    #[test]
    fn a_checkpoint_changes_nothing() {
        let values = wave(2_000, 5);
        let mut stream = Stream::default();
        let mut all: Vec<f64> = values[..1_000].iter().map(|v| stream.push(*v)).collect();
        let mut again: Stream = serde_json::from_str(&serde_json::to_string(&stream).unwrap()).unwrap();
        assert_eq!(again, stream);
        all.extend(values[1_000..].iter().map(|v| again.push(*v)));
        assert_eq!(all, scores(&values));
    }
}
