use super::super::tests::{change, flow};
use super::*;
use crate::tests::run;

fn failed(n: u64, at_s: f64, server: &str, port: u16, state: &str) -> Event {
    change(flow(n, at_s, "198.51.100.7", server, port, 60, 0), |f| (f.state, f.packets_in) = (state.into(), u64::from(state == "refused")))
}

#[test]
fn t1046_ports_of_one_machine() {
    let events: Vec<Event> = (0..40u16).map(|n| failed(n.into(), f64::from(n), "192.0.2.5", 20 + n, "refused")).collect();
    let last = run(&SPEC, &events).pop().expect("found");
    assert_eq!(last.title, "Port scan of a machine");
    assert!(last.text.contains("ports of one machine") && last.entities[0].name == "198.51.100.7", "{}", last.text);
}

#[test]
fn t1018_one_port_of_many_machines_slowly() {
    let events: Vec<Event> = (0..40u16)
        .map(|n| {
            let server = format!("192.0.2.{}", n + 1);
            // Every tenth machine answers; one try each half hour.
            match n % 10 {
                9 => flow(n.into(), f64::from(n) * 1_800.0, "198.51.100.7", &server, 445, 900, 900),
                _ => failed(n.into(), f64::from(n) * 1_800.0, &server, 445, "unanswered"),
            }
        })
        .collect();
    let last = run(&SPEC, &events).pop().expect("found");
    assert_eq!(last.title, "Scan for machines");
    assert!(last.techniques.contains(&attack::REMOTE_SYSTEM_DISCOVERY));
}

#[test]
fn look_alikes_stay_silent() {
    // A monitor that asks fifty machines, of which three are down, for days.
    let probes = (0..2_000u64).map(|n| {
        let server = format!("192.0.2.{}", n % 50);
        if n % 50 < 3 {
            failed(n, n as f64 * 30.0, &server, 9_100, "unanswered")
        } else {
            flow(n, n as f64 * 30.0, "198.51.100.7", &server, 9_100, 200, 900)
        }
    });
    assert!(run(&SPEC, &probes.collect::<Vec<_>>()).is_empty());
    // A program that asks a server that is gone.
    let dead: Vec<Event> = (0..500).map(|n| failed(n, n as f64, "192.0.2.9", 5_432, "refused")).collect();
    assert!(run(&SPEC, &dead).is_empty());
    // Peer to peer: many machines, each on a port of its own, a third answers.
    let peers = (0..200u64).map(|n| {
        let (server, port) = (format!("203.0.{}.{}", n / 200, n % 200), 10_000 + (n * 37 % 9_000) as u16);
        if n % 3 == 0 {
            flow(n, n as f64, "198.51.100.7", &server, port, 900, 900)
        } else {
            failed(n, n as f64, &server, port, "unanswered")
        }
    });
    assert!(run(&SPEC, &peers.collect::<Vec<_>>()).is_empty());
}
