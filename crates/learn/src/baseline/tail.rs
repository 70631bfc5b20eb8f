//! Peaks over threshold: what value is passed so rarely that a false alert fits the budget.
//!
//! Reads:      a stream of numbers. Keeps the excesses over a running high level: count, sum and sum of squares, decayed.
//! Gives:      the value with probability `risk` to be passed, from a generalised Pareto distribution fitted by moments.
//! State:      72 bytes, no list of peaks.
//! Method:     Siffer, Fouque, Termier, Largouet: Anomaly detection in streams with extreme value theory, KDD 2017; moment estimates
//!             of Hosking and Wallis 1987. Moments, not Grimshaw's search: they need no stored peaks, and the shape is kept in
//!             [-1, 0.4], where both agree within the noise of a few hundred peaks.

/// Share of values above the running level.
const LEVEL_SHARE: f64 = 0.02;
/// Peaks before a threshold is given.
const PEAKS_MIN: f64 = 20.0;
/// Peaks remembered, roughly: older ones fade.
const PEAKS_KEPT: f64 = 400.0;

/// The upper tail of a stream.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Tail {
    /// Values seen, fading with the peaks.
    seen: f64,
    /// Peaks, and sums of their excess and its square.
    peaks: f64,
    sum: f64,
    squares: f64,
    /// The level that about 2 % of the values pass.
    level: f64,
    /// Step of the level's stochastic quantile search.
    step: f64,
}

impl Tail {
    /// Adds a value. Not finite: ignored.
    pub fn add(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        if self.seen == 0.0 {
            (self.level, self.step) = (value, 1.0);
        }
        self.seen += 1.0;
        if value > self.level && self.seen > 50.0 {
            let excess = value - self.level;
            self.peaks += 1.0;
            self.sum += excess;
            self.squares += excess * excess;
            if self.peaks > PEAKS_KEPT {
                for number in [&mut self.seen, &mut self.peaks, &mut self.sum, &mut self.squares] {
                    *number *= 0.5;
                }
            }
        }
        // Stochastic approximation of the quantile: up by (1 - share), down by share; steps shrink to a floor.
        self.step = (self.step * 0.999).max(0.01);
        self.level += if value > self.level { self.step * (1.0 - LEVEL_SHARE) } else { -self.step * LEVEL_SHARE };
    }

    /// The value that is passed with probability `risk`; `None` with too few peaks.
    pub fn threshold(&self, risk: f64) -> Option<f64> {
        if self.peaks < PEAKS_MIN || risk <= 0.0 {
            return None;
        }
        let mean = self.sum / self.peaks;
        let variance = (self.squares / self.peaks - mean * mean).max(1e-12);
        let ratio = mean * mean / variance;
        let shape = (0.5 * (1.0 - ratio)).clamp(-1.0, 0.4);
        let scale = (mean * (1.0 - shape)).max(1e-9);
        let rarity = risk * self.seen / self.peaks;
        if rarity >= 1.0 {
            return Some(self.level);
        }
        let excess = if shape.abs() < 1e-6 { -scale * rarity.ln() } else { scale / shape * (rarity.powf(-shape) - 1.0) };
        Some(self.level + excess)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Uniform(u64);
    impl Uniform {
        fn next(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            ((self.0 >> 11) as f64 + 0.5) / (1u64 << 53) as f64
        }
    }

    /// Share of later values above the threshold, against the budget.
    fn check(draw: impl Fn(f64) -> f64, seed: u64, least: f64) {
        let (mut uniform, mut tail) = (Uniform(seed), Tail::default());
        (0..50_000).for_each(|_| tail.add(draw(uniform.next())));
        let risk = 1e-3;
        let threshold = tail.threshold(risk).unwrap();
        let passed = (0..200_000).filter(|_| draw(uniform.next()) > threshold).count() as f64 / 200_000.0;
        assert!(passed < risk * 2.5 && passed >= risk * least, "{passed}");
    }

    #[test]
    fn keeps_the_budget_on_known_distributions() {
        for seed in 1..6 {
            check(|u| -u.ln(), seed, 0.25); // exponential
            check(|u| 10.0 * u, seed, 0.0); // bounded: on the safe side
            check(|u| (u.powf(-0.2) - 1.0) / 0.2, seed, 0.25); // heavy: shape 0.2
        }
    }

    #[test]
    fn says_nothing_with_little_data() {
        let mut tail = Tail::default();
        (0..60).for_each(|i| tail.add(f64::from(i % 3)));
        tail.add(f64::NAN);
        assert_eq!(tail.threshold(1e-4), None);
    }
}
