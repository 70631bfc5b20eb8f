//! All integration tests of the log.

mod audit;
mod backup;
mod beside;
mod damage;
mod find;
mod format;
mod kill;
mod language;
mod reopen;
mod retain;
mod samples;
mod sealed;
mod search;
