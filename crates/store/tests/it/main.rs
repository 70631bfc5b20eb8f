//! All integration tests of the log.

mod audit;
mod beside;
mod damage;
mod find;
mod format;
mod kill;
mod language;
mod reopen;
mod samples;
mod sealed;
mod search;
