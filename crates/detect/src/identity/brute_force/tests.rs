use event::{Authentication, Bytes, Meta, Severity, Time, Uid};

use super::*;

/// `at_s source user outcome`: outcome `ok`, `bad` or `unknown`.
fn event(number: u64, at_s: i64, source: &str, user: &str, outcome: &str) -> Event {
    let auth = Authentication {
        outcome: if outcome == "ok" { Outcome::Success } else { Outcome::Failure },
        user: user.into(),
        user_unknown: outcome == "unknown",
        client: source.parse().ok(),
        service: "sshd".into(),
        host: "gate".into(),
        ..Authentication::default()
    };
    let time = Time::from_s(1_700_000_000 + at_s);
    let meta = Meta { uid: Uid::of_record("t", number), time, record: number, ..Meta::default() };
    Event::new(meta, Body::Authentication(Box::new(auth)), Bytes::from(&b"line"[..]))
}

type Row<'r> = (i64, &'r str, &'r str, &'r str);

fn run(rows: &[Row<'_>], restart_at: Option<usize>) -> Vec<Finding> {
    let mut detector = BruteForce::new(Config::default());
    let mut out = Vec::new();
    for (n, (at_s, source, user, outcome)) in rows.iter().enumerate() {
        if restart_at == Some(n) {
            let saved = detector.save();
            detector = BruteForce::new(Config::default());
            detector.load(&saved).expect("own state");
        }
        detector.detect(&event(n as u64, *at_s, source, user, outcome), &Seen::default(), &mut out);
    }
    out
}

fn check(rows: &[Row<'_>], expected: Option<(&str, Severity, bool)>) {
    let findings = run(rows, None);
    let last = findings.last().map(|f| (f.title.as_str(), f.severity, f.succeeded));
    assert_eq!(last, expected);
    assert_eq!(run(rows, Some(rows.len() / 2)), findings, "a restart in the middle changes nothing");
    for finding in &findings {
        let sum: f32 = finding.reasons.iter().map(|r| r.push).sum();
        assert!((sum - finding.score.value()).abs() < 1e-3);
        assert!(findings.iter().all(|f| f.uid == finding.uid), "one campaign, one name");
    }
}

const OUT: &str = "203.0.113.7";

fn many(n: i64, gap_s: i64, source: &'static str, user: fn(i64) -> &'static str, outcome: &'static str) -> Vec<Row<'static>> {
    (0..n).map(|i| (i * gap_s, source, user(i), outcome)).collect()
}

#[test]
fn guessing_is_found_fast_and_slow() {
    check(&many(30, 2, OUT, |_| "root", "bad"), Some(("Password guessing", Severity::Low, false)));
    check(&many(40, 900, OUT, |_| "root", "bad"), Some(("Password guessing", Severity::Low, false)));
    check(
        &many(12, 1, OUT, |i| ["oracle", "test", "git", "pi"][i as usize % 4], "unknown"),
        Some(("Password guessing", Severity::Low, false)),
    );
}

#[test]
fn spraying_and_stuffing_are_told_apart() {
    const NAMES: [&str; 30] = [
        "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t", "u", "v", "w", "x", "y", "z",
        "aa", "bb", "cc", "dd",
    ];
    check(&many(24, 60, OUT, |i| NAMES[i as usize % 8], "bad"), Some(("Password spraying", Severity::Low, false)));
    let stuffing = many(30, 5, OUT, |i| NAMES[i as usize], "bad");
    assert_eq!(run(&stuffing, None).last().map(|f| f.title.as_str()), Some("Credential stuffing"));
}

#[test]
fn a_success_after_guessing_is_what_matters() {
    let mut rows = many(30, 2, OUT, |_| "deploy", "bad");
    rows.push((70, OUT, "deploy", "ok"));
    check(&rows, Some(("Password guessing that succeeded", Severity::High, true)));
    let findings = run(&rows, None);
    let last = findings.last().expect("found");
    assert!(last.techniques.contains(&attack::VALID_ACCOUNTS) && last.entities.contains(&event::Entity::user("deploy")));
    assert_eq!(last.text, "203.0.113.7 failed 30 times at sshd on gate with 1 names, then signed in as deploy");
    assert_eq!(last.count, 31);
    let mut root = many(30, 2, OUT, |_| "root", "bad");
    root.push((70, OUT, "root", "ok"));
    check(&root, Some(("Password guessing that succeeded", Severity::Critical, true)));
}

#[test]
fn people_and_scripts_are_left_alone() {
    check(&[(0, OUT, "ann", "bad"), (9, OUT, "ann", "bad"), (20, OUT, "ann", "bad"), (30, OUT, "ann", "ok")], None);
    // An office behind one address: a few mistype, most get in.
    let office: Vec<Row<'_>> = (0..60)
        .map(|i| {
            (i * 120, "198.51.100.4", ["ann", "bob", "eve", "joe", "sue", "tim"][i as usize % 6], if i % 4 == 0 { "bad" } else { "ok" })
        })
        .collect();
    check(&office, None);
    // A script with a stale password, inside: low.
    check(&many(120, 60, "10.0.0.8", |_| "backup", "bad"), Some(("Password guessing", Severity::Low, false)));
}

#[test]
fn findings_are_told_when_they_grew_by_an_eighth() {
    assert!(run(&many(1000, 1, OUT, |_| "root", "bad"), None).len() <= 60);
}

/// The public sshd log, when it is there.
#[test]
fn real_attackers_are_found() {
    let Some(lines) = crate::tests::data("logs/loghub-2k-dev.tar.zst", Some("OpenSSH/OpenSSH_2k.log")) else { return };
    let mut detector = BruteForce::new(Config::default());
    let mut out = Vec::new();
    for event in crate::tests::decoded(&lines) {
        detector.detect(&event, &Seen::default(), &mut out);
    }
    let mut sources: Vec<String> = out.iter().filter_map(|f| Some(f.actor()?.name.to_string())).collect();
    sources.sort();
    sources.dedup();
    for attacker in ["183.62.140.253", "187.141.143.180", "103.99.0.122", "112.95.230.3"] {
        assert!(sources.iter().any(|s| s == attacker), "{attacker} in {sources:?}");
    }
    assert!(!out.iter().any(|f| f.succeeded), "{:?}", out.iter().filter(|f| f.succeeded).map(|f| &f.text).collect::<Vec<_>>());
}
