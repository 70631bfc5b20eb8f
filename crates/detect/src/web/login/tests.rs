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
fn what_the_gateway_refused_is_no_failed_sign_in() {
    let refused = |verdict| {
        let events: Vec<Event> = (0..40)
            .map(|n| {
                let mut event = request(n, n as i64 * 2, "203.0.113.8", "POST", "/login", 403, 20, "x/1");
                if let Body::Http(http) = &mut event.body {
                    http.verdict = Some(verdict);
                }
                event
            })
            .collect();
        run(&SPEC, &events).len()
    };
    assert_eq!(refused(Verdict::Blocked), 0);
    assert!(refused(Verdict::Allowed) > 0, "the application's own 403 is one");
}

#[test]
fn people_are_left_alone() {
    assert!(logins([(401, 20), (401, 20), (401, 20), (200, 900)], "/login").is_empty());
    assert!(logins([(200, 4_310), (200, 4_310), (302, 0)], "/wp-login.php").is_empty());
    assert!(logins([(401, 20); 40], "/search").is_empty(), "no login page");
}
