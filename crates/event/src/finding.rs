//! Detection Finding (OCSF 2004): what a detector saw, against which baseline, why it says so and what would change the verdict.

use serde::{Deserialize, Serialize};

use crate::analytic::AnalyticKind;
use crate::{Analytic, Bytes, Entity, Score, Severity, Technique, Text, Time, Uid, Verdict, short_id};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// `F-..`; a later state of the same finding (more tries, more bytes) has the same name and replaces the earlier one.
    pub uid: Text,
    pub analytic: AnalyticName,
    /// `SQL injection in q`
    pub title: String,
    /// One sentence of facts.
    pub text: String,
    pub score: Score,
    pub severity: Severity,
    pub techniques: Vec<Technique>,
    /// The acting entity first, then what it acted on.
    pub entities: Vec<Entity>,
    pub first_seen: Time,
    pub last_seen: Time,
    /// Number of events behind it; `evidence` holds at most [`EVIDENCE_MAX`] of them: first ones and latest ones.
    pub count: u64,
    pub evidence: Vec<Evidence>,
    /// Strongest first; their pushes add up to the score.
    pub reasons: Vec<Reason>,
    /// What would change the verdict: `without the quote test 0.31`.
    pub would_change: String,
    pub rules: Vec<RuleHit>,
    pub models: Vec<ModelScore>,
    /// Of a gateway request.
    pub request_id: Option<Text>,
    pub verdict: Option<Verdict>,
    /// The attacker got what it tried for (a login that succeeded after guessing, an answer 200 with far more bytes than usual).
    pub succeeded: bool,
    /// Set when it is about how something is configured: a Compliance Finding (OCSF 2003).
    #[serde(default)]
    pub compliance: Option<Box<Compliance>>,
    /// Hex SHA-256 of the file that it is about, when its bytes were judged.
    #[serde(default)]
    pub sha256: Text,
}

/// What a posture check says about one resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Compliance {
    /// `AWS-S3-01`
    pub rule: Text,
    /// Ids of other scanners' checks that mean the same.
    pub aliases: Vec<Text>,
    pub resource: String,
    pub file: String,
    pub line: u32,
    pub end_line: u32,
    pub fix: String,
    /// `framework:requirement`.
    pub requirements: Vec<Text>,
    pub fingerprint: Text,
}

/// At most this many pieces of evidence a finding.
pub const EVIDENCE_MAX: usize = 100;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnalyticName {
    pub uid: Text,
    pub name: Text,
    pub version: Text,
    pub kind: AnalyticKind,
}

impl From<&Analytic> for AnalyticName {
    fn from(analytic: &Analytic) -> AnalyticName {
        AnalyticName { uid: analytic.uid.into(), name: analytic.name.into(), version: analytic.version.into(), kind: analytic.kind }
    }
}

/// One event behind a finding, with the bytes that matched.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    pub source: Text,
    pub record: u64,
    pub event_uid: Uid,
    pub time: Time,
    /// The record as it came, at most 4 KiB of it.
    pub raw: Bytes,
    pub matches: Vec<Match>,
}

/// Bytes that a rule or a model points at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Match {
    /// `rule 1001` or `model web-payload`.
    pub by: Text,
    /// `ARGS:q`, `PATH`, `HEADER:user-agent`, ..
    pub target: Text,
    /// The value after decoding, at most 256 bytes around the match.
    pub decoded: String,
    /// Byte range in [`Evidence::raw`].
    pub start: u32,
    pub end: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// `sqli.tautology`, `rate.excess`, ..
    pub code: Text,
    /// In words an analyst can check.
    pub text: String,
    /// What is usual here: `0 in 30 d`; empty when there is no baseline to compare with.
    pub usual: String,
    /// This time: `143`.
    pub now: String,
    /// Part of the score; negative when it speaks against.
    pub push: f32,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RuleHit {
    pub id: u32,
    pub message: Text,
    #[serde(default)]
    pub severity: Severity,
    pub tags: Vec<Text>,
    pub target: Text,
    /// Matched text after decoding, at most 128 bytes, secrets masked.
    pub matched: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelScore {
    pub name: Text,
    pub version: Text,
    pub score: f32,
}

impl Finding {
    /// A finding of `analytic` with its names filled in; `key` tells findings of one analytic apart and makes the name stable.
    pub fn of(analytic: &Analytic, key: &[u8]) -> Finding {
        Finding {
            uid: short_id("F", &[analytic.uid.as_bytes(), key]),
            analytic: analytic.into(),
            techniques: analytic.techniques.to_vec(),
            ..Finding::default()
        }
    }

    /// Scales `reasons` so that their pushes add up to `score` (0.001), strongest first. Pushes given in any one unit, e.g. log-odds.
    #[must_use]
    pub fn explained(mut self, score: Score, mut reasons: Vec<Reason>) -> Finding {
        let sum: f32 = reasons.iter().map(|r| r.push).sum();
        let scale = if sum.abs() > 1e-6 { score.value() / sum } else { 0.0 };
        for reason in &mut reasons {
            reason.push *= scale;
        }
        reasons.sort_by(|a, b| b.push.total_cmp(&a.push));
        self.score = score;
        self.reasons = reasons;
        self
    }

    /// The actor: who would be blocked.
    pub fn actor(&self) -> Option<&Entity> {
        self.entities.first()
    }
}
