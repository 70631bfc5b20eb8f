use std::collections::BTreeMap;

use rule::sigma::SourceMap;

use super::*;
use crate::{Detector, Seen};

fn own() -> Set {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../content/rules");
    let map = std::fs::read_to_string(format!("{folder}/logsource.yaml")).expect("the map");
    let map = SourceMap::parse(&map).expect("a map");
    let mut texts = BTreeMap::new();
    for entry in std::fs::read_dir(format!("{folder}/sigma")).expect("own rules").filter_map(Result::ok) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".yml") {
            texts.insert(name, std::fs::read_to_string(entry.path()).expect("a rule"));
        }
    }
    let set = Set::load(texts.iter().map(|(name, text)| (name.as_str(), text.as_str())), &map);
    assert_eq!((set.refused.as_slice(), set.unrouted.len()), (&[][..], 0));
    set
}

fn decoded(record: &str) -> Event {
    decode::decode(record.as_bytes(), &decode::Place::new("sample", 1, event::Time::from_s(1_800_000_000)))
}

/// Each rule of ours meets its sample and stays silent at the one that looks like it.
#[test]
fn every_rule_of_ours_matches_its_sample_and_not_its_look_alike() {
    let set = own();
    assert!(set.len() >= 30, "{} rules", set.len());
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../content/rules/sigma/samples");
    let mut wrong = Vec::new();
    for rule in set.rules() {
        assert!(!techniques(&rule.tags).is_empty(), "{} names no technique", rule.file);
        let samples =
            std::fs::read_to_string(format!("{folder}/{}l", rule.file.replace(".yml", ".json"))).expect("samples beside the rule");
        let mut seen = [0, 0];
        for sample in samples.lines() {
            let sample: serde_json::Value = serde_json::from_str(sample).expect("a sample");
            let expected = sample["match"] == true;
            seen[usize::from(expected)] += 1;
            let event = decoded(sample["record"].as_str().expect("a record"));
            if set.hits(&event).iter().any(|hit| hit.rule.id == rule.id) != expected {
                wrong.push(format!("{} {expected} {:?} {:?}", rule.file, event.body, event.native));
            }
        }
        assert!(seen.iter().all(|n| *n > 0), "{} needs a sample of each kind", rule.file);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_finding_names_rule_technique_actor_and_field() {
    let mut detector = Sigma { rules: Arc::new(own()) };
    let line = "Jan  5 10:00:00 web1 sudo:      ann : TTY=pts/0 ; PWD=/home/ann ; USER=root ; COMMAND=/usr/bin/cat /etc/shadow";
    let mut out = Vec::new();
    detector.detect(&decoded(line), &Seen::default(), &mut out);
    let finding = out.first().expect("a finding");
    assert_eq!((finding.techniques[0].uid, finding.severity, finding.analytic.kind), ("T1003.008", Severity::High, AnalyticKind::Rule));
    assert_eq!(finding.actor().map(ToString::to_string).as_deref(), Some("user:ann"));
    assert_eq!((finding.evidence[0].record, finding.evidence[0].matches[0].target.as_str()), (1, "CommandLine"));
    assert!(finding.text.contains("author: Bartizan") && !finding.would_change.is_empty());
}

#[test]
fn techniques_of_a_later_version_are_told_in_ours() {
    let told =
        |tags: &[&str]| techniques(&tags.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>()).iter().map(|t| t.uid).collect::<Vec<_>>();
    assert_eq!(
        told(&["attack.t1685.005", "attack.T1059.001", "attack.t1059.999", "attack.execution"]),
        ["T1070.001", "T1059.001", "T1059"]
    );
    assert!(LATER.iter().all(|(new, known)| attack::by_uid(new).is_none() && attack::by_uid(known).is_some()));
}
