//! Who asks for graded answers, how much, and whether the questions would make a copy of a model (AML.T0024).
//!
//! Limits:     [`A_MINUTE`] and [`A_DAY`] questions an asker; at most [`ASKERS_MAX`] askers are remembered, the one that was silent longest goes.
//! Extraction: `learn::extraction` reads the questions of one asker. An alarm is a finding about the models, once a day and asker, and that
//!             asker gets words without scores for the rest of the day: rounding scores would not help, few answers do.

use std::collections::HashMap;

use event::analytic::AnalyticKind;
use event::finding::Reason;
use event::{Analytic, Entity, EntityKind, Finding, Score, Severity, Time};
use learn::extraction::{Alarm, Watch};

/// Questions a minute and a day.
const A_MINUTE: u32 = 200;
const A_DAY: u32 = 5_000;
const ASKERS_MAX: usize = 1_024;
/// Score that is worth an alert: the shipped threshold of every judgement.
const ALERT: f32 = 0.5;

const ANALYTIC: Analytic =
    Analytic { uid: "model.extraction", name: "Model extraction", version: "1.0", kind: AnalyticKind::Statistical, techniques: &[] };

#[derive(Default)]
struct Asker {
    watch: Watch,
    minute: (i64, u32),
    day: (i64, u32),
    /// Why it gets no scores today.
    withheld: Option<Alarm>,
    seen: i64,
}

/// Everybody who asks.
#[derive(Default)]
pub(super) struct Askers {
    by: HashMap<u64, Asker>,
}

impl Askers {
    /// Counts a question; `Err` holds the seconds until the next one is answered.
    pub(super) fn may_ask(&mut self, asker: u64, now: Time) -> Result<(), u32> {
        let s = now.s();
        if !self.by.contains_key(&asker) && self.by.len() >= ASKERS_MAX {
            let oldest = self.by.iter().min_by_key(|(id, one)| (one.seen, **id)).map(|(id, _)| *id);
            oldest.and_then(|id| self.by.remove(&id));
        }
        let one = self.by.entry(asker).or_default();
        one.seen = s;
        let (minute, day) = (s.div_euclid(60), s.div_euclid(86_400));
        if one.minute.0 != minute {
            one.minute = (minute, 0);
        }
        if one.day.0 != day {
            one.day = (day, 0);
            if one.withheld.take().is_some() {
                one.watch = Watch::default();
            }
            one.watch.new_day();
        }
        if one.day.1 >= A_DAY {
            return Err((86_400 - s.rem_euclid(86_400)) as u32);
        }
        if one.minute.1 >= A_MINUTE {
            return Err((60 - s.rem_euclid(60)) as u32);
        }
        (one.minute.1, one.day.1) = (one.minute.1 + 1, one.day.1 + 1);
        Ok(())
    }

    /// Takes up an answer. Whether its score is to be withheld, and a finding when this answer raised the alarm.
    pub(super) fn answered(&mut self, asker: u64, question: &[u8], score: f32, now: Time) -> (bool, Option<Finding>) {
        let Some(one) = self.by.get_mut(&asker) else { return (false, None) };
        let Some(alarm) = one.watch.see(question, score, ALERT) else { return (one.withheld.is_some(), None) };
        if one.withheld.replace(alarm).is_some() {
            return (true, None);
        }
        (true, Some(finding(asker, alarm, one.watch.asked(), now)))
    }
}

fn finding(asker: u64, alarm: Alarm, asked: u64, now: Time) -> Finding {
    let (code, text, usual, seen) = match alarm {
        Alarm::Near => (
            "model.near_questions",
            "questions that are nearly an earlier one and score neither low nor high: a walk along the border",
            "at most 30 of 200",
            "more than 30 of the last 200",
        ),
        Alarm::HostileShare => (
            "model.hostile_questions",
            "a quarter of the questions are hostile, each another one",
            "a few in a day",
            "more than a quarter of the last 200",
        ),
        Alarm::HostileCount => {
            ("model.hostile_questions", "many hostile questions, each unlike those before", "at most 40 a day", "more than 40 today")
        }
    };
    let name = format!("console session {:08x}", asker >> 32);
    let reason = Reason { code: code.into(), text: text.into(), usual: usual.into(), now: seen.into(), push: 2.0 };
    Finding {
        title: "somebody's questions would make a copy of the models".into(),
        text: format!("{name} asked {asked} times (AML.T0024); it gets words without scores until tomorrow"),
        severity: Severity::Medium,
        entities: vec![Entity::new(EntityKind::User, name.as_str())],
        first_seen: now,
        last_seen: now,
        count: asked,
        would_change: "fewer questions that are nearly the same or hostile; a test of one's own rules is better done with `bartizan check --list` on the machine itself"
            .into(),
        ..Finding::of(&ANALYTIC, format!("{asker}\0{}", now.s().div_euclid(86_400)).as_bytes())
    }
    .explained(Score::new(0.6), vec![reason])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: i64) -> Time {
        Time::from_s(1_772_600_000 + s)
    }

    #[test]
    fn a_minute_and_a_day_have_limits() {
        let mut askers = Askers::default();
        let first = (0..).find_map(|_| askers.may_ask(7, at(0)).err()).expect("a limit");
        assert!((1..=60).contains(&first));
        assert_eq!(askers.may_ask(8, at(0)), Ok(()), "another asker has its own");
        assert_eq!(askers.may_ask(7, at(60)), Ok(()));
        let mut day = Askers::default();
        let answered =
            (0..100_i64).flat_map(|minute| (0..100).map(move |_| minute)).filter(|&minute| day.may_ask(7, at(minute * 60)).is_ok()).count();
        assert_eq!(answered, A_DAY as usize);
    }

    #[test]
    fn a_walk_along_the_border_is_one_finding_and_ends_the_scores() {
        let mut askers = Askers::default();
        let mut findings = Vec::new();
        let mut withheld = false;
        for number in 0..180 {
            askers.may_ask(7, at(number)).expect("below the limits");
            let question = format!("Please confirm your account {} now or lose it", "x".repeat(number as usize % 5));
            let (held, found) = askers.answered(7, format!("{question} {number}").as_bytes(), 0.4, at(number));
            withheld = held;
            findings.extend(found);
        }
        assert_eq!((findings.len(), withheld), (1, true));
        assert_eq!(findings[0].entities[0].kind, EntityKind::User);
        askers.may_ask(7, at(2 * 86_400)).expect("another day");
        assert!(!askers.answered(7, b"Hello, shall we have lunch on Thursday?", 0.01, at(2 * 86_400)).0, "the next day begins anew");
    }

    #[test]
    fn ordinary_questions_and_many_askers_are_left_alone() {
        let mut askers = Askers::default();
        for number in 0..3_000_u64 {
            let asker = number % 2_000;
            askers.may_ask(asker, at(number as i64)).expect("below the limits");
            let question = format!("minutes of the meeting {:x}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            assert!(!askers.answered(asker, question.as_bytes(), 0.02, at(number as i64)).0);
        }
        assert!(askers.by.len() <= ASKERS_MAX);
    }
}
