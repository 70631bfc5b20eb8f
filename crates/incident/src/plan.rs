//! Which responses an incident asks for: the first playbook that meets a finding says what, for how long and within which bounds; here stand
//! the checks that no playbook can lift: evidence, the never-block list, the caps, an earlier undo.
//!
//! An address is blocked at the gateway, and in the packet filter where there is one and a handshake proved the address. Each further block
//! lasts twice as long. A file whose bytes were judged malicious is put in quarantine until somebody has looked at it. A second factor is
//! asked for at the gateway, sign-in by sign-in.

mod bounds;
mod file;

use std::collections::HashMap;

use event::response::{Mode, Phase};
use event::{Entity, EntityKind, Finding, Incident, Response, Text, Time, short_id};

use crate::Never;
use crate::playbook::{Approach, Playbook, Playbooks, Step, Target};
use crate::tell::Ask;
use bounds::Bounds;

/// A planned response, or why there is none although the incident asks for one.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    Do(Box<Response>),
    /// Written into the trail once for each target and reason.
    Leave {
        target: Entity,
        why: String,
    },
    /// Somebody shall hear of it.
    Tell(Ask),
}

/// What can carry responses out besides the gateway's table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Points {
    pub nftables: bool,
    pub quarantine: bool,
}

pub struct Planner {
    playbooks: Playbooks,
    pub points: Points,
    /// Responses to a target so far, and when the latest of them ends.
    history: HashMap<Entity, (u32, Time)>,
    /// Undone by a person: this analytic does not act on this target until then.
    soft_allows: HashMap<(Text, Entity), Time>,
    bounds: Bounds,
    left: HashMap<(Text, Entity), String>,
}

/// Entries kept of each table; beyond, what ended first is dropped.
const KEPT_MAX: usize = 100_000;
const SOFT_ALLOW_S: i64 = 86_400;

impl Planner {
    /// What is held and how much may be: (what, now, at most).
    pub fn filled(&self) -> [(&'static str, usize, usize); 2] {
        [("targets blocked before", self.history.len(), KEPT_MAX), ("soft allows", self.soft_allows.len(), KEPT_MAX)]
    }

    pub fn new(playbooks: Playbooks) -> Planner {
        Planner {
            playbooks,
            points: Points::default(),
            history: HashMap::new(),
            soft_allows: HashMap::new(),
            bounds: Bounds::default(),
            left: HashMap::new(),
        }
    }

    /// Other playbooks from now on; what was planned stays.
    pub fn follow(&mut self, playbooks: Playbooks) {
        self.playbooks = playbooks;
    }

    /// Takes up the responses of an earlier run.
    pub fn restore<'a>(&mut self, responses: impl IntoIterator<Item = &'a Response>) {
        let mut responses: Vec<&Response> = responses.into_iter().filter(|r| r.action != crate::tell::NOTIFY).collect();
        responses.sort_by_key(|r| (r.requested, r.uid.clone()));
        let mut counted: Option<(&Text, &Entity, Time)> = None;
        for response in responses {
            // Several steps of one plan count once.
            let plan = (&response.by, &response.target, response.requested);
            if let Some(playbook) = response.by.strip_prefix("playbook ").filter(|_| counted != Some(plan)) {
                counted = Some(plan);
                self.bounds.count(&playbook.into(), response.requested);
            }
            match &response.phase {
                Phase::Failed { .. } => self.bounds.failed(&response.action, response.requested),
                Phase::Applied { .. } | Phase::Undone { .. } | Phase::Expired { .. } => self.bounds.worked(&response.action),
                _ => {}
            }
            match &response.phase {
                Phase::Applied { .. } | Phase::Expired { .. } => self.note(&response.target, response.until),
                Phase::Waiting { deadline } => self.note(&response.target, *deadline),
                Phase::Undone { at, .. } | Phase::Rejected { at, .. } => self.soft_allow(&response.analytic, &response.target, *at),
                _ => {}
            }
        }
    }

    /// What `finding`, now part of `incident`, asks for: several responses are about the same target, one at each point.
    pub fn plan(&mut self, incident: &Incident, finding: &Finding, mode: Mode, never: &Never, now: Time) -> Vec<Plan> {
        let model = finding.actor().filter(|actor| actor.kind == EntityKind::Model);
        let file = file::target(finding).filter(|_| self.points.quarantine);
        let Some(target) = model.or(file).or_else(|| target(finding)).or_else(|| bystander(finding)) else { return Vec::new() };
        let kind = Target::of(target.kind);
        let Some(playbook) = self.playbooks.meeting(kind, finding).cloned() else { return Vec::new() };
        if !incident.is_open() || kind == Target::Address && !certain(incident, finding) {
            return Vec::new();
        }
        let by: Text = format!("playbook {}", playbook.name).into();
        // To hear of something needs no approval and no room within the caps.
        let told = if playbook.approach == Approach::Monitor { Mode::Monitor } else { mode };
        let ask = |channel: &Text| Plan::Tell(Ask { incident: incident.uid.clone(), channel: channel.clone(), by: by.clone(), mode: told });
        let mut plans: Vec<Plan> = playbook.channels.iter().map(ask).collect();
        plans.extend(self.act(&playbook, &by, incident, finding, target, mode, never, now));
        plans
    }

    #[expect(clippy::too_many_arguments, reason = "the rest of plan(), which has them all")]
    fn act(
        &mut self,
        playbook: &Playbook,
        by: &Text,
        incident: &Incident,
        finding: &Finding,
        target: &Entity,
        mode: Mode,
        never: &Never,
        now: Time,
    ) -> Vec<Plan> {
        let (times, until) = self.history.get(target).copied().unwrap_or_default();
        if times > 0 && now < until {
            return Vec::new();
        }
        let steps: Vec<&Step> = playbook.steps.iter().filter(|step| self.at_hand(step.action, target, finding)).collect();
        if steps.is_empty() {
            return Vec::new();
        }
        if let Some(why) = self.why_not(playbook, &steps, finding, target, never, now) {
            let known = self.left.insert((incident.uid.clone(), target.clone()), why.clone());
            if self.left.len() > KEPT_MAX {
                self.left.clear();
            }
            return if known.as_ref() == Some(&why) { Vec::new() } else { vec![Plan::Leave { target: target.clone(), why }] };
        }
        // Nothing changes in monitor mode, so there is nothing to approve.
        let mode = if playbook.approach == Approach::Monitor { Mode::Monitor } else { mode };
        let over = self.bounds.over(playbook, now);
        let waits = (playbook.approach == Approach::Approve || over.is_some()) && mode == Mode::Enforce;
        let reason = match over.filter(|_| waits) {
            Some(over) => format!("{} ({over})", finding.title),
            None => finding.title.clone(),
        };
        let deadline = now.plus_s(i64::from(playbook.approval_s));
        let plans = steps.iter().map(|step| {
            let key = short_id("K", &[incident.uid.as_bytes(), step.action.as_bytes(), target.name.as_bytes(), &times.to_le_bytes()]);
            Response {
                uid: short_id("R", &[key.as_bytes()]),
                key,
                incident: incident.uid.clone(),
                action: step.action.into(),
                target: target.clone(),
                disposition: step.disposition,
                mode,
                analytic: finding.analytic.uid.clone(),
                by: by.clone(),
                reason: reason.clone(),
                requested: now,
                until: now.plus_s(i64::from(length_s(step, times))),
                phase: if waits { Phase::Waiting { deadline } } else { Phase::Requested },
                inverse: inverse(step.action, target).into(),
                sha256: if step.action == "quarantine" { finding.sha256.clone() } else { Text::default() },
            }
        });
        let plans: Vec<Response> = plans.collect();
        let until = if waits { deadline } else { plans.iter().map(|r| r.until).max().unwrap_or(now) };
        self.note(target, until);
        self.bounds.count(&playbook.name, now);
        plans.into_iter().map(|response| Plan::Do(Box::new(response))).collect()
    }

    fn at_hand(&self, action: &str, target: &Entity, finding: &Finding) -> bool {
        match action {
            "nftables" => self.points.nftables && target.kind == EntityKind::Address && proven(finding),
            "quarantine" => self.points.quarantine,
            _ => true,
        }
    }

    fn why_not(
        &self,
        playbook: &Playbook,
        steps: &[&Step],
        finding: &Finding,
        target: &Entity,
        never: &Never,
        now: Time,
    ) -> Option<String> {
        let soft = self.soft_allows.get(&(finding.analytic.uid.clone(), target.clone())).copied();
        if soft.is_some_and(|end| now < end) {
            return Some(format!("an operator undid this before: {} does not act on {} again for now", finding.analytic.name, target.name));
        }
        never
            .refuses(target)
            .or_else(|| playbook.never.refuses(target))
            .or_else(|| file::refuses(target).filter(|_| target.kind == EntityKind::File))
            .or_else(|| self.bounds.refuses(playbook, now))
            .or_else(|| steps.iter().find_map(|step| self.bounds.rests(step.action, playbook.errors_max, now)))
    }

    /// What became of a response that was carried out: an action that keeps failing rests.
    pub fn came_of(&mut self, response: &Response, now: Time) {
        match response.phase {
            Phase::Failed { .. } => self.bounds.failed(&response.action, now),
            Phase::Applied { .. } => self.bounds.worked(&response.action),
            _ => {}
        }
    }

    /// Somebody approved it: no second one is planned while it lasts.
    pub fn approved(&mut self, response: &Response) {
        let held = self.history.entry(response.target.clone()).or_insert((1, response.until));
        held.1 = held.1.max(response.until);
    }

    /// After an undo: the same analytic leaves the same target alone for a while, and the next block starts short again.
    pub fn soft_allow(&mut self, analytic: &Text, target: &Entity, now: Time) {
        self.history.remove(target);
        let end = now.plus_s(SOFT_ALLOW_S);
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
}

/// Twice as long each time, within the playbook's bound.
fn length_s(step: &Step, times: u32) -> u32 {
    step.first_s.saturating_mul(1 << times.min(16)).min(step.max_s)
}

/// What takes it back, for whoever reads the log.
fn inverse(action: &str, target: &Entity) -> String {
    match action {
        "nftables" => format!("take {} out of the sets of table inet bartizan", target.name),
        "quarantine" => format!("move it back to {}", target.name),
        "model" => format!("serve the version of {} that was taken out", target.name),
        _ => format!("remove the decision for {}", target.name),
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

/// Whom nothing is done about, and whose story somebody may want to hear.
fn bystander(finding: &Finding) -> Option<&Entity> {
    finding.actor().filter(|e| !matches!(e.kind, EntityKind::Address | EntityKind::Device | EntityKind::File | EntityKind::Model))
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
        let mut planner = Planner::new(Playbooks::shipped());
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
        let mut planner = Planner::new(Playbooks::shipped());
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
        let mut planner = Planner::new(Playbooks::shipped());
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
        let mut planner = Planner::new(Playbooks::shipped());
        let (incident, mut finding) = case("203.0.113.9");
        finding.analytic.uid = "model.drift".into();
        finding.entities = vec![Entity::new(EntityKind::Model, "web-payload")];
        let never = Never::default();
        let [Plan::Do(response)] = &planner.plan(&incident, &finding, Mode::Enforce, &never, T0)[..] else { panic!("a response") };
        assert_eq!((response.action.as_str(), response.until.since_s(T0)), ("model", 7.0 * 86_400.0));
        assert_eq!(planner.plan(&incident, &finding, Mode::Enforce, &never, T0.plus_s(60)), [], "one at a time");
        planner.soft_allow(&finding.analytic.uid, &finding.entities[0], T0.plus_s(60));
        let left = planner.plan(&incident, &finding, Mode::Enforce, &never, T0.plus_s(61));
        assert!(matches!(left[..], [Plan::Leave { .. }]), "the trail says why");
        finding.score = Score::new(0.5);
        assert_eq!(
            planner.plan(&incident, &finding, Mode::Enforce, &never, T0.plus_s(30 * 86_400)),
            [],
            "a drift alone is told, not acted on"
        );
    }

    #[test]
    fn many_blocks_at_once_need_a_person() {
        let mut planner = Planner::new(Playbooks::shipped());
        let mut log = Vec::new();
        let mut phases = |planner: &mut Planner, hosts: std::ops::Range<i64>| {
            let (mut done, mut waiting, mut left) = (0, 0, 0);
            for n in hosts {
                let (incident, finding) = case(&format!("203.0.113.{n}"));
                match &planner.plan(&incident, &finding, Mode::Enforce, &Never::default(), T0.plus_s(n))[..] {
                    [Plan::Do(response)] => {
                        match response.phase {
                            Phase::Waiting { .. } => waiting += 1,
                            _ => done += 1,
                        }
                        log.push((**response).clone());
                    }
                    [Plan::Leave { why, .. }] if why.contains("more than 100") => left += 1,
                    other => panic!("{other:?}"),
                }
            }
            (done, waiting, left)
        };
        assert_eq!(phases(&mut planner, 0..70), (50, 20, 0), "over the cap a person approves");
        // A restart makes no room.
        let mut second = Planner::new(Playbooks::shipped());
        second.restore(&log);
        let mut phases = |hosts: std::ops::Range<i64>| {
            let (mut waiting, mut left) = (0, 0);
            for n in hosts {
                let (incident, finding) = case(&format!("203.0.113.{n}"));
                match &second.plan(&incident, &finding, Mode::Enforce, &Never::default(), T0.plus_s(n))[..] {
                    [Plan::Do(response)] if matches!(response.phase, Phase::Waiting { .. }) => waiting += 1,
                    [Plan::Leave { .. }] => left += 1,
                    other => panic!("{other:?}"),
                }
            }
            (waiting, left)
        };
        assert_eq!(phases(70..200), (30, 100), "over twice the cap nothing is even asked for");
    }

    #[test]
    fn an_action_that_rested_rests_after_a_restart() {
        let failed = |n: i64| {
            let (incident, finding) = case(&format!("203.0.113.{n}"));
            let plans = Planner::new(Playbooks::shipped()).plan(&incident, &finding, Mode::Enforce, &Never::default(), T0.plus_s(n));
            let [Plan::Do(response)] = &plans[..] else { panic!("a response") };
            Response { phase: Phase::Failed { why: "no".into() }, ..(**response).clone() }
        };
        let log: Vec<Response> = (0..5).map(failed).collect();
        let mut planner = Planner::new(Playbooks::shipped());
        planner.restore(&log);
        let (incident, finding) = case("203.0.113.99");
        let left = planner.plan(&incident, &finding, Mode::Enforce, &Never::default(), T0.plus_s(60));
        assert!(matches!(&left[..], [Plan::Leave { why, .. }] if why.contains("rests")), "{left:?}");
    }

    #[test]
    fn a_playbook_that_only_tells_does_so_for_whom_nothing_is_done_about() {
        let text = "name: a\nmode: auto\nwhen: {target: user}\nactions:\n  - notify: ops\n";
        let (incident, mut finding) = case("203.0.113.9");
        finding.entities = vec![Entity::user("ada")];
        let plans = Planner::new(own(text)).plan(&incident, &finding, Mode::Enforce, &Never::default(), T0);
        assert!(matches!(&plans[..], [Plan::Tell(ask)] if ask.channel == "ops" && ask.by == "playbook a"), "{plans:?}");
        let text = text.replace("user", "address").replace("  - notify: ops", "  - notify: ops\n  - do: decision");
        let (_, finding) = case("203.0.113.9");
        let plans = Planner::new(own(&text)).plan(&incident, &finding, Mode::Enforce, &Never::default(), T0);
        assert!(matches!(&plans[..], [Plan::Tell(_), Plan::Do(_)]), "{plans:?}");
    }

    fn own(text: &str) -> Playbooks {
        Playbooks::parse([("a.yaml", text)]).expect("a playbook")
    }

    #[test]
    fn an_approval_is_waited_for_only_where_something_would_change() {
        let text = "name: a\nmode: approve\nwhen: {target: address}\nactions: [{do: decision, for: 10m}]\napproval: {deadline: 5m}\n";
        let (incident, finding) = case("203.0.113.9");
        let phase = |mode| {
            let plans = Planner::new(own(text)).plan(&incident, &finding, mode, &Never::default(), T0);
            let [Plan::Do(response)] = &plans[..] else { panic!("one response") };
            response.phase.clone()
        };
        assert_eq!(phase(Mode::Enforce), Phase::Waiting { deadline: T0.plus_s(300) });
        assert_eq!(phase(Mode::Monitor), Phase::Requested);
    }

    #[test]
    fn a_playbook_can_protect_more_and_never_less() {
        let text = "name: a\nmode: auto\nwhen: {target: address}\nactions: [{do: decision}]\nnever: [203.0.113.0/24]\n";
        let plan = |actor: &str| {
            let (incident, finding) = case(actor);
            Planner::new(own(text)).plan(&incident, &finding, Mode::Enforce, &Never::default(), T0)
        };
        assert!(matches!(plan("203.0.113.9")[..], [Plan::Leave { .. }]));
        assert!(matches!(plan("169.254.1.1")[..], [Plan::Leave { .. }]));
        assert!(matches!(plan("198.51.100.9")[..], [Plan::Do(_)]));
    }

    #[test]
    fn an_action_that_keeps_failing_rests_for_an_hour() {
        let mut planner = Planner::new(Playbooks::shipped());
        let mut fails = |n: u8, at: i64| {
            let (incident, finding) = case(&format!("203.0.113.{n}"));
            let plans = planner.plan(&incident, &finding, Mode::Enforce, &Never::default(), T0.plus_s(at));
            let [Plan::Do(response)] = &plans[..] else { return false };
            let failed = Response { phase: Phase::Failed { why: "no".into() }, ..(**response).clone() };
            planner.came_of(&failed, T0.plus_s(at));
            true
        };
        assert!((0..5).all(|n| fails(n, i64::from(n))));
        assert!(!fails(5, 6), "it rests");
        assert!(fails(6, 3_700), "one more try");
        assert!(!fails(7, 3_701), "and the next rest");
    }

    proptest::proptest! {
        #[test]
        fn caps_hold_and_nothing_is_without_end_and_inverse(steps in proptest::collection::vec((0u8..40, 0i64..400), 1..200), back in proptest::bool::ANY) {
            let text = "name: a\nmode: auto\nwhen: {target: address}\nactions: [{do: decision, for: 1m}]\ncaps: {per_10_min: 3, per_hour: 7}\n";
            let mut planner = Planner::new(own(text));
            let (mut now, mut latest, mut done): (Time, Time, Vec<(Time, bool)>) = (T0, T0, Vec::new());
            for (n, (host, wait)) in steps.into_iter().enumerate() {
                now = now.plus_s(if back && n % 7 == 6 { -wait } else { wait });
                let (incident, finding) = case(&format!("203.0.113.{host}"));
                for plan in planner.plan(&incident, &finding, Mode::Enforce, &Never::default(), now) {
                    if let Plan::Do(response) = plan {
                        proptest::prop_assert!(response.until > response.requested && !response.inverse.is_empty());
                        latest = latest.max(now);
                        done.push((latest, matches!(response.phase, Phase::Waiting { .. })));
                    }
                }
                for (span, most) in [(600.0, 3), (3_600.0, 7)] {
                    let within = |waits: bool| done.iter().filter(|(t, w)| latest.since_s(*t) <= span && *w <= waits).count();
                    proptest::prop_assert!(within(false) <= most, "{} by themselves in {span} s", within(false));
                    proptest::prop_assert!(within(true) <= 2 * most, "{} in {span} s", within(true));
                }
            }
        }
    }

    fn actions(plans: &[Plan]) -> Vec<(&str, &str)> {
        let done = plans.iter().map(|plan| match plan {
            Plan::Do(response) => (response.action.as_str(), response.target.name.as_str()),
            Plan::Leave { target, .. } => ("", target.name.as_str()),
            Plan::Tell(ask) => ("notify", ask.channel.as_str()),
        });
        done.collect()
    }

    #[test]
    fn each_kind_of_target_gets_what_is_at_hand_for_it() {
        let plan = |points: Points, analytic: &str, actor: &str, sha256: &str| {
            let mut planner = Planner::new(Playbooks::shipped());
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
