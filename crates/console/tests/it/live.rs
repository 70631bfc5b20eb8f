//! The live stream: ids are offsets, nothing is missed, nothing comes twice.

use std::io::{BufRead, BufReader};

use console::Fact;
use event::{Body, Event, Severity, Uid};

use crate::support::{Console, NOW, events, incident};

/// Ids of the next messages of a stream.
fn ids(console: &Console, cookie: &str, how: &str, number: usize, then: impl FnOnce()) -> Vec<u64> {
    let request = format!("GET /live{how} HTTP/1.1\r\nHost: {}\r\n{cookie}\r\n", console.addr);
    let request = if how.contains('\n') { request } else { format!("{request}\r\n") };
    let mut lines = BufReader::new(console.open(&request)).lines();
    for line in lines.by_ref() {
        if line.expect("the stream goes on").starts_with("event: hello") {
            break;
        }
    }
    then();
    lines.map(|line| line.expect("the stream goes on")).filter_map(|line| line.strip_prefix("id: ")?.parse().ok()).take(number).collect()
}

fn more(console: &Console, name: &str) {
    let offset = console.append(&[Event::own(Uid::of_record(name, 1), NOW, Body::Incident(Box::new(incident(name))))]);
    let fact = Fact { offset, kind: "incident", id: name.into(), severity: Some(Severity::High), title: "x".into(), at: NOW };
    assert!(console.live.send(fact).is_ok());
}

#[test]
fn it_resumes_from_any_offset() {
    let console = Console::start();
    let cookie = console.login();
    let all = events().len() as u64;
    for from in 0..=all {
        let name = format!("INC-{}", 100 + from);
        let seen = ids(&console, &cookie, &format!("?from={from}"), (all - from + from + 1) as usize, || more(&console, &name));
        let expected: Vec<u64> = (from..=all + from).collect();
        assert_eq!(seen, expected, "from {from}");
    }
}

#[test]
fn the_last_id_was_seen_already() {
    let console = Console::start();
    let cookie = format!("{}\r\nLast-Event-ID: 1", console.login());
    let seen = ids(&console, &cookie, "?from=0", 3, || more(&console, "INC-7"));
    assert_eq!(seen, [2, 3, 4]);
}
