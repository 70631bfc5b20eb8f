//! SIGKILL at any moment loses no acknowledged event and stores none twice.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use store::{Options, open};

use crate::reopen::events;
use crate::samples;

const DIR: &str = "STORE_TEST_KILL_DIR";

fn options() -> Options {
    Options { segment_bytes: 100_000, ..Options::default() }
}

/// Runs only as the child of the test below: appends until it is killed and says what was acknowledged.
#[test]
#[ignore = "the child of acknowledged_events_survive_a_kill"]
fn appending_child() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let (mut writer, log) = open(Path::new(&dir), options()).expect("opened");
    let mut out = std::io::stdout();
    loop {
        let end = log.end();
        let range = writer.append(&samples::requests(end..end + 1 + end % 40)).expect("appended");
        writeln!(out, "acknowledged {}", range.end).and_then(|()| out.flush()).expect("said");
    }
}

#[test]
fn acknowledged_events_survive_a_kill() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut acknowledged = 0;
    for round in 0..20 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut child = Command::new(std::env::current_exe().expect("this binary"))
            .args(["kill::appending_child", "--exact", "--ignored", "--nocapture", "--test-threads", "1"])
            .env(DIR, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
        let mut note = |line: String| {
            // The test harness does not end its own line first.
            let number = line.rsplit_once("acknowledged ").and_then(|(_, n)| n.parse().ok());
            acknowledged = number.unwrap_or(acknowledged).max(acknowledged);
        };
        lines.by_ref().take(2 + (seed >> 33) as usize % 40).for_each(&mut note);
        std::thread::sleep(Duration::from_micros(seed >> 20 & 0xfff));
        child.kill().expect("killed");
        child.wait().expect("ended");
        lines.for_each(&mut note);
        let (_writer, log) = open(dir.path(), options()).expect("opened");
        let end = log.end();
        assert!(end >= acknowledged, "round {round}: {acknowledged} were acknowledged, {end} are there");
        assert_eq!(events(&log), samples::requests(0..end), "round {round}");
        assert_eq!(log.facts().damage, [], "round {round}");
        // The index that this writer leaves behind must not stand in for what the next one is killed over.
    }
    assert!(acknowledged > 1_000, "only {acknowledged} were ever acknowledged");
}
