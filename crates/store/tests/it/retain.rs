//! Retention: what goes is gone, what stays is found and proven, and what was not attested is missed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use event::incident::Status;
use event::order::What;
use event::{Body, Event, Order, Time};
use proptest::prelude::*;
use store::audit::{Inclusion, Known, PublicKey, Report, verify};
use store::retain::{Hold, Policy, is_decision};
use store::{Classes, Options, Query, Tally, open, open_read_only};

use crate::reopen::events;
use crate::samples;

const DAY: i64 = 86_400;
/// Long after the samples.
const NOW: Time = samples::NOON.plus_s(1_000 * DAY);

fn options() -> Options {
    Options { segment_bytes: 60_000, ..Options::default() }
}

/// By hand: nothing waits for its neighbours.
fn policy() -> Policy {
    Policy { slack: Duration::ZERO, ..Policy::default() }
}

/// Number `n`, of a class, logged so many days ago.
fn aged(n: u64, class: u8, days: i64) -> Event {
    let body = match class % 5 {
        0 | 1 => samples::requests(n..n + 1).remove(0).body,
        2 => Body::Authentication(Box::new(samples::authentication())),
        3 => Body::Finding(Box::new(samples::finding(&format!("F-{n}")))),
        _ => {
            Body::Order(Box::new(Order { uid: format!("O-{n}").into(), at: NOW, by: "cli:root".into(), what: What::Enforce { on: true } }))
        }
    };
    let mut event = samples::event(n, body, "raw");
    event.meta.logged = NOW.plus_s(-days * DAY - 60);
    event
}

/// Whether it stays by the defaults.
fn stays(event: &Event) -> bool {
    let days = if is_decision(event.body.word()) { 400 } else { 90 };
    NOW.since_s(event.meta.logged) <= (days * DAY) as f64
}

fn checked(dir: &Path) -> Report {
    verify(dir, &Known::default()).expect("read")
}

fn files(dir: &Path, below: &str, ending: &str) -> Vec<PathBuf> {
    let all = std::fs::read_dir(dir.join(below)).expect("listed").map(|entry| entry.expect("an entry").path());
    let mut all: Vec<PathBuf> = all.filter(|path| path.to_string_lossy().ends_with(ending)).collect();
    all.sort();
    all
}

fn key(dir: &Path) -> PublicKey {
    PublicKey::from_pem(&std::fs::read_to_string(dir.join("audit/key.pub")).expect("read")).expect("a key")
}

pub(crate) fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("made");
    for entry in std::fs::read_dir(from).expect("listed") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copied(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copied");
        }
    }
}

/// Written, sealed, and gone through once.
fn pruned(dir: &Path, all: &[Event], policy: &Policy) -> store::retain::Retained {
    let (mut writer, _) = open(dir, options()).expect("opened");
    for (n, batch) in all.chunks(70).enumerate() {
        writer.append(batch).expect("appended");
        if n % 3 == 0 {
            writer.head().expect("signed");
        }
    }
    writer.seal().expect("sealed");
    writer.retain_below(u64::MAX);
    writer.retain(policy, NOW).expect("gone through")
}

/// What stays is found by every way there is, and proven; what is gone is not.
fn whole(dir: &Path, all: &[Event], stays: &dyn Fn(u64, &Event) -> bool) -> Result<(), TestCaseError> {
    let log = open_read_only(dir).expect("opened");
    let kept: Vec<(u64, &Event)> = (0..).zip(all).filter(|(at, event)| stays(*at, event)).collect();
    let read: Vec<(u64, Event)> = log.read(0, usize::MAX).expect("read").into_iter().filter(|(at, _)| *at < all.len() as u64).collect();
    prop_assert_eq!(read.len(), kept.len());
    for ((at, event), (kept_at, kept)) in read.iter().zip(&kept) {
        prop_assert!(at == kept_at && event == *kept, "offset {} reads differently", at);
    }
    prop_assert_eq!(log.facts().damage.len(), 0);
    let report = checked(dir);
    prop_assert!(report.ok, "{:?}", report.first_bad);
    prop_assert_eq!(report.removed, (all.len() - kept.len()) as u64);
    prop_assert_eq!(report.removed, log.facts().removed);
    let key = key(dir);
    for (at, event) in kept.iter().step_by(kept.len() / 12 + 1) {
        prop_assert!(log.get(*at).expect("whole").as_ref() == Some(*event), "offset {}", at);
        let proof = Inclusion::of(dir, &log, *at).expect("read").expect("attested");
        prop_assert!(proof.check(&key).expect("holds").as_ref() == Some(*event), "proof of {}", at);
    }
    // Searches and counts by columns against a look at every record.
    for text in ["class:http", "class:authentication outcome:failure", "status:>=400", "user:root", "src_ip in 10.0.0.0/8", "class:finding"]
    {
        let query = Query { limit: 10_000, ..Query::parse(text).expect("a query") };
        let scan: Vec<u64> = kept.iter().filter(|(_, event)| query.matches(event)).map(|(at, _)| *at).rev().collect();
        let found: Vec<u64> =
            log.query(&query).expect("searched").rows.into_iter().map(|(at, _)| at).filter(|at| *at < all.len() as u64).collect();
        prop_assert_eq!(&found, &scan, "{}", text);
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for (_, event) in kept.iter().filter(|(_, event)| query.matches(event)) {
            *counts.entry(event.body.word().to_owned()).or_default() += 1;
        }
        let tally = Tally { by: vec!["class"], every_s: None, top: Tally::ROWS };
        let counted = log.tally(&query, &tally).expect("counted");
        let counted: BTreeMap<String, u64> = counted.rows.into_iter().map(|(mut by, count)| (by.remove(0), count)).collect();
        prop_assert_eq!(counted, counts, "{}", text);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, ..ProptestConfig::default() })]

    #[test]
    fn what_stays_is_found_and_proven(kinds in prop::collection::vec((0u8..5, 0i64..600), 1..40), repeat in 1usize..60, age in 1u64..400) {
        let kinds = kinds.iter().cycle().take(kinds.len() * repeat);
        let all: Vec<Event> = (0..).zip(kinds).map(|(n, (class, days))| aged(n, *class, *days)).collect();
        let dir = tempfile::tempdir().expect("a directory");
        let done = pruned(dir.path(), &all, &policy());
        let gone = all.iter().filter(|event| !stays(event)).count() as u64;
        prop_assert_eq!(done.records, gone);
        whole(dir.path(), &all, &|_, event| stays(event))?;
        // Once more, shorter, from where it was left: and once more with nothing to do.
        let age = Duration::from_secs(age * 86_400);
        let shorter = Policy { slack: Duration::ZERO, ..Policy::new(age, Duration::from_secs(400 * 86_400)) };
        let stays_still = |event: &Event| stays(event) && (is_decision(event.body.word()) || NOW.since_s(event.meta.logged) <= age.as_secs_f64());
        {
            let (mut writer, _) = open(dir.path(), options()).expect("opened");
            writer.retain_below(all.len() as u64);
            writer.retain(&shorter, NOW).expect("gone through");
            prop_assert_eq!(writer.retain(&shorter, NOW).expect("gone through").records, 0);
        }
        whole(dir.path(), &all, &|_, event| stays_still(event))?;
        // The log goes on, and what can be made again is.
        let _ = std::fs::remove_file(dir.path().join("audit/blocks"));
        {
            let (mut writer, _) = open(dir.path(), options()).expect("opened");
            writer.append(&(0..30).map(|n| aged(n, 4, 0)).collect::<Vec<_>>()).expect("appended");
        }
        whole(dir.path(), &all, &|_, event| stays_still(event))?;
    }
}

/// A third goes; some segments wholly.
fn mixed() -> Vec<Event> {
    (0..3_000).map(|n| aged(n, (n % 7) as u8, if n < 900 || n % 3 == 0 { 500 } else { 10 })).collect()
}

#[test]
fn every_changed_byte_of_what_is_left_is_named() {
    let dir = tempfile::tempdir().expect("a directory");
    let done = pruned(dir.path(), &mixed(), &policy());
    assert!(done.segments > 4, "{done:?}");
    let report = checked(dir.path());
    assert!(report.ok && report.removed == done.records, "{report:?}");
    let alone = files(dir.path(), "log", ".seal").iter().filter(|seal| !seal.with_extension("parquet").exists()).count();
    assert!(alone > 1, "segments of which nothing is left");
    for file in &report.files {
        let path = dir.path().join(file);
        let bytes = std::fs::read(&path).expect("read");
        for at in (0..bytes.len()).step_by((bytes.len() / 9).max(1)).chain(bytes.len().checked_sub(1)) {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            std::fs::write(&path, &changed).expect("written");
            let bad = checked(dir.path()).first_bad.unwrap_or_else(|| panic!("byte {at} of {file} was changed and nobody saw it"));
            assert_eq!(&bad.file, file, "byte {at}: {bad:?}");
        }
        std::fs::write(&path, &bytes).expect("written");
    }
    assert!(checked(dir.path()).ok);
}

/// Somebody with the program, but without the key, removes records and makes the seals as they should be.
#[test]
fn a_removal_that_nobody_signed_is_refused() {
    let (dir, forged) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    let all = mixed();
    pruned(dir.path(), &all, &policy());
    copied(dir.path(), forged.path());
    {
        let (mut writer, _) = open(forged.path(), options()).expect("opened");
        writer.retain_below(u64::MAX);
        let more = Policy { slack: Duration::ZERO, ..Policy::new(Duration::from_secs(DAY as u64), Duration::from_secs(400 * 86_400)) };
        assert!(writer.retain(&more, NOW).expect("gone through").records > 500);
    }
    assert!(checked(forged.path()).ok, "with its own orders");
    let mut refused = 0;
    for seal in files(forged.path(), "log", ".seal") {
        let to = dir.path().join("log").join(seal.file_name().expect("a name"));
        if !to.exists() || std::fs::read(&seal).expect("read") == std::fs::read(&to).expect("read") {
            continue;
        }
        let keep = tempfile::tempdir().expect("a directory");
        copied(dir.path(), keep.path());
        let (parquet, target) = (seal.with_extension("parquet"), to.with_extension("parquet"));
        std::fs::copy(&seal, &to).expect("copied");
        if parquet.exists() {
            std::fs::copy(&parquet, &target).expect("copied");
        } else {
            std::fs::remove_file(&target).expect("removed");
        }
        let bad = checked(dir.path()).first_bad.expect("seen");
        assert!(bad.why.contains("no signed order"), "{bad:?}");
        assert_eq!(dir.path().join(&bad.file), to);
        for ending in [".seal", ".parquet"] {
            files(keep.path(), "log", ending).iter().for_each(|file| {
                std::fs::copy(file, dir.path().join("log").join(file.file_name().expect("a name"))).expect("copied");
            });
        }
        assert!(checked(dir.path()).ok);
        refused += 1;
    }
    assert!(refused > 3, "{refused}");
}

/// Between any two of the steps in which a rewritten file takes its place.
#[test]
fn a_crash_leaves_the_one_or_the_other() {
    let (before, after) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    let all = mixed();
    pruned(before.path(), &all, &Policy { hold: Hold { everything: true, ..Hold::default() }, ..policy() });
    copied(before.path(), after.path());
    {
        let (mut writer, _) = open(after.path(), options()).expect("opened");
        writer.retain_below(u64::MAX);
        writer.retain(&policy(), NOW).expect("gone through");
    }
    let (mut rewritten, mut vanished) = (0, 0);
    for seal in files(after.path(), "log", ".seal") {
        let new = seal.with_extension("parquet");
        let name = |path: &Path| path.file_name().expect("a name").to_owned();
        for step in 0..4 {
            // The order is in the log before anything else.
            let dir = tempfile::tempdir().expect("a directory");
            copied(after.path(), dir.path());
            let log = dir.path().join("log");
            for (below, ending) in [("log", ".seal"), ("log", ".parquet"), ("audit", ".leaves")] {
                let put = |file: &PathBuf| _ = std::fs::copy(file, dir.path().join(below).join(name(file))).expect("copied");
                let last = files(before.path(), below, ending).len() - usize::from(below == "audit");
                files(before.path(), below, ending).iter().take(last).for_each(put);
            }
            let (parquet, own) = (log.join(name(&new)), log.join(name(&seal)));
            match (step, new.exists()) {
                (0, true) => _ = std::fs::write(log.join(format!("{}.next", name(&new).to_string_lossy())), b"PAR1 half"),
                (1..3, there) => {
                    std::fs::copy(&seal, log.join(format!("{}.next", name(&seal).to_string_lossy()))).expect("copied");
                    if there {
                        let to = if step == 1 { log.join(format!("{}.next", name(&new).to_string_lossy())) } else { parquet };
                        std::fs::copy(&new, to).expect("copied");
                        rewritten += 1;
                    }
                }
                (3, false) => {
                    // The seal has its name, the file is still there.
                    std::fs::copy(&seal, own).expect("copied");
                    vanished += 1;
                }
                _ => {}
            }
            let report = checked(dir.path());
            assert!(report.ok, "step {step} of {}: {:?}", seal.display(), report.first_bad);
            let there = open_read_only(dir.path()).expect("opened");
            let read = |log: &store::Log| {
                log.read(0, usize::MAX).expect("read").into_iter().filter(|(at, _)| *at < all.len() as u64).collect::<Vec<_>>()
            };
            let seen = read(&there);
            assert!(seen.iter().all(|(at, event)| *event == all[*at as usize]));
            let (mut writer, log) = open(dir.path(), options()).expect("opened");
            assert_eq!(read(&log), seen, "step {step}");
            assert_eq!(log.facts().damage, []);
            writer.retain_below(u64::MAX);
            writer.retain(&policy(), NOW).expect("gone through");
            drop((writer, log));
            assert_eq!(files(dir.path(), "log", ".next"), [] as [PathBuf; 0]);
            whole(dir.path(), &all, &|_, event| stays(event)).expect("whole");
        }
    }
    assert!(rewritten > 4 && vanished > 0, "{rewritten} {vanished}");
}

#[test]
fn a_hold_and_what_is_open_stay() {
    let old = 500;
    let mut all: Vec<Event> = (0..600).map(|n| aged(n, (n % 5) as u8, old)).collect();
    let open_incident = event::Incident {
        findings: vec!["F-3".into(), "F-8".into()],
        status: Status::Open,
        merged_into: None,
        evidence: vec![event::finding::Evidence { event_uid: all[10].meta.uid, ..samples::evidence() }],
        ..samples::incident("INC-7", 1)
    };
    all.push(Event { body: Body::Incident(Box::new(open_incident)), ..aged(600, 4, old) });
    let gone = |hold: Hold, below: u64| {
        let dir = tempfile::tempdir().expect("a directory");
        let (mut writer, log) = open(dir.path(), options()).expect("opened");
        writer.append(&all).expect("appended");
        writer.seal().expect("sealed");
        let policy = Policy { hold, ..policy() };
        writer.retain_below(below);
        let told = log.retain_dry_run(&policy, below, NOW).expect("counted");
        let done = writer.retain(&policy, NOW).expect("gone through");
        assert_eq!((told.records, &told.classes, told.until), (done.records, &done.classes, done.until), "the dry run says what will be");
        drop(writer);
        assert!(checked(dir.path()).ok);
        log.read(0, usize::MAX).expect("read").into_iter().map(|(at, _)| at).filter(|at| *at < 601).collect::<Vec<u64>>()
    };
    let kept = gone(Hold::default(), u64::MAX);
    assert_eq!(kept, [3, 8, 10, 600], "the open incident, its findings and its evidence");
    assert_eq!(gone(Hold::default(), 0).len(), 601, "what no checkpoint knows");
    assert_eq!(gone(Hold { everything: true, ..Hold::default() }, u64::MAX).len(), 601);
    let logins = Hold { classes: Classes::parse("auth").expect("a class"), ..Hold::default() };
    assert_eq!(gone(logins, u64::MAX).len(), 120 + 4);
    let span = (samples::NOON.plus_s(100), samples::NOON.plus_s(150));
    assert_eq!(gone(Hold { spans: vec![span], ..Hold::default() }, u64::MAX).len(), 50 + 4, "by when it happened");
}

#[test]
fn the_bound_on_bytes_takes_the_oldest_of_what_was_observed() {
    let class = |n: u64| if n.is_multiple_of(40) { 3 } else { (n % 3) as u8 };
    // Raw bytes that do not shrink, so that there is something to win.
    let raw = |n: u64| (0..300_u64).map(|at| ((n * 301 + at).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect::<Vec<u8>>().into();
    let all: Vec<Event> = (0..4_000).map(|n| Event { raw: raw(n), ..aged(n, class(n), 5) }).collect();
    let dir = tempfile::tempdir().expect("a directory");
    let (mut writer, log) = open(dir.path(), Options { segment_bytes: 400_000, ..Options::default() }).expect("opened");
    all.chunks(100).for_each(|batch| _ = writer.append(batch).expect("appended"));
    writer.seal().expect("sealed");
    writer.retain_below(u64::MAX);
    let bytes = log.facts().bytes;
    let done = writer.retain(&Policy { bytes_max: Some(bytes * 8 / 10), ..policy() }, NOW).expect("gone through");
    assert!(done.records > 0 && log.facts().bytes < bytes * 8 / 10 + 40_000, "{done:?} of {bytes}, {}", log.facts().bytes);
    let left = events(&log);
    assert_eq!(left.iter().filter(|event| event.body.word() == "finding").count(), 100, "decisions stay");
    let oldest = |word: &str| left.iter().filter(|event| event.body.word() == word).map(|event| event.meta.record).min();
    assert!(oldest("http") > Some(200) && oldest("finding") == Some(0), "{:?}", oldest("http"));
    drop(writer);
    assert!(checked(dir.path()).ok);
}

/// By itself, beside the writer and readers.
#[test]
fn it_goes_on_beside_the_writer() {
    let dir = tempfile::tempdir().expect("a directory");
    let all = mixed();
    // By bytes: the clock of the machine knows nothing of the times of samples.
    let retention = Some(Policy { bytes_max: Some(1), ..policy() });
    {
        let (mut writer, _) = open(dir.path(), options()).expect("opened");
        all.chunks(100).for_each(|batch| _ = writer.append(batch).expect("appended"));
        writer.seal().expect("sealed");
    }
    let (mut writer, log) = open(dir.path(), Options { retention, ..options() }).expect("opened");
    writer.append(&samples::requests(0..10)).expect("appended");
    assert_eq!(log.facts().removed, 0, "nobody has said yet what the next start needs");
    writer.retain_below(3_000);
    let (start, mut n) = (std::time::Instant::now(), 10);
    while log.facts().removed == 0 && start.elapsed() < Duration::from_secs(60) {
        writer.append(&samples::requests(n..n + 1)).expect("appended");
        writer.tend();
        n += 1;
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(log.facts().removed > 0, "{:?}", log.facts().unretained);
    drop(writer);
    let report = checked(dir.path());
    assert!(report.ok && report.removed > 0, "{report:?}");
}

#[test]
fn decisions_are_kept_for_half_a_year() {
    let short = Policy::new(Duration::from_secs(86_400), Duration::from_secs(179 * 86_400));
    assert!(short.fault().expect("a fault").contains("six months"));
    assert_eq!(Policy::default().fault(), None);
}

/// Once: `cargo test -p store --test it retain::write_sample -- --ignored --exact`.
#[test]
#[ignore = "writes testdata"]
fn write_sample() {
    let dir = sample();
    assert!(!dir.exists(), "a sample is never written again");
    pruned(&dir, &sampled(), &policy());
    for part in ["log/lock", "secrets"] {
        let path = dir.join(part);
        let _ = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    }
}

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/v1-retained")
}

/// A segment of which nothing is left, and one with gaps.
fn sampled() -> Vec<Event> {
    (0..240).map(|n| aged(n, if n < 120 { 0 } else { (n % 5) as u8 }, if n < 150 || n % 2 == 0 { 500 } else { 10 })).collect()
}

/// The first form of a log that retention went through is read, verified and proven by today's code.
#[test]
fn the_sample_of_a_log_that_was_gone_through_is_read() {
    let dir = tempfile::tempdir().expect("a directory");
    copied(&sample(), dir.path());
    let seals = files(dir.path(), "log", ".seal");
    assert!(seals.len() >= 2 && !seals[0].with_extension("parquet").exists());
    whole(dir.path(), &sampled(), &|_, event| stays(event)).expect("whole");
}
