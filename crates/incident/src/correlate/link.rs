//! Which open incident a finding belongs to besides its own actor's: through an entity that they share.
//!
//! A finding joins when its actor is known to the incident as an actor or as something that was taken (a host that was broken into or that an
//! account misuses, an account that was guessed), or when the incident's actor is among what the finding touches. Shared things join nobody: names that every machine
//! has (`SYSTEM`, `root`), services, and hubs, which many others touched within a day.

use std::collections::HashMap;

use event::{Entity, EntityKind, Finding, Severity, Time};

/// Touched by more than this many others within [`HUB_WINDOW_S`]: a proxy, an office, a domain controller.
const DEGREE_MAX: usize = 32;
const HUB_WINDOW_S: f64 = 86_400.0;
/// Entries of each table; beyond, the table starts anew, and incidents meet through their actors alone until it has filled.
const KEPT_MAX: usize = 200_000;
/// Entities of one finding that are looked at.
const ENTITIES_MAX: usize = 16;

#[derive(Default)]
pub(super) struct Links {
    cases: HashMap<u64, u64>,
    partners: HashMap<u64, (Time, Vec<u64>)>,
}

impl Links {
    /// Remembers what an incident is about.
    pub(super) fn note(&mut self, finding: &Finding, number: u64) {
        let Some(actor) = finding.actor() else { return };
        for entity in finding.entities.iter().take(ENTITIES_MAX).filter(|e| joins(e)) {
            if entity == actor || finding.succeeded || misused(finding, entity) {
                if self.cases.len() >= KEPT_MAX {
                    self.cases.clear();
                }
                self.cases.insert(entity.key(), number);
            }
            if entity != actor {
                self.meet(entity.key(), actor.key(), finding.last_seen);
            }
        }
    }

    /// The incident that the finding shares an entity with.
    pub(super) fn find(&self, finding: &Finding) -> Option<u64> {
        let joining = finding.entities.iter().take(ENTITIES_MAX).filter(|e| joins(e) && !self.is_hub(e.key(), finding.first_seen));
        joining.filter_map(|e| self.cases.get(&e.key()).copied()).next()
    }

    pub(super) fn forget(&mut self, gone: impl Fn(u64) -> bool) {
        self.cases.retain(|_, number| !gone(*number));
    }

    fn meet(&mut self, entity: u64, other: u64, at: Time) {
        if self.partners.len() >= KEPT_MAX {
            self.partners.clear();
        }
        let (since, others) = self.partners.entry(entity).or_insert_with(|| (at, Vec::new()));
        if at.since_s(*since) > HUB_WINDOW_S {
            (*since, *others) = (at, Vec::new());
        }
        if others.len() <= DEGREE_MAX && !others.contains(&other) {
            others.push(other);
        }
    }

    fn is_hub(&self, entity: u64, at: Time) -> bool {
        self.partners.get(&entity).is_some_and(|(since, others)| others.len() > DEGREE_MAX && at.since_s(*since) <= HUB_WINDOW_S)
    }
}

/// Who does something harmful on a host runs there already.
fn misused(finding: &Finding, entity: &Entity) -> bool {
    let by_account = finding.actor().is_some_and(|actor| actor.kind == EntityKind::User);
    entity.kind == EntityKind::Host && by_account && finding.severity >= Severity::Medium
}

/// Names that say nothing: every machine has them.
const EVERYWHERE: &[&str] = &[
    "-",
    "system",
    "local service",
    "network service",
    "anonymous logon",
    "root",
    "administrator",
    "admin",
    "nobody",
    "www-data",
    "localhost",
    "unknown",
    "none",
    "null",
];

fn joins(entity: &Entity) -> bool {
    let name = entity.name.rsplit('\\').next().unwrap_or_default();
    match entity.kind {
        EntityKind::Service | EntityKind::Model => false,
        EntityKind::Address => !entity.ip().is_some_and(|ip| ip.is_loopback() || ip.is_unspecified()),
        _ => !name.is_empty() && !name.ends_with('$') && !EVERYWHERE.iter().any(|n| name.eq_ignore_ascii_case(n)),
    }
}
