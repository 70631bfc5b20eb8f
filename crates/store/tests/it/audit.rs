use std::path::{Path, PathBuf};

use proptest::prelude::*;
use store::audit::{Growth, Inclusion, Known, PublicKey, Report, verify};
use store::{Options, open, open_read_only};

use crate::samples;

const HEADER: usize = 28;
const HEAD: usize = 13;

fn options(seal: bool) -> Options {
    Options { segment_bytes: 60_000, seal, ..Options::default() }
}

/// Written in batches, sealed or not, closed in order.
fn written(dir: &Path, records: u64, seal: bool) {
    let (mut writer, log) = open(dir, options(seal)).expect("opened");
    while log.end() < records {
        let end = log.end();
        writer.append(&samples::requests(end..(end + 90).min(records))).expect("appended");
    }
    if seal {
        writer.seal().expect("sealed");
    }
}

fn checked(dir: &Path) -> Report {
    verify(dir, &Known::default()).expect("read")
}

fn segments(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let all = std::fs::read_dir(dir.join("log")).expect("listed").map(|entry| entry.expect("an entry").path());
    let mut all: Vec<PathBuf> = all.filter(|path| path.extension().is_some_and(|e| e == ending)).collect();
    all.sort();
    all
}

/// Where each record of a segment stands: (start, end).
fn places(bytes: &[u8]) -> Vec<(usize, usize)> {
    let (mut at, mut all) = (HEADER, Vec::new());
    while let Some(length) = bytes.get(at..at + 4) {
        let end = at + HEAD + u32::from_le_bytes([length[0], length[1], length[2], length[3]]) as usize;
        all.push((at, end));
        at = end;
    }
    all
}

/// A record as whoever knows the format would write it: `payload` at number `number` of a segment with this `mark`.
fn forged(number: u32, mark: u32, class: u8, payload: &[u8]) -> Vec<u8> {
    let tag = (number ^ mark).to_le_bytes();
    let mut crc = crc32fast::Hasher::new_with_initial(mark);
    [&tag[..], &[class], payload].iter().for_each(|part| crc.update(part));
    [&(payload.len() as u32).to_le_bytes()[..], &crc.finalize().to_le_bytes(), &tag, &[class], payload].concat()
}

fn mark(bytes: &[u8]) -> u32 {
    u32::from_le_bytes([bytes[20], bytes[21], bytes[22], bytes[23]])
}

#[test]
fn an_untouched_log_is_as_attested() {
    for (records, seal) in [(0, false), (1, false), (900, false), (2_500, false), (2_500, true)] {
        let dir = tempfile::tempdir().expect("a directory");
        written(dir.path(), records, seal);
        let report = checked(dir.path());
        assert_eq!((report.first_bad.clone(), report.ok, report.records, report.unattested), (None, true, records, 0), "{records} {seal}");
        assert_eq!(report.files.iter().find(|file| !dir.path().join(file).exists()), None);
        // Going on and closing again keeps what was attested before.
        let before = report.head;
        written(dir.path(), records + 700, seal);
        let report = checked(dir.path());
        assert!(report.ok && report.records == records + 700 && report.head != before, "{report:?}");
    }
}

/// What needs no knowledge of the format: any byte of any file that the report names.
#[test]
fn a_flipped_byte_is_named() {
    for seal in [false, true] {
        let dir = tempfile::tempdir().expect("a directory");
        written(dir.path(), 1_500, seal);
        let whole = checked(dir.path());
        assert!(whole.ok && whole.files.len() > 8, "{whole:?}");
        for file in &whole.files {
            let path = dir.path().join(file);
            let bytes = std::fs::read(&path).expect("read");
            let step = (bytes.len() / 11).max(1);
            for at in (0..bytes.len()).step_by(step).chain(bytes.len().checked_sub(1)) {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << (at % 8);
                std::fs::write(&path, &changed).expect("written");
                let report = checked(dir.path());
                let bad = report.first_bad.unwrap_or_else(|| panic!("byte {at} of {file} was changed and nobody saw it"));
                assert_eq!(&bad.file, file, "byte {at}: {bad:?}");
                if file.ends_with(".log") && at >= HEADER {
                    let record = places(&bytes).iter().position(|(start, end)| (*start..*end).contains(&at)).expect("a record") as u64;
                    let first = u64::from_str_radix(&file[4..20], 16).expect("an offset");
                    assert_eq!(bad.record, Some(first + record), "byte {at} of {file}");
                    assert!(bad.offset <= at as u64, "{bad:?}");
                }
            }
            std::fs::write(&path, &bytes).expect("written");
        }
        assert!(checked(dir.path()).ok);
    }
}

/// What needs knowledge of the format: records with right checksums that are not the ones that were written.
#[test]
fn a_forged_record_is_named() {
    let dir = tempfile::tempdir().expect("a directory");
    written(dir.path(), 1_500, false);
    let path = segments(dir.path(), "log").remove(1);
    let first = u64::from_str_radix(path.file_stem().and_then(|s| s.to_str()).expect("a name"), 16).expect("an offset");
    let bytes = std::fs::read(&path).expect("read");
    let (places, mark) = (places(&bytes), mark(&bytes));
    let payload = |n: usize| &bytes[places[n].0 + HEAD..places[n].1];
    let with = |changes: &[(usize, Option<Vec<u8>>)]| {
        let mut all = bytes[..HEADER].to_vec();
        let mut number = 0;
        for n in 0..places.len() {
            match changes.iter().find(|(at, _)| *at == n) {
                Some((_, None)) => continue,
                Some((_, Some(payload))) => all.extend(forged(number, mark, bytes[places[n].0 + 12], payload)),
                None => all.extend(forged(number, mark, bytes[places[n].0 + 12], payload(n))),
            }
            number += 1;
        }
        all
    };
    assert_eq!(with(&[]), bytes, "the forger knows the format");
    let idx = path.with_extension("idx");
    let mut changed = payload(40).to_vec();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    for (what, forged, record) in [
        ("flip", with(&[(40, Some(changed))]), 40),
        ("drop", with(&[(40, None)]), 40),
        ("swap", with(&[(40, Some(payload(41).to_vec())), (41, Some(payload(40).to_vec()))]), 40),
    ] {
        let _ = std::fs::remove_file(&idx);
        std::fs::write(&path, forged).expect("written");
        let bad = checked(dir.path()).first_bad.unwrap_or_else(|| panic!("{what} was not seen"));
        assert_eq!((bad.record, &*bad.file), (Some(first + record), &*format!("log/{first:016x}.log")), "{what}: {bad:?}");
        // The leaves forged as well: then the signed head says among which records it is.
        let leaves = dir.path().join(format!("audit/{first:016x}.leaves"));
        let kept = std::fs::read(&leaves).expect("read");
        std::fs::remove_file(&leaves).expect("removed");
        assert!(!checked(dir.path()).ok, "{what}, without leaves");
        std::fs::write(&leaves, kept).expect("written");
    }
}

#[test]
fn a_sealed_segment_of_another_log_is_refused() {
    let (dir, other) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    written(dir.path(), 600, true);
    let (mut writer, log) = open(other.path(), options(true)).expect("opened");
    while log.end() < 600 {
        let end = log.end();
        let mut batch = samples::requests(end..end + 90.min(600 - end));
        if let Some(event) = batch.get_mut(7).filter(|_| end == 180) {
            event.raw = b"GET /nothing HTTP/1.1"[..].into();
        }
        writer.append(&batch).expect("appended");
    }
    writer.seal().expect("sealed");
    drop(writer);
    let names = |dir: &Path| segments(dir, "parquet").iter().map(|p| p.file_name().map(ToOwned::to_owned)).collect::<Vec<_>>();
    assert_eq!(names(dir.path()), names(other.path()));
    for ending in ["parquet", "seal"] {
        for path in segments(other.path(), ending) {
            std::fs::copy(&path, dir.path().join("log").join(path.file_name().expect("a name"))).expect("copied");
        }
    }
    let bad = checked(dir.path()).first_bad.expect("seen");
    assert_eq!((bad.record, bad.file.ends_with(".parquet")), (Some(187), true), "{bad:?}");
}

#[test]
fn what_was_cut_or_removed_is_missed() {
    let dir = tempfile::tempdir().expect("a directory");
    written(dir.path(), 1_500, false);
    let head = checked(dir.path()).head.expect("a head");
    let (size, root) = head.split_once(':').expect("SIZE:ROOT");
    let known = Known { head: Some((size.parse().expect("a number"), root.parse().expect("a hash"))), key: None };
    assert!(verify(dir.path(), &known).expect("read").ok);

    let last = segments(dir.path(), "log").pop().expect("a segment");
    let bytes = std::fs::read(&last).expect("read");
    let (at, _) = *places(&bytes).last().expect("a record");
    for idx in segments(dir.path(), "idx") {
        std::fs::remove_file(idx).expect("removed");
    }
    for cut in [at, at + 5, bytes.len() - 1] {
        std::fs::write(&last, &bytes[..cut]).expect("written");
        let bad = checked(dir.path()).first_bad.expect("seen");
        assert_eq!((bad.record, bad.offset), (Some(1_499), at as u64), "{bad:?}");
    }
    std::fs::write(&last, &bytes).expect("written");

    let middle = segments(dir.path(), "log").remove(1);
    let kept = std::fs::read(&middle).expect("read");
    std::fs::remove_file(&middle).expect("removed");
    assert!(checked(dir.path()).first_bad.expect("seen").why.contains("are missing"));
    std::fs::write(&middle, kept).expect("written");

    // Log, leaves and heads cut together, as whoever can write the directory would: only the head kept elsewhere tells.
    let heads = std::fs::read_to_string(dir.path().join("audit/heads.jsonl")).expect("read");
    written(dir.path(), 1_600, false);
    let copy = tempfile::tempdir().expect("a directory");
    written(copy.path(), 1_000, false);
    let old = Known { head: None, key: Some(key(dir.path())) };
    assert!(!verify(copy.path(), &old).expect("read").ok, "another key");
    assert!(verify(copy.path(), &Known::default()).expect("read").ok);
    let bad = verify(copy.path(), &known).expect("read").first_bad.expect("seen");
    assert!(bad.why.contains("its tail was cut off"), "{bad:?}");

    // A head taken out of the middle.
    let more = std::fs::read_to_string(dir.path().join("audit/heads.jsonl")).expect("read");
    assert!(more.starts_with(&heads) && more.lines().count() > heads.lines().count());
    let without: String = more.lines().skip(1).map(|line| format!("{line}\n")).collect();
    std::fs::write(dir.path().join("audit/heads.jsonl"), without).expect("written");
    let bad = checked(dir.path()).first_bad.expect("seen");
    assert_eq!((&*bad.file, bad.offset), ("audit/heads.jsonl", 0), "{bad:?}");
}

/// The log goes on behind what was attested, so that nothing takes the place of what was cut off.
#[test]
fn a_cut_log_goes_on_and_stays_cut() {
    let dir = tempfile::tempdir().expect("a directory");
    written(dir.path(), 500, false);
    let last = segments(dir.path(), "log").pop().expect("a segment");
    let first = u64::from_str_radix(last.file_stem().and_then(|s| s.to_str()).expect("a name"), 16).expect("an offset");
    let bytes = std::fs::read(&last).expect("read");
    let (at, _) = places(&bytes)[3];
    std::fs::write(&last, &bytes[..at]).expect("written");
    let _ = std::fs::remove_file(last.with_extension("idx"));
    let (mut writer, log) = open(dir.path(), options(false)).expect("opened");
    assert_eq!(log.end(), 500);
    assert_eq!(writer.append(&samples::requests(500..510)).expect("appended"), 500..510);
    drop(writer);
    let bad = checked(dir.path()).first_bad.expect("seen");
    assert_eq!(bad.record, Some(first + 3), "{bad:?}");
}

#[test]
fn proofs_need_no_log() {
    let dir = tempfile::tempdir().expect("a directory");
    written(dir.path(), 2_500, false);
    let early = checked(dir.path()).head.expect("a head");
    written(dir.path(), 3_300, true);
    let key = key(dir.path());
    let log = open_read_only(dir.path()).expect("opened");
    for record in [0, 1, 1_023, 1_024, 2_047, 2_500, 3_299] {
        let proof = Inclusion::of(dir.path(), &log, record).expect("read").expect("attested");
        assert_eq!(proof.check(&key).expect("holds"), Some(samples::requests(record..record + 1).remove(0)));
        assert!(Inclusion { record: record ^ 1, ..proof.clone() }.check(&key).is_err());
        assert!(proof.check(&other_key()).is_err());
    }
    assert_eq!(Inclusion::of(dir.path(), &log, 3_300).expect("read"), None);
    let (size, root) = early.split_once(':').expect("SIZE:ROOT");
    let (size, root) = (size.parse().expect("a number"), root.parse().expect("a hash"));
    let proof = Growth::of(dir.path(), &log, size, root).expect("read").expect("attested");
    proof.check(&key).expect("holds");
    assert!(Growth { size: size - 1, ..proof }.check(&key).is_err());
}

fn key(dir: &Path) -> PublicKey {
    PublicKey::from_pem(&std::fs::read_to_string(dir.join("audit/key.pub")).expect("read")).expect("a key")
}

fn other_key() -> PublicKey {
    let dir = tempfile::tempdir().expect("a directory");
    written(dir.path(), 1, false);
    key(dir.path())
}

fn copied(from: &Path, to: &Path) {
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Stopped without a word after any batch, with any of the files that can be made again cut: the next writer takes up the tree, and
    /// everything attested before and after holds.
    #[test]
    fn a_stopped_writer_is_taken_up(batches in proptest::collection::vec(1_u64..400, 1..12), stop in 0_usize..12, cut in 0_usize..3, keep in 0_u64..5_000) {
        let (dir, copy) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
        let (mut writer, log) = open(dir.path(), options(false)).expect("opened");
        for (n, batch) in batches.iter().enumerate() {
            let end = log.end();
            writer.append(&samples::requests(end..end + batch)).expect("appended");
            if n == 1 {
                writer.head().expect("signed");
            }
            if n == stop % batches.len() {
                copied(dir.path(), copy.path());
            }
        }
        drop(writer);
        let file = match cut {
            0 => None,
            1 => Some(copy.path().join("audit/blocks")),
            _ => std::fs::read_dir(copy.path().join("audit")).expect("listed").filter_map(|e| Some(e.ok()?.path())).filter(|p| p.extension().is_some_and(|e| e == "leaves")).max(),
        };
        if let Some(file) = file {
            let file = std::fs::File::options().write(true).open(file).expect("opened");
            file.set_len(keep.min(file.metadata().expect("there").len())).expect("cut");
        }
        let (mut writer, log) = open(copy.path(), options(false)).expect("opened");
        let end = log.end();
        writer.append(&samples::requests(end..end + 50)).expect("appended");
        drop(writer);
        let report = checked(copy.path());
        prop_assert!(report.ok && report.unattested == 0 && report.records == end + 50, "{:?}", report);
    }
}
