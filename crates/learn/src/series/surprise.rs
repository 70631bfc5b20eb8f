//! How far in its own upper tail a number is: minus log10 of the share of earlier numbers that are at least as large.

use serde::{Deserialize, Serialize};

/// Share of numbers that count as peaks.
const PEAK_SHARE: f64 = 0.1;
/// Weight of the newest number, once many were seen.
const NEWEST: f64 = 0.001;
/// More than this is not told apart.
const MOST: f64 = 12.0;

/// The upper tail of numbers that are never negative.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Surprise {
    seen: f64,
    /// The level that [`PEAK_SHARE`] of the numbers pass.
    level: f64,
    /// Running mean of all numbers: the unit of the level's steps.
    mean: f64,
    /// Mean excess over the level, and mean of its square.
    excess: f64,
    square: f64,
    peaks: f64,
}

impl Surprise {
    /// Judges `number` against the earlier ones, then learns it; what is far out is learned as less than it is.
    pub(super) fn add(&mut self, number: f64) -> f64 {
        let surprise = self.of(number);
        let limit = if self.peaks > 8.0 { self.level + 6.0 * self.excess.max(self.level * 0.05) } else { f64::MAX };
        let learned = number.min(limit);
        self.seen += 1.0;
        let share = (1.0 / self.seen).max(NEWEST);
        self.mean += share * (learned - self.mean);
        if self.seen < 2.0 {
            self.level = learned;
        }
        let step = self.mean.max(1e-12) * (8.0 / self.seen).clamp(0.02, 0.5);
        if learned > self.level {
            let over = learned - self.level;
            self.peaks += 1.0;
            let share = (1.0 / self.peaks).max(NEWEST * 5.0);
            self.excess += share * (over - self.excess);
            self.square += share * (over * over - self.square);
            self.level += step * (1.0 - PEAK_SHARE);
        } else {
            self.level -= step * PEAK_SHARE;
        }
        surprise
    }

    /// Minus log10 of the tail probability, 0..=12; half of it counts below the level.
    fn of(&self, number: f64) -> f64 {
        if self.peaks < 5.0 || number <= self.level {
            return 0.0;
        }
        let variance = (self.square - self.excess * self.excess).max(1e-18);
        let shape = (0.5 * (1.0 - self.excess * self.excess / variance)).clamp(-0.1, 0.3);
        let scale = (self.excess * (1.0 - shape)).max(self.level.abs() * 1e-3).max(1e-9);
        let over = (number - self.level) / scale;
        let tail = if shape.abs() < 1e-6 { over } else { (1.0 + shape * over).max(1e-12).ln() / shape };
        let tail = if shape < 0.0 && 1.0 + shape * over <= 0.0 { f64::MAX } else { tail };
        ((tail / std::f64::consts::LN_10) - PEAK_SHARE.log10()).clamp(0.0, MOST)
    }
}
