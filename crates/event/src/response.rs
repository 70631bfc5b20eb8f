//! Remediation Activity (OCSF 7001): what was done about an incident. Every response ends by itself and can be undone before.

use serde::{Deserialize, Serialize};

use crate::decision::Disposition;
use crate::{Entity, Text, Time};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// `R-..`
    pub uid: Text,
    /// Same incident, action and target: the same response.
    pub key: Text,
    /// Empty for a block that an operator asked for by hand.
    pub incident: Text,
    /// Name of the action that carries it out: `decision`, `nftables`, `quarantine`, `notify`.
    pub action: Text,
    pub target: Entity,
    pub disposition: Disposition,
    pub mode: Mode,
    /// Analytic that caused it; the soft allow after an undo is for this analytic and target.
    pub analytic: Text,
    /// Playbook or person.
    pub by: Text,
    pub reason: String,
    pub requested: Time,
    /// There is no response without an end.
    pub until: Time,
    pub phase: Phase,
    /// What takes it back, written before the action runs.
    pub inverse: Text,
    /// Hex SHA-256 that the target file must have; empty when the target is no file.
    #[serde(default)]
    pub sha256: Text,
}

/// Whether it changes anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Recorded, counted and shown; nothing is refused.
    #[default]
    Monitor,
    Enforce,
}

/// waiting -> requested | rejected; requested -> applied | refused | failed; applied -> undone | expired.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Requested,
    /// In force at `points` (`gateway`); in monitor mode the points only count.
    Applied {
        receipt: Text,
        at: Time,
        points: Vec<Text>,
    },
    /// By the never-block list, a cap or a soft allow.
    Refused {
        why: String,
    },
    Failed {
        why: String,
    },
    Undone {
        receipt: Text,
        at: Time,
        by: Text,
    },
    Expired {
        at: Time,
    },
    /// For a person's approval; nobody's word until then is a no.
    Waiting {
        deadline: Time,
    },
    /// By a person, or because the deadline passed.
    Rejected {
        at: Time,
        by: Text,
    },
}

impl Phase {
    pub const fn word(&self) -> &'static str {
        match self {
            Phase::Requested => "requested",
            Phase::Applied { .. } => "applied",
            Phase::Refused { .. } => "refused",
            Phase::Failed { .. } => "failed",
            Phase::Undone { .. } => "undone",
            Phase::Expired { .. } => "expired",
            Phase::Waiting { .. } => "waiting",
            Phase::Rejected { .. } => "rejected",
        }
    }

    pub fn receipt(&self) -> Option<&Text> {
        match self {
            Phase::Applied { receipt, .. } | Phase::Undone { receipt, .. } => Some(receipt),
            _ => None,
        }
    }
}

impl Response {
    /// What it does to its target: `block`, `quarantine`, ..
    pub fn verb(&self) -> &'static str {
        match self.action.as_str() {
            "quarantine" => "quarantine",
            "notify" => "tell",
            _ => self.disposition.word(),
        }
    }

    pub fn is_active(&self, now: Time) -> bool {
        matches!(self.phase, Phase::Applied { .. }) && now < self.until
    }
}
