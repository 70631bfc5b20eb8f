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

/// A folder with followed `auth.log`, and what a run with that engine hands over until it has been quiet for a while.
fn remembered(place: &Path, keeps: impl Fn(u64) -> bool + Sync) -> Vec<(u64, String)> {
    let mut follow = Follow::remembering(place.join("auth.log"), &place.join("sources"));
    follow.poll = Duration::from_millis(1);
    let stop = Arc::new(AtomicBool::new(false));
    let (send, lines) = channel();
    let stopped = Arc::clone(&stop);
    let keeps = &keeps;
    std::thread::scope(|scope| {
        let thread = scope.spawn(move || {
            let out = &mut |mut batch: source::Batch| {
                let mut last = 0;
                for record in batch.records() {
                    last = record.number;
                    let _ = send.send((record.number, String::from_utf8_lossy(record.bytes).into_owned()));
                }
                batch.receipt.take().expect("a remembered file waits").answer(keeps(last));
                ControlFlow::Continue(())
            };
            follow.run(out, &stopped).expect("a readable file")
        });
        let mut all = Vec::new();
        while let Ok(line) = lines.recv_timeout(Duration::from_millis(300)) {
            all.push(line);
        }
        stop.store(true, Ordering::Relaxed);
        thread.join().expect("no panic");
        all
    })
}

fn texts(all: &[(u64, String)]) -> Vec<(u64, &str)> {
    all.iter().map(|(number, line)| (*number, line.as_str())).collect()
}

#[test]
fn a_remembered_file_goes_on_where_the_log_ended() {
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("auth.log");
    append(&path, "one\ntwo\n");
    assert_eq!(texts(&remembered(place.path(), |_| true)), [(1, "one"), (2, "two")]);
    append(&path, "three\n");
    // The log could not be written: the same line comes again under the same number.
    assert_eq!(texts(&remembered(place.path(), |_| false)), [(3, "three")]);
    append(&path, "four\n");
    assert_eq!(texts(&remembered(place.path(), |_| true)), [(3, "three"), (4, "four")]);
    assert_eq!(texts(&remembered(place.path(), |_| true)), []);
    let position = source::kept_position(&place.path().join("sources"), &path).expect("a position");
    assert_eq!((position.lines, position.offset), (4, 19));
    // A position that cannot be read is none.
    for entry in fs::read_dir(place.path().join("sources")).expect("a folder").flatten() {
        fs::write(entry.path(), "{").expect("written");
    }
    assert_eq!(remembered(place.path(), |_| true).len(), 4);
}

#[test]
fn rotations_while_nobody_looked_lose_nothing() {
    let first = "a first line that is long enough to be known again";
    // Copied and emptied.
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("auth.log");
    append(&path, &format!("{first}\n"));
    assert_eq!(texts(&remembered(place.path(), |_| true)), [(1, first)]);
    append(&path, "before the copy\n");
    fs::copy(&path, place.path().join("auth.log.1")).expect("copied");
    fs::OpenOptions::new().write(true).truncate(true).open(&path).expect("emptied");
    append(&path, "after\n");
    assert_eq!(texts(&remembered(place.path(), |_| true)), [(2, "before the copy"), (3, "after")]);
    assert_eq!(texts(&remembered(place.path(), |_| true)), []);
    // Renamed three times.
    for n in 0..3 {
        append(&path, &format!("of {n}\n"));
        let names = ["auth.log", "auth.log.1", "auth.log.2", "auth.log.3", "auth.log.4"];
        for (from, to) in names.iter().zip(&names[1..]).rev() {
            let _ = fs::rename(place.path().join(from), place.path().join(to));
        }
        std::thread::sleep(Duration::from_millis(20));
        append(&path, &format!("new {n}\n"));
    }
    let came = remembered(place.path(), |_| true);
    let expected = [(4, "of 0"), (5, "new 0"), (6, "of 1"), (7, "new 1"), (8, "of 2"), (9, "new 2")];
    assert_eq!(texts(&came), expected);
    assert_eq!(texts(&remembered(place.path(), |_| true)), []);
}
