use event::{Authentication, Bytes, Meta, Uid};

use super::*;

/// (seconds, action, outcome, factor)
type Row = (i64, Action, Outcome, &'static str);

fn run(rows: &[Row]) -> Vec<Finding> {
    let event = |((at, action, outcome, factor), n): (&Row, u64)| {
        let auth = Authentication {
            action: *action,
            outcome: *outcome,
            user: "ada".into(),
            client: "203.0.113.9".parse().ok(),
            factor: (*factor).into(),
            ..Authentication::default()
        };
        let meta = Meta { uid: Uid::of_record("t", n), time: Time::from_s(1_750_000_000 + at), record: n, ..Meta::default() };
        Event::new(meta, Body::Authentication(Box::new(auth)), Bytes::from(&b"line"[..]))
    };
    crate::tests::run(&SPEC, &rows.iter().zip(1..).map(event).collect::<Vec<Event>>())
}

/// Prompts as sign-ins that wait and, 20 s later, the answer.
fn prompts(n: i64, every_s: i64, answer: Outcome, factor: &'static str) -> Vec<Row> {
    (0..n).flat_map(|k| [(k * every_s, Action::Login, Outcome::Pending, ""), (k * every_s + 20, Action::StepUp, answer, factor)]).collect()
}

#[test]
fn prompts_until_the_answer_is_yes_are_found() {
    let mut rows = prompts(6, 60, Outcome::Failure, "push");
    let before = run(&rows);
    assert!(before.last().is_some_and(|f| !f.succeeded && f.severity == Severity::Medium && f.text.contains("6 times")));
    rows.extend([(380, Action::Login, Outcome::Pending, ""), (390, Action::StepUp, Outcome::Success, "push")]);
    let found = run(&rows);
    let last = found.last().expect("told");
    assert!(last.succeeded && last.severity == Severity::High && last.text.contains("6 times"), "{}", last.text);
    assert!(found.iter().all(|f| f.uid == last.uid), "one campaign is one finding");
}

#[test]
fn either_trace_alone_is_enough() {
    assert!(!run(&prompts(5, 60, Outcome::Failure, "push").into_iter().filter(|r| r.1 == Action::Login).collect::<Vec<_>>()).is_empty());
    assert!(!run(&prompts(5, 60, Outcome::Failure, "push").into_iter().filter(|r| r.1 == Action::StepUp).collect::<Vec<_>>()).is_empty());
}

#[test]
fn people_are_left_alone() {
    assert!(run(&prompts(4, 60, Outcome::Failure, "push")).is_empty(), "a telephone without a connection");
    assert!(run(&prompts(30, 60, Outcome::Success, "push")).is_empty(), "many prompts that were all confirmed");
    assert!(run(&prompts(20, 300, Outcome::Failure, "push")).is_empty(), "a prompt every five minutes");
    let codes: Vec<Row> = (0..8).map(|k| (k * 15, Action::StepUp, Outcome::Failure, "totp")).collect();
    assert!(run(&codes).is_empty(), "codes mistyped");
    let apps: Vec<Row> =
        (0..12).flat_map(|k| [(k * 40, Action::Login, Outcome::Pending, ""), (k * 40 + 9, Action::Login, Outcome::Success, "")]).collect();
    assert!(run(&apps).is_empty(), "many applications in the morning, each confirmed");
}
