use super::super::tests::{Dice, change, flow};
use super::*;
use crate::Knowledge;
use crate::tests::run;

fn in_order(mut events: Vec<Event>) -> Vec<Event> {
    events.sort_by_key(|e| e.meta.time);
    events
}

/// Other hosts that browse, so that prevalence means something.
fn background(dice: &mut Dice, hosts: usize, hours: f64) -> Vec<Event> {
    let mut events = Vec::new();
    for host in 0..hosts {
        let mut at_s = 0.0;
        while at_s < hours * 3_600.0 {
            at_s += -dice.next().max(1e-9).ln() * 400.0;
            let server = format!("198.51.100.{}", 1 + dice.below(60));
            events.push(flow(
                events.len() as u64,
                at_s,
                &format!("10.0.0.{}", host + 10),
                &server,
                443,
                500 + dice.below(9_000) as u64,
                40_000,
            ));
        }
    }
    events
}

#[test]
fn t1071_ten_exact_beats() {
    let mut dice = Dice(1);
    let mut events = background(&mut dice, 20, 2.0);
    events.extend((0..10).map(|n| flow(9_000 + n, 100.0 + 600.0 * n as f64, "10.0.0.3", "203.0.113.66", 443, 812, 400)));
    let found = run(&SPEC, &in_order(events));
    let first = found.first().expect("found at the tenth beat");
    assert!(found.iter().all(|f| f.title.contains("203.0.113.66")), "{found:#?}");
    assert!(first.text.contains("10 calls, median gap 10.0 min, spread 0 %"), "{}", first.text);
    assert_eq!(first.entities[0].name, "10.0.0.3");
}

#[test]
fn look_alikes_stay_silent() {
    let mut dice = Dice(2);
    let mut events = background(&mut dice, 30, 24.0);
    for host in 0..12 {
        let client = format!("10.0.0.{}", host + 10);
        for n in 0..24 * 6 {
            let at_s = n as f64 * 600.0 + f64::from(host);
            // Telemetry of many hosts, time, a probe of one's own machine.
            events.push(change(flow(0, at_s, &client, "192.0.2.1", 443, 700, 300), |f| f.server_name = "telemetry.example".into()));
            events.push(change(flow(0, at_s, &client, "192.0.2.2", 123, 76, 76), |f| {
                (f.transport, f.protocol) = ("udp".into(), "ntp".into());
            }));
            events.push(flow(0, at_s, &client, "10.0.9.9", 9_100, 200, 5_000));
        }
    }
    let found = run(&SPEC, &in_order(events));
    assert!(found.is_empty(), "{found:#?}");
}

/// Share of beacons found after `beats`, by period and jitter, and pairs falsely found per thousand: `rates` prints them.
fn found_after(seed: u64, period_s: f64, jitter: f64, beats: usize) -> bool {
    let mut dice = Dice(seed);
    let mut at_s = 50.0;
    let mut events = Vec::new();
    for n in 0..beats {
        events.push(flow(n as u64, at_s, "10.0.0.3", "203.0.113.66", 443, 800 + dice.below(20) as u64, 400));
        at_s += period_s * (1.0 + jitter * (2.0 * dice.next() - 1.0));
    }
    let mut detector = (SPEC.build)(&Knowledge::default());
    let mut out = Vec::new();
    events.iter().for_each(|e| detector.detect(e, &Seen::default(), &mut out));
    !out.is_empty()
}

#[test]
#[allow(clippy::print_stderr)]
fn rates() {
    for (jitter, beats, least) in [(0.0, 10, 0.95), (0.2, 15, 0.95), (0.5, 40, 0.8)] {
        let (mut hits, mut of) = (0, 0);
        for period_s in [60.0, 300.0, 900.0, 3_600.0] {
            for seed in 0..100 {
                of += 1;
                hits += u32::from(found_after(seed * 7 + period_s as u64, period_s, jitter, beats));
            }
        }
        let share = f64::from(hits) / f64::from(of);
        eprintln!("beacons with {:.0} % jitter found within {beats} beats: {hits} of {of} ({:.1} %)", jitter * 100.0, share * 100.0);
        assert!(share >= least, "{jitter} {share}");
    }
    // Benign pairs: random visits, bursts of a working day, polling with breaks; each of 300 calls at most.
    let (mut wrong, mut pairs) = (0, 0);
    for seed in 0..3_000_u64 {
        let mut dice = Dice(seed ^ 0xbe9);
        let mut detector = (SPEC.build)(&Knowledge::default());
        let mut out = Vec::new();
        let mut at_s = 0.0;
        let mean_s = 20.0 + 2_000.0 * dice.next();
        for n in 0..300 {
            let u = dice.next().max(1e-9);
            at_s += match seed % 3 {
                0 => -u.ln() * mean_s,
                1 => mean_s * (u.powf(-0.8) - 1.0),
                _ if dice.next() < 0.7 => 2.0 + 20.0 * u,
                _ => -u.ln() * mean_s * 4.0,
            };
            let event = flow(n, at_s, "10.0.0.3", "203.0.113.66", 443, 300 + (4_000.0 * dice.next()) as u64, 9_000);
            detector.detect(&event, &Seen::default(), &mut out);
        }
        pairs += 1;
        wrong += u32::from(!out.is_empty());
    }
    eprintln!("benign pairs told as beacons: {wrong} of {pairs} ({:.2} per 1,000)", f64::from(wrong) * 1_000.0 / f64::from(pairs));
    assert!(f64::from(wrong) <= f64::from(pairs) / 1_000.0, "{wrong}");
}
