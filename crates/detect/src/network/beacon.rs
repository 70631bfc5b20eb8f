//! Beaconing: a host that calls one destination outside at regular intervals.
//!
//! Reads:      network_activity (4001), http_activity (4002) of captures and network sensors.  Keyed by: source address + destination (the
//!             server's name when one is known, else its address and port).
//! Evidence:   regularity of the last 9..=128 gaps (median distance from the median, and how lopsided they are), regularity of sizes,
//!             how many other hosts talk to the destination, how long it has gone on.
//! Score:      0..1, logistic of these; what counts as regular grows with the number of gaps: ten exact beats or forty with half of jitter.
//!             >= 0.5 becomes a finding.   ATT&CK: T1071, T1573.
//! State:      128 gaps and 32 sizes of 4 bytes a pair, at most `keys_max` pairs, dropped after `idle_s`; 256 clients a destination.
//! Mistaken by: NTP, DHCP, DNS (left out by protocol), updates and telemetry (many hosts do it), polling between internal machines (left out).
//! Method:     Bowley skew and median absolute deviation of gaps, as in RITA; the bound grows with the sample as their sampling error falls.

use std::collections::VecDeque;

use event::analytic::AnalyticKind;
use event::{Analytic, Body, Entity, EntityKind, Event, Finding, Score, Severity, Text, Time, attack};
use learn::baseline::table::Table;
use serde::{Deserialize, Serialize};

use super::{bytes_shown, quantile, reason, sorted, spread, time_shown};
use crate::campaign::{Campaign, Distinct, key, logistic};
use crate::{Detector, Scope, Seen, Spec, StateError, state};

pub const SPEC: Spec = Spec {
    analytic: Analytic {
        uid: "network.beacon",
        name: "Beaconing",
        version: "1.0",
        kind: AnalyticKind::Statistical,
        techniques: &[attack::APPLICATION_LAYER_PROTOCOL, attack::ENCRYPTED_CHANNEL],
    },
    scope: Scope::Whole,
    header: "A host that calls one destination outside at regular intervals, which few others do. Mistaken by: an agent that only one host runs \
             (look at the destination's name and at when it began).",
    build: |knowledge| Box::new(Beacon::new(knowledge.config.network.beacon.clone())),
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Shorter gaps are one program's several connections.
    pub gap_min_s: f64,
    pub gap_max_s: f64,
    /// From so many clients in all, how many of them know a destination means something.
    pub clients_min: usize,
    /// Also look at destinations inside.
    pub internal: bool,
    pub idle_s: i64,
    pub keys_max: usize,
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            gap_min_s: 5.0,
            gap_max_s: 86_400.0,
            clients_min: 5,
            internal: false,
            idle_s: 7 * 86_400,
            keys_max: 50_000,
            seed: 0x6e62_6561,
        }
    }
}

/// Ten beats.
const GAPS_MIN: usize = 9;
const GAPS_MAX: usize = 128;
const SIZES_MAX: usize = 32;
/// Gaps at most this share of the usual one belong to the beat before.
const SAME_BEAT: f64 = 0.1;
/// Nine of ten gaps lie between these shares of the usual one.
const NEAR: (f64, f64) = (0.4, 1.75);
/// With fewer gaps than this, all of them do.
const FEW_GAPS: usize = 20;
/// Who asks for orders sends little.
const LARGE_BYTES: f64 = 256e3;
/// Spread of gaps that hardly vary.
const EVEN_SPREAD: f64 = 0.12;
/// Spoken regularly by design.
const REGULAR_PROTOCOLS: [&str; 9] = ["ntp", "dhcp", "dns", "ssdp", "netbios", "stun", "snmp", "syslog", "icmp"];

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Pair {
    campaign: Campaign,
    last: Time,
    gaps: VecDeque<f32>,
    sizes: VecDeque<f32>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Destination {
    clients: Distinct,
}

#[derive(Serialize, Deserialize)]
struct Held {
    pairs: Table<Pair>,
    destinations: Table<Destination>,
    clients: Distinct,
}

struct Beacon {
    config: Config,
    held: Held,
}

impl Beacon {
    fn new(config: Config) -> Beacon {
        let idle_us = config.idle_s.saturating_mul(1_000_000);
        let pairs = Table::new(config.keys_max, idle_us, config.seed);
        let destinations = Table::new(config.keys_max, idle_us, config.seed ^ 1);
        Beacon { config, held: Held { pairs, destinations, clients: Distinct::default() } }
    }
}

/// One call: who, whither, how much.
struct Call {
    client: std::net::IpAddr,
    name: Text,
    bytes: f32,
    server: Option<Entity>,
    named: bool,
}

fn call(event: &Event, config: &Config) -> Option<Call> {
    match &event.body {
        Body::Network(flow) => {
            let (client, server) = (flow.client?, flow.server?);
            let outside = config.internal || !event::network::is_internal(server);
            if !outside || REGULAR_PROTOCOLS.contains(&flow.protocol.as_str()) || flow.transport == "udp" && flow.server_port == 123 {
                return None;
            }
            let group = matches!(server, std::net::IpAddr::V4(v4) if v4.is_multicast() || v4.is_broadcast()) || server.is_multicast();
            let named = !flow.server_name.is_empty();
            let name = if named { flow.server_name.clone() } else { format!("{server}:{}", flow.server_port).into() };
            (!group).then(|| Call { client, name, bytes: flow.bytes_out as f32, server: Some(Entity::address(server)), named })
        }
        // An access log tells of one's own site, where callers are visitors.
        Body::Http(http) if !http.host.is_empty() && (event.meta.format == "pcap" || event.meta.format.starts_with("zeek")) => {
            let client = http.client?;
            let bytes = (http.target.len() as u64 + http.request_bytes.unwrap_or(0)) as f32;
            let inside = http.host.parse().is_ok_and(event::network::is_internal);
            (config.internal || !inside).then(|| Call {
                client,
                name: format!("http {}", http.host).into(),
                bytes,
                server: None,
                named: true,
            })
        }
        _ => None,
    }
}

impl Detector for Beacon {
    fn detect(&mut self, event: &Event, _seen: &Seen, out: &mut Vec<Finding>) {
        let Some(call) = call(event, &self.config) else { return };
        let now = event.meta.time;
        let (client, destination) = (state::address_key(call.client), key(call.name.as_bytes()));
        self.held.clients.insert(client);
        let known_by = &mut self.held.destinations.entry(destination, now.us(), |d| d.clients.len() as u32).clients;
        known_by.insert(client);
        let known_by = known_by.len();
        let pair = self.held.pairs.entry(state::mix(client ^ destination.rotate_left(1)), now.us(), |p| p.gaps.len() as u32);
        if pair.campaign.begin_if_idle(now, self.config.idle_s) {
            (pair.gaps, pair.sizes, pair.last) = (VecDeque::new(), VecDeque::new(), now);
            pair.campaign.add(event, 1);
            return;
        }
        let gap_s = now.since_s(pair.last);
        let (usual_s, _) = spread(&pair.gaps.iter().map(|g| f64::from(*g)).collect::<Vec<_>>());
        if gap_s < (usual_s * SAME_BEAT).max(1.0) {
            return;
        }
        pair.last = now;
        pair.campaign.add(event, 1);
        if pair.gaps.len() == GAPS_MAX {
            pair.gaps.pop_front();
        }
        pair.gaps.push_back(gap_s as f32);
        if pair.sizes.len() == SIZES_MAX {
            pair.sizes.pop_front();
        }
        pair.sizes.push_back(call.bytes);
        if pair.gaps.len() < GAPS_MIN || !pair.campaign.due(0) {
            return;
        }
        let prevalence = (known_by, self.held.clients.len());
        if let Some(finding) = pair.judge(&call, prevalence, &self.config) {
            out.push(finding);
        }
    }

    fn filled(&self) -> Vec<(&'static str, usize, usize)> {
        vec![("pairs", self.held.pairs.len(), self.config.keys_max), ("destinations", self.held.destinations.len(), self.config.keys_max)]
    }

    fn save(&self) -> Vec<u8> {
        state::save(&self.held)
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), StateError> {
        self.held = state::load(SPEC.analytic.uid, saved)?;
        Ok(())
    }
}

/// Spread of gaps that still counts as regular, by the number of gaps: random gaps (spread about 0.69) fall below it by chance about once in
/// ten thousand pairs.
fn spread_max(gaps: usize) -> f64 {
    const BOUNDS: [(f64, f64); 6] = [(9.0, 0.06), (14.0, 0.15), (20.0, 0.20), (39.0, 0.30), (64.0, 0.34), (128.0, 0.38)];
    let n = gaps as f64;
    let above = BOUNDS.iter().position(|(at, _)| *at >= n).unwrap_or(BOUNDS.len() - 1).max(1);
    let ((from, low), (to, high)) = (BOUNDS[above - 1], BOUNDS[above]);
    low + (high - low) * ((n - from) / (to - from)).clamp(0.0, 1.0)
}

impl Pair {
    fn judge(&mut self, call: &Call, prevalence: (usize, usize), config: &Config) -> Option<Finding> {
        let raw: Vec<f64> = self.gaps.iter().map(|g| f64::from(*g)).collect();
        let (middle, raw_spread) = spread(&raw);
        // A beat that was missed leaves a gap of two or three times the usual one; only an even beat can be seen to miss one.
        let gaps: Vec<f64> = raw
            .iter()
            .map(|gap| {
                let times = (gap / middle.max(1e-9)).round();
                if raw_spread <= EVEN_SPREAD && (2.0..=4.0).contains(&times) && (gap / times - middle).abs() <= 0.1 * middle {
                    gap / times
                } else {
                    *gap
                }
            })
            .collect();
        let (gap_s, gap_spread) = spread(&gaps);
        let bound = spread_max(gaps.len());
        // A program's gaps stay near the usual one even with half of jitter; a person's bursts and pauses do not.
        let away = gaps.iter().filter(|gap| !(NEAR.0 * gap_s..=NEAR.1 * gap_s).contains(*gap)).count();
        let away_max = if gaps.len() < FEW_GAPS { 0 } else { gaps.len() / 10 };
        if away > away_max {
            return None;
        }
        if gap_spread > bound || !(config.gap_min_s..=config.gap_max_s).contains(&gap_s) {
            return None;
        }
        let ordered = sorted(gaps.iter().copied());
        let (low, high) = (quantile(&ordered, 0.25), quantile(&ordered, 0.75));
        let skew = if high - low > 1e-3 * gap_s { (high + low - 2.0 * gap_s) / (high - low) } else { 0.0 };
        if gaps.len() >= 20 && skew.abs() > 0.5 {
            return None;
        }
        let sizes: Vec<f64> = self.sizes.iter().map(|s| f64::from(*s)).collect();
        let (size, size_spread) = spread(&sizes);
        let (hosts, of) = prevalence;
        let mut reasons = vec![
            reason(
                "beacon.gaps",
                format!("{} calls, median gap {}, spread {:.0} %", self.campaign.count, time_shown(gap_s), gap_spread * 100.0),
                "about 70 % for a person's visits",
                format!("{:.0} %", gap_spread * 100.0),
                1.2 + 1.8 * (1.0 - gap_spread / bound),
            ),
            reason(
                "beacon.count",
                format!("it has gone on for {}", time_shown(self.campaign.last.since_s(self.campaign.start))),
                "",
                self.campaign.count.to_string(),
                (gaps.len() as f64 / GAPS_MIN as f64).ln().min(1.5),
            ),
        ];
        let push = match size_spread {
            s if s <= 0.05 => 0.8,
            s if s <= 0.25 => 0.3,
            _ => -0.8,
        };
        if size >= LARGE_BYTES {
            reasons.push(reason(
                "beacon.large",
                format!("sends {} each time: an upload, not a call", bytes_shown(size)),
                "a few hundred bytes for a call home",
                bytes_shown(size),
                -4.0,
            ));
        }
        reasons.push(reason(
            "beacon.size",
            format!("sends {size:.0} bytes each time, spread {:.0} %", size_spread * 100.0),
            "",
            format!("{size:.0}"),
            push,
        ));
        if of >= config.clients_min {
            let share = hosts as f64 / of as f64;
            let push = if hosts <= 2.max(of / 50) {
                0.8
            } else if share >= 0.1 {
                -5.0
            } else {
                -1.0
            };
            reasons.push(reason(
                "beacon.rare",
                format!("{hosts} of {of} hosts talk to it"),
                "many for updates and telemetry",
                hosts.to_string(),
                push,
            ));
        }
        if !call.named {
            reasons.push(reason(
                "beacon.unnamed",
                "the destination is an address without a name".into(),
                "a name",
                call.name.to_string(),
                0.4,
            ));
        }
        let odds: f64 = reasons.iter().map(|r| f64::from(r.push)).sum::<f64>() - 1.5;
        if odds < 0.0 {
            return None;
        }
        let client = Entity::address(call.client);
        let name = call.name.strip_prefix("http ").unwrap_or(&call.name);
        let mut finding = self.campaign.tell(&SPEC.analytic, &format!("{} {}", client.name, call.name), 0);
        finding = finding.explained(Score::new(logistic(odds)), reasons);
        finding.severity = if odds >= 2.0 { Severity::Medium } else { Severity::Low };
        finding.title = format!("Regular calls to {name}");
        let parts: Vec<&str> = finding.reasons.iter().filter(|r| r.push > 0.0).map(|r| r.text.as_str()).collect();
        finding.text = format!("{} calls {name}: {}", client.name, parts.join("; "));
        finding.would_change = format!("a spread of gaps above {:.0} %, or other hosts that call it as well", bound * 100.0);
        let domain = (call.named && call.server.is_some()).then(|| Entity::new(EntityKind::Domain, name));
        finding.entities = std::iter::once(client).chain(domain).chain(call.server.clone()).collect();
        Some(finding)
    }
}

#[cfg(test)]
mod tests;
