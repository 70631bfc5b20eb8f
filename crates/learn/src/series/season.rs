//! The period of a series, found from its own past, and what stood in the same place one period ago.

use serde::{Deserialize, Serialize};

/// Rows kept.
const RING: usize = 4_096;
/// Points of the coarse series that is correlated with itself.
const POINTS: usize = 512;
/// Rows between two searches.
const SEARCH_ROWS: u64 = 512;
/// Correlation that makes a period.
const CORRELATION_MIN: f64 = 0.5;
/// Rows around the same place that are compared with: periods are never exact.
const SLACK: usize = 3;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Season {
    ring: Vec<f64>,
    rows: u64,
    period: usize,
}

impl Season {
    /// Distance of `value` from the nearest values one and two periods ago; `None` without a period.
    pub(super) fn distance(&self, value: f64) -> Option<f64> {
        if self.period == 0 {
            return None;
        }
        let near = |back: usize| {
            (back - SLACK..=back + SLACK).filter_map(|b| self.back(b)).map(|past| (value - past).abs()).min_by(f64::total_cmp)
        };
        let one = near(self.period)?;
        Some(near(self.period * 2).map_or(one, |two| one.min(two)))
    }

    pub(super) fn add(&mut self, value: f64) {
        if self.ring.len() < RING {
            self.ring.push(value);
        } else {
            self.ring[(self.rows % RING as u64) as usize] = value;
        }
        self.rows += 1;
        if self.rows.is_multiple_of(SEARCH_ROWS) {
            self.period = self.search();
        }
    }

    pub(super) fn period(&self) -> usize {
        self.period
    }

    /// The value `back` rows before the next one; 1 is the newest.
    fn back(&self, back: usize) -> Option<f64> {
        if back == 0 || back > self.ring.len() {
            return None;
        }
        let at = (self.rows - back as u64) % RING as u64;
        self.ring.get(at as usize).copied()
    }

    fn search(&self) -> usize {
        let n = self.ring.len();
        let width = n.div_ceil(POINTS).max(1);
        let count = n / width;
        if count < 32 {
            return 0;
        }
        let mut coarse: Vec<f64> =
            (0..count).map(|point| (0..width).filter_map(|k| self.back(n - point * width - k)).sum::<f64>() / width as f64).collect();
        let mean = coarse.iter().sum::<f64>() / count as f64;
        let spread = (coarse.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count as f64).sqrt();
        if spread <= 1e-12 {
            return 0;
        }
        coarse.iter_mut().for_each(|v| *v = ((*v - mean) / spread).clamp(-3.0, 3.0));
        let correlation = |lag: usize| {
            let pairs = count - lag;
            let (mut both, mut a, mut b) = (0.0, 0.0, 0.0);
            for k in 0..pairs {
                both += coarse[k] * coarse[k + lag];
                a += coarse[k] * coarse[k];
                b += coarse[k + lag] * coarse[k + lag];
            }
            both / (a * b).sqrt().max(1e-12)
        };
        let all: Vec<f64> = (0..=count * 2 / 5).map(correlation).collect();
        // The first high that follows a low.
        let Some(low) = (1..all.len()).find(|&lag| all[lag] < 0.2) else { return 0 };
        let best = (low..all.len() - 1)
            .filter(|&lag| lag >= 4 && all[lag] >= all[lag - 1] && all[lag] >= all[lag + 1])
            .max_by(|a, b| (all[*a] - *a as f64 * 1e-4).total_cmp(&(all[*b] - *b as f64 * 1e-4)));
        best.filter(|&lag| all[lag] >= CORRELATION_MIN).map_or(0, |lag| self.refine(lag * width, width))
    }

    /// The exact lag near a coarse one: where the fine series differs least from itself.
    fn refine(&self, about: usize, width: usize) -> usize {
        if width == 1 {
            return about;
        }
        let span = (about.min(self.ring.len() / 2)).min(1_024);
        let cost =
            |lag: usize| -> f64 { (1..=span).step_by(2).filter_map(|k| Some((self.back(k)? - self.back(k + lag)?).abs())).sum::<f64>() };
        (about.saturating_sub(width).max(2)..=about + width).min_by(|a, b| cost(*a).total_cmp(&cost(*b))).unwrap_or(about)
    }
}
