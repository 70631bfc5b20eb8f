//! How well a scorer tells owners from others: sign-ins of accounts with at least five earlier ones, and uses of sessions.

use event::authentication::{Action, Outcome};

use super::{Config, Features, Look, Memory};
use crate::generate::logins::{Kind, Row};
use crate::measure::{self, Scored, Share};

/// Successful sign-ins before an account counts.
pub const PRIOR_MIN: u32 = 5;

/// One row with what was known about it when it came.
#[derive(Clone, Debug)]
pub struct Example {
    /// What is compared.
    pub features: Features,
    /// The truth.
    pub kind: Kind,
    /// A use of a session; else a sign-in.
    pub is_session: bool,
    /// When.
    pub time_s: i64,
    /// Key of the account.
    pub user: u64,
}

/// Runs rows through a memory and keeps the features of each successful sign-in and use of a session.
pub fn examples(rows: &[Row]) -> Vec<Example> {
    let mut memory = Memory::new(Config::default());
    let mut out = Vec::new();
    for row in rows {
        let (auth, time) = row.event();
        let Some(look) = Look::of(&auth, time) else { continue };
        let is_session = auth.action == Action::Session;
        let features = memory.features(&look, is_session);
        memory.observe(&auth, time, &features, super::ratio::doubt(&features));
        if matches!(auth.action, Action::Login | Action::Session) && auth.outcome == Outcome::Success {
            out.push(Example { features, kind: row.kind, is_session, time_s: row.time_s, user: look.user });
        }
    }
    out
}

/// Figures of one kind of attacker.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Attacker.
    pub kind: Kind,
    /// Area under the curve.
    pub auc: f64,
    /// Caught when this share of the owners is asked again.
    pub at_1: Share,
    /// The same at 5 %.
    pub at_5: Share,
    /// Owners behind the thresholds.
    pub owners: usize,
}

/// Each kind of attacker against the owners.
pub fn figures(examples: &[Example], score: impl Fn(&Features) -> f32) -> Vec<Figure> {
    let mut out = Vec::new();
    for kind in [Kind::Naive, Kind::Vpn, Kind::Targeted, Kind::Stuffing, Kind::Session] {
        let is_session = kind == Kind::Session;
        let of = |wanted: Kind| {
            let rows = examples.iter().filter(|e| e.kind == wanted && e.is_session == is_session && e.features.prior >= PRIOR_MIN);
            rows.map(|e| score(&e.features)).collect::<Vec<f32>>()
        };
        let (own, theirs) = (of(Kind::Owner), of(kind));
        let caught = |rate: f64| {
            let limit = measure::threshold_at_fpr(&own, rate);
            measure::wilson(theirs.iter().filter(|s| **s >= limit).count() as u64, theirs.len() as u64)
        };
        let scored = own.iter().map(|s| (s, false)).chain(theirs.iter().map(|s| (s, true)));
        let scored: Vec<Scored> = scored.map(|(score, positive)| Scored { score: *score, positive }).collect();
        out.push(Figure { kind, auc: measure::auc(&scored).unwrap_or(0.0), at_1: caught(0.01), at_5: caught(0.05), owners: own.len() });
    }
    out
}

/// Scores one sign-in; more is odder.
pub type Scorer = fn(&Features) -> f32;

/// Trivial scorers: a new country; a new country or device; the sum of layer 1.
pub const BASELINES: &[(&str, Scorer)] = &[
    ("new country", |f| f32::from(u8::from(f.place == Some(5)))),
    ("new country or device", |f| {
        f32::from(u8::from(f.place == Some(5))) + f32::from(u8::from(f.device_new == Some(true) || f.agent.is_some_and(|a| a >= 3)))
    }),
    ("layer 1", |f| f.layer1()),
];
