use event::{Body, Bytes, Meta, Uid};

use super::*;
use crate::identity::risk;

const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36";
const OTHER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0";
const HOME: &str = "198.51.100.7";
const ELSEWHERE: &str = "203.0.113.9";

/// (minutes after day 30, what, address)
type Row = (i64, Action, &'static str);

/// A month at home, then these.
fn run(rows: &[Row]) -> Vec<Finding> {
    let month = (0..30).map(|day| ((day - 30) * 1_440, Action::Login, HOME));
    let event = |((minute, action, address), n): (Row, u64)| {
        let home = address == HOME;
        let auth = Authentication {
            action,
            outcome: Outcome::Success,
            user: "ada".into(),
            client: address.parse().ok(),
            country: if home { "NO" } else { "BR" }.into(),
            asn: Some(if home { 64500 } else { 64502 }),
            user_agent: if home { CHROME } else { OTHER }.to_owned(),
            ..Authentication::default()
        };
        let meta = Meta { uid: Uid::of_record("t", n), time: Time::from_s(1_750_032_000 + minute * 60), record: n, ..Meta::default() };
        Event::new(meta, Body::Authentication(Box::new(auth)), Bytes::from(&b"line"[..]))
    };
    crate::tests::run(&risk::SPEC, &month.chain(rows.iter().copied()).zip(1..).map(event).collect::<Vec<Event>>())
}

fn taken(found: &[Finding]) -> Vec<&Finding> {
    found.iter().filter(|f| f.title == "Account taken over").collect()
}

#[test]
fn a_change_after_a_sign_in_unlike_the_owner_joins_its_finding() {
    let found = run(&[(240, Action::Login, ELSEWHERE), (250, Action::PasswordReset, ELSEWHERE), (255, Action::MfaReset, ELSEWHERE)]);
    let told = taken(&found);
    assert_eq!(told.len(), 2, "once a step");
    let last = told.last().expect("told");
    assert!(found.iter().all(|f| f.uid == last.uid), "one takeover is one finding");
    assert_eq!((last.severity, last.evidence.len()), (Severity::Critical, 3));
    assert!(last.techniques.iter().any(|t| t.uid == "T1556.006") && last.text.contains("15 min"), "{}", last.text);
}

#[test]
fn owners_who_change_their_password_are_left_alone() {
    assert!(taken(&run(&[(240, Action::Login, HOME), (250, Action::PasswordReset, HOME)])).is_empty(), "at home");
    assert!(taken(&run(&[(230, Action::PasswordReset, ELSEWHERE), (240, Action::Login, ELSEWHERE)])).is_empty(), "a forgotten password");
    assert!(taken(&run(&[(240, Action::Login, ELSEWHERE), (300, Action::PasswordReset, HOME)])).is_empty(), "taken back by the owner");
    let passed = [(240, Action::Login, ELSEWHERE), (241, Action::StepUp, ELSEWHERE), (250, Action::MfaReset, ELSEWHERE)];
    assert!(taken(&run(&passed)).is_empty(), "a second factor was passed");
    assert!(taken(&run(&[(240, Action::Login, ELSEWHERE), (240 + 73 * 60, Action::PasswordReset, ELSEWHERE)])).is_empty(), "days later");
}
