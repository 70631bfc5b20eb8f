//! The desk keeps every response that is in force, and what is needed to take it back or put it back.

use std::collections::BTreeMap;
use std::time::Instant;

use event::order::{Answer, Fault};
use event::response::Phase;
use event::{Body, Entity, Response, Text, Time, short_id};

use crate::{Action, Error};

/// Writes steps to the log; returns only when they are on disk.
pub type Journal<'a> = &'a mut dyn FnMut(Vec<Body>) -> Result<(), String>;

pub struct Desk {
    actions: Vec<Box<dyn Action>>,
    responses: BTreeMap<Text, Response>,
}

/// Ended responses kept for `redo`; the log keeps all.
const ENDED_KEPT_MAX: usize = 10_000;

impl Desk {
    pub fn new(actions: Vec<Box<dyn Action>>) -> Desk {
        Desk { actions, responses: BTreeMap::new() }
    }

    /// Names of the actions that this process can carry out.
    pub fn actions(&self) -> impl Iterator<Item = &'static str> {
        self.actions.iter().map(|a| a.name())
    }

    fn apply(&mut self, response: &Response, now: Time) -> Phase {
        let Some(action) = self.actions.iter_mut().find(|a| a.name() == response.action) else {
            return Phase::Failed { why: format!("no enforcement point for {} here", response.action) };
        };
        if let Some(why) = action.refuses(response) {
            return Phase::Refused { why };
        }
        match action.apply(response, now) {
            Ok(points) => Phase::Applied { receipt: receipt(response, now, "apply"), at: now, points },
            Err(why) => Phase::Failed { why },
        }
    }

    fn in_force(&self, response: &Response) -> bool {
        self.actions.iter().any(|a| a.name() == response.action && a.probe(response))
    }

    fn take_back(&mut self, response: &Response) -> Result<(), String> {
        match self.actions.iter_mut().find(|a| a.name() == response.action) {
            None => Err(format!("no enforcement point for {} here", response.action)),
            Some(action) => {
                action.undo(response)?;
                if action.probe(response) { Err(format!("{} is still in force", response.action)) } else { Ok(()) }
            }
        }
    }

    /// How much longer a response of this kind stays when its time is over; `None` when it ends.
    fn renewed(&self, response: &Response, now: Time) -> Option<Time> {
        let action = self.actions.iter().find(|a| a.name() == response.action)?;
        action.renewed_s().map(|s| now.plus_s(i64::from(s)))
    }

    /// Takes up the responses of an earlier run: what was applied and has not ended is in force again, what was only requested is
    /// taken back, since nobody can say whether it ran. What this process has no point for is left to one that has.
    pub fn restore(
        &mut self,
        responses: impl IntoIterator<Item = Response>,
        now: Time,
        journal: Journal<'_>,
    ) -> Result<Vec<Response>, Error> {
        let mut steps = Vec::new();
        for mut response in responses {
            let here = self.actions.iter().any(|a| a.name() == response.action);
            match response.phase {
                Phase::Applied { .. } if !here && now < response.until => {}
                Phase::Applied { .. } if now < response.until => {
                    if let phase @ (Phase::Failed { .. } | Phase::Refused { .. }) = self.apply(&response, now) {
                        response.phase = phase;
                        steps.push(response.clone());
                    }
                }
                Phase::Applied { .. } if self.renewed(&response, now).is_some() => {
                    response.until = self.renewed(&response, now).unwrap_or(now);
                    steps.push(response.clone());
                }
                // What cannot be taken back stays applied and is tried again at the next tick.
                Phase::Applied { .. } if self.take_back(&response).is_ok() => {
                    response.phase = Phase::Expired { at: now };
                    steps.push(response.clone());
                }
                Phase::Requested => {
                    response.phase = match self.take_back(&response) {
                        Ok(()) => Phase::Failed { why: "interrupted before it was carried out; taken back at restart".into() },
                        // It is in force and cannot be taken back: whoever undoes it must find it.
                        Err(_) if self.in_force(&response) => {
                            Phase::Applied { receipt: receipt(&response, now, "apply"), at: now, points: vec![response.action.clone()] }
                        }
                        Err(why) => Phase::Failed { why: format!("interrupted before it was carried out: {why}") },
                    };
                    steps.push(response.clone());
                }
                _ => {}
            }
            self.responses.insert(response.uid.clone(), response);
        }
        write(journal, &steps)?;
        Ok(steps)
    }

    /// Carries out requested responses, which the caller has already written to the log, and writes what came of them.
    pub fn carry_out(
        &mut self,
        requested: Vec<Response>,
        now: Time,
        refuses: &dyn Fn(&Entity) -> Option<String>,
        journal: Journal<'_>,
    ) -> Result<Vec<Response>, Error> {
        let mut done = Vec::with_capacity(requested.len());
        for mut response in requested {
            if let Phase::Waiting { .. } = response.phase {
                self.responses.insert(response.uid.clone(), response);
                continue;
            }
            response.phase = match refuses(&response.target) {
                _ if response.until <= now => Phase::Refused { why: "its end is already past".into() },
                Some(why) => Phase::Refused { why },
                None => self.apply(&response, now),
            };
            self.responses.insert(response.uid.clone(), response.clone());
            done.push(response);
        }
        self.forget_ended();
        write(journal, &done)?;
        Ok(done)
    }

    /// Takes back one response, or all of an incident that are in force.
    pub fn undo(&mut self, target: &str, by: &Text, now: Time, journal: Journal<'_>) -> (Answer, Vec<Response>) {
        let start = Instant::now();
        let matching: Vec<Response> = self.responses.values().filter(|r| names(r, target)).cloned().collect();
        let in_force: Vec<Response> = matching.iter().filter(|r| r.is_active(now)).cloned().collect();
        if in_force.is_empty() {
            return (nothing_in_force(target, &matching), Vec::new());
        }
        let receipt = receipt(&in_force[0], now, "undo");
        let of = in_force.len() as u32;
        let (mut undone, mut failed) = (Vec::with_capacity(in_force.len()), Vec::new());
        for mut response in in_force {
            match self.take_back(&response) {
                Ok(()) => {
                    response.phase = Phase::Undone { receipt: receipt.clone(), at: now, by: by.clone() };
                    self.responses.insert(response.uid.clone(), response.clone());
                    undone.push(response);
                }
                Err(why) => failed.push(format!("{}: {why}", response.target.name)),
            }
        }
        let fault = match write(journal, &undone) {
            Err(error) => Some(Fault::Failed(error.to_string())),
            Ok(()) => (!failed.is_empty()).then(|| Fault::Failed(failed.join("; "))),
        };
        let mut names: Vec<&str> = undone.iter().map(|r| r.target.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let more = names.len().saturating_sub(5);
        names.truncate(5);
        let words = undone.first().and_then(|r| self.actions.iter().find(|a| a.name() == r.action)).map_or("", |a| a.undone_words());
        let text = format!(
            "{} {words}{}; not done again for the same reason for 24 h",
            names.join(", "),
            if more > 0 { format!(" and {more} more") } else { String::new() },
        );
        (Answer { done: undone.len() as u32, of, took_us: micros(start), receipt: Some(receipt), text, fault }, undone)
    }

    /// Puts what an undo took back in force again, until its old end.
    pub fn redo(
        &mut self,
        undo_receipt: &str,
        now: Time,
        refuses: &dyn Fn(&Entity) -> Option<String>,
        journal: Journal<'_>,
    ) -> (Answer, Vec<Response>) {
        let start = Instant::now();
        let undone: Vec<Response> = self
            .responses
            .values()
            .filter(|r| matches!(&r.phase, Phase::Undone { receipt, .. } if receipt == undo_receipt))
            .cloned()
            .collect();
        if undone.is_empty() {
            let fault = Some(Fault::Unknown(format!("no undo with receipt {undo_receipt}")));
            return (Answer { fault, ..Answer::default() }, Vec::new());
        }
        let of = undone.len() as u32;
        match self.carry_out(undone, now, refuses, journal) {
            Ok(done) => {
                let applied = done.iter().filter(|r| r.is_active(now)).count() as u32;
                let receipt = done.iter().find_map(|r| r.phase.receipt().cloned());
                let text = format!("{applied} of {of} in force again");
                let fault = done.iter().find_map(|r| match &r.phase {
                    Phase::Refused { why } => Some(Fault::Refused(why.clone())),
                    _ => None,
                });
                (Answer { done: applied, of, took_us: micros(start), receipt, text, fault }, done)
            }
            Err(error) => (Answer { of, fault: Some(Fault::Failed(error.to_string())), ..Answer::default() }, Vec::new()),
        }
    }

    /// What waits for approval under this name, and is not too late.
    pub fn waiting(&self, target: &str, now: Time) -> Vec<Response> {
        let open = |r: &&Response| matches!(r.phase, Phase::Waiting { deadline } if now < deadline) && names(r, target);
        self.responses.values().filter(open).cloned().collect()
    }

    /// A person said yes: in the log as requested, with its inverse, then carried out for as long as was planned, from now on.
    pub fn approve(
        &mut self,
        waiting: Vec<Response>,
        now: Time,
        refuses: &dyn Fn(&Entity) -> Option<String>,
        journal: Journal<'_>,
    ) -> Result<Vec<Response>, Error> {
        let asked: Vec<Response> = waiting
            .into_iter()
            .map(|r| Response { until: now.plus_s(r.until.since_s(r.requested) as i64), requested: now, phase: Phase::Requested, ..r })
            .collect();
        write(journal, &asked)?;
        self.carry_out(asked, now, refuses, journal)
    }

    /// A person said no, or nobody said anything in time.
    pub fn reject(&mut self, waiting: Vec<Response>, by: &Text, now: Time, journal: Journal<'_>) -> Result<Vec<Response>, Error> {
        let rejected: Vec<Response> =
            waiting.into_iter().map(|r| Response { phase: Phase::Rejected { at: now, by: by.clone() }, ..r }).collect();
        write(journal, &rejected)?;
        self.responses.extend(rejected.iter().map(|r| (r.uid.clone(), r.clone())));
        Ok(rejected)
    }

    /// Rejects what nobody approved in time. Called as often as [`Desk::expire`].
    pub fn reject_late(&mut self, now: Time, journal: Journal<'_>) -> Result<Vec<Response>, Error> {
        let late = |r: &&Response| matches!(r.phase, Phase::Waiting { deadline } if deadline <= now);
        let late: Vec<Response> = self.responses.values().filter(late).cloned().collect();
        self.reject(late, &"deadline".into(), now, journal)
    }

    /// Ends what is due, or renews what must not end by itself. Called at least once a second.
    pub fn expire(&mut self, now: Time, journal: Journal<'_>) -> Result<Vec<Response>, Error> {
        let due: Vec<Response> =
            self.responses.values().filter(|r| matches!(r.phase, Phase::Applied { .. }) && r.until <= now).cloned().collect();
        let mut ended = Vec::with_capacity(due.len());
        for mut response in due {
            if let Some(until) = self.renewed(&response, now) {
                response.until = until;
                self.responses.insert(response.uid.clone(), response.clone());
                ended.push(response);
            } else if self.take_back(&response).is_ok() {
                response.phase = Phase::Expired { at: now };
                self.responses.insert(response.uid.clone(), response.clone());
                ended.push(response);
            }
        }
        write(journal, &ended)?;
        Ok(ended)
    }

    /// The latest response that is in force.
    pub fn last(&self, now: Time) -> Option<&Response> {
        self.responses.values().filter(|r| r.is_active(now)).max_by_key(|r| (r.requested, r.uid.clone()))
    }

    pub fn active(&self, now: Time) -> impl Iterator<Item = &Response> {
        self.responses.values().filter(move |r| r.is_active(now))
    }

    pub fn hits(&self, response: &Text) -> u64 {
        let held = self.responses.get(response);
        held.and_then(|r| self.actions.iter().find(|a| a.name() == r.action).map(|a| a.hits(r))).unwrap_or(0)
    }

    fn forget_ended(&mut self) {
        if self.responses.len() > 2 * ENDED_KEPT_MAX {
            let mut ended: Vec<(Time, Text)> = self
                .responses
                .values()
                .filter(|r| !matches!(r.phase, Phase::Applied { .. } | Phase::Waiting { .. }))
                .map(|r| (r.until, r.uid.clone()))
                .collect();
            ended.sort_unstable();
            ended.truncate(ended.len().saturating_sub(ENDED_KEPT_MAX));
            for (_, uid) in ended {
                self.responses.remove(&uid);
            }
        }
    }
}

/// A response by its own name, its incident's, its receipt's or its target's.
fn names(response: &Response, target: &str) -> bool {
    response.uid == target
        || response.incident == target
        || of_target(&response.target, target)
        || response.phase.receipt().is_some_and(|receipt| receipt == target)
}

/// The target by its name; a program at an address also by the address alone.
fn of_target(entity: &Entity, name: &str) -> bool {
    entity.name == name || entity.kind == event::EntityKind::Device && entity.name.split(' ').next() == Some(name)
}

fn nothing_in_force(target: &str, matching: &[Response]) -> Answer {
    let text = match matching.last().map(|r| (&r.phase, r)) {
        None => format!("no response {target} is known"),
        Some((Phase::Undone { by, .. }, _)) => format!("{target} was already undone by {by}"),
        Some((Phase::Applied { .. } | Phase::Expired { .. }, r)) => format!("{target} ended by itself at {}", r.until),
        Some((phase, _)) => format!("{target} is not in force: {}", phase.word()),
    };
    let fault = matching.is_empty().then(|| Fault::Unknown(text.clone()));
    Answer { text, fault, ..Answer::default() }
}

fn receipt(response: &Response, now: Time, verb: &str) -> Text {
    short_id("rcpt", &[response.uid.as_bytes(), verb.as_bytes(), &now.us().to_le_bytes()])
}

fn micros(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX)
}

fn write(journal: Journal<'_>, steps: &[Response]) -> Result<(), Error> {
    if steps.is_empty() {
        return Ok(());
    }
    journal(steps.iter().map(|r| Body::Response(Box::new(r.clone()))).collect()).map_err(Error::Journal)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arc_swap::ArcSwap;
    use event::Decisions;
    use event::decision::Disposition;
    use event::response::Mode;

    use super::*;

    const T0: Time = Time::from_s(1_772_600_000);

    fn desk() -> (Desk, Arc<ArcSwap<Decisions>>) {
        let shared = Arc::new(ArcSwap::from_pointee(Decisions::default()));
        (Desk::new(vec![Box::new(crate::DecisionTable::new(Arc::clone(&shared)))]), shared)
    }

    fn response(uid: &str, incident: &str, target: &str) -> Response {
        Response {
            uid: uid.into(),
            key: uid.into(),
            incident: incident.into(),
            action: "decision".into(),
            target: target.parse().expect("an address"),
            disposition: Disposition::Block,
            mode: Mode::Enforce,
            analytic: "web.request".into(),
            by: "playbook".into(),
            reason: "SQL injection".into(),
            requested: T0,
            until: T0.plus_s(900),
            phase: Phase::Requested,
            inverse: "remove".into(),
            sha256: Text::default(),
        }
    }

    fn blocked(shared: &ArcSwap<Decisions>, ip: &str, now: Time) -> bool {
        shared.load().for_address(ip.parse().expect("an address"), now).is_some_and(|d| d.disposition == Disposition::Block)
    }

    fn anybody(_: &Entity) -> Option<String> {
        None
    }

    #[test]
    fn every_response_is_undone_or_ends() {
        let (mut desk, shared) = desk();
        let mut log = Vec::new();
        let mut journal = |bodies: Vec<Body>| {
            log.extend(bodies);
            Ok(())
        };
        let asked =
            vec![response("R-1", "INC-1", "203.0.113.9"), response("R-2", "INC-1", "203.0.113.8"), response("R-3", "INC-2", "203.0.113.7")];
        desk.carry_out(asked, T0, &anybody, &mut journal).expect("written");
        assert!(["9", "8", "7"].iter().all(|n| blocked(&shared, &format!("203.0.113.{n}"), T0)));
        let (answer, _) = desk.undo("INC-1", &"cli:ada".into(), T0.plus_s(5), &mut journal);
        assert_eq!((answer.done, answer.of), (2, 2));
        assert!(!blocked(&shared, "203.0.113.9", T0) && blocked(&shared, "203.0.113.7", T0), "the other incident stays");
        assert!(!blocked(&shared, "203.0.113.7", T0.plus_s(900)), "readers see the end by themselves");
        assert_eq!(desk.expire(T0.plus_s(901), &mut journal).expect("written").len(), 1);
        assert!(shared.load().is_empty());
        let (again, _) = desk.undo("INC-1", &"cli:ada".into(), T0.plus_s(6), &mut journal);
        assert!(again.text.contains("already undone") && again.fault.is_none());
        assert_eq!(log.len(), 3 + 2 + 1, "each step is in the log");
    }

    #[test]
    fn undoing_one_of_two_on_a_target_leaves_the_other() {
        let (mut desk, shared) = desk();
        let mut journal = |_| Ok(());
        let asked = vec![response("R-1", "INC-1", "203.0.113.9"), response("R-2", "INC-2", "203.0.113.9")];
        desk.carry_out(asked, T0, &anybody, &mut journal).expect("written");
        desk.undo("R-1", &"cli:ada".into(), T0, &mut journal);
        assert!(blocked(&shared, "203.0.113.9", T0));
        desk.undo("R-2", &"cli:ada".into(), T0, &mut journal);
        assert!(!blocked(&shared, "203.0.113.9", T0));
    }

    #[test]
    fn redo_puts_back_until_the_old_end() {
        let (mut desk, shared) = desk();
        let mut journal = |_| Ok(());
        desk.carry_out(vec![response("R-1", "INC-1", "203.0.113.9")], T0, &anybody, &mut journal).expect("written");
        let (undone, _) = desk.undo("INC-1", &"cli:ada".into(), T0, &mut journal);
        let receipt = undone.receipt.expect("a receipt");
        let (answer, _) = desk.redo(&receipt, T0.plus_s(10), &anybody, &mut journal);
        assert_eq!((answer.done, answer.of), (1, 1));
        assert!(blocked(&shared, "203.0.113.9", T0.plus_s(899)) && !blocked(&shared, "203.0.113.9", T0.plus_s(900)));
        assert!(desk.redo("rcpt-unknown", T0, &anybody, &mut journal).0.fault.is_some());
    }

    #[test]
    fn whom_never_to_block_is_checked_when_applied() {
        let (mut desk, shared) = desk();
        let mut journal = |_| Ok(());
        let refuses = |_: &Entity| Some("it is the operator".to_owned());
        let done = desk.carry_out(vec![response("R-1", "INC-1", "203.0.113.9")], T0, &refuses, &mut journal).expect("written");
        assert!(matches!(done[0].phase, Phase::Refused { .. }) && shared.load().is_empty());
    }

    #[test]
    fn a_restart_keeps_what_was_applied_and_takes_back_what_was_only_asked_for() {
        let (mut first, _) = desk();
        let mut journal = |_| Ok(());
        let applied = first.carry_out(vec![response("R-1", "INC-1", "203.0.113.9")], T0, &anybody, &mut journal).expect("written");
        let (mut second, shared) = desk();
        let mut log = applied;
        log.push(response("R-2", "INC-1", "203.0.113.8"));
        let changed = second.restore(log, T0.plus_s(60), &mut journal).expect("written");
        assert!(blocked(&shared, "203.0.113.9", T0.plus_s(60)) && !blocked(&shared, "203.0.113.8", T0.plus_s(60)));
        assert!(changed.len() == 1 && matches!(changed[0].phase, Phase::Failed { .. }));
        let (answer, _) = second.undo("INC-1", &"cli:ada".into(), T0.plus_s(61), &mut journal);
        assert_eq!(answer.done, 1);
    }

    fn waiting(uid: &str, target: &str) -> Response {
        Response { phase: Phase::Waiting { deadline: T0.plus_s(300) }, ..response(uid, "INC-1", target) }
    }

    #[test]
    fn what_waits_does_nothing_until_a_person_says_yes_and_a_restart_forgets_neither() {
        let (mut first, shared) = desk();
        let mut log = Vec::new();
        let mut journal = |bodies: Vec<Body>| {
            log.extend(bodies);
            Ok(())
        };
        let asked = vec![waiting("R-1", "203.0.113.9"), waiting("R-2", "203.0.113.8")];
        assert_eq!(first.carry_out(asked.clone(), T0, &anybody, &mut journal), Ok(vec![]));
        assert!(shared.load().is_empty());
        // Killed here: the log holds the two as they were planned.
        let (mut second, shared) = desk();
        assert_eq!(second.restore(asked, T0.plus_s(60), &mut journal), Ok(vec![]));
        assert!(shared.load().is_empty());
        let yes = second.waiting("R-1", T0.plus_s(100));
        let done = second.approve(yes, T0.plus_s(100), &anybody, &mut journal).expect("written");
        assert!(done[0].is_active(T0.plus_s(999)) && !done[0].is_active(T0.plus_s(1_000)), "15 minutes from the approval on");
        assert!(blocked(&shared, "203.0.113.9", T0.plus_s(100)) && !blocked(&shared, "203.0.113.8", T0.plus_s(100)));
        assert_eq!(second.waiting("INC-1", T0.plus_s(300)), [], "too late is too late");
        let late = second.reject_late(T0.plus_s(300), &mut journal).expect("written");
        assert!(matches!(&late[..], [r] if matches!(&r.phase, Phase::Rejected { by, .. } if by == "deadline")));
        assert_eq!(second.reject_late(T0.plus_s(301), &mut journal), Ok(vec![]), "once");
        let words: Vec<&str> = log.iter().filter_map(|b| if let Body::Response(r) = b { Some(r.phase.word()) } else { None }).collect();
        assert_eq!(words, ["requested", "applied", "rejected"], "the request is on disk before it runs");
    }

    #[test]
    fn an_approval_cannot_lift_the_never_block_list() {
        let (mut desk, shared) = desk();
        let mut journal = |_| Ok(());
        desk.carry_out(vec![waiting("R-1", "203.0.113.9")], T0, &anybody, &mut journal).expect("written");
        let refuses = |_: &Entity| Some("it is the operator".to_owned());
        let done = desk.approve(desk.waiting("R-1", T0), T0, &refuses, &mut journal).expect("written");
        assert!(matches!(done[0].phase, Phase::Refused { .. }) && shared.load().is_empty());
    }

    #[test]
    fn allow_beats_block() {
        let (mut desk, shared) = desk();
        let mut journal = |_| Ok(());
        let mut allow = response("R-2", "", "203.0.113.9");
        allow.disposition = Disposition::Allow;
        desk.carry_out(vec![response("R-1", "INC-1", "203.0.113.9"), allow], T0, &anybody, &mut journal).expect("written");
        assert!(!blocked(&shared, "203.0.113.9", T0));
    }
}
