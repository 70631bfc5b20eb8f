//! Corpus and changed inputs through every target, and that every decoder has one.
//!
//! `BARTIZAN_FUZZ_ROUNDS=50` runs fifty times as many inputs, `BARTIZAN_FUZZ_SEED=7` other ones. What breaks a promise is written to
//! the temporary directory and named; `BARTIZAN_FUZZ_FILE=PATH` runs one file alone through the test's targets.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hostile::mutate::{Random, changed};
use hostile::{ALL, Target};

/// For one input, in a test's build on a busy machine: a thousand times what is usual. Time beyond linear shows itself here.
const TIME_MAX: Duration = Duration::from_secs(10);
const BYTES_MAX: usize = 128 << 10;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(fuzz().join("corpus").join(name)).into_iter().flatten().flatten().map(|e| e.path()).collect();
    paths.sort();
    paths.into_iter().map(|path| fs::read(path).expect("a seed")).collect()
}

fn try_one(target: &Target, bytes: &[u8]) {
    let begun = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(bytes)));
    let took = begun.elapsed();
    if outcome.is_ok() && took < TIME_MAX {
        return;
    }
    let path = std::env::temp_dir().join(format!("bartizan-{}-{:08x}", target.name, crc(bytes)));
    fs::write(&path, bytes).expect("written");
    panic!(
        "target {}: {} ({took:?}) on {} bytes, kept as {}",
        target.name,
        if outcome.is_ok() { "too slow" } else { "panic" },
        bytes.len(),
        path.display()
    );
}

fn crc(bytes: &[u8]) -> u32 {
    bytes.iter().fold(5_381, |hash: u32, b| hash.wrapping_mul(33) ^ u32::from(*b))
}

fn check(name: &str) {
    let target = ALL.iter().find(|t| t.name == name).expect("a target");
    if let Ok(path) = std::env::var("BARTIZAN_FUZZ_FILE") {
        return try_one(target, &fs::read(path).expect("readable"));
    }
    let seeds = corpus(name);
    assert!(!seeds.is_empty(), "fuzz/corpus/{name} is empty");
    try_one(target, b"");
    seeds.iter().for_each(|seed| try_one(target, seed));
    let mut random = Random(number("BARTIZAN_FUZZ_SEED", 1) ^ u64::from(crc(name.as_bytes())));
    for _ in 0..u64::from(target.rounds) * number("BARTIZAN_FUZZ_ROUNDS", 1) {
        try_one(target, &changed(&seeds, &mut random, BYTES_MAX));
    }
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test] fn $name() { check(stringify!($name)); })*
        const TESTED: &[&str] = &[$(stringify!($name)),*];
    };
}

targets! {
    combined syslog json windows_json cloudtrail journald auditd zeek cisco
    evtx_file cloudtrail_file auditd_file zeek_file pcap_file
    archive pe elf pdf office script mail html url content configuration expand
    front request inspect push
    query sigma seclang posture_rules config playbook
    log index sealed record
}

#[test]
fn every_target_is_a_fuzz_target_and_is_tested() {
    let names: BTreeSet<&str> = ALL.iter().map(|t| t.name).collect();
    assert_eq!(names.len(), ALL.len());
    assert_eq!(names, TESTED.iter().copied().collect(), "targets and tests differ");
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).expect("fuzz/Cargo.toml");
    for name in &names {
        let path = fuzz().join("fuzz_targets").join(format!("{name}.rs"));
        let text = fs::read_to_string(&path).unwrap_or_default();
        assert!(text.contains(&format!("hostile::run(\"{name}\"")), "{} does not run it", path.display());
        assert!(manifest.contains(&format!("name = \"{name}\"")), "fuzz/Cargo.toml does not build {name}");
    }
    for entry in fs::read_dir(fuzz().join("corpus")).expect("a corpus").flatten() {
        let name = entry.file_name().into_string().expect("a name");
        assert!(names.contains(name.as_str()), "fuzz/corpus/{name} belongs to no target");
        let bytes: u64 = fs::read_dir(entry.path()).expect("seeds").flatten().filter_map(|e| e.metadata().ok()).map(|m| m.len()).sum();
        assert!(bytes < 200 << 10, "the corpus of {name} has {bytes} bytes: keep seeds small");
    }
}

#[test]
fn every_decoder_has_a_target() {
    for decoder in decode::ALL {
        let name = decoder.name().replace('-', "_");
        assert!(TESTED.contains(&name.as_str()), "no target for {}", decoder.name());
    }
    for decoder in decode::FILES {
        let name = format!("{}_file", decoder.name().replace('-', "_"));
        assert!(TESTED.contains(&name.as_str()), "no target for {}", decoder.name());
    }
}
