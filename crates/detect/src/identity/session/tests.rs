use event::{Bytes, Meta, Time, Uid};

use super::*;

const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36";
const PHONE: &str = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36";

type Use<'r> = (i64, &'r str, &'r str, u32, &'r str);

fn findings(uses: &[Use<'_>]) -> Vec<Finding> {
    let events: Vec<Event> = uses
        .iter()
        .zip(1..)
        .map(|((at_s, address, country, network, agent), n)| {
            let auth = Authentication {
                action: if n == 1 { Action::Login } else { Action::Session },
                outcome: Outcome::Success,
                user: "ada".into(),
                client: address.parse().ok(),
                country: (*country).into(),
                asn: Some(*network),
                user_agent: (*agent).to_owned(),
                session: "s1".into(),
                ..Authentication::default()
            };
            let meta = Meta { uid: Uid::of_record("t", n), time: Time::from_s(1_750_000_000 + at_s), record: n, ..Meta::default() };
            Event::new(meta, Body::Authentication(Box::new(auth)), Bytes::from(&b"line"[..]))
        })
        .collect();
    crate::tests::run(&SPEC, &events)
}

#[test]
fn a_session_used_from_two_places_is_found() {
    let told = findings(&[(0, "198.51.100.7", "NO", 64500, CHROME), (600, "203.0.113.9", "BR", 64502, PHONE)]);
    assert_eq!(told.len(), 1);
    assert!(told[0].text.contains("203.0.113.9") && told[0].severity >= Severity::Medium && told[0].succeeded);
    // The thief sends the victim's string: seen when both use it in turn.
    let mut turns = vec![(0, "198.51.100.7", "NO", 64500, CHROME)];
    for n in 0..6 {
        turns.push((60 + n * 120, "203.0.113.9", "BR", 64502, CHROME));
        turns.push((120 + n * 120, "198.51.100.7", "NO", 64500, CHROME));
    }
    assert!(!findings(&turns).is_empty());
}

#[test]
fn people_who_leave_the_house_are_silent() {
    let home = (0, "198.51.100.7", "NO", 64500, PHONE);
    assert!(findings(&[home, (600, "203.0.113.9", "NO", 64501, PHONE), (1_200, "198.51.100.7", "NO", 64500, PHONE)]).is_empty());
    let newer = PHONE.replace("120", "121");
    assert!(findings(&[home, (86_400, "198.51.100.8", "NO", 64500, newer.as_str())]).is_empty());
    // A journey with the same telephone.
    assert!(findings(&[home, (40_000, "203.0.113.9", "SE", 64507, PHONE)]).is_empty());
}
