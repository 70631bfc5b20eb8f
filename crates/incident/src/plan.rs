//! Which responses an incident asks for: the mildest ones that end the harm, with an end, within caps, never against the never-block list.
//!
//! An address is blocked at the gateway, and in the packet filter where there is one and a handshake proved the address. The first block lasts
//! `block_first_s`; each further one twice as long, up to `block_max_s`. A file whose bytes were judged malicious is put in quarantine until
//! somebody has looked at it. A second factor is asked for at the gateway, sign-in by sign-in.

mod file;

use std::collections::{HashMap, VecDeque};

use event::decision::Disposition;
use event::response::{Mode, Phase};
use event::{Entity, EntityKind, Finding, Incident, Response, Text, Time, short_id};
use serde::{Deserialize, Serialize};

use crate::Never;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlannerConfig {
    /// A finding below this score asks for nothing.
    pub score_min: f32,
    pub block_first_s: u32,
    pub block_max_s: u32,
    /// New blocks in any 10 minutes; more need a person.
    pub blocks_per_10_min_max: usize,
    pub soft_allow_s: u32,
    /// How long a file stays in quarantine before somebody should have looked at it.
    pub review_s: u32,
}

impl Default for PlannerConfig {
    fn default() -> PlannerConfig {
        PlannerConfig {
            score_min: 0.7,
            block_first_s: 900,
            block_max_s: 86_400,
            blocks_per_10_min_max: 50,
            soft_allow_s: 86_400,
            review_s: 90 * 86_400,
        }
    }
}

/// A planned response, or why there is none although the incident asks for one.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    Do(Box<Response>),
    /// Written into the trail once for each target and reason.
    Leave {
        target: Entity,
        why: String,
    },
}

/// What can carry responses out besides the gateway's table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Points {
    pub nftables: bool,
    pub quarantine: bool,
}

pub struct Planner {
    config: PlannerConfig,
    pub points: Points,
    /// Blocks of a target so far, and when the latest of them ends.
    history: HashMap<Entity, (u32, Time)>,
    /// Undone by a person: this analytic does not act on this target until then.
    soft_allows: HashMap<(Text, Entity), Time>,
    recent: VecDeque<Time>,
    left: HashMap<(Text, Entity), String>,
}

/// Entries kept of each table; beyond, what ended first is dropped.
const KEPT_MAX: usize = 100_000;

impl Planner {
    /// What is held and how much may be: (what, now, at most).
    pub fn filled(&self) -> [(&'static str, usize, usize); 3] {
        [
            ("targets blocked before", self.history.len(), KEPT_MAX),
            ("soft allows", self.soft_allows.len(), KEPT_MAX),
            ("new blocks of 10 minutes", self.recent.len(), self.config.blocks_per_10_min_max),
        ]
    }

    pub fn new(config: PlannerConfig) -> Planner {
        Planner {
            config,
            points: Points::default(),
            history: HashMap::new(),
            soft_allows: HashMap::new(),
            recent: VecDeque::new(),
            left: HashMap::new(),
        }
    }

    /// Takes up the responses of an earlier run.
    pub fn restore<'a>(&mut self, responses: impl IntoIterator<Item = &'a Response>) {
        for response in responses {
            match &response.phase {
                Phase::Applied { .. } | Phase::Expired { .. } => self.note(&response.target, response.until),
                Phase::Undone { at, .. } => self.soft_allow(&response.analytic, &response.target, *at),
                _ => {}
            }
        }
    }

    /// What `finding`, now part of `incident`, asks for: several responses are about the same target, one at each point.
    pub fn plan(&mut self, incident: &Incident, finding: &Finding, mode: Mode, never: &Never, now: Time) -> Vec<Plan> {
        if finding.actor().is_some_and(|actor| actor.kind == EntityKind::Model) {
            return self.roll_back(incident, finding, mode, now).into_iter().collect();
        }
        let file = file::target(finding).filter(|_| self.points.quarantine);
        let Some(target) = file.or_else(|| target(finding)) else { return Vec::new() };
        if finding.score.value() < self.config.score_min || !incident.is_open() || !certain(incident, finding) {
            return Vec::new();
        }
        let (times, until) = self.history.get(target).copied().unwrap_or_default();
        if times > 0 && now < until {
            return Vec::new();
        }
        let soft = self.soft_allows.get(&(finding.analytic.uid.clone(), target.clone())).copied();
        let why = if soft.is_some_and(|end| now < end) {
            Some(format!("an operator undid this before: {} does not act on {} again for now", finding.analytic.name, target.name))
        } else if let Some(why) = never.refuses(target) {
            Some(why)
        } else if let Some(why) = file.and_then(file::refuses) {
            Some(why)
        } else if self.over_cap(now) {
            Some(format!("more than {} new blocks in 10 minutes: a person has to look first", self.config.blocks_per_10_min_max))
        } else {
            None
        };
        if let Some(why) = why {
            let known = self.left.insert((incident.uid.clone(), target.clone()), why.clone());
            if self.left.len() > KEPT_MAX {
                self.left.clear();
            }
            return if known.as_ref() == Some(&why) { Vec::new() } else { vec![Plan::Leave { target: target.clone(), why }] };
        }
        if file.is_some() {
            let end = now.plus_s(i64::from(self.config.review_s));
            self.note(target, end);
            self.recent.push_back(now);
            return vec![Plan::Do(Box::new(file::quarantine(incident, finding, target, times, mode, now, end)))];
        }
        let for_s = self.config.block_first_s.saturating_mul(1 << times.min(16)).min(self.config.block_max_s);
        let end = now.plus_s(i64::from(for_s));
        self.note(target, end);
        self.recent.push_back(now);
        let at = |action: &'static str, inverse: String| {
            let key = short_id("K", &[incident.uid.as_bytes(), action.as_bytes(), target.name.as_bytes(), &times.to_le_bytes()]);
            Plan::Do(Box::new(Response {
                uid: short_id("R", &[key.as_bytes()]),
                key,
                incident: incident.uid.clone(),
                action: action.into(),
                target: target.clone(),
                disposition: Disposition::Block,
                mode,
                analytic: finding.analytic.uid.clone(),
                by: "playbook web-and-login-attack".into(),
                reason: finding.title.clone(),
                requested: now,
                until: end,
                phase: Phase::Requested,
                inverse: inverse.into(),
                sha256: Text::default(),
            }))
        };
        let mut plans = vec![at("decision", format!("remove the decision for {}", target.name))];
        if self.points.nftables && target.kind == EntityKind::Address && proven(finding) {
            plans.push(at("nftables", format!("take {} out of the sets of table inet bartizan", target.name)));
        }
        plans
    }

    /// A model that does harm goes back to the version before, for a week: time enough to look.
    fn roll_back(&mut self, incident: &Incident, finding: &Finding, mode: Mode, now: Time) -> Option<Plan> {
        const FOR_S: i64 = 7 * 86_400;
        let target = finding.actor()?;
        let held = self.history.get(target).is_some_and(|(_, until)| now < *until);
        if finding.score.value() < self.config.score_min || !incident.is_open() || held {
            return None;
        }
        if self.soft_allows.get(&(finding.analytic.uid.clone(), target.clone())).is_some_and(|end| now < *end) {
            return None;
        }
        let until = now.plus_s(FOR_S);
        self.note(target, until);
        let key = short_id("K", &[incident.uid.as_bytes(), b"model", target.name.as_bytes(), &now.us().to_le_bytes()]);
        Some(Plan::Do(Box::new(Response {
            uid: short_id("R", &[key.as_bytes()]),
            key,
            incident: incident.uid.clone(),
            action: "model".into(),
            target: target.clone(),
            disposition: Disposition::Block,
            mode,
            analytic: finding.analytic.uid.clone(),
            by: "playbook model-rollback".into(),
            reason: finding.title.clone(),
            requested: now,
            until,
            phase: Phase::Requested,
            inverse: format!("serve the version of {} that was taken out", target.name).into(),
            sha256: Text::default(),
        })))
    }

    /// After an undo: the same analytic leaves the same target alone for a while, and the next block starts short again.
    pub fn soft_allow(&mut self, analytic: &Text, target: &Entity, now: Time) {
        self.history.remove(target);
        let end = now.plus_s(i64::from(self.config.soft_allow_s));
        self.soft_allows.retain(|_, end| now < *end);
        if self.soft_allows.len() < KEPT_MAX {
            self.soft_allows.insert((analytic.clone(), target.clone()), end);
        }
    }

    /// After a redo: the soft allow of the undo no longer holds.
    pub fn withdraw_soft_allow(&mut self, analytic: &Text, target: &Entity, until: Time) {
        self.soft_allows.remove(&(analytic.clone(), target.clone()));
        self.note(target, until);
    }

    fn note(&mut self, target: &Entity, until: Time) {
        if self.history.len() >= KEPT_MAX && !self.history.contains_key(target) {
            let oldest = self.history.iter().min_by_key(|(_, (_, end))| *end).map(|(e, _)| e.clone());
            oldest.map(|e| self.history.remove(&e));
        }
        let held = self.history.entry(target.clone()).or_default();
        held.0 += 1;
        held.1 = held.1.max(until);
    }

    fn over_cap(&mut self, now: Time) -> bool {
        while self.recent.front().is_some_and(|t| now.since_s(*t) > 600.0) {
            self.recent.pop_front();
        }
        self.recent.len() >= self.config.blocks_per_10_min_max
    }
}

/// One odd request is refused by itself; who sent it is blocked when rules and model agree on it, or when it is not the only one.
fn certain(incident: &Incident, finding: &Finding) -> bool {
    const REQUESTS_MIN: u64 = 3;
    const AGREED_SCORE_MIN: f32 = 0.95;
    let agree = !finding.rules.is_empty() && finding.models.iter().any(|m| m.score >= 0.5) && finding.score.value() >= AGREED_SCORE_MIN;
    finding.analytic.uid != "web.request" || agree || incident.event_count >= REQUESTS_MIN
}

/// Requests and sign-ins need a handshake, so that the address is not made up; packets seen on the wire do not.
fn proven(finding: &Finding) -> bool {
    ["web.", "identity."].iter().any(|family| finding.analytic.uid.starts_with(family))
}

/// The actor's address; on this machine itself, where everybody shares one, the program at the address.
fn target(finding: &Finding) -> Option<&Entity> {
    let actor = finding.actor().filter(|e| e.kind == EntityKind::Address)?;
    // A machine inside that calls or sends to the outside is no visitor: keeping it off the gateway stops nothing.
    if finding.analytic.uid.starts_with("network.") && actor.ip().is_some_and(event::network::is_internal) {
        return None;
    }
    let shared = actor.ip().is_some_and(|ip| ip.to_canonical().is_loopback());
    let program = finding.entities.iter().find(|e| e.kind == EntityKind::Device);
    Some(if shared { program.unwrap_or(actor) } else { actor })
}

#[cfg(test)]
mod tests {
    use event::Score;

    use super::*;

    const T0: Time = Time::from_s(1_772_600_000);

    fn case(actor: &str) -> (Incident, Finding) {
        let finding = Finding {
            analytic: event::finding::AnalyticName { uid: "web.request".into(), ..Default::default() },
            entities: vec![actor.parse().expect("an address")],
            score: Score::new(0.95),
            ..Finding::default()
        };
        (Incident { uid: "INC-1".into(), event_count: 3, ..Incident::default() }, finding)
    }

    fn length_s(plans: Vec<Plan>) -> Option<f64> {
        match plans.into_iter().next() {
            Some(Plan::Do(response)) => Some(response.until.since_s(response.requested)),
            _ => None,
        }
    }

    #[test]
    fn blocks_double_and_end() {
        let mut planner = Planner::new(PlannerConfig::default());
        let (incident, finding) = case("203.0.113.9");
        let never = Never::default();
        let mut now = T0;
        for expected_s in [900.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0, 28_800.0, 57_600.0, 86_400.0, 86_400.0] {
            let planned = length_s(planner.plan(&incident, &finding, Mode::Enforce, &never, now));
            assert_eq!(planned, Some(expected_s));
            assert_eq!(planner.plan(&incident, &finding, Mode::Enforce, &never, now.plus_s(1)), [], "one at a time");
            now = now.plus_s(expected_s as i64 + 1);
        }
    }

    #[test]
    fn an_undo_is_respected_for_a_day_for_this_analytic_alone() {
        let mut planner = Planner::new(PlannerConfig::default());
        let (incident, mut finding) = case("203.0.113.9");
        let never = Never::default();
        assert!(length_s(planner.plan(&incident, &finding, Mode::Enforce, &never, T0)).is_some());
        planner.soft_allow(&finding.analytic.uid, &finding.entities[0], T0.plus_s(60));
        let left = planner.plan(&incident, &finding, Mode::Enforce, &never, T0.plus_s(61));
        assert!(matches!(left[..], [Plan::Leave { .. }]), "the trail says why");
        assert_eq!(planner.plan(&incident, &finding, Mode::Enforce, &never, T0.plus_s(62)), [], "and says it once");
        finding.analytic.uid = "web.flood".into();
        assert!(length_s(planner.plan(&incident, &finding, Mode::Enforce, &never, T0.plus_s(63))).is_some());
    }

    #[test]
    fn weak_findings_and_protected_addresses_are_left_alone() {
        let mut planner = Planner::new(PlannerConfig::default());
        let (incident, mut finding) = case("127.0.0.1");
        assert!(matches!(planner.plan(&incident, &finding, Mode::Enforce, &Never::default(), T0)[..], [Plan::Leave { .. }]));
        finding.entities.push(Entity::client("127.0.0.1".parse().expect("an address"), "attack-tool/1"));
        assert!(
            length_s(planner.plan(&incident, &finding, Mode::Enforce, &Never::default(), T0)).is_some(),
            "the program, not the machine"
        );
        let (incident, mut weak) = case("203.0.113.9");
        weak.score = Score::new(0.5);
        assert_eq!(planner.plan(&incident, &weak, Mode::Enforce, &Never::default(), T0), []);
    }

    #[test]
    fn a_model_whose_alerts_doubled_is_rolled_back_once_and_an_undo_is_respected() {
        let mut planner = Planner::new(PlannerConfig::default());
        let (incident, mut finding) = case("203.0.113.9");
        finding.analytic.uid = "model.drift".into();
        finding.entities = vec![Entity::new(EntityKind::Model, "web-payload")];
        let never = Never::default();
        let [Plan::Do(response)] = &planner.plan(&incident, &finding, Mode::Enforce, &never, T0)[..] else { panic!("a response") };
        assert_eq!((response.action.as_str(), response.until.since_s(T0)), ("model", 7.0 * 86_400.0));
        assert_eq!(planner.plan(&incident, &finding, Mode::Enforce, &never, T0.plus_s(60)), [], "one at a time");
        planner.soft_allow(&finding.analytic.uid, &finding.entities[0], T0.plus_s(60));
        assert_eq!(planner.plan(&incident, &finding, Mode::Enforce, &never, T0.plus_s(61)), []);
        finding.score = Score::new(0.5);
        assert_eq!(
            planner.plan(&incident, &finding, Mode::Enforce, &never, T0.plus_s(30 * 86_400)),
            [],
            "a drift alone is told, not acted on"
        );
    }

    #[test]
    fn many_blocks_at_once_need_a_person() {
        let mut planner = Planner::new(PlannerConfig::default());
        let planned = (0..200).filter(|n| {
            let (incident, finding) = case(&format!("203.0.113.{n}"));
            length_s(planner.plan(&incident, &finding, Mode::Enforce, &Never::default(), T0.plus_s(*n))).is_some()
        });
        assert_eq!(planned.count(), 50);
    }

    fn actions(plans: &[Plan]) -> Vec<(&str, &str)> {
        let done = plans.iter().map(|plan| match plan {
            Plan::Do(response) => (response.action.as_str(), response.target.name.as_str()),
            Plan::Leave { target, .. } => ("", target.name.as_str()),
        });
        done.collect()
    }

    #[test]
    fn each_kind_of_target_gets_what_is_at_hand_for_it() {
        let plan = |points: Points, analytic: &str, actor: &str, sha256: &str| {
            let mut planner = Planner::new(PlannerConfig::default());
            planner.points = points;
            let (incident, mut finding) = case("203.0.113.9");
            finding.analytic.uid = analytic.into();
            finding.entities = vec![actor.parse().expect("an entity")];
            (finding.sha256, finding.severity) = (sha256.into(), event::Severity::High);
            planner.plan(&incident, &finding, Mode::Monitor, &Never::default(), T0)
        };
        let all = Points { nftables: true, quarantine: true };
        let both = [("decision", "203.0.113.9"), ("nftables", "203.0.113.9")];
        assert_eq!(actions(&plan(Points::default(), "web.request", "203.0.113.9", "")), both[..1]);
        assert_eq!(actions(&plan(all, "web.request", "203.0.113.9", "")), both);
        assert_eq!(actions(&plan(all, "network.scan", "203.0.113.9", "")), both[..1], "a packet's address may be made up");
        assert_eq!(plan(all, "network.beacon", "10.20.0.117", ""), [], "no visitor of the gateway");
        let hash = "ab".repeat(32);
        assert_eq!(actions(&plan(all, "content.file", "file:/srv/in/x.bin", &hash)), [("quarantine", "/srv/in/x.bin")]);
        assert_eq!(plan(Points::default(), "content.file", "file:/srv/in/x.bin", &hash), [], "nothing there to carry it out");
        assert_eq!(plan(all, "content.file", "file:/srv/in/x.bin", ""), [], "its bytes were not judged");
        assert_eq!(plan(all, "host.sigma", "file:/srv/in/x.bin", &hash), [], "a name in somebody's log is no target");
        assert_eq!(plan(all, "content.file", "file:upload.bin", &hash), [], "nothing on this machine");
        assert_eq!(
            actions(&plan(all, "content.file", "file:/usr/bin/ls", &hash)),
            [("", "/usr/bin/ls")],
            "the system is left alone, and says so"
        );
    }
}
