//! Second-factor fatigue: a person is asked again and again until the answer is yes.
//!
//! Reads:      authentication (3002): sign-ins that wait for a second factor, answers to it.  Keyed by: user.
//! Evidence:   prompts that nobody confirmed within ten minutes; an approval right after them.
//! Score:      0..1, logistic over the prompts; an approval adds most.   ATT&CK: T1621, and T1078 after an approval.
//! State:      at most `users_max` users, 64 prompts each.   Cost: O(prompts) an event.
//! Mistaken by: a telephone without a connection and a patient owner (low without an approval from elsewhere). Silent: mistyped codes, a
//!             few retries, many prompts that were all confirmed.
//! Method:     a sliding window.

use std::net::IpAddr;

use event::analytic::AnalyticKind;
use event::authentication::{Action, Outcome};
use event::finding::Reason;
use event::{Analytic, Body, Entity, Event, Finding, Score, Severity, Time, attack};
use learn::baseline::table::Table;
use serde::{Deserialize, Serialize};

use crate::campaign::{Campaign, logistic};
use crate::technique::technique;
use crate::{Detector, Scope, Seen, Spec, StateError, state};

pub const SPEC: Spec = Spec {
    analytic: Analytic {
        uid: "identity.mfa_fatigue",
        name: "Second-factor fatigue",
        version: "1.0",
        kind: AnalyticKind::Rule,
        techniques: &[technique("T1621"), attack::VALID_ACCOUNTS],
    },
    scope: Scope::Entity(event::EntityKind::User),
    header: "One account is asked for its second factor again and again within ten minutes; worst when the answer becomes yes. Mistaken by: a \
             telephone without a connection and a patient owner.",
    build: |knowledge| Box::new(Fatigue::new(knowledge.config.mfa_fatigue.clone())),
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Unconfirmed prompts within the window that make a finding.
    pub prompts_min: usize,
    pub window_s: i64,
    pub users_max: usize,
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config { prompts_min: 5, window_s: 600, users_max: 200_000, seed: 0x6661_7469 }
    }
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Asked {
    /// Sign-ins that wait for a second factor, and answers that were no or did not come. A prompt may leave one trace or both.
    waiting: Vec<Time>,
    refused: Vec<Time>,
    /// Where the newest sign-in that waits came from.
    from: Option<IpAddr>,
    campaign: Campaign,
}

const PROMPTS_MAX: usize = 64;
const TOLD_APPROVED: u32 = 1;

impl Asked {
    fn prompts(&self) -> usize {
        self.waiting.len().max(self.refused.len())
    }
}

struct Fatigue {
    config: Config,
    users: Table<Asked>,
}

impl Fatigue {
    fn new(config: Config) -> Fatigue {
        const WEEK_US: i64 = 7 * 86_400_000_000;
        Fatigue { users: Table::new(config.users_max, WEEK_US, config.seed), config }
    }
}

impl Detector for Fatigue {
    fn detect(&mut self, event: &Event, _seen: &Seen, out: &mut Vec<Finding>) {
        let Body::Authentication(auth) = &event.body else { return };
        // Typed codes are mistyped or guessed; nobody is worn down by them.
        let typed = ["totp", "hotp", "otp", "code", "password"].iter().any(|word| auth.factor.eq_ignore_ascii_case(word));
        let (asks, refuses, approves) = match (auth.action, auth.outcome) {
            (Action::Login, Outcome::Pending) => (true, false, false),
            (Action::StepUp, Outcome::Failure | Outcome::Pending) if !typed => (false, true, false),
            (Action::StepUp | Action::Login, Outcome::Success) => (false, false, true),
            _ => return,
        };
        let Some(key) = state::name_key(&auth.user) else { return };
        let (now, window_s) = (event.meta.time, self.config.window_s);
        // A sign-in that succeeds is a yes when it comes from where the prompts came from.
        let elsewhere = |asked: &Asked| auth.action == Action::Login && asked.from != auth.client;
        if approves && self.users.get(key).is_none_or(elsewhere) {
            return;
        }
        let asked = self.users.entry(key, now.us(), |asked| asked.prompts() as u32);
        let recent = |at: &Time| now.since_s(*at) <= window_s as f64;
        asked.waiting.retain(recent);
        asked.refused.retain(recent);
        asked.campaign.begin_if_idle(now, window_s);
        asked.campaign.add(event, 1);
        let list = if asks { Some(&mut asked.waiting) } else { refuses.then_some(&mut asked.refused) };
        if let Some(list) = list {
            if list.len() == PROMPTS_MAX {
                list.remove(0);
            }
            list.push(now);
        }
        if asks {
            asked.from = auth.client;
        }
        // The approved prompt left its trace as a sign-in that waits, but not as a refusal.
        let n = if approves { asked.refused.len().max(asked.waiting.len().saturating_sub(1)) } else { asked.prompts() };
        let told = n >= self.config.prompts_min && (approves || asked.campaign.due(0));
        if told {
            let finding = tell(event, auth, asked, n, approves, &self.config);
            out.push(finding);
        }
        if approves {
            asked.waiting.clear();
            asked.refused.clear();
        }
    }

    fn filled(&self) -> Vec<(&'static str, usize, usize)> {
        vec![("users", self.users.len(), self.config.users_max)]
    }

    fn save(&self) -> Vec<u8> {
        state::save(&self.users)
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), StateError> {
        self.users = state::load(SPEC.analytic.uid, saved)?;
        Ok(())
    }
}

fn tell(event: &Event, auth: &event::Authentication, asked: &mut Asked, n: usize, approved: bool, config: &Config) -> Finding {
    let minutes = config.window_s / 60;
    let text = format!("{} was asked for a second factor {n} times within {minutes} min without a yes", auth.user);
    let mut reasons = vec![Reason {
        code: "mfa.prompts".into(),
        text: text.clone(),
        usual: "1 or 2 prompts".into(),
        now: n.to_string(),
        push: (n as f32 / config.prompts_min as f32).ln() + 1.0,
    }];
    if approved {
        let text = "then one prompt was approved".to_owned();
        reasons.push(Reason { code: "mfa.approved".into(), text, usual: String::new(), now: "approved".into(), push: 2.0 });
    }
    let odds: f32 = reasons.iter().map(|reason| reason.push).sum();
    let mut finding = asked.campaign.tell(&SPEC.analytic, &format!("mfa {}", auth.user), if approved { TOLD_APPROVED } else { 0 });
    finding = finding.explained(Score::new(logistic(f64::from(odds) - 0.5)), reasons);
    finding.title = if approved { "Second-factor fatigue that succeeded" } else { "Second-factor fatigue" }.to_owned();
    finding.text = if approved { format!("{text}, then the answer was yes") } else { text };
    finding.would_change = format!("fewer than {} unconfirmed prompts in {minutes} min", config.prompts_min);
    finding.severity = if approved { Severity::High } else { Severity::Medium };
    finding.succeeded = approved;
    finding.last_seen = event.meta.time;
    finding.entities = auth.client.map(Entity::address).into_iter().chain([Entity::user(&auth.user)]).collect();
    finding
}

#[cfg(test)]
mod tests;
