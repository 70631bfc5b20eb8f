//! Data taken after an attack: an address whose attack requests are answered with far more bytes than that page usually has.
//!
//! Reads:      http_activity (4002) with status and response size.  Keyed by: source address.
//! Evidence:   an answer 200 to a request with attack text; its size against what other requests to that path get, or against the
//!             answers to this address's earlier attacks; the sum of bytes.
//! Score:      0..1, logistic over the log of the ratio.   ATT&CK: T1190, T1213, T1567.   High, critical from 20 times and 100 kB.
//! State:      mean size per path, bytes per source; at most `keys_max` each.   Cost: rules over the target of each request.
//! Mistaken by: a search page that answers odd words with everything it has.
//! Method:     ratio to the running mean of the same path.

use event::analytic::AnalyticKind;
use event::finding::Reason;
use event::{Analytic, Body, Event, Finding, Http, Score, Severity, attack};
use learn::baseline::table::Table;
use serde::{Deserialize, Serialize};

use crate::campaign::{Campaign, key, logistic};
use crate::{Detector, Scope, Seen, Spec, StateError, state};

pub const SPEC: Spec = Spec {
    analytic: Analytic {
        uid: "web.exfiltration",
        name: "Data taken after an attack",
        version: "1.0",
        kind: AnalyticKind::Behavioral,
        techniques: &[attack::EXPLOIT_PUBLIC, attack::DATA_FROM_REPOSITORY, attack::EXFILTRATION_WEB],
    },
    scope: Scope::Web,
    header: "An address whose attack requests are answered with far more bytes than that page usually has: the attack worked. Mistaken by: a search \
             page that answers odd words with everything it has.",
    build: |knowledge| Box::new(Exfiltration::new(knowledge.config.exfiltration.clone())),
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Answer to an attack request against what is usual for the path.
    pub ratio_min: f64,
    /// Smaller answers are never told.
    pub bytes_min: u64,
    pub idle_s: i64,
    pub keys_max: usize,
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config { ratio_min: 5.0, bytes_min: 30_000, idle_s: 6 * 3600, keys_max: 20_000, seed: 0x6578_6669 }
    }
}

/// Running mean of sizes.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Sizes {
    seen: u32,
    mean: f64,
}

impl Sizes {
    const SEEN_MIN: u32 = 3;

    fn add(&mut self, bytes: f64) {
        self.seen = self.seen.saturating_add(1);
        self.mean += (bytes - self.mean) / f64::from(self.seen.min(500));
    }

    fn usual(&self) -> Option<f64> {
        (self.seen >= Self::SEEN_MIN).then_some(self.mean.max(200.0))
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Source {
    campaign: Campaign,
    attacks: u64,
    answers: Sizes,
    taken_bytes: u64,
    /// The largest answer and what would have been usual.
    largest: u64,
    usual: f64,
}

#[derive(Clone, Serialize, Deserialize)]
struct State {
    paths: Table<Sizes>,
    sources: Table<Source>,
}

struct Exfiltration {
    config: Config,
    state: State,
}

impl Exfiltration {
    fn new(config: Config) -> Exfiltration {
        let idle_us = config.idle_s.saturating_mul(4_000_000);
        let state =
            State { paths: Table::new(config.keys_max, i64::MAX, config.seed), sources: Table::new(config.keys_max, idle_us, config.seed) };
        Exfiltration { config, state }
    }
}

/// Does the request carry an attack? A score that asks for a block, or a strong rule of an attack.
fn attacks(seen: &Seen) -> bool {
    let strong = |rule: &event::finding::RuleHit| rule.severity >= Severity::High && rule.tags.iter().any(|t| t.starts_with("attack-"));
    seen.score >= 0.5 || seen.rules.iter().any(strong)
}

impl Detector for Exfiltration {
    fn detect(&mut self, event: &Event, seen: &Seen, out: &mut Vec<Finding>) {
        let Body::Http(http) = &event.body else { return };
        let (Some(client), Some(status)) = (http.client, http.status) else { return };
        if http.verdict.is_some_and(|v| !v.passed()) {
            return;
        }
        let attacked = attacks(seen);
        let bytes = http.response_bytes.unwrap_or(0);
        let now = event.meta.time;
        let path = self.state.paths.entry(key(http.path().as_bytes()), now.us(), |p| p.seen);
        if !attacked {
            if status == 200 {
                path.add(bytes as f64);
            }
            return;
        }
        let of_path = path.usual();
        let source = self.state.sources.entry(state::address_key(client), now.us(), |s| s.attacks.min(1 << 20) as u32);
        if source.campaign.begin_if_idle(now, self.config.idle_s) {
            *source = Source { campaign: std::mem::take(&mut source.campaign), ..Source::default() };
        }
        source.attacks += 1;
        let usual = of_path.or_else(|| source.answers.usual());
        let excess = usual.filter(|u| status == 200 && bytes >= self.config.bytes_min && bytes as f64 >= u * self.config.ratio_min);
        let Some(usual) = excess else {
            source.answers.add(bytes as f64);
            source.campaign.last = now;
            if source.taken_bytes == 0 {
                // Kept as the beginning of the story: the attack before the theft.
                source.campaign.add(event, 1);
            }
            return;
        };
        source.taken_bytes += bytes;
        if bytes > source.largest {
            (source.largest, source.usual) = (bytes, usual);
        }
        source.campaign.add(event, 1);
        let told_as = source.taken_bytes.max(1).ilog2();
        if source.campaign.due(told_as) {
            out.push(source.finding(http, told_as));
        }
    }

    fn filled(&self) -> Vec<(&'static str, usize, usize)> {
        vec![("paths", self.state.paths.len(), self.config.keys_max), ("sources", self.state.sources.len(), self.config.keys_max)]
    }

    fn save(&self) -> Vec<u8> {
        state::save(&self.state)
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), StateError> {
        self.state = state::load(SPEC.analytic.uid, saved)?;
        Ok(())
    }
}

impl Source {
    fn finding(&mut self, http: &Http, told_as: u32) -> Finding {
        let entities = super::request::entities(http);
        let actor = entities.first().map(|e| e.name.clone()).unwrap_or_default();
        let ratio = self.largest as f64 / self.usual.max(1.0);
        let reasons = vec![
            Reason {
                code: "bytes.excess".into(),
                text: format!("an attack request was answered with {} bytes, {ratio:.0} times the usual", self.largest),
                usual: format!("{:.0} bytes", self.usual),
                now: format!("{} bytes", self.largest),
                push: ratio.ln() as f32,
            },
            Reason {
                code: "attack.before".into(),
                text: format!("{} requests with attack text from this address passed", self.attacks),
                usual: "0".to_owned(),
                now: self.attacks.to_string(),
                push: 1.0,
            },
        ];
        let odds = ratio.ln() - 0.5;
        let mut finding = self.campaign.tell(&SPEC.analytic, &actor, told_as).explained(Score::new(logistic(odds)), reasons);
        finding.title = "Data taken through an attack".to_owned();
        finding.text = format!(
            "{actor} was given {} bytes in answer to attack requests at {}",
            self.taken_bytes,
            http.path().chars().take(80).collect::<String>()
        );
        finding.would_change = format!("an answer below {:.0} bytes would not be told", self.usual * 5.0);
        finding.severity = if ratio >= 20.0 && self.taken_bytes >= 100_000 { Severity::Critical } else { Severity::High };
        finding.succeeded = true;
        finding.entities = entities;
        finding.request_id.clone_from(&http.request_id);
        finding
    }
}

#[cfg(test)]
mod tests;
