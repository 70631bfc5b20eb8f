//! SIGKILL at any moment under load: nothing that was acknowledged is lost, nothing is there twice, no response is without its end and its
//! inverse, and what is in force after the start is what the log says.
//!
//! The child is the engine as `watch` runs it: sign-ins are read, addresses are blocked by plan and by hand, for a second or for long,
//! undone and put back. It says on stdout what was acknowledged; the parent kills it and looks.
#![allow(clippy::print_stderr)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::net::IpAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use bartizan::checkpoint::{Checkpoints, Pace};
use bartizan::clock;
use bartizan::engine::{Engine, Input, Shared};
use bartizan::pipeline::Pipeline;
use bartizan::points::Points;
use detect::Knowledge;
use event::authentication::{Action, Authentication, Outcome};
use event::order::What;
use event::response::{Mode, Phase};
use event::{Body, Bytes, Entity, Event, Meta, Response, Text, Time, Uid};
use store::audit::{Known, verify};

const DIR: &str = "BARTIZAN_TEST_KILL_DIR";
const FIRST_S: i64 = 1_769_860_800;

fn options() -> store::Options {
    store::Options { segment_bytes: 400_000, ..store::Options::default() }
}

fn address(n: u64) -> IpAddr {
    IpAddr::from([203, 0, 113, (n % 200) as u8])
}

/// Guessing from one address after the other, forty tries each.
pub(super) fn sign_in(record: u64) -> Event {
    let time = Time::from_s(FIRST_S + record as i64);
    let auth = Authentication {
        action: Action::Login,
        outcome: Outcome::Failure,
        user: format!("user{}", record % 7).into(),
        client: Some(address(record / 40)),
        host: "bastion".into(),
        service: "sshd".into(),
        factor: "password".into(),
        ..Authentication::default()
    };
    let meta = Meta {
        uid: Uid::of_record("auth.log", record),
        time,
        logged: time,
        source: "auth.log".into(),
        record,
        format: "syslog".into(),
        ..Meta::default()
    };
    Event::new(meta, Body::Authentication(Box::new(auth)), Bytes::from(format!("record {record}").into_bytes()))
}

/// Runs only as the child of the test below.
#[test]
#[ignore = "the child of nothing_is_lost_or_done_twice"]
fn child() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let dir = Path::new(&dir);
    let (writer, log) = store::open(dir, options()).expect("opened");
    let mut pipeline = Pipeline::new(&Knowledge::default(), 2, incident::Never::default(), Mode::Enforce);
    let pace = Pace { records: 700, every: Duration::from_millis(20) };
    let (checkpoints, taken_up) = Checkpoints::open(dir, pace, &mut pipeline, log.end());
    let from = taken_up.unwrap_or(0);
    let now = clock::now();
    let points = Points { nftables: None, data_dir: dir.to_owned() };
    let shared = Shared::new(true);
    let decisions = shared.decisions.clone();
    let engine = Engine::open(pipeline, writer, shared, &points, now).and_then(|e| e.from(checkpoints, from, now)).expect("opened");

    let mut out = std::io::stdout();
    let mut say = |text: String| writeln!(out, "\n{text}").and_then(|()| out.flush()).expect("said");
    // What is in force is what the log says is in force.
    let now = clock::now();
    let wanted: BTreeSet<String> = log.responses().iter().filter(|r| r.is_active(now)).map(|r| r.target.to_string()).collect();
    let held: BTreeSet<String> = decisions.load().iter().filter(|d| d.until > now).map(|d| d.entity.to_string()).collect();
    let missing: Vec<_> = wanted.symmetric_difference(&held).collect();
    assert!(missing.is_empty(), "in force and in the log differ by {missing:?}");
    say(format!("started {} {}", u8::from(taken_up.is_some()), held.len()));

    // As a source that goes on behind the last record that is kept.
    let mut next = log.facts().counts.iter().find(|(word, _)| *word == "authentication").map_or(0, |(_, n)| *n);
    let (engine, _thread) = engine.start(drop);
    let mut turn = next;
    loop {
        let batch: Vec<Event> = (next..next + 1 + turn % 60).map(sign_in).collect();
        next += batch.len() as u64;
        engine.send(Input::Events(batch)).expect("taken");
        let (done, wait) = sync_channel(1);
        engine.send(Input::Flush(done)).expect("taken");
        wait.recv().expect("flushed");
        say(format!("events {next}"));
        let order = |what: What| {
            let (reply, answer) = tokio::sync::oneshot::channel();
            engine.send(Input::Order(what, Text::from("test"), reply)).expect("taken");
            answer.blocking_recv().expect("answered")
        };
        let target = Entity::address(IpAddr::from([198, 51, 100, (turn % 250) as u8]));
        match turn % 4 {
            0 | 1 => {
                let for_s = if turn % 4 == 0 { 1 } else { 3_600 };
                let answer =
                    order(What::Block { entity: target, for_s, reason: "test".into(), disposition: event::decision::Disposition::Block });
                if let Some(receipt) = answer.receipt {
                    say(format!("applied {receipt}"));
                }
            }
            2 => {
                let answer = order(What::Undo { target: "last".into() });
                if let Some(receipt) = answer.receipt {
                    say(format!("undone {receipt}"));
                }
            }
            _ => {}
        }
        turn += 1;
    }
}

#[derive(Default)]
struct Acknowledged {
    events: u64,
    applied: BTreeSet<String>,
    undone: BTreeSet<String>,
    starts: u64,
    taken_up: u64,
    in_force_most: u64,
}

impl Acknowledged {
    fn note(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["events", n] => self.events = n.parse().expect("a number"),
            ["applied", receipt] => _ = self.applied.insert((*receipt).to_owned()),
            ["undone", receipt] => _ = self.undone.insert((*receipt).to_owned()),
            ["started", taken_up, held] => {
                self.starts += 1;
                self.taken_up += taken_up.parse::<u64>().expect("a number");
                self.in_force_most = self.in_force_most.max(held.parse().expect("a number"));
            }
            _ => {}
        }
    }
}

/// What the log holds, against what was acknowledged.
fn look(dir: &Path, told: &Acknowledged, round: usize) {
    if !dir.join("log").is_dir() {
        return assert_eq!(told.events, 0, "round {round}: the log is gone");
    }
    let log = store::open_read_only(dir).expect("opened");
    let mut records = BTreeMap::new();
    let mut responses: BTreeMap<Text, Vec<Response>> = BTreeMap::new();
    let (mut findings, mut incidents) = (BTreeSet::new(), BTreeSet::new());
    let mut at = 0;
    loop {
        let page = log.read(at, 4_096).expect("read");
        let Some((last, _)) = page.last() else { break };
        at = last + 1;
        for (_, event) in page {
            match event.body {
                Body::Authentication(_) => *records.entry(event.meta.record).or_insert(0) += 1,
                Body::Finding(f) => {
                    assert!(findings.insert((f.uid.clone(), f.count)), "round {round}: {} with {} told twice", f.uid, f.count);
                }
                Body::Incident(i) => assert!(incidents.insert((i.uid.clone(), i.revision)), "round {round}: {} told twice", i.uid),
                Body::Response(r) => responses.entry(r.uid.clone()).or_default().push(*r),
                _ => {}
            }
        }
    }
    assert!(records.values().all(|n| *n == 1), "round {round}: a record is there twice");
    assert_eq!(records.len() as u64, records.keys().next_back().map_or(0, |last| last + 1), "round {round}: a record is missing");
    assert!(records.len() as u64 >= told.events, "round {round}: {} were acknowledged, {} are there", told.events, records.len());
    let (mut receipts, mut keys) = (BTreeSet::new(), BTreeMap::new());
    for (uid, steps) in &responses {
        let first = &steps[0];
        // Over its cap a playbook asks, and nobody approves here.
        let asks = matches!(first.phase, Phase::Waiting { .. });
        assert!(asks || matches!(first.phase, Phase::Requested), "round {round}: {uid} was carried out before it was written: {first:?}");
        assert!(first.until > first.requested && !first.inverse.is_empty(), "round {round}: {first:?}");
        if let Some(other) = keys.insert(first.key.clone(), uid) {
            panic!("round {round}: {uid} and {other} are the same action");
        }
        let applied = steps.iter().filter(|r| matches!(r.phase, Phase::Applied { .. })).count();
        assert!(applied <= usize::from(!asks), "round {round}: {uid} was applied {applied} times");
        receipts.extend(steps.iter().filter_map(|r| r.phase.receipt().map(ToString::to_string)));
        if let Some(undone) = steps.iter().position(|r| matches!(r.phase, Phase::Undone { .. })) {
            assert_eq!(undone, steps.len() - 1, "round {round}: {uid} came back after it was undone");
        }
    }
    let lost: Vec<_> = told.applied.iter().chain(&told.undone).filter(|receipt| !receipts.contains(*receipt)).collect();
    assert!(lost.is_empty(), "round {round}: receipts are lost: {lost:?}");
}

fn rounds(mut seed: u64, dirs: usize, kills: usize) {
    let (mut events, mut receipts, mut taken_up, mut in_force) = (0, 0, 0, 0);
    for _ in 0..dirs {
        let dir = tempfile::tempdir().expect("a directory");
        let mut told = Acknowledged::default();
        for round in 0..kills {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let mut child = Command::new(std::env::current_exe().expect("this binary"))
                .args(["it::kill::child", "--exact", "--ignored", "--nocapture", "--test-threads", "1"])
                .env(DIR, dir.path())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("started");
            let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
            // Some are killed while they start, most somewhere in their work.
            let some = (seed >> 33) as usize % 60;
            lines.by_ref().take(some).for_each(|line| told.note(&line));
            std::thread::sleep(Duration::from_micros(seed >> 20 & 0xfff));
            child.kill().expect("killed");
            let output = child.wait_with_output().expect("ended");
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(!stderr.contains("panicked"), "round {round}: {stderr}");
            lines.for_each(|line| told.note(&line));
            look(dir.path(), &told, round);
        }
        // What the last one left unsigned is signed by the next.
        drop(store::open(dir.path(), options()).expect("opened"));
        let report = verify(dir.path(), &Known::default()).expect("read");
        assert!(report.ok, "{report:?}");
        events += told.events;
        receipts += told.applied.len() + told.undone.len();
        taken_up += told.taken_up;
        in_force = in_force.max(told.in_force_most);
    }
    let figures = format!(
        "{} kills: {events} events and {receipts} receipts acknowledged, {taken_up} checkpoints taken up, up to {in_force} in force",
        dirs * kills
    );
    eprintln!("{figures}; 0 lost, 0 twice, 0 without an end");
    assert!(events > 1_000 && receipts > 100 && taken_up > 10 && in_force > 1, "too little happened: {figures}");
}

// Two halves, which run side by side: 1,000 kills in all.
#[test]
fn nothing_is_lost_or_done_twice() {
    rounds(0x2545_f491_4f6c_dd1d, 50, 10);
}

#[test]
fn nothing_is_lost_or_done_twice_either() {
    rounds(0x9e37_79b9_7f4a_7c15, 50, 10);
}
