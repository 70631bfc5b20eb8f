//! Readers beside a writer, in the same process and as another one would.

use std::sync::atomic::{AtomicBool, Ordering};

use store::{Options, Query, open, open_read_only};

use crate::reopen::{events, filled, small};
use crate::samples;

#[test]
fn a_reader_follows_the_writer() {
    let dir = tempfile::tempdir().expect("a directory");
    let all = samples::requests(0..400);
    let (mut writer, _) = open(dir.path(), small()).expect("opened");
    let reader = open_read_only(dir.path()).expect("opened");
    assert_eq!(reader.end(), 0);
    for (i, batch) in all.chunks(40).enumerate() {
        writer.append(batch).expect("appended");
        assert_eq!(reader.refresh().expect("read"), (i as u64 + 1) * 40);
        assert_eq!(events(&reader), all[..(i + 1) * 40]);
    }
    assert_eq!(reader.facts().damage, []);
    assert_eq!(reader.facts().minutes, writer.log().facts().minutes);
    assert_eq!(reader.facts().counts, writer.log().facts().counts);
    assert_eq!(events(&open_read_only(dir.path()).expect("opened")), all);
}

/// The writer took a batch back (no space left) that a reader had seen, and wrote another one.
#[test]
fn a_reader_notices_what_was_taken_back() {
    let dir = tempfile::tempdir().expect("a directory");
    let all = samples::requests(0..60);
    let segment = dir.path().join("log/0000000000000000.log");
    filled(dir.path(), &all[..20], Options::default());
    let reader = open_read_only(dir.path()).expect("opened");
    let short = std::fs::metadata(&segment).expect("there").len();
    filled(dir.path(), &all[20..40], Options::default());
    assert_eq!(reader.refresh().expect("read"), 40);
    let file = std::fs::File::options().write(true).open(&segment).expect("opened");
    file.set_len(short).expect("cut");
    // It never was acknowledged.
    std::fs::remove_dir_all(dir.path().join("audit")).expect("removed");
    filled(dir.path(), &all[40..60], Options::default());
    assert_eq!(reader.refresh().expect("read"), 40);
    assert_eq!(events(&reader), [&all[..20], &all[40..60]].concat());
}

#[test]
fn searches_run_while_events_are_added() {
    let dir = tempfile::tempdir().expect("a directory");
    let all = samples::requests(0..5_000);
    let (mut writer, log) = open(dir.path(), small()).expect("opened");
    let beside = open_read_only(dir.path()).expect("opened");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for reader in [&log, &beside] {
            let (all, done) = (&all, &done);
            scope.spawn(move || {
                let query = Query { limit: 100, ..Query::parse("path:/item/7").expect("a query") };
                let mut last = 0;
                loop {
                    let over = done.load(Ordering::Acquire);
                    let end = reader.refresh().expect("read");
                    assert!(end >= last, "the end never goes back");
                    last = end;
                    let page = reader.query(&query).expect("searched");
                    let expected = (0..end).rev().filter(|i| i % 97 == 7).count().min(100);
                    assert!(page.rows.len() >= expected);
                    assert!(page.rows.iter().all(|(offset, event)| event == &all[*offset as usize]));
                    if over {
                        break;
                    }
                }
                assert_eq!(last, all.len() as u64);
            });
        }
        for batch in all.chunks(50) {
            writer.append(batch).expect("appended");
        }
        done.store(true, Ordering::Release);
    });
}
