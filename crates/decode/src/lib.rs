//! Bytes to events: one file per format. A decoder cannot fail: what it cannot read is an event with its raw bytes and the reason.
//!
//! Formats that are no list of lines are [`FileDecoder`]s, listed in [`FILES`]: one file's bytes to its events.
//!
//! A new format is one file with a [`Decoder`] in it and one line in [`ALL`]; a new program whose messages come by syslog is one file
//! in `syslog/` and one line in [`syslog::PROGRAMS`]. The caller either knows the format or lets [`Choice`] look at the first records;
//! in both cases it gets one event per record, never none and never a panic.
//!
//! Architecture Invariant: pure. Time of reading, source name and record number are arguments ([`Place`]).

use event::Event;

pub mod access;
mod address;
pub mod archive;
pub mod auditd;
pub mod auth_json;
mod cisco;
mod civil;
pub mod cloudtrail;
pub mod elf;
pub mod evtx;
mod flat;
mod format;
pub mod journald;
pub mod mail;
pub mod mask;
pub mod office;
pub mod pcap;
pub mod pdf;
pub mod pe;
mod place;
pub mod posture;
pub mod request;
pub mod script;
pub mod sniff;
pub mod syslog;
mod text;
pub mod url;
mod windows;
pub mod windows_json;
pub mod zeek;

pub use format::{Choice, Format, SAMPLE_MAX, UnknownFormat, sureness};
pub use place::{Place, RECORD_BYTES_MAX, Reading, When};

/// One format. `read` is what a format has of its own; [`Decoder::decode`] is the same for all: it keeps the raw record, names the event,
/// cuts what is too long and turns a refusal into [`event::Body::Undecoded`].
pub trait Decoder: Sync {
    /// As in `--format` and `metadata.log_format`.
    fn name(&self) -> &'static str;

    /// One line for help and reference pages.
    fn about(&self) -> &'static str;

    /// How sure this record is of the format, 0..=100. Cheap: it looks for marks and does not decode.
    fn recognise(&self, record: &[u8]) -> u8;

    /// What the record says, or why it cannot be read. Never panics.
    fn read(&self, record: &[u8], at: &Place<'_>) -> Result<Reading, event::Text>;

    /// One record, one event.
    fn decode(&self, record: &[u8], at: &Place<'_>) -> Event {
        place::event(self.name(), record, at, |cut| self.read(cut, at))
    }
}

/// A format whose records cannot be told apart by line ends: binary logs, captures, one JSON document, tables with a header.
pub trait FileDecoder: Sync {
    /// As in `--format` and `metadata.log_format`. A format that has lines as well may have a [`Decoder`] of the same name.
    fn name(&self) -> &'static str;

    /// One line for help and reference pages.
    fn about(&self) -> &'static str;

    /// How sure the first bytes of a file are of the format, 0..=100; from [`FILE_SURE`] on the file is read by it. `name` is the path as given.
    fn recognise(&self, head: &[u8], name: &str) -> u8;

    /// Every record as one event, in the order of the file, with 1-based record numbers: `at.record` is left to the decoder, which makes its
    /// events with [`record`]. A damaged part is one undecoded event that names its offset and the reason. Never panics.
    fn decode(&self, bytes: &[u8], at: &Place<'_>, out: &mut dyn FnMut(Event));
}

/// A file is read as a whole when a decoder of [`FILES`] is as sure of it as this.
pub const FILE_SURE: u8 = 80;

/// In the order in which equal scores are resolved.
pub const FILES: &[&dyn FileDecoder] = &[&evtx::Evtx, &cloudtrail::Cloudtrail, &auditd::Auditd, &zeek::Zeek, &pcap::Pcap];

/// The decoder of [`FILES`] that is surest of a file, if any is sure.
pub fn file_decoder(head: &[u8], name: &str) -> Option<&'static dyn FileDecoder> {
    let scored = FILES.iter().map(|decoder| (decoder.recognise(head, name), *decoder)).filter(|(score, _)| *score >= FILE_SURE);
    scored.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, decoder)| decoder)
}

/// The event of one record of a file that is read as a whole; `raw` is cut and the reason kept as [`Decoder::decode`] does it.
pub fn record(
    format: &'static str,
    raw: &[u8],
    at: &Place<'_>,
    number: u64,
    read: impl FnOnce(&[u8]) -> Result<Reading, event::Text>,
) -> Event {
    place::event(format, raw, &Place { record: number, ..*at }, read)
}

/// In the order in which equal scores are resolved.
pub const ALL: &[&dyn Decoder] = &[
    &access::Access,
    &syslog::Syslog,
    &auth_json::AuthJson,
    &windows_json::WindowsJson,
    &cloudtrail::Cloudtrail,
    &journald::Journald,
    &auditd::Auditd,
    &zeek::Zeek,
    &cisco::Cisco,
];

/// One record of unknown format: the decoder that is surest of it reads it.
pub fn decode(record: &[u8], at: &Place<'_>) -> Event {
    Choice::MIXED.decode(record, at)
}
