use learn::generate::names::rows;

use super::super::tests::{Dice, dns};
use super::*;
use crate::Knowledge;
use crate::tests::content_models;

fn run(events: &[Event]) -> Vec<Finding> {
    let knowledge = Knowledge { models: content_models(), ..Knowledge::default() };
    let once = |restart: bool| {
        let mut detector = (SPEC.build)(&knowledge);
        let mut out = Vec::new();
        for (n, event) in events.iter().enumerate() {
            if restart && n == events.len() / 2 {
                let saved = detector.save();
                detector = (SPEC.build)(&knowledge);
                detector.load(&saved).expect("own state");
            }
            detector.detect(event, &Seen::default(), &mut out);
        }
        out
    };
    let out = once(false);
    assert_eq!(once(true), out, "a restart in the middle changes nothing");
    out
}

/// Names of one generated family (of a seed that training never had), missing but for each tenth.
fn infected(family: &str, count: usize) -> Vec<Event> {
    let ends = ["com", "net", "org", "info", "biz"];
    let made = rows(4711, count).into_iter().filter(|made| made.family == family);
    made.enumerate()
        .map(|(n, made)| {
            let rcode = if n % 10 == 9 { "NOERROR" } else { "NXDOMAIN" };
            dns(n as u64, n as f64 * 20.0, "10.0.0.7", &format!("{}.{}", made.label, ends[n % 5]), "A", rcode, "")
        })
        .collect()
}

#[test]
fn t1568_002_families_of_random_letters() {
    for family in [
        "letters short",
        "letters middle",
        "letters long",
        "letters and digits",
        "hex",
        "congruential",
        "date hash",
        "part of the alphabet",
    ] {
        let found = run(&infected(family, 60));
        let last = found.last().unwrap_or_else(|| panic!("{family} not found"));
        assert_eq!(last.entities[0].name, "10.0.0.7");
        assert!(last.entities.iter().any(|e| e.kind == EntityKind::Domain) && last.text.contains("do not exist"), "{}", last.text);
        assert!(last.severity >= Severity::Medium && !last.evidence.is_empty() && !last.models.is_empty());
        assert!(last.reasons.iter().any(|r| r.code == "dga.missing") && last.reasons.iter().any(|r| r.code == "dga.letters"));
    }
}

#[test]
fn look_alikes_stay_silent() {
    let mut dice = Dice(3);
    let mut hex = |n: usize| (0..n).map(|_| char::from(b"0123456789abcdef"[dice.below(16)])).collect::<String>();
    let words = ["garden", "music", "house", "river", "market", "school", "doctor", "travel", "bakery", "bridge"];
    let kinds: [Vec<Event>; 5] = [
        // Random hosts of content networks and clouds.
        (0..300).map(|n| dns(n, n as f64, "10.0.0.8", &format!("d{}.cloudfront.net", hex(13)), "A", "NOERROR", "")).collect(),
        // Hashes below the name of a reputation service.
        (0..300).map(|n| dns(n, n as f64, "10.0.0.8", &format!("{}.sbl.example.net", hex(32)), "A", "NXDOMAIN", "")).collect(),
        // Names in other scripts.
        (0..100).map(|n| dns(n, n as f64, "10.0.0.8", &format!("xn--{}-kva.example", hex(8)), "A", "NXDOMAIN", "")).collect(),
        // A browser's test of its resolver: single labels, and the same with the search suffix.
        (0..100).map(|n| dns(n, n as f64, "10.0.0.8", &format!("{}.corp.example.com", hex(10)), "A", "NXDOMAIN", "")).collect(),
        // A crawler whose names of words are often gone.
        (0..1_000)
            .map(|n| {
                let at = n as usize;
                let name = format!("{}{}{}.example", words[at % 10], words[at / 10 % 10], words[at / 100 % 10]);
                dns(n, n as f64, "10.0.0.8", &name, "A", if n % 3 == 0 { "NXDOMAIN" } else { "NOERROR" }, "")
            })
            .collect(),
    ];
    for (kind, events) in kinds.iter().enumerate() {
        let found = run(events);
        assert!(found.is_empty(), "{kind}: {}", found[0].text);
    }
}

#[test]
fn one_odd_name_is_no_finding_and_without_the_model_it_is_silent() {
    let one = dns(0, 0.0, "10.0.0.9", "xqzkvbwjthpr.com", "A", "NXDOMAIN", "");
    let again: Vec<Event> = (0..50).map(|_| one.clone()).collect();
    assert!(run(&again).is_empty());
    let mut detector = (SPEC.build)(&Knowledge::default());
    let mut out = Vec::new();
    infected("letters long", 40).iter().for_each(|event| detector.detect(event, &Seen::default(), &mut out));
    assert!(out.is_empty());
}
