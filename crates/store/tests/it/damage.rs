use std::path::{Path, PathBuf};

use proptest::prelude::*;
use store::{Error, Options, Query, open, open_read_only};

use crate::reopen::{events, filled, offsets, small};
use crate::samples;

fn files(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = std::fs::read_dir(dir.join("log"))
        .expect("listed")
        .filter_map(|e| Some(e.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == ending))
        .collect();
    all.sort();
    all
}

fn without_indexes(dir: &Path) {
    files(dir, "idx").into_iter().for_each(|path| std::fs::remove_file(path).expect("removed"));
}

/// A torn last record is cut, whatever its length, and the log takes more.
#[test]
fn torn_tails_are_cut() {
    let dir = tempfile::tempdir().expect("a directory");
    let all = samples::requests(0..20);
    filled(dir.path(), &all[..19], Options::default());
    let segment = files(dir.path(), "log").remove(0);
    let whole = std::fs::metadata(&segment).expect("there").len();
    filled(dir.path(), &all[19..], Options::default());
    let bytes = std::fs::read(&segment).expect("read");
    assert!(bytes.len() as u64 > whole + 50);
    for length in whole..bytes.len() as u64 {
        without_indexes(dir.path());
        // It never was acknowledged.
        std::fs::remove_dir_all(dir.path().join("audit")).expect("removed");
        std::fs::write(&segment, &bytes[..length as usize]).expect("written");
        let beside = open_read_only(dir.path()).expect("opened");
        assert_eq!((beside.end(), beside.facts().torn_bytes), (19, 0), "reading cuts nothing");
        let (mut writer, log) = open(dir.path(), Options::default()).expect("opened");
        assert_eq!(log.facts().torn_bytes, length - whole);
        assert_eq!(log.facts().damage, []);
        assert_eq!(events(&log), all[..19]);
        assert_eq!(writer.append(&all[19..]).expect("appended"), 19..20);
        assert_eq!(events(&log), all);
        assert_eq!(std::fs::read(&segment).expect("read").len(), bytes.len());
    }
    // Zeros, as some file systems leave them behind.
    without_indexes(dir.path());
    std::fs::write(&segment, [&bytes[..], &[0; 4_096]].concat()).expect("written");
    let (_writer, log) = open(dir.path(), Options::default()).expect("opened");
    assert_eq!((log.facts().torn_bytes, events(&log).len()), (4_096, 20));
}

/// One flipped byte costs one record; the others keep their offsets, with and without an index.
#[test]
fn a_flipped_byte_costs_one_record() {
    let dir = tempfile::tempdir().expect("a directory");
    let all = samples::requests(0..30);
    filled(dir.path(), &all, Options::default());
    let segment = files(dir.path(), "log").remove(0);
    let bytes = std::fs::read(&segment).expect("read");
    let index = files(dir.path(), "idx").remove(0);
    let index_bytes = std::fs::read(&index).expect("read");
    for at in (28..bytes.len() * 2 / 3).step_by(61) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        std::fs::write(&segment, &flipped).expect("written");
        for indexed in [false, true] {
            if indexed {
                std::fs::write(&index, &index_bytes).expect("written");
            } else {
                let _ = std::fs::remove_file(&index);
            }
            let (writer, log) = open(dir.path(), Options::default()).expect("opened");
            let got = log.read(0, usize::MAX).expect("readable");
            assert_eq!(got.len(), 29, "byte {at}, index {indexed}");
            for (offset, event) in &got {
                assert_eq!(event, &all[*offset as usize]);
            }
            let facts = log.facts();
            assert_eq!((facts.damage.len(), facts.damaged_records, facts.records), (1, 1, 30), "byte {at}, index {indexed}");
            let lost = (0..30).find(|offset| got.iter().all(|(o, _)| o != offset)).expect("one is missing");
            assert_eq!(facts.damage[0].offset, lost);
            match log.get(lost) {
                Err(Error::Damaged(damage)) => assert!((damage.position..damage.position + damage.bytes).contains(&(at as u64))),
                other => panic!("expected damage, got {other:?}"),
            }
            assert_eq!(log.verify().expect("read"), facts.damage);
            assert_eq!(log.query(&Query::default()).expect("searched").rows.len(), 29);
            assert_eq!(log.end(), 30);
            drop((writer, log));
        }
    }
}

/// A damaged header costs nothing when the first record is whole.
#[test]
fn a_damaged_header_is_made_out() {
    let dir = tempfile::tempdir().expect("a directory");
    let all = samples::requests(0..300);
    filled(dir.path(), &all, small());
    for segment in files(dir.path(), "log") {
        let mut bytes = std::fs::read(&segment).expect("read");
        bytes[..28].fill(0xaa);
        std::fs::write(&segment, bytes).expect("written");
    }
    without_indexes(dir.path());
    let (mut writer, log) = open(dir.path(), small()).expect("opened");
    assert_eq!(events(&log), all);
    writer.append(&all[..1]).expect("appended");
}

/// A record that an attacker sent as the payload of another is not taken for a record behind damage.
#[test]
fn a_forged_record_is_not_read() {
    let dir = tempfile::tempdir().expect("a directory");
    let elsewhere = tempfile::tempdir().expect("a directory");
    filled(elsewhere.path(), &samples::requests(7..8), Options::default());
    let forged = std::fs::read(&files(elsewhere.path(), "log")[0]).expect("read")[28..].to_vec();
    let mut all = samples::requests(0..3);
    all[1].raw = forged.repeat(4).into();
    filled(dir.path(), &all, Options::default());
    let segment = files(dir.path(), "log").remove(0);
    without_indexes(dir.path());
    let mut bytes = std::fs::read(&segment).expect("read");
    let at = bytes.windows(forged.len()).position(|part| part == forged).expect("it is in there");
    bytes[at - 20] ^= 1;
    std::fs::write(&segment, bytes).expect("written");
    let (_writer, log) = open(dir.path(), Options::default()).expect("opened");
    assert_eq!(offsets(&log), [0, 2]);
}

#[test]
fn a_lost_segment_is_left_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    let all = samples::requests(0..300);
    filled(dir.path(), &all, small());
    without_indexes(dir.path());
    let segments = files(dir.path(), "log");
    let last = segments.last().expect("some");
    let garbage = vec![0x5a; std::fs::metadata(last).expect("there").len() as usize];
    std::fs::write(last, &garbage).expect("written");
    let (mut writer, log) = open(dir.path(), small()).expect("opened");
    let before = offsets(&log);
    assert!(before.len() > 200);
    let range = writer.append(&all[..2]).expect("appended");
    assert!(range.start >= 300, "no offset is given out twice");
    assert_eq!(offsets(&log), [before, vec![range.start, range.start + 1]].concat());
    assert_eq!(std::fs::read(last).expect("read"), garbage);
    assert_eq!(log.facts().damage.len(), 1);
}

#[test]
fn a_newer_format_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    filled(dir.path(), &samples::requests(0..3), Options::default());
    let segment = files(dir.path(), "log").remove(0);
    let mut bytes = std::fs::read(&segment).expect("read");
    bytes[8] = 2;
    let crc = crc32fast::hash(&bytes[..24]);
    bytes[24..28].copy_from_slice(&crc.to_le_bytes());
    std::fs::write(&segment, bytes).expect("written");
    let error = open(dir.path(), Options::default()).map(|_| ()).expect_err("not ours");
    assert!(error.to_string().ends_with("is of format version 2, this program reads versions up to 1"), "{error}");
}

/// Needs a file system of about 1 MiB, so it runs by hand:
/// `mount -t tmpfs -o size=1m none /mnt/small; STORE_TEST_SMALL_DISK=/mnt/small cargo test -p store --test it full_disk -- --ignored`
#[test]
#[ignore = "needs a small file system"]
fn a_full_disk_costs_no_event() {
    let Some(disk) = std::env::var_os("STORE_TEST_SMALL_DISK") else { return };
    let ballast = Path::new(&disk).join("ballast");
    std::fs::write(&ballast, vec![0; 200_000]).expect("room for ballast");
    let dir = tempfile::tempdir_in(&disk).expect("a directory");
    let (mut writer, log) = open(dir.path(), Options { segment_bytes: 100_000, ..Options::default() }).expect("opened");
    let append = |writer: &mut store::Writer, log: &store::Log| {
        let end = log.end();
        writer.append(&samples::requests(end..end + 50))
    };
    let error = loop {
        if let Err(error) = append(&mut writer, &log) {
            break error;
        }
    };
    assert!(matches!(error, Error::Full { .. }), "{error}");
    let end = log.end();
    assert!(append(&mut writer, &log).is_err());
    assert_eq!(events(&open_read_only(dir.path()).expect("opened")), samples::requests(0..end));
    std::fs::remove_file(ballast).expect("removed");
    for _ in 0..5 {
        append(&mut writer, &log).expect("there is room again");
    }
    drop((writer, log));
    let (_writer, log) = open(dir.path(), Options::default()).expect("opened");
    assert_eq!(events(&log), samples::requests(0..end + 250));
    assert_eq!((log.facts().torn_bytes, log.facts().damage), (0, vec![]));
}

/// All of a batch or nothing.
#[test]
fn an_event_that_cannot_be_stored_leaves_the_log_whole() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut writer, log) = open(dir.path(), Options::default()).expect("opened");
    let mut batch = samples::requests(0..3);
    batch[1].raw = vec![0; 33 << 20].into();
    assert!(matches!(writer.append(&batch), Err(Error::TooLarge { .. })));
    assert_eq!(log.end(), 0);
    assert_eq!(writer.append(&batch[..1]).expect("appended"), 0..1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever stands in the files, nothing panics and the log can be written to.
    #[test]
    fn garbage_does_no_harm(
        garbage in proptest::collection::vec(any::<u8>(), 0..2_000),
        index in proptest::collection::vec(any::<u8>(), 0..500),
        name in prop_oneof![Just(0_u64), Just(1), Just(21), any::<u64>()],
        keep in any::<bool>(),
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let dir = tempfile::tempdir().expect("a directory");
        let all = samples::requests(0..20);
        filled(dir.path(), &all, Options { segment_bytes: 2_000, ..Options::default() });
        let path = dir.path().join("log").join(format!("{name:016x}"));
        if keep {
            for segment in files(dir.path(), "log") {
                let mut bytes = std::fs::read(&segment).expect("read");
                for (at, byte) in &cuts {
                    let at = at.index(bytes.len());
                    bytes[at] = *byte;
                }
                std::fs::write(&segment, bytes).expect("written");
            }
        } else {
            std::fs::write(path.with_extension("log"), garbage).expect("written");
        }
        std::fs::write(path.with_extension("idx"), index).expect("written");
        if let Ok(log) = open_read_only(dir.path()) {
            let _ = log.refresh();
            let _ = log.read(0, 100);
        }
        if let Ok((mut writer, log)) = open(dir.path(), Options::default()) {
            let before = offsets(&log);
            if let Ok(range) = writer.append(&all) {
                prop_assert!(before.iter().all(|offset| *offset < range.start));
                prop_assert_eq!(offsets(&log).len(), before.len() + 20);
            }
            let _ = log.verify();
            let _ = log.facts();
            let _ = log.query(&Query::parse("src_ip:10.0.0.1").expect("a query"));
            let _ = log.find("F-abcdef");
        }
    }
}
