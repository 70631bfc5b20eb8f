//! First-time call: a principal uses an operation that neither it nor its peers use, or a region that the account never used.
//!
//! Reads:      api_activity (6003).  Keyed by: principal, peers are principals of the same kind and account; account for regions.
//! Evidence:   days and calls without it, peers that use it.   Score: 0..1 from bits of surprise; low at most: alone it is no incident.
//!             ATT&CK: T1078.004 (a valid account does what it never did), T1535 (unused region).
//! State:      at most 256 operations a principal, 20,000 principals, 65,536 operations.   Cost: O(log n) a call.
//! Mistaken by: a new task of an administrator (informational), a release of infrastructure code; silent while a principal is learned (7 days).
//! Method:     conditional surprise with back-off to the peer group.

use event::analytic::AnalyticKind;
use event::finding::Reason;
use event::{Analytic, Event, Finding, Score, Severity, Technique};
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::campaign::{Campaign, key, logistic};
pub use crate::first_time::Config;
use crate::first_time::{First, FirstTime};
use crate::technique::technique;
use crate::{Detector, Scope, Seen, Spec, StateError, state};

const NEW_CALL: &[Technique] = &[technique("T1078.004")];
const NEW_REGION: &[Technique] = &[technique("T1535")];

pub const SPEC: Spec = Spec {
    analytic: Analytic {
        uid: "cloud.first_call",
        name: "First-time cloud call",
        version: "1.0",
        kind: AnalyticKind::Learning,
        techniques: &[NEW_CALL[0], NEW_REGION[0]],
    },
    scope: Scope::Whole,
    header: "A principal uses an operation that neither it nor its peers use, or a region the account never used. Low or informational. \
             Mistaken by: a new task of an administrator, a release.",
    build: |knowledge| Box::new(FirstCall { state: State::new(&knowledge.config.first_call) }),
};

struct FirstCall {
    state: State,
}

#[derive(Serialize, Deserialize)]
struct State {
    calls: FirstTime,
    regions: FirstTime,
}

impl State {
    fn new(config: &Config) -> State {
        // A region is looked at for the whole account: it has no peers, so its own history must speak.
        let regions = Config { bits_min: config.bits_min - 1.0, ..config.clone() };
        State { calls: FirstTime::new(config), regions: FirstTime::new(&regions) }
    }
}

impl Detector for FirstCall {
    fn detect(&mut self, event: &Event, _seen: &Seen, out: &mut Vec<Finding>) {
        let Some(call) = Call::of(event) else { return };
        if call.by_provider() || call.api.operation.is_empty() {
            return;
        }
        let now = event.meta.time;
        let api = call.api;
        let group = key(format!("{} {}", api.account, api.user_kind).as_bytes());
        let operation = format!("{} {}", call.service(), call.operation());
        if let Some(first) = self.state.calls.look(call.caller_key(), group, key(operation.as_bytes()), now) {
            // Reading is what new consoles and tools do all the time.
            let severity = if api.read_only { Severity::Info } else { Severity::Low };
            let text = format!("called {operation} for the first time");
            out.push(tell(&call, "cloud.first_call", "First-time cloud call", &text, &first, severity, NEW_CALL));
        }
        if !api.region.is_empty() {
            let account = key(api.account.as_bytes());
            if let Some(first) = self.state.regions.look(account, account, key(api.region.as_bytes()), now) {
                let text = format!("used the region {}, which account {} never used", api.region, api.account);
                out.push(tell(&call, "cloud.new_region", "Region used for the first time", &text, &first, Severity::Low, NEW_REGION));
            }
        }
    }

    fn filled(&self) -> Vec<(&'static str, usize, usize)> {
        [self.state.calls.filled(), self.state.regions.filled()].concat()
    }

    fn save(&self) -> Vec<u8> {
        state::save(&self.state)
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), StateError> {
        self.state = state::load(SPEC.analytic.uid, saved)?;
        Ok(())
    }
}

fn tell(call: &Call<'_>, code: &str, title: &str, text: &str, first: &First, severity: Severity, techniques: &[Technique]) -> Finding {
    let mut campaign = Campaign::default();
    campaign.begin_if_idle(call.event.meta.time, 0);
    campaign.add(call.event, 1);
    let mut finding = campaign.tell(&SPEC.analytic, &format!("{} {code} {text}", call.caller()), 0);
    let reason = Reason {
        code: code.into(),
        text: format!("{text}: {:.1} bits of surprise", first.bits),
        usual: first.usual(),
        now: "now".to_owned(),
        push: 1.0,
    };
    // Half at the limit of telling, and no more than .8: a first time is no proof.
    finding = finding.explained(Score::new(logistic((first.bits - 9.0) / 4.0).min(0.8)), vec![reason]);
    finding.title = title.to_owned();
    finding.text = format!("{} {text}", call.caller());
    finding.would_change = "a peer that does it, or the same call in the learning time".to_owned();
    finding.severity = severity;
    finding.techniques = techniques.to_vec();
    finding.entities = call.entities();
    finding
}

#[cfg(test)]
mod tests {
    use crate::call::tests::{at, call, change};
    use crate::tests::run;
    use event::{Event, Severity};

    /// `user` calls three operations each hour for `days` days.
    fn ordinary(user: &str, days: i64) -> Vec<Event> {
        let each = |n: i64| at(call(user, "s3", ["GetObject", "PutObject", "ListBucket"][n as usize % 3], &[]), n * 1_200);
        (0..days * 72).map(each).collect()
    }

    #[test]
    fn t1078_004_a_call_that_nobody_makes() {
        let mut events = [ordinary("app", 9), ordinary("web", 9)].concat();
        events.sort_by_key(|e| e.meta.time);
        events.push(at(call("app", "iam", "CreateUser", &[]), 9 * 86_400 + 5));
        let found = run(&super::SPEC, &events);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].severity, found[0].techniques[0].uid), (Severity::Low, "T1078.004"));
        assert!(found[0].reasons[0].usual.starts_with("never in 9 days"), "{:?}", found[0].reasons);
    }

    #[test]
    fn t1535_a_region_that_was_never_used() {
        let mut events = ordinary("app", 9);
        events.push(at(change(call("app", "s3", "GetObject", &[]), |api| api.region = "ap-east-1".into()), 9 * 86_400));
        assert_eq!(run(&super::SPEC, &events)[0].techniques[0].uid, "T1535");
    }

    #[test]
    fn the_first_days_and_an_administrator_who_is_new_are_silent() {
        let mut events = ordinary("app", 3);
        events.push(at(call("app", "iam", "CreateUser", &[]), 3 * 86_400));
        events.extend((0..60).map(|n| at(call("admin", "iam", &format!("Op{n}"), &[]), 4 * 86_400 + n * 60)));
        assert_eq!(run(&super::SPEC, &events), []);
    }

    #[test]
    fn what_the_peers_do_is_silent() {
        let mut events: Vec<Event> = (0..6).flat_map(|n| ordinary(&format!("app{n}"), 9)).collect();
        events.sort_by_key(|e| e.meta.time);
        // A release: all of them begin to use one more operation, one after the other.
        let release = (0..6).map(|n| at(call(&format!("app{n}"), "sqs", "SendMessage", &[]), 9 * 86_400 + n * 60));
        events.extend(release);
        let found = run(&super::SPEC, &events);
        assert!(found.len() <= 2, "the first of them may be told: {}", found.len());
    }
}
