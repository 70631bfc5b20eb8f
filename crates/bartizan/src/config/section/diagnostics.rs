//! `[diagnostics]`: what the program says about itself on stderr.

use crate::config::key::TakenUp::Restart;
use crate::config::key::{Key, Kind, Section};
use crate::config::layer::Values;

pub const SECTION: Section = Section {
    name: "diagnostics",
    many: false,
    doc: "What the program says about itself on stderr.",
    keys: &[Key {
        name: "format",
        kind: Kind::Word(&["auto", "text", "json", "journal"]),
        default: "\"auto\"",
        doc: "text is for people; json one object a line; journal has the level that journald reads; auto is journal below systemd, else text.",
        taken_up: Restart,
    }],
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Text,
    Json,
    Journal,
}

pub fn read(values: &Values) -> Form {
    match values.one("diagnostics").text("format").as_deref() {
        Some("json") => Form::Json,
        Some("journal") => Form::Journal,
        // systemd says so when stderr goes to the journal.
        Some("auto") if std::env::var_os("JOURNAL_STREAM").is_some() => Form::Journal,
        _ => Form::Text,
    }
}
