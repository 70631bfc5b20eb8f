//! The features of the boosted trees: layer 1's parts, how far from home, how common, what else happened. NaN where it is not known.

use super::memory::Profile;
use super::population::Population;
use super::ratio::{self, Ratio, depth_share, depth_tail, log_ratio};
use super::{AGENT_DEPTHS, Drift, Level, Look, place};

/// One feature.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// Name in `features.json` and in tables.
    pub name: &'static str,
    /// Unit.
    pub unit: &'static str,
    /// 1: more of it never lowers the risk; -1: never raises it; 0: free.
    pub monotone: i8,
}

const fn spec(name: &'static str, unit: &'static str, monotone: i8) -> Spec {
    Spec { name, unit, monotone }
}

/// Order of [`Features::values`].
pub const FEATURES: &[Spec] = &[
    spec("layer1", "log ratio", 1),
    spec("place_ratio", "log ratio", 1),
    spec("agent_ratio", "log ratio", 1),
    spec("hour_ratio", "log ratio", 1),
    spec("device_ratio", "log ratio", 1),
    spec("trip_ratio", "log ratio", 1),
    spec("place_depth", "0 address .. 5 nowhere", 1),
    spec("place_rarity", "-ln share of the user's own sign-ins this far", 1),
    spec("agent_depth", "0 same string .. 4 nothing known", 1),
    spec("agent_rarity", "-ln share of the user's own sign-ins this far", 1),
    spec("device_new", "0 known, 0.5 none, 1 new", 1),
    spec("version_step", "newer minus last version", 0),
    spec("country_share", "ln share of everybody", -1),
    spec("network_share", "ln share of everybody", -1),
    spec("browser_share", "ln share of everybody", 0),
    spec("hosting", "0 or 1", 1),
    spec("tool", "0 or 1", 1),
    spec("others_address", "users at home there", -1),
    spec("others_near", "users at home there", -1),
    spec("failed_address", "ln(1 + other users that failed there)", 1),
    spec("failed_near", "ln(1 + other users that failed there)", 1),
    spec("fresh_address", "ln(1 + other users new there)", 1),
    spec("fresh_near", "ln(1 + other users new there)", 1),
    spec("fails_here", "ln(1 + failures of the user from there)", 0),
    spec("fails_elsewhere", "ln(1 + failures of the user from elsewhere)", 1),
    spec("reset_age", "ln(1 + hours since a reset)", 0),
    spec("away", "ln(1 + days since the last sign-in)", 0),
    spec("country_hours", "ln(1 + hours since the last sign-in from another country)", -1),
    spec("known_sign_ins", "ln(1 + confirmed sign-ins)", 0),
    spec("addresses_used", "ln(1 + addresses)", 0),
    spec("session_place", "0 address .. 5 elsewhere", 1),
    spec("session_agent", "0 same string .. 4 other system", 1),
    spec("session_device", "0 or 1", 1),
    spec("session_ja4", "0 or 1", 1),
    spec("session_jumps", "within half an hour", 1),
    spec("session_other_user", "0 or 1", 1),
    spec("session_age", "ln(1 + hours)", 0),
];

/// Number of features.
pub const COUNT: usize = FEATURES.len();

/// What is compared, for one sign-in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Features {
    /// In the order of [`FEATURES`].
    pub values: [f32; COUNT],
    /// Layer 1.
    pub ratio: Ratio,
    /// 0 known address, 1 /24, 2 /16, 3 network, 4 country, 5 nowhere; `None` for an account without history.
    pub place: Option<u8>,
    /// 0 known string, 1 newer version, 2 older, 3 known system, 4 nothing known; `None` without history or string.
    pub agent: Option<u8>,
    /// Device cookie: known, new; `None` when the event has none.
    pub device_new: Option<bool>,
    /// Share of the user's own sign-ins that were at least this far from home.
    pub place_tail: f32,
    /// The same for the program.
    pub agent_tail: f32,
    /// Successful sign-ins before, and how many of them are confirmed.
    pub prior: u32,
    /// Confirmed ones.
    pub confirmed: u32,
    /// Other users that failed at the address lately.
    pub failed_there: f32,
    /// Other users that are at home at the address.
    pub others_there: f32,
    /// For uses of a session.
    pub drift: Option<Drift>,
    /// The sign-in before this one, when its country is known.
    pub last: Option<Last>,
}

/// Where and when the account signed in last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Last {
    /// Two capital letters.
    pub country: [u8; 2],
    /// Autonomous system, 0 when unknown.
    pub network: u32,
    /// Minutes since 1970.
    pub minute: i32,
}

/// Share of sign-ins with a newer version than before, at least.
const RENEWED: f32 = 0.15;

fn ln1p(value: f32) -> f32 {
    value.max(0.0).ln_1p()
}

fn flag(value: bool) -> f32 {
    f32::from(u8::from(value))
}

impl Features {
    pub(crate) fn of(look: &Look, profile: &Profile, world: &Population, half_life_min: f32, drift: Option<Drift>) -> Features {
        let (minute, user) = (look.minute, look.user as u32);
        let total = profile.total(minute, half_life_min);
        let weight = |level: Level| profile.weight(level, look, half_life_min);
        let (place, agent) = (profile.place_depth(look, half_life_min), profile.agent_depth(look, half_life_min));
        let place_tail = place.map_or(f32::NAN, |depth| depth_tail(&profile.places, &world.places, depth));
        let agent_tail = agent.map_or(f32::NAN, |depth| depth_tail(&profile.agents, &world.agents, depth));
        // Programs are renewed every few weeks, also where nobody saw it yet.
        let agent_tail = if agent == Some(1) { agent_tail.max(RENEWED) } else { agent_tail };
        let backed_off = |levels: &[Level], own: &[f32], all: &[f32], depth: Option<u8>| {
            let Some(depth) = depth else { return f32::NAN };
            let share = depth_share(own, all, depth).max(if own.len() == AGENT_DEPTHS && depth == 1 { RENEWED } else { 0.0 });
            match levels.get(usize::from(depth)) {
                Some(level) => log_ratio(world.share(*level, look, weight(*level)), share, weight(*level) / total.max(1.0)),
                None => log_ratio(1.0, share, 1.0),
            }
        };
        let places = [Level::Address, Level::Near, Level::Wide, Level::Network, Level::Country];
        let agents = [Level::Agent, Level::Browser, Level::Browser, Level::System];
        let has_device = look.key(Level::Device) != 0;
        let known_device = has_device && weight(Level::Device) > 0.0;
        let device_class = if !has_device { 2 } else { u8::from(!known_device) };
        let says_device = total > 0.0 && (has_device || profile.knows_devices());
        let trip = look.key(Level::Trip);
        let ratio = Ratio {
            place: backed_off(&places, &profile.places, &world.places, place),
            agent: backed_off(&agents, &profile.agents, &world.agents, agent),
            hour: if total > 0.0 {
                ratio::hour(|slot| profile.weight_of(Level::Hour, slot, minute, half_life_min), look.key(Level::Hour), total)
            } else {
                f32::NAN
            },
            device: if says_device {
                const ELSEWHERE: [f32; 3] = [0.002, 0.6, 0.4];
                const OFTEN: [f32; 3] = [17.0, 2.0, 1.0];
                log_ratio(ELSEWHERE[usize::from(device_class)], depth_share(&profile.devices, &OFTEN, device_class), 1.0)
            } else {
                f32::NAN
            },
            trip: if trip != 0 && total > 0.0 {
                let near =
                    |d: i64| u32::try_from(i64::from(trip) + d).map_or(0.0, |k| profile.weight_of(Level::Trip, k, minute, half_life_min));
                let own = near(-2) * 0.1 + near(-1) * 0.25 + near(0) * 0.5 + near(1) * 0.25 + near(2) * 0.1;
                let common = world.trip_share(trip);
                (common.max(0.002) / ((own + 2.0 * common) / (total + 2.0)).max(0.002)).ln().clamp(-3.0, 4.0)
            } else {
                f32::NAN
            },
        };
        let common = |level: Level| if look.key(level) == 0 { f32::NAN } else { world.share(level, look, weight(level)).ln() };
        let crowd = |level: Level| world.at(level, look);
        let count = |level: Level, of: fn(&super::population::Crowd, u32, i32) -> f32| crowd(level).map_or(0.0, |c| of(c, user, minute));
        let failed_there = count(Level::Address, super::population::Crowd::failed);
        let others_there = count(Level::Address, |c, user, _| c.others(user));
        let fails = |here: bool| {
            let of = profile.fails.iter().filter(|f| (f.address == look.key(Level::Address)) == here);
            of.map(|f| super::history::faded(f.n, f.minute, minute, 120.0)).sum::<f32>()
        };
        let hours_since = |at: i32| minute.saturating_sub(at).max(0) as f32 / 60.0;
        let last = profile.last;
        let elsewhere = last.filter(|last| last.country != look.country && last.country != [0; 2] && look.country != [0; 2]);
        let of_drift = |of: fn(&Drift) -> Option<f32>| drift.as_ref().and_then(of).unwrap_or(f32::NAN);
        let depth = |depth: Option<u8>| depth.map_or(f32::NAN, f32::from);
        let values = [
            ratio.sum(),
            ratio.place,
            ratio.agent,
            ratio.hour,
            ratio.device,
            ratio.trip,
            depth(place),
            -place_tail.ln(),
            depth(agent),
            -agent_tail.ln(),
            if says_device { [0.0, 1.0, 0.5][usize::from(device_class)] } else { f32::NAN },
            profile.version(look).filter(|_| look.major > 0).map_or(f32::NAN, |last| f32::from(look.major) - f32::from(last)),
            common(Level::Country),
            common(Level::Network),
            common(Level::Browser),
            if look.network == 0 { f32::NAN } else { flag(place::is_hosting(look.network)) },
            if look.key(Level::Agent) == 0 { f32::NAN } else { flag(look.tool) },
            others_there,
            count(Level::Near, |c, user, _| c.others(user)),
            ln1p(failed_there),
            ln1p(count(Level::Near, super::population::Crowd::failed)),
            ln1p(count(Level::Address, super::population::Crowd::fresh)),
            ln1p(count(Level::Near, super::population::Crowd::fresh)),
            ln1p(fails(true)),
            ln1p(fails(false)),
            profile.reset.map_or(f32::NAN, |at| ln1p(hours_since(at))),
            last.map_or(f32::NAN, |last| ln1p(hours_since(last.minute) / 24.0)),
            elsewhere.map_or(f32::NAN, |last| ln1p(hours_since(last.minute))),
            ln1p(profile.confirmed as f32),
            ln1p(profile.places_used() as f32),
            of_drift(|d| Some(f32::from(d.place))),
            of_drift(|d| d.agent.map(f32::from)),
            of_drift(|d| d.device.map(flag)),
            of_drift(|d| d.ja4.map(flag)),
            of_drift(|d| Some(d.jumps)),
            of_drift(|d| Some(flag(d.other_user))),
            of_drift(|d| Some(ln1p(d.age_min / 60.0))),
        ];
        let device_new = (has_device && total > 0.0).then_some(!known_device);
        let (prior, confirmed) = (profile.successes, profile.confirmed);
        let last = last.filter(|last| last.country != [0; 2]).map(|l| Last { country: l.country, network: l.network, minute: l.minute });
        Features {
            values,
            ratio,
            place,
            agent,
            device_new,
            place_tail,
            agent_tail,
            prior,
            confirmed,
            failed_there,
            others_there,
            drift,
            last,
        }
    }

    /// Log odds of layer 1 alone: the ratio, and for a use of a session how far it is from the session's own.
    pub fn layer1(&self) -> f32 {
        let drift = self.drift.map_or(0.0, |d| {
            let agent = [0.0, 0.5, 2.5, 4.0, 5.0][usize::from(d.agent.unwrap_or(0)).min(4)];
            let place = [-1.5, -1.0, 0.0, 0.5, 1.0, 3.5][usize::from(d.place).min(5)];
            let odd = |odd: Option<bool>| odd.map_or(0.0, |odd| if odd { 3.0 } else { -0.5 });
            agent + place + odd(d.device) + odd(d.ja4) + 0.7 * (d.jumps - 1.0).max(0.0) + if d.other_user { 6.0 } else { 0.0 }
        });
        self.ratio.sum() + drift
    }
}
