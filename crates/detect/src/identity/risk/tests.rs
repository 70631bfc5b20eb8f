use event::{Bytes, Meta, Time, Uid};

use super::*;

const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36";
const OTHER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0";

/// (day, hour, user, address, country, network, agent)
type Row<'r> = (i64, i64, &'r str, &'r str, &'r str, u32, &'r str);

fn event((day, hour, user, address, country, network, agent): &Row<'_>, n: u64) -> Event {
    let auth = Authentication {
        outcome: Outcome::Success,
        user: (*user).into(),
        client: address.parse().ok(),
        country: (*country).into(),
        asn: Some(*network),
        user_agent: (*agent).to_owned(),
        repeats: 1,
        ..Authentication::default()
    };
    let time = Time::from_s(1_750_000_000 + day * 86_400 + hour * 3_600);
    let meta = Meta { uid: Uid::of_record("t", n), time, record: n, ..Meta::default() };
    Event::new(meta, Body::Authentication(Box::new(auth)), Bytes::from(&b"line"[..]))
}

fn run(rows: &[Row<'_>]) -> (Vec<Finding>, Vec<LoginDecision>) {
    let events: Vec<Event> = rows.iter().zip(1..).map(|(row, n)| event(row, n)).collect();
    let found = crate::tests::run(&SPEC, &events);
    let mut detector = (SPEC.build)(&crate::Knowledge::default());
    let decided = events.iter().filter_map(|event| {
        detector.detect(event, &Seen::default(), &mut Vec::new());
        detector.decided()
    });
    (found, decided.collect())
}

fn at_home(days: i64) -> Vec<Row<'static>> {
    (0..days).map(|day| (day, 9, "ada", "198.51.100.7", "NO", 64500, CHROME)).collect()
}

#[test]
fn a_stranger_with_the_right_password_is_told_with_reasons() {
    let mut rows = at_home(30);
    rows.push((30, 3, "ada", "203.0.113.9", "BR", 64502, OTHER));
    let (found, decided) = run(&rows);
    assert_eq!(found.len(), 1);
    assert!(found[0].succeeded && found[0].text.contains("203.0.113.9 (BR), unlike"), "{}", found[0].text);
    let (own, stranger) = (&decided[29], &decided[30]);
    assert!(own.risk < 0.05 && stranger.risk > 0.9, "{} {}", own.risk, stranger.risk);
    assert!(stranger.decision >= event::login::Step::StepUp && stranger.effective == event::login::Step::Allow);
    assert_eq!(stranger.prior_logins, 30);
    assert!(stranger.reasons.iter().any(|r| r.code == "place.new_country"));
    assert_eq!(decided.len(), rows.len());
}

#[test]
fn what_people_do_is_silent() {
    // A newer browser, an address of the same network, a journey to a place where one was before, a VPN that one always uses.
    let newer = CHROME.replace("120", "121");
    let mut rows = at_home(30);
    rows.push((31, 9, "ada", "198.51.100.99", "NO", 64500, newer.as_str()));
    for day in 0..30 {
        rows.push((day, 20, "bob", "192.0.2.7", "SE", 64510, CHROME));
        if day % 5 == 4 {
            rows.push((day, 22, "bob", "203.0.113.77", "CH", 9009, CHROME));
        }
    }
    rows.sort_by_key(|row| (row.0, row.1));
    rows.push((32, 20, "bob", "203.0.113.77", "CH", 9009, CHROME));
    let (found, decided) = run(&rows);
    assert!(found.is_empty(), "{:?}", found.iter().map(|f| &f.text).collect::<Vec<_>>());
    assert!(decided.iter().rev().take(2).all(|d| d.risk < 0.5), "{:?}", decided.iter().rev().take(2).collect::<Vec<_>>());
}

#[test]
fn an_account_without_history_is_never_blocked() {
    let (found, decided) = run(&[(0, 9, "new", "203.0.113.9", "BR", 64502, OTHER), (0, 10, "new", "198.51.100.7", "NO", 64500, CHROME)]);
    assert!(found.is_empty());
    assert!(decided.iter().all(|d| d.decision < event::login::Step::Block && d.prior_logins < 2));
}

#[test]
fn a_journey_that_nobody_makes_is_a_reason_and_one_that_people_make_is_none() {
    let ended = |rows: &[Row<'_>]| {
        let (_, decided) = run(&[at_home(30), rows.to_vec()].concat());
        decided.last().and_then(|d| d.reasons.iter().find(|r| r.code == "travel.impossible").cloned())
    };
    let home = (30, 9, "ada", "198.51.100.7", "NO", 64500, CHROME);
    let told = ended(&[home, (30, 11, "ada", "203.0.113.9", "BR", 64502, OTHER)]).expect("Norway to Brazil in two hours");
    assert!(told.text.contains("from NO") && told.text.contains("km") && told.push > 0.0, "{}", told.text);
    assert_eq!(ended(&[home, (31, 11, "ada", "203.0.113.9", "BR", 64502, OTHER)]), None, "a day later");
    assert_eq!(ended(&[home, (30, 10, "ada", "203.0.113.9", "SE", 64502, OTHER)]), None, "a commuter over the border");
    assert_eq!(ended(&[home, (30, 11, "ada", "203.0.113.9", "BR", 9009, CHROME)]), None, "a tunnel with the usual program");
    assert_eq!(ended(&[home, (30, 11, "ada", "203.0.113.9", "BR", 64500, CHROME)]), None, "roaming through the home carrier");
    assert_eq!(ended(&[home, (30, 11, "ada", "203.0.113.9", "", 64502, OTHER)]), None, "location unknown");
}
