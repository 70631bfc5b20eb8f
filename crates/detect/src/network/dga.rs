//! Generated names: a client that asks for many names that a program made up, most of which nobody registered.
//!
//! Reads:      dns_activity (4003) with a name that somebody registered; hosts below it are the business of their owner.  Keyed by: client.
//! Evidence:   different registered names that the model `dga` finds odd, their share of all that the client asked for, how many of them do not
//!             exist, how many ends (`com`, `net`, ..) they spread over.  Without the model: silent.
//! Score:      0..1, logistic of these; >= 0.5 becomes a finding.   ATT&CK: T1568.002.
//! State:      256 name hashes and a few sums a client, at most `keys_max` clients, dropped after `idle_s`.   Cost: a name is judged once.
//! Mistaken by: one odd name (evidence, not a finding), content networks (random hosts below one name), names in other scripts (not judged),
//!             crawlers and mail servers (odd names among thousands of plain ones), mistyped names (missing, but not odd).
//! Method:     names and missing answers together, as in Antonakakis et al., From throw-away traffic to bots, 2012.

use std::net::IpAddr;
use std::sync::Arc;

use event::analytic::AnalyticKind;
use event::finding::ModelScore;
use event::{Analytic, Body, Entity, EntityKind, Event, Finding, Score, Severity, attack};
use learn::NameModel;
use learn::baseline::table::Table;
use learn::names;
use serde::{Deserialize, Serialize};

use super::reason;
use crate::campaign::{Campaign, Distinct, key, logistic};
use crate::{Detector, Scope, Seen, Spec, StateError, state};

pub const SPEC: Spec = Spec {
    analytic: Analytic {
        uid: "network.dga",
        name: "Generated domain names",
        version: "1.0",
        kind: AnalyticKind::Learning,
        techniques: &[attack::DOMAIN_GENERATION],
    },
    scope: Scope::Entity(EntityKind::Address),
    header: "A client that asks for many different registered names that look made by a program, most of which do not exist. Mistaken by: \
             crawlers that follow names of any kind.",
    build: |knowledge| Box::new(Dga::new(knowledge.config.network.dga.clone(), knowledge.models.name_model("dga").cloned())),
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Different odd names before anything is said.
    pub names_min: u32,
    /// Least share of odd names among the different names of the client, when they exist.
    pub share_min: f64,
    /// A pause this long begins anew.
    pub idle_s: i64,
    pub keys_max: usize,
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config { names_min: 6, share_min: 0.05, idle_s: 6 * 3600, keys_max: 50_000, seed: 0x6e64_6761 }
    }
}

/// Share of honest names that reach the model's threshold.
const USUAL_SHARE: f64 = 0.0005;
/// Odd names that are named in the finding.
const SHOWN: usize = 5;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Client {
    campaign: Campaign,
    names: Distinct,
    ends: Distinct,
    unique: u32,
    odd: u32,
    odd_missing: u32,
    missing: u32,
    /// The oddest names and their scores.
    worst: Vec<(String, f32)>,
}

struct Dga {
    config: Config,
    model: Option<Arc<NameModel>>,
    clients: Table<Client>,
}

impl Dga {
    fn new(config: Config, model: Option<Arc<NameModel>>) -> Dga {
        let clients = Table::new(config.keys_max, config.idle_s.saturating_mul(1_000_000), config.seed);
        Dga { config, model, clients }
    }
}

impl Detector for Dga {
    fn detect(&mut self, event: &Event, _seen: &Seen, out: &mut Vec<Finding>) {
        let (Body::Dns(dns), Some(model)) = (&event.body, &self.model) else { return };
        let Some(ip) = dns.client else { return };
        let Some(label) = names::label(&dns.name) else { return };
        let now = event.meta.time;
        let client = self.clients.entry(state::address_key(ip), now.us(), |c| c.odd);
        if client.campaign.begin_if_idle(now, self.config.idle_s) || client.names.len() == Distinct::KEYS_MAX {
            // A full set cannot tell new names from old ones: it begins anew, what was told stays told.
            let (campaign, worst) = (std::mem::take(&mut client.campaign), std::mem::take(&mut client.worst));
            *client = Client { worst: if campaign.count == 0 { Vec::new() } else { worst }, campaign, ..Client::default() };
        }
        if !client.names.insert(key(label.as_bytes())) {
            return;
        }
        let missing = dns.rcode == "NXDOMAIN";
        client.unique += 1;
        client.missing += u32::from(missing);
        let score = model.score(&label);
        if score < model.thresholds().alert {
            return;
        }
        client.odd += 1;
        client.odd_missing += u32::from(missing);
        client.ends.insert(key(dns.name.trim_end_matches('.').rsplit('.').next().unwrap_or_default().as_bytes()));
        client.campaign.add(event, 1);
        let name: String = dns.name.trim_end_matches('.').chars().take(80).collect();
        client.worst.push((name, score));
        client.worst.sort_by(|a, b| b.1.total_cmp(&a.1));
        client.worst.truncate(SHOWN);
        if client.odd >= self.config.names_min && client.campaign.due(0) {
            out.extend(client.judge(ip, model, &self.config));
        }
    }

    fn filled(&self) -> Vec<(&'static str, usize, usize)> {
        vec![("clients", self.clients.len(), self.config.keys_max)]
    }

    fn save(&self) -> Vec<u8> {
        state::save(&self.clients)
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), StateError> {
        self.clients = state::load(SPEC.analytic.uid, saved)?;
        Ok(())
    }
}

impl Client {
    fn judge(&mut self, ip: IpAddr, model: &NameModel, config: &Config) -> Option<Finding> {
        let (odd, unique) = (f64::from(self.odd), f64::from(self.unique.max(1)));
        let (share, gone) = (odd / unique, f64::from(self.odd_missing) / odd.max(1.0));
        // A crawler meets odd names one in two thousand; only a client whose odd names do not exist may hide them among many others.
        if share < config.share_min && (gone < 0.8 || share < 10.0 * USUAL_SHARE) {
            return None;
        }
        let shown: Vec<&str> = self.worst.iter().map(|(name, _)| name.as_str()).collect();
        let mut reasons = vec![
            reason(
                "dga.names",
                format!("{} of {} different names look generated: {}", self.odd, self.unique, shown.join(", ")),
                "1 in 2,000",
                format!("{:.0} %", share * 100.0),
                ((share / USUAL_SHARE).max(1.0).ln() * 0.4 + (odd / f64::from(config.names_min)).max(1.0).log2() * 0.6).min(4.5),
            ),
            reason(
                "dga.missing",
                format!("{} of them do not exist", self.odd_missing),
                "most names that are asked for exist",
                format!("{:.0} %", gone * 100.0),
                (gone - 0.5) * 4.0,
            ),
        ];
        if self.ends.len() >= 3 {
            let text = format!("they spread over {} ends", self.ends.len());
            reasons.push(reason("dga.ends", text, "1 or 2", self.ends.len().to_string(), (self.ends.len() as f64).log2().min(2.5) * 0.3));
        }
        if let Some((name, _)) = self.worst.first() {
            reasons.extend(why(name, model));
        }
        let odds: f64 = reasons.iter().filter(|r| r.code != "dga.letters").map(|r| f64::from(r.push)).sum::<f64>() - 3.0;
        if odds < 0.0 {
            return None;
        }
        let client = Entity::address(ip);
        let mut finding = self.campaign.tell(&SPEC.analytic, &client.name, 0).explained(Score::new(logistic(odds)), reasons);
        finding.severity = if odds >= 2.0 { Severity::High } else { Severity::Medium };
        finding.title = format!("{} looks for its controller under made-up names", client.name);
        finding.text = format!(
            "{} asked for {} different names that look generated ({}); {} of them do not exist",
            client.name,
            self.odd,
            shown.join(", "),
            self.odd_missing
        );
        finding.would_change = "names that exist, or names of words that somebody would choose".to_owned();
        let score = self.worst.first().map_or(0.0, |(_, score)| *score);
        finding.models = vec![ModelScore { name: model.name().into(), version: model.version().into(), score }];
        finding.entities = std::iter::once(client)
            .chain(
                self.worst
                    .iter()
                    .filter_map(|(name, _)| super::registrable(name))
                    .map(|(domain, _)| Entity::new(EntityKind::Domain, domain)),
            )
            .collect();
        Some(finding)
    }
}

/// What makes the oddest name odd.
fn why(name: &str, model: &NameModel) -> Option<event::finding::Reason> {
    let label = names::label(name)?;
    let (values, pushes) = (model.features(&label), model.explain(&label).pushes);
    let (at, push) = pushes.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
    let feature = names::FEATURES.get(at)?;
    let text = format!("most of all in {label}: {} of {:.1} ({})", feature.name.replace('_', " "), values.get(at)?, feature.unit);
    Some(reason("dga.letters", text, "", format!("{:.1}", values.get(at)?), f64::from(*push)))
}

#[cfg(test)]
mod tests;
