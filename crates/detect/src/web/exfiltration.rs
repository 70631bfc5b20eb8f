//! Data taken after an attack.

use event::analytic::AnalyticKind;
use event::{Analytic, EntityKind, Event, Finding, attack};
use serde::{Deserialize, Serialize};

use crate::{Detector, Scope, Spec, StateError};

pub const SPEC: Spec = Spec {
    analytic: Analytic { uid: "web.exfiltration", name: "Data taken after an attack", version: "1.0", kind: AnalyticKind::Behavioral, techniques: &[attack::DATA_FROM_REPOSITORY, attack::EXFILTRATION_WEB] },
    scope: Scope::Entity(EntityKind::Address),
    header: "",
    build: |_| Box::new(Exfiltration),
};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {}

struct Exfiltration;

impl Detector for Exfiltration {
    fn detect(&mut self, _event: &Event, _out: &mut Vec<Finding>) {}

    fn save(&self) -> Vec<u8> {
        Vec::new()
    }

    fn load(&mut self, _state: &[u8]) -> Result<(), StateError> {
        Ok(())
    }
}
