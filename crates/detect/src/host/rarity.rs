//! Rare on a host: a program that neither this host nor its peers ever started, a child that this parent never had, an account where it never was,
//! a security-relevant Windows event that never happened here.
//!
//! Reads:      process (1007), authentication (3002), Windows records of the catalogue.  Keyed by: host, host and parent, account.
//! Evidence:   days and events without it, peers that did it.   Score: 0..1 from bits of surprise, at most .8; informational, low from
//!             15 bits: alone it proves nothing.   ATT&CK: T1204.002 (program), T1059 (child), T1078 (account), T1562 (event).
//! State:      hashes of at most 256 things an entity, 20,000 entities for each kind.   Cost: O(log n) an event.
//! Mistaken by: a roll-out (peers do it too, then it is none), the first weeks (7 days are learned), an administrator's first visit.
//! Method:     conditional surprise with back-off to the peer group; what follows a finding within a day is neither told nor learned.

use event::analytic::AnalyticKind;
use event::authentication::{Action, Outcome};
use event::finding::Reason;
use event::{Analytic, Body, Event, Finding, Score, Severity, Technique};
use serde::{Deserialize, Serialize};

use crate::acting::acting;
use crate::campaign::{Campaign, key, logistic};
use crate::first_time::{Config, First, FirstTime};
use crate::technique::technique;
use crate::{Detector, Scope, Seen, Spec, StateError, state};

use super::windows_security::Table;

const PROGRAM: Technique = technique("T1204.002");
const CHILD: Technique = technique("T1059");
const ACCOUNT: Technique = technique("T1078");
const EVENT: Technique = technique("T1562");

pub const SPEC: Spec = Spec {
    analytic: Analytic {
        uid: "host.rarity",
        name: "Rare on this host",
        version: "1.0",
        kind: AnalyticKind::Learning,
        techniques: &[PROGRAM, CHILD, ACCOUNT, EVENT],
    },
    scope: Scope::Whole,
    header: "A program, a child of a program, an account or a security event that this host and its peers never had. Informational or low. \
             Mistaken by: a roll-out, an administrator's first visit.",
    build: |knowledge| Box::new(Rarity { state: State::new(&knowledge.config.host_rarity), catalogue: Table::built_in() }),
};

struct Rarity {
    state: State,
    catalogue: Table,
}

#[derive(Serialize, Deserialize)]
struct State {
    programs: FirstTime,
    children: FirstTime,
    accounts: FirstTime,
    events: FirstTime,
}

impl State {
    fn new(config: &Config) -> State {
        // Programs are more and change more often than the calls that the default was made for.
        let config = Config { bits_min: config.bits_min + 3.0, ..config.clone() };
        let new = || FirstTime::new(&config);
        State { programs: new(), children: new(), accounts: new(), events: new() }
    }
}

/// Bits from which it is more than informational.
const LOW_BITS: f64 = 15.0;

/// What one event says about: who, whose peers, what, in words.
struct Fact {
    code: &'static str,
    title: &'static str,
    technique: Technique,
    entity: String,
    group: String,
    thing: String,
    text: String,
}

impl Detector for Rarity {
    fn detect(&mut self, event: &Event, _seen: &Seen, out: &mut Vec<Finding>) {
        let host = event.host().to_lowercase();
        let product = event.native.as_deref().map_or("", |native| native.product.as_str());
        let now = event.meta.time;
        let before = out.len();
        let mut look = |table: &mut FirstTime, fact: Fact| {
            let [entity, group, thing] = [&fact.entity, &fact.group, &fact.thing].map(|part| key(part.as_bytes()));
            // One event says one thing: a program that is new here is also a new child.
            if let Some(first) = table.look(entity, group, thing, now).filter(|_| out.len() == before) {
                out.push(tell(event, &fact, &first));
            }
        };
        match &event.body {
            Body::Process(process) if !host.is_empty() => {
                let image = program(if process.image.is_empty() { &process.command_line } else { &process.image });
                if image.is_empty() {
                    return;
                }
                look(
                    &mut self.state.programs,
                    Fact {
                        code: "rarity.program",
                        title: "Program that was never started here",
                        technique: PROGRAM,
                        entity: host.clone(),
                        group: product.to_owned(),
                        thing: image.clone(),
                        text: format!("{host} started {image}"),
                    },
                );
                let parent = program(&process.parent_image);
                if !parent.is_empty() {
                    look(
                        &mut self.state.children,
                        Fact {
                            code: "rarity.child",
                            title: "Program started by one that never did",
                            technique: CHILD,
                            entity: format!("{host} {parent}"),
                            group: parent.clone(),
                            thing: image.clone(),
                            text: format!("{parent} started {image} on {host}"),
                        },
                    );
                }
            }
            Body::Authentication(auth)
                if auth.action == Action::Login
                    && auth.outcome == Outcome::Success
                    && !host.is_empty()
                    && !auth.user.is_empty()
                    && !auth.user.ends_with('$') =>
            {
                look(
                    &mut self.state.accounts,
                    Fact {
                        code: "rarity.account",
                        title: "Account signed in where it never did",
                        technique: ACCOUNT,
                        entity: auth.user.to_lowercase().to_string(),
                        group: "accounts".to_owned(),
                        text: format!("{} signed in to {host}", auth.user),
                        thing: host.clone(),
                    },
                );
            }
            _ => {}
        }
        let Some(native) = event.native.as_deref().filter(|_| !host.is_empty()) else { return };
        let words: Vec<_> = self.catalogue.find(native).map(|row| row.words.clone()).collect();
        for words in words {
            look(
                &mut self.state.events,
                Fact {
                    code: "rarity.event",
                    title: "Security event that never happened here",
                    technique: EVENT,
                    entity: host.clone(),
                    group: product.to_owned(),
                    text: format!("{host}: {words}"),
                    thing: words.to_string(),
                },
            );
        }
    }

    fn filled(&self) -> Vec<(&'static str, usize, usize)> {
        let State { programs, children, accounts, events } = &self.state;
        [programs, children, accounts, events].into_iter().flat_map(FirstTime::filled).collect()
    }

    fn save(&self) -> Vec<u8> {
        state::save(&self.state)
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), StateError> {
        self.state = state::load(SPEC.analytic.uid, saved)?;
        Ok(())
    }
}

/// Folder and name of a program in lower case, without what changes from one machine to the next: versions, users, random names.
fn program(path: &str) -> String {
    const CHARS_MAX: usize = 256;
    let path = path.trim_matches('"');
    // A command line: its first word.
    let path = if path.contains('\\') { path } else { path.split(' ').next().unwrap_or_default() };
    let mut out = String::new();
    let mut parts = path.split(['\\', '/']).peekable();
    let (mut user_next, mut is_first) = (false, true);
    while let Some(part) = parts.next() {
        let lower = part.to_lowercase();
        if !is_first {
            out.push('/');
        }
        is_first = false;
        let digits = lower.bytes().filter(u8::is_ascii_digit).count();
        let varies = parts.peek().is_some() && (digits * 3 > lower.len() || lower.starts_with('{'));
        match lower.as_str() {
            _ if user_next || varies => out.push('*'),
            _ => out.push_str(&lower),
        }
        user_next = ["users", "home"].contains(&lower.as_str());
    }
    out.truncate(out.floor_char_boundary(CHARS_MAX));
    out
}

fn tell(event: &Event, fact: &Fact, first: &First) -> Finding {
    let mut campaign = Campaign::default();
    campaign.begin_if_idle(event.meta.time, 0);
    campaign.add(event, 1);
    let mut finding = campaign.tell(&SPEC.analytic, &format!("{} {}", fact.code, fact.text), 0);
    let reason = Reason {
        code: fact.code.into(),
        text: format!("{}: {:.1} bits of surprise", fact.text, first.bits),
        usual: first.usual(),
        now: "now".to_owned(),
        push: 1.0,
    };
    finding = finding.explained(Score::new(logistic((first.bits - LOW_BITS) / 4.0).min(0.8)), vec![reason]);
    finding.title = fact.title.to_owned();
    finding.text = format!("{}; {}", fact.text, first.usual());
    finding.would_change = "a peer that does it, or the same in the learning time".to_owned();
    finding.severity = if first.bits >= LOW_BITS { Severity::Low } else { Severity::Info };
    finding.techniques = vec![fact.technique];
    finding.entities = acting(event);
    finding
}

#[cfg(test)]
mod tests {
    use event::{Bytes, Meta, Process, Time, Uid};

    use super::*;
    use crate::tests::run;

    fn started(host: &str, image: &str, parent: &str, at_s: i64) -> Event {
        let process = Process { host: host.into(), image: image.into(), parent_image: parent.into(), ..Process::default() };
        let meta = Meta { uid: Uid::of_record(host, at_s as u64), time: Time::from_s(1_700_000_000 + at_s), ..Meta::default() };
        Event::new(meta, Body::Process(Box::new(process)), Bytes::default())
    }

    /// `hosts` hosts that start three programs each hour for nine days.
    fn ordinary(hosts: usize) -> Vec<Event> {
        let program = |n: i64| {
            ["C:\\Windows\\System32\\svchost.exe", "C:\\Program Files\\Mail\\mail.exe", "C:\\Windows\\notepad.exe"][n as usize % 3]
        };
        let each = |n: i64| (0..hosts).map(move |h| started(&format!("pc{h}"), program(n), "C:\\Windows\\explorer.exe", n * 1_200));
        (0..9 * 72).flat_map(each).collect()
    }

    const END_S: i64 = 9 * 86_400;

    #[test]
    fn t1204_002_a_program_that_nobody_has() {
        let mut events = ordinary(4);
        events.push(started("pc1", "C:\\Users\\ann\\AppData\\x.exe", "C:\\Windows\\explorer.exe", END_S));
        let found = run(&SPEC, &events);
        assert!(found.iter().any(|f| f.techniques[0].uid == "T1204.002"), "{found:?}");
        assert!(found[0].reasons[0].usual.contains("never in 9 days") && found[0].reasons[0].usual.contains("0 of 3 peers"));
        assert!(found.iter().all(|f| f.severity <= Severity::Low));
    }

    #[test]
    fn a_roll_out_and_the_first_days_are_silent() {
        let mut events = ordinary(12);
        events.extend(
            (0..12).map(|h| started(&format!("pc{h}"), "C:\\Program Files\\New\\new.exe", "C:\\Windows\\explorer.exe", END_S + h * 60)),
        );
        let found = run(&SPEC, &events);
        assert!(found.len() <= 4, "the first machines of a roll-out may be told: {}", found.len());
        let young: Vec<Event> = (0..40).map(|n| started("pc9", &format!("C:\\a\\{n}.exe"), "C:\\b.exe", n * 60)).collect();
        assert_eq!(run(&SPEC, &young), []);
    }

    #[test]
    fn versions_and_users_are_the_same_program() {
        assert_eq!(program("C:\\Users\\ann\\App\\17.3.4401\\a.exe"), program("\"C:\\Users\\bob\\App\\17.3.5117\\a.exe\""));
        assert_ne!(program("C:\\Windows\\a.exe"), program("C:\\Temp\\a.exe"));
        assert_eq!(program("/usr/bin/tail -n 5 x"), "/usr/bin/tail");
    }

    #[test]
    fn a_developer_who_runs_new_things_every_day_is_seldom_told() {
        let mut events = ordinary(3);
        events.extend(
            (0..9 * 24).map(|n| started("pc0", &format!("C:\\build\\out\\t{}\\test{n}.exe", n % 7), "C:\\make.exe", n * 3_600 + 5)),
        );
        events.sort_by_key(|e| e.meta.time);
        let found = run(&SPEC, &events);
        assert!(found.len() <= 2, "{} of {}", found.len(), events.len());
    }
}
