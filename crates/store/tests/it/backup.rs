//! A backup that is made while the log is written, sealed and gone through is a whole log.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use store::audit::{Known, verify};
use store::backup::{MANIFEST, backup, check, manifest};
use store::retain::Policy;
use store::{Error, Options, open, open_read_only};

use crate::samples;

fn options() -> Options {
    Options { segment_bytes: 60_000, ..Options::default() }
}

#[test]
fn beside_a_writer_it_ends_with_a_signed_head() {
    let dir = tempfile::tempdir().expect("a directory");
    let all = samples::requests(0..60_000);
    let stop = AtomicBool::new(false);
    let retention = Some(Policy { bytes_max: Some(300_000), ..Policy::default() });
    let (mut writer, log) = open(dir.path(), Options { retention, ..options() }).expect("opened");
    writer.append(&all[..2_000]).expect("appended");
    writer.head().expect("signed");
    let mut made = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut at = 2_000;
            while !stop.load(Ordering::Relaxed) && at + 40 < all.len() {
                writer.retain_below(log.end());
                writer.append(&all[at..at + 40]).expect("appended");
                writer.tend();
                at += 40;
                if at.is_multiple_of(400) {
                    writer.head().expect("signed");
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            writer.seal().expect("sealed");
            drop(writer);
        });
        for _ in 0..6 {
            let target = tempfile::tempdir().expect("a directory");
            made.push((backup(dir.path(), target.path(), "test").expect("made"), target));
            std::thread::sleep(Duration::from_millis(200));
        }
        stop.store(true, Ordering::Relaxed);
    });
    let mut before = 0;
    for ((said, report), target) in made {
        let size = said.head.as_ref().expect("a head").size;
        assert!(report.ok && size > before && report.unattested == 0, "{:?} of {size}", report.first_bad);
        assert_eq!(report.records + report.removed, size);
        assert_eq!(manifest(target.path()).expect("read"), said);
        let there = open_read_only(target.path()).expect("opened");
        assert_eq!(there.end(), size);
        let own = |event: &event::Event| event.body.word() == "order";
        for (_, event) in there.read(0, usize::MAX).expect("read").iter().filter(|(_, event)| !own(event)) {
            assert_eq!(event, &all[event.meta.record as usize]);
        }
        before = size;
        drop(there);
        // It is taken up, and goes on.
        let secrets = target.path().join("secrets");
        std::fs::create_dir(&secrets).expect("made");
        std::fs::copy(dir.path().join("secrets/audit.pem"), secrets.join("audit.pem")).expect("copied");
        let (mut writer, log) = open(target.path(), options()).expect("opened");
        writer.append(&samples::requests(0..100)).expect("appended");
        assert_eq!(log.end(), size + 100);
        drop((writer, log));
        assert!(verify(target.path(), &Known::default()).expect("read").ok);
    }
    assert!(verify(dir.path(), &Known::default()).expect("read").ok);
}

fn written(dir: &Path) {
    let (mut writer, _) = open(dir, options()).expect("opened");
    writer.append(&samples::requests(0..1_500)).expect("appended");
    writer.seal().expect("sealed");
    writer.append(&samples::requests(1_500..1_900)).expect("appended");
}

#[test]
fn one_that_was_changed_is_named() {
    let (dir, target) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    written(dir.path());
    let (said, _) = backup(dir.path(), target.path(), "test").expect("made");
    assert!(matches!(backup(dir.path(), target.path(), "test"), Err(Error::Io { .. })), "it is not empty");
    let logs = target.path().join("log");
    let hot = std::fs::read_dir(&logs)
        .expect("listed")
        .filter_map(|e| Some(e.ok()?.path()))
        .find(|p| p.extension().is_some_and(|e| e == "log"))
        .expect("a segment");
    let bytes = std::fs::read(&hot).expect("read");
    let mut changed = bytes.clone();
    changed[20_000] ^= 1;
    std::fs::write(&hot, changed).expect("written");
    let bad = check(target.path(), &said).expect("read").first_bad.expect("seen");
    assert!(bad.record.is_some_and(|record| (1_500..1_900).contains(&record)), "{bad:?}");
    // Cut together with its heads: the manifest tells.
    std::fs::remove_file(&hot).expect("removed");
    assert!(!check(target.path(), &said).expect("read").ok);
    std::fs::write(&hot, bytes).expect("written");
    assert!(check(target.path(), &said).expect("read").ok);
}

#[test]
fn a_newer_form_is_refused() {
    let (dir, target) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    written(dir.path());
    let (said, _) = backup(dir.path(), target.path(), "test").expect("made");
    let seal = std::fs::read_dir(target.path().join("log"))
        .expect("listed")
        .filter_map(|e| Some(e.ok()?.path()))
        .find(|p| p.extension().is_some_and(|e| e == "seal"))
        .expect("a seal");
    let bytes = std::fs::read(&seal).expect("read");
    let mut newer = bytes;
    newer[8] = 99;
    std::fs::remove_file(&seal).expect("removed");
    std::fs::write(&seal, &newer).expect("written");
    assert!(matches!(check(target.path(), &said), Err(Error::Version { found: 99, .. })));
    assert!(matches!(open(target.path(), options()), Err(Error::Version { found: 99, .. })), "nothing is made again over it");
    assert_eq!(std::fs::read(&seal).expect("read"), newer);
    let path = target.path().join(MANIFEST);
    let text = std::fs::read_to_string(&path).expect("read").replace("\"version\": 1", "\"version\": 2");
    std::fs::write(&path, text).expect("written");
    assert!(matches!(manifest(target.path()), Err(Error::Version { found: 2, .. })));
}
