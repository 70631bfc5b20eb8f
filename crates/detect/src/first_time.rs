//! How surprising it is that an entity does something for the first time: conditional on its own history, with back-off to its peers.
//!
//! surprise (bits) = own * peers / none + peers, each with a half added, so that nothing is certain: own = -log2 P(something new | this entity),
//! peers = -log2 P(this thing | its peers), none = the same when no peer did it.
//! An entity that does new things every day says little with one more, and what the peers do is no surprise either.
//! Nothing is said before the entity was seen for `learn_days` days and `events_min` events. What an entity does while it is in a finding is not
//! learned for a day. At most 256 things an entity, 65,536 things a table.

use event::Time;
use learn::baseline::table::Table;
use serde::{Deserialize, Serialize};

use crate::campaign::Distinct;
use crate::state::mix;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Days an entity is watched before anything is said about it.
    pub learn_days: f64,
    /// Events an entity needs before anything is said about it.
    pub events_min: u64,
    /// Bits from which it is told.
    pub bits_min: f64,
    pub keys_max: usize,
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config { learn_days: 7.0, events_min: 50, bits_min: 9.0, keys_max: 20_000, seed: 0x6669_7273 }
    }
}

const THINGS_MAX: usize = 65_536;
const GROUPS_MAX: usize = 1_024;
const FREEZE_S: i64 = 86_400;
const IDLE_US: i64 = 60 * 86_400_000_000;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Known {
    since: Time,
    events: u64,
    things: Distinct,
    /// New things after the learning time.
    news: u32,
    frozen_until: Time,
}

/// A thing and how many different entities of a group did it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Thing {
    by: Distinct,
}

/// What is known of the entities of one kind and of their peers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct FirstTime {
    config: Config,
    entities: Table<Known>,
    things: Table<Thing>,
    groups: Table<Thing>,
}

/// Something new, and the three facts behind its score.
#[derive(Clone, Copy, Debug)]
pub(crate) struct First {
    pub(crate) bits: f64,
    pub(crate) days: f64,
    pub(crate) events: u64,
    /// Peers that did it, of how many.
    pub(crate) peers: usize,
    pub(crate) group: usize,
}

impl First {
    /// `first in 12 days and 3400 events; 0 of 41 peers`
    pub(crate) fn usual(&self) -> String {
        format!("never in {:.0} days and {} events; {} of {} peers", self.days, self.events, self.peers, self.group)
    }
}

impl FirstTime {
    /// What is held by key and how much may be: (what, now, at most).
    pub(crate) fn filled(&self) -> Vec<(&'static str, usize, usize)> {
        vec![
            ("entities", self.entities.len(), self.config.keys_max),
            ("things", self.things.len(), THINGS_MAX),
            ("groups", self.groups.len(), GROUPS_MAX),
        ]
    }

    pub(crate) fn new(config: &Config) -> FirstTime {
        FirstTime {
            entities: Table::new(config.keys_max, IDLE_US, config.seed),
            things: Table::new(THINGS_MAX, IDLE_US, config.seed ^ 1),
            groups: Table::new(GROUPS_MAX, IDLE_US, config.seed ^ 2),
            config: config.clone(),
        }
    }

    /// `entity` of `group` does `thing`; told when it is surprising.
    pub(crate) fn look(&mut self, entity: u64, group: u64, thing: u64, now: Time) -> Option<First> {
        let at = now.us();
        let peers = self.groups.entry(group, at, |g| g.by.len() as u32);
        peers.by.insert(entity);
        let of_group = peers.by.len().saturating_sub(1);
        let shared = self.things.entry(mix(group) ^ thing, at, |t| t.by.len() as u32);
        let did = shared.by.len() - usize::from(shared.by.holds(entity));
        let known = self.entities.entry(entity, at, |k| k.events.min(u64::from(u32::MAX)) as u32);
        if known.events == 0 {
            known.since = now;
        }
        known.events += 1;
        if known.things.holds(thing) {
            return None;
        }
        let days = now.since_s(known.since).max(0.0) / 86_400.0;
        let first = First { bits: 0.0, days, events: known.events - 1, peers: did, group: of_group };
        let learning = days < self.config.learn_days || known.events < self.config.events_min;
        let full = known.things.len() >= Distinct::KEYS_MAX;
        if now < known.frozen_until {
            return None;
        }
        let news = f64::from(known.news) + 0.5;
        known.things.insert(thing);
        shared.by.insert(entity);
        if learning || full {
            return None;
        }
        known.news = known.news.saturating_add(1);
        let own = -(news / (known.events as f64 + 1.0)).log2();
        let peers_say = |did: f64| -((did + 0.5) / (of_group as f64 + 1.0)).log2();
        let theirs = peers_say(did as f64);
        // Peers that do it take away from the surprise of the own history too, in the same proportion; without one that does, it counts whole.
        let bits = own * (theirs / peers_say(0.0)).clamp(0.0, 1.0) + theirs;
        if bits < self.config.bits_min {
            return None;
        }
        // A first time is told once; what follows within a day is neither told nor learned.
        known.frozen_until = now.plus_s(FREEZE_S);
        Some(First { bits, ..first })
    }
}
