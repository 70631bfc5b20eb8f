//! Score, risk and severity of an incident from its stages.
//!
//! Each analytic counts once with its best score, so that 10,000 equal findings weigh no more than one stream of them; analytics that
//! agree add up as independent evidence (noisy-or). Tactics in causal order raise the severity, repetition does not.

use event::{Incident, Score, Severity, Technique};

use crate::family::Family;

pub(crate) fn assess(incident: &mut Incident, family: Family, strongest: Severity) {
    let missed: f32 = incident.stages.iter().map(|s| 1.0 - s.score.value().min(0.999)).product();
    incident.score = Score::new(1.0 - missed);
    incident.severity = match family {
        Family::Noise => strongest.min(Severity::Low),
        Family::Flood => strongest.max(Severity::Medium),
        Family::Posture => strongest,
        Family::Actor => strongest.max(Severity::Low),
    };
    if incident.succeeded {
        incident.severity = incident.severity.max(Severity::High);
    }
    if family == Family::Actor && (incident.succeeded || nothing_stopped(incident)) && tactics_in_order(&incident.techniques) >= 2 {
        incident.severity = incident.severity.max(if incident.succeeded { Severity::Critical } else { Severity::High });
    }
    incident.risk = risk(incident.severity, incident.score);
}

/// The severity gives the band of 20, the score the place in it.
fn risk(severity: Severity, score: Score) -> u8 {
    let band = f32::from(severity.id() - 1) * 20.0;
    (band + score.value() * 20.0).round().min(100.0) as u8
}

fn nothing_stopped(incident: &Incident) -> bool {
    incident.blocked_count == 0
}

/// Number of different tactics.
fn tactics_in_order(techniques: &[Technique]) -> usize {
    let mut tactics: Vec<_> = techniques.iter().map(|t| t.tactic).collect();
    tactics.sort_unstable();
    tactics.dedup();
    tactics.len()
}
