//! `model canary` and `model promote`: a new version that moves fixed rows does not serve until somebody says why.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn bartizan(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bartizan")).args(args).stdin(Stdio::null()).output().expect("bartizan runs")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// Names that people choose and names that programs make.
fn names(rows: usize, seed: u64) -> String {
    let words = ["garden", "window", "river", "market", "school", "mountain", "letter", "summer"];
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as usize
    };
    let mut out = String::from("domain,label\n");
    for n in 0..rows {
        let made: String = (0..12 + n % 8).map(|_| char::from(b'a' + (next() % 26) as u8)).collect();
        writeln!(out, "{}{}{}.com,0\n{made}.com,1", words[next() % 8], words[next() % 8], next() % 100).expect("written");
    }
    out
}

#[test]
fn fixed_rows_hold_a_new_version_back_until_somebody_says_why() {
    let dir = tempfile::tempdir().expect("a folder");
    let (data, rows, few) = (dir.path().join("data"), dir.path().join("rows.csv"), dir.path().join("few.csv"));
    std::fs::write(&rows, names(400, 7)).expect("written");
    std::fs::write(&few, names(300, 99)).expect("written");
    let run = |args: &[&str]| {
        let out = bartizan(&[args, &["--data-dir", text(&data)]].concat());
        (out.status.code(), String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr))
    };
    let (code, said) = run(&["model", "canary", "dga", "--data", text(&rows)]);
    assert!(code == Some(0) && said.contains("kept 200 rows"), "{said}");

    // The shipped one moves nothing.
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content/models/dga");
    let (code, said) = run(&["model", "promote", text(&shipped), "--yes"]);
    assert_eq!(code, Some(0), "{said}");

    // One that was trained on a few names of its own does.
    let (stem, key, public) = (dir.path().join("own"), dir.path().join("own.key.pem"), dir.path().join("own.pem"));
    let mine = dir.path().join("mine");
    let (code, said) = run(&[
        "model",
        "train",
        "dga",
        "--data",
        text(&few),
        "--accept",
        "few",
        "--reason",
        "a test",
        "--out",
        text(&mine),
        "--model-version",
        "1.1",
    ]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(run(&["model", "key", "new", "--out", text(&stem)]).0, Some(0));
    assert_eq!(run(&["model", "sign", text(&mine), "--key", text(&key)]).0, Some(0));
    let card = mine.join("card.json");
    let promote = ["model", "promote", text(&mine), "--key", text(&public), "--yes"];
    let (code, said) = run(&promote);
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("canary rows moved by more than 0.05") && said.contains(" -> ") && said.contains("--accept-canary"), "{said}");
    assert!(card.exists());

    let (code, said) = run(&[promote.as_slice(), &["--accept-canary", "names of our own"]].concat());
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = run(&promote);
    assert_eq!(code, Some(0), "what was accepted is what the next one is compared with: {said}");
}

/// An old version that was signed once does not serve again because somebody put it there (models.md, M23).
#[test]
fn an_older_version_is_refused_until_somebody_says_why() {
    let dir = tempfile::tempdir().expect("a folder");
    let (data, few, mine) = (dir.path().join("data"), dir.path().join("few.csv"), dir.path().join("mine"));
    let (stem, key, public) = (dir.path().join("own"), dir.path().join("own.key.pem"), dir.path().join("own.pem"));
    std::fs::write(&few, names(300, 99)).expect("written");
    let log = dir.path().join("access.log");
    std::fs::write(&log, "").expect("written");
    let run = |args: &[&str]| {
        let out = bartizan(&[args, &["--data-dir", text(&data)]].concat());
        (out.status.code(), String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr))
    };
    let train = ["model", "train", "dga", "--data", text(&few), "--accept", "few", "--reason", "a test", "--out", text(&mine)];
    let (code, said) = run(&[train.as_slice(), &["--model-version", "9.10"]].concat());
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(run(&["model", "key", "new", "--out", text(&stem)]).0, Some(0));
    assert_eq!(run(&["model", "sign", text(&mine), "--key", text(&key)]).0, Some(0));
    let (code, said) = run(&["model", "promote", text(&mine), "--key", text(&public), "--yes"]);
    assert_eq!(code, Some(0), "{said}");
    let start = ["watch", text(&log)];
    let (code, said) = run(&start);
    assert!(code == Some(0) && !said.contains("dga"), "{said}");

    // The shipped one is genuine and signed, and older.
    let content = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content");
    let shipped = content.join("models/dga");
    let (code, said) = run(&["model", "promote", text(&shipped), "--yes"]);
    assert!(code == Some(4) && said.contains("is older than 9.10, which served before") && said.contains("--allow-older"), "{said}");
    // In the place of the newer one it is not taken for it.
    let place = data.join("models/dga/9.10");
    let aside = dir.path().join("aside");
    std::fs::rename(&place, &aside).expect("moved");
    std::fs::create_dir(&place).expect("a folder");
    for entry in std::fs::read_dir(&shipped).expect("a model").map_while(Result::ok) {
        std::fs::copy(entry.path(), place.join(entry.file_name())).expect("copied");
    }
    let (code, said) = run(&start);
    assert!(code == Some(0) && said.contains("9.10 was promoted, and its place holds dga"), "{said}");
    std::fs::remove_dir_all(&place).expect("removed");
    std::fs::rename(&aside, &place).expect("moved back");
    // Nor in a folder that is given in place of the built-in content, when nothing newer is promoted.
    std::fs::rename(data.join("models/dga"), dir.path().join("dga")).expect("moved");
    let (code, said) = run(&[start.as_slice(), &["--content", text(&content)]].concat());
    assert!(code == Some(0) && said.contains("model dga was refused") && said.contains("older than 9.10"), "{said}");
    std::fs::rename(dir.path().join("dga"), data.join("models/dga")).expect("moved back");

    let (code, said) = run(&["model", "promote", text(&shipped), "--yes", "--allow-older", "the new one cries wolf"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = run(&["search", "class:order wolf"]);
    assert!(code == Some(0) && said.contains("1 record"), "{said}");
}
