//! The same log, rules and models give the same findings, incidents and responses, byte for byte, whatever the number of shards and
//! however the threads happen to run; how the log was cut into batches cannot be seen in the end.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::OnceLock;

use bartizan::feed;
use bartizan::knowledge::Content;
use bartizan::pipeline::{Inline, Outcome, Pipeline};
use detect::Knowledge;
use event::response::Mode;
use event::{Event, Finding, Incident, Text};
use proptest::prelude::*;

fn knowledge() -> &'static Knowledge {
    static KNOWLEDGE: OnceLock<Knowledge> = OnceLock::new();
    KNOWLEDGE.get_or_init(|| Content::load(None).and_then(|content| content.knowledge()).expect("the built-in content").0)
}

/// Every scenario that is a log, one after the other.
fn events() -> &'static [Event] {
    static EVENTS: OnceLock<Vec<Event>> = OnceLock::new();
    EVENTS.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
        let files = feed::list(&[root]).expect("listed");
        let files: Vec<_> =
            files.into_iter().filter(|f| f.extension().is_some_and(|e| e == "log" || e == "jsonl" || e == "pcap")).collect();
        let mut all = Vec::new();
        feed::read(&files, decode::Format::Auto, 1, &mut |events| {
            all.extend(events);
            ControlFlow::Continue(())
        })
        .expect("read");
        assert!(all.len() > 5_000, "{} events", all.len());
        all
    })
}

/// Batches of these sizes, again and again.
fn run(events: &[Event], shards: usize, sizes: &[usize]) -> (Vec<u8>, Ended) {
    let mut pipeline = Pipeline::new(knowledge(), shards, incident::Never::default(), Mode::Enforce);
    let (mut bytes, mut ended) = (Vec::new(), Ended::default());
    let mut rest = events;
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (batch, behind) = rest.split_at((*size).min(rest.len()));
        rest = behind;
        ended.take(pipeline.step(batch, &[], Inline::default(), None), &mut bytes);
    }
    ended.take(pipeline.rest(None), &mut bytes);
    ended.incidents = pipeline.correlator.incidents().filter(|i| i.merged_into.is_none()).map(what).collect();
    (bytes, ended)
}

/// What is left when everything was told.
#[derive(Debug, Default, PartialEq)]
struct Ended {
    findings: BTreeMap<Text, (u64, event::Severity, Vec<event::Entity>)>,
    incidents: Vec<(Text, event::Severity, u64, u64, Vec<event::Entity>)>,
}

fn what(incident: &Incident) -> (Text, event::Severity, u64, u64, Vec<event::Entity>) {
    (incident.title.as_str().into(), incident.severity, incident.event_count, incident.finding_count, incident.entities.clone())
}

impl Ended {
    fn take(&mut self, outcome: Outcome, bytes: &mut Vec<u8>) {
        let Outcome { findings, decisions, incidents, planned, left, asks } = outcome;
        let incidents: Vec<Incident> = incidents.into_iter().map(|change| change.incident).collect();
        let asks: Vec<String> = asks.iter().map(|ask| format!("{ask:?}")).collect();
        let whole = (&findings, &decisions, &incidents, &planned, &left, &asks);
        bytes.extend(rmp_serde::to_vec(&whole).expect("encoded"));
        for Finding { uid, count, severity, entities, .. } in findings {
            self.findings.insert(uid, (count, severity, entities));
        }
    }
}

#[test]
fn the_number_of_shards_cannot_be_seen() {
    let sizes = [4_096, 300, 1, 977];
    let (bytes, ended) = run(events(), 1, &sizes);
    assert!(ended.findings.len() > 20 && ended.incidents.len() > 5, "{ended:?}");
    for shards in [2, 4, 8] {
        assert!(run(events(), shards, &sizes).0 == bytes, "{shards} shards");
    }
    // Threads run as they like: the same once more.
    assert!(run(events(), 8, &sizes).0 == bytes);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    fn any_schedule_gives_the_same(shards in 1_usize..9, sizes in proptest::collection::vec(1_usize..3_000, 1..6), from in 0_usize..3_000, length in 2_000_usize..6_000) {
        let all = events();
        let part = &all[from.min(all.len())..(from + length).min(all.len())];
        let one = run(part, 1, &sizes);
        let many = run(part, shards, &sizes);
        prop_assert!(one.0 == many.0, "{} shards, batches of {:?}", shards, sizes);
        // Other batches: told at other moments, the same in the end.
        let whole = run(part, shards, &[4_096]);
        prop_assert_eq!(whole.1.findings, one.1.findings);
        prop_assert_eq!(whole.1.incidents, one.1.incidents);
    }
}
