//! Which tries belong to a campaign against a whole service, however many addresses it comes from and however slow it is.
//!
//! A failure is *stray* when neither address nor network are the account's, nor the address anybody's home. People make few of them; a
//! campaign makes hardly anything else. Strays an hour are compared with the service's own hour of the week by a cumulative sum (Page
//! 1954); a burst is seen at once. Every stray of an alarm belongs to it, and successes from its sources or with its programs.
//!
//! State: a service's 168 hours, 64 strays, at most `keys_max` known pairs and homes, 20,000 sources of a running campaign; 64 services.

use std::collections::VecDeque;
use std::net::IpAddr;

use event::authentication::{Action, Outcome};
use event::finding::Evidence;
use event::{Authentication, Event, Text, Time};
use learn::baseline::table::Table;
use serde::{Deserialize, Serialize};

use crate::campaign::{Campaign, Distinct, Fading, key};
use crate::state::{address_key, mix};

/// What the recogniser says about one try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// It belongs to nobody's campaign.
    No,
    /// A failed try of a running campaign.
    Try,
    /// A success of a running campaign.
    Taken,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Campaigns {
    services: Table<Service>,
    /// (account, network) and (account, program) that signed in; (account, source) that failed a short while ago.
    known: Table<i64>,
    /// Addresses from which somebody signed in, since when.
    homes: Table<i64>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Service {
    hour: i64,
    hours: u32,
    in_hour: f64,
    week: Vec<f64>,
    week_n: Vec<u16>,
    level: f64,
    sum: f64,
    /// Of the latest half day, for the end of a campaign.
    calm: f64,
    burst: Fading,
    members: Distinct,
    strays: VecDeque<Stray>,
    attack: Option<Box<Attack>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Stray {
    at: Time,
    address: IpAddr,
    source: u64,
    user: u64,
    program: u64,
    unknown: bool,
    evidence: Evidence,
}

/// A campaign that runs.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Attack {
    pub(crate) campaign: Campaign,
    pub(crate) tries: u64,
    pub(crate) unknown: u64,
    pub(crate) users: u64,
    seen_users: Table<u32>,
    pub(crate) sources: u64,
    seen_sources: Table<u32>,
    /// The first addresses.
    pub(crate) shown: Vec<event::Entity>,
    programs: Vec<(u64, u64)>,
    pub(crate) taken: Vec<Text>,
    /// Strays an hour that are usual at the hour it began.
    pub(crate) usual: f64,
    pub(crate) slow: bool,
}

const DAY_US: i64 = 86_400_000_000;
const KEYS_MAX: usize = 400_000;
const SERVICES_MAX: usize = 64;
const STRAYS_MAX: usize = 64;
/// Sources that are named; a list to block needs them all, the text of the finding counts them.
const SHOWN_MAX: usize = 256;
const PROGRAMS_MAX: usize = 16;
const TAKEN_MAX: usize = 64;
/// Accounts that sign in before a service is one that campaigns are about.
const MEMBERS_MIN: usize = 10;
/// Fewest strays an hour that are usual, however quiet it was.
const USUAL_MIN: f64 = 0.3;
const SUM_ALARM: f64 = 7.0;
const HOURS_MIN: u32 = 24;
const BURST_MIN: f64 = 15.0;
const BURST_HALF_LIFE_S: f64 = 1_800.0;
/// A home is one after a day: a thief's first success does not make his address one.
const HOME_US: i64 = DAY_US;
const REPEAT_US: i64 = 6 * 3_600_000_000;

impl Campaigns {
    /// What is held by key and how much may be: (what, now, at most).
    pub(crate) fn filled(&self) -> Vec<(&'static str, usize, usize)> {
        vec![("services", self.services.len(), SERVICES_MAX), ("known", self.known.len(), KEYS_MAX), ("homes", self.homes.len(), KEYS_MAX)]
    }

    pub(crate) fn new(seed: u64) -> Campaigns {
        Campaigns {
            services: Table::new(SERVICES_MAX, 60 * DAY_US, seed),
            known: Table::new(KEYS_MAX, 60 * DAY_US, seed ^ 1),
            homes: Table::new(KEYS_MAX, 60 * DAY_US, seed ^ 2),
        }
    }

    pub(crate) fn observe(&mut self, event: &Event, auth: &Authentication) -> Claim {
        let Some(client) = auth.client.filter(|_| auth.action == Action::Login && !auth.user.is_empty()) else { return Claim::No };
        let now = event.meta.time;
        let user = key(auth.user.as_bytes());
        let [_, near, wide] = learn::login::place::keys(client);
        let pair = |what: u64, with: u64| mix(user ^ mix(with ^ what << 56));
        let network = auth.asn.map_or(0, u64::from);
        let program = learn::login::Agent::parse(&auth.user_agent).map_or(0, |a| u64::from(a.browser_key()));
        let places = [pair(1, u64::from(near)), pair(2, u64::from(wide)), pair(3, network)];
        let places = if network == 0 { &places[..2] } else { &places[..] };
        let member = self.known.get(pair(4, 0)).is_some();
        let own_place = places.iter().any(|place| self.known.get(*place).is_some());
        let own_program = program != 0 && self.known.get(pair(5, program)).is_some();
        let source = address_key(client);
        let is_home = self.homes.get(source).is_some_and(|since| now.us() - since >= HOME_US);
        let service = self.services.entry(key(auth.service.as_bytes()), now.us(), |s| s.hours);
        service.advance(now);
        match auth.outcome {
            Outcome::Success => {
                let text = key(auth.user_agent.as_bytes());
                let taken = member
                    && !own_place
                    && !is_home
                    && service.attack.as_mut().is_some_and(|attack| attack.takes(event, auth, source, text, own_program));
                if taken {
                    return Claim::Taken;
                }
                service.members.insert(user);
                for known in places.iter().chain(&[pair(4, 0), pair(5, program)]) {
                    self.known.entry(*known, now.us(), |_| 1);
                }
                let since = self.homes.entry(source, now.us(), |_| 1);
                if *since == 0 {
                    *since = now.us();
                }
                Claim::No
            }
            Outcome::Failure if !own_place && !is_home => {
                let repeat = self.known.entry(pair(6, source), now.us(), |_| 0);
                let repeats = *repeat != 0 && now.us() - *repeat < REPEAT_US;
                *repeat = now.us();
                let stray = Stray {
                    at: now,
                    address: client,
                    source,
                    user,
                    program: key(auth.user_agent.as_bytes()),
                    unknown: !member,
                    evidence: crate::campaign::evidence(event),
                };
                service.stray(stray, repeats, now)
            }
            _ => Claim::No,
        }
    }

    /// The campaign against the service of this event.
    pub(crate) fn attack(&mut self, auth: &Authentication, now: Time) -> Option<&mut Attack> {
        self.services.entry(key(auth.service.as_bytes()), now.us(), |s| s.hours).attack.as_deref_mut()
    }
}

impl Service {
    fn usual(&self, hour: i64) -> f64 {
        let at = hour.rem_euclid(168) as usize;
        let (own, n) = (self.week.get(at).copied().unwrap_or(0.0), f64::from(self.week_n.get(at).copied().unwrap_or(0)));
        ((own * n + self.level * 3.0) / (n + 3.0)).max(USUAL_MIN)
    }

    /// Closes the hours that passed.
    fn advance(&mut self, now: Time) {
        const GAP_MAX: i64 = 24 * 14;
        let hour = now.s().div_euclid(3_600);
        if self.week.is_empty() {
            (self.week, self.week_n, self.hour) = (vec![0.0; 168], vec![0; 168], hour);
        }
        if hour - self.hour > GAP_MAX {
            (self.sum, self.attack, self.in_hour, self.hour) = (0.0, None, 0.0, hour);
        }
        while self.hour < hour {
            let (seen, usual) = (std::mem::take(&mut self.in_hour), self.usual(self.hour));
            self.sum = (self.sum + (seen - 1.3 * usual - 0.5) / usual.sqrt()).clamp(0.0, 4.0 * SUM_ALARM);
            self.calm += (seen - self.calm) / 12.0;
            if self.attack.is_some() {
                if self.calm < 1.5 * usual + 0.4
                    && self.attack.as_ref().is_some_and(|a| now.since_s(a.campaign.last) > 0.0)
                    && seen <= 2.0 * usual + 1.0
                {
                    (self.attack, self.sum) = (None, 0.0);
                    self.strays.clear();
                }
            } else if self.sum < 3.0 {
                // Only quiet hours teach what is usual.
                let capped = seen.min(3.0 * usual + 3.0);
                let at = self.hour.rem_euclid(168) as usize;
                self.week_n[at] = self.week_n[at].saturating_add(1).min(8);
                self.week[at] += (capped - self.week[at]) / f64::from(self.week_n[at]);
                self.level += (capped - self.level) / f64::from(self.hours + 1).min(168.0);
                self.hours = self.hours.saturating_add(1);
            }
            self.hour += 1;
        }
    }

    fn stray(&mut self, stray: Stray, repeats: bool, now: Time) -> Claim {
        if !repeats {
            self.in_hour += 1.0;
            self.burst.add(1.0, now, BURST_HALF_LIFE_S);
        }
        if let Some(attack) = &mut self.attack {
            attack.add(&stray);
            return Claim::Try;
        }
        if self.strays.len() == STRAYS_MAX {
            self.strays.pop_front();
        }
        self.strays.push_back(stray);
        let usual = self.usual(self.hour);
        let burst = self.burst.now(now, BURST_HALF_LIFE_S) > BURST_MIN + 4.0 * usual;
        let slow = self.sum > SUM_ALARM && self.hours >= HOURS_MIN;
        if !(burst || slow) || self.members.len() < MEMBERS_MIN {
            return Claim::No;
        }
        // What one address does alone is password guessing, told by its own detector.
        let within_s = if burst { 3_600.0 } else { 48.0 * 3_600.0 };
        let recent: Vec<&Stray> = self.strays.iter().filter(|s| now.since_s(s.at) <= within_s).collect();
        let (mut sources, mut users) = (Distinct::default(), Distinct::default());
        let mut most = 0;
        for stray in &recent {
            sources.insert(stray.source);
            users.insert(stray.user);
            most = most.max(recent.iter().filter(|s| s.source == stray.source).count());
        }
        if sources.len() < 3 || users.len() < 5 || most * 2 > recent.len() {
            return Claim::No;
        }
        let mut attack = Attack::new(usual, !burst);
        let strays = std::mem::take(&mut self.strays);
        for stray in strays.iter().filter(|s| now.since_s(s.at) <= within_s) {
            attack.add(stray);
        }
        self.attack = Some(Box::new(attack));
        Claim::Try
    }
}

impl Attack {
    fn new(usual: f64, slow: bool) -> Attack {
        Attack {
            campaign: Campaign::default(),
            tries: 0,
            unknown: 0,
            users: 0,
            seen_users: Table::new(20_000, DAY_US * 60, 5),
            sources: 0,
            seen_sources: Table::new(20_000, DAY_US * 60, 7),
            shown: Vec::new(),
            programs: Vec::new(),
            taken: Vec::new(),
            usual,
            slow,
        }
    }

    fn add(&mut self, stray: &Stray) {
        if self.tries == 0 {
            self.campaign.begin_if_idle(stray.at, 0);
        }
        self.tries += 1;
        self.unknown += u64::from(stray.unknown);
        let at = stray.at.us();
        let tried = self.seen_users.entry(stray.user, at, |n| *n);
        *tried += 1;
        self.users += u64::from(*tried == 1);
        let tried = self.seen_sources.entry(stray.source, at, |n| *n);
        *tried += 1;
        self.sources += u64::from(*tried == 1);
        if *tried == 1 && self.shown.len() < SHOWN_MAX {
            self.shown.push(event::Entity::address(stray.address));
        }
        if let Some((_, n)) = self.programs.iter_mut().find(|(program, _)| *program == stray.program) {
            *n += 1;
        } else if self.programs.len() < PROGRAMS_MAX {
            self.programs.push((stray.program, 1));
        }
        self.campaign.push(stray.evidence.clone(), stray.at, 1);
    }

    /// Whether a success away from home belongs to the campaign: from its sources, or with its program where that is new to the account.
    fn takes(&mut self, event: &Event, auth: &Authentication, source: u64, program: u64, own_program: bool) -> bool {
        let from_it = self.seen_sources.get(source).is_some();
        let all: u64 = self.programs.iter().map(|(_, n)| n).sum();
        let with_it = self.programs.iter().any(|(p, n)| *p == program && *n * 8 >= all);
        if !(from_it || with_it && !own_program) {
            return false;
        }
        if self.taken.len() < TAKEN_MAX && !self.taken.contains(&auth.user) {
            self.taken.push(auth.user.clone());
        }
        self.campaign.add(event, 1);
        true
    }
}
