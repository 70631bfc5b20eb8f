//! Password guessing: one source tries passwords, on one name or on many, fast or over hours.
//!
//! Reads:      authentication (3002) of any service: sshd, sudo, web.  Keyed by: source address.
//! Evidence:   failures, fading by half in 15 min and in 6 h; distinct names, how many do not exist; a sign-in after guessing.
//! Score:      0..1, logistic over the log of failures and names; a success adds most.   ATT&CK: T1110.001, .003, .004, T1078.
//!             Without a success low (from the internet) or at most medium (from inside); with one high or critical.
//! State:      two counters, at most 256 name hashes and 20 records per source, at most `keys_max` sources.   Cost: O(log names) per event.
//! Mistaken by: a person who mistypes a few times, an office behind one address, a script with a stale password (low).
//! Method:     decayed counters as in leaky buckets, two time scales.

use event::analytic::AnalyticKind;
use event::authentication::{Action, Outcome};
use event::{Analytic, Body, Event, Finding, attack};
use serde::{Deserialize, Serialize};

pub use crate::guessing::Config;
use crate::guessing::{Guessing, Try};
use crate::sign_in::{Campaigns, Claim};
use crate::{Detector, Scope, Seen, Spec, StateError, state};

pub const SPEC: Spec = Spec {
    analytic: Analytic {
        uid: "identity.brute_force",
        name: "Password guessing",
        version: "1.0",
        kind: AnalyticKind::Behavioral,
        techniques: &[attack::PASSWORD_GUESSING, attack::PASSWORD_SPRAYING, attack::CREDENTIAL_STUFFING, attack::VALID_ACCOUNTS],
    },
    // Tries that belong to a campaign against the whole service are told by `identity.credential`, once.
    scope: Scope::Whole,
    header: "One source tries passwords, on one name or on many, fast or over hours. Without a success it stays low; the sign-in after guessing \
             raises it to high or critical. Mistaken by: a person who mistypes, an office behind one address, a script with a stale password.",
    build: |knowledge| Box::new(BruteForce::new(knowledge.config.brute_force.clone())),
};

struct BruteForce {
    config: Config,
    state: State,
}

#[derive(Clone, Serialize, Deserialize)]
struct State {
    guessing: Guessing,
    campaigns: Campaigns,
}

impl BruteForce {
    fn new(config: Config) -> BruteForce {
        let state = State { guessing: Guessing::new(&config), campaigns: Campaigns::new(super::credential::SEED) };
        BruteForce { state, config }
    }
}

impl Detector for BruteForce {
    fn detect(&mut self, event: &Event, _seen: &Seen, out: &mut Vec<Finding>) {
        let Body::Authentication(auth) = &event.body else { return };
        let Some(source) = auth.client else { return };
        // What passes the gateway is told by `web.login`, which is told of the same tries as requests.
        if auth.action != Action::Login || auth.outcome == Outcome::Pending || event.meta.format == "gateway" {
            return;
        }
        if self.state.campaigns.observe(event, auth) != Claim::No {
            return;
        }
        let a_try = Try {
            source,
            user: &auth.user,
            user_unknown: auth.user_unknown,
            success: auth.outcome == Outcome::Success,
            n: u64::from(auth.repeats.max(1)),
            service: &auth.service,
            host: &auth.host,
            more: [event::Entity::host(&auth.host)].into_iter().filter(|e| !e.name.is_empty()).collect(),
        };
        self.state.guessing.observe(event, &a_try, &SPEC.analytic, &self.config, out);
    }

    fn filled(&self) -> Vec<(&'static str, usize, usize)> {
        let mut all = self.state.campaigns.filled();
        all.push(("sources", self.state.guessing.len(), self.config.keys_max));
        all
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
