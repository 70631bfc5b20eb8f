use event::authentication::{Action, Outcome};
use event::{Bytes, Meta, Time, Uid};

use super::*;

/// (at_s, user, address, network, success)
type Row = (i64, String, String, u32, bool);

fn events(mut rows: Vec<Row>) -> Vec<Event> {
    rows.sort();
    rows.into_iter()
        .zip(1..)
        .map(|((at_s, user, address, network, success), n)| {
            let auth = Authentication {
                action: Action::Login,
                outcome: if success { Outcome::Success } else { Outcome::Failure },
                user: user.as_str().into(),
                client: address.parse().ok(),
                asn: Some(network),
                service: "shop".into(),
                user_agent: format!("agent of {}", if network < 64600 { user.as_str() } else { "a proxy" }),
                repeats: 1,
                ..Authentication::default()
            };
            let meta = Meta { uid: Uid::of_record("t", n), time: Time::from_s(1_750_000_000 + at_s), record: n, ..Meta::default() };
            Event::new(meta, Body::Authentication(Box::new(auth)), Bytes::from(&b"line"[..]))
        })
        .collect()
}

const DAY: i64 = 86_400;

/// Forty people for a week: some mistype, one is on the road.
fn people(days: i64) -> Vec<Row> {
    let mut rows = Vec::new();
    for day in 0..days {
        for n in 0..40_i64 {
            let at = day * DAY + 28_000 + n * 600;
            let home = format!("198.51.{n}.7");
            rows.push((at, format!("user{n}"), home.clone(), 64500 + n as u32 % 5, true));
            if (n + day) % 9 == 0 {
                rows.push((at - 20, format!("user{n}"), home, 64500 + n as u32 % 5, false));
            }
        }
        rows.push((day * DAY + 60_000, "user3".into(), format!("192.0.2.{}", day + 1), 64590, false));
        rows.push((day * DAY + 60_030, "user3".into(), format!("192.0.2.{}", day + 1), 64590, true));
    }
    rows
}

fn campaign(from_s: i64, tries: i64, gap_s: i64, sources: i64, known: bool) -> Vec<Row> {
    let user = |n: i64| if known || n % 4 == 0 { format!("user{}", n * 7 % 40) } else { format!("leak{n}") };
    (0..tries)
        .map(|n| (from_s + n * gap_s, user(n), format!("203.0.{}.{}", n % sources, 1 + n % 200), 64700 + (n % sources) as u32, false))
        .collect()
}

fn check(rows: Vec<Row>, expected: Option<(&str, bool)>) -> Vec<Finding> {
    let out = crate::tests::run(&SPEC, &events(rows));
    assert_eq!(out.last().map(|f| (f.title.as_str(), f.succeeded)), expected, "{:?}", out.last().map(|f| &f.text));
    assert!(out.windows(2).all(|pair| pair[0].uid == pair[1].uid), "one campaign, one name");
    out
}

#[test]
fn people_alone_are_silent() {
    check(people(14), None);
}

#[test]
fn stuffing_from_many_addresses_is_one_campaign_with_its_success_first() {
    let mut rows = people(10);
    rows.extend(campaign(9 * DAY, 400, 10, 60, false));
    rows.push((9 * DAY + 3_000, "user9".into(), "203.0.5.6".into(), 64705, true));
    let out = check(rows, Some(("Credential stuffing that succeeded", true)));
    assert!(out.last().is_some_and(|f| f.text.starts_with("1 of ") && f.text.contains("user9") && f.severity >= Severity::High));
}

#[test]
fn a_slow_spray_is_found() {
    let mut rows = people(14);
    rows.extend(campaign(10 * DAY, 150, 1_200, 40, true));
    check(rows, Some(("Password spraying", false)));
}

#[test]
fn programs_with_an_old_password_and_a_shared_address_are_silent() {
    let mut rows = people(14);
    rows.extend((0..400).map(|n| (10 * DAY + n * 300, "robot".to_owned(), "203.0.113.9".to_owned(), 64700, false)));
    // Behind one address many people sign in, and some mistype.
    for n in 0..300_i64 {
        let success = n % 6 != 0;
        rows.push((5 * DAY + n * 900, format!("user{}", n % 40), "203.0.113.200".into(), 64701, success));
    }
    check(rows, None);
}

#[test]
fn the_guessing_detector_leaves_the_campaign_alone() {
    let mut rows = people(10);
    // Four tries in a row from each source: enough for password guessing, were it not one campaign.
    rows.extend((0..400).map(|n| (9 * DAY + n * 10, format!("user{}", n % 40), format!("203.0.{}.9", n / 20), 64700, false)));
    let events = events(rows);
    let of = |spec: &Spec| crate::tests::run(spec, &events).iter().map(|f| f.count).max().unwrap_or(0);
    assert!(of(&SPEC) > 300);
    assert!(of(&crate::identity::brute_force::SPEC) < 40);
}
