//! From risk to a question: the step-up threshold follows a budget of people asked again, inside a band that a flood cannot leave.
//!
//! State: 160 counts of the log odds of sign-ins that got in, fading by half in 14 days.

use event::Time;
use serde::{Deserialize, Serialize};

const BINS: usize = 160;
const LOW: f64 = -12.0;
const STEP: f64 = 0.125;
const HALF_LIFE_S: f64 = 14.0 * 86_400.0;
/// Sign-ins below which the start value holds.
const COUNT_MIN: f64 = 200.0;
/// Log odds between which the threshold stays, and where it begins: assumed, wide enough for any honest population, so that only a flood
/// meets its ends.
const BAND: (f64, f64) = (-6.0, 1.0);
const START: f64 = -3.0;
/// A budget is a limit, not a goal.
const MARGIN: f64 = 0.8;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Policy {
    counts: Vec<f64>,
    total: f64,
    at: Time,
    /// What the latest sign-in weighs; the others weigh less.
    weight: f64,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy { counts: vec![0.0; BINS], total: 0.0, at: Time::ZERO, weight: 1.0 }
    }
}

impl Policy {
    /// One sign-in that got in. Counts grow with time instead of all fading at each sign-in.
    pub(crate) fn count(&mut self, logit: f64, now: Time) {
        const GROWTH_MAX: f64 = 1e9;
        if self.total == 0.0 {
            self.at = now;
        }
        let weight = (now.since_s(self.at).max(0.0) / HALF_LIFE_S).exp2();
        let bin = ((logit - LOW) / STEP).clamp(0.0, (BINS - 1) as f64) as usize;
        self.counts[bin] += weight;
        self.total += weight;
        self.weight = self.weight.max(weight);
        if weight > GROWTH_MAX {
            self.counts.iter_mut().for_each(|count| *count /= weight);
            self.total /= weight;
            (self.at, self.weight) = (now, 1.0);
        }
    }

    /// Log odds from which on a sign-in is asked again.
    pub(crate) fn limit(&self, budget: f64) -> f64 {
        let newest = self.counts.iter().sum::<f64>().max(1e-9);
        if self.total < COUNT_MIN * self.weight {
            return START;
        }
        let mut left = newest * budget * MARGIN;
        for (bin, count) in self.counts.iter().enumerate().rev() {
            left -= count;
            if left < 0.0 {
                return (LOW + STEP * (bin + 1) as f64).clamp(BAND.0, BAND.1);
            }
        }
        BAND.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_keeps_the_budget_and_the_band() {
        let mut policy = Policy::default();
        assert_eq!(policy.limit(0.05), START);
        for n in 0..10_000 {
            policy.count(-8.0 + f64::from(n % 100) * 0.08, Time::from_s(i64::from(n) * 60));
        }
        let limit = policy.limit(0.05);
        let asked = (0..100).filter(|n| -8.0 + f64::from(*n) * 0.08 >= limit).count();
        assert!((2..=5).contains(&asked), "{asked} of 100 at {limit}");
        // Few sign-ins over long are few: two strangers among sixty move nothing.
        let mut small = Policy::default();
        for day in 0..60 {
            small.count(if day < 58 { -9.0 } else { 3.0 }, Time::from_s(day * 86_400));
        }
        assert_eq!(small.limit(0.05), START);
        // A flood of risky sign-ins moves it to the end of the band and no further.
        for n in 0..100_000 {
            policy.count(7.0, Time::from_s(600_000 + n));
        }
        assert_eq!(policy.limit(0.05), BAND.1);
    }
}
