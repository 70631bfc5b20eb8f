//! The tables of the configuration, one file each. A new table is a file with `SECTION` and a reader, a line of [`ALL`], and a field of
//! [`super::Config`]; keys, defaults, reference, schema and environment follow from its rows.

use super::key::Section;

pub mod console;
pub mod diagnostics;
pub mod gateway;
pub mod limits;
pub mod login;
pub mod metrics;
pub mod notify;
pub mod privacy;
pub mod program;
pub mod response;
pub mod retention;

/// In the order of the reference. Places for those that are being built: `[[source]]` (where events come from), `[playbook]` (who is asked before something is done).
pub const ALL: &[&Section] = &[
    &program::SECTION,
    &gateway::SECTION,
    &limits::SECTION,
    &login::SECTION,
    &console::SECTION,
    &metrics::SECTION,
    &response::SECTION,
    &notify::SECTION,
    &privacy::SECTION,
    &retention::SECTION,
    &diagnostics::SECTION,
];

pub fn find(name: &str) -> Option<&'static Section> {
    ALL.iter().copied().find(|section| section.name == name)
}
