//! Request flood.

use event::analytic::AnalyticKind;
use event::{Analytic, EntityKind, Event, Finding, attack};
use serde::{Deserialize, Serialize};

use crate::{Detector, Scope, Spec, StateError};

pub const SPEC: Spec = Spec {
    analytic: Analytic { uid: "web.flood", name: "Request flood", version: "1.0", kind: AnalyticKind::Behavioral, techniques: &[attack::SERVICE_EXHAUSTION_FLOOD] },
    scope: Scope::Entity(EntityKind::Address),
    header: "",
    build: |_| Box::new(Flood),
};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {}

struct Flood;

impl Detector for Flood {
    fn detect(&mut self, _event: &Event, _out: &mut Vec<Finding>) {}

    fn save(&self) -> Vec<u8> {
        Vec::new()
    }

    fn load(&mut self, _state: &[u8]) -> Result<(), StateError> {
        Ok(())
    }
}
