//! Bytes to events: one file per format. A decoder cannot fail: what it cannot read is an event with its raw bytes and the reason.
//!
//! A new format is one file with a [`Decoder`] in it and one line in [`ALL`]; a new program whose messages come by syslog is one file
//! in `syslog/` and one line in [`syslog::PROGRAMS`]. The caller either knows the format or lets [`Choice`] look at the first records;
//! in both cases it gets one event per record, never none and never a panic.
//!
//! Architecture Invariant: pure. Time of reading, source name and record number are arguments ([`Place`]).

use event::Event;

pub mod access;
mod address;
pub mod auth_json;
mod civil;
mod format;
pub mod mail;
mod place;
pub mod request;
pub mod sniff;
pub mod syslog;
mod text;
pub mod url;

pub use format::{Choice, Format, SAMPLE_MAX, UnknownFormat};
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

/// In the order in which equal scores are resolved.
pub const ALL: &[&dyn Decoder] = &[&access::Access, &syslog::Syslog, &auth_json::AuthJson];

/// One record of unknown format: the decoder that is surest of it reads it.
pub fn decode(record: &[u8], at: &Place<'_>) -> Event {
    Choice::MIXED.decode(record, at)
}
