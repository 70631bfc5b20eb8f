use event::{Bytes, Meta, Uid};

use super::*;

const OWN: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36";
const OTHER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0";
const HOME: &str = "198.51.100.7";

fn event(day: i64, user: &str, address: &str, agent: &str, outcome: Outcome) -> Event {
    let auth = Authentication {
        outcome,
        user: user.into(),
        client: address.parse().ok(),
        user_agent: agent.to_owned(),
        ..Authentication::default()
    };
    let time = Time::from_s(1_750_000_000 + day * 86_400);
    let uid = Uid::of_record(user, day as u64);
    Event::new(
        Meta { uid, time, record: day as u64 + 1, ..Meta::default() },
        Body::Authentication(Box::new(auth)),
        Bytes::from(&b"line"[..]),
    )
}

/// A colleague who signs in on each of `days`, and `ada` on hers.
fn told(colleague: impl Iterator<Item = i64>, ada: &[(i64, &str, &str, Outcome)]) -> Vec<Finding> {
    let mut events: Vec<Event> = colleague.map(|day| event(day, "bob", HOME, OWN, Outcome::Success)).collect();
    events.extend(ada.iter().map(|(day, address, agent, outcome)| event(*day, "ada", address, agent, *outcome)));
    events.sort_by_key(|e| (e.meta.time, e.meta.uid));
    crate::tests::run(&SPEC, &events)
}

fn at_home(days: &[i64]) -> Vec<(i64, &'static str, &'static str, Outcome)> {
    days.iter().map(|day| (*day, HOME, OWN, Outcome::Success)).collect()
}

#[test]
fn a_return_after_a_quarter_is_told_and_worse_with_new_place_and_program() {
    let mut days = at_home(&[0, 1, 2, 5, 8]);
    days.push((120, HOME, OWN, Outcome::Success));
    let found = told(0..=200, &days);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].severity, Severity::Low);
    assert!(found[0].text.contains("after 112 days"), "{}", found[0].text);
    assert_eq!(found[0].reasons[0].code, "dormant.pause");

    days.pop();
    days.push((120, "203.0.113.9", OTHER, Outcome::Success));
    days.push((121, "203.0.113.9", OTHER, Outcome::Success));
    let found = told(0..=200, &days);
    assert_eq!(found.len(), 1, "the second day is no return");
    assert_eq!(found[0].severity, Severity::Medium);
    let codes: Vec<&str> = found[0].reasons.iter().map(|r| r.code.as_str()).collect();
    assert!(codes.contains(&"dormant.network") && codes.contains(&"dormant.program"), "{codes:?}");
    assert!(found[0].entities[0].name == "203.0.113.9" && found[0].succeeded);
}

#[test]
fn look_alikes_are_silent() {
    // On holiday; used often; once a quarter by habit; a new account; tried once a year ago; nobody got in.
    assert!(told(0..=200, &at_home(&[0, 1, 2, 60])).is_empty());
    assert!(told(0..=200, &at_home(&(0..=200).collect::<Vec<i64>>())).is_empty());
    let quarterly: Vec<Finding> = told(0..=800, &at_home(&[0, 1, 2, 95, 187, 279, 371, 463]));
    assert_eq!(quarterly.len(), 1, "the first pause is new, the rhythm is not");
    assert!(told(0..=200, &[(150, "203.0.113.9", OTHER, Outcome::Success)]).is_empty());
    assert!(told(0..=200, &at_home(&[0, 150])).is_empty());
    let mut refused = at_home(&[0, 1, 2]);
    refused.push((150, "203.0.113.9", OTHER, Outcome::Failure));
    assert!(told(0..=200, &refused).is_empty());
}

#[test]
fn a_gap_in_the_records_makes_nobody_dormant() {
    assert!(told((0..=10).chain(150..=160), &at_home(&[0, 1, 2, 3, 155])).is_empty());
    // The gap does not count, the rest does.
    assert_eq!(told((0..=60).chain(150..=260), &at_home(&[0, 1, 2, 3, 255])).len(), 1);
}
