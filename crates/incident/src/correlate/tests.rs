//! Which findings meet in which incident.

use event::attack::{EXPLOIT_PUBLIC, PASSWORD_GUESSING, SERVICE_EXHAUSTION_FLOOD, VALID_ACCOUNTS, WORDLIST_SCANNING};
use event::finding::{AnalyticName, Reason};
use event::{Score, Severity, Technique, Verdict};
use proptest::prelude::*;

use super::*;

const T0: Time = Time::from_s(1_772_600_000);

fn finding(uid: &str, actor: &str, technique: Technique, at_s: i64) -> Finding {
    Finding {
        uid: uid.into(),
        analytic: AnalyticName { uid: format!("test.{}", technique.uid).into(), ..AnalyticName::default() },
        title: technique.name.into(),
        severity: Severity::Medium,
        techniques: vec![technique],
        entities: vec![actor.parse().expect("an address"), Entity::service("shop")],
        first_seen: T0.plus_s(at_s),
        last_seen: T0.plus_s(at_s + 5),
        count: 3,
        ..Finding::default()
    }
    .explained(
        Score::new(0.9),
        vec![Reason { code: "a".into(), push: 2.0, ..Reason::default() }, Reason { code: "b".into(), push: -0.5, ..Reason::default() }],
    )
}

fn succeeded(mut finding: Finding) -> Finding {
    finding.succeeded = true;
    finding
}

/// Actors of the open incidents, sorted.
fn check(findings: &[Finding], expected: &[&[&str]]) -> Vec<Incident> {
    let mut correlator = Correlator::new(Config::default());
    for finding in findings {
        correlator.take(finding);
    }
    correlator.settle();
    let open: Vec<Incident> = correlator.incidents().filter(|i| i.is_open()).cloned().collect();
    let mut actors: Vec<Vec<String>> = open
        .iter()
        .map(|i| {
            let mut names: Vec<String> = i.entities.iter().filter(|e| e.kind == EntityKind::Address).map(|e| e.name.to_string()).collect();
            names.sort();
            names
        })
        .collect();
    actors.sort();
    let expected: Vec<Vec<String>> = expected.iter().map(|names| names.iter().map(ToString::to_string).collect()).collect();
    assert_eq!(actors, expected);
    open
}

#[test]
fn one_actor_one_incident() {
    let told = check(
        &[
            finding("F-1", "203.0.113.9", EXPLOIT_PUBLIC, 0),
            finding("F-2", "203.0.113.9", EXPLOIT_PUBLIC, 60),
            finding("F-3", "203.0.113.8", EXPLOIT_PUBLIC, 70),
        ],
        &[&["203.0.113.8"], &["203.0.113.9"]],
    );
    assert_eq!(told[0].event_count, 6);
}

#[test]
fn a_later_state_of_a_finding_replaces_the_earlier_one() {
    let early = finding("F-1", "203.0.113.9", PASSWORD_GUESSING, 0);
    let late = Finding { count: 40, ..early.clone() };
    let told = check(&[early, late.clone(), late], &[&["203.0.113.9"]]);
    assert_eq!((told[0].event_count, told[0].finding_count), (40, 1));
}

#[test]
fn noise_is_rolled_up_and_stays_low() {
    let told = check(
        &[finding("F-1", "203.0.113.9", PASSWORD_GUESSING, 0), finding("F-2", "203.0.113.8", WORDLIST_SCANNING, 60)],
        &[&["203.0.113.8", "203.0.113.9"]],
    );
    assert_eq!(told[0].severity, Severity::Low);
    assert!(told[0].risk <= 40, "the band of low ends at 40");
}

#[test]
fn who_gets_in_takes_its_history_along() {
    let told = check(
        &[
            finding("F-1", "203.0.113.9", PASSWORD_GUESSING, 0),
            finding("F-2", "203.0.113.8", PASSWORD_GUESSING, 10),
            succeeded(finding("F-3", "203.0.113.9", VALID_ACCOUNTS, 60)),
        ],
        &[&["203.0.113.8"], &["203.0.113.9"]],
    );
    let raised = told.iter().find(|i| i.succeeded).expect("one got in");
    assert_eq!(raised.stages.len(), 2, "the guessing is part of the story");
    assert_eq!(raised.severity, Severity::Critical);
}

#[test]
fn the_same_finding_that_turns_out_to_have_succeeded_moves_too() {
    let guess = finding("F-1", "203.0.113.9", PASSWORD_GUESSING, 0);
    let told = check(&[guess.clone(), succeeded(guess)], &[&["203.0.113.9"]]);
    assert!(told[0].succeeded && told[0].finding_count == 1);
}

#[test]
fn a_flood_is_joined_by_its_target() {
    check(
        &[finding("F-1", "203.0.113.9", SERVICE_EXHAUSTION_FLOOD, 0), finding("F-2", "203.0.113.8", SERVICE_EXHAUSTION_FLOOD, 2)],
        &[&["203.0.113.8", "203.0.113.9"]],
    );
}

#[test]
fn the_window_ends() {
    let day_s = 86_400;
    check(
        &[finding("F-1", "203.0.113.9", EXPLOIT_PUBLIC, 0), finding("F-2", "203.0.113.9", EXPLOIT_PUBLIC, 3 * day_s)],
        &[&["203.0.113.9"], &["203.0.113.9"]],
    );
}

#[test]
fn the_story_says_who_what_where_and_what_came_of_it() {
    let mut blocked = finding("F-1", "203.0.113.9", EXPLOIT_PUBLIC, 0);
    blocked.verdict = Some(Verdict::Blocked);
    let told = check(&[blocked.clone()], &[&["203.0.113.9"]]);
    for part in ["203.0.113.9", "xploit", "shop", "3 times", "The request was blocked"] {
        assert!(told[0].story.contains(part), "{part:?} is not in {:?}", told[0].story);
    }
    blocked.verdict = Some(Verdict::WouldBlock);
    let told = check(&[blocked], &[&["203.0.113.9"]]);
    assert!(told[0].story.contains("would have been blocked, and reached"), "{:?}", told[0].story);
}

#[test]
fn limits_close_the_oldest_low_one_and_say_so() {
    let mut correlator = Correlator::new(Config { incidents_max: 10, ..Config::default() });
    for n in 0..25 {
        correlator.take(&finding(&format!("F-{n}"), &format!("203.0.113.{n}"), EXPLOIT_PUBLIC, n));
    }
    let changes = correlator.settle();
    assert_eq!(correlator.incidents().count(), 10);
    assert!(changes.iter().any(|c| c.incident.trail.iter().any(|e| e.text.contains("make room"))));
}

#[test]
fn findings_beyond_the_limit_are_counted() {
    let mut correlator = Correlator::new(Config { findings_max: 5, ..Config::default() });
    for n in 0..100 {
        correlator.take(&finding(&format!("F-{n}"), "203.0.113.9", EXPLOIT_PUBLIC, n));
    }
    let told = &correlator.settle()[0].incident;
    assert_eq!((told.finding_count, told.event_count, told.findings.len()), (100, 300, 5));
}

#[test]
fn closing_noting_reopening() {
    let mut correlator = Correlator::new(Config::default());
    correlator.take(&finding("F-1", "203.0.113.9", EXPLOIT_PUBLIC, 0));
    correlator.settle();
    let order = |what| Order { uid: "O-1".into(), at: T0, by: "cli:ada".into(), what };
    let closed = correlator
        .order(&order(What::Close { incident: "INC-1".into(), outcome: Outcome::False, note: "our own test".into() }))
        .expect("known");
    assert_eq!(closed.status, Status::Closed { outcome: Outcome::False });
    assert!(closed.trail[0].text.contains("our own test") && closed.trail[0].by == "cli:ada");
    assert!(correlator.order(&order(What::Note { incident: "INC-9".into(), text: String::new() })).is_none());
    // New evidence about the same actor opens a new incident: the closed one stays as it was judged.
    correlator.take(&finding("F-2", "203.0.113.9", EXPLOIT_PUBLIC, 60));
    assert!(correlator.settle()[0].is_new);
}

#[test]
fn restored_incidents_go_on_without_counting_twice() {
    let mut before = Correlator::new(Config::default());
    let findings = [finding("F-1", "203.0.113.9", EXPLOIT_PUBLIC, 0), finding("F-2", "203.0.113.9", WORDLIST_SCANNING, 5)];
    findings.iter().for_each(|f| before.take(f));
    before.settle();
    let mut after = Correlator::new(Config::default());
    after.restore(before.incidents().cloned(), |uid| findings.iter().find(|f| f.uid == uid).cloned());
    after.take(&findings[0]);
    after.take(&finding("F-3", "203.0.113.9", EXPLOIT_PUBLIC, 90));
    let changes = after.settle();
    let ours: Vec<_> = changes.iter().filter(|c| c.incident.uid == "INC-1").collect();
    assert_eq!(ours.len(), 1);
    assert!(changes.iter().all(|c| !c.is_new), "nothing new was opened");
}

proptest! {
    /// Reasons add up to the score, every finding is in exactly one open incident, and the risk is in range, whatever comes.
    #[test]
    fn whatever_comes_adds_up(picks in proptest::collection::vec((0_u8..6, 0_usize..5, 0_i64..400_000, any::<bool>()), 1..60)) {
        const TECHNIQUES: [Technique; 5] = [EXPLOIT_PUBLIC, PASSWORD_GUESSING, SERVICE_EXHAUSTION_FLOOD, VALID_ACCOUNTS, WORDLIST_SCANNING];
        let mut correlator = Correlator::new(Config::default());
        for (n, (host, technique, at_s, got_in)) in picks.iter().enumerate() {
            let mut one = finding(&format!("F-{n}"), &format!("203.0.113.{host}"), TECHNIQUES[*technique], *at_s);
            one.succeeded = *got_in;
            correlator.take(&one);
            if n % 7 == 0 {
                correlator.settle();
            }
        }
        correlator.settle();
        let open: Vec<&Incident> = correlator.incidents().filter(|i| i.merged_into.is_none()).collect();
        let total: u64 = open.iter().map(|i| i.finding_count).sum();
        prop_assert_eq!(total, picks.len() as u64);
        for incident in open {
            let sum: f32 = incident.reasons.iter().map(|r| r.push).sum();
            prop_assert!((sum - incident.score.value()).abs() < 1e-3);
            prop_assert!(incident.risk <= 100 && !incident.story.is_empty() && !incident.title.is_empty());
        }
    }
}

fn on_host(uid: &str, host: &str, user: &str, at_s: i64) -> Finding {
    let mut finding = finding(uid, "192.0.2.1", event::attack::COMMAND_INTERPRETER, at_s);
    finding.entities = vec![Entity::host(host), Entity::user(user)];
    finding
}

#[test]
fn a_host_that_was_taken_acts_in_the_same_incident() {
    let mut guessed = succeeded(finding("F-1", "203.0.113.9", PASSWORD_GUESSING, 0));
    guessed.entities.push(Entity::host("web1"));
    let told = check(&[guessed.clone(), on_host("F-2", "web1", "root", 60)], &[&["203.0.113.9"]]);
    assert_eq!(told[0].stages.len(), 2);
    guessed.succeeded = false;
    assert_eq!(check(&[guessed, on_host("F-2", "web1", "root", 60)], &[&[], &["203.0.113.9"]]).len(), 2, "guessing alone takes nothing");
}

#[test]
fn what_every_machine_has_joins_nobody() {
    let told = check(&[on_host("F-1", "web1", "SYSTEM", 0), on_host("F-2", "web2", "SYSTEM", 10)], &[&[], &[]]);
    assert_eq!(told.len(), 2);
}

#[test]
fn informational_findings_open_nothing_and_join_what_opens_later() {
    let mut odd = on_host("F-1", "web1", "ada", 0);
    odd.severity = Severity::Info;
    assert!(check(std::slice::from_ref(&odd), &[]).is_empty());
    let told = check(&[odd, on_host("F-2", "web1", "ada", 60)], &[&[]]);
    assert_eq!(told[0].finding_count, 2);
}

#[test]
fn a_scan_of_configuration_is_one_incident_of_its_own() {
    let weak = |uid: &str, resource: &str| {
        let mut finding = finding(uid, "192.0.2.1", event::attack::EXPLOIT_PUBLIC, 0);
        finding.entities = vec![Entity::service(resource)];
        finding.compliance = Some(Box::default());
        finding.evidence = vec![event::finding::Evidence { source: "infra".into(), ..Default::default() }];
        finding
    };
    assert_eq!(check(&[weak("F-1", "aws_s3_bucket.a"), weak("F-2", "aws_s3_bucket.b")], &[&[]]).len(), 1);
}
