//! The figures that every model is reported with, over all rows and over each group.

use std::collections::BTreeMap;

use super::{Scored, Share, auc, calibration_error, fpr_at, tpr_at, tpr_at_fpr};

/// Figures of one set of scored rows at one threshold.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Report {
    /// Rows.
    pub n: u64,
    /// Rows of the bad class.
    pub n_attack: u64,
    /// Area under the ROC curve; `null` unless both labels are there.
    pub auc: Option<f64>,
    /// True-positive rate at 0.1 % and 1 % false positives among these very rows.
    pub tpr_at_fpr: BTreeMap<&'static str, Option<f64>>,
    /// The same with intervals.
    pub tpr_at_fpr_interval: BTreeMap<&'static str, Share>,
    /// The threshold that the model was shipped with.
    pub threshold: f32,
    /// False-positive rate there.
    pub fpr_at_shipped_threshold: Option<f64>,
    /// True-positive rate there.
    pub tpr_at_shipped_threshold: Option<f64>,
    /// The same with intervals.
    pub at_shipped_threshold: BTreeMap<&'static str, Share>,
    /// Expected calibration error; scores assume as many bad rows as good ones.
    pub calibration_error: f64,
}

/// The false-positive rates reported.
const RATES: [(&str, f64); 3] = [("0.001", 0.001), ("0.005", 0.005), ("0.01", 0.01)];

impl Report {
    /// Figures of these rows.
    pub fn of(rows: &[Scored], threshold: f32) -> Report {
        let n_attack = rows.iter().filter(|row| row.positive).count() as u64;
        let both = n_attack > 0 && n_attack < rows.len() as u64;
        let (false_alarms, hits) = (fpr_at(rows, threshold), tpr_at(rows, threshold));
        let at = |rate: f64| tpr_at_fpr(rows, rate);
        Report {
            n: rows.len() as u64,
            n_attack,
            auc: auc(rows),
            tpr_at_fpr: RATES.iter().map(|&(name, rate)| (name, both.then(|| at(rate).share))).collect(),
            tpr_at_fpr_interval: RATES.iter().filter(|_| both).map(|&(name, rate)| (name, at(rate))).collect(),
            threshold,
            fpr_at_shipped_threshold: (false_alarms.of > 0).then_some(false_alarms.share),
            tpr_at_shipped_threshold: (hits.of > 0).then_some(hits.share),
            at_shipped_threshold: [("fpr", false_alarms), ("tpr", hits)].into_iter().filter(|(_, share)| share.of > 0).collect(),
            calibration_error: calibration_error(rows).0,
        }
    }
}
