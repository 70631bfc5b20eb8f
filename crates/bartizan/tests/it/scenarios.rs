//! Whole attacks as data, handed to the real commands (`replay`, `check`, `posture`): findings, incidents and responses as `expected.json`
//! says, and nothing about who and what is beside them.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde_json::Value;

/// What one of the commands must say about a scenario.
#[derive(Deserialize)]
#[serde(untagged)]
enum Expected {
    Replay(Replay),
    Check { checks: Vec<Checked> },
    Posture { posture: Vec<Scanned> },
}

#[derive(Deserialize)]
struct Replay {
    findings: Vec<FindingExpected>,
    incidents: Vec<IncidentExpected>,
    responses: Vec<ResponseExpected>,
    silent: Silent,
}

#[derive(Deserialize)]
struct Checked {
    input: String,
    /// Any of these.
    verdicts: Vec<String>,
    /// All of these are among the reasons.
    codes: Vec<String>,
}

#[derive(Deserialize)]
struct Scanned {
    file: String,
    /// All of these fire; without any, nothing above low does.
    rules: Vec<String>,
}

#[derive(Deserialize)]
struct FindingExpected {
    analytic: String,
    actor: String,
    at_least: usize,
    #[serde(default)]
    title: String,
    succeeded: Option<bool>,
}

#[derive(Deserialize)]
struct IncidentExpected {
    /// Beginning of the actor's name.
    actor: String,
    severity: String,
    techniques: Vec<String>,
    succeeded: bool,
}

#[derive(Deserialize)]
struct ResponseExpected {
    target: String,
    disposition: String,
}

#[derive(Deserialize)]
struct Silent {
    incidents_at_most: usize,
    /// No finding may be about somebody whose name begins like one of these.
    actors: Vec<String>,
}

fn scenarios() -> Vec<(PathBuf, Expected)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let mut all: Vec<PathBuf> = std::fs::read_dir(dir).expect("scenarios").flatten().map(|e| e.path()).filter(|p| p.is_dir()).collect();
    all.sort();
    let read = |dir: PathBuf| {
        let text = std::fs::read_to_string(dir.join("expected.json")).expect("expected.json");
        let expected = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}/expected.json: {e}", dir.display()));
        (dir, expected)
    };
    all.into_iter().map(read).collect()
}

fn replays() -> impl Iterator<Item = (PathBuf, Replay)> {
    scenarios().into_iter().filter_map(|(dir, expected)| match expected {
        Expected::Replay(replay) => Some((dir, replay)),
        _ => None,
    })
}

fn run(args: &[&str], path: &Path) -> String {
    let out = Command::new(env!("CARGO_BIN_EXE_bartizan")).args(args).arg(path).output().expect("bartizan runs");
    assert!(matches!(out.status.code(), Some(0 | 1)), "{}: {}", path.display(), String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).expect("UTF-8")
}

/// Findings, incidents, responses and the summary of `replay --emit responses` over the scenario's inputs.
fn replay(dir: &Path, shards: usize) -> (Vec<Value>, String) {
    let mut inputs: Vec<PathBuf> = std::fs::read_dir(dir).expect("a scenario").flatten().map(|e| e.path()).collect();
    inputs.retain(|p| p.extension().is_some_and(|e| e != "json"));
    inputs.sort();
    let out = Command::new(env!("CARGO_BIN_EXE_bartizan"))
        .args(["replay", "--ndjson", "--emit", "responses", "--shards", &shards.to_string()])
        .args(&inputs)
        .output()
        .expect("bartizan runs");
    let text = String::from_utf8(out.stdout).expect("UTF-8");
    assert!(out.status.success(), "{}: {}", dir.display(), String::from_utf8_lossy(&out.stderr));
    let rows = text.lines().map(|l| serde_json::from_str(l).expect("a JSON line")).collect();
    (rows, text)
}

fn actor(row: &Value) -> &str {
    row["observables"][0]["value"].as_str().unwrap_or_default()
}

#[test]
fn there_is_one_for_each_sense() {
    assert!(scenarios().len() >= 12);
}

#[test]
fn what_was_handed_in_is_judged() {
    for (dir, expected) in scenarios() {
        let Expected::Check { checks } = expected else { continue };
        for want in checks {
            let answer = run(&["check", "--ndjson"], &dir.join(&want.input));
            let said: Value = serde_json::from_str(&answer).expect("one JSON line");
            assert!(want.verdicts.iter().any(|v| said["verdict"] == v.as_str()), "{}: {answer}", want.input);
            for code in &want.codes {
                let given = said["reasons"].as_array().is_some_and(|all| all.iter().any(|r| r["code"] == code.as_str()));
                assert!(given, "{} without {code}: {answer}", want.input);
            }
        }
    }
}

#[test]
fn what_is_configured_badly_is_named() {
    for (dir, expected) in scenarios() {
        let Expected::Posture { posture } = expected else { continue };
        let answer: Value = serde_json::from_str(&run(&["posture", "--json"], &dir)).expect("JSON");
        let findings = answer["findings"].as_array().cloned().unwrap_or_default();
        for want in posture {
            let here = || findings.iter().filter(|f| f["file"] == want.file.as_str());
            for rule in &want.rules {
                assert!(here().any(|f| f["rule"] == rule.as_str()), "{}: no {rule}", want.file);
            }
            let loud = here().filter(|f| f["severity"] != "low" && f["severity"] != "info").count();
            assert!(!want.rules.is_empty() || loud == 0, "{}: {:?}", want.file, here().collect::<Vec<_>>());
        }
    }
}

#[test]
fn every_attack_is_found_and_nobody_else() {
    for (dir, expected) in replays() {
        let name = dir.file_name().and_then(|n| n.to_str()).unwrap_or_default().to_owned();
        let (rows, _) = replay(&dir, 2);
        let of = |class: u64| rows.iter().filter(move |r| r["class_uid"] == class).collect::<Vec<_>>();
        let (findings, incidents, responses) = (of(2004), of(2005), of(7001));
        for want in &expected.findings {
            let matching = findings.iter().filter(|f| {
                f["finding_info"]["analytic"]["uid"] == want.analytic.as_str()
                    && actor(f) == want.actor
                    && f["finding_info"]["title"].as_str().is_some_and(|t| t.contains(&want.title))
                    && want.succeeded.is_none_or(|s| f["unmapped"]["succeeded"] == s)
            });
            let found = matching.count();
            assert!(
                found >= want.at_least,
                "{name}: {found} findings of {} about {}, expected {}",
                want.analytic,
                want.actor,
                want.at_least
            );
        }
        for want in &expected.incidents {
            let matching = incidents.iter().find(|i| {
                actor(i).starts_with(&want.actor)
                    && i["severity"].as_str().is_some_and(|s| s.eq_ignore_ascii_case(&want.severity))
                    && i["is_suspected_breach"] == want.succeeded
                    && want
                        .techniques
                        .iter()
                        .all(|t| i["attacks"].as_array().is_some_and(|a| a.iter().any(|x| x["technique"]["uid"] == t.as_str())))
            });
            let said: Vec<String> =
                incidents.iter().map(|i| format!("{} {} {} {}", actor(i), i["severity"], i["is_suspected_breach"], i["desc"])).collect();
            let incident =
                matching.unwrap_or_else(|| panic!("{name}: no {} incident about {}; there are {said:#?}", want.severity, want.actor));
            reasons_sum_to_the_score(incident);
        }
        for want in &expected.responses {
            let found = responses.iter().any(|r| {
                r["unmapped"]["target"]["name"] == want.target.as_str() && r["unmapped"]["disposition"] == want.disposition.as_str()
            });
            assert!(found, "{name}: no {} of {}", want.disposition, want.target);
        }
        assert!(incidents.len() <= expected.silent.incidents_at_most, "{name}: {} incidents", incidents.len());
        for finding in &findings {
            assert!(
                !expected.silent.actors.iter().any(|a| actor(finding).starts_with(a.as_str())),
                "{name}: a finding about {}: {}",
                actor(finding),
                finding["finding_info"]["title"]
            );
            reasons_sum_to_the_score(finding);
            points_at_real_bytes(finding);
        }
        let last = rows.last().expect("a summary");
        assert_eq!(last["schema"], "bartizan.replay/1");
        assert_eq!((&last["lost"], &last["undecoded"]), (&0.into(), &0.into()), "{name}");
    }
}

#[test]
fn any_number_of_shards_gives_the_same_lines() {
    for (dir, _) in replays() {
        let strip = |text: String| text.lines().filter(|l| !l.contains("bartizan.replay/1")).map(without_reading_time).collect::<Vec<_>>();
        let one = strip(replay(&dir, 1).1);
        for shards in [2, 4, 8] {
            assert_eq!(one, strip(replay(&dir, shards).1), "{} with {shards} shards", dir.display());
        }
    }
}

/// When a line was read is no part of what it says.
fn without_reading_time(line: &str) -> Value {
    let mut value: Value = serde_json::from_str(line).expect("a JSON line");
    if let Some(metadata) = value["metadata"].as_object_mut() {
        metadata.remove("logged_time");
    }
    value
}

fn reasons_sum_to_the_score(row: &Value) {
    let sum: f64 = row["unmapped"]["reasons"].as_array().into_iter().flatten().filter_map(|r| r["push"].as_f64()).sum();
    let score = row["risk_score"].as_f64().unwrap_or(0.0) / 100.0;
    let score = if row["class_uid"] == 2005 { row["confidence_score"].as_f64().unwrap_or(0.0) / 100.0 } else { score };
    assert!((sum - score).abs() < 0.011, "reasons sum to {sum}, the score is {score}: {}", row["unmapped"]["reasons"]);
}

/// Every match marks bytes that are there.
fn points_at_real_bytes(finding: &Value) {
    let evidences = finding["evidences"].as_array().cloned().unwrap_or_default();
    assert!(!evidences.is_empty(), "a finding without proof: {}", finding["finding_info"]["title"]);
    for data in evidences.iter().map(|e| &e["data"]) {
        assert!(data["record"].as_u64().is_some_and(|n| n > 0) && data["source"].as_str().is_some_and(|s| !s.is_empty()));
        let raw = data["raw"].as_str().unwrap_or_default();
        for m in data["matches"].as_array().into_iter().flatten() {
            let (start, end) = (m["start"].as_u64().unwrap_or(0) as usize, m["end"].as_u64().unwrap_or(0) as usize);
            assert!(start < end && end <= raw.len(), "match {start}..{end} of {} bytes", raw.len());
        }
    }
}
