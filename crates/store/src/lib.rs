//! The Log: one append-only, embedded log of events. Blocking; one writer, many readers, in this process and beside it.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (mut writer, log) = store::open("data".as_ref(), store::Options::default())?;
//! writer.append(&[])?;                                       // durable when it returns
//! let page = log.query(&store::Query::parse("class:http status:>=500 src_ip:10.0.0.0/8")?)?;
//! # Ok(()) }
//! ```
//!
//! `segment.rs` is the file format, `index.rs` what lets a query pass over blocks, `view.rs` the latest state of incidents and
//! responses, `query.rs` the language, `search.rs` reads, `log.rs` opens and appends.
//!
//! Architecture Invariant: what a reader of this process sees is durable. Whatever stands in a file, reading it does not panic,
//! and one damaged record costs that record alone. Indexes and views can be made again from the segments at any time.

pub mod audit;
pub mod backup;
mod class;
mod error;
mod facts;
mod index;
mod log;
mod query;
mod reader;
pub mod retain;
mod rows;
mod sealed;
mod sealer;
mod search;
mod segment;
mod state;
mod tally;
mod view;
mod walk;

pub use class::Classes;
pub use error::{Damage, Error};
pub use facts::{Facts, MINUTES, Minute};
pub use log::{Ahead, Log, Options, Writer, open, open_read_only};
pub use query::{Compare, Net, Query, QueryError, Term, Test};
pub use search::{Found, Page};
pub use tally::{Table, Tally};
pub use view::IncidentFilter;
