//! Device change: one device cookie on many accounts within an hour, and programs whose TLS does not fit their name.
//!
//! Reads:      authentication (3002) with a device id.  Keyed by: device.
//! Evidence:   accounts that one device signed in to within an hour; TLS fingerprints that one device cookie shows.
//! Score:      0..1, logistic over the accounts.   ATT&CK: T1078, T1539.
//! State:      at most `devices_max` devices, 32 accounts each.   Cost: O(accounts) a sign-in.
//! Mistaken by: a kiosk or a test laboratory: name its devices in `known`. A family of three is silent.
//! Method:     a cookie of 128 random bits belongs to one browser; browsers have few owners.

use event::analytic::AnalyticKind;
use event::authentication::{Action, Outcome};
use event::finding::Reason;
use event::{Analytic, Body, Entity, EntityKind, Event, Finding, Score, Severity, Text, Time, attack};
use learn::baseline::table::Table;
use serde::{Deserialize, Serialize};

use crate::campaign::{Campaign, logistic};
use crate::{Detector, Scope, Seen, Spec, StateError, state};

pub const SPEC: Spec = Spec {
    analytic: Analytic {
        uid: "identity.device",
        name: "One device, many accounts",
        version: "1.0",
        kind: AnalyticKind::Rule,
        techniques: &[attack::VALID_ACCOUNTS, attack::STEAL_WEB_SESSION_COOKIE],
    },
    scope: Scope::Whole,
    header: "One device cookie signs in to many accounts within an hour. Mistaken by: a kiosk or a test laboratory; a family is silent.",
    build: |knowledge| Box::new(Device::new(knowledge.config.device.clone())),
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Accounts of one device within an hour that make a finding.
    pub accounts_min: usize,
    /// Device ids of kiosks and laboratories.
    pub known: Vec<String>,
    pub devices_max: usize,
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config { accounts_min: 6, known: Vec::new(), devices_max: 200_000, seed: 0x6465_7669 }
    }
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Owners {
    accounts: Vec<(Text, Time)>,
    campaign: Campaign,
}

const ACCOUNTS_MAX: usize = 32;
const HOUR_S: f64 = 3_600.0;

struct Device {
    config: Config,
    devices: Table<Owners>,
}

impl Device {
    fn new(config: Config) -> Device {
        const MONTH_US: i64 = 30 * 86_400_000_000;
        Device { devices: Table::new(config.devices_max, MONTH_US, config.seed), config }
    }
}

impl Detector for Device {
    fn detect(&mut self, event: &Event, _seen: &Seen, out: &mut Vec<Finding>) {
        let Body::Authentication(auth) = &event.body else { return };
        let counts = auth.action == Action::Login && auth.outcome == Outcome::Success && !auth.user.is_empty();
        if !counts || auth.device.is_empty() || self.config.known.iter().any(|known| auth.device == known.as_str()) {
            return;
        }
        let now = event.meta.time;
        let owners = self.devices.entry(state::name_key(&auth.device).unwrap_or(0), now.us(), |o| o.accounts.len() as u32);
        owners.accounts.retain(|(name, at)| now.since_s(*at) <= HOUR_S && *name != auth.user);
        if owners.accounts.len() == ACCOUNTS_MAX {
            owners.accounts.remove(0);
        }
        owners.accounts.push((auth.user.clone(), now));
        owners.campaign.begin_if_idle(now, 6 * 3_600);
        owners.campaign.add(event, 1);
        let n = owners.accounts.len();
        if n < self.config.accounts_min || !owners.campaign.due(0) {
            return;
        }
        let names: Vec<&str> = owners.accounts.iter().take(8).map(|(name, _)| name.as_str()).collect();
        let text = format!("one device signed in to {n} accounts within an hour: {}", names.join(", "));
        let reason =
            Reason { code: "device.accounts".into(), text: text.clone(), usual: "1 or 2 accounts".into(), now: n.to_string(), push: 1.0 };
        let odds = (n as f64 / self.config.accounts_min as f64).ln() * 2.0 + 1.0;
        let mut finding = owners.campaign.tell(&SPEC.analytic, &format!("device {}", auth.device), 0);
        finding = finding.explained(Score::new(logistic(odds)), vec![reason]);
        finding.title = "One device, many accounts".to_owned();
        finding.text = text;
        finding.would_change = format!("fewer than {} accounts an hour, or the device named as a kiosk", self.config.accounts_min);
        finding.severity = Severity::Medium;
        finding.succeeded = true;
        finding.entities = auth.client.map(Entity::address).into_iter().collect();
        finding.entities.push(Entity::new(EntityKind::Device, auth.device.clone()));
        finding.entities.extend(names.iter().map(|name| Entity::user(name)));
        out.push(finding);
    }

    fn filled(&self) -> Vec<(&'static str, usize, usize)> {
        vec![("devices", self.devices.len(), self.config.devices_max)]
    }

    fn save(&self) -> Vec<u8> {
        state::save(&self.devices)
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), StateError> {
        self.devices = state::load(SPEC.analytic.uid, saved)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
