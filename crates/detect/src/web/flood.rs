//! Request flood: an address that asks for far more than any address usually does, and does not stop.
//!
//! Reads:      http_activity (4002).  Keyed by: source address.
//! Evidence:   requests per 10 s, pictures and scripts counted a tenth, shared by the user agents seen; against the tail of what all
//!             addresses of this site do; the number of ticks in a row above it.
//! Score:      0..1, logistic over the ratio to the threshold and the duration.   ATT&CK: T1499.002.   Medium at most.
//! State:      one tick per source, at most `keys_max`; one tail for all.   Cost: O(1) per event.
//! Mistaken by: page loads with many pictures, offices behind one address, a load test of one's own, mirrors.
//! Method:     peaks over threshold, Siffer et al., KDD 2017.

use event::analytic::AnalyticKind;
use event::finding::Reason;
use event::{Analytic, Body, Event, Finding, Score, Severity, attack};
use learn::baseline::table::Table;
use learn::baseline::tail::Tail;
use serde::{Deserialize, Serialize};

use crate::campaign::{Campaign, Distinct, key, logistic};
use crate::{Detector, Scope, Seen, Spec, StateError, state};

pub const SPEC: Spec = Spec {
    analytic: Analytic {
        uid: "web.flood",
        name: "Request flood",
        version: "1.0",
        kind: AnalyticKind::Statistical,
        techniques: &[attack::SERVICE_EXHAUSTION_FLOOD],
    },
    scope: Scope::Web,
    header: "An address that asks for far more than any address of this site usually does, for half a minute or longer. Mistaken by: offices behind \
             one address, load tests of one's own, mirrors.",
    build: |knowledge| Box::new(Flood::new(knowledge.config.flood.clone())),
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub tick_s: i64,
    /// Ticks in a row above the threshold before it is told.
    pub ticks_min: u32,
    /// Rates below this are never a flood.
    pub rate_min_per_s: f64,
    /// Share of ticks of ordinary addresses above the learned threshold.
    pub risk: f64,
    pub keys_max: usize,
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config { tick_s: 10, ticks_min: 3, rate_min_per_s: 10.0, risk: 1e-5, keys_max: 50_000, seed: 0x666c_6f64 }
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Source {
    tick: i64,
    weight: f64,
    agents: Distinct,
    /// Full ticks in a row above the threshold.
    above: u32,
    campaign: Campaign,
}

#[derive(Clone, Serialize, Deserialize)]
struct State {
    sources: Table<Source>,
    usual: Tail,
}

struct Flood {
    config: Config,
    state: State,
}

const ASSET_WEIGHT: f64 = 0.1;
/// An attacker may change the agent with each request: beyond this it counts as one again.
const AGENTS_OF_AN_OFFICE_MAX: usize = 40;
const IDLE_S: i64 = 600;

impl Flood {
    fn new(config: Config) -> Flood {
        let sources = Table::new(config.keys_max, IDLE_S * 1_000_000, config.seed);
        Flood { config, state: State { sources, usual: Tail::default() } }
    }
}

fn is_asset(path: &str) -> bool {
    const ENDS: [&str; 14] =
        [".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".ico", ".css", ".js", ".mjs", ".woff", ".woff2", ".ttf", ".map"];
    ENDS.iter().any(|e| path.len() >= e.len() && path.as_bytes()[path.len() - e.len()..].eq_ignore_ascii_case(e.as_bytes()))
}

impl Detector for Flood {
    fn detect(&mut self, event: &Event, _seen: &Seen, out: &mut Vec<Finding>) {
        let Body::Http(http) = &event.body else { return };
        let Some(client) = http.client else { return };
        let config = &self.config;
        let tick_s = config.tick_s.max(1);
        let now = event.meta.time;
        let tick = now.s().div_euclid(tick_s);
        let State { sources, usual } = &mut self.state;
        let floor = config.rate_min_per_s * tick_s as f64;
        let threshold = usual.threshold(config.risk).map_or(floor, |t| t.max(floor));
        let source = sources.entry(state::address_key(client), now.us(), |s| s.above.saturating_mul(1000).saturating_add(s.weight as u32));
        if tick > source.tick {
            let weight = source.weight();
            if source.weight > 0.0 && weight <= threshold {
                usual.add(weight);
            }
            let unbroken = weight > threshold && tick == source.tick + 1;
            source.above = if unbroken { source.above.saturating_add(1) } else { 0 };
            (source.tick, source.weight, source.agents) = (tick, 0.0, Distinct::default());
        }
        source.weight += if is_asset(http.path()) { ASSET_WEIGHT } else { 1.0 };
        source.agents.insert(key(http.user_agent.as_bytes()));
        if source.above == 0 {
            return;
        }
        source.campaign.begin_if_idle(now, IDLE_S);
        source.campaign.add(event, 1);
        if source.above >= config.ticks_min && source.weight() > threshold && source.campaign.due(0) {
            let (above, rate, limit) = (source.above, source.weight() / tick_s as f64, threshold / tick_s as f64);
            let entities = super::request::entities(http);
            let actor = entities.first().map(|e| e.name.clone()).unwrap_or_default();
            let usual_text = format!("at most {limit:.1} requests/s");
            let excess = (rate.max(limit) / limit).ln();
            let seconds = i64::from(above) * tick_s;
            let reasons = vec![
                Reason {
                    code: "rate.excess".into(),
                    text: format!("{rate:.1} requests/s, weighed, where addresses of this site make {usual_text}"),
                    usual: usual_text,
                    now: format!("{rate:.1} requests/s"),
                    push: 1.5 + excess as f32,
                },
                Reason {
                    code: "rate.sustained".into(),
                    text: format!("for {seconds} s without a pause"),
                    usual: "a few seconds".to_owned(),
                    now: format!("{seconds} s"),
                    push: 0.3 * above.min(10) as f32,
                },
            ];
            let odds: f32 = reasons.iter().map(|r| r.push).sum::<f32>() - 2.0;
            let mut finding = source.campaign.tell(&SPEC.analytic, &actor, 0).explained(Score::new(logistic(f64::from(odds))), reasons);
            finding.title = "Request flood".to_owned();
            finding.text = format!("{actor} made {rate:.1} requests/s for {seconds} s");
            finding.would_change = format!("below {limit:.1} requests/s no finding");
            finding.severity = if excess > 2.0 { Severity::Medium } else { Severity::Low };
            finding.entities = entities;
            out.push(finding);
        }
    }

    fn filled(&self) -> Vec<(&'static str, usize, usize)> {
        vec![("sources", self.state.sources.len(), self.config.keys_max)]
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
    /// Requests of the tick, shared by the people who seem to be behind the address.
    fn weight(&self) -> f64 {
        let agents = self.agents.len();
        self.weight / if agents <= AGENTS_OF_AN_OFFICE_MAX { agents.max(1) as f64 } else { 1.0 }
    }
}

#[cfg(test)]
mod tests;
