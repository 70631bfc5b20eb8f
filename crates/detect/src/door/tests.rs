use event::authentication::Outcome;
use event::{Authentication, Bytes, Meta, Uid};

use super::*;

const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36";

fn event(n: u64, hour: i64, address: &str, country: &str, agent: &str, outcome: Outcome) -> Event {
    let auth = Authentication {
        outcome,
        user: "ada".into(),
        client: address.parse().ok(),
        country: country.into(),
        asn: Some(if country == "NO" { 64500 } else { 64502 }),
        user_agent: agent.into(),
        repeats: 1,
        ..Authentication::default()
    };
    let time = Time::from_s(1_750_000_000 + hour * 3_600);
    let meta = Meta { uid: Uid::of_record("t", n), time, record: n, ..Meta::default() };
    Event::new(meta, Body::Authentication(Box::new(auth)), Bytes::default())
}

fn taught() -> Door {
    let mut door = Door::new(&Knowledge::default());
    for day in 0..40 {
        door.learn(&event(day as u64, day * 24, "198.51.100.7", "NO", CHROME, Outcome::Success));
    }
    door
}

fn stranger(n: u64) -> Event {
    event(n, 40 * 24 + 18, "203.0.113.9", "BR", "python-requests/2.32", Outcome::Pending)
}

#[test]
fn a_stranger_is_turned_away_with_reasons_and_the_owner_is_not() {
    let mut door = taught();
    let own = door.ask(&event(900, 40 * 24, "198.51.100.7", "NO", CHROME, Outcome::Pending)).expect("said");
    assert_eq!((own.decision.decision, own.finding), (Step::Allow, None));
    let said = door.ask(&stranger(901)).expect("said");
    assert_eq!(said.decision.decision, Step::Block, "{:?}", said.decision);
    let finding = said.finding.expect("told");
    assert!(finding.text.contains("before its password was looked at") && !finding.succeeded && finding.reasons.len() >= 2, "{finding:?}");
}

#[test]
fn asking_teaches_nothing() {
    let mut door = taught();
    let first = door.ask(&stranger(1)).expect("said").decision.risk;
    for n in 2..500 {
        door.ask(&stranger(n));
    }
    assert!((door.ask(&stranger(500)).expect("said").decision.risk - first).abs() < 1e-12);
}

#[test]
fn whom_a_person_let_in_is_asked_again_at_most_until_that_ends() {
    let mut door = taught();
    let now = stranger(1).meta.time;
    let client = Entity::address([203, 0, 113, 9].into());
    door.let_in(&client, now.plus_s(60), now);
    let said = door.ask(&stranger(1)).expect("said");
    assert_eq!((said.decision.decision, said.finding.is_none()), (Step::StepUp, true));
    assert_eq!(said.decision.reasons[0].code, "door.let_in");
    door.let_in(&client, now, now);
    assert_eq!(door.ask(&stranger(2)).expect("said").decision.decision, Step::Block);
}

#[test]
fn a_flood_of_refused_tries_is_not_a_flood_of_findings() {
    let mut door = taught();
    let told = (0..1_000).filter(|n| door.ask(&stranger(*n)).is_some_and(|said| said.finding.is_some())).count();
    assert_eq!(told, TOLD_MAX as usize);
    let nobody = event(1, 0, "203.0.113.9", "BR", "", Outcome::Pending);
    let mut anonymous = nobody;
    if let Body::Authentication(auth) = &mut anonymous.body {
        auth.user = "".into();
    }
    assert_eq!(door.ask(&anonymous), None);
}
