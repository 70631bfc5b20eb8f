//! A followed file and SIGKILL: whatever was written to it, before, meanwhile and while nobody looked, is in the log once.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

fn watch(dir: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_bartizan"))
        .args(["watch", "--follow", "--no-console", "--data-dir"])
        .arg(dir.join("data"))
        .arg(dir.join("auth.log"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("bartizan runs")
}

/// How often each line of the file is in the log.
fn kept(dir: &Path) -> BTreeMap<u64, u32> {
    let mut all = BTreeMap::new();
    let Ok(log) = store::open_read_only(&dir.join("data")) else { return all };
    let mut at = 0;
    while at < log.end() {
        let Ok(page) = log.read(at, 8_192) else { break };
        let Some((last, _)) = page.last() else { break };
        at = last + 1;
        for (_, event) in page.iter().filter(|(_, event)| event.is_activity()) {
            let text = event.raw.text();
            let number = text.rsplit_once(' ').and_then(|(_, n)| n.parse().ok()).unwrap_or_else(|| panic!("no line of ours: {text}"));
            *all.entry(number).or_default() += 1;
        }
    }
    all
}

fn until(what: &str, mut is: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is() {
        assert!(start.elapsed() < PATIENCE, "{what} takes too long");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn killed_and_rotated_it_goes_on_with_every_line_once() {
    let place = tempfile::tempdir().expect("a folder");
    let dir = place.path();
    let path = dir.join("auth.log");
    let written = Arc::new(AtomicU64::new(0));
    let append = {
        let (path, written) = (path.clone(), Arc::clone(&written));
        move |lines: u64| {
            let mut file = fs::OpenOptions::new().append(true).create(true).open(&path).expect("a file");
            let text: String = (0..lines)
                .map(|_| format!("Jan  5 10:00:00 web app[7]: a line of nothing that matters {}\n", written.fetch_add(1, SeqCst)))
                .collect();
            file.write_all(text.as_bytes()).expect("written");
        }
    };
    append(10);
    for round in 0..4 {
        let before = written.load(SeqCst);
        let mut child = watch(dir);
        let stop = Arc::new(AtomicBool::new(false));
        let (writer, stopped) = (append.clone(), Arc::clone(&stop));
        let writing = std::thread::spawn(move || {
            while !stopped.load(SeqCst) {
                writer(200);
                std::thread::sleep(Duration::from_millis(3));
            }
        });
        // Killed in the middle: some of what is written now is on disk, some is on its way.
        until("reading", || kept(dir).len() as u64 > before + 500);
        std::thread::sleep(Duration::from_millis(37 * (round + 1)));
        child.kill().expect("killed");
        child.wait().expect("ended");
        stop.store(true, SeqCst);
        writing.join().expect("no panic");
        append(50);
        match round {
            1 => fs::rename(&path, dir.join("auth.log.1")).expect("renamed"),
            2 => {
                fs::copy(&path, dir.join("auth.log.1")).expect("copied");
                fs::OpenOptions::new().write(true).truncate(true).open(&path).expect("emptied");
            }
            _ => {}
        }
        append(50);
    }
    let mut child = watch(dir);
    let all = written.load(SeqCst);
    until("the last run", || kept(dir).len() as u64 == all);
    std::thread::sleep(Duration::from_millis(500));
    child.kill().expect("killed");
    child.wait().expect("ended");
    let kept = kept(dir);
    let twice: Vec<_> = kept.iter().filter(|(_, times)| **times != 1).take(10).collect();
    assert!(twice.is_empty(), "of {all} lines these are there more than once: {twice:?}");
    assert_eq!(kept.len() as u64, all);
}
