//! Where bytes come from, one file per source. A source cuts them into records and decides nothing else.
//!
//! A file or a pipe keeps one thread busy, and the thread that calls [`Source::run`] is it; a source that listens has a small runtime of its
//! own beside it (`network.rs`). Records leave in [`Batch`]es, one buffer with offsets, so that splitting costs no allocation per line.
//!
//! A new source that is named by a [`Locator`] is one file with a [`Kind`] in it and one line in [`ALL`].
//!
//! Bounds: a record at most [`RECORD_BYTES_MAX`] (cut, and the record says so), a batch at most one block and one record, expansion of archives
//! by [`expand::Bounds`]. Whatever stops a source short of its end stands in [`Done`]: nothing is lost silently.

mod batch;
mod counters;
mod error;
pub mod expand;
mod file;
mod folder;
mod follow;
mod gather;
pub mod host;
mod inherit;
pub mod journald;
mod listen;
mod locator;
mod network;
pub mod push;
mod receipt;
pub mod silence;
mod split;
mod stdin;
mod supervise;
pub mod syslog;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub use batch::{Batch, Record};
pub use counters::{Counters, METRICS, Metric};
pub use error::Error;
pub use file::{HEAD_BYTES, Opened, WHOLE_BYTES_MAX, Whole, read_all};
pub use folder::{Listing, Refused, list};
pub use follow::{Follow, Position, Start, follow, kept_position};
pub use inherit::Inherited;
pub use listen::Limits;
pub use locator::Locator;
pub use receipt::Receipt;
pub use silence::Silence;
pub use stdin::Stdin;
pub use supervise::{Backoff, supervise};

/// A longer record is cut to this; [`Record::cut_from`] says how long it was.
pub const RECORD_BYTES_MAX: usize = 1 << 20;

/// Takes batches, in order. `Break` ends the source.
pub type Out<'o> = dyn FnMut(Batch) -> ControlFlow<()> + 'o;

/// Brings bytes in.
///
/// The contract: `run` calls `out` from its own thread with every record in order, waits as long as `out` waits (that is the back-pressure),
/// and returns when the source has ended, when `out` says `Break`, or soon after `stop` is set. It does not retry: an error goes to the
/// supervisor, which may call `run` again. Facts that are no errors (a damaged archive, a bound that was hit, a rotation) stand in [`Done`].
pub trait Source {
    /// As in `metadata.log_source`: the path as given, or `-`.
    fn name(&self) -> &str;

    fn run(&mut self, out: &mut Out<'_>, stop: &AtomicBool) -> Result<Done, Error>;

    /// The socket that it listens with once more, and what it was asked for: for the process after this one.
    fn socket(&self) -> Option<(String, std::os::fd::OwnedFd)> {
        None
    }
}

/// What a locator can name.
#[derive(Debug)]
pub struct Kind {
    /// What stands before the `:`.
    pub scheme: &'static str,
    /// One line for help and reference pages.
    pub about: &'static str,
    /// A whole locator.
    pub example: &'static str,
    pub options: &'static [&'static str],
    /// Options that must be there.
    pub needs: &'static [&'static str],
    /// It takes what anybody on the way can read and change.
    pub is_plain: bool,
    /// The kind that does not.
    pub encrypted: &'static str,
    /// Takes the address, reads the files that the options name: what can go wrong goes wrong here, not later.
    pub open: Open,
}

pub type Open = fn(&Locator, &Opening) -> Result<Box<dyn Source + Send>, Error>;

/// What a source is given beside its locator.
#[derive(Clone, Debug)]
pub struct Opening {
    pub counters: Arc<Counters>,
    /// Where it may remember how far it came.
    pub folder: PathBuf,
    /// The sockets of the process before this one.
    pub inherited: Arc<Inherited>,
}

/// In the order of the pages.
pub const ALL: &[&Kind] = &[&syslog::UDP, &syslog::TCP, &syslog::TLS, &push::HTTP, &push::HTTPS, &journald::JOURNALD];

impl Locator {
    pub fn open(&self, opening: &Opening) -> Result<Box<dyn Source + Send>, Error> {
        (self.kind().open)(self, opening)
    }
}

/// What came of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Records handed over; blank lines are none.
    pub records: u64,
    /// Physical lines.
    pub lines: u64,
    /// Bytes read, after expansion.
    pub bytes: u64,
    /// Records that were cut to [`RECORD_BYTES_MAX`].
    pub cut: u64,
    /// Times that a followed file was replaced or emptied.
    pub rotations: u64,
    /// Why the rest could not be read, when it could not.
    pub short: Option<Short>,
}

/// Why a source ended before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Short {
    /// Told to.
    Stopped,
    /// The archive is damaged or ends too early; what came before it was read.
    Damaged { at_bytes: u64, why: String },
    /// The archive expands beyond a bound.
    Bound { at_bytes: u64, bound: expand::Bound },
    /// Its format is read as a whole, and it is longer than that is done for.
    Long { max: u64 },
}

impl std::fmt::Display for Short {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Short::Stopped => f.write_str("stopped"),
            Short::Damaged { at_bytes, why } => write!(f, "archive is damaged after {at_bytes} expanded bytes: {why}"),
            Short::Long { max } => write!(f, "only the first {max} bytes were read: the format cannot be read in parts"),
            Short::Bound { at_bytes, bound } => write!(f, "archive was read up to {at_bytes} expanded bytes: {bound}"),
        }
    }
}
