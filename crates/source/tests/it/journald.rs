//! The child that reads the journal, played by a script that answers as journalctl does: a test cannot count on a journal of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use source::journald::Journald;
use source::{Counters, Error, Locator, Opening};

use crate::setup::Running;

/// Writes down what it was asked, then entries, then waits or ends.
fn script(place: &Path, body: &str) -> PathBuf {
    let path = place.join("journalctl");
    fs::write(&path, format!("#!/bin/sh\necho \"$@\" >> {}/asked\n{body}\n", place.display())).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("may be run");
    path
}

fn entry(n: u32) -> String {
    format!(r#"{{"__CURSOR":"s=1;i={n}","__REALTIME_TIMESTAMP":"1700000000000000","MESSAGE":"entry {n} \"__CURSOR\":\"forged\""}}"#)
}

fn journal(place: &Path, locator: &str, program: PathBuf) -> (Journald, Arc<Counters>) {
    let opening = Opening { counters: Arc::default(), folder: place.join("sources"), inherited: Arc::default() };
    let locator = Locator::parse(locator).and_then(Result::ok).expect("a locator");
    let mut journal = Journald::open(&locator, &opening).expect("a folder");
    journal.program = program;
    (journal, opening.counters)
}

fn run(place: &Path, locator: &str, body: &str) -> Running {
    let (journal, counters) = journal(place, locator, script(place, body));
    Running::of(Box::new(journal), counters)
}

fn asked(place: &Path) -> String {
    fs::read_to_string(place.join("asked")).expect("it was asked")
}

fn cursor(place: &Path) -> Option<String> {
    let mut files = fs::read_dir(place.join("sources")).ok()?;
    fs::read_to_string(files.next()?.expect("a file").path()).ok()
}

#[test]
fn it_begins_now_and_goes_on_after_the_last_record_that_was_kept() {
    let place = tempfile::tempdir().expect("a folder");
    let place = place.path();
    let running = run(place, "journald:", &format!("echo '{}'\necho '{}'\nexec sleep 60", entry(1), entry(2)));
    assert_eq!((running.next().text, running.next().text), (entry(1), entry(2)));
    assert_eq!(running.rest(), []);
    assert_eq!(asked(place), "--follow --output=json --all --no-pager --lines=0\n");
    assert_eq!(cursor(place).as_deref(), Some("s=1;i=2"));

    let running = run(place, "journald:", &format!("echo '{}'\nexec sleep 60", entry(3)));
    assert_eq!(running.next().text, entry(3));
    drop(running);
    assert!(asked(place).ends_with("--no-pager --after-cursor=s=1;i=2 --no-tail\n"), "{}", asked(place));
}

#[test]
fn what_is_not_on_disk_is_read_again() {
    let place = tempfile::tempdir().expect("a folder");
    let place = place.path();
    let running = {
        let (journal, counters) = journal(place, "journald:", script(place, &format!("sleep 0.2; echo '{}'\nexec sleep 60", entry(1))));
        Running::of(Box::new(journal), counters)
    };
    running.keeps.store(false, Ordering::SeqCst);
    assert_eq!(running.next().text, entry(1));
    drop(running);
    assert_eq!(cursor(place), None);
}

#[test]
fn options_are_passed_on_as_one_word_each() {
    let place = tempfile::tempdir().expect("a folder");
    let place = place.path();
    let running = run(place, "journald:?unit=ssh.service&since=-1%20h%3B%20reboot", &format!("echo '{}'\nexec sleep 60", entry(1)));
    running.next();
    assert_eq!(asked(place), "--follow --output=json --all --no-pager --unit=ssh.service --since=-1 h; reboot --no-tail\n");
}

#[test]
fn a_child_that_ends_is_a_failure_that_trying_again_may_mend() {
    let place = tempfile::tempdir().expect("a folder");
    let mut running = run(place.path(), "journald:", &format!("echo '{}'\necho 'Failed to seek' >&2\nexit 1", entry(1)));
    assert_eq!(running.next().text, entry(1));
    let error = loop {
        // It ends by itself: telling it to stop must not hide why.
        if let Some(error) = running.ended() {
            break error.expect_err("it failed");
        }
    };
    assert!(!error.is_final());
    assert!(error.to_string().contains("(exit status: 1): Failed to seek"), "{error}");
}

#[test]
fn the_supervisor_starts_it_again_where_it_was() {
    let place = tempfile::tempdir().expect("a folder");
    let place = place.path();
    let (mut journal, counters) = journal(place, "journald:", script(place, &format!("echo '{}'; exit 1", entry(7))));
    let stop = std::sync::atomic::AtomicBool::new(false);
    let mut came = 0;
    let mut out = |batch: source::Batch| {
        came += batch.records().count();
        stop.store(came == 2, Ordering::SeqCst);
        std::ops::ControlFlow::Continue(())
    };
    let mut waits = Vec::new();
    source::supervise(&mut journal, &counters, &mut out, &stop, &mut |error, wait| waits.push((error.to_string(), wait.as_secs())))
        .expect("told to stop");
    assert_eq!(waits.len(), 1);
    assert_eq!(waits[0].1, 1);
    assert!(asked(place).ends_with("--after-cursor=s=1;i=7 --no-tail\n"), "{}", asked(place));
}

#[test]
fn without_journalctl_it_says_so() {
    let place = tempfile::tempdir().expect("a folder");
    let (journal, counters) = journal(place.path(), "journald:", "/nowhere/journalctl".into());
    let error = Running::of(Box::new(journal), counters).end().expect_err("absent");
    assert!(error.is_final() && matches!(error, Error::Absent { .. }));
    assert!(error.to_string().contains("/nowhere/journalctl is not there: the journal is read through it"), "{error}");
}
