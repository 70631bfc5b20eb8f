use super::super::tests::{Dice, change, flow};
use super::*;
use crate::tests::run;

const MB: u64 = 1_000_000;

/// Days of ordinary work: each host sends about `mb` a day to a few places that many use, and gets more back.
fn office(hosts: usize, days: usize, mb: u64) -> Vec<Event> {
    let mut dice = Dice(9);
    let mut events = Vec::new();
    for day in 0..days {
        for host in 0..hosts {
            for n in 0..20 {
                let at_s = day as f64 * 86_400.0 + 3_600.0 * (8.0 + 9.0 * dice.next());
                let bytes = mb * MB / 20 * (50 + dice.below(100) as u64) / 100;
                let one = flow(0, at_s, &format!("10.0.0.{}", host + 1), "198.51.100.9", 443, bytes, bytes * 4);
                events.push(change(one, |f| f.server_name = format!("www.site{}.example", n % 5).into()));
            }
        }
    }
    events
}

fn found(mut events: Vec<Event>) -> Vec<Finding> {
    events.sort_by_key(|e| e.meta.time);
    run(&SPEC, &events)
}

#[test]
fn t1048_a_gigabyte_in_a_day() {
    let mut events = office(8, 7, 200);
    events.extend(
        (0..50).map(|n| flow(0, 6.0 * 86_400.0 + 40_000.0 + 60.0 * f64::from(n), "10.0.0.3", "203.0.113.50", 443, 20 * MB, 10_000)),
    );
    let all = found(events);
    let last = all.last().expect("found");
    assert!(all.iter().all(|f| f.entities[0].name == "10.0.0.3" && f.text.contains("203.0.113.0/24")), "{all:#?}");
    assert!(last.text.contains("1.0 GB sent in a day"), "{}", last.text);
}

#[test]
fn t1041_two_percent_a_day() {
    let mut events = office(8, 20, 200);
    events.extend((4..20).map(|day| flow(0, f64::from(day) * 86_400.0 + 50_000.0, "10.0.0.3", "203.0.113.50", 443, 4 * MB, 20_000)));
    let all = found(events);
    assert_eq!(all.last().map(|f| f.title.as_str()), Some("Data sent out little by little"));
    assert!(all.iter().all(|f| f.entities[0].name == "10.0.0.3"));
}

#[test]
fn look_alikes_stay_silent() {
    let mut events = office(8, 20, 200);
    for day in 0..20 {
        let at_s = f64::from(day) * 86_400.0;
        // A nightly backup, a call with a camera, a page that visitors fetch.
        events.push(flow(0, at_s + 3_600.0, "10.0.0.2", "203.0.113.77", 443, 900 * MB, MB));
        events.push(flow(0, at_s + 40_000.0, "10.0.0.4", "203.0.113.88", 443, 300 * MB, 320 * MB));
        events.push(flow(0, at_s + 41_000.0, "198.51.100.200", "10.0.0.5", 443, MB, 2_000 * MB));
    }
    let all = found(events);
    assert!(all.is_empty(), "{all:#?}");
}
