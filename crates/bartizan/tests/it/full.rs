//! A disk without room: sources wait, people are told, nothing is lost, and everything goes on by itself when there is room again.
//!
//! The child runs in a mount namespace of its own on a small file system in memory; where none can be made the test is skipped.
#![allow(clippy::print_stderr)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::Ordering;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use bartizan::clock;
use bartizan::engine::{Engine, Input, Shared};
use bartizan::pipeline::Pipeline;
use bartizan::points::Points;
use detect::Knowledge;
use event::order::{Fault, What};
use event::response::Mode;
use event::{Body, Entity, Event, Text};

use super::kill::sign_in;

const DIR: &str = "BARTIZAN_TEST_FULL_DIR";
const BATCH: u64 = 2_000;

/// Runs only as the child of the test below.
#[test]
#[ignore = "the child of a_full_disk_loses_nothing"]
fn child() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let dir = Path::new(&dir);
    let filler = dir.join("filler");
    std::fs::write(&filler, vec![0; 85 << 20]).expect("there is room for the filler");
    let options = store::Options { segment_bytes: 4 << 20, seal: false, ..store::Options::default() };
    let (writer, log) = store::open(dir, options).expect("opened");
    let pipeline = Pipeline::new(&Knowledge::default(), 1, incident::Never::default(), Mode::Monitor);
    let shared = Shared::new(false);
    let points = Points { nftables: None, data_dir: dir.to_owned() };
    let (engine, _thread) = Engine::open(pipeline, writer, shared.clone(), &points, clock::now()).expect("opened").start(drop);
    let failing = || shared.figures.write_failed.load(Ordering::Relaxed);
    let start = Instant::now();
    let late = || assert!(start.elapsed() < Duration::from_secs(60), "nothing changes any more");

    let mut sent = 0;
    while !failing() {
        late();
        let batch: Vec<Event> = (sent..sent + BATCH).map(sign_in).collect();
        if engine.try_send(Input::Events(batch)).is_ok() {
            sent += BATCH;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    // Nobody waits for an answer.
    let (reply, answer) = tokio::sync::oneshot::channel();
    let block = What::Block {
        entity: Entity::address([198, 51, 100, 7].into()),
        for_s: 60,
        reason: "test".into(),
        disposition: event::decision::Disposition::Block,
    };
    engine.send(Input::Order(block, Text::from("test"), reply)).expect("taken");
    let answer = answer.blocking_recv().expect("answered");
    assert!(matches!(&answer.fault, Some(Fault::Failed(why)) if why.contains("cannot be written")), "{answer:?}");
    let blocked = shared.decisions.load().for_address([198, 51, 100, 7].into(), clock::now()).is_some();
    assert!(!blocked, "what cannot be recorded is not done");
    // Sources wait: the queue takes no more.
    let mut refused = 0;
    while refused < 20 {
        late();
        match engine.try_send(Input::Events((sent..sent + BATCH).map(sign_in).collect())) {
            Ok(()) => sent += BATCH,
            Err(_) => refused += 1,
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let kept = log.end();
    std::fs::remove_file(&filler).expect("removed");
    let (done, wait) = sync_channel(1);
    engine.send(Input::Flush(done)).expect("taken");
    wait.recv_timeout(Duration::from_secs(60)).expect("it goes on by itself");
    assert!(!failing() && shared.figures.not_kept.load(Ordering::Relaxed) == 0);

    let mut records = BTreeMap::new();
    let (mut told, mut at) = (false, 0);
    loop {
        let page = log.read(at, 4_096).expect("read");
        let Some((last, _)) = page.last() else { break };
        at = last + 1;
        for (_, event) in page {
            match event.body {
                Body::Authentication(_) => *records.entry(event.meta.record).or_insert(0) += 1,
                Body::Incident(incident) => told |= incident.title.contains("could not be written"),
                _ => {}
            }
        }
    }
    assert!(records.len() as u64 == sent && records.values().all(|n| *n == 1), "{} of {sent} records", records.len());
    assert!(told && log.end() > kept, "an incident says so");
    eprintln!("room for {kept} records, then for all {sent}");
}

#[test]
fn a_full_disk_loses_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().to_str().expect("UTF-8");
    let inside = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-ec", script, "sh", path]).env(DIR, path);
        command.arg(std::env::current_exe().expect("this binary"));
        command.output()
    };
    if !inside("mount -t tmpfs -o size=100m none \"$1\"").is_ok_and(|out| out.status.success()) {
        eprintln!("skipped: no mount namespace (unshare, and the right to make one)");
        return;
    }
    let out = inside("mount -t tmpfs -o size=100m none \"$1\"; exec \"$2\" it::full::child --exact --ignored --nocapture --test-threads 1")
        .expect("run");
    assert!(out.status.success(), "{}\n{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    eprint!("{}", String::from_utf8_lossy(&out.stderr));
}
