//! The table that the gateway reads for every request: entity, disposition, end.
//!
//! One writer makes a new table and puts it in place whole; readers never wait. Counting goes through shared atomics.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::response::Mode;
use crate::{Entity, Text, Time};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// Beats every block.
    Allow,
    #[default]
    Block,
    /// At most so many requests a second as the gateway's limits say.
    Limit,
    /// A browser has to do some work first; a program is refused.
    Challenge,
}

impl Disposition {
    pub const fn word(self) -> &'static str {
        match self {
            Disposition::Allow => "allow",
            Disposition::Block => "block",
            Disposition::Limit => "limit",
            Disposition::Challenge => "challenge",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Decision {
    pub entity: Entity,
    pub disposition: Disposition,
    pub mode: Mode,
    pub until: Time,
    /// Name of the response behind it.
    pub response: Text,
    pub incident: Text,
    pub reason: Text,
    /// Requests that met this decision since it is in force.
    pub hits: Arc<AtomicU64>,
}

impl Decision {
    pub fn hit(&self) -> u64 {
        self.hits.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// Immutable; replaced whole.
#[derive(Clone, Debug, Default)]
pub struct Decisions {
    by_entity: HashMap<Entity, Decision>,
}

/// The oldest end goes first beyond this many.
pub const DECISIONS_MAX: usize = 100_000;

impl Decisions {
    pub fn new(all: impl IntoIterator<Item = Decision>) -> Decisions {
        let mut by_entity: HashMap<Entity, Decision> = HashMap::new();
        for decision in all {
            let weaker = by_entity.get(&decision.entity).is_some_and(|held| rank(held) >= rank(&decision));
            if !weaker {
                by_entity.insert(decision.entity.clone(), decision);
            }
        }
        Decisions { by_entity }
    }

    /// What is in force for this client now.
    pub fn for_address(&self, client: IpAddr, now: Time) -> Option<&Decision> {
        if self.by_entity.is_empty() {
            return None;
        }
        self.for_entity(&Entity::address(client), now)
    }

    /// What is in force for this client: its address, or on this machine itself, where everybody has one address, its address and agent.
    pub fn for_client(&self, client: IpAddr, user_agent: &str, now: Time) -> Option<&Decision> {
        if self.by_entity.is_empty() {
            return None;
        }
        let by_address = self.for_entity(&Entity::address(client), now);
        if by_address.is_none() && client.to_canonical().is_loopback() {
            return self.for_entity(&Entity::client(client, user_agent), now);
        }
        by_address
    }

    pub fn for_entity(&self, entity: &Entity, now: Time) -> Option<&Decision> {
        self.by_entity.get(entity).filter(|d| now < d.until)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Decision> {
        self.by_entity.values()
    }

    pub fn len(&self) -> usize {
        self.by_entity.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_entity.is_empty()
    }
}

/// Allow beats enforced blocks, these beat monitored ones; then the later end.
fn rank(decision: &Decision) -> (u8, Time) {
    let strength = match (decision.disposition, decision.mode) {
        (Disposition::Allow, _) => 4,
        (Disposition::Block, Mode::Enforce) => 3,
        (Disposition::Challenge, Mode::Enforce) => 2,
        (Disposition::Limit, Mode::Enforce) => 1,
        (_, Mode::Monitor) => 0,
    };
    (strength, decision.until)
}
