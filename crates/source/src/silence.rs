//! A silent source: one that spoke regularly and has said nothing for more than three times its usual gap.
//!
//! Reads:      when records came (time of arrival), by sender, and ticks. Pure: time is an argument.
//! Usual gap:  the gap in which a random moment lies, `sum(gap^2) / sum(gap)`, where a week halves the weight: a source that chats by day and
//!             sleeps by night has a long one, one that says something every ten seconds has ten seconds.
//! Told:       low, when the sender was heard for an hour with twenty gaps of a second or more, at the earliest after [`SILENT_MIN_S`]. Over
//!             when it speaks again.
//! State:      six numbers a sender, at most [`SENDERS_MAX`]; a newcomer takes the place of one that was never regular, never of a regular one.
//! Mistaken by: the first night or week-end after a source was added; a machine that was switched off on purpose. Time in which nobody ticked
//!             (this program was stopped, the machine slept) does not count.

use std::collections::BTreeMap;

use event::analytic::AnalyticKind;
use event::finding::Reason;
use event::{Analytic, Entity, Finding, Score, Severity, Text, Time};
use serde::{Deserialize, Serialize};

/// Silence shorter than this is not told.
pub const SILENT_MIN_S: f64 = 900.0;
/// Times the usual gap.
const TIMES: f64 = 3.0;
const HEARD_MIN_S: f64 = 3_600.0;
const GAPS_MIN: u32 = 20;
const HALF_LIFE_S: f64 = 7.0 * 86_400.0;
pub const SENDERS_MAX: usize = 2_048;
/// A longer pause between two ticks is one in which nobody listened.
const TICK_MAX_S: f64 = 120.0;

const ANALYTIC: Analytic =
    Analytic { uid: "source.silent", name: "Silent source", version: "1.0", kind: AnalyticKind::Statistical, techniques: &[] };

/// Who was heard when.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Silence {
    senders: BTreeMap<Text, Sender>,
    last_tick: Option<Time>,
    /// Senders for which there was no room.
    pub untracked: u64,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Sender {
    first: Time,
    /// The last record.
    last: Time,
    /// Seconds since `last` in which nobody listened.
    deaf_s: f64,
    gaps: u32,
    sum: f64,
    squares: f64,
    /// Its silence was told.
    told: bool,
}

/// What there is to say.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Silent(Box<Finding>),
    /// The finding that is over, and how long the silence was.
    Speaks {
        finding: Text,
        name: Text,
        silent_s: f64,
    },
}

impl Sender {
    fn usual_s(&self) -> f64 {
        if self.sum > 0.0 { self.squares / self.sum } else { 0.0 }
    }

    fn is_regular(&self) -> bool {
        self.gaps >= GAPS_MIN && self.last.since_s(self.first) >= HEARD_MIN_S
    }

    fn limit_s(&self) -> f64 {
        (TIMES * self.usual_s()).max(SILENT_MIN_S)
    }

    fn silent_s(&self, now: Time) -> f64 {
        now.since_s(self.last) - self.deaf_s
    }
}

impl Silence {
    /// A record of a sender came.
    pub fn heard(&mut self, name: &str, now: Time) -> Option<Change> {
        let Some(sender) = self.senders.get_mut(name) else {
            self.add(name, now);
            return None;
        };
        let gap_s = sender.silent_s(now);
        // A clock that was set back teaches nothing.
        if gap_s > 0.0 {
            let weight = 0.5_f64.powf(gap_s / HALF_LIFE_S);
            sender.sum = sender.sum * weight + gap_s;
            sender.squares = sender.squares * weight + gap_s * gap_s;
            sender.gaps = sender.gaps.saturating_add(u32::from(gap_s >= 1.0));
        }
        let change = sender.told.then(|| Change::Speaks { finding: uid(name, sender.last), name: name.into(), silent_s: gap_s });
        sender.told = false;
        (sender.last, sender.deaf_s) = (now, 0.0);
        change
    }

    /// Who has become silent; to be called every few seconds.
    pub fn tick(&mut self, now: Time) -> Vec<Change> {
        let pause_s = self.last_tick.map_or(0.0, |last| now.since_s(last));
        self.last_tick = Some(now);
        let deaf_s = if pause_s > TICK_MAX_S { pause_s } else { 0.0 };
        let mut changes = Vec::new();
        for (name, sender) in &mut self.senders {
            sender.deaf_s += deaf_s.min(now.since_s(sender.last).max(0.0));
            if !sender.told && sender.is_regular() && sender.silent_s(now) > sender.limit_s() {
                sender.told = true;
                changes.push(Change::Silent(Box::new(finding(name, sender, now))));
            }
        }
        changes
    }

    fn add(&mut self, name: &str, now: Time) {
        if self.senders.len() >= SENDERS_MAX {
            let irregular = self.senders.iter().filter(|(_, sender)| !sender.is_regular());
            let Some(oldest) = irregular.min_by_key(|(_, sender)| sender.last).map(|(name, _)| name.clone()) else {
                self.untracked += 1;
                return;
            };
            self.senders.remove(&oldest);
        }
        self.senders.insert(name.into(), Sender { first: now, last: now, ..Sender::default() });
    }
}

fn uid(name: &str, last: Time) -> Text {
    Finding::of(&ANALYTIC, &[name.as_bytes(), &[0], &last.us().to_le_bytes()].concat()).uid
}

fn finding(name: &Text, sender: &Sender, now: Time) -> Finding {
    let (silent_s, usual_s) = (sender.silent_s(now), sender.usual_s());
    let reason = Reason {
        code: "source.gap".into(),
        text: format!("the last record came at {}", sender.last),
        usual: format!("a gap of {}", words(usual_s)),
        now: words(silent_s),
        push: 1.0,
    };
    Finding {
        uid: uid(name, sender.last),
        title: format!("{name} is silent"),
        text: format!(
            "nothing came from {name} for {}: its usual gap is {}, its last record came at {}",
            words(silent_s),
            words(usual_s),
            sender.last
        ),
        severity: Severity::Low,
        entities: vec![Entity::service(name)],
        first_seen: sender.last,
        last_seen: now,
        count: 1,
        would_change: "one record of it".into(),
        ..Finding::of(&ANALYTIC, &[])
    }
    .explained(Score::new(0.3), vec![reason])
}

/// `12 s`, `48 min`, `3.5 h`
pub fn words(s: f64) -> String {
    match s {
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7_200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3_600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_S: i64 = 3_600;

    /// Ticks every ten seconds; records at these seconds. Says when a silence was told and when it was over.
    fn told(records: &[i64], until_s: i64) -> Vec<(i64, &'static str)> {
        let mut silence = Silence::default();
        let mut records = records.iter().copied().peekable();
        let mut said = Vec::new();
        for s in 0..until_s {
            let now = Time::from_s(1_000_000 + s);
            while records.next_if(|at| *at == s).is_some() {
                said.extend(silence.heard("web-1", now).map(|_| (s, "speaks")));
            }
            if s % 10 == 0 {
                said.extend(silence.tick(now).iter().map(|_| (s, "silent")));
            }
        }
        said
    }

    fn every(step_s: usize, from_s: i64, to_s: i64) -> Vec<i64> {
        (from_s..to_s).step_by(step_s).collect()
    }

    #[test]
    fn a_regular_source_that_stops_is_told_once_and_ends_by_itself() {
        let records: Vec<i64> = every(10, 0, 2 * HOUR_S).into_iter().chain([3 * HOUR_S]).collect();
        let said = told(&records, 4 * HOUR_S - 1000);
        // Three times ten seconds would be a nuisance: a quarter of an hour.
        assert_eq!(said, [(2 * HOUR_S + 900, "silent"), (3 * HOUR_S, "speaks")]);
    }

    #[test]
    fn a_slow_source_has_three_of_its_gaps() {
        let records = every(1_200, 0, 20 * HOUR_S);
        let last = *records.last().expect("records");
        assert_eq!(told(&records, 22 * HOUR_S), [(last + 3_610, "silent")]);
    }

    #[test]
    fn look_alikes_stay_silent() {
        for records in [
            every(10, 0, 1_800),       // heard for half an hour only
            every(600, 0, 3 * HOUR_S), // 18 records
            every(1, 0, 1_000),        // one burst
            vec![5],                   // one record
            every(10, 0, 20 * HOUR_S), // never stops
        ] {
            assert_eq!(told(&records, 20 * HOUR_S), [], "{} records", records.len());
        }
    }

    #[test]
    fn the_second_night_is_usual() {
        let day = |n: i64| every(5, n * 24 * HOUR_S, n * 24 * HOUR_S + 10 * HOUR_S);
        let records: Vec<i64> = (0..4).flat_map(day).collect();
        let said = told(&records, 4 * 24 * HOUR_S);
        assert_eq!(said.iter().filter(|(_, word)| *word == "silent").count(), 1, "{said:?}");
        assert!(said[0].0 < 11 * HOUR_S);
    }

    #[test]
    fn time_in_which_nobody_listened_does_not_count() {
        let mut silence = Silence::default();
        let at = |s: i64| Time::from_s(1_000_000 + s);
        for s in every(10, 0, 2 * HOUR_S) {
            assert_eq!(silence.heard("web-1", at(s)), None);
            assert_eq!(silence.tick(at(s)), []);
        }
        // Stopped for a night, with its state in a file.
        let kept = serde_json::to_string(&silence).expect("plain data");
        let mut silence: Silence = serde_json::from_str(&kept).expect("the same");
        let morning = 12 * HOUR_S;
        assert_eq!(silence.tick(at(morning)), []);
        assert_eq!(silence.tick(at(morning + 60)), []);
        let quarter: Vec<Change> = every(60, morning + 120, morning + 1_000).into_iter().flat_map(|s| silence.tick(at(s))).collect();
        let [Change::Silent(finding)] = quarter.as_slice() else { panic!("{quarter:?}") };
        assert_eq!((finding.severity, finding.title.as_str()), (Severity::Low, "web-1 is silent"));
        assert!(finding.text.contains("usual gap is 10 s"), "{}", finding.text);
        let Some(Change::Speaks { finding: ended, .. }) = silence.heard("web-1", at(morning + 2_000)) else { panic!("it spoke") };
        assert_eq!(ended, finding.uid);
    }

    #[test]
    fn a_flood_of_names_drives_out_no_regular_sender() {
        let mut silence = Silence::default();
        for s in every(10, 0, 2 * HOUR_S) {
            silence.heard("web-1", Time::from_s(s));
        }
        for n in 0..5_000 {
            silence.heard(&format!("forged {n}"), Time::from_s(2 * HOUR_S));
        }
        assert!(silence.senders.len() <= SENDERS_MAX && silence.senders.contains_key("web-1"));
        assert_eq!(silence.tick(Time::from_s(3 * HOUR_S)).len(), 1);
    }

    #[test]
    fn a_clock_that_is_set_back_is_no_gap() {
        let mut silence = Silence::default();
        silence.heard("web-1", Time::from_s(10_000));
        silence.heard("web-1", Time::from_s(5_000));
        assert_eq!(silence.senders["web-1"].squares, 0.0);
    }
}
