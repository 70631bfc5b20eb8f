//! Takeover: who signed in unlike the owner goes on to change how the account is entered.
//!
//! Reads:      sign-ins that `identity.risk` would ask again, then resets of password or second factor, within 72 h.  Keyed by: user.
//! Evidence:   the order, and that both come from one session or one address; it joins the finding about the sign-in.
//! ATT&CK: T1078, T1098 (password), T1556.006 (second factor).
//! State:      at most 20,000 accounts with one risky sign-in each, forgotten after 72 h.   Cost: one look-up.
//! Mistaken by: an owner with a new telephone in a new place who moves the second factor there. Silent: resets from elsewhere (the owner
//!             takes the account back), resets before the sign-in (a forgotten password), after a passed second factor.
//! Method:     ordered signs in one account.

use std::net::IpAddr;

use event::authentication::{Action, Outcome};
use event::finding::Reason;
use event::{Analytic, Authentication, Entity, Event, Finding, Score, Severity, Text, Time, attack};
use learn::baseline::table::Table;
use serde::{Deserialize, Serialize};

use crate::campaign::{Campaign, logistic};
use crate::state;
use crate::technique::technique;

const WITHIN_S: f64 = 72.0 * 3_600.0;
const WITHIN_US: i64 = 72 * 3_600_000_000;
const ACCOUNTS_MAX: usize = 20_000;
const SEED: u64 = 0x7461_6b65;
/// Log odds that a change of how the account is entered adds.
const PUSH: f64 = 2.0;

/// One sign-in that was not like the owner.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Risky {
    name: String,
    at: Time,
    address: Option<IpAddr>,
    session: Text,
    logit: f64,
    why: String,
    password: bool,
    factor: bool,
    campaign: Campaign,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Takeovers {
    accounts: Table<Risky>,
}

impl Takeovers {
    /// What is held by key and how much may be: (what, now, at most).
    pub(crate) fn filled(&self) -> Vec<(&'static str, usize, usize)> {
        vec![("accounts after a takeover", self.accounts.len(), ACCOUNTS_MAX)]
    }

    pub(super) fn new() -> Takeovers {
        Takeovers { accounts: Table::new(ACCOUNTS_MAX, WITHIN_US, SEED) }
    }

    /// A sign-in that got in and should have been asked again. `name` is what the finding about it is called.
    pub(super) fn risky(&mut self, event: &Event, auth: &Authentication, name: &str, risk: f64, why: String) {
        let Some(key) = state::name_key(&auth.user) else { return };
        let risk = risk.clamp(1e-6, 1.0 - 1e-6);
        let mut campaign = Campaign::default();
        campaign.begin_if_idle(event.meta.time, 0);
        campaign.add(event, 1);
        *self.accounts.entry(key, event.meta.time.us(), |_| 1) = Risky {
            name: name.to_owned(),
            at: event.meta.time,
            address: auth.client.map(|ip| ip.to_canonical()),
            session: auth.session.clone(),
            logit: (risk / (1.0 - risk)).ln(),
            why,
            campaign,
            ..Risky::default()
        };
    }

    /// What happened to the account afterwards.
    pub(super) fn follow(&mut self, event: &Event, auth: &Authentication, analytic: &Analytic) -> Option<Finding> {
        let about = matches!(auth.action, Action::PasswordReset | Action::MfaReset | Action::StepUp) && auth.outcome == Outcome::Success;
        let key = state::name_key(&auth.user).filter(|_| about)?;
        self.accounts.get(key)?;
        let risky = self.accounts.entry(key, event.meta.time.us(), |_| 1);
        let since_s = event.meta.time.since_s(risky.at);
        let same_session = !auth.session.is_empty() && auth.session == risky.session;
        let same_address = risky.address.is_some() && auth.client.map(|ip| ip.to_canonical()) == risky.address;
        if !(0.0..=WITHIN_S).contains(&since_s) || !(same_session || same_address) {
            return None;
        }
        if auth.action == Action::StepUp {
            // The owner has shown who it is; unless the second factor was replaced in between.
            if !risky.factor {
                *risky = Risky::default();
            }
            return None;
        }
        risky.campaign.add(event, 1);
        risky.password |= auth.action == Action::PasswordReset;
        risky.factor |= auth.action == Action::MfaReset;
        Some(risky.tell(auth, since_s, analytic))
    }
}

impl Risky {
    fn tell(&mut self, auth: &Authentication, since_s: f64, analytic: &Analytic) -> Finding {
        let changed = match (self.password, self.factor) {
            (true, true) => "the password and the second factor",
            (false, true) => "the second factor",
            _ => "the password",
        };
        let steps = u32::from(self.password) + u32::from(self.factor);
        let after = format!("changed {changed} {:.0} min after a sign-in that is not like the owner", since_s / 60.0);
        let reasons = vec![
            Reason { code: "takeover.login".into(), text: self.why.clone(), push: self.logit.max(0.5) as f32, ..Reason::default() },
            Reason {
                code: "takeover.changed".into(),
                text: after.clone(),
                usual: "a change from home".into(),
                now: changed.into(),
                push: (PUSH * f64::from(steps)) as f32,
            },
        ];
        let score = logistic(self.logit + PUSH * f64::from(steps));
        let mut finding = self.campaign.tell(analytic, &self.name, steps);
        finding = finding.explained(Score::new(score), reasons);
        finding.title = "Account taken over".to_owned();
        finding.text = format!("{} {after}", auth.user);
        finding.would_change = "a passed second factor before the change, or the change from a place that the account uses".to_owned();
        finding.severity = if steps >= 2 { Severity::Critical } else { Severity::High };
        finding.succeeded = true;
        finding.techniques = vec![attack::VALID_ACCOUNTS];
        finding.techniques.extend(self.password.then(|| technique("T1098")));
        finding.techniques.extend(self.factor.then(|| technique("T1556.006")));
        finding.entities = auth.client.map(Entity::address).into_iter().chain([Entity::user(&auth.user)]).collect();
        finding
    }
}

#[cfg(test)]
mod tests;
