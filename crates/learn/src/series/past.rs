//! The last values of a series, and the mean of any of its recent stretches in constant time.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Values kept.
pub(super) const LONG: usize = 2_000;
/// Running sums are added up anew after this many rows: what was added and taken away leaves rounding behind.
const RENEW_ROWS: u64 = 1_024;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Past {
    values: VecDeque<f64>,
    /// Distance of each value from the one before it.
    steps: VecDeque<f64>,
    rows: u64,
    sum: f64,
    squares: f64,
    steps_sum: f64,
    /// Sums of the latest values and steps, one for each length in [`SPANS`].
    spans: [f64; SPANS.len()],
    short_steps: f64,
}

/// Lengths of the stretches whose sums are kept.
pub(super) const SPANS: [usize; 4] = [SHORT, SHORT + 50, 48, 48 + 288];
pub(super) const SHORT: usize = 10;

impl Past {
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    pub(super) fn last(&self) -> Option<f64> {
        self.values.back().copied()
    }

    pub(super) fn mean(&self) -> f64 {
        self.sum / self.len().max(1) as f64
    }

    /// Standard deviation; never 0.
    pub(super) fn spread(&self) -> f64 {
        let mean = self.mean();
        (self.squares / self.len().max(1) as f64 - mean * mean).max(1e-12).sqrt() + 1e-9
    }

    /// Mean distance from one value to the next; never 0.
    pub(super) fn step(&self) -> f64 {
        self.steps_sum / self.len().max(1) as f64 + 1e-9
    }

    /// Mean step of the latest [`SHORT`] rows.
    pub(super) fn short_step(&self) -> f64 {
        self.short_steps / SHORT as f64
    }

    /// Mean of the latest `SPANS[at]` values, and of those of `SPANS[at + 1]` before them; `None` with too few.
    pub(super) fn change(&self, at: usize) -> Option<f64> {
        let (short, both) = (SPANS[at], SPANS[at + 1]);
        (self.len() >= both).then(|| self.spans[at] / short as f64 - (self.spans[at + 1] - self.spans[at]) / (both - short) as f64)
    }

    pub(super) fn add(&mut self, value: f64) {
        let step = self.last().map_or(0.0, |last| (value - last).abs());
        self.values.push_back(value);
        self.steps.push_back(step);
        self.rows += 1;
        self.sum += value;
        self.squares += value * value;
        self.steps_sum += step;
        self.short_steps += step;
        let n = self.values.len();
        for (sum, span) in self.spans.iter_mut().zip(SPANS) {
            *sum += value - if n > span { self.values[n - 1 - span] } else { 0.0 };
        }
        if n > SHORT {
            self.short_steps -= self.steps[n - 1 - SHORT];
        }
        if n > LONG {
            let (gone, step) = (self.values.pop_front().unwrap_or_default(), self.steps.pop_front().unwrap_or_default());
            self.sum -= gone;
            self.squares -= gone * gone;
            self.steps_sum -= step;
        }
        if self.rows.is_multiple_of(RENEW_ROWS) {
            self.renew();
        }
    }

    fn renew(&mut self) {
        self.sum = self.values.iter().sum();
        self.squares = self.values.iter().map(|v| v * v).sum();
        self.steps_sum = self.steps.iter().sum();
        self.short_steps = self.steps.iter().rev().take(SHORT).sum();
        for (sum, span) in self.spans.iter_mut().zip(SPANS) {
            *sum = self.values.iter().rev().take(span).sum();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_sums_are_those_of_the_values() {
        let mut past = Past::default();
        let values: Vec<f64> = (0..5_000).map(|n| ((n * 7_919) % 1_013) as f64 - 300.0).collect();
        for value in &values {
            past.add(*value);
        }
        let kept = &values[3_000..];
        let mean = kept.iter().sum::<f64>() / LONG as f64;
        assert!((past.mean() - mean).abs() < 1e-6 && past.len() == LONG);
        let short = kept[LONG - 48..].iter().sum::<f64>() / 48.0;
        let before = kept[LONG - 336..LONG - 48].iter().sum::<f64>() / 288.0;
        assert!((past.change(2).unwrap_or_default() - (short - before)).abs() < 1e-6);
    }
}
