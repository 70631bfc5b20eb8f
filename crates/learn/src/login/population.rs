//! What everybody does: how common places and programs are, who shares an address, and who failed from there.

use serde::{Deserialize, Serialize};

use super::history::faded;
use super::{AGENT_DEPTHS, LEVELS, Level, Look, PLACE_DEPTHS};
use crate::baseline::table::Table;

/// Distinct users counted one by one at a place.
const USERS_MAX: usize = 8;
/// Half-life of failures at a place.
const FAILED_HALF_LIFE_MIN: f32 = 12.0 * 60.0;
/// Half-life of what is common.
const COMMON_HALF_LIFE_MIN: f32 = 90.0 * 24.0 * 60.0;

/// Who is seen at one address or network.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Crowd {
    weight: f32,
    minute: i32,
    /// Accounts that signed in and were not objected to.
    users: Vec<u32>,
    /// Accounts that failed where they are not at home, fading.
    failed: f32,
    failed_minute: i32,
    failed_users: Vec<u32>,
    /// Accounts that got in where they never were before, fading.
    fresh: f32,
    fresh_minute: i32,
    fresh_users: Vec<u32>,
}

fn distinct(users: &mut Vec<u32>, user: u32) -> bool {
    if users.contains(&user) {
        return false;
    }
    if users.len() == USERS_MAX {
        users.remove(0);
    }
    users.push(user);
    true
}

impl Crowd {
    /// Users other than this one at home here, at most [`USERS_MAX`].
    pub(crate) fn others(&self, user: u32) -> f32 {
        self.users.iter().filter(|u| **u != user).count() as f32
    }

    /// Accounts other than this one that failed here lately.
    pub(crate) fn failed(&self, user: u32, minute: i32) -> f32 {
        let own = if self.failed_users.contains(&user) { 1.0 } else { 0.0 };
        (faded(self.failed, self.failed_minute, minute, FAILED_HALF_LIFE_MIN) - own).max(0.0)
    }

    /// Accounts other than this one that were new here lately and got in.
    pub(crate) fn fresh(&self, user: u32, minute: i32) -> f32 {
        let own = if self.fresh_users.contains(&user) { 1.0 } else { 0.0 };
        (faded(self.fresh, self.fresh_minute, minute, FAILED_HALF_LIFE_MIN) - own).max(0.0)
    }
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Population {
    /// Addresses and /24 networks.
    crowds: Table<Crowd>,
    /// Counts of coarser values: /16, network, country, agent, browser, system.
    common: Table<Common>,
    total: f32,
    total_minute: i32,
    pub(crate) places: [f32; PLACE_DEPTHS],
    pub(crate) agents: [f32; AGENT_DEPTHS],
    trips: Vec<f32>,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Common {
    weight: f32,
    minute: i32,
}

fn crowd_key(level: Level, key: u32) -> u64 {
    (level as u64) << 32 | u64::from(key)
}

const YEAR_US: i64 = 365 * 24 * 3600 * 1_000_000;

impl Population {
    pub(crate) fn new(keys_max: usize, seed: u64) -> Population {
        Population {
            crowds: Table::new(keys_max, YEAR_US, seed),
            common: Table::new(keys_max, YEAR_US, seed ^ 1),
            total: 0.0,
            total_minute: 0,
            // What people did who were asked nothing: mostly where they were before. Assumed, soon outweighed by what is seen.
            places: [12.0, 2.0, 2.0, 2.0, 1.5, 0.5],
            agents: [16.0, 2.5, 0.3, 0.8, 0.4],
            trips: vec![0.25; 41],
        }
    }

    /// Learns one sign-in that nobody objected to.
    pub(crate) fn learn(&mut self, look: &Look, weight: f32) {
        self.total = faded(self.total, self.total_minute, look.minute, COMMON_HALF_LIFE_MIN) + weight;
        self.total_minute = self.total_minute.max(look.minute);
        for level in [Level::Address, Level::Near] {
            let crowd = self.crowd(level, look);
            crowd.weight = faded(crowd.weight, crowd.minute, look.minute, COMMON_HALF_LIFE_MIN) + weight;
            crowd.minute = crowd.minute.max(look.minute);
            distinct(&mut crowd.users, look.user as u32);
        }
        for level in [Level::Wide, Level::Network, Level::Country, Level::Agent, Level::Browser, Level::System] {
            if look.key(level) != 0 {
                let common = self.common.entry(crowd_key(level, look.key(level)), i64::from(look.minute) * 60_000_000, |c| c.weight as u32);
                common.weight = faded(common.weight, common.minute, look.minute, COMMON_HALF_LIFE_MIN) + weight;
                common.minute = common.minute.max(look.minute);
            }
        }
        if let Some(trip) = self.trips.get_mut(look.key(Level::Trip) as usize) {
            *trip += weight;
        }
    }

    fn crowd(&mut self, level: Level, look: &Look) -> &mut Crowd {
        self.crowds.entry(crowd_key(level, look.key(level)), i64::from(look.minute) * 60_000_000, |c| c.weight as u32)
    }

    /// A failure of an account at a place that is not its own.
    pub(crate) fn failed(&mut self, look: &Look) {
        for level in [Level::Address, Level::Near] {
            let (user, minute) = (look.user as u32, look.minute);
            let crowd = self.crowd(level, look);
            if distinct(&mut crowd.failed_users, user) {
                crowd.failed = faded(crowd.failed, crowd.failed_minute, minute, FAILED_HALF_LIFE_MIN) + 1.0;
                crowd.failed_minute = crowd.failed_minute.max(minute);
            }
        }
    }

    /// An account got in where it never was before.
    pub(crate) fn fresh(&mut self, look: &Look) {
        for level in [Level::Address, Level::Near] {
            let (user, minute) = (look.user as u32, look.minute);
            let crowd = self.crowd(level, look);
            if distinct(&mut crowd.fresh_users, user) {
                crowd.fresh = faded(crowd.fresh, crowd.fresh_minute, minute, FAILED_HALF_LIFE_MIN) + 1.0;
                crowd.fresh_minute = crowd.fresh_minute.max(minute);
            }
        }
    }

    pub(crate) fn at(&self, level: Level, look: &Look) -> Option<&Crowd> {
        self.crowds.get(crowd_key(level, look.key(level)))
    }

    /// How common the value is among everybody's sign-ins, without `own` weight of the account itself; never 0.
    pub(crate) fn share(&self, level: Level, look: &Look, own: f32) -> f32 {
        let key = crowd_key(level, look.key(level));
        let weight = match level {
            Level::Address | Level::Near => self.crowds.get(key).map_or(0.0, |c| c.weight),
            _ => self.common.get(key).map_or(0.0, |c| c.weight),
        };
        ((weight - own).max(0.0) + 0.05) / ((self.total - own).max(0.0) + 5.0)
    }

    /// How common this round trip is, smoothed over its neighbours.
    pub(crate) fn trip_share(&self, step: u32) -> f32 {
        let around = |n: i64| self.trips.get((i64::from(step) + n) as usize).copied().unwrap_or(0.0);
        let all: f32 = self.trips.iter().sum();
        (around(-1) * 0.25 + around(0) * 0.5 + around(1) * 0.25) / all.max(1.0)
    }

    /// Counts how far from home people are when they sign in by right. `LEVELS` bounds what is told apart.
    pub(crate) fn depths(&mut self, place: Option<u8>, agent: Option<u8>, weight: f32) {
        const { assert!(PLACE_DEPTHS <= LEVELS && AGENT_DEPTHS <= LEVELS) };
        bump(&mut self.places, place, weight);
        bump(&mut self.agents, agent, weight);
    }
}

/// Adds to one count; when they grow large all are halved, so that new habits count.
pub(crate) fn bump(counts: &mut [f32], at: Option<u8>, weight: f32) {
    const SUM_MAX: f32 = 100_000.0;
    let Some(count) = at.and_then(|at| counts.get_mut(usize::from(at))) else { return };
    *count += weight;
    if counts.iter().sum::<f32>() > SUM_MAX {
        counts.iter_mut().for_each(|c| *c *= 0.5);
    }
}
