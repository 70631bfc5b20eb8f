//! Scan: an address whose first contacts fail far more often than those of a client that knows where it goes.
//!
//! Reads:      network_activity (4001).  Keyed by: source address.
//! Evidence:   sequential test over first contacts (address and port) that were refused or not answered against those that worked;
//!             many ports of one machine (vertical) or one port of many machines (horizontal).
//! Score:      0..1, logistic of the test's log likelihood above its bound; ports and machines shown.   ATT&CK: T1046, T1018.
//! State:      at most 256 contacts, 64 machines and 64 ports a source; at most `keys_max` sources, dropped after `idle_s`.   Cost: O(log 256).
//! Mistaken by: a client with a dead server (one contact), peer-to-peer programs (many machines on as many ports), a declared scanner.
//! Method:     threshold random walk, Jung, Paxson, Berger, Balakrishnan: Fast portscan detection using sequential hypothesis testing, 2004.

use std::net::IpAddr;

use event::analytic::AnalyticKind;
use event::{Analytic, Body, Entity, EntityKind, Event, Finding, Network, Score, Severity, attack};
use learn::baseline::table::Table;
use serde::{Deserialize, Serialize};

use super::{reason, time_shown};
use crate::campaign::{Campaign, Distinct, key, logistic};
use crate::{Detector, Scope, Seen, Spec, StateError, state};

pub const SPEC: Spec = Spec {
    analytic: Analytic {
        uid: "network.scan",
        name: "Network scan",
        version: "1.0",
        kind: AnalyticKind::Behavioral,
        techniques: &[attack::NETWORK_SERVICE_DISCOVERY, attack::REMOTE_SYSTEM_DISCOVERY],
    },
    scope: Scope::Entity(EntityKind::Address),
    header: "An address whose first contacts are refused or not answered, to many ports of one machine or one port of many. Mistaken by: \
             peer-to-peer programs, one's own declared scanner.",
    build: |knowledge| Box::new(Scan::new(knowledge.config.network.scan.clone())),
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Share of first contacts that work for a client that knows where it goes, and for a scan.
    pub works_usual: f64,
    pub works_scan: f64,
    /// Log of the odds that the test must reach.
    pub bound: f64,
    /// Ports of one machine or machines of one port that failed.
    pub targets_min: usize,
    /// A pause this long ends a scan; long, so that slow ones are seen.
    pub idle_s: i64,
    pub keys_max: usize,
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config { works_usual: 0.8, works_scan: 0.2, bound: 11.0, targets_min: 10, idle_s: 86_400, keys_max: 50_000, seed: 0x6e73_6361 }
    }
}

/// How many things failed by name, up to a bound.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Counts(Vec<(u64, u32)>);

impl Counts {
    const NAMES_MAX: usize = 64;

    fn add(&mut self, name: u64) -> u32 {
        match self.0.iter_mut().find(|(held, _)| *held == name) {
            Some((_, n)) => {
                *n += 1;
                *n
            }
            None => {
                if self.0.len() == Self::NAMES_MAX {
                    let least = (0..self.0.len()).min_by_key(|i| self.0[*i].1).unwrap_or(0);
                    self.0.swap_remove(least);
                }
                self.0.push((name, 1));
                1
            }
        }
    }

    fn most(&self) -> u32 {
        self.0.iter().map(|(_, n)| *n).max().unwrap_or(0)
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Source {
    campaign: Campaign,
    walk: f64,
    contacts: Distinct,
    worked: u32,
    failed: u32,
    refused: u32,
    /// Failed ports by machine, failed machines by port.
    machines: Counts,
    ports: Counts,
}

struct Scan {
    config: Config,
    sources: Table<Source>,
}

impl Scan {
    fn new(config: Config) -> Scan {
        let sources = Table::new(config.keys_max, config.idle_s.saturating_mul(2_000_000), config.seed);
        Scan { config, sources }
    }
}

/// Nobody's address in particular: what is sent there is not answered by design.
fn is_group(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(v4) => v4.is_multicast() || v4.is_broadcast() || v4.octets()[3] == 255 || v4.is_unspecified(),
        IpAddr::V6(v6) => v6.is_multicast() || v6.is_unspecified(),
    }
}

impl Detector for Scan {
    fn detect(&mut self, event: &Event, _seen: &Seen, out: &mut Vec<Finding>) {
        let Body::Network(flow) = &event.body else { return };
        let (Some(client), Some(server)) = (flow.client, flow.server) else { return };
        let ping = flow.transport.starts_with("icmp");
        if is_group(server)
            || client == server
            || !(ping || matches!(flow.transport.as_str(), "tcp" | "udp" | "sctp"))
            || flow.state.is_empty()
        {
            return;
        }
        let now = event.meta.time;
        let source = self.sources.entry(state::address_key(client), now.us(), |s| s.failed);
        if source.contacts.len() == 0 || now.since_s(source.campaign.last) > self.config.idle_s as f64 {
            *source = Source::default();
            source.campaign.begin_if_idle(now, 0);
        }
        source.campaign.last = source.campaign.last.max(now);
        let port = if ping { 0 } else { flow.server_port };
        let machine = state::address_key(server);
        if !source.contacts.insert(key(&[&machine.to_le_bytes()[..], &port.to_le_bytes()].concat())) {
            return;
        }
        let config = &self.config;
        if flow.answered() {
            source.worked += 1;
            source.walk = (source.walk + (config.works_scan / config.works_usual).ln()).max(0.0);
            return;
        }
        source.failed += 1;
        source.refused += u32::from(flow.state == "refused");
        source.walk += ((1.0 - config.works_scan) / (1.0 - config.works_usual)).ln();
        source.machines.add(machine);
        source.ports.add(u64::from(port));
        source.campaign.add(event, 1);
        let (vertical, horizontal) = (source.machines.most(), source.ports.most());
        let told_as = u32::from(vertical as usize >= config.targets_min) | u32::from(horizontal as usize >= config.targets_min) << 1;
        if source.walk >= config.bound && told_as > 0 && source.campaign.due(told_as) {
            out.push(source.finding(flow, config, ping, told_as));
        }
    }

    fn filled(&self) -> Vec<(&'static str, usize, usize)> {
        vec![("sources", self.sources.len(), self.config.keys_max)]
    }

    fn save(&self) -> Vec<u8> {
        state::save(&self.sources)
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), StateError> {
        self.sources = state::load(SPEC.analytic.uid, saved)?;
        Ok(())
    }
}

impl Source {
    fn finding(&mut self, flow: &Network, config: &Config, ping: bool, told_as: u32) -> Finding {
        let (vertical, horizontal) = (self.machines.most(), self.ports.most());
        let share = f64::from(self.failed) / f64::from((self.failed + self.worked).max(1));
        let mut reasons = vec![reason(
            "scan.failed",
            format!("{} of {} first contacts were refused or not answered", self.failed, self.failed + self.worked),
            &format!("about {:.0} % fail", (1.0 - config.works_usual) * 100.0),
            format!("{:.0} %", share * 100.0),
            2.0 + (self.walk - config.bound).min(4.0) / 2.0,
        )];
        if vertical as usize >= config.targets_min {
            reasons.push(reason(
                "scan.ports",
                format!("{vertical} ports of one machine were tried in vain"),
                "a few",
                vertical.to_string(),
                f64::from(vertical / 20).min(2.0) + 0.5,
            ));
        }
        if horizontal as usize >= config.targets_min {
            let what = if ping { "answered no echo".to_owned() } else { format!("refused or ignored port {}", flow.server_port) };
            let text = format!("{horizontal} machines {what}");
            reasons.push(reason("scan.machines", text, "a few", horizontal.to_string(), f64::from(horizontal / 20).min(2.0) + 0.5));
        }
        let odds: f64 = reasons.iter().map(|r| f64::from(r.push)).sum::<f64>() - 2.0;
        let client = flow.client.map(Entity::address);
        let actor = client.as_ref().map(|e| e.name.clone()).unwrap_or_default();
        let mut finding = self.campaign.tell(&SPEC.analytic, &actor, told_as).explained(Score::new(logistic(odds)), reasons);
        finding.severity = if flow.client.is_some_and(event::network::is_internal) { Severity::Medium } else { Severity::Low };
        finding.title = match told_as {
            1 => "Port scan of a machine",
            2 => "Scan for machines",
            _ => "Scan of many machines and ports",
        }
        .to_owned();
        let took = time_shown(finding.last_seen.since_s(finding.first_seen));
        let parts: Vec<&str> = finding.reasons.iter().map(|r| r.text.as_str()).collect();
        finding.text = format!("{actor} in {took}: {}", parts.join("; "));
        finding.would_change = format!("{} contacts that work would take it back", (self.walk / 1.386).ceil());
        finding.techniques.retain(|t| if *t == attack::REMOTE_SYSTEM_DISCOVERY { told_as & 2 != 0 } else { told_as & 1 != 0 || !ping });
        finding.entities = client.into_iter().chain((told_as & 1 != 0).then(|| flow.server.map(Entity::address)).flatten()).collect();
        finding
    }
}

#[cfg(test)]
mod tests;
