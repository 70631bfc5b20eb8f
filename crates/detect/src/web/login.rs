//! Guessing at a web login: many POST requests to a login page that do not get in, and the one that does.
//!
//! Reads:      http_activity (4002), access logs and gateway.  Keyed by: source address.
//! Evidence:   tries at login paths; how each ended: 401, 403, 422, 429 failed; 200 of the same size as before or a redirect like the one
//!             before failed as well; an answer that differs from the failures before it got in.
//! Score:      as password guessing.   ATT&CK: T1110.001, .003, .004, T1078.
//! State:      as password guessing, and the latest answers per source.   Cost: O(log names) per event.
//! Mistaken by: single-page applications that post to a login path to renew a session; an office behind one address.
//! Method:     status, redirect and size change per site, as people tell a failed login from a good one.

use event::analytic::AnalyticKind;
use event::{Analytic, Body, EntityKind, Event, Finding, Http, Verdict, attack};
use learn::baseline::table::Table;
use serde::{Deserialize, Serialize};

use crate::guessing::{self, Guessing, Try};
use crate::{Detector, Scope, Seen, Spec, StateError, state};

pub mod form;

pub const SPEC: Spec = Spec {
    analytic: Analytic {
        uid: "web.login",
        name: "Guessing at a web login",
        version: "1.0",
        kind: AnalyticKind::Behavioral,
        techniques: &[attack::PASSWORD_GUESSING, attack::PASSWORD_SPRAYING, attack::CREDENTIAL_STUFFING, attack::VALID_ACCOUNTS],
    },
    scope: Scope::Entity(EntityKind::Address),
    header: "Many POST requests to a login page that do not get in, and the one that does. A failure is a 401, 403, 422, 429 or an answer that looks \
             like the failures before it. Mistaken by: applications that renew sessions through a login path, an office behind one address.",
    build: |knowledge| Box::new(Login::new(knowledge.config.login.clone())),
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub guessing: guessing::Config,
    /// Further login paths, as they begin.
    pub paths: Vec<String>,
}

impl Default for Config {
    fn default() -> Config {
        // Web logins answer more slowly to people who forgot: a few tries more than elsewhere.
        let guessing =
            guessing::Config { failures_min: 8.0, failures_one_user_min: 8.0, slow_failures_min: 20.0, ..guessing::Config::default() };
        Config { guessing, paths: Vec::new() }
    }
}

struct Login {
    config: Config,
    state: State,
}

#[derive(Clone, Serialize, Deserialize)]
struct State {
    guessing: Guessing,
    answers: Table<Answers>,
}

/// How this source's tries ended so far.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Answers {
    refused: u32,
    /// Status and size of the latest answer that was no refusal, and how often it was repeated.
    status: u16,
    bytes: u64,
    same: u32,
}

impl Login {
    fn new(config: Config) -> Login {
        let answers = Table::new(config.guessing.keys_max, config.guessing.idle_s.saturating_mul(4_000_000), config.guessing.seed);
        Login { state: State { guessing: Guessing::new(&config.guessing), answers }, config }
    }

    fn is_login(&self, path: &str) -> bool {
        form::is_login(path) || self.config.paths.iter().any(|p| !p.is_empty() && path.starts_with(p.as_str()))
    }
}

/// Same page but for a token or a name in it.
const SAME_SIZE_BYTES: u64 = 64;

impl Answers {
    /// `Some(true)`: got in; `Some(false)`: failed; `None`: cannot be told yet.
    fn judge(&mut self, status: u16, bytes: u64) -> Option<bool> {
        match status {
            400 | 401 | 403 | 422 | 423 | 429 => {
                self.refused = self.refused.saturating_add(1);
                Some(false)
            }
            200 | 204 | 301 | 302 | 303 | 307 => {
                if self.refused > 0 && self.same == 0 {
                    return Some(true);
                }
                if self.same == 0 || (self.status == status && self.bytes.abs_diff(bytes) <= SAME_SIZE_BYTES) {
                    (self.status, self.bytes, self.same) = (status, bytes, self.same.saturating_add(1));
                    // The first answers look like any login that worked.
                    return (self.same > 2).then_some(false);
                }
                // Many equal answers, then another one: a redirect after pages, a page after redirects.
                let got_in = self.same > 2 && status != self.status;
                got_in.then_some(true)
            }
            _ => None,
        }
    }
}

/// The account, as the log or the posted form names it.
fn user(http: &Http) -> String {
    if http.user.is_empty() { form::account(http) } else { http.user.to_string() }
}

impl Detector for Login {
    fn detect(&mut self, event: &Event, _seen: &Seen, out: &mut Vec<Finding>) {
        let Body::Http(http) = &event.body else { return };
        let (Some(source), Some(status)) = (http.client, http.status) else { return };
        // What the gateway refused the application never saw: it is no failed sign-in.
        if http.verdict.is_some_and(|verdict| matches!(verdict, Verdict::Blocked | Verdict::Limited)) {
            return;
        }
        if http.method != "POST" || !(self.is_login(http.path()) || form::asks_login(http.query())) {
            return;
        }
        let answers = self.state.answers.entry(state::address_key(source), event.meta.time.us(), |a| a.refused.saturating_add(a.same));
        let Some(success) = answers.judge(status, http.response_bytes.unwrap_or(0)) else { return };
        let user = user(http);
        let more = super::request::entities(http).split_off(1);
        let a_try = Try { source, user: &user, user_unknown: false, success, n: 1, service: http.path(), host: &http.host, more };
        self.state.guessing.observe(event, &a_try, &SPEC.analytic, &self.config.guessing, out);
    }

    fn filled(&self) -> Vec<(&'static str, usize, usize)> {
        let max = self.config.guessing.keys_max;
        vec![("sources", self.state.guessing.len(), max), ("answers", self.state.answers.len(), max)]
    }

    fn save(&self) -> Vec<u8> {
        state::save(&self.state)
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), StateError> {
        self.state = state::load(SPEC.analytic.uid, saved)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
