//! Online log templates: which lines say the same with other values, one configuration for every kind of log.
//!
//! A line passes three steps: [`header`] takes off what a logger puts before the message (learned from the first lines of the source),
//! [`scan`] cuts the message into words and masks what is typed (number, address, path, quoted text, ..), and [`miner`] finds the template,
//! opening a column where the words fall apart. [`Source`] does all three for one source.
//!
//! Bounds: 10,000 templates a source, 64 values a column, 256 words a line. What does not fit goes to the template `<*>`.
//! Mistaken by: messages whose only constant words are few and change (a list of names alone).
//! Method:     parse tree by length and constants as in Drain (He et al., ICWS 2017); columns are judged by the spread of their values as in
//!             Brain (Yu et al., IEEE TSC 2023), here online.

pub mod header;
pub mod miner;
pub mod scan;
mod source;

pub use header::Header;
pub use miner::{Merge, Miner};
pub use source::Source;
