//! Scores and severities.

use serde::{Deserialize, Serialize};

/// Calibrated 0..=1.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Score(f32);

impl Score {
    /// Cut to 0..=1; NaN becomes 0.
    pub fn new(value: f32) -> Score {
        Score(if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) })
    }

    pub const fn value(self) -> f32 {
        self.0
    }
}

/// OCSF `severity_id` 1..=5.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    #[default]
    Info = 1,
    Low = 2,
    Medium = 3,
    High = 4,
    Critical = 5,
}

impl Severity {
    pub const ALL: [Severity; 5] = [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

    pub const fn id(self) -> u8 {
        self as u8
    }

    /// OCSF caption.
    pub const fn caption(self) -> &'static str {
        match self {
            Severity::Info => "Informational",
            Severity::Low => "Low",
            Severity::Medium => "Medium",
            Severity::High => "High",
            Severity::Critical => "Critical",
        }
    }

    pub const fn word(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }

    pub fn parse(word: &str) -> Option<Severity> {
        Severity::ALL.into_iter().find(|s| s.word() == word)
    }

    /// Severity is never colour alone: one column wide.
    pub const fn glyph(self) -> &'static str {
        match self {
            Severity::Info => "·",
            Severity::Low => "○",
            Severity::Medium => "●",
            Severity::High => "◆",
            Severity::Critical => "▲",
        }
    }

    pub const fn glyph_ascii(self) -> &'static str {
        match self {
            Severity::Info => ".",
            Severity::Low => "o",
            Severity::Medium => "*",
            Severity::High => "!",
            Severity::Critical => "!!",
        }
    }
}
