//! `model eval --groups` and `model promote --groups`: a model that flags the good rows of one group far more often does not serve.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn bartizan(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bartizan")).args(args).stdin(Stdio::null()).output().expect("bartizan runs")
}

/// Good names of two regions: in one they are words, in the other letters without order.
fn table(rows: usize, strange: bool) -> String {
    let words = ["garden", "window", "river", "market", "school", "mountain", "letter", "summer"];
    let mut text = String::from("domain,region,label\n");
    let mut state = 7_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as usize
    };
    for _ in 0..rows {
        let plain = format!("{}{}", words[next() % words.len()], words[next() % words.len()]);
        let odd: String = (0..18).map(|_| char::from(b'a' + (next() % 26) as u8)).collect();
        text.push_str(&format!("{plain}.com,north,0\n{}.com,south,0\n", if strange { odd } else { plain.chars().rev().skip(3).collect() }));
    }
    text.push_str("qzxkvjwpqhgtrbdx.com,north,1\n");
    text
}

#[test]
fn groups_are_compared_and_an_unfair_model_is_not_promoted() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("names.csv");
    std::fs::write(&path, table(700, true)).expect("written");
    let path = path.to_str().expect("UTF-8");
    let out = bartizan(&["model", "eval", "dga", "--data", path, "--groups", "region", "--json"]);
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    let said: Value = serde_json::from_slice(&out.stdout).expect("one object");
    let region = &said["groups"][0];
    assert_eq!((region["column"].as_str(), region["pass"].as_bool()), (Some("region"), Some(false)), "{region}");
    assert_eq!(region["groups"][0]["value"], "south");
    assert!(region["groups"].as_array().is_some_and(|all| all.iter().all(|group| group["of"] == 700 && group["enough"] == true)));

    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content/models/dga");
    let data_dir = dir.path().join("data");
    let promote = ["model", "promote", shipped.to_str().expect("UTF-8"), "--data-dir", data_dir.to_str().expect("UTF-8"), "--yes"];
    let out = bartizan(&[promote.as_slice(), &["--data", path, "--groups", "region"]].concat());
    assert_eq!(out.status.code(), Some(4), "{}", String::from_utf8_lossy(&out.stderr));
    assert!(!data_dir.join("models").exists(), "nothing is written");
    assert_eq!(bartizan(&promote).status.code(), Some(0), "without the table it is not asked");
}

#[test]
fn too_few_rows_say_nothing_and_an_unknown_column_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("names.csv");
    std::fs::write(&path, table(40, true)).expect("written");
    let path = path.to_str().expect("UTF-8");
    let out = bartizan(&["model", "eval", "dga", "--data", path, "--groups", "region", "--json"]);
    let said: Value = serde_json::from_slice(&out.stdout).expect("one object");
    assert!(said["groups"][0]["pass"].is_null() && said["groups"][0]["ratio"].is_null(), "{said}");
    let out = bartizan(&["model", "eval", "dga", "--data", path, "--groups", "country"]);
    assert_eq!(out.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&out.stderr).contains("domain, region, label"), "{}", String::from_utf8_lossy(&out.stderr));
}
