use event::Severity;

use super::*;
use crate::tests::{request, run};

fn logins(answers: impl IntoIterator<Item = (u16, u64)>, path: &str) -> Vec<Finding> {
    let events: Vec<Event> = (0..)
        .zip(answers)
        .map(|(n, (status, bytes))| request(n as u64, n * 2, "203.0.113.8", "POST", path, status, bytes, "x/1"))
        .collect();
    run(&SPEC, &events)
}

#[test]
fn guessing_and_its_success_are_found() {
    assert_eq!(logins([(401, 20); 30], "/login").last().map(|f| f.severity), Some(Severity::Low));
    let then_in = [(401, 20); 30].into_iter().chain([(200, 900)]);
    assert_eq!(logins(then_in, "/login").last().map(|f| (f.succeeded, f.severity)), Some((true, Severity::High)));
    let pages_then_redirect = [(200, 4_310); 30].into_iter().chain([(302, 0)]);
    assert_eq!(logins(pages_then_redirect, "/wp-login.php").last().map(|f| f.succeeded), Some(true));
}

#[test]
fn people_are_left_alone() {
    assert!(logins([(401, 20), (401, 20), (401, 20), (200, 900)], "/login").is_empty());
    assert!(logins([(200, 4_310), (200, 4_310), (302, 0)], "/wp-login.php").is_empty());
    assert!(logins([(401, 20); 40], "/search").is_empty(), "no login page");
}
