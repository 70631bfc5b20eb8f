//! Figures of a scorer: area under the curve, hits at a false-positive rate, intervals, calibration error.

mod group;
mod report;

pub use group::{Group, Groups, RATIO_MAX, ROWS_MIN};
pub use report::Report;

/// A scored row: score (any monotone scale), whether it is an attack, weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// Higher is more of an attack.
    pub score: f32,
    /// True for an attack.
    pub positive: bool,
}

/// A share with its 95 % Wilson interval.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Share {
    /// Hits.
    pub hits: u64,
    /// Of how many.
    pub of: u64,
    /// hits / of, 0 when `of` is 0.
    pub share: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// Share with its 95 % Wilson score interval (Wilson 1927).
pub fn wilson(hits: u64, of: u64) -> Share {
    if of == 0 {
        return Share { hits, of, share: 0.0, low: 0.0, high: 1.0 };
    }
    const Z: f64 = 1.959_963_984_540_054;
    let (n, p) = (of as f64, hits as f64 / of as f64);
    let centre = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    Share { hits, of, share: p, low: (centre - half).max(0.0), high: (centre + half).min(1.0) }
}

/// Area under the ROC curve; ties count half. `None` unless both labels are present.
pub fn auc(rows: &[Scored]) -> Option<f64> {
    let mut sorted: Vec<&Scored> = rows.iter().collect();
    sorted.sort_by(|a, b| a.score.total_cmp(&b.score));
    let positives = rows.iter().filter(|row| row.positive).count() as f64;
    let negatives = rows.len() as f64 - positives;
    if positives == 0.0 || negatives == 0.0 {
        return None;
    }
    let (mut area, mut below, mut at) = (0.0, 0.0, 0);
    while at < sorted.len() {
        let (mut tied_positive, mut tied_negative) = (0.0, 0.0);
        let score = sorted[at].score;
        while at < sorted.len() && sorted[at].score == score {
            if sorted[at].positive {
                tied_positive += 1.0;
            } else {
                tied_negative += 1.0;
            }
            at += 1;
        }
        area += tied_positive * (below + tied_negative / 2.0);
        below += tied_negative;
    }
    Some(area / (positives * negatives))
}

/// The least threshold at which at most `rate` of the benign scores lie at or above it.
pub fn threshold_at_fpr(benign: &[f32], rate: f64) -> f32 {
    let mut sorted = benign.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let allowed = (rate * sorted.len() as f64).floor() as usize;
    // The first score that may not be reached; just above it all ties with it stay below.
    sorted.get(allowed).map_or(f32::MIN, |score| score.next_up())
}

/// The same for weighted benign scores: (score, weight > 0).
pub fn weighted_threshold_at_fpr(benign: &[(f32, f64)], rate: f64) -> f32 {
    let mut sorted = benign.to_vec();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let allowed = rate * sorted.iter().map(|row| row.1).sum::<f64>();
    let mut passed = 0.0;
    for (score, weight) in sorted {
        passed += weight;
        if passed > allowed {
            return score.next_up();
        }
    }
    f32::MIN
}

/// The greatest value that at most `share` of the scores lie below.
pub fn low_quantile(scores: &[f32], share: f64) -> f32 {
    let mut sorted = scores.to_vec();
    sorted.sort_by(f32::total_cmp);
    sorted.get((share * sorted.len() as f64).floor() as usize).copied().unwrap_or(f32::MIN)
}

/// Share of attacks at or above the threshold of that false-positive rate.
pub fn tpr_at_fpr(rows: &[Scored], rate: f64) -> Share {
    let benign: Vec<f32> = rows.iter().filter(|row| !row.positive).map(|row| row.score).collect();
    let threshold = threshold_at_fpr(&benign, rate);
    tpr_at(rows, threshold)
}

/// Share of attacks at or above `threshold`.
pub fn tpr_at(rows: &[Scored], threshold: f32) -> Share {
    let attacks = rows.iter().filter(|row| row.positive);
    wilson(attacks.clone().filter(|row| row.score >= threshold).count() as u64, attacks.count() as u64)
}

/// Share of benign rows at or above `threshold`.
pub fn fpr_at(rows: &[Scored], threshold: f32) -> Share {
    let benign = rows.iter().filter(|row| !row.positive);
    wilson(benign.clone().filter(|row| row.score >= threshold).count() as u64, benign.count() as u64)
}

/// One line of a reliability table.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Reliability {
    /// Rows in the bin.
    pub rows: u64,
    /// Mean score.
    pub score: f64,
    /// Share of attacks.
    pub positive: f64,
}

/// Expected calibration error over ten equal bins of scores 0..1, and the table behind it.
pub fn calibration_error(rows: &[Scored]) -> (f64, Vec<Reliability>) {
    let mut bins = [(0u64, 0.0f64, 0.0f64); 10];
    for row in rows {
        let bin = &mut bins[((row.score * 10.0) as usize).min(9)];
        bin.0 += 1;
        bin.1 += f64::from(row.score);
        bin.2 += f64::from(u8::from(row.positive));
    }
    let table: Vec<Reliability> = bins
        .iter()
        .filter(|bin| bin.0 > 0)
        .map(|bin| Reliability { rows: bin.0, score: bin.1 / bin.0 as f64, positive: bin.2 / bin.0 as f64 })
        .collect();
    let error = table.iter().map(|line| line.rows as f64 * (line.score - line.positive).abs()).sum::<f64>() / rows.len().max(1) as f64;
    (error, table)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(benign: &[f32], attacks: &[f32]) -> Vec<Scored> {
        let row = |positive| move |&score: &f32| Scored { score, positive };
        benign.iter().map(row(false)).chain(attacks.iter().map(row(true))).collect()
    }

    #[test]
    fn area() {
        assert_eq!(auc(&rows(&[0.1, 0.2], &[0.3, 0.4])), Some(1.0));
        assert_eq!(auc(&rows(&[0.1, 0.2], &[0.1, 0.2])), Some(0.5));
        assert_eq!(auc(&rows(&[0.1], &[])), None);
    }

    #[test]
    fn thresholds_respect_the_rate_even_with_ties() {
        let benign: Vec<f32> = (0..1000).map(|i| (i / 10) as f32).collect();
        let threshold = threshold_at_fpr(&benign, 0.005);
        assert_eq!(benign.iter().filter(|&&score| score >= threshold).count(), 0);
        let threshold = threshold_at_fpr(&benign, 0.01);
        assert_eq!(benign.iter().filter(|&&score| score >= threshold).count(), 10);
        assert_eq!(tpr_at_fpr(&rows(&[0.1; 10], &[0.1, 0.5]), 0.0).hits, 1);
    }

    #[test]
    fn intervals() {
        let share = wilson(10, 100);
        assert!((share.low - 0.0552).abs() < 1e-3 && (share.high - 0.1744).abs() < 1e-3);
        assert_eq!(wilson(0, 0).high, 1.0);
    }

    #[test]
    fn calibration() {
        let (error, table) = calibration_error(&rows(&[0.25; 3], &[0.25]));
        assert!(error < 1e-6 && table.len() == 1);
    }
}
