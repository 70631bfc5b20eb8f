//! Dormant account used: an account that nobody used for a quarter of a year signs in again.
//!
//! Reads:      authentication (3002): sign-ins and uses of sessions that succeeded.  Keyed by: user.
//! Evidence:   days since the account was used, against its own longest pause; place and program against those of before.
//! Score:      0..1, logistic over the pause, a new network and a new program.   ATT&CK: T1078.
//! State:      last use, longest pause and 16 networks and programs of at most `users_max` accounts.   Cost: O(1) a sign-in.
//! Mistaken by: somebody back from long leave (low, unless place and program are new too). Silent: accounts whose own pauses are about as long
//!             (quarterly work), accounts never seen before, time in which nobody at all signed in (a gap in the records).
//! Method:     days are counted while others sign in; the account's own rhythm is the baseline.

use event::analytic::AnalyticKind;
use event::authentication::{Action, Outcome};
use event::finding::Reason;
use event::{Analytic, Authentication, Body, Entity, Event, Finding, Score, Severity, Time, attack};
use learn::baseline::table::Table;
use learn::login::{Agent, Level, Look, place};
use serde::{Deserialize, Serialize};

use crate::campaign::{Campaign, logistic};
use crate::{Detector, Scope, Seen, Spec, StateError, state};

pub const SPEC: Spec = Spec {
    analytic: Analytic {
        uid: "identity.dormant",
        name: "Dormant account used",
        version: "1.0",
        kind: AnalyticKind::Behavioral,
        techniques: &[attack::VALID_ACCOUNTS],
    },
    // Whether records were kept at all shows in the sign-ins of everybody.
    scope: Scope::Whole,
    header: "An account that was not used for more than 90 days signs in again. Low when only the pause is unusual, medium when network and program \
             are new as well. Mistaken by: somebody back from long leave. Silent: accounts with a rhythm of months, gaps in the records.",
    build: |knowledge| Box::new(Dormant::new(knowledge.config.dormant.clone())),
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Days without use from which on an account is dormant.
    pub days: f64,
    /// Days with a use before the pause: a first try long ago is no habit.
    pub used_days_min: u32,
    /// A pause this many times the account's longest one is unusual.
    pub longer: f64,
    pub users_max: usize,
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config { days: 90.0, used_days_min: 3, longer: 1.5, users_max: 200_000, seed: 0x646f_726d }
    }
}

/// Longer silence of everybody is a gap in the records, not a pause of one account: nights, weekends and holidays are shorter.
const GAP_MAX_S: f64 = 4.0 * 86_400.0;
const DAY_S: f64 = 86_400.0;
/// Networks and programs kept of an account, the latest ones.
const HABITS_MAX: usize = 16;

#[derive(Clone, Default, Serialize, Deserialize)]
struct Account {
    last: Option<Time>,
    /// [`State::lived_s`] at the last use.
    lived_s: f64,
    longest_s: f64,
    used_days: u32,
    networks: Vec<u32>,
    programs: Vec<u32>,
}

#[derive(Clone, Serialize, Deserialize)]
struct State {
    accounts: Table<Account>,
    newest: Option<Time>,
    /// Seconds in which sign-ins were seen at all.
    lived_s: f64,
}

struct Dormant {
    config: Config,
    state: State,
}

impl Dormant {
    fn new(config: Config) -> Dormant {
        // Kept for two years: what is dormant has not been seen for long.
        const TWO_YEARS_US: i64 = 2 * 366 * 86_400_000_000;
        Dormant { state: State { accounts: Table::new(config.users_max, TWO_YEARS_US, config.seed), newest: None, lived_s: 0.0 }, config }
    }
}

/// Adds to the latest ones; says whether it was new. Nothing known is not new.
fn is_new(habits: &mut Vec<u32>, key: u32) -> bool {
    let known = key == 0 || habits.contains(&key);
    if !known {
        if habits.len() == HABITS_MAX {
            habits.remove(0);
        }
        habits.push(key);
    }
    !known
}

impl Detector for Dormant {
    fn detect(&mut self, event: &Event, _seen: &Seen, out: &mut Vec<Finding>) {
        let Body::Authentication(auth) = &event.body else { return };
        let now = event.meta.time;
        let State { accounts, newest, lived_s } = &mut self.state;
        if let Some(newest) = newest {
            *lived_s += now.since_s(*newest).clamp(0.0, GAP_MAX_S);
        }
        *newest = (*newest).max(Some(now));
        let used = auth.outcome == Outcome::Success && matches!(auth.action, Action::Login | Action::Session | Action::StepUp);
        let Some(look) = Look::of(auth, now).filter(|_| used) else { return };
        let account = accounts.entry(look.user, now.us(), |account| account.used_days);
        let (network, program) = (look.keys[Level::Wide as usize], look.keys[Level::Browser as usize]);
        let new_network = is_new(&mut account.networks, network);
        let new_program = is_new(&mut account.programs, program);
        let pause_s = *lived_s - account.lived_s;
        let before = account.last.map_or(0, |last| last.s().div_euclid(86_400));
        let was = account.clone();
        account.used_days = account.used_days.saturating_add(u32::from(account.last.is_none() || now.s().div_euclid(86_400) > before));
        account.last = account.last.max(Some(now));
        account.lived_s = *lived_s;
        let Some(last) = was.last else { return };
        account.longest_s = was.longest_s.max(pause_s);
        let dormant = pause_s > self.config.days * DAY_S && pause_s >= was.longest_s * self.config.longer;
        if dormant && was.used_days >= self.config.used_days_min {
            out.push(tell(event, auth, last, pause_s, was.longest_s, new_network, new_program));
        }
    }

    fn filled(&self) -> Vec<(&'static str, usize, usize)> {
        vec![("accounts", self.state.accounts.len(), self.config.users_max)]
    }

    fn save(&self) -> Vec<u8> {
        state::save(&self.state)
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), StateError> {
        self.state = state::load(SPEC.analytic.uid, saved)?;
        Ok(())
    }
}

fn tell(event: &Event, auth: &Authentication, last: Time, pause_s: f64, longest_s: f64, new_network: bool, new_program: bool) -> Finding {
    let (days, longest) = (pause_s / DAY_S, longest_s / DAY_S);
    let client = auth.client.map(Entity::address);
    let from = client.as_ref().map(|c| c.name.clone()).unwrap_or_default();
    let mut reasons = vec![Reason {
        code: "dormant.pause".into(),
        text: format!("not used for {days:.0} days, last at {last}"),
        usual: format!("pauses of at most {longest:.0} days"),
        now: format!("{days:.0} days"),
        push: 1.0,
    }];
    if new_network {
        let near = auth.client.map(place::near).unwrap_or_default();
        let text = format!("{near} is in a network that the account did not use before");
        reasons.push(Reason { code: "dormant.network".into(), text, usual: String::new(), now: from.to_string(), push: 1.0 });
    }
    if new_program {
        let words = Agent::parse(&auth.user_agent).map_or_else(|| "a program".to_owned(), |a| a.words());
        let text = format!("{words}: a program that the account did not use before");
        reasons.push(Reason { code: "dormant.program".into(), text, usual: String::new(), now: words, push: 1.0 });
    }
    let odds: f32 = reasons.iter().map(|r| r.push).sum();
    let mut about = Campaign::default();
    about.begin_if_idle(event.meta.time, 0);
    about.add(event, 1);
    let mut finding = about.tell(&SPEC.analytic, &format!("dormant {}", auth.user), 0);
    finding = finding.explained(Score::new(logistic(f64::from(odds) - 2.0)), reasons);
    finding.title = "Dormant account used".to_owned();
    finding.text = format!("{} signed in from {from} after {days:.0} days without use", auth.user);
    finding.would_change =
        "an account that is used within 90 days, or whose own pauses are as long; close accounts that nobody needs".to_owned();
    finding.severity = if new_network && new_program { Severity::Medium } else { Severity::Low };
    finding.succeeded = true;
    finding.entities = client.into_iter().chain([Entity::user(&auth.user)]).collect();
    finding.entities.extend((!auth.service.is_empty()).then(|| Entity::service(&auth.service)));
    finding
}

#[cfg(test)]
mod tests;
