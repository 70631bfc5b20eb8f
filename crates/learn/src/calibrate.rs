//! Calibration: a raw logit becomes a probability at a stated base rate.
//!
//! Method: isotonic regression (pool adjacent violators, weighted) on held-back rows, thinned to at most 16 knots in logit space and
//! joined by straight lines that always rise a little, so that the order of scores survives; Platt scaling below 1,000 positives.

/// Positives below which a two-parameter curve is fitted instead of an isotonic one.
pub const ISOTONIC_POSITIVES_MIN: usize = 1_000;

/// Most knots of a curve.
pub const KNOTS_MAX: usize = 16;

/// Least slope between knots: keeps the order of raw logits visible after calibration.
const SLOPE_MIN: f32 = 0.05;

/// Probabilities are kept inside this distance from 0 and 1 at the knots.
const PROBABILITY_MIN: f64 = 1e-4;

/// A rising curve from raw logit to calibrated logit.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    knots: Vec<(f32, f32)>,
}

/// One held-back row: raw logit, whether it is an attack, and its weight.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// Raw logit of the model.
    pub logit: f32,
    /// True for an attack.
    pub positive: bool,
    /// Weight > 0.
    pub weight: f32,
}

impl Curve {
    /// Calibrated logit = raw logit.
    pub fn identity() -> Curve {
        Curve { knots: vec![(-1.0, -1.0), (1.0, 1.0)] }
    }

    /// A curve through at least two points that rise in both coordinates; `None` otherwise.
    pub fn from_knots(knots: Vec<(f32, f32)>) -> Option<Curve> {
        let rising = knots.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1);
        (knots.len() >= 2 && rising && knots.iter().all(|(x, y)| x.is_finite() && y.is_finite())).then_some(Curve { knots })
    }

    /// The points of the curve.
    pub fn knots(&self) -> &[(f32, f32)] {
        &self.knots
    }

    /// Calibrated logit; beyond the outer knots the outer slopes go on.
    pub fn logit(&self, raw: f32) -> f32 {
        let at = self.knots[1..self.knots.len() - 1].partition_point(|knot| knot.0 < raw);
        let ((x0, y0), (x1, y1)) = (self.knots[at], self.knots[at + 1]);
        y0 + (raw - x0) * ((y1 - y0) / (x1 - x0))
    }

    /// Probability, 0..1.
    pub fn score(&self, raw: f32) -> f32 {
        // 15 keeps neighbouring scores apart in f32 on the side of 1.
        sigmoid(f64::from(self.logit(raw).clamp(-30.0, 15.0))) as f32
    }

    /// Fits a curve on held-back rows; needs both labels, otherwise the identity.
    pub fn fit(rows: &[Held]) -> Curve {
        let positives = rows.iter().filter(|row| row.positive).count();
        if positives == 0 || positives == rows.len() {
            return Curve::identity();
        }
        let platt = platt(rows);
        if positives < ISOTONIC_POSITIVES_MIN { platt } else { isotonic(rows).unwrap_or(platt) }
    }
}

pub(crate) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn log_odds(p: f64) -> f64 {
    let p = p.clamp(PROBABILITY_MIN, 1.0 - PROBABILITY_MIN);
    (p / (1.0 - p)).ln()
}

/// Two-parameter logistic fit by Newton steps.
fn platt(rows: &[Held]) -> Curve {
    let (mut slope, mut offset) = (1.0f64, 0.0f64);
    for _ in 0..50 {
        let (mut g0, mut g1, mut h00, mut h01, mut h11) = (0.0, 0.0, 1e-6, 0.0, 1e-6);
        for row in rows {
            let (x, weight) = (f64::from(row.logit), f64::from(row.weight));
            let p = sigmoid(slope * x + offset);
            let error = weight * (p - f64::from(u8::from(row.positive)));
            let curvature = weight * p * (1.0 - p);
            g0 += error * x;
            g1 += error;
            h00 += curvature * x * x;
            h01 += curvature * x;
            h11 += curvature;
        }
        let determinant = h00 * h11 - h01 * h01;
        if determinant.abs() < 1e-12 {
            break;
        }
        slope = (slope - (h11 * g0 - h01 * g1) / determinant).clamp(0.05, 20.0);
        offset = (offset - (h00 * g1 - h01 * g0) / determinant).clamp(-50.0, 50.0);
    }
    Curve { knots: vec![(-1.0, (offset - slope) as f32), (1.0, (offset + slope) as f32)] }
}

fn isotonic(rows: &[Held]) -> Option<Curve> {
    let mut sorted: Vec<&Held> = rows.iter().collect();
    sorted.sort_by(|a, b| a.logit.total_cmp(&b.logit));
    // Blocks: summed logit, positives, weight.
    let mut blocks: Vec<(f64, f64, f64)> = Vec::new();
    let mut at = 0;
    while at < sorted.len() {
        let mut block = (0.0, 0.0, 0.0);
        let logit = sorted[at].logit;
        while at < sorted.len() && sorted[at].logit == logit {
            let weight = f64::from(sorted[at].weight);
            block.0 += weight * f64::from(logit);
            block.1 += if sorted[at].positive { weight } else { 0.0 };
            block.2 += weight;
            at += 1;
        }
        blocks.push(block);
        while let [.., a, b] = blocks[..]
            && a.1 / a.2 >= b.1 / b.2
        {
            blocks.truncate(blocks.len() - 2);
            blocks.push((a.0 + b.0, a.1 + b.1, a.2 + b.2));
        }
    }
    let points: Vec<(f32, f32)> = blocks.iter().map(|block| ((block.0 / block.2) as f32, log_odds(block.1 / block.2) as f32)).collect();
    // Thin evenly in calibrated logit, so that no stretch of the curve loses its knots.
    let (low, high) = (points.first()?.1, points.last()?.1);
    let step = (high - low) / (KNOTS_MAX - 1) as f32;
    let mut knots: Vec<(f32, f32)> = Vec::new();
    for &(x, y) in &points {
        let far = knots.last().is_none_or(|last| x - last.0 > 1e-3 && y - last.1 >= step);
        if far && knots.len() < KNOTS_MAX {
            let y = knots.last().map_or(y, |last| y.max(last.1 + SLOPE_MIN * (x - last.0)));
            knots.push((x, y));
        }
    }
    Curve::from_knots(knots)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn learns_a_shifted_scale() {
        // True log-odds are 0.5 x - 1; the rows say so by their share of positives at each logit.
        let rows: Vec<Held> = (-80..=80)
            .flat_map(|tenth| {
                let logit = tenth as f32 / 10.0;
                let positives = (sigmoid(f64::from(0.5 * logit - 1.0)) * 100.0).round() as usize;
                (0..100).map(move |i| Held { logit, positive: i < positives, weight: 1.0 })
            })
            .collect();
        for curve in [Curve::fit(&rows), platt(&rows)] {
            for raw in [-6.0, -2.0, 0.0, 2.0, 6.0] {
                let expected = sigmoid(f64::from(0.5 * raw - 1.0));
                assert!((f64::from(curve.score(raw)) - expected).abs() < 0.03, "{raw}: {} {expected}", curve.score(raw));
            }
        }
    }

    proptest! {
        #[test]
        fn monotone(points in proptest::collection::vec((-8.0f32..8.0, any::<bool>()), 4..3000), a in -20.0f32..20.0, b in -20.0f32..20.0) {
            let rows: Vec<Held> = points.iter().map(|&(logit, positive)| Held { logit, positive, weight: 1.0 }).collect();
            let curve = Curve::fit(&rows);
            prop_assert!(curve.knots().len() <= KNOTS_MAX);
            prop_assert!((curve.score(a) <= curve.score(b)) == (a <= b) || curve.score(a) == curve.score(b));
        }
    }
}
