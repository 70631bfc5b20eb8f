//! Scanner: an address that asks for what is not there, for what should not be, or in the name of an attack tool.
//!
//! Reads:      http_activity (4002), access logs and gateway.  Keyed by: source address.
//! Evidence:   distinct sensitive paths, distinct missing paths and their share, attack classes tried, a tool's name as user agent;
//!             a sensitive file that was answered with 200.
//! Score:      0..1, logistic sum of these; >= 0.5 becomes a finding, low or medium; high when a sensitive file was given out.
//!             ATT&CK: T1595.002, T1595.003.
//! State:      at most 256 path hashes of each kind per source, at most `keys_max` sources.   Cost: rules over path, query and agent.
//! Mistaken by: crawlers (they read pages that exist), a page with a broken picture (one missing path), uptime monitors (one path).
//! Method:     share of distinct misses, as in portscan detection by failed first contacts.

use event::analytic::AnalyticKind;
use event::finding::Reason;
use event::{Analytic, Body, EntityKind, Event, Finding, Http, Score, Severity, Text, attack};
use learn::baseline::table::Table;
use serde::{Deserialize, Serialize};

use crate::campaign::{Campaign, Distinct, key, logistic};
use crate::{Detector, Scope, Seen, Spec, StateError, state};

pub const SPEC: Spec = Spec {
    analytic: Analytic {
        uid: "web.scanner",
        name: "Web scanner",
        version: "1.0",
        kind: AnalyticKind::Behavioral,
        techniques: &[attack::VULNERABILITY_SCANNING, attack::WORDLIST_SCANNING],
    },
    scope: Scope::Entity(EntityKind::Address),
    header: "An address that asks for many things that are not there, for files that should not be, or in the name of an attack tool. Low or medium; \
             high when a sensitive file was given out. Mistaken by: crawlers after a site has moved, security scanners of one's own.",
    build: |knowledge| Box::new(Scanner::new(knowledge.config.scanner.clone())),
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Distinct missing paths that count as one unit of evidence.
    pub missing_unit: f64,
    /// Below this share of misses among all requests, misses are no evidence.
    pub missing_share_min: f64,
    /// A pause this long ends a scan.
    pub idle_s: i64,
    pub keys_max: usize,
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config { missing_unit: 10.0, missing_share_min: 0.4, idle_s: 3600, keys_max: 20_000, seed: 0x7363_616e }
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Source {
    campaign: Campaign,
    requests: u64,
    missed: u64,
    missing: Distinct,
    sensitive: Distinct,
    sensitive_names: Vec<Text>,
    classes: Vec<Text>,
    tool: Text,
    /// A sensitive file that was answered with content.
    given: Text,
}

struct Scanner {
    config: Config,
    sources: Table<Source>,
}

const NAMES_SHOWN: usize = 5;
const CLASSES_MAX: usize = 24;
/// Misses before a 200 for a sensitive path means something: some sites answer 200 to everything.
const MISSES_BEFORE_GIVEN: u64 = 3;

impl Scanner {
    fn new(config: Config) -> Scanner {
        let sources = Table::new(config.keys_max, config.idle_s.saturating_mul(24_000_000), config.seed);
        Scanner { config, sources }
    }
}

impl Detector for Scanner {
    fn detect(&mut self, event: &Event, seen: &Seen, out: &mut Vec<Finding>) {
        let Body::Http(http) = &event.body else { return };
        let Some(client) = http.client else { return };
        let now = event.meta.time;
        let source = self.sources.entry(state::address_key(client), now.us(), |s| (s.missing.len() + s.sensitive.len() * 8) as u32);
        if source.campaign.count == 0 && source.requests == 0 || now.since_s(source.campaign.last) > self.config.idle_s as f64 {
            *source = Source::default();
            source.campaign.begin_if_idle(now, 0);
        }
        source.requests += 1;
        source.campaign.last = source.campaign.last.max(now);
        let path = key(http.path().as_bytes());
        let mut suspicious = false;
        if matches!(http.status, Some(400 | 403 | 404 | 405 | 410 | 501)) {
            source.missed += 1;
            suspicious |= source.missing.insert(path);
        }
        for rule in &seen.rules {
            suspicious = true;
            for tag in &rule.tags {
                match tag.as_str() {
                    "scanner" if source.tool.is_empty() => source.tool = rule.matched.as_str().into(),
                    "sensitive-file" => {
                        if source.sensitive.insert(path) && source.sensitive_names.len() < NAMES_SHOWN {
                            source.sensitive_names.push(http.path().chars().take(80).collect());
                        }
                        let served = http.status == Some(200) && http.response_bytes.is_some_and(|b| b > 0);
                        if served && rule.severity >= Severity::High && source.missed >= MISSES_BEFORE_GIVEN && source.given.is_empty() {
                            source.given = http.path().chars().take(80).collect();
                        }
                    }
                    class
                        if class.starts_with("attack-")
                            && source.classes.len() < CLASSES_MAX
                            && !source.classes.iter().any(|c| c == class) =>
                    {
                        source.classes.push(class.into());
                    }
                    _ => {}
                }
            }
        }
        if !suspicious {
            return;
        }
        source.campaign.add(event, 1);
        let reasons = source.reasons(&self.config);
        let odds: f64 = reasons.iter().map(|r| f64::from(r.push)).sum::<f64>() - 3.0;
        let told_as = source.classes.len() as u32 / 3 + 16 * u32::from(!source.given.is_empty());
        if odds >= 0.0 && source.campaign.due(told_as) {
            out.push(source.finding(http, odds, reasons, told_as));
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
    fn reasons(&self, config: &Config) -> Vec<Reason> {
        let mut all = Vec::new();
        let mut add = |code: &str, text: String, usual: &str, now: String, push: f64| {
            all.push(Reason { code: code.into(), text, usual: usual.to_owned(), now, push: push as f32 });
        };
        if self.sensitive.len() > 0 {
            let n = self.sensitive.len();
            add(
                "scan.sensitive",
                format!("asked for {n} files that hold secrets or are no pages: {}", self.sensitive_names.join(", ")),
                "0",
                n.to_string(),
                (n as f64).min(5.0),
            );
        }
        let share = self.missed as f64 / self.requests.max(1) as f64;
        let missing = self.missing.len();
        if missing >= 5 && share >= config.missing_share_min {
            let text = format!("{missing} different paths that do not exist, {:.0} % of its {} requests", share * 100.0, self.requests);
            add("scan.missing", text, "a few", missing.to_string(), (missing as f64 / config.missing_unit.max(1.0)).min(5.0));
        }
        if !self.classes.is_empty() {
            let text = format!("tried {} kinds of attack: {}", self.classes.len(), self.classes.join(", ").replace("attack-", ""));
            add("scan.attacks", text, "0", self.classes.len().to_string(), self.classes.len().min(4) as f64);
        }
        if !self.tool.is_empty() {
            add("scan.tool", format!("calls itself {}", self.tool), "a browser", self.tool.to_string(), 3.0);
        }
        if !self.given.is_empty() {
            add("scan.given", format!("{} was answered with content", self.given), "not found", "200".to_owned(), 3.0);
        }
        all
    }

    fn finding(&mut self, http: &Http, odds: f64, reasons: Vec<Reason>, told_as: u32) -> Finding {
        let entities = super::request::entities(http);
        let actor = entities.first().map(|e| e.name.clone()).unwrap_or_default();
        let strongest = reasons.iter().map(|r| f64::from(r.push)).fold(0.0, f64::max);
        let mut finding = self.campaign.tell(&SPEC.analytic, &actor, told_as);
        finding = finding.explained(Score::new(logistic(odds)), reasons);
        finding.succeeded = !self.given.is_empty();
        finding.severity = match (finding.succeeded, self.classes.len(), self.sensitive.len()) {
            (true, ..) => Severity::High,
            (false, 3.., _) | (false, _, 10..) => Severity::Medium,
            _ => Severity::Low,
        };
        finding.title = if finding.succeeded { "Scan that found a sensitive file".to_owned() } else { "Web scan".to_owned() };
        let parts: Vec<&str> = finding.reasons.iter().map(|r| r.text.as_str()).collect();
        finding.text = format!("{actor} {}", parts.join("; "));
        finding.would_change = format!("without the strongest reason {:.2}", logistic(odds - strongest));
        let words = self.missing.len() >= 20 || self.sensitive.len() > 0;
        finding.techniques.retain(|t| *t != attack::WORDLIST_SCANNING || words);
        finding.entities = entities;
        finding
    }
}

#[cfg(test)]
mod tests;
