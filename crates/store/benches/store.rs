//! Figures of the log: `cargo bench -p store`. Takes the number of events (1,000,000) and of events a batch (1,000).

use std::io::Write;
use std::time::{Duration, Instant};

use event::{Body, Entity, Event, Http, Meta, Text, Time, Uid};
use store::{Log, Options, Query, open, open_read_only};

const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36";

/// A line of an access log; 50,000 clients, of which the one with number 31,337 came once in all.
fn request(i: u64) -> Event {
    let client = i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40 & 0xffff;
    let client = if client >= 50_000 || client == 31_337 { 7 } else { client };
    let client = if i == 123_456 { 31_337 } else { client };
    let address = std::net::Ipv4Addr::new(100, 64, (client >> 8) as u8, client as u8);
    let target = format!("/catalogue/item/{}?page={}", i % 4_096, i % 13);
    let status = if i.is_multiple_of(19) { 404 } else { 200 };
    let raw =
        format!("{address} - - [31/Jan/2026:12:00:00 +0000] \"GET {target} HTTP/1.1\" {status} {} \"-\" \"{AGENT}\"", 500 + i % 9_000);
    let time = Time::from_s(1_769_860_800).plus_s((i / 500) as i64);
    let http = Http {
        client: Some(address.into()),
        method: Text::const_new("GET"),
        version: Text::const_new("HTTP/1.1"),
        target,
        status: Some(status),
        response_bytes: Some(500 + i % 9_000),
        user_agent: AGENT.to_owned(),
        ..Http::default()
    };
    let meta = Meta {
        uid: Uid::of_record("access.log", i),
        time,
        logged: time,
        source: Text::const_new("/var/log/nginx/access.log"),
        record: i,
        format: Text::const_new("clf"),
        ..Meta::default()
    };
    Event::new(meta, Body::Http(Box::new(http)), raw.into_bytes().into())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers: Vec<u64> = std::env::args().filter_map(|arg| arg.parse().ok()).collect();
    let (events, batch) = (numbers.first().copied().unwrap_or(1_000_000), numbers.get(1).copied().unwrap_or(1_000).max(1));
    let mut out = std::io::stdout().lock();
    let dir = tempfile::tempdir()?;
    let (mut writer, log) = open(dir.path(), Options::default())?;
    let mut spent = Vec::new();
    let mut from = 0;
    while from < events {
        let all: Vec<Event> = (from..events.min(from + batch)).map(request).collect();
        let started = Instant::now();
        writer.append(&all)?;
        spent.push(started.elapsed());
        from += batch;
    }
    let total: Duration = spent.iter().sum();
    spent.sort_unstable();
    let p99 = spent.get(spent.len() * 99 / 100).copied().unwrap_or_default();
    writeln!(out, "ingest, durable, batches of {batch}  {:>9.0} events/s, p99 of a batch {p99:.1?}", events as f64 / total.as_secs_f64())?;
    let started = Instant::now();
    while log.facts().sealed + 1 < log.facts().segments && started.elapsed() < Duration::from_secs(600) {
        std::thread::sleep(Duration::from_millis(50));
    }
    let facts = log.facts();
    writeln!(out, "sealed behind the ingest      {:>9.1?}, {} of {} segments", started.elapsed(), facts.sealed, facts.segments)?;
    writeln!(out, "why one is not sealed         {:>9}", facts.unsealed.as_deref().unwrap_or("-"))?;
    let raw: usize = (0..1_000).map(|i| request(i).raw.len()).sum();
    let bytes = log.facts().bytes;
    writeln!(out, "stored                        {:>9.0} bytes/event (raw line {} of them)", bytes as f64 / events as f64, raw / 1_000)?;
    writeln!(out, "resident after ingest         {:>9} MB", resident_mb())?;
    searches(&mut out, &log, "")?;
    writeln!(out, "resident after searches       {:>9} MB", resident_mb())?;
    if let Some(keep) = std::env::var_os("BARTIZAN_BENCH_KEEP") {
        writer.seal()?;
        hunts(&mut out, &log, events)?;
        writeln!(out, "resident after hunts          {:>9} MB", resident_mb())?;
        drop((writer, log));
        again(&mut out, dir.path())?;
        std::fs::rename(dir.keep(), keep)?;
        return Ok(());
    }
    drop((writer, log));
    again(&mut out, dir.path())?;
    let mut indexes = std::fs::read_dir(dir.path().join("log"))?
        .filter_map(|e| Some(e.ok()?.path()))
        .filter(|p| p.extension().is_some_and(|e| e == "idx"));
    if let Some(last) = indexes.by_ref().max() {
        std::fs::remove_file(last)?;
    }
    let started = Instant::now();
    let log = open_read_only(dir.path())?;
    writeln!(out, "reopen after a kill, reading  {:>9.1?}", started.elapsed())?;
    searches(&mut out, &log, ", reopened")?;
    Ok(())
}

/// A start on what is there, and the proof that it is what was written.
fn again(out: &mut dyn Write, dir: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
    let started = Instant::now();
    drop(open(dir, Options::default())?);
    writeln!(out, "reopen                        {:>9.1?}", started.elapsed())?;
    let started = Instant::now();
    let report = store::audit::verify(dir, &store::audit::Known::default())?;
    let took = started.elapsed();
    let rate = report.bytes as f64 / took.as_secs_f64() / 1e6;
    writeln!(out, "audit verify                  {took:>9.1?}, {rate:.0} MB/s of records, ok: {}", report.ok)?;
    Ok(())
}

fn searches(out: &mut dyn Write, log: &Log, when: &str) -> Result<(), Box<dyn std::error::Error>> {
    let needle = Query { entity: Some(Entity::address("100.64.122.105".parse()?)), ..Query::default() };
    let uid = Uid::of_record("access.log", 123_456).to_string();
    for (name, query) in [
        ("needle by address", needle),
        ("needle by event name", Query::parse(&uid)?),
        ("first page of all", Query::default()),
        ("200 x status:404", Query::parse("status:404")?),
        ("text that is nowhere", Query::parse("\"union select\"")?),
    ] {
        let started = Instant::now();
        let page = log.query(&query)?;
        let why = page.stopped_early.map_or_else(String::new, |why| format!(", {why}"));
        let name = format!("{name}{when}");
        writeln!(out, "{name:<29} {:>9.1?}, {} rows of {} looked at{why}", started.elapsed(), page.rows.len(), page.scanned)?;
    }
    Ok(())
}

/// Figures that `benches/hunts.py` compares with those of DuckDB on the same files: best of three.
fn hunts(out: &mut dyn Write, log: &Log, events: u64) -> Result<(), Box<dyn std::error::Error>> {
    let at = |part: u64| Time::from_s(1_769_860_800).plus_s((events / 500 * part / 10) as i64);
    for (name, text) in [
        ("count in a tenth of the time", format!("class:http from:{} to:{} | count", at(4), at(5))),
        ("count by status in a tenth", format!("class:http from:{} to:{} | count by status", at(4), at(5))),
        ("count by status in half", format!("class:http from:{} to:{} | count by status", at(2), at(7))),
        ("count by status, all", "class:http | count by status".to_owned()),
        ("top 20 path, all", "class:http | top 20 path".to_owned()),
        ("timechart 1h, all", "class:http | timechart 1h".to_owned()),
        ("requests of one address", "src_ip:100.64.122.105".to_owned()),
        ("substring that is nowhere", "\"union select\"".to_owned()),
    ] {
        let query = Query { time_max: Duration::from_secs(120), rows_max: u64::MAX, ..Query::parse(&text)? };
        let mut best = Duration::MAX;
        let mut found = 0;
        for _ in 0..3 {
            let started = Instant::now();
            found = match &query.tally {
                Some(tally) => log.tally(&query, tally)?.total,
                None => log.query(&query)?.rows.len() as u64,
            };
            best = best.min(started.elapsed());
        }
        writeln!(out, "hunt\t{name}\t{:.3}\t{found}\t{text}", best.as_secs_f64() * 1e3)?;
    }
    Ok(())
}

fn resident_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) / 1_024
}
