//! Rules and model to one score: log-odds that add up.

use learn::Thresholds;
use rule::Hit;
use rule::seclang::{Rule, Severity};

/// Log-odds of a request without any evidence.
const PRIOR: f32 = -4.0;
/// Further hits of the same attack class say little that is new.
const SAME_CLASS: f32 = 0.5;

/// The model's score of the worst value.
#[derive(Clone, Copy, Debug)]
pub(super) struct ModelSays {
    pub(super) score: f32,
    pub(super) thresholds: Thresholds,
}

/// Score with the log-odds of each part.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdict {
    pub(super) score: f32,
    pub(super) block: bool,
    /// Log-odds of each hit, in the order of the hits; 0 for a rule that hit before.
    pub(super) rules: Vec<f32>,
    pub(super) model: f32,
}

/// Never lower for one hit more.
pub(super) fn decide(hits: &[Hit], rules: &[Rule], model: Option<ModelSays>) -> Verdict {
    let vetoed = model.is_some_and(|m| m.score < m.thresholds.veto);
    let mut weights = vec![0.0; hits.len()];
    let mut order: Vec<usize> = (0..hits.len()).collect();
    order.sort_by_key(|&n| (std::cmp::Reverse(rules[hits[n].rule].severity), n));
    for (rank, &n) in order.iter().enumerate() {
        let rule = &rules[hits[n].rule];
        let before = || order[..rank].iter().map(|&m| &rules[hits[m].rule]);
        let said = before().any(|other| other.id == rule.id) || rule.pass;
        if said || (vetoed && rule.severity < Severity::Critical) {
            continue;
        }
        let same_class = before().any(|other| class(other) == class(rule));
        weights[n] = weight(rule.severity) * if same_class { SAME_CLASS } else { 1.0 };
    }
    let model = model.map_or(0.0, model_weight);
    let odds = PRIOR + weights.iter().sum::<f32>() + model;
    Verdict { score: 1.0 / (1.0 + (-odds).exp()), block: odds >= 0.0, rules: weights, model }
}

/// `attack-sqli` of a rule's tags.
pub(super) fn class(rule: &Rule) -> &str {
    rule.tags
        .iter()
        .map(String::as_str)
        .find(|t| t.starts_with("attack-") || matches!(*t, "protocol" | "scanner" | "sensitive-file"))
        .unwrap_or("")
}

fn weight(severity: Severity) -> f32 {
    match severity {
        Severity::Critical => 6.0,
        Severity::Error => 3.0,
        Severity::Warning => 2.0,
        Severity::Notice => 1.0,
    }
}

/// Rises with the score: -1 at 0, 0 at `veto`, 2 at `alert`, just short of deciding below `alone`, above it deciding.
fn model_weight(says: ModelSays) -> f32 {
    let Thresholds { veto, alert, alone } = says.thresholds;
    let between = |low: f32, high: f32| if high > low { ((says.score - low) / (high - low)).clamp(0.0, 1.0) } else { 1.0 };
    if says.score >= alone {
        4.2 + 2.8 * between(alone, 1.0)
    } else if says.score >= alert {
        2.0 + 1.9 * between(alert, alone)
    } else if says.score >= veto {
        2.0 * between(veto, alert)
    } else {
        between(0.0, veto) - 1.0
    }
}
