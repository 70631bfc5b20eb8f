//! Figures of a log: how much, of what, since when, and events per minute of the last day.

use event::Time;
use serde::{Deserialize, Serialize};

use crate::Damage;
use crate::audit::Head;

/// Minutes kept for the chart: one day.
pub const MINUTES: usize = 1_440;

#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Offsets given out; damaged records count.
    pub records: u64,
    /// Records by the word of their class, classes in fixed order.
    pub counts: Vec<(&'static str, u64)>,
    pub segments: usize,
    /// Those of them that are Parquet files.
    pub sealed: usize,
    /// Why a finished segment could not be sealed; it stays as it is and is tried again.
    pub unsealed: Option<String>,
    /// Latest signed head of the tree over all records; known to the writing process alone.
    pub head: Option<Head>,
    /// Why no newer one could be signed; it is tried again.
    pub unattested: Option<String>,
    /// Records that retention removed, ever.
    pub removed: u64,
    /// Bytes that this process made free by removing them.
    pub freed_bytes: u64,
    /// Why retention could not do its work the last time; it is tried again.
    pub unretained: Option<String>,
    /// Time of the oldest record in a sealed segment by the word of its class; known after the first look of retention.
    pub oldest: Vec<(&'static str, Time)>,
    /// On disk, segments and their indexes.
    pub bytes: u64,
    /// Cut from the end when the writer opened the log: a record that was being written when the machine or the program stopped.
    pub torn_bytes: u64,
    /// As far as known; at most 1,000 places. `Log::verify` reads everything.
    pub damage: Vec<Damage>,
    pub damaged_records: u64,
    /// Whole records that this version cannot decode.
    pub unreadable_records: u64,
    /// Earliest and latest event time.
    pub first: Option<Time>,
    pub last: Option<Time>,
    /// Activities by minute of `logged`, oldest first; minutes without any are left out, at most [`MINUTES`].
    pub minutes: Vec<Minute>,
}

/// What was logged in one minute; only activities, not what Bartizan itself made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Minute {
    /// Minutes since 1970-01-01 UTC.
    pub minute: i64,
    pub http: u32,
    pub authentication: u32,
    pub other: u32,
    pub blocked: u32,
    pub would_block: u32,
}
