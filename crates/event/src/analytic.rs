//! The static part of a detector: what OCSF calls the analytic.

use serde::{Deserialize, Serialize};

use crate::Technique;

/// What found it: name, version, type and the techniques it looks for. One `const` a detector.
#[derive(Clone, Copy, Debug)]
pub struct Analytic {
    /// `web.request`: area and name, as in config keys, docs and `finding_info.analytic.uid`.
    pub uid: &'static str,
    pub name: &'static str,
    pub version: &'static str,
    pub kind: AnalyticKind,
    pub techniques: &'static [Technique],
}

/// OCSF 1.8 `analytic.type_id`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnalyticKind {
    #[default]
    Rule = 1,
    Behavioral = 2,
    Statistical = 3,
    Learning = 4,
    Fingerprinting = 5,
}

impl AnalyticKind {
    pub const fn caption(self) -> &'static str {
        match self {
            AnalyticKind::Rule => "Rule",
            AnalyticKind::Behavioral => "Behavioral",
            AnalyticKind::Statistical => "Statistical",
            AnalyticKind::Learning => "Learning (ML/DL)",
            AnalyticKind::Fingerprinting => "Fingerprinting",
        }
    }
}
