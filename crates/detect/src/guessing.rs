//! Guessing at passwords, whatever the service: one source's tries, how many names, and whether it got in.

use std::net::IpAddr;

use event::finding::Reason;
use event::{Analytic, Entity, Event, Finding, Score, Severity, Technique, Text, Time, attack};
use learn::baseline::table::Table;
use serde::{Deserialize, Serialize};

use crate::campaign::{Campaign, Distinct, Fading, key, logistic};
use crate::state::address_key;
use event::network::is_internal;

/// Settings of the detectors that watch for guessing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Failures (fading by half in `fast_half_life_s`) that make a finding when several names or an unknown name were tried.
    pub failures_min: f64,
    /// The same when it was always one existing name: people mistype.
    pub failures_one_user_min: f64,
    /// Failures (fading by half in `slow_half_life_s`) that make a finding, however slow they come.
    pub slow_failures_min: f64,
    pub fast_half_life_s: f64,
    pub slow_half_life_s: f64,
    /// A pause this long ends a campaign.
    pub idle_s: i64,
    pub keys_max: usize,
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            failures_min: 5.0,
            failures_one_user_min: 8.0,
            slow_failures_min: 14.0,
            fast_half_life_s: 900.0,
            slow_half_life_s: 6.0 * 3600.0,
            idle_s: 12 * 3600,
            keys_max: 20_000,
            seed: 0x6261_7274,
        }
    }
}

/// One try.
pub(crate) struct Try<'t> {
    pub(crate) source: IpAddr,
    /// Empty when it is not known.
    pub(crate) user: &'t str,
    pub(crate) user_unknown: bool,
    pub(crate) success: bool,
    pub(crate) n: u64,
    pub(crate) service: &'t str,
    pub(crate) host: &'t str,
    pub(crate) more: Vec<Entity>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Source {
    campaign: Campaign,
    fast: Fading,
    slow: Fading,
    good: Fading,
    users: Distinct,
    unknown_users: u32,
    names: Vec<Text>,
    /// Names that got in after guessing.
    taken: Vec<Text>,
    failures: u64,
    active: bool,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Guessing {
    sources: Table<Source>,
}

const NAMES_SHOWN: usize = 6;
/// Beyond this many guessed names per source, one more success changes nothing.
const TAKEN_MAX: usize = 32;

impl Guessing {
    /// Sources that are remembered.
    pub(crate) fn len(&self) -> usize {
        self.sources.len()
    }

    pub(crate) fn new(config: &Config) -> Guessing {
        Guessing { sources: Table::new(config.keys_max, config.idle_s.saturating_mul(4_000_000), config.seed) }
    }

    pub(crate) fn observe(&mut self, event: &Event, a_try: &Try<'_>, analytic: &Analytic, config: &Config, out: &mut Vec<Finding>) {
        let now = event.meta.time;
        let source = self.sources.entry(address_key(a_try.source), now.us(), |s| s.failures.min(1 << 20) as u32);
        if source.campaign.count == 0 || now.since_s(source.campaign.last) > config.idle_s as f64 {
            *source = Source { good: source.good, ..Source::default() };
            source.campaign.begin_if_idle(now, 0);
        }
        let user = key(a_try.user.as_bytes());
        if a_try.success {
            source.good.add(1.0, now, config.slow_half_life_s);
            let tried = source.users.holds(user) || source.users.len() >= 3 || a_try.user.is_empty();
            if !source.active || !tried || source.taken.len() >= TAKEN_MAX {
                return;
            }
            let name = if a_try.user.is_empty() { Text::const_new("an account") } else { a_try.user.into() };
            if !source.taken.contains(&name) {
                source.taken.push(name);
            }
        } else {
            let n = a_try.n.min(1_000) as f64;
            source.fast.add(n, now, config.fast_half_life_s);
            source.slow.add(n, now, config.slow_half_life_s);
            source.failures = source.failures.saturating_add(a_try.n);
            if source.users.insert(user) && !a_try.user.is_empty() {
                source.unknown_users = source.unknown_users.saturating_add(u32::from(a_try.user_unknown));
                if source.names.len() < NAMES_SHOWN {
                    source.names.push(a_try.user.into());
                }
            }
            source.active |= source.guesses(now, config);
        }
        source.campaign.add(event, a_try.n);
        let state = source.taken.len() as u32;
        if source.active && source.campaign.due(state) {
            out.push(source.finding(a_try, analytic, config, now));
        }
    }
}

impl Source {
    fn guesses(&self, now: Time, config: &Config) -> bool {
        let (fast, slow) = (self.fast.now(now, config.fast_half_life_s), self.slow.now(now, config.slow_half_life_s));
        let one_known = self.users.len() <= 1 && self.unknown_users == 0;
        let fast_min = if one_known { config.failures_one_user_min } else { config.failures_min };
        // Many people behind one address: those who mistype are fewer than those who get in.
        let crowd = self.good.now(now, config.slow_half_life_s) * 2.0 > slow;
        // Counters fade between tries: five tries in a row are a little less than five.
        !crowd && (fast > fast_min - 0.5 || slow > config.slow_failures_min - 0.5)
    }

    fn technique(&self) -> (Technique, &'static str, &'static str) {
        let (users, failures) = (self.users.len() as f64, self.failures as f64);
        if users >= 20.0 && failures / users < 1.5 {
            (attack::CREDENTIAL_STUFFING, "guess.stuffing", "Credential stuffing")
        } else if users >= 5.0 && failures / users < 4.0 {
            (attack::PASSWORD_SPRAYING, "guess.spraying", "Password spraying")
        } else {
            (attack::PASSWORD_GUESSING, "guess.password", "Password guessing")
        }
    }

    fn finding(&mut self, a_try: &Try<'_>, analytic: &Analytic, config: &Config, now: Time) -> Finding {
        let entity = Entity::address(a_try.source);
        let (technique, code, title) = self.technique();
        let succeeded = !self.taken.is_empty();
        let internal = is_internal(a_try.source);
        let where_ = [a_try.service, a_try.host].iter().filter(|t| !t.is_empty()).copied().collect::<Vec<_>>().join(" on ");
        let users =
            if self.users.len() >= Distinct::KEYS_MAX { format!("more than {}", Distinct::KEYS_MAX) } else { self.users.len().to_string() };
        let names = self.names.join(", ");
        let slow = self.slow.now(now, config.slow_half_life_s);
        let mut reasons = vec![Reason {
            code: "guess.failures".into(),
            text: format!("{} failed sign-ins from {}", self.failures, entity.name),
            usual: format!("fewer than {:.0}", config.failures_min),
            now: self.failures.to_string(),
            push: (slow.max(1.0).ln() as f32).max(1.0),
        }];
        if self.users.len() > 1 || self.unknown_users > 0 {
            let text = format!("{users} names tried, {} of them do not exist: {names}", self.unknown_users);
            let push = 0.5 + (self.users.len() as f32).ln();
            reasons.push(Reason { code: code.into(), text, usual: "1 or 2 names".to_owned(), now: users.clone(), push });
        }
        if succeeded {
            let taken = self.taken.join(", ");
            let text = format!("{taken} signed in from there after {} failures", self.failures);
            reasons.push(Reason {
                code: "guess.succeeded".into(),
                text,
                usual: "0".to_owned(),
                now: self.taken.len().to_string(),
                push: 4.0,
            });
        }
        let odds: f32 = reasons.iter().map(|r| r.push).sum();
        let without = Score::new(logistic(f64::from(odds - reasons[0].push) - 2.0)).value();
        let privileged = self.taken.iter().any(|u| matches!(u.as_str(), "root" | "admin" | "administrator"));
        let severity = match (succeeded, internal, self.users.len()) {
            (true, ..) if privileged || self.users.len() >= 5 => Severity::Critical,
            (true, ..) => Severity::High,
            (false, true, 0..=1) => Severity::Low,
            (false, true, _) => Severity::Medium,
            (false, false, _) => Severity::Low,
        };
        let mut finding = self.campaign.tell(analytic, &entity.name, self.taken.len() as u32);
        finding = finding.explained(Score::new(logistic(f64::from(odds) - 2.0)), reasons);
        finding.title = if succeeded { format!("{title} that succeeded") } else { title.to_owned() };
        finding.text = format!("{} failed {} times at {where_} with {users} names", entity.name, self.failures);
        if succeeded {
            finding.text.push_str(&format!(", then signed in as {}", self.taken.join(", ")));
        }
        finding.would_change = format!("without the failures {without:.2}; a pause of {} h ends the count", config.idle_s / 3600);
        finding.severity = severity;
        finding.succeeded = succeeded;
        finding.techniques = vec![technique];
        finding.techniques.extend(succeeded.then_some(attack::VALID_ACCOUNTS));
        finding.entities = vec![entity];
        finding.entities.extend(a_try.more.iter().cloned());
        let victims = if succeeded { &self.taken } else { &self.names };
        let known = |name: &&Text| !name.is_empty() && name.as_str() != "an account";
        finding.entities.extend(victims.iter().filter(known).take(NAMES_SHOWN).map(|u| Entity::user(u)));
        finding
    }
}
