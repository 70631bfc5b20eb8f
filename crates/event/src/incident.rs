//! Incident Finding (OCSF 2005): findings that belong together, told as one story.

use serde::{Deserialize, Serialize};

use crate::finding::{Evidence, Reason};
use crate::{Entity, Score, Severity, Technique, Text, Time};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// `INC-42`
    pub uid: Text,
    /// Counts states of this incident from 1; the highest one is in force.
    pub revision: u32,
    pub status: Status,
    pub title: String,
    /// One sentence of facts: who did what to whom, from when to when, how often, what came of it.
    pub story: String,
    pub score: Score,
    /// 0..=100
    pub risk: u8,
    pub severity: Severity,
    pub techniques: Vec<Technique>,
    /// Actor first.
    pub entities: Vec<Entity>,
    pub first_seen: Time,
    pub last_seen: Time,
    pub event_count: u64,
    /// Of the gateway's answers.
    pub blocked_count: u64,
    pub passed_count: u64,
    /// The attacker got what it tried for.
    pub succeeded: bool,
    /// One line for each analytic, in order of first sight.
    pub stages: Vec<Stage>,
    pub finding_count: u64,
    /// Names of the findings; at most [`FINDINGS_MAX`]: first ones and latest ones.
    pub findings: Vec<Text>,
    pub reasons: Vec<Reason>,
    pub would_change: String,
    /// Strongest first, at most 20.
    pub evidence: Vec<Evidence>,
    /// Names of the responses, in order.
    pub responses: Vec<Text>,
    /// Chronological: what people and the machine did.
    pub trail: Vec<Entry>,
    /// Merged into this one.
    pub merged_into: Option<Text>,
    /// What the attacker is likely to do next, and what would stop most of it.
    #[serde(default)]
    pub forecast: Option<Box<Forecast>>,
}

/// What is expected after the techniques that were seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Forecast {
    /// `model`, or `popular` when too little was seen for more.
    pub basis: Text,
    /// `forecast 1.0`
    pub model: Text,
    pub next: Vec<Next>,
    /// Measures that are specific, largest gain first.
    pub controls: Vec<Control>,
    /// Measures that are mapped to nearly everything, and therefore say little.
    pub general: Vec<Control>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Next {
    /// ATT&CK id.
    pub technique: Text,
    pub name: Text,
    pub tactic: Text,
    /// Share of reports with such a score in which it followed.
    pub probability: f32,
    /// Seen techniques that speak for it, strongest first.
    pub because: Vec<Text>,
    /// Findings of the posture scan here that leave it open.
    pub open: Vec<Text>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Control {
    pub framework: Text,
    pub control: Text,
    pub name: String,
    /// Expected techniques that it mitigates.
    pub covers: Vec<Text>,
    /// Probability mass that it takes away beyond the measures before it.
    pub gain: f32,
    /// Findings of the posture scan here whose fix is part of it.
    pub open: Vec<Text>,
}

pub const FINDINGS_MAX: usize = 500;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    pub analytic: Text,
    pub title: String,
    pub text: String,
    pub first_seen: Time,
    pub last_seen: Time,
    pub count: u64,
    pub score: Score,
    pub rules: Vec<u32>,
    /// `web-payload 1.0`
    pub models: Vec<Text>,
    /// Best proof: the name of a finding.
    pub finding: Text,
    /// Events per 60th of the incident's span, for the timeline; bounded.
    pub spark: Vec<(Time, u32)>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    #[default]
    Open,
    Closed {
        outcome: Outcome,
    },
}

/// How an analyst ended it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    #[default]
    True,
    False,
    BenignButOdd,
}

impl Outcome {
    pub const ALL: [(Outcome, &'static str); 3] =
        [(Outcome::True, "true"), (Outcome::False, "false"), (Outcome::BenignButOdd, "benign_but_odd")];

    pub fn word(self) -> &'static str {
        Outcome::ALL.into_iter().find(|(o, _)| *o == self).map_or("true", |(_, w)| w)
    }

    pub fn parse(word: &str) -> Option<Outcome> {
        Outcome::ALL.into_iter().find(|(_, w)| *w == word).map(|(o, _)| o)
    }
}

/// One line of the trail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub time: Time,
    /// `bartizan`, `console:operator`, `cli:root`, ..
    pub by: Text,
    pub text: String,
}

impl Incident {
    pub fn is_open(&self) -> bool {
        self.status == Status::Open && self.merged_into.is_none()
    }

    pub fn actor(&self) -> Option<&Entity> {
        self.entities.first()
    }
}
