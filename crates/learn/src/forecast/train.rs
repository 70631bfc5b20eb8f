//! Training: bags in, a model and its cross-validated figures out. Nothing is random: the same bags give the same bytes.

use std::collections::BTreeSet;

use super::evaluate::{self, Evaluation};
use super::{Bag, ForecastModel, VERSION, ease};
use crate::calibrate::{Curve, Held};

/// Ridge of the closed form: chosen by grouped cross-validation among 30 to 1,000, flat between 150 and 400.
const LAMBDA: f64 = 200.0;
/// Fewer reports make no model.
const BAGS_MIN: usize = 50;
/// More techniques than ATT&CK has are a broken table.
const TECHNIQUES_MAX: usize = 2_000;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    #[error("{found} reports with techniques, expected at least {BAGS_MIN}")]
    TooFew { found: usize },
    #[error("{found} different techniques, expected at most {TECHNIQUES_MAX}")]
    TooMany { found: usize },
}

#[derive(Clone, Debug)]
pub struct Trained {
    pub model: ForecastModel,
    /// Grouped 5-fold cross-validation.
    pub evaluation: Evaluation,
}

pub fn train(bags: &[Bag], seed: u64) -> Result<Trained, TrainError> {
    let techniques: Vec<String> = bags.iter().flatten().collect::<BTreeSet<_>>().into_iter().cloned().collect();
    if bags.len() < BAGS_MIN {
        return Err(TrainError::TooFew { found: bags.len() });
    }
    if techniques.len() > TECHNIQUES_MAX {
        return Err(TrainError::TooMany { found: techniques.len() });
    }
    let (evaluation, held) = evaluate::cross_validate(bags, &techniques, seed);
    let curve = Curve::fit(&held);
    Ok(Trained { model: fit(bags, &techniques, curve), evaluation })
}

/// One model over all given bags.
pub(super) fn fit(bags: &[Bag], techniques: &[String], curve: Curve) -> ForecastModel {
    let n = techniques.len();
    let place = |id: &String| techniques.binary_search(id).ok();
    let indexed: Vec<Vec<usize>> = bags.iter().map(|bag| bag.iter().filter_map(place).collect()).collect();
    let counts = ease::pairs(&indexed, n);
    let popularity = (0..n).map(|i| (counts[i * n + i] / bags.len().max(1) as f64) as f32).collect();
    let weights = ease::weights(counts, n, LAMBDA);
    ForecastModel { version: VERSION.into(), techniques: techniques.to_vec(), popularity, weights, curve }
}

/// Held-back scores as rows for the calibration.
pub(super) fn held(raw: f32, positive: bool) -> Held {
    Held { logit: raw, positive, weight: 1.0 }
}
