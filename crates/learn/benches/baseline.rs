//! What a million baselines take: resident memory, bytes for each, observations/s; and whether ten million keys of an attacker push one out.
//!
//!     cargo bench -p learn --bench baseline
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::disallowed_types)] // a tool around the pure crate: it reads a file

use std::time::Instant;

use learn::baseline::band::Band;
use learn::baseline::rate::{Config, RateTable};
use learn::baseline::table::Table;

const ENTITIES: u64 = 1_000_000;
const ATTACKER_KEYS: u64 = 10_000_000;
const HOUR_US: i64 = 3_600_000_000;

fn key(number: u64) -> u64 {
    number.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn rss_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4_096
}

fn said(what: &str, before: u64, observations: u64, start: Instant) {
    let (took, rss) = (start.elapsed().as_secs_f64(), rss_bytes().saturating_sub(before));
    println!(
        "{what:<44}{ENTITIES} entities: {:.0} MiB, {} bytes each, {:.0} observations/s",
        rss as f64 / (1 << 20) as f64,
        rss / ENTITIES,
        observations as f64 / took
    );
}

fn main() {
    let (before, start) = (rss_bytes(), Instant::now());
    let mut rates = RateTable::new(Config { keys_max: ENTITIES as usize, ..Config::default() }, 1);
    for round in 0..8 {
        for n in 0..ENTITIES {
            let _ = rates.observe(key(n), round * 1_000_000, 1 + n % 5);
        }
    }
    said("rate (a tick, its tail and threshold)", before, 8 * ENTITIES, start);
    assert_eq!(rates.len() as u64, ENTITIES);
    drop(rates);

    let (before, start) = (rss_bytes(), Instant::now());
    let mut bands: Table<Band> = Table::new(ENTITIES as usize, i64::MAX, 1);
    for round in 0..8 {
        for n in 0..ENTITIES {
            let now = round * HOUR_US;
            let _ = bands.entry(key(n), now, Band::hours_learned).observe(now, 0.01);
        }
    }
    said("band (168 hours of the week, tail, threshold)", before, 8 * ENTITIES, start);
    drop(bands);

    let mut rates = RateTable::new(Config { keys_max: 100_000, ..Config::default() }, 1);
    for second in 0..2_000 {
        let _ = rates.observe(42, second * 1_000_000, 5);
    }
    for n in 1..=ATTACKER_KEYS {
        let _ = rates.observe(key(n) | 1, 2_000_000_000 + n as i64, 1);
    }
    let kept = rates.get(42).is_some();
    println!("a long-learned key among {ATTACKER_KEYS} new ones in a table of 100000: {}", if kept { "kept" } else { "LOST" });
    assert!(kept);
}
