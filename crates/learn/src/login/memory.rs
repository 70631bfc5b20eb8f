//! What is remembered of each account, and what teaches it.
//!
//! Failures never teach. A success teaches at once on a known device or after a second factor; else after `confirm_s` without objection
//! (a reset, a failed second factor, a verdict); until then it counts only by what its own risk leaves. A day adds at most a fifth of a
//! profile. State: at most `users_max` accounts, 64 values a level, 16 unconfirmed sign-ins, 8 versions each.

use event::{Authentication, Time};
use serde::{Deserialize, Serialize};

use super::history::{History, faded};
use super::population::{Population, bump};
use super::{AGENT_DEPTHS, Birth, Features, LEVELS, Level, Look, PLACE_DEPTHS};
use crate::baseline::table::Table;

/// Bounds and speeds of the memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What is seen counts half after this many days.
    pub half_life_d: f32,
    /// A success without objection teaches after this.
    pub confirm_s: i64,
    /// Accounts remembered.
    pub users_max: usize,
    /// Addresses and networks, sessions remembered.
    pub places_max: usize,
    /// Of the choice of what is forgotten when full.
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config { half_life_d: 60.0, confirm_s: 24 * 3600, users_max: 1_000_000, places_max: 500_000, seed: 0x6c6f_6769 }
    }
}

/// Unconfirmed sign-ins kept an account.
const PENDING_MAX: usize = 16;
const FAILS_MAX: usize = 16;
const VERSIONS_MAX: usize = 8;
/// Share of a profile that one day may add, and what it may always add.
const DAY_SHARE: f32 = 0.2;
const DAY_MIN: f32 = 4.0;
const YEAR_US: i64 = 365 * 24 * 3600 * 1_000_000;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Pending {
    look: Look,
    place: Option<u8>,
    agent: Option<u8>,
    /// What it counts for until confirmed.
    weight: f32,
    /// What it teaches when confirmed.
    teaches: f32,
    login: bool,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Fail {
    pub(crate) minute: i32,
    pub(crate) address: u32,
    pub(crate) n: f32,
}

/// One account.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Profile {
    levels: [History; LEVELS],
    total: f32,
    minute: i32,
    pub(crate) places: [f32; PLACE_DEPTHS],
    pub(crate) agents: [f32; AGENT_DEPTHS],
    /// Sign-ins with a known device, a new one, none.
    pub(crate) devices: [f32; 3],
    versions: Vec<(u32, u16)>,
    /// Successful sign-ins, and how many of them were confirmed.
    pub(crate) successes: u32,
    pub(crate) confirmed: u32,
    day: i32,
    day_weight: f32,
    pending: Vec<Pending>,
    pub(crate) fails: Vec<Fail>,
    pub(crate) reset: Option<i32>,
    pub(crate) last: Option<Look>,
}

/// Everything that is remembered. Plain data.
#[derive(Clone, Serialize, Deserialize)]
pub struct Memory {
    config: Config,
    users: Table<Profile>,
    pub(crate) world: Population,
    births: Table<Birth>,
}

impl Memory {
    /// An empty memory.
    pub fn new(config: Config) -> Memory {
        Memory {
            users: Table::new(config.users_max, YEAR_US, config.seed),
            world: Population::new(config.places_max, config.seed ^ 2),
            births: Table::new(config.places_max, YEAR_US, config.seed ^ 3),
            config,
        }
    }

    /// Features of a sign-in or use of a session, against what was learned until now.
    pub fn features(&mut self, look: &Look, is_session: bool) -> Features {
        self.settle(look);
        let nobody = Profile::default();
        let profile = self.users.get(look.user).unwrap_or(&nobody);
        let drift = if is_session { self.births.get(birth_key(look)).and_then(|birth| birth.drift(look)) } else { None };
        Features::of(look, profile, &self.world, self.half_life_min(), drift)
    }

    /// Takes up what the event teaches. `features` and `risk` are what was said about it before.
    pub fn observe(&mut self, auth: &Authentication, time: Time, features: &Features, risk: f32) {
        use event::authentication::{Action, Outcome};
        let Some(look) = Look::of(auth, time) else { return };
        match (auth.action, auth.outcome) {
            (Action::Login, Outcome::Success) => self.succeeded(&look, features, risk, &auth.factor),
            (Action::Login, Outcome::Failure) => self.failed(&look, auth.repeats, features),
            (Action::Session, Outcome::Success) => self.used(&look, features, risk),
            (Action::StepUp, Outcome::Success) => self.answer(&look, true, features),
            (Action::StepUp, Outcome::Failure) => self.answer(&look, false, features),
            (Action::PasswordReset | Action::MfaReset, Outcome::Success) => self.reset(&look),
            _ => {}
        }
    }

    /// Accounts remembered.
    pub fn users(&self) -> usize {
        self.users.len()
    }

    #[cfg(test)]
    pub(crate) fn values_of(&self, user: u64) -> usize {
        self.users.get(user).map_or(0, |profile| profile.levels.iter().map(History::len).sum())
    }

    #[cfg(test)]
    pub(crate) fn share_of(&self, look: &Look, level: Level) -> f32 {
        let half_life_min = self.half_life_min();
        let of = |profile: &Profile| profile.weight(level, look, half_life_min) / profile.total(look.minute, half_life_min);
        self.users.get(look.user).map_or(0.0, of)
    }

    fn half_life_min(&self) -> f32 {
        self.config.half_life_d * 24.0 * 60.0
    }

    fn profile(&mut self, look: &Look) -> &mut Profile {
        self.users.entry(look.user, i64::from(look.minute) * 60_000_000, |p| p.successes)
    }

    /// Sign-ins that nobody objected to in time become knowledge.
    fn settle(&mut self, look: &Look) {
        let (half_life_min, limit) = (self.half_life_min(), look.minute.saturating_sub((self.config.confirm_s / 60) as i32));
        let Some(profile) = self.users.get(look.user).filter(|p| p.pending.iter().any(|pending| pending.look.minute <= limit)) else {
            return;
        };
        let _ = profile;
        let world = &mut self.world;
        let profile = self.users.entry(look.user, i64::from(look.minute) * 60_000_000, |p| p.successes);
        let (old, young) = std::mem::take(&mut profile.pending).into_iter().partition(|pending: &Pending| pending.look.minute <= limit);
        profile.pending = young;
        for pending in old {
            profile.learn(&pending, world, half_life_min);
        }
    }

    fn succeeded(&mut self, look: &Look, features: &Features, risk: f32, factor: &str) {
        let half_life_min = self.half_life_min();
        let world = &mut self.world;
        let profile = self.users.entry(look.user, i64::from(look.minute) * 60_000_000, |p| p.successes);
        profile.successes = profile.successes.saturating_add(1);
        profile.last = Some(*look);
        let device = look.key(Level::Device);
        let known = |level: Level| profile.levels[level as usize].weight(look.key(level), look.minute, half_life_min) > 0.0;
        let at_home = if device != 0 {
            known(Level::Device)
        } else {
            known(Level::Address) && (look.key(Level::Browser) == 0 || known(Level::Browser))
        };
        // A passkey is bound to the site and to the person's device: it is its own second factor.
        let sure = at_home || factor == "passkey";
        let pending = Pending {
            look: *look,
            place: features.place,
            agent: features.agent,
            weight: (1.0 - risk).clamp(0.0, 1.0),
            teaches: 1.0,
            login: true,
        };
        if sure {
            profile.learn(&pending, world, half_life_min);
        } else {
            if features.place.is_some_and(|depth| depth >= 2) {
                world.fresh(look);
            }
            profile.wait(pending);
        }
        if look.session != 0 {
            *self.births.entry(birth_key(look), i64::from(look.minute) * 60_000_000, |_| 1) = Birth::begin(look);
        }
    }

    fn failed(&mut self, look: &Look, repeats: u32, features: &Features) {
        let n = repeats.max(1) as f32;
        if features.place.is_none_or(|depth| depth >= 1) {
            self.world.failed(look);
        }
        // Names that were never seen to sign in are not remembered: a flood of them would cost memory.
        if self.users.get(look.user).is_none() {
            return;
        }
        let profile = self.profile(look);
        let address = look.key(Level::Address);
        match profile.fails.iter_mut().find(|f| f.address == address) {
            Some(fail) => *fail = Fail { minute: look.minute, address, n: (faded(fail.n, fail.minute, look.minute, 120.0) + n).min(1e4) },
            None => {
                if profile.fails.len() == FAILS_MAX {
                    profile.fails.remove(0);
                }
                profile.fails.push(Fail { minute: look.minute, address, n });
            }
        }
    }

    fn used(&mut self, look: &Look, features: &Features, risk: f32) {
        const SESSION_TEACHES: f32 = 0.3;
        if look.session != 0 {
            self.births.entry(birth_key(look), i64::from(look.minute) * 60_000_000, |_| 1).used(look, risk < 0.5);
        }
        // Where a session is used by right its owner is at home as well; only new places are worth remembering.
        let half_life_min = self.half_life_min();
        let profile = self.profile(look);
        let known = profile.weight(Level::Address, look, half_life_min) >= SESSION_TEACHES;
        let waits = profile.pending.iter().any(|p| p.look.key(Level::Address) == look.key(Level::Address));
        if !known && !waits && profile.successes > 0 {
            let weight = SESSION_TEACHES * (1.0 - risk).clamp(0.0, 1.0);
            profile.wait(Pending {
                look: *look,
                place: features.place,
                agent: features.agent,
                weight,
                teaches: SESSION_TEACHES,
                login: false,
            });
        }
    }

    /// A second factor was asked for. Where the sign-in itself was only half done until now, a passed one completes it.
    fn answer(&mut self, look: &Look, passed: bool, features: &Features) {
        const WITHIN_MIN: i32 = 60;
        let half_life_min = self.half_life_min();
        let world = &mut self.world;
        let profile = self.users.entry(look.user, i64::from(look.minute) * 60_000_000, |p| p.successes);
        let same = |other: &Look| {
            let same =
                if look.session != 0 { other.session == look.session } else { other.key(Level::Address) == look.key(Level::Address) };
            same && look.minute.saturating_sub(other.minute) <= WITHIN_MIN
        };
        let (about, others): (Vec<Pending>, Vec<Pending>) = std::mem::take(&mut profile.pending).into_iter().partition(|p| same(&p.look));
        profile.pending = others;
        if !passed {
            return;
        }
        if about.is_empty() && !profile.last.as_ref().is_some_and(same) {
            profile.successes = profile.successes.saturating_add(1);
            profile.last = Some(*look);
            let whole = Pending { look: *look, place: features.place, agent: features.agent, weight: 1.0, teaches: 1.0, login: true };
            return profile.learn(&whole, world, half_life_min);
        }
        for pending in about {
            profile.learn(&pending, world, half_life_min);
        }
    }

    /// A reset speaks against what was odd before it.
    fn reset(&mut self, look: &Look) {
        let profile = self.profile(look);
        profile.pending.retain(|p| p.weight >= 0.5 * p.teaches);
        profile.reset = Some(look.minute);
    }
}

fn birth_key(look: &Look) -> u64 {
    // One session, whoever uses it.
    u64::from(look.session)
}

impl Profile {
    fn wait(&mut self, pending: Pending) {
        if self.pending.len() == PENDING_MAX {
            self.pending.remove(0);
        }
        self.pending.push(pending);
    }

    fn learn(&mut self, pending: &Pending, world: &mut Population, half_life_min: f32) {
        let look = &pending.look;
        self.confirmed = self.confirmed.saturating_add(u32::from(pending.login));
        let day = look.minute.div_euclid(24 * 60);
        if day != self.day {
            (self.day, self.day_weight) = (day, 0.0);
        }
        let total = faded(self.total, self.minute, look.minute, half_life_min);
        let room = (DAY_MIN.max(DAY_SHARE * total) - self.day_weight).max(0.0);
        let weight = pending.teaches.min(room);
        if weight <= 0.0 {
            return;
        }
        let keep = if self.total > 0.0 { total / self.total } else { 1.0 };
        self.places.iter_mut().chain(&mut self.agents).chain(&mut self.devices).for_each(|count| *count *= keep);
        if self.total > 0.0 {
            bump(&mut self.places, pending.place, weight);
            bump(&mut self.agents, pending.agent, weight);
            world.depths(pending.place, pending.agent, weight);
        }
        let known_device = look.key(Level::Device) != 0
            && self.levels[Level::Device as usize].weight(look.key(Level::Device), look.minute, half_life_min) > 0.0;
        let device = if look.key(Level::Device) == 0 { 2 } else { u8::from(!known_device) };
        bump(&mut self.devices, Some(device), weight);
        self.day_weight += weight;
        self.total = total + weight;
        self.minute = self.minute.max(look.minute);
        for (history, key) in self.levels.iter_mut().zip(look.keys).filter(|(_, key)| *key != 0) {
            history.add(key, weight, look.minute, half_life_min);
        }
        if look.major > 0 {
            let browser = look.key(Level::Browser);
            self.versions.retain(|(key, _)| *key != browser);
            if self.versions.len() == VERSIONS_MAX {
                self.versions.remove(0);
            }
            self.versions.push((browser, look.major));
        }
        world.learn(look, weight);
    }

    /// What is known of the value and what waits to be confirmed.
    pub(crate) fn weight(&self, level: Level, look: &Look, half_life_min: f32) -> f32 {
        self.weight_of(level, look.key(level), look.minute, half_life_min)
    }

    pub(crate) fn weight_of(&self, level: Level, key: u32, minute: i32, half_life_min: f32) -> f32 {
        let waiting: f32 = self.pending.iter().filter(|p| p.look.key(level) == key).map(|p| p.weight).sum();
        self.levels[level as usize].weight(key, minute, half_life_min) + waiting
    }

    pub(crate) fn total(&self, minute: i32, half_life_min: f32) -> f32 {
        faded(self.total, self.minute, minute, half_life_min) + self.pending.iter().map(|p| p.weight).sum::<f32>()
    }

    /// Version that this browser was last seen with, confirmed or not.
    pub(crate) fn version(&self, look: &Look) -> Option<u16> {
        let browser = look.key(Level::Browser);
        let waiting = self.pending.iter().rev().find(|p| p.look.key(Level::Browser) == browser && p.weight >= 0.5).map(|p| p.look.major);
        waiting.or_else(|| self.versions.iter().find(|(key, _)| *key == browser).map(|(_, major)| *major))
    }

    pub(crate) fn knows_devices(&self) -> bool {
        !self.levels[Level::Device as usize].is_empty()
    }

    pub(crate) fn places_used(&self) -> usize {
        self.levels[Level::Address as usize].len()
    }

    /// Levels at which the place is known, from fine to coarse; `None` when nothing is known of the account.
    pub(crate) fn place_depth(&self, look: &Look, half_life_min: f32) -> Option<u8> {
        const KNOWN_MIN: f32 = 0.15;
        if self.total(look.minute, half_life_min) < KNOWN_MIN {
            return None;
        }
        let levels = [Level::Address, Level::Near, Level::Wide, Level::Network, Level::Country];
        let at = levels.iter().position(|l| look.key(*l) != 0 && self.weight(*l, look, half_life_min) >= KNOWN_MIN);
        Some(at.unwrap_or(levels.len()) as u8)
    }

    /// 0 the same string, 1 another version that is not older, 2 an older one, 3 a known system, 4 nothing known.
    pub(crate) fn agent_depth(&self, look: &Look, half_life_min: f32) -> Option<u8> {
        const KNOWN_MIN: f32 = 0.15;
        if look.key(Level::Agent) == 0 || self.total(look.minute, half_life_min) < KNOWN_MIN {
            return None;
        }
        let known = |level: Level| self.weight(level, look, half_life_min) >= KNOWN_MIN;
        Some(match () {
            () if known(Level::Agent) => 0,
            () if known(Level::Browser) => u8::from(self.version(look).is_some_and(|last| look.major < last)) + 1,
            () if known(Level::System) => 3,
            () => 4,
        })
    }
}
