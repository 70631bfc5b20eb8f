//! A stored format keeps a sample of every version it ever had, and the newest code reads them all.
//!
//! `v1` is a segment of version 1 (records and index) by its first writer; `v1-sealed` is a sealed segment of version 1 (Parquet and seal)
//! and, behind it, a segment of today with its index, with every kind of event that there was then.

use std::path::{Path, PathBuf};

use event::Event;
use event::incident::Status;
use event::response::Phase;
use store::{Log, Options, Query, open, open_read_only};

use crate::reopen::events;
use crate::samples;

/// Each sample and how many kinds of event it has, once a segment: [`samples::all`] is in the order in which kinds were added.
const SAMPLES: &[(&str, usize, usize)] = &[("v1", samples::OF_VERSION_1, 1), ("v1-sealed", samples::WHEN_SEALED, 2)];

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

/// A copy of the sample, without files whose name ends in `without`.
fn copied(sample: &str, without: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let log = dir.path().join("log");
    std::fs::create_dir(&log).expect("made");
    for entry in std::fs::read_dir(testdata(sample).join("log")).expect("a sample").flatten() {
        if !without.iter().any(|end| entry.path().extension().is_some_and(|e| e == *end)) {
            std::fs::copy(entry.path(), log.join(entry.file_name())).expect("copied");
        }
    }
    dir
}

fn kept(kinds: usize, times: usize) -> Vec<Event> {
    let all = samples::all();
    (0..times).flat_map(|_| all[..kinds].to_vec()).collect()
}

#[test]
fn every_version_is_read() {
    for (sample, kinds, times) in SAMPLES {
        // With the index and seal of its time, and with ones that are made anew.
        for without in [&[][..], &["idx", "seal"]] {
            let kept = kept(*kinds, *times);
            let dir = copied(sample, without);
            let beside = open_read_only(dir.path()).expect("opened");
            assert!(events(&beside) == kept, "an event of {sample} reads differently");
            let (mut writer, log) = open(dir.path(), Options::default()).expect("opened");
            let facts = log.facts();
            assert_eq!((facts.unreadable_records, facts.torn_bytes, facts.damage.len()), (0, 0, 0), "{sample}");
            assert_eq!(log.verify().expect("read"), [], "{sample}");
            state(&log, sample);
            writer.append(&samples::all()).expect("appended");
            assert!(events(&log) == [kept, samples::all()].concat(), "old and new events stand in one log");
        }
    }
}

/// Incidents and responses are folded from what is stored.
fn state(log: &Log, sample: &str) {
    let incident = log.incident("INC-42").unwrap_or_else(|| panic!("{sample}: no incident"));
    assert!(*incident == samples::incident("INC-42", 1), "{sample}: the incident reads differently");
    assert!(matches!(incident.status, Status::Closed { .. }));
    let phases: Vec<(String, Phase)> = log.responses().iter().map(|r| (r.uid.to_string(), r.phase.clone())).collect();
    assert_eq!(phases.len(), 6, "{sample}: {phases:?}");
    for response in log.responses_of("INC-42") {
        let stored = samples::response(&response.uid, "INC-42", response.phase.clone());
        assert!(*response == stored, "{sample}: {} reads differently", response.uid);
    }
    assert!(phases.iter().any(|(_, phase)| matches!(phase, Phase::Undone { .. })), "{sample}");
    let found = log.query(&Query::parse("incident:INC-42 class:incident").expect("a query")).expect("searched");
    assert!(!found.rows.is_empty(), "{sample}");
}

/// Run once for a new version: `cargo test -p store --test it format::write_sample -- --ignored --exact`. Give the sample a new name.
#[test]
#[ignore = "writes testdata"]
fn write_sample() {
    let dir = testdata("v1-sealed");
    assert!(!dir.exists(), "a sample is never written again");
    let (mut writer, _) = open(&dir, Options::default()).expect("opened");
    writer.append(&samples::all()).expect("appended");
    writer.seal().expect("sealed");
    writer.append(&samples::all()).expect("appended");
    drop(writer);
    // The last segment is not sealed; what is opened again and closed has an index.
    drop(open(&dir, Options::default()).expect("opened"));
    std::fs::remove_file(dir.join("log/lock")).expect("removed");
}
