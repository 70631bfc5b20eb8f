//! Correlation: a finding joins an open incident when it shares its actor (or, for floods and everyday noise, its target) within a
//! window that depends on the kind of trouble.
//!
//! An attack is about one actor: it joins what that address or user did in the last 48 h. Guessing and scanning that never gets in is
//! rolled up in one low incident a service and day; the moment one actor gets in or turns to exploiting, its history moves into an
//! incident of its own. Floods come from many addresses at once: they are joined by target within an hour. Attacks also meet through what they
//! share ([`link`]): the host that one of them took acts in the next.
//!
//! A finding that is informational alone opens nothing. It waits for an incident of its actor and is then part of its story.
//!
//! State: at most `incidents_max` open incidents, at most `findings_max` findings each; the oldest low one is closed first.

use std::collections::{BTreeMap, HashMap};

use event::incident::{Entry, FINDINGS_MAX, Outcome, Stage, Status};
use event::order::{Order, What};
use event::{Entity, EntityKind, Finding, Incident, Severity, Text, Time};
use serde::{Deserialize, Serialize};

use link::Links;

use crate::family::Family;
use crate::forecast::{Forecaster, Open};
use crate::{severity, story};

mod link;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub window_s: u32,
    pub flood_window_s: u32,
    pub incidents_max: usize,
    /// Findings with details; more are only counted.
    pub findings_max: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config { window_s: 48 * 3600, flood_window_s: 3600, incidents_max: 10_000, findings_max: 2_000 }
    }
}

/// An incident that [`Correlator::settle`] made anew.
#[derive(Clone, Debug)]
pub struct Change {
    pub incident: Incident,
    pub is_new: bool,
}

struct Case {
    incident: Incident,
    family: Family,
    findings: BTreeMap<Text, Finding>,
    over: Over,
}

/// Findings beyond `findings_max`: counted, without details.
#[derive(Default)]
struct Over {
    findings: u64,
    events: u64,
    blocked: u64,
    passed: u64,
    first_seen: Option<Time>,
    last_seen: Option<Time>,
}

pub struct Correlator {
    config: Config,
    cases: BTreeMap<u64, Case>,
    by_key: HashMap<(Family, u64), u64>,
    by_finding: HashMap<Text, u64>,
    next: u64,
    /// Cases to tell anew, and whether they are new.
    dirty: BTreeMap<u64, bool>,
    /// Closed to make room, not yet reported.
    closed: Vec<Incident>,
    links: Links,
    /// Informational findings by actor.
    waiting: HashMap<u64, Vec<Finding>>,
    forecaster: Option<Forecaster>,
    /// Of the open incidents about configuration; made anew when one of them changed.
    open: Option<Open>,
}

/// Informational findings kept of one actor, and actors that are kept.
const WAITING_MAX: usize = 16;
const WAITING_ACTORS_MAX: usize = 20_000;

impl Correlator {
    pub fn new(config: Config) -> Correlator {
        Correlator {
            config,
            cases: BTreeMap::new(),
            by_key: HashMap::new(),
            by_finding: HashMap::new(),
            next: 1,
            dirty: BTreeMap::new(),
            closed: Vec::new(),
            links: Links::default(),
            waiting: HashMap::new(),
            forecaster: None,
            open: None,
        }
    }

    /// What is held and how much may be: (what, now, at most).
    pub fn filled(&self) -> [(&'static str, usize, usize); 2] {
        [("incidents", self.cases.len(), self.config.incidents_max), ("waiting actors", self.waiting.len(), WAITING_ACTORS_MAX)]
    }

    /// Incidents also tell what is likely to come next.
    pub fn foresee(&mut self, forecaster: Forecaster) {
        self.forecaster = Some(forecaster);
    }

    /// Takes up incidents of an earlier run, newest first. `findings` gives the details of those that it has; the others are only counted.
    pub fn restore(&mut self, incidents: impl IntoIterator<Item = Incident>, mut findings: impl FnMut(&str) -> Option<Finding>) {
        for incident in incidents {
            let Some(number) = number_of(&incident.uid) else { continue };
            self.next = self.next.max(number + 1);
            if !incident.is_open() {
                continue;
            }
            let known: BTreeMap<Text, Finding> = incident.findings.iter().filter_map(|uid| Some((uid.clone(), findings(uid)?))).collect();
            let family = known.values().map(Family::of).max().unwrap_or(Family::Actor);
            for uid in incident.findings.iter().cloned() {
                self.by_finding.insert(uid, number);
            }
            for finding in known.values() {
                if family == Family::Actor {
                    self.links.note(finding, number);
                }
                self.by_key.insert((family, self.key(family, finding)), number);
            }
            let of_known = |count: fn(&Finding) -> u64| known.values().map(count).sum::<u64>();
            let over = Over {
                findings: incident.finding_count.saturating_sub(known.len() as u64),
                events: incident.event_count.saturating_sub(of_known(|f| f.count)),
                blocked: incident.blocked_count.saturating_sub(of_known(blocked)),
                passed: incident.passed_count.saturating_sub(of_known(passed)),
                first_seen: Some(incident.first_seen),
                last_seen: Some(incident.last_seen),
            };
            self.cases.insert(number, Case { incident, family, findings: known, over });
        }
    }

    /// Puts a finding (or a later state of one) into its incident; [`Correlator::settle`] then tells what changed.
    pub fn take(&mut self, finding: &Finding) {
        if finding.compliance.is_some() {
            self.open = None;
        }
        let family = Family::of(finding);
        if let Some(&number) = self.by_finding.get(&finding.uid) {
            let moves = self.cases.get(&number).is_some_and(|case| case.family == Family::Noise && family == Family::Actor);
            if !moves {
                return self.add(number, finding);
            }
        }
        let own =
            (family == Family::Noise).then(|| self.key(Family::Actor, finding)).and_then(|key| self.open_case(Family::Actor, key, finding));
        if let Some(number) = own {
            return self.add(number, finding);
        }
        let key = self.key(family, finding);
        let linked = (family == Family::Actor).then(|| self.links.find(finding)).flatten();
        let open = self.open_case(family, key, finding).or_else(|| linked.filter(|number| self.is_near(*number, family, finding)));
        if open.is_none() && family == Family::Actor && finding.severity == Severity::Info {
            return self.wait(finding);
        }
        let number = open.unwrap_or_else(|| self.open(family, key));
        if family == Family::Actor {
            self.move_history(finding, number);
            self.links.note(finding, number);
            for waited in finding.actor().and_then(|actor| self.waiting.remove(&actor.key())).unwrap_or_default() {
                self.add(number, &waited);
            }
        }
        self.add(number, finding);
    }

    fn wait(&mut self, finding: &Finding) {
        let Some(actor) = finding.actor() else { return };
        if self.waiting.len() >= WAITING_ACTORS_MAX && !self.waiting.contains_key(&actor.key()) {
            self.waiting.clear();
        }
        let held = self.waiting.entry(actor.key()).or_default();
        held.retain(|f| f.uid != finding.uid);
        if held.len() == WAITING_MAX {
            held.remove(0);
        }
        held.push(finding.clone());
    }

    /// The open incident with this key that the finding is near enough to in time.
    fn open_case(&self, family: Family, key: u64, finding: &Finding) -> Option<u64> {
        self.by_key.get(&(family, key)).copied().filter(|number| self.is_near(*number, family, finding))
    }

    fn is_near(&self, number: u64, family: Family, finding: &Finding) -> bool {
        let window_s = if family == Family::Flood { self.config.flood_window_s } else { self.config.window_s };
        self.cases.get(&number).is_some_and(|case| {
            let last_seen = case.findings.values().map(|f| f.last_seen).max().unwrap_or(case.incident.last_seen);
            let gap_s = finding.first_seen.since_s(last_seen);
            let by_day = matches!(family, Family::Noise | Family::Posture);
            case.incident.is_open() && case.family == family && (by_day || gap_s.abs() <= f64::from(window_s))
        })
    }

    /// The incidents that changed since the last call, each told anew once, oldest first.
    pub fn settle(&mut self) -> Vec<Change> {
        let mut changes: Vec<Change> = self.closed.drain(..).map(|incident| Change { incident, is_new: false }).collect();
        let dirty = std::mem::take(&mut self.dirty);
        if self.open.is_none() && self.forecaster.is_some() && !dirty.is_empty() {
            let cases = self.cases.values().filter(|case| case.family == Family::Posture && case.incident.is_open());
            self.open = Some(Open::of(cases.flat_map(|case| case.findings.values())));
        }
        for (number, is_new) in dirty {
            if let Some(case) = self.cases.get_mut(&number) {
                retell(case);
                if let (Some(forecaster), Some(open)) = (&self.forecaster, &self.open) {
                    forecaster.tell(&mut case.incident, open);
                }
                changes.push(Change { incident: case.incident.clone(), is_new });
            }
        }
        changes
    }

    /// An analyst's order about an incident; `None` when there is no such incident.
    pub fn order(&mut self, order: &Order) -> Option<Incident> {
        let (uid, text) = match &order.what {
            What::Close { incident, outcome, note } => (incident, format!("closed as {}{}", words(*outcome), after_dash(note))),
            What::Reopen { incident } => (incident, "reopened".to_owned()),
            What::Note { incident, text } => (incident, format!("note: {text}")),
            What::Undo { .. }
            | What::Redo { .. }
            | What::Approve { .. }
            | What::Reject { .. }
            | What::Block { .. }
            | What::Quarantine { .. }
            | What::Enforce { .. }
            | What::Retain(_)
            | What::SignIn { .. }
            | What::TakeUp { .. } => {
                return None;
            }
        };
        let case = self.cases.get_mut(&number_of(uid)?)?;
        if case.family == Family::Posture {
            self.open = None;
        }
        match &order.what {
            What::Close { outcome, .. } => case.incident.status = Status::Closed { outcome: *outcome },
            What::Reopen { .. } => case.incident.status = Status::Open,
            _ => {}
        }
        Some(enter(case, Entry { time: order.at, by: order.by.clone(), text }))
    }

    /// Writes what was done about an incident into its trail.
    pub fn record(&mut self, incident: &str, response: Option<&Text>, entry: Entry) -> Option<Incident> {
        let case = self.cases.get_mut(&number_of(incident)?)?;
        if let Some(response) = response.filter(|r| !case.incident.responses.contains(r)) {
            case.incident.responses.push(response.clone());
        }
        Some(enter(case, entry))
    }

    pub fn incident(&self, uid: &str) -> Option<&Incident> {
        Some(&self.cases.get(&number_of(uid)?)?.incident)
    }

    /// The incident that a finding is part of.
    pub fn incident_of(&self, finding: &str) -> Option<&Incident> {
        Some(&self.cases.get(self.by_finding.get(finding)?)?.incident)
    }

    pub fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.cases.values().map(|case| &case.incident)
    }

    fn open(&mut self, family: Family, key: u64) -> u64 {
        if self.cases.len() >= self.config.incidents_max {
            let closed = self.make_room();
            self.closed.extend(closed);
        }
        let number = self.next;
        self.next += 1;
        let uid = event_uid(number);
        let incident = Incident { uid, ..Incident::default() };
        self.cases.insert(number, Case { incident, family, findings: BTreeMap::new(), over: Over::default() });
        self.dirty.insert(number, true);
        self.by_key.insert((family, key), number);
        number
    }

    /// Closes the oldest incident of the lowest severity.
    fn make_room(&mut self) -> Option<Incident> {
        let (&number, _) =
            self.cases.iter().min_by_key(|(_, case)| (case.incident.is_open(), case.incident.severity, case.incident.last_seen))?;
        let mut case = self.cases.remove(&number)?;
        self.by_key.retain(|_, n| *n != number);
        self.by_finding.retain(|_, n| *n != number);
        self.links.forget(|n| n == number);
        if !case.incident.is_open() {
            return None;
        }
        case.incident.status = Status::Closed { outcome: Outcome::BenignButOdd };
        let entry = Entry { time: case.incident.last_seen, by: "bartizan".into(), text: "closed to make room for newer incidents".into() };
        Some(enter(&mut case, entry))
    }

    /// What the actor did before as noise belongs to the incident that it now has of its own.
    fn move_history(&mut self, finding: &Finding, to: u64) {
        let Some(actor) = finding.actor() else { return };
        let mut moved = Vec::new();
        let mut emptied = Vec::new();
        for (number, case) in self.cases.iter_mut().filter(|(n, c)| **n != to && c.family == Family::Noise && c.incident.is_open()) {
            let theirs: Vec<Text> = case.findings.values().filter(|f| f.actor() == Some(actor)).map(|f| f.uid.clone()).collect();
            if theirs.is_empty() {
                continue;
            }
            moved.extend(theirs.iter().filter_map(|uid| case.findings.remove(uid)));
            if case.findings.is_empty() {
                case.incident.merged_into = Some(event_uid(to));
                emptied.push(*number);
            }
            self.dirty.entry(*number).or_insert(false);
        }
        self.by_key.retain(|_, n| !emptied.contains(n));
        for finding in moved {
            self.by_finding.insert(finding.uid.clone(), to);
            if let Some(case) = self.cases.get_mut(&to) {
                case.findings.insert(finding.uid.clone(), finding);
            }
        }
    }

    fn add(&mut self, number: u64, finding: &Finding) {
        let Some(case) = self.cases.get_mut(&number) else { return };
        if case.findings.len() < self.config.findings_max || case.findings.contains_key(&finding.uid) {
            case.findings.insert(finding.uid.clone(), finding.clone());
            self.by_finding.insert(finding.uid.clone(), number);
        } else {
            let over = &mut case.over;
            over.findings += 1;
            over.events += finding.count;
            over.blocked += blocked(finding);
            over.passed += passed(finding);
            over.last_seen = over.last_seen.max(Some(finding.last_seen));
        }
        self.dirty.entry(number).or_insert(false);
    }

    fn key(&self, family: Family, finding: &Finding) -> u64 {
        let of = |kinds: &[EntityKind]| finding.entities.iter().find(|e| kinds.contains(&e.kind)).map_or(0, Entity::key);
        match family {
            Family::Actor => finding.actor().map_or(0, Entity::key),
            Family::Flood => of(&[EntityKind::Service, EntityKind::Host]),
            Family::Posture => {
                let place = finding.evidence.first().map_or("", |e| e.source.as_str());
                Entity::service(place).key() ^ (finding.first_seen.s().div_euclid(86_400) as u64)
            }
            Family::Noise => of(&[EntityKind::Service, EntityKind::Host]) ^ (finding.first_seen.s().div_euclid(86_400) as u64),
        }
    }
}

/// Detectors of one area read the same events: the largest count of each area, added up.
fn events(stages: &[Stage]) -> u64 {
    let mut by_area: BTreeMap<&str, u64> = BTreeMap::new();
    for stage in stages {
        let area = stage.analytic.split('.').next().unwrap_or_default();
        let most = by_area.entry(area).or_default();
        *most = stage.count.max(*most);
    }
    by_area.values().sum()
}

fn blocked(finding: &Finding) -> u64 {
    u64::from(finding.verdict.is_some_and(|v| !v.passed()))
}

fn passed(finding: &Finding) -> u64 {
    u64::from(finding.verdict.is_some_and(event::Verdict::passed))
}

fn enter(case: &mut Case, entry: Entry) -> Incident {
    const TRAIL_MAX: usize = 200;
    if case.incident.trail.len() < TRAIL_MAX {
        case.incident.trail.push(entry);
    }
    case.incident.revision += 1;
    story::tell(&mut case.incident);
    case.incident.clone()
}

/// Makes the incident anew from its findings: derived state is never patched.
fn retell(case: &mut Case) {
    let incident = &mut case.incident;
    incident.revision += 1;
    let mut findings: Vec<&Finding> = case.findings.values().collect();
    findings.sort_by_key(|f| (f.first_seen, f.uid.clone()));
    let Some(first) = findings.first() else { return };
    incident.first_seen = case.over.first_seen.map_or(first.first_seen, |t| t.min(first.first_seen));
    incident.last_seen =
        findings.iter().map(|f| f.last_seen).max().unwrap_or(first.last_seen).max(case.over.last_seen.unwrap_or(first.last_seen));
    incident.succeeded = findings.iter().any(|f| f.succeeded);
    incident.finding_count = findings.len() as u64 + case.over.findings;
    incident.blocked_count = findings.iter().map(|f| blocked(f)).sum::<u64>() + case.over.blocked;
    incident.passed_count = findings.iter().map(|f| passed(f)).sum::<u64>() + case.over.passed;
    incident.findings = ends(&findings, FINDINGS_MAX).map(|f| f.uid.clone()).collect();
    incident.techniques = distinct(findings.iter().flat_map(|f| f.techniques.iter().copied()), 32);
    incident.techniques.sort_by_key(|t| t.tactic);
    incident.entities = story::entities(&findings);
    incident.stages = story::stages(&findings);
    incident.event_count = events(&incident.stages) + case.over.events;
    let strongest = findings.iter().map(|f| f.severity).max().unwrap_or_default();
    severity::assess(incident, case.family, strongest);
    incident.reasons = story::reasons(&findings, incident.score);
    incident.evidence = story::evidence(&findings);
    incident.would_change = story::would_change(&findings);
    incident.title = story::title(incident, &findings);
    story::tell(incident);
}

/// First and latest ones.
fn ends<'a>(findings: &'a [&'a Finding], max: usize) -> impl Iterator<Item = &'a Finding> {
    let left_out = findings.len().saturating_sub(max);
    let head = (findings.len() - left_out).div_ceil(2);
    findings[..head].iter().chain(&findings[head + left_out..]).copied()
}

fn distinct<T: PartialEq>(all: impl Iterator<Item = T>, max: usize) -> Vec<T> {
    let mut kept = Vec::new();
    for item in all {
        if kept.len() < max && !kept.contains(&item) {
            kept.push(item);
        }
    }
    kept
}

fn event_uid(number: u64) -> Text {
    format!("INC-{number}").into()
}

fn number_of(uid: &str) -> Option<u64> {
    uid.strip_prefix("INC-")?.parse().ok()
}

fn words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::True => "true",
        Outcome::False => "false alarm",
        Outcome::BenignButOdd => "benign but odd",
    }
}

fn after_dash(note: &str) -> String {
    if note.is_empty() { String::new() } else { format!(" - {note}") }
}

#[cfg(test)]
mod tests;
