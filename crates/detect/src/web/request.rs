//! Attack request: one request whose values carry an attack.
//!
//! Reads:      http_activity (4002), from the gateway (headers and body) and from access logs (target, user agent, referrer).
//! Evidence:   rule hits with the bytes they matched; the model's score of the worst value with the bytes that carried it.
//! Score:      0..1, logistic over rule weights by severity and the model's margin; >= 0.5 asks for a block.   ATT&CK: T1190 and by class.
//!             A critical rule is enough. Lesser rules have to come together or be seconded by the model. The model alone decides only
//!             above its `alone` threshold, and takes back lesser rule hits below its `veto` threshold.
//! State:      none.   Cost: one pass over the values for each chain of transformations; model about 15 ns a byte.
//! Mistaken by: SQL, HTML or shell text in forum posts and admin tools; security scanners of one's own.
//! Method:     anomaly scoring as in the OWASP Core Rule Set, with a text model as a second opinion.

mod clean;
mod explain;
mod inputs;
mod row;
mod verdict;
mod words;

use std::sync::Arc;

use decode::request::{Parts, Values, values};
use event::analytic::AnalyticKind;
use event::finding::{ModelScore, RuleHit};
use event::{Analytic, Body, Event, Finding, Http, attack};
use learn::TextModel;
use rule::{Hit, Ruleset};
use serde::{Deserialize, Serialize};

use clean::Clean;
pub use row::{Place, row_event};
use verdict::{ModelSays, Verdict, decide};

use crate::{Detector, Knowledge, Scope, Seen, Spec, StateError};

pub const SPEC: Spec = Spec {
    analytic: Analytic {
        uid: "web.request",
        name: "Attack request",
        version: "1.0",
        kind: AnalyticKind::Rule,
        techniques: &[attack::EXPLOIT_PUBLIC],
    },
    scope: Scope::Event,
    header: "One request whose values carry an attack, found by rules and by the web-payload model. A critical rule is enough; lesser rules have to \
             come together or be seconded by the model; the model alone decides only above its strictest threshold. Mistaken by: SQL, HTML or \
             shell text in posts and admin tools, security scanners of one's own.",
    build: |knowledge| {
        Box::new(RequestDetector { inspector: Inspector::new(knowledge), scratch: Scratch::default(), seen: Seen::default() })
    },
};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub decide: Decide,
}

/// Who decides about a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decide {
    #[default]
    Both,
    Rules,
    Model,
}

/// Buffers, one a thread.
#[derive(Default)]
pub struct Scratch {
    values: Values,
    rules: rule::Scratch,
    hits: Vec<Hit>,
    model: learn::Scratch,
    clean: Clean,
    /// Rules and model that `clean` speaks of.
    of: Option<(Arc<Ruleset>, Option<Arc<TextModel>>, Decide)>,
    /// Of each value: the score that is known of it.
    known: Vec<Option<Option<f32>>>,
    scores: Vec<Option<f32>>,
}

/// Rules and model over one request; immutable, shared by all threads.
pub struct Inspector {
    rules: Arc<Ruleset>,
    model: Option<Arc<TextModel>>,
    decide: Decide,
}

/// What is said about one request.
#[derive(Clone, Debug, Default)]
pub struct Inspection {
    /// 0..=1.
    pub score: f32,
    pub verdict_block: bool,
    /// Boxed: nearly every request has none.
    pub finding: Option<Box<Finding>>,
    pub rules: Vec<RuleHit>,
    /// Empty for a request that nothing is said about.
    pub models: Vec<ModelScore>,
}

/// The worst value by the model.
#[derive(Clone, Copy, Debug)]
struct Worst {
    value: usize,
    score: f32,
}

/// Below this the request is not worth a finding.
const FINDING_SCORE_MIN: f32 = 0.25;

impl Inspector {
    pub fn new(knowledge: &Knowledge) -> Inspector {
        let decide = knowledge.config.request.decide;
        let model = knowledge.web_model.clone().filter(|_| decide != Decide::Rules);
        Inspector { rules: Arc::clone(&knowledge.web_rules), model, decide }
    }

    /// Never panics; cost bounded by the sizes of the event. Events that are no request are allowed.
    pub fn inspect(&self, event: &Event, scratch: &mut Scratch) -> Inspection {
        let Body::Http(http) = &event.body else { return Inspection::default() };
        values(&Parts::from(http.as_ref()), &mut scratch.values);
        scratch.hits.clear();
        if !self.made(scratch) {
            scratch.clean = Clean::default();
            scratch.of = Some((Arc::clone(&self.rules), self.model.clone(), self.decide));
        }
        let worst = self.look(scratch);
        let verdict = self.verdict(&scratch.hits, worst.map(|w| w.score));
        if scratch.hits.is_empty() && verdict.score < FINDING_SCORE_MIN {
            scratch.learn();
            return Inspection { score: verdict.score, ..Inspection::default() };
        }
        self.explained(event, http, scratch, worst, &verdict)
    }

    /// One row of test data, put into a request as `waf eval` says.
    pub fn inspect_row(&self, payload: &[u8], place: Place, scratch: &mut Scratch) -> Inspection {
        self.inspect(&row_event(payload, place), scratch)
    }

    fn verdict(&self, hits: &[Hit], model: Option<f32>) -> Verdict {
        let says = self.model.as_deref().zip(model).map(|(m, score)| ModelSays { score, thresholds: m.thresholds() });
        decide(hits, self.rules.rules(), says)
    }

    /// Is what the scratch remembers our own doing, and not that of an inspector before us?
    fn made(&self, scratch: &Scratch) -> bool {
        let Some((rules, model, decide)) = &scratch.of else { return false };
        let same_model = match (model, &self.model) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        Arc::ptr_eq(rules, &self.rules) && same_model && *decide == self.decide
    }

    /// Rules and model over the values; those that are known to be clean are passed over unless something is found beside them.
    fn look(&self, scratch: &mut Scratch) -> Option<Worst> {
        let Scratch { values, rules, hits, model, clean, known, scores, .. } = scratch;
        known.clear();
        known.extend(values.iter().map(|value| clean.known(&value)));
        if self.decide != Decide::Model || self.model.is_none() {
            let known = &*known;
            let fresh = inputs::of(values).zip(known).filter(|(_, known)| known.is_none()).map(|(input, _)| input);
            self.rules.hits(&fresh, rules, hits);
            if rules.near() {
                hits.clear();
                self.rules.hits(&inputs::of(values), rules, hits);
            }
        }
        scores.clear();
        let mut worst: Option<Worst> = None;
        for (number, value) in values.iter().enumerate() {
            let score = match known[number] {
                Some(score) => score,
                None => self.model.as_deref().filter(|_| inputs::for_model(&value)).map(|m| m.score(value.decoded, model)),
            };
            scores.push(score);
            if let Some(score) = score.filter(|s| worst.is_none_or(|w| *s > w.score)) {
                worst = Some(Worst { value: number, score });
            }
        }
        worst
    }
}

impl Scratch {
    /// After a request that nothing is said about: its values are known from now on, if no rule even began to match.
    fn learn(&mut self) {
        if self.rules.near() {
            return;
        }
        for ((value, known), score) in self.values.iter().zip(&self.known).zip(&self.scores) {
            if known.is_none() {
                self.clean.learn(&value, *score);
            }
        }
    }
}

struct RequestDetector {
    inspector: Inspector,
    scratch: Scratch,
    seen: Seen,
}

impl Detector for RequestDetector {
    fn detect(&mut self, event: &Event, _seen: &Seen, out: &mut Vec<Finding>) {
        let said = self.inspector.inspect(event, &mut self.scratch);
        self.seen = Seen { rules: said.rules, score: said.score };
        out.extend(said.finding.map(|f| *f));
    }

    fn seen(&mut self) -> Seen {
        std::mem::take(&mut self.seen)
    }

    fn save(&self) -> Vec<u8> {
        Vec::new()
    }

    fn load(&mut self, _state: &[u8]) -> Result<(), StateError> {
        Ok(())
    }
}

/// Client first, then what it acted on; on this machine itself also the program at the address.
pub(super) fn entities(http: &Http) -> Vec<event::Entity> {
    let mut all = Vec::with_capacity(3);
    if let Some(client) = http.client {
        all.push(event::Entity::address(client));
        if client.to_canonical().is_loopback() {
            all.push(event::Entity::client(client, &http.user_agent));
        }
    }
    if !http.host.is_empty() {
        all.push(event::Entity::service(&http.host));
    }
    all
}

// Tests read the content folder.
#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests;
