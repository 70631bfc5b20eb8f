//! `posture` as scripts rely on it: objects, exit codes, suppressions, baseline, SARIF, and the incident that `--record` makes.

use std::process::{Command, Output};

use serde_json::Value;

fn bartizan(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bartizan")).args(args).output().expect("bartizan runs")
}

fn json(out: &Output) -> Value {
    serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&out.stderr)))
}

const BAD: &str = "resource \"aws_db_instance\" \"d\" {\n  storage_encrypted   = true\n  publicly_accessible = true\n}\n";

#[test]
fn objects_and_exit_codes() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().to_str().expect("UTF-8");
    let file = dir.path().join("main.tf");
    std::fs::write(&file, BAD).expect("written");
    let sarif = dir.path().join("out.sarif");
    let out = bartizan(&["posture", path, "--json", "--sarif", sarif.to_str().expect("UTF-8")]);
    assert_eq!(out.status.code(), Some(1));
    let result = json(&out);
    let found =
        result["findings"].as_array().expect("findings").iter().find(|f| f["rule"] == "AWS-RDS-02").expect("a public database").clone();
    assert_eq!((&found["file"], &found["line"], &found["resource"]), (&"main.tf".into(), &3.into(), &"aws_db_instance.d".into()));
    assert_eq!(found["aliases"][0], "CKV_AWS_17");
    let log: Value = serde_json::from_slice(&std::fs::read(&sarif).expect("written")).expect("JSON");
    assert_eq!(log["version"], "2.1.0");
    let results = log["runs"][0]["results"].as_array().expect("results");
    assert!(
        results
            .iter()
            .all(|r| r["ruleId"].is_string() && r["message"]["text"].is_string() && r["partialFingerprints"]["bartizan/v1"].is_string())
    );
    // The same again is nothing new; a moved line changes no fingerprint.
    let baseline = dir.path().join("baseline.out");
    std::fs::write(&baseline, &out.stdout).expect("written");
    std::fs::write(&file, format!("# moved\n\n{BAD}")).expect("written");
    let again = bartizan(&["posture", path, "--json", "--baseline", baseline.to_str().expect("UTF-8")]);
    assert_eq!((again.status.code(), json(&again)["findings"].as_array().map(Vec::len)), (Some(0), Some(0)));
    // A comment with another scanner's id suppresses it, and says so.
    std::fs::write(&file, BAD.replace("  publicly", "  #checkov:skip=CKV_AWS_17:on purpose\n  publicly")).expect("written");
    let quiet = bartizan(&["posture", path, "--json"]);
    assert_eq!(quiet.status.code(), Some(0));
    let held = json(&quiet)["findings"].as_array().expect("findings").iter().find(|f| f["rule"] == "AWS-RDS-02").cloned();
    assert_eq!(held.expect("kept")["suppressed"]["reason"], "on purpose");
    assert_eq!(bartizan(&["posture", "/does/not/exist", "--json"]).status.code(), Some(3));
    assert_eq!(bartizan(&["posture", path, "--rule", "NO-SUCH"]).status.code(), Some(2));
    assert!(json(&bartizan(&["posture", "--list-rules", "--json"]))["rules"].as_array().is_some_and(|r| r.len() >= 60));
}

#[test]
fn what_is_recorded_becomes_an_incident() {
    let dir = tempfile::tempdir().expect("a folder");
    let (code, data) = (dir.path().join("infra"), dir.path().join("data"));
    std::fs::create_dir(&code).expect("a folder");
    std::fs::write(code.join("main.tf"), BAD).expect("written");
    let (code, data) = (code.to_str().expect("UTF-8"), data.to_str().expect("UTF-8"));
    assert_eq!(bartizan(&["posture", code, "--record", "--data-dir", data]).status.code(), Some(1));
    let list = bartizan(&["incident", "list", "--json", "--data-dir", data]);
    assert!(String::from_utf8_lossy(&list.stdout).contains("INC-1"), "{}", String::from_utf8_lossy(&list.stdout));
    let why = bartizan(&["explain", "INC-1", "--data-dir", data]);
    let why = String::from_utf8_lossy(&why.stdout).into_owned();
    assert!(why.contains("AWS-RDS-02") && why.contains("aws_db_instance.d"), "{why}");
}
