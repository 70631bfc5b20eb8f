//! How much the planner may do: caps of each playbook, and a circuit breaker of each action.

use std::collections::{HashMap, VecDeque};

use event::{Text, Time};

use crate::playbook::Playbook;

#[derive(Default)]
pub(super) struct Bounds {
    /// By playbook, when it planned; what is older than an hour is dropped, so a queue is never longer than twice its cap.
    planned: HashMap<Text, VecDeque<Time>>,
    /// The latest time that was counted: a clock that jumps back makes no room.
    latest: Time,
    /// By action, failures in a row and the latest of them.
    failures: HashMap<Text, (u32, Time)>,
}

const REST_S: f64 = 3_600.0;

impl Bounds {
    /// Over twice a cap: nothing more is even asked for.
    pub(super) fn refuses(&self, playbook: &Playbook, now: Time) -> Option<String> {
        self.beyond(playbook, 2, now).map(|why| format!("{why}: a person has to look first"))
    }

    /// Over a cap: a person has to approve.
    pub(super) fn over(&self, playbook: &Playbook, now: Time) -> Option<String> {
        self.beyond(playbook, 1, now)
    }

    fn beyond(&self, playbook: &Playbook, times: usize, now: Time) -> Option<String> {
        let (planned, now) = (self.planned.get(&playbook.name)?, now.max(self.latest));
        let within = |s: f64| planned.iter().filter(|t| now.since_s(**t) <= s).count();
        let caps = [(600.0, playbook.caps.per_10_min, "10 minutes"), (3_600.0, playbook.caps.per_hour, "an hour")];
        let (_, most, span) = caps.into_iter().find(|(s, most, _)| within(*s) >= most * times)?;
        Some(format!("more than {} new responses of {} in {span}", most * times, playbook.name))
    }

    pub(super) fn count(&mut self, playbook: &Text, now: Time) {
        let now = now.max(self.latest);
        self.latest = now;
        let planned = self.planned.entry(playbook.clone()).or_default();
        while planned.front().is_some_and(|t| now.since_s(*t) > 3_600.0) {
            planned.pop_front();
        }
        planned.push_back(now);
    }

    pub(super) fn failed(&mut self, action: &Text, now: Time) {
        let held = self.failures.entry(action.clone()).or_insert((0, now));
        *held = (held.0.saturating_add(1), now);
    }

    pub(super) fn worked(&mut self, action: &Text) {
        self.failures.remove(action);
    }

    /// After its rest one more try is allowed; a further failure begins the next rest.
    pub(super) fn rests(&self, action: &str, errors_max: u32, now: Time) -> Option<String> {
        let (errors, last) = self.failures.get(action)?;
        (*errors >= errors_max && now.since_s(*last) < REST_S)
            .then(|| format!("{action} failed {errors} times in a row and rests for an hour: a person has to look first"))
    }
}
