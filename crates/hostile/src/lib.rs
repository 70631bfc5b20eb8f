//! Every reader of bytes from outside, as a function of bytes: what a fuzzer calls (`fuzz/`) and what the ordinary tests call with the
//! corpus and a few thousand changed inputs each (`tests/it.rs`). See docs/fuzzing.md.
//!
//! A target returns when all is well and panics when a promise is broken: beside "it never panics", each says what else holds.
//! A new reader is one line in [`ALL`], one file in `fuzz/fuzz_targets/`, one `[[bin]]` of `fuzz/Cargo.toml` and seeds in
//! `fuzz/corpus/NAME/`; a test names what is missing.

mod content;
mod front;
mod language;
mod line;
pub mod mutate;
mod stored;
mod whole;

/// One reader under test.
#[derive(Clone, Copy)]
pub struct Target {
    /// Of its corpus and its fuzz target.
    pub name: &'static str,
    pub run: fn(&[u8]),
    /// Changed inputs in an ordinary test: as many as take about a second.
    pub rounds: u32,
}

const fn target(name: &'static str, rounds: u32, run: fn(&[u8])) -> Target {
    Target { name, run, rounds }
}

pub const ALL: &[Target] = &[
    // Decoders of single records: `decode::ALL`.
    target("combined", 4_000, |bytes| line::read("combined", bytes)),
    target("syslog", 4_000, |bytes| line::read("syslog", bytes)),
    target("json", 4_000, |bytes| line::read("json", bytes)),
    target("windows_json", 4_000, |bytes| line::read("windows_json", bytes)),
    target("cloudtrail", 4_000, |bytes| line::read("cloudtrail", bytes)),
    target("journald", 4_000, |bytes| line::read("journald", bytes)),
    target("auditd", 4_000, |bytes| line::read("auditd", bytes)),
    target("zeek", 4_000, |bytes| line::read("zeek", bytes)),
    target("cisco", 4_000, |bytes| line::read("cisco", bytes)),
    // Decoders of whole files: `decode::FILES`.
    target("evtx_file", 400, |bytes| whole::read("evtx", bytes)),
    target("cloudtrail_file", 2_000, |bytes| whole::read("cloudtrail", bytes)),
    target("auditd_file", 2_000, |bytes| whole::read("auditd", bytes)),
    target("zeek_file", 2_000, |bytes| whole::read("zeek", bytes)),
    target("pcap_file", 2_000, |bytes| whole::read("pcap", bytes)),
    // What is inside of files and mails.
    target("archive", 1_500, content::archive),
    target("pe", 3_000, content::pe),
    target("elf", 3_000, content::elf),
    target("pdf", 2_000, content::pdf),
    target("office", 1_500, content::office),
    target("script", 2_000, content::script),
    target("mail", 1_500, content::mail),
    target("html", 3_000, content::html),
    target("url", 4_000, content::url),
    target("content", 1_000, content::judge),
    target("configuration", 300, content::configuration),
    target("expand", 2_000, content::expand),
    // The HTTP front.
    target("front", 3_000, front::wire),
    target("request", 3_000, front::values),
    target("inspect", 1_500, front::inspect),
    target("push", 2_000, front::push),
    // Languages that people write.
    target("query", 4_000, language::query),
    target("sigma", 1_500, language::sigma),
    target("seclang", 1_500, language::seclang),
    target("posture_rules", 1_000, language::posture),
    target("config", 2_000, language::config),
    target("playbook", 2_000, language::playbook),
    // What lies on disk.
    target("log", 1_000, stored::log),
    target("index", 1_000, stored::index),
    target("sealed", 800, stored::sealed),
    target("record", 3_000, stored::record),
];

/// The target of that name; panics when there is none, because a fuzz target that does nothing finds nothing.
pub fn run(name: &str, bytes: &[u8]) {
    let target = ALL.iter().find(|target| target.name == name);
    (target.unwrap_or_else(|| panic!("there is no target {name}")).run)(bytes);
}
