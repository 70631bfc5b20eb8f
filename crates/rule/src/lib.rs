//! Rule languages to matchers: rules are content, this crate reads them and runs them.
//!
//! Architecture Invariant: pure. Texts come in as arguments, with their names for messages; no files, no clock.

pub mod posture;
pub mod seclang;
pub mod sigma;
pub mod yara;

pub use seclang::{Hit, Rule, RuleError, Ruleset, Scratch};
