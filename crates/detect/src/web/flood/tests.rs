use super::*;
use crate::tests::{request, run};

/// (second, requests, address, target, agents)
fn traffic(rows: &[(i64, i64, &str, &str, usize)]) -> Vec<Event> {
    let mut events = Vec::new();
    for (second, requests, client, target, agents) in rows {
        for i in 0..*requests {
            let agent = format!("agent/{}", i as usize % agents);
            events.push(request(events.len() as u64, *second, client, "GET", target, 200, 900, &agent));
        }
    }
    events
}

#[test]
fn a_flood_is_found() {
    let rows: Vec<(i64, i64, &str, &str, usize)> = (0..60).map(|s| (s, 60, "203.0.113.8", "/search?q=a", 1)).collect();
    let findings = run(&SPEC, &traffic(&rows));
    assert!(!findings.is_empty() && findings.len() <= 8);
    assert!(findings.iter().all(|f| f.severity <= Severity::Medium && f.uid == findings[0].uid));
}

#[test]
fn page_loads_and_offices_are_left_alone() {
    let pages: Vec<(i64, i64, &str, &str, usize)> = (0..90).map(|s| (s, 60, "198.51.100.3", "/img/a.png", 1)).collect();
    assert!(run(&SPEC, &traffic(&pages)).is_empty());
    let office: Vec<(i64, i64, &str, &str, usize)> = (0..90).map(|s| (s, 40, "198.51.100.4", "/page", 20)).collect();
    assert!(run(&SPEC, &traffic(&office)).is_empty());
    let burst: Vec<(i64, i64, &str, &str, usize)> = (0..12).map(|s| (s, 60, "198.51.100.5", "/page", 1)).collect();
    assert!(run(&SPEC, &traffic(&burst)).is_empty());
}
