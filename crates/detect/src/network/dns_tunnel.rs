//! DNS tunnel: a client that carries data in the names it asks for, or gets it in the answers.
//!
//! Reads:      dns_activity (4003).  Keyed by: client + registered domain.
//! Evidence:   different names below the domain, their length and entropy, bytes hidden in them, share of record types that carry data (TXT,
//!             NULL, CNAME, MX, ..), bytes that came back.
//! Score:      0..1, logistic of these; >= 0.5 becomes a finding.   ATT&CK: T1071.004, T1048.
//! State:      256 name hashes and a few sums a key, at most `keys_max` keys, dropped after `idle_s`.   Cost: length of the name.
//! Mistaken by: reputation look-ups (answered with 127/8 or with "no such name", names of one length), content networks (short random
//!             names, asked again and again), address look-ups backwards (left out).
//! Method:     Born and Gustafson, Detecting DNS tunnels using character frequency analysis, 2010; volume per domain as in Farnham, SANS 2013.

use std::net::IpAddr;

use event::analytic::AnalyticKind;
use event::{Analytic, Body, Dns, Entity, EntityKind, Event, Finding, Score, Severity, attack};
use learn::baseline::table::Table;
use serde::{Deserialize, Serialize};

use super::{bytes_shown, reason, registrable};
use crate::campaign::{Campaign, Distinct, key, logistic};
use crate::{Detector, Scope, Seen, Spec, StateError, state};

pub const SPEC: Spec = Spec {
    analytic: Analytic {
        uid: "network.dns_tunnel",
        name: "DNS tunnel",
        version: "1.0",
        kind: AnalyticKind::Statistical,
        techniques: &[attack::DNS_CHANNEL, attack::EXFILTRATION_ALTERNATIVE],
    },
    scope: Scope::Entity(EntityKind::Address),
    header: "A client that asks for many long, random names below one domain: data travels in them. Mistaken by: look-ups of reputation \
             services that put hashes into names.",
    build: |knowledge| Box::new(Tunnel::new(knowledge.config.network.dns_tunnel.clone())),
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Different names below the domain before anything is said.
    pub names_min: u64,
    pub idle_s: i64,
    pub keys_max: usize,
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config { names_min: 25, idle_s: 6 * 3600, keys_max: 50_000, seed: 0x6e64_6e73 }
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Pair {
    campaign: Campaign,
    names: Distinct,
    unique: u64,
    queries: u64,
    /// Over the different names: characters below the domain, bits of entropy a character.
    characters: u64,
    entropy: f64,
    /// Queries for records that carry data, and bytes of such answers.
    carrying: u64,
    answered_bytes: u64,
    /// Answers of a reputation service: an address in 127/8, or that there is no such name.
    reputation: u64,
    missing: u64,
}

struct Tunnel {
    config: Config,
    pairs: Table<Pair>,
}

impl Tunnel {
    fn new(config: Config) -> Tunnel {
        let pairs = Table::new(config.keys_max, config.idle_s.saturating_mul(1_000_000), config.seed);
        Tunnel { config, pairs }
    }
}

/// Different names before those that never exist are taken for a channel outward.
const MISSING_NAMES_MIN: u64 = 60;
/// Shorter names than this, in characters, carry nothing unless records for data are asked for.
const SHORT_NAMES: f64 = 25.0;
/// Below these, names are made of addresses or services by design.
const BY_DESIGN: [&str; 4] = [".in-addr.arpa", ".ip6.arpa", ".local", ".home.arpa"];

impl Detector for Tunnel {
    fn detect(&mut self, event: &Event, _seen: &Seen, out: &mut Vec<Finding>) {
        let Body::Dns(dns) = &event.body else { return };
        let Some(client) = dns.client.filter(|_| !BY_DESIGN.iter().any(|end| dns.name.ends_with(end))) else { return };
        let Some((domain, below)) = registrable(&dns.name).filter(|(_, below)| !below.is_empty()) else { return };
        let now = event.meta.time;
        let pair = self.pairs.entry(state::mix(state::address_key(client) ^ key(domain.as_bytes())), now.us(), |p| p.unique as u32);
        if pair.campaign.begin_if_idle(now, self.config.idle_s) {
            let campaign = std::mem::take(&mut pair.campaign);
            *pair = Pair { campaign, ..Pair::default() };
        }
        pair.count(dns, below);
        pair.campaign.add(event, 1);
        if pair.unique >= self.config.names_min && pair.campaign.due(0) {
            out.extend(pair.judge(client, domain));
        }
    }

    fn filled(&self) -> Vec<(&'static str, usize, usize)> {
        vec![("pairs", self.pairs.len(), self.config.keys_max)]
    }

    fn save(&self) -> Vec<u8> {
        state::save(&self.pairs)
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), StateError> {
        self.pairs = state::load(SPEC.analytic.uid, saved)?;
        Ok(())
    }
}

/// Bits a character.
fn entropy(text: &str) -> f64 {
    let mut counts = [0u32; 256];
    text.bytes().for_each(|b| counts[usize::from(b)] += 1);
    let n = text.len().max(1) as f64;
    counts.iter().filter(|c| **c > 0).map(|c| f64::from(*c) / n).map(|p| -p * p.log2()).sum()
}

impl Pair {
    fn count(&mut self, dns: &Dns, below: &str) {
        self.queries += 1;
        if self.names.insert(key(below.as_bytes())) {
            self.unique += 1;
            let letters: String = below.chars().filter(|c| *c != '.').collect();
            self.characters += letters.len() as u64;
            self.entropy += entropy(&letters);
        }
        let carries = matches!(dns.kind.as_str(), "TXT" | "NULL" | "CNAME" | "MX" | "SRV" | "KEY" | "NAPTR" | "HINFO" | "CAA")
            || dns.kind.starts_with("TYPE");
        self.carrying += u64::from(carries);
        self.missing += u64::from(dns.rcode == "NXDOMAIN");
        let loopback = |data: &str| matches!(data.parse::<IpAddr>(), Ok(ip) if ip.is_loopback());
        self.reputation += u64::from(dns.answers.iter().any(|a| loopback(&a.data)));
        if carries {
            self.answered_bytes += dns.answers.iter().map(|a| a.data.len() as u64).sum::<u64>();
        }
    }

    fn judge(&mut self, client: IpAddr, domain: &str) -> Option<Finding> {
        let unique = self.unique.max(1) as f64;
        let (length, bits) = (self.characters as f64 / unique, self.entropy / unique);
        let fresh = unique / self.queries.max(1) as f64;
        let carrying = self.carrying as f64 / self.queries.max(1) as f64;
        // Base32 carries five bits a character.
        let hidden = self.characters as f64 * 5.0 / 8.0;
        let mut reasons = vec![
            reason(
                "tunnel.length",
                format!("{} different names below {domain}, {length:.0} characters long", self.unique),
                "up to 15 characters",
                format!("{length:.0}"),
                ((length - 15.0) / 8.0).clamp(-2.0, 3.5),
            ),
            reason(
                "tunnel.entropy",
                format!("{bits:.1} bits a character"),
                "2 to 3 for words",
                format!("{bits:.1}"),
                ((bits - 3.0) * 1.5).clamp(-1.0, 1.5),
            ),
            reason(
                "tunnel.fresh",
                format!("{:.0} % of its questions are new", fresh * 100.0),
                "names are asked again",
                format!("{:.0} %", fresh * 100.0),
                ((fresh - 0.5) * 2.0).clamp(-1.5, 1.0),
            ),
            reason(
                "tunnel.bytes",
                format!("about {} in names, {} in answers", bytes_shown(hidden), bytes_shown(self.answered_bytes as f64)),
                "",
                bytes_shown(hidden),
                ((hidden + self.answered_bytes as f64) / 1_000.0).max(1.0).log2().min(2.5) * 0.6,
            ),
        ];
        if carrying >= 0.3 {
            let text = format!("{:.0} % ask for records that carry data", carrying * 100.0);
            reasons.push(reason("tunnel.records", text, "A and AAAA", format!("{:.0} %", carrying * 100.0), 1.2));
        }
        let reputation = self.reputation as f64 / self.queries.max(1) as f64;
        let missing = self.missing as f64 / self.queries.max(1) as f64;
        if carrying < 0.3 && reputation + missing >= 0.7 && reputation >= 0.01 {
            let text = format!("answers are those of a reputation service ({:.0} % in 127/8)", reputation * 100.0);
            reasons.push(reason("tunnel.reputation", text, "", String::new(), -5.0));
        }
        // Names that never exist may be a reputation service that has not listed anything yet: it shows with more of them.
        if missing >= 0.7 && carrying < 0.3 && reputation < 0.01 && self.unique < MISSING_NAMES_MIN {
            return None;
        }
        // Hosts of content networks have random names of this length.
        if carrying < 0.3 && length < SHORT_NAMES {
            return None;
        }
        let odds: f64 = reasons.iter().map(|r| f64::from(r.push)).sum::<f64>() - 2.5;
        if odds < 0.0 {
            return None;
        }
        let client = Entity::address(client);
        let mut finding = self.campaign.tell(&SPEC.analytic, &format!("{} {domain}", client.name), 0);
        finding = finding.explained(Score::new(logistic(odds)), reasons);
        finding.severity = if odds >= 1.5 { Severity::High } else { Severity::Medium };
        finding.title = format!("Data hidden in names below {domain}");
        let parts: Vec<&str> = finding.reasons.iter().filter(|r| r.push > 0.0).map(|r| r.text.as_str()).collect();
        finding.text = format!("{}: {}", client.name, parts.join("; "));
        finding.would_change = "shorter names, or names that are asked again".to_owned();
        finding.entities = vec![client, Entity::new(EntityKind::Domain, domain)];
        Some(finding)
    }
}

#[cfg(test)]
mod tests;
