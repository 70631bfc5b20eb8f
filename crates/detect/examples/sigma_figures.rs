//! Figures of the Sigma rules over folders of logs that were unpacked before:
//! `cargo run --release -p detect --example sigma_figures -- RULES regression DIR | techniques DIR`
//!
//! `regression`: folders with `info.yml` and an EVTX file: does the named rule match, and how many others match a record.
//! `techniques`: any logs: files with a match, techniques a file, events a CPU second for decoding and for matching.
#![allow(clippy::disallowed_methods, clippy::print_stdout)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use event::{Event, Time};
use rule::sigma::{Set, SourceMap};

fn files(dir: &Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(dir).expect("a folder").filter_map(Result::ok).map(|e| e.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { files(&path, out) } else { out.push(path) }
    }
}

fn below(dir: &str, ends: &[&str]) -> Vec<PathBuf> {
    let mut all = Vec::new();
    files(Path::new(dir), &mut all);
    all.retain(|path| ends.iter().any(|end| path.to_string_lossy().ends_with(end)));
    all
}

fn decoded(path: &Path) -> Vec<Event> {
    let bytes = std::fs::read(path).expect("a file");
    let name = path.to_string_lossy();
    let place = decode::Place::new(&name, 0, Time::from_s(2_000_000_000));
    let mut events = Vec::new();
    match decode::file_decoder(&bytes[..bytes.len().min(64 << 10)], &name) {
        Some(decoder) => decoder.decode(&bytes, &place, &mut |event| events.push(event)),
        None => {
            let lines = bytes.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty());
            events.extend(lines.zip(1..).map(|(line, record)| decode::decode(line, &decode::Place { record, ..place })));
        }
    }
    events
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [rules, mode, dir] = args.as_slice() else { panic!("RULES regression|techniques DIR") };
    let map = SourceMap::parse(include_str!("../../../content/rules/logsource.yaml")).expect("the map");
    let texts: Vec<(String, String)> = below(rules, &[".yml"])
        .into_iter()
        .map(|path| (path.display().to_string(), std::fs::read_to_string(&path).expect("a rule")))
        .collect();
    let start = Instant::now();
    let set = Set::load(texts.iter().map(|(name, text)| (name.as_str(), text.as_str())), &map);
    println!("rules {} refused {} load {:.2} s", set.len(), set.refused.len(), start.elapsed().as_secs_f64());
    set.refused.iter().take(5).for_each(|refused| println!("  {refused}"));
    println!("for log sources that no event reaches: {}", set.unrouted.values().sum::<usize>());
    match mode.as_str() {
        "regression" => regression(&set, dir),
        _ => techniques(&set, dir),
    }
}

fn regression(set: &Set, dir: &str) {
    let (mut cases, mut fired, mut records, mut others) = (0, 0, 0, 0);
    for info in below(dir, &["info.yml"]) {
        let text = std::fs::read_to_string(&info).expect("a case");
        let metadata = text.split("rule_metadata:").nth(1).unwrap_or_default();
        let id = metadata.split("id:").nth(1).unwrap_or_default().split_whitespace().next().unwrap_or_default();
        let folder = info.parent().expect("a folder").display().to_string();
        let events: Vec<Event> = below(&folder, &[".evtx"]).iter().flat_map(|path| decoded(path)).collect();
        let mut hit = false;
        for event in &events {
            for found in set.hits(event) {
                if found.rule.id == id { hit = true } else { others += 1 }
            }
        }
        cases += 1;
        fired += usize::from(hit);
        records += events.len();
        if !hit {
            println!("  silent: {} in {folder}", set.rules().iter().find(|rule| rule.id == id).map_or(id, |rule| rule.title.as_str()));
        }
    }
    println!(
        "cases {cases} fired {fired}; other rules a record {:.2} ({others} over {records})",
        f64::from(others) / records.max(1) as f64
    );
}

fn techniques(set: &Set, dir: &str) {
    let (mut logs, mut with, mut named, mut events_seen, mut undecoded, mut hits_seen, mut bytes) = (0, 0, 0, 0, 0, 0, 0u64);
    let (mut decoding_s, mut matching_s) = (0.0, 0.0);
    for path in below(dir, &[".evtx", ".json", ".jsonl", ".log"]) {
        bytes += std::fs::metadata(&path).map_or(0, |m| m.len());
        let start = Instant::now();
        let events = decoded(&path);
        decoding_s += start.elapsed().as_secs_f64();
        let start = Instant::now();
        let mut tags = BTreeSet::new();
        let mut found = 0;
        for event in &events {
            undecoded += usize::from(matches!(event.body, event::Body::Undecoded { .. }));
            for hit in set.hits(event) {
                found += 1;
                tags.extend(hit.rule.tags.iter().filter_map(|t| Some(t.strip_prefix("attack.t")?.split('.').next()?.to_owned())));
            }
        }
        matching_s += start.elapsed().as_secs_f64();
        (logs, events_seen, hits_seen, named) = (logs + 1, events_seen + events.len(), hits_seen + found, named + tags.len());
        with += usize::from(found > 0);
        if found == 0 {
            println!("  silent: {}", path.display());
        }
    }
    println!(
        "logs {logs} with a match {with} ({:.1} %); techniques a log {:.2}",
        100.0 * with as f64 / logs.max(1) as f64,
        named as f64 / logs.max(1) as f64
    );
    println!("events {events_seen} undecoded {undecoded} matches {hits_seen} bytes {bytes}");
    println!(
        "decode {decoding_s:.2} s, match {matching_s:.2} s: {:.0} events/s matched (wall clock of one thread)",
        events_seen as f64 / f64::max(matching_s, 1e-9)
    );
}
