//! Sigma: the rules a user already has, run unmodified over the events they were written for.
//!
//! Rules of one log source are compiled into one engine. The map of log sources (content) says which events each engine meets, so a rule
//! never sees the events of another source. The engine itself stands behind [`Engine`]; ours reads the event in place, without JSON.

mod engine;
mod load;
mod route;
mod source;
mod view;

pub use engine::{Engine, Rsigma};
pub use load::{Info, Level, Refused, Set};
pub use source::{MapError, SourceMap};
pub use view::View;

/// A rule that matched an event.
#[derive(Clone, Debug)]
pub struct Hit<'s> {
    pub rule: &'s Info,
    /// Field of the rule and value of the event.
    pub matched: Vec<(String, String)>,
}

#[cfg(test)]
mod tests;
