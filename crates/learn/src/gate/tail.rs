//! What is usual among peers, and how likely as many contradicted rows are by luck.

/// Rate below which no batch is expected to be: a few labels are wrong everywhere.
const RATE_MIN: f64 = 0.004;

/// Median of the peers' rates plus their spread: honest batches differ more than by chance alone.
pub(super) fn usual(rates: &[f64]) -> f64 {
    let centre = median(rates.to_vec());
    let spread = median(rates.iter().map(|rate| (rate - centre).abs()).collect());
    (centre + 1.4826 * spread).clamp(RATE_MIN, 0.9)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

/// P(X >= hits) for X ~ Binomial(of, rate), summed from the greatest term down.
pub(super) fn binomial(hits: u64, of: u64, rate: f64) -> f64 {
    if hits == 0 {
        return 1.0;
    }
    if hits as f64 <= of as f64 * rate {
        return 1.0;
    }
    let log = |n: u64| log_factorial(n as f64);
    let mut term = (log(of) - log(hits) - log(of - hits) + hits as f64 * rate.ln() + (of - hits) as f64 * (1.0 - rate).ln()).exp();
    let mut sum = 0.0;
    for k in hits..=of {
        sum += term;
        if term < sum * 1e-12 {
            break;
        }
        term *= (of - k) as f64 / (k + 1) as f64 * rate / (1.0 - rate);
    }
    sum.min(1.0)
}

/// ln n! by Stirling's series; exact enough from 10 on, and by product below.
fn log_factorial(n: f64) -> f64 {
    if n < 10.0 {
        return (1..=n as u64).map(|k| (k as f64).ln()).sum();
    }
    n * n.ln() - n + 0.5 * (2.0 * std::f64::consts::PI * n).ln() + 1.0 / (12.0 * n) - 1.0 / (360.0 * n.powi(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails() {
        // P(X >= 3), n 10, p .1: 0.0701908264.
        assert!((binomial(3, 10, 0.1) - 0.070_190_826_4).abs() < 1e-9);
        // P(X >= 30), n 1000, p .01: 2.1e-7.
        let p = binomial(30, 1_000, 0.01);
        assert!(p > 1e-7 && p < 3e-7, "{p}");
        assert_eq!(binomial(0, 10, 0.5), 1.0);
        assert_eq!(usual(&[0.0, 0.0, 0.0]), RATE_MIN);
    }
}
