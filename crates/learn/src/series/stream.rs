//! The score of each row from the rows up to it.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::season::Season;
use super::surprise::Surprise;

/// Rows before the first score.
pub const WARM_ROWS: u64 = 150;
/// Rows of the short window, and of the window before it.
const SHORT: usize = 12;
const LONG: usize = 96;
/// Share of the newest row in the slow level.
const SLOW: f64 = 0.002;
/// Surprise that gives a score of one half.
const HALF: f64 = 6.0;

/// One series.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stream {
    rows: u64,
    recent: VecDeque<f64>,
    short_sum: f64,
    long_sum: f64,
    /// Slow level and absolute deviation.
    level: f64,
    deviation: f64,
    fast: f64,
    season: Season,
    season_smooth: f64,
    jump: Surprise,
    value: Surprise,
    change: Surprise,
    seasonal: Surprise,
    spread: Surprise,
    flat: u32,
    flat_most: u32,
    /// The last alarm's surprise, fading.
    held: f64,
    last: f64,
    score: f64,
}

impl Stream {
    /// Scores one value against all before it. Not a number: the last score again.
    pub fn push(&mut self, value: f64) -> f64 {
        if !value.is_finite() {
            return self.score;
        }
        let value = value.clamp(-1e150, 1e150);
        if self.rows == 0 {
            (self.level, self.fast, self.last) = (value, value, value);
        }
        let parts = self.parts(value);
        self.learn(value);
        let mut sorted = parts;
        sorted.sort_by(f64::total_cmp);
        let raw = sorted[parts.len() - 1] + 0.3 * sorted[parts.len() - 2];
        // One cause, one alarm: what follows must be stronger, less so as time passes.
        let memory = (self.rows as f64 / 12.0).clamp(40.0, 400.0);
        self.held *= (-1.0 / memory).exp();
        let free = (raw - self.held).max(0.0);
        if self.rows > WARM_ROWS {
            self.held = self.held.max(raw);
        }
        self.score = if self.rows <= WARM_ROWS { 0.0 } else { free / (free + HALF) };
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

    /// Surprise of value, jump, change, season and spread, each as minus log10 of a probability.
    fn parts(&mut self, value: f64) -> [f64; 5] {
        let unit = self.deviation.max(self.level.abs() * 1e-6).max(1e-9);
        let far = self.value.add((value - self.level).abs() / unit);
        let jump = self.jump.add((value - self.fast).abs() / unit);
        let (mut change, mut spread) = (0.0, 0.0);
        if self.recent.len() >= LONG {
            let short = (self.short_sum + value - self.recent[LONG - SHORT]) / SHORT as f64;
            let long = (self.long_sum - self.short_sum) / (LONG - SHORT) as f64;
            change = self.change.add((short - long).abs() / unit);
        }
        let seasonal = match self.season.distance(value) {
            Some(distance) => {
                self.season_smooth += (distance / unit - self.season_smooth) / SHORT as f64;
                self.seasonal.add(self.season_smooth)
            }
            None => 0.0,
        };
        self.flat = if value == self.last { self.flat + 1 } else { 0 };
        if self.flat > 20 && f64::from(self.flat) > 3.0 * f64::from(self.flat_most) {
            spread = 4.0;
        }
        if self.flat == 0 || self.rows <= WARM_ROWS {
            self.flat_most = self.flat_most.max(self.flat);
        }
        [far, jump, change, seasonal, spread]
    }

    fn learn(&mut self, value: f64) {
        self.rows += 1;
        let share = (1.0 / self.rows as f64).max(SLOW);
        let unit = self.deviation.max(1e-9) * 8.0;
        let off = value - self.level;
        let off = if self.rows > 32 { off.clamp(-unit, unit) } else { off };
        self.level += share * off;
        self.deviation += share * (off.abs() - self.deviation);
        self.fast += 0.5 * (value - self.fast);
        self.recent.push_back(value);
        self.short_sum += value;
        self.long_sum += value;
        let n = self.recent.len();
        if n > SHORT {
            self.short_sum -= self.recent[n - 1 - SHORT];
        }
        if n > LONG {
            self.long_sum -= self.recent.pop_front().unwrap_or_default();
        }
        self.season.add(value);
        self.last = value;
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
