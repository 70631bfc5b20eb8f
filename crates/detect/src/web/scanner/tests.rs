use super::*;
use crate::tests::{request, run};

const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";

fn scan(targets: &[(&str, u16, u64)], agent: &str) -> Vec<Finding> {
    let events: Vec<Event> = (0..)
        .zip(targets)
        .map(|(n, (target, status, bytes))| request(n as u64, n, "203.0.113.8", "GET", target, *status, *bytes, agent))
        .collect();
    run(&SPEC, &events)
}

fn words(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("/word{i}")).collect()
}

#[test]
fn scans_are_found() {
    let list = words(60);
    let wordlist: Vec<(&str, u16, u64)> = list.iter().map(|p| (p.as_str(), 404, 10)).collect();
    assert_eq!(scan(&wordlist, BROWSER).last().map(|f| (f.title.as_str(), f.severity)), Some(("Web scan", Severity::Low)));
    let files = [("/.env", 404, 9), ("/.git/config", 404, 9), ("/wp-config.php.bak", 404, 9), ("/id_rsa", 404, 9), ("/backup.sql", 404, 9)];
    assert!(scan(&files, BROWSER).last().is_some_and(|f| f.text.contains("/.git/config")));
    assert!(!scan(&[("/", 200, 9), ("/admin", 404, 9)], "Mozilla/5.00 (Nikto/2.1.6) (Evasions:None)").is_empty());
    let attacks = [
        ("/?q=%3Cscript%3Ealert(1)%3C/script%3E", 200, 9),
        ("/?q=1'+or+'1'='1", 200, 9),
        ("/?f=../../../etc/passwd", 200, 9),
        ("/?q=$%7Bjndi:ldap://x/a%7D", 200, 9),
    ];
    assert!(scan(&attacks, BROWSER).last().is_some_and(|f| f.severity == Severity::Medium));
}

#[test]
fn a_file_given_out_is_what_matters() {
    let files = [("/.aws/credentials", 404, 9), ("/.git/config", 404, 9), ("/a.bak", 404, 9), ("/b.sql", 404, 9), ("/.env", 200, 812)];
    let findings = scan(&files, BROWSER);
    let last = findings.last().expect("found");
    assert_eq!((last.succeeded, last.severity), (true, Severity::High));
}

#[test]
fn visitors_and_crawlers_are_left_alone() {
    let list = words(300);
    let mut crawler: Vec<(&str, u16, u64)> =
        list.iter().enumerate().map(|(i, p)| (p.as_str(), if i % 9 == 0 { 404 } else { 200 }, 900)).collect();
    crawler.push(("/robots.txt", 200, 20));
    assert!(scan(&crawler, "Mozilla/5.0 (compatible; examplebot/1.0)").is_empty());
    let broken: Vec<(&str, u16, u64)> = (0..100).map(|i| if i % 2 == 0 { ("/favicon.ico", 404, 9) } else { ("/page", 200, 900) }).collect();
    assert!(scan(&broken, BROWSER).is_empty());
    assert!(scan(&[("/health", 404, 9); 200], "uptime/1.0").is_empty());
}
