use event::{Authentication, Bytes, Meta, Uid};

use super::*;

fn findings(accounts: i64, gap_s: i64) -> Vec<Finding> {
    let event = |n: i64| {
        let auth = Authentication {
            outcome: Outcome::Success,
            user: format!("user{n}").into(),
            client: "203.0.113.9".parse().ok(),
            device: "d1".into(),
            ..Authentication::default()
        };
        let time = Time::from_s(1_750_000_000 + n * gap_s);
        let meta = Meta { uid: Uid::of_record("t", n as u64), time, record: n as u64, ..Meta::default() };
        Event::new(meta, Body::Authentication(Box::new(auth)), Bytes::from(&b"line"[..]))
    };
    crate::tests::run(&SPEC, &(1..=accounts).map(event).collect::<Vec<Event>>())
}

#[test]
fn one_device_on_many_accounts_is_found_and_a_family_is_not() {
    let told = findings(12, 60);
    assert!(told.last().is_some_and(|f| f.text.contains("12 accounts") && f.entities.iter().any(|e| e.kind == EntityKind::Device)));
    assert!(findings(4, 60).is_empty());
    assert!(findings(40, 1_200).is_empty(), "a device that is handed on slowly");
}
