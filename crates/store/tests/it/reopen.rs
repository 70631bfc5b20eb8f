use std::path::Path;

use event::response::Phase;
use event::{Body, Event};
use store::{Error, IncidentFilter, Log, Options, open, open_read_only};

use crate::samples;

pub(crate) fn offsets(log: &Log) -> Vec<u64> {
    log.read(0, usize::MAX).expect("readable").into_iter().map(|(offset, _)| offset).collect()
}

pub(crate) fn events(log: &Log) -> Vec<Event> {
    log.read(0, usize::MAX).expect("readable").into_iter().map(|(_, event)| event).collect()
}

pub(crate) fn small() -> Options {
    Options { segment_bytes: 16 << 10, ..Options::default() }
}

pub(crate) fn filled(dir: &Path, events: &[Event], options: Options) {
    let (mut writer, _) = open(dir, options).expect("opened");
    for batch in events.chunks(7) {
        writer.append(batch).expect("appended");
    }
}

#[test]
fn every_kind_comes_back_as_it_went_in() {
    let dir = tempfile::tempdir().expect("a directory");
    let all = samples::all();
    let (mut writer, log) = open(dir.path(), Options::default()).expect("opened");
    assert_eq!(writer.append(&all).expect("appended"), 0..all.len() as u64);
    assert_eq!(writer.append(&[]).expect("nothing to do"), all.len() as u64..all.len() as u64);
    assert_eq!(events(&log), all);
    drop((writer, log));
    let (writer, log) = open(dir.path(), Options::default()).expect("opened again");
    assert_eq!(events(&log), all);
    assert_eq!(writer.log().end(), all.len() as u64);
    assert_eq!(log.facts().unreadable_records, 0);
    assert_eq!(log.facts().counts.iter().map(|(_, n)| n).sum::<u64>(), all.len() as u64);
}

#[test]
fn segments_are_finished_and_read_on() {
    let dir = tempfile::tempdir().expect("a directory");
    let all = samples::requests(0..500);
    filled(dir.path(), &all, small());
    for round in 0..3 {
        let (mut writer, log) = open(dir.path(), small()).expect("opened");
        assert!(log.facts().segments > 5);
        let got = events(&log);
        assert_eq!(got.len(), all.len() + round, "round {round}");
        assert_eq!(got[..all.len()], all);
        assert_eq!(log.read(321, 2).expect("readable"), [(321, all[321].clone()), (322, all[322].clone())]);
        assert_eq!(log.get(17).expect("whole").as_ref(), Some(&all[17]));
        assert_eq!(log.get(9_999).expect("whole"), None);
        let facts = log.facts();
        assert_eq!((facts.torn_bytes, facts.damage.len()), (0, 0));
        assert_eq!(facts.minutes.iter().map(|m| u64::from(m.http)).sum::<u64>(), log.end());
        assert_eq!(facts.first, Some(samples::NOON));
        writer.append(&all[..1]).expect("appended");
    }
    // Indexes can be made again, and a damaged one is.
    let indexes = std::fs::read_dir(dir.path().join("log")).expect("listed").filter_map(|e| Some(e.ok()?.path()));
    for (i, path) in indexes.filter(|path| path.extension().is_some_and(|e| e == "idx")).enumerate() {
        if i % 2 == 0 {
            std::fs::remove_file(path).expect("removed");
        } else {
            let mut bytes = std::fs::read(&path).expect("read");
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x40;
            std::fs::write(&path, bytes).expect("written");
        }
    }
    let (_writer, log) = open(dir.path(), small()).expect("opened");
    assert_eq!(events(&log).len(), all.len() + 3);
    assert_eq!(log.facts().damage, []);
}

#[test]
fn a_second_writer_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let first = open(dir.path(), Options::default()).expect("opened");
    match open(dir.path(), Options::default()) {
        Err(Error::Busy { dir: named, pid }) => {
            assert_eq!(named, dir.path());
            assert_eq!(pid, Some(std::process::id()));
        }
        other => panic!("expected busy, got {:?}", other.map(|_| ())),
    }
    drop(first);
    open(dir.path(), Options::default()).expect("free again");
}

#[test]
fn a_missing_log_is_said_to_be_missing() {
    let dir = tempfile::tempdir().expect("a directory");
    assert!(matches!(open_read_only(dir.path()), Err(Error::Missing { .. })));
}

#[test]
fn the_view_is_the_same_after_reopening() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut all = samples::requests(0..50);
    for n in 0..30_u32 {
        for revision in [1, 3, 2] {
            let mut incident = samples::incident(&format!("INC-{n}"), revision);
            incident.merged_into = None;
            incident.title = format!("{n} at {revision}");
            if n % 2 == 0 {
                incident.status = event::incident::Status::Open;
            }
            incident.last_seen = samples::NOON.plus_s(i64::from(n * 10 + revision));
            all.push(samples::event(u64::from(100 + n * 3 + revision), Body::Incident(Box::new(incident)), ""));
        }
        for phase in [Phase::Requested, samples::applied(&format!("rcpt-{n:012}"))] {
            let response = samples::response(&format!("R-{n:012}"), &format!("INC-{n}"), phase);
            all.push(samples::event(u64::from(300 + n), Body::Response(Box::new(response)), ""));
        }
    }
    let check = |log: &Log| {
        let listed = log.incidents(&IncidentFilter::default());
        assert_eq!(listed.len(), 30);
        assert!(listed.windows(2).all(|pair| pair[0].last_seen > pair[1].last_seen));
        for incident in &listed {
            assert_eq!(incident.revision, 3, "the highest revision is in force");
            assert_eq!(incident.title, format!("{} at 3", &incident.uid[4..]));
            assert_eq!(log.responses_of(&incident.uid).len(), 1);
        }
        assert_eq!(log.incidents(&IncidentFilter { open: true, ..Default::default() }).len(), 15);
        let page = IncidentFilter { limit: 10, before: Some((listed[9].last_seen, listed[9].uid.clone())), ..Default::default() };
        assert_eq!(log.incidents(&page), listed[10..20]);
        assert_eq!(log.incidents(&IncidentFilter { text: "7 AT 3".into(), ..Default::default() }).len(), 3);
        assert_eq!(log.incidents(&IncidentFilter { technique: Some("T1110".into()), ..Default::default() }).len(), 30);
        assert_eq!(log.incidents(&IncidentFilter { technique: Some("T11".into()), ..Default::default() }).len(), 0);
        assert_eq!(log.incidents(&IncidentFilter { analytic: Some("web.".into()), ..Default::default() }).len(), 30);
        assert_eq!(log.responses().len(), 30);
        assert!(log.responses().iter().all(|r| matches!(r.phase, Phase::Applied { .. })));
        assert_eq!(log.complete("INC-2").len(), 11);
    };
    let (mut writer, log) = open(dir.path(), small()).expect("opened");
    for batch in all.chunks(7) {
        writer.append(batch).expect("appended");
    }
    check(&log);
    drop((writer, log));
    check(&open_read_only(dir.path()).expect("opened"));
    let (_writer, log) = open(dir.path(), small()).expect("opened");
    check(&log);
}

#[test]
fn the_view_is_bounded_and_the_rest_is_on_disk() {
    let dir = tempfile::tempdir().expect("a directory");
    let options = Options { incidents_max: 10, responses_max: 5, ..small() };
    let (mut writer, log) = open(dir.path(), options.clone()).expect("opened");
    for n in 0..40_u32 {
        let mut incident = samples::incident(&format!("INC-{n}"), 1);
        incident.merged_into = None;
        incident.last_seen = samples::NOON.plus_s(i64::from(n));
        if n < 3 {
            incident.status = event::incident::Status::Open;
        }
        let response = samples::response(
            &format!("R-{n:012}"),
            "INC-0",
            if n == 0 { samples::applied("rcpt-1") } else { Phase::Expired { at: samples::NOON } },
        );
        let own =
            [Body::Incident(Box::new(incident)), Body::Response(Box::new(response))].map(|body| samples::event(u64::from(n), body, ""));
        writer.append(&own).expect("appended");
    }
    let check = |log: &Log| {
        let held: Vec<String> = log.incidents(&IncidentFilter::default()).iter().map(|i| i.uid.to_string()).collect();
        assert_eq!(held, ["INC-39", "INC-38", "INC-37", "INC-36", "INC-35", "INC-34", "INC-33", "INC-2", "INC-1", "INC-0"]);
        assert_eq!(log.incident("INC-20").map(|i| i.uid.to_string()).as_deref(), Some("INC-20"), "out of memory, still found");
        assert!(log.incident("INC-99").is_none());
        assert_eq!(log.responses().len(), 5);
        assert!(log.responses().iter().any(|r| r.uid == "R-000000000000"), "what is in force stays");
        assert!(log.response("R-000000000010").is_some());
    };
    check(&log);
    drop((writer, log));
    let (_writer, log) = open(dir.path(), options).expect("opened");
    check(&log);
}
