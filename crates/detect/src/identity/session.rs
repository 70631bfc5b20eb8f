//! Stolen session: a session is used from somewhere else with another program than it was born with.
//!
//! Reads:      authentication (3002) with a session id.  Keyed by: session.
//! Evidence:   network and country, program and system, device, TLS fingerprint against the birth; jumps between networks within minutes.
//! Score:      0..1, logistic over the signs.   ATT&CK: T1539, T1550.004.
//! State:      birth and last place of at most `sessions_max` sessions, about 300 bytes each.   Cost: O(1) a use.
//! Mistaken by: a VPN that is switched on with a browser update in the same hour. Silent: home to mobile network of one country with the
//!             same program, newer browser versions.
//! Method:     binding a session to what it was born with; needs a sign of the place and one of the program, or a ping-pong.

use event::analytic::AnalyticKind;
use event::authentication::{Action, Outcome};
use event::finding::Reason;
use event::{Analytic, Authentication, Body, Entity, Event, Finding, Score, Severity, attack};
use learn::baseline::table::Table;
use learn::login::{Birth, Drift, Look};
use serde::{Deserialize, Serialize};

use crate::campaign::{Campaign, logistic};
use crate::{Detector, Scope, Seen, Spec, StateError, state};

pub const SPEC: Spec = Spec {
    analytic: Analytic {
        uid: "identity.session",
        name: "Stolen session",
        version: "1.0",
        kind: AnalyticKind::Behavioral,
        techniques: &[attack::STEAL_WEB_SESSION_COOKIE, attack::WEB_SESSION_COOKIE],
    },
    // A session may be used under another account's name.
    scope: Scope::Whole,
    header: "A session is used from another network or country with another program, device or TLS fingerprint than it was born with, or from two \
             places in turn. Mistaken by: a VPN switched on together with a new program. Silent: home to mobile network with the same program.",
    build: |knowledge| Box::new(Session::new(knowledge.config.session.clone())),
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub sessions_max: usize,
    /// Log odds from which on a use is told.
    pub odds_min: f32,
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config { sessions_max: 200_000, odds_min: 2.0, seed: 0x7365_7373 }
    }
}

struct Session {
    config: Config,
    births: Table<Held>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Held {
    birth: Birth,
    campaign: Option<Box<Campaign>>,
}

impl Session {
    fn new(config: Config) -> Session {
        const MONTH_US: i64 = 30 * 86_400_000_000;
        Session { births: Table::new(config.sessions_max, MONTH_US, config.seed), config }
    }
}

fn odds(drift: &Drift) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let mut add = |code: &'static str, text: &str, push: f32| {
        reasons.push(Reason { code: code.into(), text: text.to_owned(), usual: String::new(), now: String::new(), push });
    };
    match drift.place {
        5 => add("session.country", "used from another country or network than it began in", 3.0),
        4 => add("session.network", "used from another network of the same country", 1.0),
        _ => {}
    }
    match drift.agent {
        Some(2) => add("session.version", "used with an older version of the browser", 1.5),
        Some(3) => add("session.program", "used with another program than it began with", 2.5),
        Some(4) => add("session.system", "used on another system than it began on", 3.5),
        _ => {}
    }
    if drift.device == Some(true) {
        add("session.device", "the device cookie is another one", 2.5);
    }
    if drift.ja4 == Some(true) {
        add("session.ja4", "the TLS fingerprint is another one", 2.5);
    }
    if drift.jumps >= 3.0 && drift.place >= 4 {
        add("session.jumps", "two places use it in turn within minutes", 2.0 + 0.5 * (drift.jumps - 3.0).min(4.0));
    }
    if drift.other_user {
        add("session.other_user", "it was born for another account", 5.0);
    }
    reasons
}

impl Detector for Session {
    fn detect(&mut self, event: &Event, _seen: &Seen, out: &mut Vec<Finding>) {
        let Body::Authentication(auth) = &event.body else { return };
        if auth.session.is_empty() || auth.outcome != Outcome::Success {
            return;
        }
        let Some(look) = Look::of(auth, event.meta.time) else { return };
        let held = self.births.entry(state::name_key(&auth.session).unwrap_or(0), event.meta.time.us(), |_| 1);
        if auth.action != Action::Session {
            if auth.action == Action::Login {
                *held = Held { birth: Birth::begin(&look), campaign: None };
            }
            return;
        }
        let Some(drift) = held.birth.drift(&look) else {
            held.birth = Birth::begin(&look);
            return;
        };
        let reasons = odds(&drift);
        let sum: f32 = reasons.iter().map(|r| r.push).sum();
        // One sign of the place and one of the program, or the two places in turn.
        let told = sum - 3.0 >= self.config.odds_min && reasons.len() >= 2;
        held.birth.used(&look, sum < 3.0);
        if told {
            let campaign = held.campaign.get_or_insert_default();
            campaign.begin_if_idle(event.meta.time, 7 * 86_400);
            campaign.add(event, 1);
            if campaign.due(0) {
                out.push(finding(auth, campaign, reasons, sum));
            }
        }
    }

    fn filled(&self) -> Vec<(&'static str, usize, usize)> {
        vec![("sessions", self.births.len(), self.config.sessions_max)]
    }

    fn save(&self) -> Vec<u8> {
        state::save(&self.births)
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), StateError> {
        self.births = state::load(SPEC.analytic.uid, saved)?;
        Ok(())
    }
}

fn finding(auth: &Authentication, campaign: &mut Campaign, reasons: Vec<Reason>, sum: f32) -> Finding {
    let name = format!("session {}", auth.session);
    let mut finding = campaign.tell(&SPEC.analytic, &name, 0).explained(Score::new(logistic(f64::from(sum) - 3.0)), reasons);
    let client = auth.client.map(Entity::address);
    let from = client.as_ref().map(|c| c.name.clone()).unwrap_or_default();
    finding.title = "Session used by somebody else".to_owned();
    finding.text = format!("a session of {} was used from {from}, {}", auth.user, finding.reasons.first().map_or("", |r| r.text.as_str()));
    finding.would_change = "the same program as at its birth, or a place where the session was used by right".to_owned();
    finding.severity = if sum >= 6.0 { Severity::High } else { Severity::Medium };
    finding.succeeded = true;
    finding.entities = client.into_iter().chain([Entity::user(&auth.user)]).collect();
    finding.entities.extend((!auth.service.is_empty()).then(|| Entity::service(&auth.service)));
    finding
}

#[cfg(test)]
mod tests;
