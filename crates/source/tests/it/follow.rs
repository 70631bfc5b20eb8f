//! A growing file through rotation, emptying, absence and restart. Each step waits for what it expects, not for a time.

use std::fs;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use source::{Done, Follow, Position, Source, Start};

/// A test that waits longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(20);

struct Watched {
    place: tempfile::TempDir,
    path: PathBuf,
    lines: Receiver<(u64, String, Position)>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Done>>,
}

impl Watched {
    fn new(before: &str, start: Start) -> Watched {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("auth.log");
        fs::write(&path, before).expect("written");
        Watched::of(place, start)
    }

    fn of(place: tempfile::TempDir, start: Start) -> Watched {
        let path = place.path().join("auth.log");
        let (send, lines) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let mut follow = Follow::new(&path, start);
        follow.poll = Duration::from_millis(1);
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let out = &mut |batch: source::Batch| {
                for record in batch.records() {
                    let line = String::from_utf8_lossy(record.bytes).into_owned();
                    if send.send((record.number, line, batch.position.expect("a followed file has positions"))).is_err() {
                        return ControlFlow::Break(());
                    }
                }
                ControlFlow::Continue(())
            };
            follow.run(out, &stopped).expect("a readable file")
        });
        Watched { place, path, lines, stop, thread: Some(thread) }
    }

    fn append(&self, text: &str) {
        append(&self.path, text);
    }

    /// The next lines are these; returns the position after the last.
    fn expect(&self, expected: &[(u64, &str)]) -> Position {
        let mut position = Position::default();
        for (number, line) in expected {
            let found = self.lines.recv_timeout(PATIENCE).expect("a line in time");
            assert_eq!((found.0, found.1.as_str()), (*number, *line));
            position = found.2;
        }
        position
    }

    /// Stops; what came besides, and what came of it.
    fn end(mut self) -> (tempfile::TempDir, Vec<String>, Done) {
        self.stop.store(true, Ordering::Relaxed);
        let done = self.thread.take().expect("running").join().expect("no panic");
        (self.place, self.lines.iter().map(|(_, line, _)| line).collect(), done)
    }
}

fn append(path: &Path, text: &str) {
    let mut file = fs::OpenOptions::new().append(true).create(true).open(path).expect("a file");
    file.write_all(text.as_bytes()).expect("written");
}

#[test]
fn lines_come_when_they_end() {
    let watched = Watched::new("one\ntw", Start::Beginning);
    watched.expect(&[(1, "one")]);
    watched.append("o\nthree\nfo");
    watched.expect(&[(2, "two"), (3, "three")]);
    let (_, rest, done) = watched.end();
    assert!(rest.is_empty(), "a partial line is held: {rest:?}");
    assert_eq!((done.records, done.rotations), (3, 0));
}

#[test]
fn renamed_files_are_finished_first() {
    let watched = Watched::new("one\n", Start::Beginning);
    watched.expect(&[(1, "one")]);
    let old = watched.place.path().join("auth.log.1");
    fs::rename(&watched.path, &old).expect("renamed");
    append(&old, "late\nlast without end");
    watched.append("new\n");
    watched.expect(&[(2, "late"), (3, "last without end"), (4, "new")]);
    watched.append("more\n");
    watched.expect(&[(5, "more")]);
    assert_eq!(watched.end().2.rotations, 1);
}

#[test]
fn emptied_files_are_read_from_their_beginning() {
    let watched = Watched::new("one\ntwo\n", Start::Beginning);
    watched.expect(&[(1, "one"), (2, "two")]);
    fs::write(&watched.path, "3\n").expect("emptied and filled");
    watched.expect(&[(3, "3")]);
    assert_eq!(watched.end().2.rotations, 1);
}

#[test]
fn emptied_files_that_grew_past_the_old_end_are_noticed() {
    let watched = Watched::new("one\n", Start::Beginning);
    watched.expect(&[(1, "one")]);
    // One write, so that no look falls between emptying and filling.
    let filled = watched.place.path().join("filled");
    fs::write(&filled, "other and longer\n").expect("written");
    fs::copy(&filled, &watched.path).expect("copied over");
    watched.expect(&[(2, "other and longer")]);
}

#[test]
fn files_may_vanish_and_come_back() {
    let watched = Watched::new("one\n", Start::Beginning);
    watched.expect(&[(1, "one")]);
    fs::remove_file(&watched.path).expect("removed");
    watched.append("back\n");
    watched.expect(&[(2, "back")]);
}

#[test]
fn the_end_is_after_the_last_line() {
    // The third line has not ended. The thread may look late: lines are added until one comes, and each says its number.
    let watched = Watched::new("1\n2\n3", Start::End);
    let first = (4..100_000).find_map(|next| {
        watched.append(&format!("\n{next}"));
        watched.lines.recv_timeout(Duration::from_millis(1)).ok()
    });
    let (number, line, _) = first.expect("a line");
    assert!(number >= 3 && line == number.to_string(), "{number} {line}");
}

#[test]
fn a_restart_reads_nothing_twice_and_misses_nothing() {
    let watched = Watched::new("one\ntwo\nthr", Start::Beginning);
    let position = watched.expect(&[(1, "one"), (2, "two")]);
    let (place, _, _) = watched.end();
    append(&place.path().join("auth.log"), "ee\n");
    let again = Watched::of(place, Start::After(position));
    let position = again.expect(&[(3, "three")]);
    // Rotated while nobody looked.
    let (place, _, _) = again.end();
    append(&place.path().join("auth.log"), "four\n");
    fs::rename(place.path().join("auth.log"), place.path().join("auth.log.1")).expect("renamed");
    append(&place.path().join("auth.log"), "five\n");
    let again = Watched::of(place, Start::After(position));
    again.expect(&[(4, "four"), (5, "five")]);
}

#[test]
fn another_file_behind_the_name_is_read_from_its_beginning() {
    let watched = Watched::new("one\ntwo\n", Start::Beginning);
    let position = watched.expect(&[(1, "one"), (2, "two")]);
    let (place, _, _) = watched.end();
    fs::write(place.path().join("auth.log"), "another\n").expect("written");
    let again = Watched::of(place, Start::After(position));
    again.expect(&[(3, "another")]);
}

#[test]
fn a_file_that_is_not_there_is_a_fault() {
    let fault = Follow::new("/nonexistent/auth.log", Start::End).run(&mut |_| ControlFlow::Continue(()), &AtomicBool::new(false));
    assert_eq!(fault.expect_err("no such file").to_string(), "cannot read /nonexistent/auth.log: no such file or folder");
}
