//! Sightings to findings: what looks at each event by itself says the same of the same entity again and again; it is told once, with the
//! count and the records.
//!
//! Key:        name of the sighting (its analytic and acting entity) within [`WINDOW_S`] of the first one.
//! Told:       when it is new, when it became worse, when it is an eighth larger, and at the end ([`Gather::rest`]).
//! Noise:      an analytic with [`OPEN_MAX`] findings within [`WINDOW_S`] is noisy: what it sees of further entities becomes one summarising
//!             finding with a notice. Nothing is hidden: the summary counts and shows the records. Where everything is told (a replay), it is a mark.
//! State:      at most [`HELD_MAX`] findings, the ones seen longest ago go first and are told before they go; full records of the first
//!             [`RAW_KEPT`] sightings, of the others the reference.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use event::finding::{EVIDENCE_MAX, Reason};
use event::{Bytes, Entity, Finding, Severity, Text, Time, short_id};
use serde::{Deserialize, Serialize};

use crate::state::{self, StateError};

/// One finding grows for this long, then another one begins.
const WINDOW_S: f64 = 86_400.0;
const HELD_MAX: usize = 4_096;
const OPEN_MAX: usize = 50;
const RAW_KEPT: usize = 10;
/// Entities named by one finding.
const ENTITIES_MAX: usize = 32;
/// Analytics whose findings are counted.
const ANALYTICS_MAX: usize = 16_384;

#[derive(Default, Serialize, Deserialize)]
pub struct Gather {
    held: BTreeMap<Text, Held>,
    /// Begin of the findings of each analytic, oldest first.
    open: HashMap<Text, VecDeque<Time>>,
    /// Noise is marked, not summed up.
    tells_all: bool,
}

#[derive(Serialize, Deserialize)]
struct Held {
    finding: Finding,
    told: u64,
    worse: bool,
}

impl Gather {
    /// What is held and how much may be: (what, now, at most).
    pub fn filled(&self) -> [(&'static str, usize, usize); 2] {
        [("sightings", self.held.len(), HELD_MAX), ("analytics of a day", self.open.len(), ANALYTICS_MAX)]
    }

    /// One that tells every finding and marks the noisy ones.
    pub fn telling_all() -> Gather {
        Gather { tells_all: true, ..Gather::default() }
    }

    /// The whole state, for a checkpoint.
    pub fn save(&self) -> Vec<u8> {
        state::save(self)
    }

    /// The state that was saved.
    pub fn load(saved: &[u8]) -> Result<Gather, StateError> {
        state::load("gather", saved)
    }

    /// Takes sightings in the order of their events and gives what is worth telling now.
    pub fn take(&mut self, sightings: Vec<Finding>) -> Vec<Finding> {
        let mut touched = BTreeSet::new();
        let mut out = Vec::new();
        for sighting in sightings {
            touched.insert(self.add(sighting, &mut out));
        }
        for key in touched {
            out.extend(self.held.get_mut(&key).and_then(Held::due));
        }
        out
    }

    /// What grew since it was told.
    pub fn rest(&mut self) -> Vec<Finding> {
        self.held.values_mut().filter_map(Held::now).collect()
    }

    fn add(&mut self, mut sighting: Finding, out: &mut Vec<Finding>) -> Text {
        let key = sighting.uid.clone();
        let at = sighting.last_seen;
        if let Some(held) = self.held.get_mut(&key) {
            if at.since_s(held.finding.first_seen) <= WINDOW_S {
                held.join(sighting);
                return key;
            }
            out.extend(held.now());
        }
        let noisy = self.is_noisy(&sighting.analytic.uid, at);
        if noisy && !self.tells_all {
            let key = short_id("F", &[b"summary", sighting.analytic.uid.as_bytes()]);
            sighting.severity = sighting.severity.min(Severity::Low);
            match self.held.get_mut(&key).filter(|held| at.since_s(held.finding.first_seen) <= WINDOW_S) {
                Some(held) => held.join(sighting),
                None => self.hold(key.clone(), summary(sighting), out),
            }
            return key;
        }
        if noisy {
            sighting.reasons.push(notice(&sighting));
        }
        self.hold(key.clone(), sighting, out);
        key
    }

    fn hold(&mut self, key: Text, mut finding: Finding, out: &mut Vec<Finding>) {
        // A later window is another finding.
        finding.uid = short_id("F", &[key.as_bytes(), &finding.first_seen.us().to_le_bytes()]);
        if self.held.len() >= HELD_MAX && !self.held.contains_key(&key) {
            let mut ages: Vec<(Time, Text)> = self.held.iter().map(|(key, held)| (held.finding.last_seen, key.clone())).collect();
            ages.sort();
            for (_, key) in ages.into_iter().take(HELD_MAX / 8) {
                out.extend(self.held.remove(&key).and_then(|mut held| held.now()));
            }
        }
        self.held.insert(key, Held { finding, told: 0, worse: false });
    }

    /// Counts a new finding of that analytic and says whether there are too many.
    fn is_noisy(&mut self, analytic: &Text, at: Time) -> bool {
        if self.open.len() >= ANALYTICS_MAX && !self.open.contains_key(analytic) {
            self.open.clear();
        }
        let open = self.open.entry(analytic.clone()).or_default();
        while open.front().is_some_and(|begin| at.since_s(*begin).abs() > WINDOW_S) {
            open.pop_front();
        }
        if open.len() >= OPEN_MAX {
            return true;
        }
        open.push_back(at);
        false
    }
}

impl Held {
    fn join(&mut self, sighting: Finding) {
        let finding = &mut self.finding;
        finding.count += sighting.count;
        finding.first_seen = finding.first_seen.min(sighting.first_seen);
        finding.last_seen = finding.last_seen.max(sighting.last_seen);
        for mut evidence in sighting.evidence {
            if finding.evidence.len() >= RAW_KEPT {
                (evidence.raw, evidence.matches) = (Bytes::default(), Vec::new());
            }
            if finding.evidence.len() >= EVIDENCE_MAX {
                // The first half stays, of the second the latest.
                finding.evidence.remove(EVIDENCE_MAX / 2);
            }
            finding.evidence.push(evidence);
        }
        for entity in sighting.entities {
            if finding.entities.len() < ENTITIES_MAX && !finding.entities.contains(&entity) {
                finding.entities.push(entity);
            }
        }
        let more = sighting.techniques.into_iter().filter(|t| !finding.techniques.contains(t)).collect::<Vec<_>>();
        finding.techniques.extend(more);
        if sighting.succeeded && !finding.succeeded || sighting.severity > finding.severity {
            self.worse = true;
            finding.succeeded |= sighting.succeeded;
            if sighting.severity > finding.severity {
                finding.severity = sighting.severity;
                (finding.score, finding.reasons) = (sighting.score, sighting.reasons);
            }
        }
    }

    fn due(&mut self) -> Option<Finding> {
        let grown = self.finding.count >= self.told + (self.told / 8).max(1);
        if self.told == 0 || self.worse || grown { self.now() } else { None }
    }

    fn now(&mut self) -> Option<Finding> {
        (self.told < self.finding.count).then(|| {
            (self.told, self.worse) = (self.finding.count, false);
            self.finding.clone()
        })
    }
}

fn notice(finding: &Finding) -> Reason {
    Reason {
        code: "noise.demoted".into(),
        text: format!("{} has more than {OPEN_MAX} findings in a day: live, further ones are told as one", finding.analytic.name),
        usual: format!("at most {OPEN_MAX} in a day"),
        now: format!("more than {OPEN_MAX}"),
        push: 0.0,
    }
}

/// All that a noisy analytic sees of further entities.
fn summary(mut sighting: Finding) -> Finding {
    sighting.reasons.push(notice(&sighting));
    sighting.title = format!("{}: noisy, further entities told as one", sighting.title);
    // It is about the rule, not about the first of many who set it off.
    sighting.entities.insert(0, Entity::service(&sighting.analytic.uid));
    sighting.would_change = "an exception for what is ordinary here, or a narrower rule".to_owned();
    sighting
}

#[cfg(test)]
mod tests {
    use event::finding::{AnalyticName, Evidence};

    use super::*;

    fn sighting(rule: &str, host: &str, at_s: i64) -> Finding {
        let time = Time::from_s(1_700_000_000 + at_s);
        Finding {
            uid: format!("{rule} {host}").into(),
            analytic: AnalyticName { uid: rule.into(), name: rule.into(), ..AnalyticName::default() },
            severity: Severity::High,
            entities: vec![Entity::host(host)],
            evidence: vec![Evidence { record: at_s as u64, time, raw: Bytes::from(&b"record"[..]), ..Evidence::default() }],
            first_seen: time,
            last_seen: time,
            count: 1,
            ..Finding::default()
        }
    }

    #[test]
    fn the_same_of_the_same_is_one_finding_with_all_records() {
        let mut gather = Gather::default();
        let told = gather.take((0..30).map(|n| sighting("r", "web1", n)).collect());
        assert_eq!((told.len(), told[0].count, told[0].evidence.len()), (1, 30, 30));
        assert!(told[0].evidence.iter().enumerate().all(|(n, e)| e.record == n as u64 && e.raw.is_empty() == (n >= RAW_KEPT)));
        assert!(gather.take(vec![sighting("r", "web1", 31)]).is_empty(), "one more of thirty is not told at once");
        let rest = gather.rest();
        assert_eq!((rest.len(), rest[0].count, rest[0].uid == told[0].uid), (1, 31, true));
        assert!(gather.rest().is_empty());
    }

    #[test]
    fn evidence_is_bounded_and_keeps_first_and_latest() {
        let told = Gather::default().take((0..1_000).map(|n| sighting("r", "web1", n)).collect());
        assert_eq!((told[0].count, told[0].evidence.len()), (1_000, EVIDENCE_MAX));
        assert_eq!((told[0].evidence[0].record, told[0].evidence[EVIDENCE_MAX - 1].record), (0, 999));
    }

    #[test]
    fn other_entities_rules_and_days_are_other_findings() {
        let mut gather = Gather::default();
        let day = 86_400;
        let all = [sighting("r", "a", 0), sighting("r", "b", 1), sighting("q", "a", 2), sighting("r", "a", day + 10)];
        let told = gather.take(all.to_vec());
        assert_eq!(told.iter().map(|f| f.uid.clone()).collect::<BTreeSet<_>>().len(), 4);
    }

    #[test]
    fn a_noisy_rule_is_summed_up_live_and_marked_in_a_replay() {
        let sightings: Vec<Finding> = (0..200).map(|n| sighting("r", &format!("h{n}"), n)).collect();
        let told = Gather::default().take(sightings.clone());
        assert_eq!(told.len(), OPEN_MAX + 1);
        let summed: Vec<&Finding> = told.iter().filter(|f| f.count > 1).collect();
        assert_eq!((summed.len(), summed[0].count, summed[0].severity), (1, 150, Severity::Low));
        assert!(summed[0].reasons.iter().any(|r| r.code == "noise.demoted"));
        let all = Gather::telling_all().take(sightings);
        let marked = all.iter().filter(|f| f.reasons.iter().any(|r| r.code == "noise.demoted")).count();
        assert_eq!((all.len(), marked), (200, 150));
    }

    #[test]
    fn what_is_pushed_out_is_told_first() {
        let mut gather = Gather::telling_all();
        let told: u64 = (0..3 * HELD_MAX as i64).map(|n| gather.take(vec![sighting("r", &format!("h{n}"), n)]).len() as u64).sum();
        assert_eq!(told, 3 * HELD_MAX as u64);
        assert!(gather.held.len() <= HELD_MAX);
    }
}
