//! One judge for every sign-in: memory, risk, policy and reasons, used by the detector, the replay and the decision API alike.

use std::sync::Arc;

use event::authentication::{Action, Outcome};
use event::login::{LoginReason, Step};
use event::{Authentication, Event, LoginDecision, Text};
use learn::Forest;
use learn::login::evaluate::PRIOR_MIN;
use learn::login::{Features, Look, Memory, ratio};
use serde::{Deserialize, Serialize};

mod campaigns;
mod policy;
mod reasons;
mod travel;

use travel::Travel;

pub(crate) use campaigns::{Attack, Campaigns, Claim};
pub(crate) use policy::Policy;
pub(crate) use reasons::{Sign, signs};

/// Settings of the risk of sign-ins and of what follows from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `effective` follows `decision`; else everything is allowed and only recorded.
    pub enforce: bool,
    /// Share of sign-ins by right that may be asked again.
    pub reauth_budget: f64,
    /// Blocked from here on when two independent signs agree.
    pub block_risk: f64,
    /// Told as a finding from here on when two independent signs agree.
    pub finding_risk: f64,
    /// Confirmed sign-ins below which nothing is blocked.
    pub cold_logins: u32,
    /// Accounts that are never blocked, and always told.
    pub break_glass: Vec<String>,
    pub memory: learn::login::Config,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            enforce: false,
            reauth_budget: 0.05,
            block_risk: 0.99,
            finding_risk: 0.97,
            cold_logins: 5,
            break_glass: Vec::new(),
            memory: learn::login::Config::default(),
        }
    }
}

/// Log odds from features: the trees of the model `login` over layer 1, or layer 1 alone when they are not loaded.
#[derive(Clone, Default)]
pub(crate) struct Scorer {
    trees: Option<Arc<Forest>>,
}

/// Log odds before anything is known; the trees are calibrated with both sides alike. With it `finding_risk` is about where the model's card
/// says that a score stands alone (one of a thousand sign-ins by right), and the policy's start value where it says alert (one of twenty).
const PRIOR: f64 = -2.0;
/// Share of layer 1 that is added to the trees: leaves are steps, and sign-ins in one leaf still have an order.
const ORDER: f64 = 0.02;

impl Scorer {
    pub(crate) fn new(trees: Option<Arc<Forest>>) -> Scorer {
        Scorer { trees }
    }

    /// The trees, for accounts whose habits they can know; they learned from such accounts alone.
    fn trees(&self, features: &Features) -> Option<&Forest> {
        self.trees.as_deref().filter(|_| features.prior >= PRIOR_MIN)
    }

    fn name(&self, features: &Features) -> Text {
        match self.trees(features) {
            Some(trees) => format!("{}@{}", trees.name(), trees.version()).into(),
            None => Text::const_new("login-ratio@1.0"),
        }
    }

    fn logit(&self, features: &Features) -> f64 {
        match self.trees(features) {
            Some(trees) => f64::from(trees.log_odds(&features.values)) + PRIOR + ORDER * f64::from(features.layer1()),
            None => ratio::logit(features),
        }
    }
}

/// Memory and policy. Plain data but for the scorer.
pub(crate) struct Judge {
    config: Config,
    scorer: Scorer,
    pub(crate) state: State,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct State {
    memory: Memory,
    policy: Policy,
}

/// What was made of one sign-in.
pub(crate) struct Judged {
    pub(crate) decision: LoginDecision,
    pub(crate) features: Features,
    pub(crate) signs: Vec<Sign>,
}

impl Judge {
    pub(crate) fn new(config: Config, scorer: Scorer) -> Judge {
        let state = State { memory: Memory::new(config.memory.clone()), policy: Policy::default() };
        Judge { config, scorer, state }
    }

    /// Decides about a sign-in or a use of a session, and learns from it and from what else happens to the account.
    pub(crate) fn look(&mut self, event: &Event, auth: &Authentication) -> Option<Judged> {
        let time = event.meta.time;
        let look = Look::of(auth, time)?;
        let is_session = auth.action == Action::Session;
        let features = self.state.memory.features(&look, is_session);
        let travel = (auth.action == Action::Login).then(|| travel::impossible(&look, &features)).flatten();
        let logit = self.scorer.logit(&features) + travel.as_ref().map_or(0.0, |_| f64::from(travel::PUSH));
        let judged =
            matches!(auth.action, Action::Login | Action::Session).then(|| self.judge(event, auth, features, logit, travel.as_ref()));
        self.state.memory.observe(auth, time, &features, ratio::doubt(&features));
        judged
    }

    /// What would be decided about a sign-in; teaches nothing.
    pub(crate) fn ask(&mut self, event: &Event, auth: &Authentication) -> Option<Judged> {
        let look = Look::of(auth, event.meta.time)?;
        let features = self.state.memory.features(&look, false);
        let travel = travel::impossible(&look, &features);
        let logit = self.scorer.logit(&features) + travel.as_ref().map_or(0.0, |_| f64::from(travel::PUSH));
        Some(self.judge(event, auth, features, logit, travel.as_ref()))
    }

    fn judge(&mut self, event: &Event, auth: &Authentication, features: Features, logit: f64, travel: Option<&Travel>) -> Judged {
        let (time, risk) = (event.meta.time, sigmoid(logit));
        let found = signs(auth, &features);
        let limit = self.state.policy.limit(self.config.reauth_budget);
        let cold = features.confirmed < self.config.cold_logins;
        let spared = self.config.break_glass.iter().any(|name| auth.user == name.as_str());
        let decision = if risk >= self.config.block_risk && found.len() >= 2 && !cold && !spared {
            Step::Block
        } else if logit >= limit {
            Step::StepUp
        } else {
            Step::Allow
        };
        if auth.action == Action::Login && auth.outcome == Outcome::Success && !cold {
            self.state.policy.count(logit, time);
        }
        let mut reasons = reasons::of(auth, &features);
        reasons.extend(travel.map(reasons::travel));
        reasons.sort_by(|a: &LoginReason, b| b.push.abs().total_cmp(&a.push.abs()));
        let unplaced = reasons.iter().skip(REASONS_MAX).position(|r| r.code == reasons::UNPLACED);
        if let Some(at) = unplaced {
            // It weighs nothing, and who reads the decision must know all the same.
            reasons.swap(REASONS_MAX - 1, REASONS_MAX + at);
        }
        reasons.truncate(REASONS_MAX);
        let decision = LoginDecision {
            event: event.meta.uid,
            id: if auth.id.is_empty() { event.meta.record.to_string().into() } else { auth.id.clone() },
            line: event.meta.record,
            time,
            user: auth.user.clone(),
            risk,
            decision,
            effective: if self.config.enforce { decision } else { Step::Allow },
            prior_logins: features.prior,
            reasons,
            model: self.scorer.name(&features),
        };
        Judged { decision, features, signs: found }
    }
}

const REASONS_MAX: usize = 6;

fn sigmoid(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}
