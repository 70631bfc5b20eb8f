//! Every decoder and every syslog program is in its list, and every list entry is reachable by its name.

use std::collections::BTreeSet;
use std::path::Path;

use decode::{ALL, FILES, Format};

/// Files that are no format of records: the frame, helpers of several formats, and what is looked at as a whole thing.
const NO_FORMAT: [&str; 20] = [
    "flat", "windows", "lib", "format", "place", "address", "civil", "text", "request", "mail", "url", "sniff", "archive", "pe", "elf",
    "pdf", "office", "script", "posture", "mask",
];

fn stems(folder: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = std::fs::read_dir(folder).expect("folder of sources").filter_map(Result::ok).map(|entry| entry.path());
    files.filter(|p| p.extension().is_some_and(|e| e == "rs")).filter_map(|p| Some(p.file_stem()?.to_str()?.to_owned())).collect()
}

#[test]
fn every_format_file_is_registered() {
    let lib = include_str!("../../src/lib.rs");
    let list = |name: &str| lib.split(name).nth(1).and_then(|rest| rest.split(';').next()).expect("the list").to_owned();
    let list = list("pub const ALL") + &list("pub const FILES");
    let formats: Vec<_> = stems("src").into_iter().filter(|stem| !NO_FORMAT.contains(&stem.as_str())).collect();
    for stem in &formats {
        assert!(list.contains(&format!("&{stem}::")), "src/{stem}.rs is neither in ALL nor in FILES");
    }
    let names: BTreeSet<_> = ALL.iter().map(|d| d.name()).chain(FILES.iter().map(|d| d.name())).collect();
    assert_eq!(formats.len(), names.len());
}

#[test]
fn every_program_file_is_registered() {
    let names: BTreeSet<_> = decode::syslog::PROGRAMS.iter().map(|program| program.name.to_owned()).collect();
    assert_eq!(stems("src/syslog"), names);
}

#[test]
fn formats_are_known_by_their_names() {
    for name in Format::names() {
        assert_eq!(name.parse::<Format>().expect("a known format").name(), name);
    }
    let fault = "telepathy".parse::<Format>().expect_err("no such format");
    assert!(fault.to_string().starts_with(r#"unknown format "telepathy", expected one of auto, combined, syslog, json"#), "{fault}");
}
