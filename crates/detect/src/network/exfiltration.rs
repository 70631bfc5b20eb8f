//! Data carried out: a host that sends far more to one destination outside than it, or its neighbours, ever do; at once or day by day.
//!
//! Reads:      network_activity (4001).  Keyed by: source address + destination (registered domain, else the network around the address).
//! Evidence:   bytes out of a day to the destination against the usual day of the host, of the pair and of other hosts; share sent and not
//!             received; for slow ones the sum over days to a destination that came up after the host was known.
//! Score:      0..1, logistic of the logs of these ratios; >= 0.5 becomes a finding.   ATT&CK: T1048, T1041.
//! State:      14 days of sums a host and pair; at most `keys_max` of each.   Cost: O(14).
//! Mistaken by: a new backup target, the first upload of a large archive by its owner; yearly work.
//! Method:     ratio to the median of own days and of peers; cumulative sum (Page 1954) for what stays below every day's band.

use std::net::IpAddr;

use event::analytic::AnalyticKind;
use event::{Analytic, Body, Entity, EntityKind, Event, Finding, Network, Score, Severity, Text, attack};
use learn::baseline::table::Table;
use serde::{Deserialize, Serialize};

use super::{bytes_shown, quantile, reason, registrable, sorted};
use crate::campaign::{Campaign, Distinct, key, logistic};
use crate::{Detector, Scope, Seen, Spec, StateError, state};

pub const SPEC: Spec = Spec {
    analytic: Analytic {
        uid: "network.exfiltration",
        name: "Data carried out",
        version: "1.0",
        kind: AnalyticKind::Statistical,
        techniques: &[attack::EXFILTRATION_ALTERNATIVE, attack::EXFILTRATION_CHANNEL],
    },
    scope: Scope::Whole,
    header: "A host that sends far more to one destination outside than is usual for it and its neighbours, in a day or over weeks. Mistaken by: \
             a new backup target, a large first upload.",
    build: |knowledge| Box::new(Exfiltration::new(knowledge.config.network.exfiltration.clone())),
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Less in a day is never told.
    pub day_bytes_min: f64,
    /// A day's bytes to one destination against the usual day.
    pub ratio_min: f64,
    /// Without days of its own to compare with, a host must pass this many times what is usual among the others.
    pub peers_ratio_min: f64,
    /// Sent for each byte received.
    pub up_ratio_min: f64,
    /// Days known before a new destination means something, days that a slow one must last, and its bytes.
    pub known_days: i64,
    pub slow_days: u32,
    pub slow_bytes_min: f64,
    pub keys_max: usize,
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            day_bytes_min: 100e6,
            ratio_min: 3.0,
            peers_ratio_min: 10.0,
            up_ratio_min: 3.0,
            known_days: 3,
            slow_days: 6,
            slow_bytes_min: 20e6,
            keys_max: 50_000,
            seed: 0x6e65_7866,
        }
    }
}

const DAYS_MAX: usize = 14;
const DAY_S: i64 = 86_400;
/// Days of its own that a host or pair is judged by.
const DAYS_MIN: usize = 3;

/// Bytes out by day: today's, and those of the days before.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Days {
    first: i64,
    today: i64,
    out: f64,
    past: Vec<f32>,
}

impl Days {
    fn add(&mut self, day: i64, bytes: f64) {
        if self.first == 0 {
            (self.first, self.today) = (day, day);
        }
        if day > self.today {
            if self.past.len() == DAYS_MAX {
                self.past.remove(0);
            }
            self.past.push(self.out as f32);
            (self.today, self.out) = (day, 0.0);
        }
        self.out += bytes;
    }

    /// Median of the days before, when there are enough.
    fn usual(&self) -> Option<f64> {
        (self.past.len() >= DAYS_MIN).then(|| quantile(&sorted(self.past.iter().map(|b| f64::from(*b))), 0.5))
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Host {
    days: Days,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Pair {
    campaign: Campaign,
    days: Days,
    into: f64,
    /// Since it began.
    total_out: f64,
    total_in: f64,
    days_used: u32,
    /// The host was known before it ever spoke to this destination.
    is_new: bool,
}

#[derive(Serialize, Deserialize)]
struct Held {
    hosts: Table<Host>,
    pairs: Table<Pair>,
    /// Hosts by destination.
    known_by: Table<Distinct>,
    /// What hosts send on a usual day, latest first; a bounded sample.
    peers: Vec<f32>,
    /// When watching began: who was there already has no days to be compared with yet, only a life that nobody saw.
    first_day: i64,
}

struct Exfiltration {
    config: Config,
    held: Held,
}

const PEERS_MAX: usize = 512;

impl Exfiltration {
    fn new(config: Config) -> Exfiltration {
        let table = |salt| config.seed ^ salt;
        let idle_us = 30 * DAY_S * 1_000_000;
        let held = Held {
            hosts: Table::new(config.keys_max, idle_us, table(1)),
            pairs: Table::new(config.keys_max, idle_us, table(2)),
            known_by: Table::new(config.keys_max, idle_us, table(3)),
            peers: Vec::new(),
            first_day: 0,
        };
        Exfiltration { config, held }
    }
}

/// Who owns the other end, as far as the flow says.
fn owner(flow: &Network, server: IpAddr) -> Text {
    if let Some((domain, _)) = registrable(&flow.server_name) {
        return domain.into();
    }
    match server.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            format!("{a}.{b}.{c}.0/24").into()
        }
        IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}::/48").into()
        }
    }
}

impl Detector for Exfiltration {
    fn detect(&mut self, event: &Event, _seen: &Seen, out: &mut Vec<Finding>) {
        let Body::Network(flow) = &event.body else { return };
        let (Some(client), Some(server)) = (flow.client, flow.server) else { return };
        // Answers to visitors from outside are what a server is for.
        if event::network::is_internal(server) || !event::network::is_internal(client) || server.is_multicast() {
            return;
        }
        let (now, day) = (event.meta.time, event.meta.time.s().div_euclid(DAY_S));
        let owner = owner(flow, server);
        let (host_key, owner_key) = (state::address_key(client), key(owner.as_bytes()));
        if self.held.first_day == 0 {
            self.held.first_day = day;
        }
        let host = self.held.hosts.entry(host_key, now.us(), |h| h.days.past.len() as u32);
        let ended = (day > host.days.today && host.days.first != 0).then_some(host.days.out as f32);
        host.days.add(day, flow.bytes_out as f64);
        let host_days = host.days.clone();
        if let Some(bytes) = ended {
            if self.held.peers.len() == PEERS_MAX {
                self.held.peers.remove(0);
            }
            self.held.peers.push(bytes);
        }
        let known_by = self.held.known_by.entry(owner_key, now.us(), |d| d.len() as u32);
        known_by.insert(host_key);
        let hosts = known_by.len();
        let pair = self.held.pairs.entry(state::mix(host_key ^ owner_key.rotate_left(7)), now.us(), |p| p.days.past.len() as u32);
        if pair.campaign.count == 0 {
            pair.campaign.begin_if_idle(now, 0);
            pair.is_new = day - host_days.first >= self.config.known_days;
        }
        if day > pair.days.today || pair.days_used == 0 {
            pair.days_used += 1;
            pair.into = 0.0;
        }
        pair.days.add(day, flow.bytes_out as f64);
        (pair.into, pair.total_in) = (pair.into + flow.bytes_in as f64, pair.total_in + flow.bytes_in as f64);
        pair.total_out += flow.bytes_out as f64;
        pair.campaign.add(event, 1);
        let came_later = host_days.first > self.held.first_day;
        let peers = if came_later { self.held.peers.as_slice() } else { &[] };
        let judged = pair.at_once(&host_days, peers, hosts, &self.config).or_else(|| pair.slowly(hosts, &self.config));
        if let Some((told_as, title, reasons)) = judged.filter(|(told_as, ..)| pair.campaign.due(*told_as)) {
            let odds: f64 = reasons.iter().map(|r| f64::from(r.push)).sum::<f64>() - 1.0;
            if odds >= 0.0 {
                out.push(pair.finding(flow, &owner, title, told_as, odds, reasons));
            }
        }
    }

    fn filled(&self) -> Vec<(&'static str, usize, usize)> {
        vec![
            ("hosts", self.held.hosts.len(), self.config.keys_max),
            ("pairs", self.held.pairs.len(), self.config.keys_max),
            ("known_by", self.held.known_by.len(), self.config.keys_max),
        ]
    }

    fn save(&self) -> Vec<u8> {
        state::save(&self.held)
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), StateError> {
        self.held = state::load(SPEC.analytic.uid, saved)?;
        Ok(())
    }
}

type Judged = (u32, &'static str, Vec<event::finding::Reason>);

impl Pair {
    /// Today against usual days.
    fn at_once(&self, host: &Days, peers: &[f32], hosts: usize, config: &Config) -> Option<Judged> {
        let today = self.days.out;
        let up = today / self.into.max(1.0);
        if today < config.day_bytes_min || up < config.up_ratio_min {
            return None;
        }
        // What the pair does on other days is usual, whatever the host does else: a backup.
        let own = match (self.days.usual(), host.usual()) {
            (Some(pair), Some(host)) => Some(pair.max(host)),
            (pair, host) => pair.or(host),
        };
        let others = (peers.len() >= 5).then(|| quantile(&sorted(peers.iter().map(|b| f64::from(*b))), 0.5));
        let (usual, ratio, bound, words) = match (own, others) {
            (Some(own), _) => (own, today / own.max(1e6), config.ratio_min, "on a usual day of its own"),
            (None, Some(others)) => (others, today / others.max(1e6), config.peers_ratio_min, "on a usual day of other hosts"),
            (None, None) => return None,
        };
        if ratio < bound {
            return None;
        }
        let mut reasons = vec![
            reason(
                "exfiltration.day",
                format!("{} sent in a day, {ratio:.1} times the {} {words}", bytes_shown(today), bytes_shown(usual)),
                &bytes_shown(usual),
                bytes_shown(today),
                0.6 + (ratio / bound).ln().min(2.0),
            ),
            reason(
                "exfiltration.up",
                format!("{:.0} bytes sent for each received", up.min(9_999.0)),
                "fewer sent than received",
                format!("{up:.0}"),
                up.ln().min(3.0) * 0.4,
            ),
        ];
        if hosts <= 2 {
            reasons.push(reason("exfiltration.rare", format!("{hosts} hosts send there"), "", hosts.to_string(), 0.6));
        }
        if self.is_new && self.days_used <= 2 {
            reasons.push(reason("exfiltration.new", "the destination is new for this host".into(), "", String::new(), 0.8));
        }
        Some((1, "Far more data sent out than usual", reasons))
    }

    /// The sum over days to a destination that came up later.
    fn slowly(&self, hosts: usize, config: &Config) -> Option<Judged> {
        let up = self.total_out / self.total_in.max(1.0);
        let slow = self.is_new && self.days_used >= config.slow_days && self.total_out >= config.slow_bytes_min;
        // A name that several hosts use is a service, not a hiding place.
        if !slow || up < 2.0 * config.up_ratio_min || hosts > 2 {
            return None;
        }
        let reasons = vec![
            reason(
                "exfiltration.slow",
                format!("{} in {} days, never received a {:.0}th of it", bytes_shown(self.total_out), self.days_used, up.min(999.0)),
                "",
                bytes_shown(self.total_out),
                0.8 + (self.total_out / config.slow_bytes_min).ln().min(1.5),
            ),
            reason("exfiltration.new", "the destination came up after the host was known".into(), "", String::new(), 0.6),
            reason("exfiltration.rare", format!("{hosts} hosts send there"), "", hosts.to_string(), 0.4),
        ];
        Some((2, "Data sent out little by little", reasons))
    }

    fn finding(
        &mut self,
        flow: &Network,
        owner: &str,
        title: &str,
        told_as: u32,
        odds: f64,
        reasons: Vec<event::finding::Reason>,
    ) -> Finding {
        let client = flow.client.map(Entity::address);
        let actor = client.as_ref().map(|e| e.name.clone()).unwrap_or_default();
        let mut finding = self.campaign.tell(&SPEC.analytic, &format!("{actor} {owner}"), told_as);
        finding = finding.explained(Score::new(logistic(odds)), reasons);
        finding.severity = if odds >= 1.0 { Severity::High } else { Severity::Medium };
        finding.title = title.to_owned();
        let parts: Vec<&str> = finding.reasons.iter().map(|r| r.text.as_str()).collect();
        finding.text = format!("{actor} to {owner}: {}", parts.join("; "));
        finding.would_change = "a destination that it sends as much to on other days, or that other hosts use".to_owned();
        let domain = (!flow.server_name.is_empty()).then(|| Entity::new(EntityKind::Domain, owner));
        finding.entities = client.into_iter().chain(domain).chain(flow.server.map(Entity::address)).collect();
        finding
    }
}

#[cfg(test)]
mod tests;
