//! SecLang: the rule language of ModSecurity and of the OWASP Core Rule Set, a growing part of it.
//!
//! A [`Ruleset`] is made of named texts and is immutable. What it cannot run is an error with `file:line` and what is supported:
//! nothing is ignored silently. Every match is linear in the length of the value.

mod action;
mod engine;
mod literal;
mod operator;
mod parse;
mod transform;
mod variable;

pub use engine::{Hit, Ruleset, Scratch};
pub use parse::{Rule, RuleError, Severity};
pub use transform::Transform;
pub use variable::{Input, Variable};

#[cfg(test)]
mod tests;
