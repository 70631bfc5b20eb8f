//! YARA rules over the bytes of one file, by `yara-x`. It is the only thing behind a cargo feature (`heavy-scan`): its compiler to machine
//! code takes longer to build than all the rest.
//!
//! Rules are compiled once. A rule that cannot be used is refused with its place and the rest works. A file is scanned up to
//! [`BYTES_MAX`] and [`TIME_MAX`]; what was cut off is said.

use std::time::Duration;

use crate::sigma::Refused;

#[cfg(not(feature = "heavy-scan"))]
mod absent;
#[cfg(feature = "heavy-scan")]
mod engine;
#[cfg(all(test, feature = "heavy-scan"))]
mod tests;

#[cfg(not(feature = "heavy-scan"))]
pub use absent::Rules;
#[cfg(feature = "heavy-scan")]
pub use engine::Rules;

/// Whether this build scans with YARA rules.
pub const BUILT_IN: bool = cfg!(feature = "heavy-scan");
/// Bytes of one file that are scanned.
pub const BYTES_MAX: usize = 256 << 20;
/// Time for one file.
pub const TIME_MAX: Duration = Duration::from_secs(10);

/// Rules, and those that could not be used.
#[derive(Debug, Default)]
pub struct Loaded {
    /// `None` when there is none, or when this build has no YARA.
    pub rules: Option<Rules>,
    pub refused: Vec<Refused>,
}

/// How sure a rule says it is, by its meta `severity` or `level`, or its `score` of 100: from 75 on high, below 40 low.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Low,
    /// Also when it says nothing.
    #[default]
    Medium,
    High,
}

/// What one scan saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scanned {
    /// In the order of the rules, at most 64.
    pub hits: Vec<Hit>,
    /// Why not everything was looked at.
    pub short: Option<&'static str>,
}

/// One rule that holds for a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    pub rule: String,
    /// File of the rule.
    pub file: String,
    /// `description` of its meta part.
    pub about: String,
    pub level: Level,
    /// ATT&CK ids that its meta part and its tags name.
    pub techniques: Vec<String>,
    /// Name of a pattern, its offset in the file and the bytes there (at most 64), at most eight.
    pub seen: Vec<(String, usize, Vec<u8>)>,
}
