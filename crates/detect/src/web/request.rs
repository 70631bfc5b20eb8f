//! Attack requests.

use std::sync::Arc;

use event::analytic::AnalyticKind;
use event::{Analytic, Event, Finding, attack};
use event::finding::{ModelScore, RuleHit};
use serde::{Deserialize, Serialize};

use crate::{Detector, Knowledge, Scope, Spec, StateError};

pub const SPEC: Spec = Spec {
    analytic: Analytic { uid: "web.request", name: "Attack request", version: "1.0", kind: AnalyticKind::Rule, techniques: &[attack::EXPLOIT_PUBLIC] },
    scope: Scope::Event,
    header: "",
    build: |knowledge| Box::new(RequestDetector { inspector: Inspector::new(knowledge), scratch: Scratch::default() }),
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

/// Where a test row's payload is put.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    #[default]
    Query,
    Form,
    Json,
    Xml,
    Header,
    Cookie,
    Path,
}

/// Buffers, one a thread.
#[derive(Default)]
pub struct Scratch {
}

/// Rules and model over one request; immutable, shared by all threads.
pub struct Inspector {
    _rules: Arc<rule::Ruleset>,
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
    pub models: Vec<ModelScore>,
}

impl Inspector {
    pub fn new(knowledge: &Knowledge) -> Inspector {
        Inspector { _rules: Arc::clone(&knowledge.web_rules) }
    }

    /// Never panics; cost bounded by the sizes of the event.
    pub fn inspect(&self, _event: &Event, _scratch: &mut Scratch) -> Inspection {
        Inspection::default()
    }

    /// One row of test data, put into a request as `waf eval` says.
    pub fn inspect_row(&self, _payload: &[u8], _place: Place, _scratch: &mut Scratch) -> Inspection {
        Inspection::default()
    }
}

struct RequestDetector {
    inspector: Inspector,
    scratch: Scratch,
}

impl Detector for RequestDetector {
    fn detect(&mut self, event: &Event, out: &mut Vec<Finding>) {
        out.extend(self.inspector.inspect(event, &mut self.scratch).finding.map(|f| *f));
    }

    fn save(&self) -> Vec<u8> {
        Vec::new()
    }

    fn load(&mut self, _state: &[u8]) -> Result<(), StateError> {
        Ok(())
    }
}
