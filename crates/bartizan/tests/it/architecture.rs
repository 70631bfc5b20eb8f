//! The rules of ARCHITECTURE.md that a machine can check.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cargo_metadata::MetadataCommand;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Who may depend on whom, tests apart. `bartizan` knows everybody.
const ARROWS: &[(&str, &[&str])] = &[
    ("event", &[]),
    ("decode", &["event"]),
    ("rule", &["event", "decode"]),
    ("learn", &["event"]),
    ("detect", &["event", "decode", "rule", "learn"]),
    ("incident", &["event", "learn"]),
    ("source", &["event", "decode"]),
    ("gateway", &["event", "decode", "detect"]),
    ("respond", &["event"]),
    ("store", &["event"]),
    ("console", &["event", "store", "incident"]),
    ("hostile", &["event", "decode", "rule", "detect", "incident", "source", "gateway", "store", "bartizan"]),
];

const PURE: &[&str] = &["event", "decode", "rule", "learn", "detect", "incident"];
const IMPURE_LIBRARIES: &[&str] = &["tokio", "hyper", "axum", "rusqlite", "rustls", "mio", "reqwest"];

/// Operators that only measure lie in `learn::lab`; what trains may not reach it, or the figures measure what was learned by heart.
#[test]
fn no_training_reaches_the_attack_lab() {
    let learn = root().join("crates/learn/src");
    let mut open = vec![learn.clone()];
    let mut read = 0;
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).expect("a folder").flatten().map(|entry| entry.path()));
            continue;
        }
        let name = path.strip_prefix(&learn).expect("below").to_string_lossy().into_owned();
        if name.starts_with("lab") || name == "lib.rs" {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("text");
        read += 1;
        for reach in ["lab::", "use crate::lab;", "super::lab;"] {
            assert!(!text.contains(reach), "{name} reaches the attack lab by {reach}");
        }
    }
    assert!(read > 50, "only {read} files were read");
}

#[test]
fn dependencies_follow_the_table() {
    let metadata = MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options(vec!["--locked".into()])
        .exec()
        .expect("cargo metadata");
    let members: BTreeSet<String> = metadata.workspace_packages().iter().map(|p| p.name.to_string()).collect();
    let resolve = metadata.resolve.as_ref().expect("a resolved graph");
    let names: BTreeMap<_, _> = metadata.packages.iter().map(|p| (&p.id, p.name.to_string())).collect();
    let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for node in &resolve.nodes {
        let normal = node.deps.iter().filter(|d| d.dep_kinds.iter().any(|k| k.kind == cargo_metadata::DependencyKind::Normal));
        arrows.entry(names[&node.id].clone()).or_default().extend(normal.map(|d| names[&d.pkg].clone()));
    }
    for (name, allowed) in ARROWS {
        assert!(members.contains(*name), "crate {name} stands in the table and not in the workspace");
        for other in arrows[*name].iter().filter(|other| members.contains(*other)) {
            assert!(allowed.contains(&other.as_str()), "{name} depends on {other}; allowed are {allowed:?}");
        }
    }
    for member in &members {
        assert!(member == "bartizan" || ARROWS.iter().any(|(name, _)| name == member), "crate {member} is not in the table");
    }
    for pure in PURE {
        let mut seen = BTreeSet::new();
        let mut open = vec![(*pure).to_owned()];
        while let Some(name) = open.pop() {
            if seen.insert(name.clone()) {
                open.extend(arrows.get(&name).into_iter().flatten().cloned());
            }
        }
        for library in IMPURE_LIBRARIES {
            assert!(!seen.contains(*library), "{pure} is pure and reaches {library}");
        }
    }
}

#[test]
fn no_file_is_a_drawer() {
    for file in files(&root().join("crates"), "rs") {
        let name = file.file_stem().and_then(|n| n.to_str()).unwrap_or_default();
        assert!(
            !["common", "shared", "utils", "util", "core", "models", "manager", "helpers", "misc"].contains(&name),
            "{}",
            file.display()
        );
    }
}

#[test]
fn every_file_says_what_it_is() {
    let own = |file: &PathBuf| file.components().any(|c| c.as_os_str() == "src") && !file.ends_with("tests.rs");
    for file in files(&root().join("crates"), "rs").into_iter().filter(own) {
        let text = std::fs::read_to_string(&file).expect("a source file");
        assert!(text.starts_with("//!") || text.starts_with("#!["), "{} has no header", file.display());
    }
}

#[test]
fn architecture_page_names_every_crate_and_stays_short() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    assert!(page.lines().count() <= 300);
    for (name, _) in ARROWS {
        assert!(page.contains(&format!("`{name}`")) || page.contains(&format!("{name}/")), "ARCHITECTURE.md does not name {name}");
    }
}

fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() && !path.ends_with("target") {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(path);
            }
        }
    }
    found
}
