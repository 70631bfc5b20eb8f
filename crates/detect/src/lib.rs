//! Events to findings: one file per detector, one line in the list of its area.
//!
//! Architecture Invariant: pure. A detector reads events and owns its bounded state; time is the time of the event. The same events in the
//! same order give the same findings.

use std::sync::Arc;

use event::finding::RuleHit;
use event::{Analytic, Body, EntityKind, Event, Finding, LoginDecision};
use rule::Ruleset;
use serde::{Deserialize, Serialize};

mod acting;
mod burst;
mod call;
mod campaign;
pub mod cloud;
pub mod content;
pub mod door;
mod first_time;
mod gather;
mod guessing;
pub mod host;
pub mod identity;
pub mod mail;
mod malware;
pub mod network;
mod policy;
pub mod posture;
mod sign_in;
pub mod state;
mod technique;
pub mod web;

pub use gather::Gather;
pub use state::StateError;

/// One row of knowledge about attacks: what reads events and says what it found.
pub trait Detector: Send {
    /// Looks at one event, which the detector may not care for at all. Findings are added to `out`; the same finding is added again, under
    /// the same uid, when it has grown. Never panics, whatever the event holds; costs at most a bounded amount of work.
    /// `seen` is what the detectors of [`Scope::Event`] said about this very event.
    fn detect(&mut self, event: &Event, seen: &Seen, out: &mut Vec<Finding>);

    /// What a detector of [`Scope::Event`] leaves for the keyed ones about the event it looked at last.
    fn seen(&mut self) -> Seen {
        Seen::default()
    }

    /// What was decided about the sign-in that it looked at last, by the detector that decides.
    fn decided(&mut self) -> Option<LoginDecision> {
        None
    }

    /// Its findings are sightings in single events: the same name again is the same finding, told once with the count ([`Gather`]).
    fn is_gathered(&self) -> bool {
        false
    }

    /// What it holds by key and how much it may: (what, now, at most). For the figures of a running program.
    fn filled(&self) -> Vec<(&'static str, usize, usize)> {
        Vec::new()
    }

    /// The whole state, for a checkpoint; empty when there is none.
    fn save(&self) -> Vec<u8>;

    /// Replaces the state by a saved one. On an error the state stays as it was.
    fn load(&mut self, state: &[u8]) -> Result<(), StateError>;
}

/// What was said about one event by looking at it alone; usually nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    pub rules: Vec<RuleHit>,
    /// 0..=1, of rules and model together.
    pub score: f32,
}

impl Seen {
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.score < 0.25
    }
}

/// Which events a detector must see together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Each event by itself: any shard, also inline.
    Event,
    /// All events of one entity on one shard.
    Entity(EntityKind),
    /// All requests on one shard: for what compares everybody with everybody.
    Web,
    /// All activity on one shard: for sequences over several entities.
    Whole,
}

impl Scope {
    /// Key for routing; `None` when this event cannot matter to the detector.
    pub fn key(self, event: &Event) -> Option<u64> {
        match (self, &event.body) {
            _ if !event.is_activity() => None,
            (Scope::Event, _) => Some(event.meta.uid.key()),
            (Scope::Whole, _) => Some(0),
            (Scope::Web, Body::Http(http)) => http.client.map(|_| 0),
            (Scope::Entity(EntityKind::Address), _) => event.client().map(state::address_key),
            (Scope::Entity(EntityKind::User), _) => state::name_key(event.user()),
            (Scope::Entity(EntityKind::Host), _) => state::name_key(event.host()),
            (Scope::Entity(EntityKind::Service), _) => state::name_key(event.service()),
            _ => None,
        }
    }
}

/// The static part of a detector.
#[derive(Clone, Copy)]
pub struct Spec {
    pub analytic: Analytic,
    pub scope: Scope,
    /// For analysts: what it reads, its evidence, its score, its state, and what is mistaken for it.
    pub header: &'static str,
    pub build: fn(&Knowledge) -> Box<dyn Detector>,
}

/// What many detectors read; immutable and replaced whole.
#[derive(Clone, Default)]
pub struct Knowledge {
    pub web_rules: Arc<Ruleset>,
    /// Without it, rules decide alone.
    pub web_model: Option<Arc<learn::TextModel>>,
    /// Sigma rules: our own and those that the user gave.
    pub sigma: Arc<rule::sigma::Set>,
    /// Every other model, by name.
    pub models: learn::Registry,
    /// YARA rules over files; `None` in a build without them.
    pub yara: Option<Arc<rule::yara::Rules>>,
    /// What is wrong in a configuration.
    pub posture: Arc<rule::posture::Rules>,
    pub config: Config,
}

/// One table a detector; an empty file is a working configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub request: web::request::Config,
    pub scanner: web::scanner::Config,
    pub login: web::login::Config,
    pub flood: web::flood::Config,
    pub exfiltration: web::exfiltration::Config,
    pub brute_force: identity::brute_force::Config,
    pub device: identity::device::Config,
    pub dormant: identity::dormant::Config,
    pub mfa_fatigue: identity::mfa_fatigue::Config,
    pub risk: identity::risk::Config,
    pub session: identity::session::Config,
    pub network: network::Config,
    pub mail: mail::Config,
    pub first_call: cloud::first_call::Config,
    pub host_rarity: first_time::Config,
    pub host_rate: host::rate::Config,
    pub host_template: host::template::Config,
}

/// A rule set from named texts, such as [`web::RULES`]; every fault at once.
pub fn rule_set(files: &[(&str, &str)]) -> Result<Ruleset, Vec<rule::RuleError>> {
    Ruleset::parse(files)
}

/// Every detector of the platform.
pub const ALL: &[&Spec] = &[
    &web::request::SPEC,
    &web::scanner::SPEC,
    &web::login::SPEC,
    &web::flood::SPEC,
    &web::exfiltration::SPEC,
    &identity::brute_force::SPEC,
    &identity::credential::SPEC,
    &identity::device::SPEC,
    &identity::dormant::SPEC,
    &identity::mfa_fatigue::SPEC,
    &identity::risk::SPEC,
    &identity::session::SPEC,
    &network::scan::SPEC,
    &network::beacon::SPEC,
    &network::dga::SPEC,
    &network::dns_tunnel::SPEC,
    &network::exfiltration::SPEC,
    &host::sigma::SPEC,
    &host::windows_security::SPEC,
    &host::rarity::SPEC,
    &host::rate::SPEC,
    &host::template::SPEC,
    &posture::check::SPEC,
    &cloud::first_call::SPEC,
    &cloud::logging_off::SPEC,
    &cloud::console_login::SPEC,
    &cloud::new_credential::SPEC,
    &cloud::public_or_admin::SPEC,
    &cloud::enumeration::SPEC,
    &cloud::secrets::SPEC,
    &cloud::deletion::SPEC,
    &cloud::remote_command::SPEC,
    &cloud::resource_hijack::SPEC,
];

// Tests read the source folder, content and shared data.
#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests;
