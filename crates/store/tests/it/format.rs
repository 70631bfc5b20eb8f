//! A stored format keeps a sample of every version it ever had, and the newest code reads them all.

use std::path::Path;

use store::{Options, open, open_read_only};

use crate::reopen::events;
use crate::samples;

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/v1");

#[test]
fn version_1_is_read() {
    for indexed in [true, false] {
        let dir = tempfile::tempdir().expect("a directory");
        let log = dir.path().join("log");
        std::fs::create_dir(&log).expect("made");
        for name in ["0000000000000000.log", "0000000000000000.idx"] {
            if indexed || name.ends_with("log") {
                std::fs::copy(Path::new(SAMPLE).join("log").join(name), log.join(name)).expect("copied");
            }
        }
        let beside = open_read_only(dir.path()).expect("opened");
        let kept = &samples::all()[..samples::OF_VERSION_1];
        assert!(events(&beside) == kept, "an event of version 1 reads differently");
        let (mut writer, log) = open(dir.path(), Options::default()).expect("opened");
        let facts = log.facts();
        assert_eq!((facts.unreadable_records, facts.torn_bytes, facts.damage.len()), (0, 0, 0));
        writer.append(&samples::all()).expect("appended");
        assert!(events(&log) == [kept, &samples::all()].concat(), "old and new events stand in one log");
    }
}

/// Run once for a new version: `cargo test -p store --test it format::write_sample -- --ignored --exact`.
#[test]
#[ignore = "writes testdata"]
fn write_sample() {
    let dir = Path::new(SAMPLE);
    assert!(!dir.exists(), "a sample is never written again");
    let (mut writer, _) = open(dir, Options::default()).expect("opened");
    writer.append(&samples::all()).expect("appended");
    drop(writer);
    std::fs::remove_file(dir.join("log/lock")).expect("removed");
}
