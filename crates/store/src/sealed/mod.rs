//! Sealed segments: what is finished and whole becomes one Parquet file that other tools read directly, and that gives every record back
//! bit for bit.
//!
//! ```text
//! %016x.parquet  rows in the order of their offsets: offset, class, the columns of `column.rs`, rest
//! %016x.seal     the segment's index, and what the bytes of the Parquet file were; with it the sealed file is in force;
//!                of a segment that retention went through also what is missing (`cut.rs`), and when nothing is left it stands alone
//! ```
//!
//! `split.rs` takes records apart and puts them together, `write.rs` and `file.rs` are the file, `checked.rs` its checksums; `select.rs` finds the
//! rows that matter to a search by single columns.

pub(crate) mod checked;
pub(crate) mod column;
pub(crate) mod cut;
pub(crate) mod file;
pub(crate) mod select;
mod split;
pub(crate) mod write;

pub(crate) use checked::Sums;
pub(crate) use cut::{Cut, Gone};
pub(crate) use file::{Sealed, Values};
pub(crate) use select::Condition;
pub(crate) use write::Sealing;

/// Of the Parquet files' inner form, in their metadata as `bartizan.format`.
pub(crate) const VERSION: u32 = 1;
