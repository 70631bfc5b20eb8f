use super::*;
use crate::tests::{request, run};

fn visits(rows: &[(&str, &str, u16, u64)]) -> Vec<Finding> {
    let events: Vec<Event> = (0..)
        .zip(rows)
        .map(|(n, (client, target, status, bytes))| request(n as u64, n * 5, client, "GET", target, *status, *bytes, "x/1"))
        .collect();
    run(&SPEC, &events)
}

const GOOD: (&str, &str, u16, u64) = ("198.51.100.2", "/item?id=7", 200, 4_000);
const PROBE: (&str, &str, u16, u64) = ("203.0.113.8", "/item?id=7'+and+'1'='1", 200, 4_100);
const DUMP: (&str, &str, u16, u64) = ("203.0.113.8", "/item?id=-1+union+select+name,mail,password+from+users", 200, 900_000);

#[test]
fn theft_is_found() {
    let findings = visits(&[GOOD, GOOD, GOOD, GOOD, PROBE, PROBE, DUMP]);
    let last = findings.last().expect("found");
    assert_eq!((last.severity, last.succeeded, last.count), (Severity::Critical, true, 3));
    assert!(last.text.contains("900000 bytes") && last.techniques.contains(&attack::DATA_FROM_REPOSITORY));
}

#[test]
fn probes_without_an_answer_and_large_downloads_are_left_alone() {
    assert!(visits(&[GOOD, GOOD, GOOD, PROBE, PROBE, PROBE]).is_empty());
    assert!(visits(&[GOOD, GOOD, GOOD, ("203.0.113.8", "/item?id=8", 200, 900_000)]).is_empty());
    assert!(visits(&[GOOD, GOOD, GOOD, PROBE, (DUMP.0, DUMP.1, 500, 900_000)]).is_empty());
}
