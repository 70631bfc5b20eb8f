//! Every shipped model folder: the card says what the signed files say, and its figures can be computed again.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// Licences under which a model may ship.
const ALLOWED: [&str; 9] =
    ["MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC-BY-3.0", "CC-BY-4.0", "CC0-1.0", "PDDL-1.0", "LicenseRef-facts"];

fn folders() -> Vec<PathBuf> {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content/models");
    let mut all: Vec<PathBuf> = std::fs::read_dir(models).expect("models").map(|entry| entry.expect("entry").path()).collect();
    all.sort();
    assert!(!all.is_empty());
    all
}

fn json(path: &Path) -> Value {
    let text = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// What is wrong with a card of the folder `name`.
fn faults(name: &str, card: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    if card["schema"] != "bartizan.card/1" || card["name"] != name || !card["ships"].is_boolean() {
        faults.push("schema, name or ships".to_owned());
    }
    for key in ["version", "purpose", "method", "command_eval", "command_train"] {
        if card[key].as_str().is_none_or(|text| text.trim().is_empty()) {
            faults.push(format!("{key} is empty"));
        }
    }
    let list = |key: &str| card[key].as_array().cloned().unwrap_or_default();
    for key in ["sources", "figures", "blind_spots"] {
        if list(key).is_empty() {
            faults.push(format!("{key} is empty"));
        }
    }
    for source in list("sources") {
        let hash = source["sha256"].as_str().unwrap_or_default();
        if hash.len() != 64 || !hash.bytes().all(|b| b.is_ascii_hexdigit()) {
            faults.push(format!("hash of {}", source["name"]));
        }
        let licence = source["licence"].as_str().unwrap_or_default();
        if card["ships"] == true && !licence.split(" AND ").all(|one| ALLOWED.contains(&one)) {
            faults.push(format!("licence of {}: {licence}", source["name"]));
        }
    }
    for figure in list("figures") {
        let share = &figure["share"];
        let again = share["hits"].as_u64().zip(share["of"].as_u64()).map(|(hits, of)| learn::measure::wilson(hits, of));
        let near = |key: &str, value: f64| share[key].as_f64().is_some_and(|given| (given - value).abs() < 1e-9);
        if !again.is_some_and(|s| s.hits <= s.of && near("share", s.share) && near("low", s.low) && near("high", s.high)) {
            faults.push(format!("figure {}", figure["what"]));
        }
    }
    faults
}

#[test]
fn shipped_cards_agree_with_their_folders() {
    for dir in folders() {
        let name = dir.file_name().expect("name").to_string_lossy().into_owned();
        let card = json(&dir.join("card.json"));
        assert_eq!(faults(&name, &card), Vec::<String>::new(), "{name}");
        for (file, key) in [("datasheet.json", "sources"), ("thresholds.json", "thresholds")] {
            let path = dir.join(file);
            if path.exists() {
                assert_eq!(json(&path), card[key], "{name}/{file}");
            }
        }
        let verify = Command::new(env!("CARGO_BIN_EXE_bartizan")).args(["model", "verify"]).arg(&dir).stdin(Stdio::null()).output();
        assert_eq!(verify.expect("bartizan runs").status.code(), Some(0), "{name}: hashes or signature");
    }
}

#[test]
fn a_changed_card_is_seen() {
    let good = json(&folders()[0].join("card.json"));
    let name = good["name"].as_str().expect("name").to_owned();
    for (pointer, value) in [
        ("/name", Value::from("other")),
        ("/purpose", Value::from(" ")),
        ("/sources/0/licence", Value::from("CC-BY-NC-4.0")),
        ("/sources/0/sha256", Value::from("00")),
        ("/figures/0/share/hits", Value::from(7_654_321)),
        ("/figures/0/share/low", Value::from(0.5)),
    ] {
        let mut card = good.clone();
        *card.pointer_mut(pointer).expect(pointer) = value;
        assert_eq!(faults(&name, &card).len(), 1, "{pointer}");
    }
}
