//! What is decided about one sign-in or use of a session: risk, what the policy says, what is done, and why.

use serde::{Deserialize, Serialize};

use crate::{Text, Time, Uid};

/// One decision; the object that the decision API answers with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoginDecision {
    /// Name of the event it is about.
    pub event: Uid,
    /// Identity that the record gave itself, else its number.
    pub id: Text,
    /// 1-based number of the record in its source.
    pub line: u64,
    pub time: Time,
    pub user: Text,
    /// 0..1; never rounded, so that it orders.
    pub risk: f64,
    pub decision: Step,
    /// What is done in the current mode.
    pub effective: Step,
    /// Successful sign-ins of the account before this one.
    pub prior_logins: u32,
    /// Strongest first.
    pub reasons: Vec<LoginReason>,
    /// `login@1.0`
    pub model: Text,
}

/// What should happen to a sign-in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    #[default]
    Allow,
    /// Ask for a second factor.
    StepUp,
    Block,
}

/// One reason, in words that the user of the account could check.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoginReason {
    pub code: Text,
    pub text: String,
    /// Log odds; negative when it speaks for the owner.
    pub push: f32,
}
