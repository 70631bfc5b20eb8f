//! Sealed segments give back what was written, and what the disk does to them is damage, never another answer.

use std::path::{Path, PathBuf};

use store::{Log, Options, Query, open, open_read_only};

use crate::reopen::{events, small};
use crate::samples;

fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let all = std::fs::read_dir(dir.join("log")).expect("a log").filter_map(|e| Some(e.ok()?.path()));
    let mut all: Vec<_> = all.filter(|path| path.extension().is_some_and(|e| e == extension)).collect();
    all.sort();
    all
}

/// Every kind of event and many requests, all sealed.
fn sealed(dir: &Path) -> Vec<event::Event> {
    let all = [samples::all(), samples::requests(20..3_000)].concat();
    let (mut writer, log) = open(dir, Options { segment_bytes: 200_000, ..Options::default() }).expect("opened");
    for batch in all.chunks(100) {
        writer.append(batch).expect("appended");
    }
    writer.seal().expect("sealed");
    let facts = log.facts();
    assert_eq!((facts.sealed + 1, facts.unsealed), (facts.segments, None));
    all
}

fn unchanged(log: &Log, all: &[event::Event]) {
    assert!(events(log) == all, "an event reads differently");
    assert_eq!(log.end(), all.len() as u64);
    for at in [0, 5, 19, 1_500, all.len() - 1] {
        assert_eq!(log.get(at as u64).expect("whole").as_ref(), Some(&all[at]), "offset {at}");
    }
}

#[test]
fn every_kind_comes_back_from_a_sealed_segment() {
    let dir = tempfile::tempdir().expect("a directory");
    let all = sealed(dir.path());
    assert_eq!(files(dir.path(), "log").len(), 1, "write-ahead segments that are sealed are gone");
    assert!(files(dir.path(), "parquet").len() > 2);
    unchanged(&open_read_only(dir.path()).expect("opened"), &all);
    let (mut writer, log) = open(dir.path(), Options::default()).expect("opened");
    unchanged(&log, &all);
    assert_eq!(log.verify().expect("read"), []);
    assert_eq!(
        (log.facts().unreadable_records, log.facts().counts[0].1),
        (0, all.iter().filter(|e| e.body.word() == "http").count() as u64)
    );
    assert!(log.incident("INC-42").is_some(), "the view is folded from sealed segments");
    writer.append(&samples::all()).expect("appended");
    assert_eq!(log.end(), (all.len() + samples::all().len()) as u64);
}

#[test]
fn a_lost_seal_is_made_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let all = sealed(dir.path());
    let seals = files(dir.path(), "seal");
    std::fs::remove_file(&seals[0]).expect("removed");
    std::fs::write(&seals[1], b"bartzidx is damaged").expect("written");
    unchanged(&open_read_only(dir.path()).expect("opened"), &all);
    let (_writer, log) = open(dir.path(), Options::default()).expect("opened");
    unchanged(&log, &all);
    assert_eq!(files(dir.path(), "seal"), seals);
    let found = log.query(&Query::parse("src_ip:10.0.1.7").expect("a query")).expect("searched");
    assert_eq!(found.rows.len(), 1);
}

#[test]
fn what_a_crash_leaves_behind_does_not_count() {
    let dir = tempfile::tempdir().expect("a directory");
    let all = samples::requests(0..400);
    let (mut writer, log) = open(dir.path(), Options { seal: false, ..small() }).expect("opened");
    for batch in all.chunks(20) {
        writer.append(batch).expect("appended");
    }
    drop((writer, log));
    // While it was written, and after it was renamed but before its seal was.
    let hot = files(dir.path(), "log");
    std::fs::write(hot[0].with_extension("parquet.new"), b"PAR1 half a file").expect("written");
    std::fs::write(hot[1].with_extension("parquet"), b"PAR1 whole, without a seal").expect("written");
    std::fs::write(hot[2].with_extension("seal.new"), b"half a seal").expect("written");
    unchanged_short(&open_read_only(dir.path()).expect("opened"), &all);
    let (mut writer, log) = open(dir.path(), small()).expect("opened");
    writer.seal().expect("sealed");
    unchanged_short(&log, &all);
    assert_eq!(log.facts().damage, []);
    assert_eq!(files(dir.path(), "new"), [] as [PathBuf; 0]);
}

fn unchanged_short(log: &Log, all: &[event::Event]) {
    assert!(events(log) == all, "an event reads differently");
}

#[test]
fn damage_is_named_and_never_read() {
    let clean = tempfile::tempdir().expect("a directory");
    let all = sealed(clean.path());
    let file = files(clean.path(), "parquet")[1].clone();
    let bytes = std::fs::read(&file).expect("read");
    for at in (0..bytes.len()).step_by(bytes.len() / 40) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        std::fs::write(&file, &changed).expect("written");
        let log = open_read_only(clean.path()).expect("opened");
        let got = log.read(0, usize::MAX).expect("readable");
        for (offset, event) in &got {
            assert!(*event == all[*offset as usize], "byte {at}: offset {offset} reads differently");
        }
        assert_eq!(log.verify().expect("read").len(), 1, "byte {at}");
        assert!(got.len() >= all.len() - 1_200 && got.len() <= all.len(), "byte {at}: only {} of {} are left", got.len(), all.len());
        assert_eq!(log.end(), all.len() as u64, "byte {at}");
    }
    // Cut, and gone.
    std::fs::write(&file, &bytes[..bytes.len() / 2]).expect("written");
    let log = open_read_only(clean.path()).expect("opened");
    assert!(log.facts().damaged_records > 0);
    assert_eq!(log.end(), all.len() as u64);
    std::fs::remove_file(&file).expect("removed");
    let log = open_read_only(clean.path()).expect("opened");
    assert_eq!(log.end(), all.len() as u64);
}

#[test]
fn readers_beside_see_no_gap_while_segments_are_sealed() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut writer, log) = open(dir.path(), small()).expect("opened");
    writer.append(&samples::requests(0..10)).expect("appended");
    let beside = open_read_only(dir.path()).expect("opened");
    for round in 0..60_u64 {
        writer.append(&samples::requests(10 + round * 10..20 + round * 10)).expect("appended");
        if round % 7 == 0 {
            writer.seal().expect("sealed");
        }
        let end = beside.refresh().expect("refreshed");
        assert_eq!(end, log.end(), "round {round}");
        for log in [&beside, &log] {
            assert_eq!(events(log).len() as u64, end, "round {round}");
        }
    }
}
