//! Figures of rules and detectors over folders of logs that were unpacked before:
//! `cargo run --release -p detect --example host_figures -- RULES regression DIR | techniques DIR [LABELS]`; RULES `-` for our own alone.
//!
//! `regression`: folders with `info.yml` and an EVTX file: does the named rule match, and how many others match a record.
//! `techniques`: any logs, each by itself: files with a finding, the right technique (LABELS: file name, tab, techniques) among the first three by
//! score, techniques a file; rules only, learned only, both.
#![allow(clippy::disallowed_methods, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use detect::{Gather, Knowledge, Seen};
use event::analytic::AnalyticKind;
use event::{Event, Finding, Time};
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
    let [rules, mode, dir, labels @ ..] = args.as_slice() else { panic!("RULES regression|techniques DIR [LABELS]") };
    let map = SourceMap::parse(include_str!("../../../content/rules/logsource.yaml")).expect("the map");
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/../../content/rules/sigma");
    let given = if rules == "-" { Vec::new() } else { below(rules, &[".yml"]) };
    let texts: Vec<(String, String)> = below(own, &[".yml"])
        .into_iter()
        .chain(given)
        .map(|path| (path.display().to_string(), std::fs::read_to_string(&path).expect("a rule")))
        .collect();
    let start = Instant::now();
    let set = Set::load(texts.iter().map(|(name, text)| (name.as_str(), text.as_str())), &map);
    println!("rules {} refused {} load {:.2} s", set.len(), set.refused.len(), start.elapsed().as_secs_f64());
    set.refused.iter().take(5).for_each(|refused| println!("  {refused}"));
    println!("for log sources that no event reaches: {}", set.unrouted.values().sum::<usize>());
    match mode.as_str() {
        "regression" => regression(&set, dir),
        _ => techniques(set, dir, labels.first().map(String::as_str)),
    }
}

fn regression(set: &Set, dir: &str) {
    let (mut cases, mut fired, mut records, mut others) = (0, 0, 0, 0);
    for info in below(dir, &["info.yml"]) {
        let text = std::fs::read_to_string(&info).expect("a case");
        let metadata = text.split("rule_metadata:").nth(1).unwrap_or_default();
        let id = metadata.split("id:").nth(1).unwrap_or_default().split_whitespace().next().unwrap_or_default();
        let folder = info.parent().expect("a folder").display().to_string();
        let events: Vec<Event> = below(&folder, &[".evtx", ".raw"]).iter().flat_map(|path| decoded(path)).collect();
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

/// Techniques of one log, strongest finding first.
fn ranked(findings: &[&Finding]) -> Vec<String> {
    let mut best: BTreeMap<&str, f32> = BTreeMap::new();
    for finding in findings {
        for technique in &finding.techniques {
            let score = best.entry(technique.uid.split('.').next().unwrap_or_default()).or_default();
            *score = score.max(finding.score.value());
        }
    }
    let mut all: Vec<(&str, f32)> = best.into_iter().collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1));
    all.into_iter().map(|(uid, _)| uid.to_owned()).collect()
}

#[derive(Default)]
struct Sum {
    logs: usize,
    with: usize,
    named: usize,
    labelled: usize,
    right: usize,
    anywhere: usize,
}

impl Sum {
    fn add(&mut self, findings: &[&Finding], expected: Option<&Vec<String>>) {
        let ranked = ranked(findings);
        self.logs += 1;
        self.with += usize::from(!findings.is_empty());
        self.named += ranked.len();
        if let Some(expected) = expected {
            self.labelled += 1;
            self.right += usize::from(ranked.iter().take(3).any(|t| expected.contains(t)));
            self.anywhere += usize::from(ranked.iter().any(|t| expected.contains(t)));
        }
    }

    fn print(&self, name: &str) {
        let percent = |part: usize, of: usize| 100.0 * part as f64 / of.max(1) as f64;
        println!(
            "{name:<28} {:>4} logs, with a finding {:>5.1} %, right technique among three {:>5.1} % (anywhere {:>5.1} %) of {}, techniques a log {:.2}",
            self.logs,
            percent(self.with, self.logs),
            percent(self.right, self.labelled),
            percent(self.anywhere, self.labelled),
            self.labelled,
            self.named as f64 / self.logs.max(1) as f64
        );
    }
}

fn techniques(set: Set, dir: &str, labels: Option<&str>) {
    // `file name TAB technique technique ..`
    let text = labels.map(|path| std::fs::read_to_string(path).expect("labels")).unwrap_or_default();
    let labels: BTreeMap<&str, Vec<String>> = text
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(name, all)| (name, all.split(' ').map(|t| t.split('.').next().unwrap_or_default().to_owned()).collect()))
        .collect();
    let knowledge = Knowledge { sigma: Arc::new(set), ..Knowledge::default() };
    let (mut sums, mut folders, mut spent) = ([Sum::default(), Sum::default(), Sum::default()], BTreeMap::<String, Sum>::new(), (0.0, 0.0));
    let (mut events_seen, mut undecoded, mut told, mut bytes) = (0, 0, 0, 0_u64);
    for path in below(dir, &[".evtx", ".json", ".jsonl", ".log"]) {
        bytes += std::fs::metadata(&path).map_or(0, |m| m.len());
        let start = Instant::now();
        let events = decoded(&path);
        spent.0 += start.elapsed().as_secs_f64();
        undecoded += events.iter().filter(|e| matches!(e.body, event::Body::Undecoded { .. })).count();
        events_seen += events.len();
        let start = Instant::now();
        let mut last: BTreeMap<event::Text, Finding> = BTreeMap::new();
        for spec in detect::ALL {
            let (mut detector, mut out) = ((spec.build)(&knowledge), Vec::new());
            events.iter().for_each(|event| detector.detect(event, &Seen::default(), &mut out));
            if detector.is_gathered() {
                out = Gather::telling_all().take(out);
            }
            last.extend(out.into_iter().map(|finding| (finding.uid.clone(), finding)));
        }
        spent.1 += start.elapsed().as_secs_f64();
        told += last.len();
        let rule = |finding: &&Finding| finding.analytic.kind == AnalyticKind::Rule;
        let all: Vec<&Finding> = last.values().collect();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let expected = labels.get(name.as_str());
        sums[0].add(&all.iter().copied().filter(rule).collect::<Vec<_>>(), expected);
        sums[1].add(&all.iter().copied().filter(|f| !rule(f)).collect::<Vec<_>>(), expected);
        sums[2].add(&all, expected);
        let folder = path.strip_prefix(dir).ok().and_then(|p| p.iter().next()).unwrap_or_default().to_string_lossy().into_owned();
        folders.entry(folder).or_default().add(&all, expected);
        let ranked = ranked(&all);
        if all.is_empty() {
            println!("  silent: {}", path.display());
        } else if expected.is_some_and(|expected| !ranked.iter().take(3).any(|t| expected.contains(t))) {
            println!("  other: {name}: expected {expected:?}, told {ranked:?}");
        }
    }
    folders.iter().for_each(|(name, sum)| sum.print(name));
    ["rules only", "learned only", "both"].iter().zip(&sums).for_each(|(name, sum)| sum.print(name));
    println!("events {events_seen} undecoded {undecoded} findings {told} bytes {bytes}");
    println!(
        "decode {:.2} s, detect {:.2} s (wall clock of one thread): {:.0} events/s",
        spent.0,
        spent.1,
        events_seen as f64 / (spent.0 + spent.1)
    );
}
