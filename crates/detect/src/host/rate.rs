//! How much a host, an account or an address does in an hour, against the same hour of earlier weeks.
//!
//! Reads:      authentication (3002), process (1007), API (6003), file (1001), network (4001), other records of hosts; web requests have detectors of their own.
//!             Keyed by: what is counted and host, account or address.
//! Evidence:   the count of the running hour, the usual one, the threshold.   Score: 0..1 from how far over the threshold; informational, low from
//!             four times the threshold.   ATT&CK: T1110 (failures), T1059 (programs), T1078 (sign-ins), T1046 (connections), T1580 (calls), T1485 (files).
//! State:      one band of 168 hours a key, below 512 bytes, at most 50,000 keys.   Cost: O(1) an event.
//! Mistaken by: the first week (nothing is said); what happens to many at once (a patch day) is told of the first two and then is no finding.
//! Method:     square root of counts, hour-of-week means, tail by peaks over threshold to a set number of false alerts a day.

use std::collections::BTreeMap;

use event::analytic::AnalyticKind;
use event::authentication::Outcome;
use event::finding::Reason;
use event::{Analytic, Body, Entity, Event, Finding, Score, Severity, Technique};
use learn::baseline::band::Band;
use learn::baseline::table::Table;
use serde::{Deserialize, Serialize};

use crate::campaign::{Campaign, Distinct, key, logistic};
use crate::technique::technique;
use crate::{Detector, Scope, Seen, Spec, StateError, state};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Budget of false alerts of one key.
    pub false_alerts_per_day: f64,
    /// Fewer than this in an hour are never told.
    pub count_min: u32,
    pub keys_max: usize,
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config { false_alerts_per_day: 0.002, count_min: 30, keys_max: 50_000, seed: 0x7261_7465 }
    }
}

const FAILURES: Technique = technique("T1110");
const PROGRAMS: Technique = technique("T1059");
const SIGN_INS: Technique = technique("T1078");
const CONNECTIONS: Technique = technique("T1046");
const CALLS: Technique = technique("T1580");
const FILES: Technique = technique("T1485");

pub const SPEC: Spec = Spec {
    analytic: Analytic {
        uid: "host.rate",
        name: "More than in this hour of other weeks",
        version: "1.0",
        kind: AnalyticKind::Statistical,
        techniques: &[FAILURES, PROGRAMS, SIGN_INS, CONNECTIONS, CALLS, FILES],
    },
    scope: Scope::Whole,
    header: "Failures, sign-ins, programs, connections, files or calls of a host, an account or an address, far above the same hour of other weeks. \
             Informational or low. Mistaken by: a patch day.",
    build: |knowledge| {
        let config = knowledge.config.host_rate.clone();
        let bands = Table::new(config.keys_max, 60 * 86_400_000_000, config.seed);
        Box::new(Rate {
            state: State { bands, campaigns: Table::new(CAMPAIGNS_MAX, 86_400_000_000, config.seed ^ 1), together: BTreeMap::new() },
            config,
        })
    },
};

/// Excesses that are told at once.
const CAMPAIGNS_MAX: usize = 1_024;
/// Hours in a row without excess end a campaign.
const IDLE_S: i64 = 7_200;

struct Rate {
    config: Config,
    state: State,
}

#[derive(Serialize, Deserialize)]
struct State {
    bands: Table<Band>,
    campaigns: Table<Campaign>,
    /// Who is in excess in the running hour, for each thing that is counted of each kind of entity.
    together: BTreeMap<u64, (i64, Distinct)>,
}

/// So many in excess in the same hour are told; more have a cause in common.
const TOGETHER_MAX: usize = 2;

/// What an event counts as.
fn counted(event: &Event) -> Option<(&'static str, Technique)> {
    Some(match &event.body {
        Body::Authentication(auth) if auth.outcome == Outcome::Failure => ("failed sign-ins", FAILURES),
        Body::Authentication(_) => ("sign-ins", SIGN_INS),
        Body::Process(_) => ("programs started", PROGRAMS),
        Body::Network(_) => ("connections", CONNECTIONS),
        Body::Api(_) => ("calls", CALLS),
        Body::File(_) => ("file changes", FILES),
        _ => return None,
    })
}

impl Detector for Rate {
    fn detect(&mut self, event: &Event, _seen: &Seen, out: &mut Vec<Finding>) {
        let Some((what, technique)) = counted(event) else { return };
        let now = event.meta.time;
        let entities = [
            Some(event.host()).filter(|name| !name.is_empty()).map(Entity::host),
            Some(event.user()).filter(|name| !name.is_empty()).map(Entity::user),
            event.client().map(Entity::address),
        ];
        for entity in entities.into_iter().flatten() {
            let band_key = entity.key() ^ key(what.as_bytes());
            let band = self.state.bands.entry(band_key, now.us(), Band::hours_learned);
            let Some(excess) = band.observe(now.us(), self.config.false_alerts_per_day).filter(|e| e.now >= self.config.count_min) else {
                continue;
            };
            let hour = now.s().div_euclid(3_600);
            let (at, peers) = self.state.together.entry(key(format!("{} {what}", entity.kind.word()).as_bytes())).or_default();
            if *at != hour {
                (*at, *peers) = (hour, Distinct::default());
            }
            if !peers.holds(band_key) && peers.len() >= TOGETHER_MAX {
                continue;
            }
            peers.insert(band_key);
            let campaign = self.state.campaigns.entry(band_key, now.us(), |c| c.count as u32);
            campaign.begin_if_idle(now, IDLE_S);
            campaign.add(event, 1);
            let times = f64::from(excess.now) / excess.threshold.max(1.0);
            if !campaign.due(u32::from(times >= LOW_TIMES)) {
                continue;
            }
            let text = format!("{entity}: {} {what} in this hour", excess.now);
            let usual = format!("about {:.0}, alarm above {:.0}; has seen {:.0} days", excess.usual, excess.threshold, excess.days);
            let mut finding = campaign.tell(&SPEC.analytic, &format!("{entity} {what}"), u32::from(times >= LOW_TIMES));
            let reason =
                Reason { code: "rate.hour".into(), text: text.clone(), usual: usual.clone(), now: excess.now.to_string(), push: 1.0 };
            finding = finding.explained(Score::new(logistic(times.log2() - 2.0).min(0.8)), vec![reason]);
            finding.title = format!("Unusually many {what}");
            finding.text = format!("{text}; usual: {usual}");
            finding.would_change = format!("at most {:.0} in the hour", excess.threshold);
            finding.severity = if times >= LOW_TIMES { Severity::Low } else { Severity::Info };
            finding.techniques = vec![technique];
            finding.entities = std::iter::once(entity.clone()).chain(event.entities().into_iter().filter(|e| *e != entity)).collect();
            out.push(finding);
        }
    }

    fn filled(&self) -> Vec<(&'static str, usize, usize)> {
        vec![("bands", self.state.bands.len(), self.config.keys_max), ("campaigns", self.state.campaigns.len(), CAMPAIGNS_MAX)]
    }

    fn save(&self) -> Vec<u8> {
        state::save(&self.state)
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), StateError> {
        self.state = state::load(SPEC.analytic.uid, saved)?;
        Ok(())
    }
}

/// Times the threshold from which it is more than informational.
const LOW_TIMES: f64 = 4.0;

#[cfg(test)]
mod tests {
    use event::{Bytes, Meta, Process, Time, Uid};

    use super::*;
    use crate::tests::run;

    /// 00:00 UTC of a Monday.
    const MONDAY_S: i64 = 1_704_672_000;

    fn program(at_s: i64, n: u64) -> Event {
        let process = Process { host: "build1".into(), image: "/usr/bin/cc".into(), ..Process::default() };
        let meta = Meta { uid: Uid::of_record("t", n), time: Time::from_s(MONDAY_S + at_s), record: n, ..Meta::default() };
        Event::new(meta, Body::Process(Box::new(process)), Bytes::default())
    }

    /// `days` days: 40 programs an hour in working hours, 4 at other times, 300 in the hour of the backup.
    fn days(days: i64) -> Vec<Event> {
        let mut all = Vec::new();
        for hour in 0..days * 24 {
            let jitter = (hour * 7 + hour / 24 * 5) % 9;
            let count = match hour % 24 {
                2 => 300 + jitter * 4,
                8..18 if hour / 24 % 7 < 5 => 40 + jitter,
                _ => 4 + jitter / 3,
            };
            all.extend((0..count).map(|n| program(hour * 3_600 + n * 3_600 / count, (hour * 1_000 + n) as u64)));
        }
        all
    }

    #[test]
    fn an_hour_far_above_its_place_in_the_week_is_told_once() {
        let mut events = days(15);
        events.extend((0..400).map(|n| program(15 * 86_400 + 4 * 3_600 + n * 3, 1_000_000 + n as u64)));
        let found = run(&SPEC, &events);
        let names: std::collections::BTreeSet<_> = found.iter().map(|f| f.uid.clone()).collect();
        assert_eq!(names.len(), 1, "{:?}", found.iter().map(|f| &f.text).collect::<Vec<_>>());
        let last = found.last().expect("a finding");
        assert_eq!((last.severity, last.techniques[0].uid), (Severity::Low, "T1059"));
        assert!(last.reasons[0].usual.contains("alarm above"));
    }

    #[test]
    fn backup_hours_working_days_and_the_first_week_are_silent() {
        assert_eq!(run(&SPEC, &days(22)), []);
    }
}
