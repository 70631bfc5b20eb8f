//! What each source took and what it could not take: one set of counters a source, written by many threads, read by console and metrics.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use event::Time;

use crate::Batch;

/// Since the start of the program. Whoever brings the records counts what only it sees (`shed`, `connections`, ..); what becomes of the
/// records is counted where they are decoded.
#[derive(Debug, Default)]
pub struct Counters {
    /// Handed over.
    pub records: AtomicU64,
    /// Of the records.
    pub bytes: AtomicU64,
    /// Records that were longer than the source takes: their beginning was kept.
    pub cut: AtomicU64,
    /// Records lost because nobody could take them in time: only where a sender cannot be made to wait (UDP).
    pub shed: AtomicU64,
    /// Records that no decoder could read; kept with their bytes.
    pub undecoded: AtomicU64,
    /// Open now.
    pub connections: AtomicU64,
    /// Connections and requests that were turned away: too many, wrong token, too large, told to come again.
    pub refused: AtomicU64,
    /// Connections and requests that ended because they could not be understood.
    pub broken: AtomicU64,
    /// Times that the source was started again after a failure.
    pub restarts: AtomicU64,
    last_record_us: AtomicI64,
    last_event_us: AtomicI64,
}

/// How a counter is named outside.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    pub name: &'static str,
    pub unit: &'static str,
    /// It can go down.
    pub is_gauge: bool,
    pub about: &'static str,
    pub read: fn(&Counters) -> i64,
}

const fn counter(name: &'static str, unit: &'static str, about: &'static str, read: fn(&Counters) -> i64) -> Metric {
    Metric { name, unit, is_gauge: false, about, read }
}

fn value(counter: &AtomicU64) -> i64 {
    i64::try_from(counter.load(Relaxed)).unwrap_or(i64::MAX)
}

/// In the order of the pages.
pub const METRICS: &[Metric] = &[
    counter("records", "records", "handed over to the decoders", |c| value(&c.records)),
    counter("bytes", "bytes", "of the records", |c| value(&c.bytes)),
    counter("cut", "records", "longer than the source takes; their beginning was kept", |c| value(&c.cut)),
    counter("shed", "records", "lost because nobody could take them in time", |c| value(&c.shed)),
    counter("undecoded", "records", "no decoder could read them; kept with their bytes", |c| value(&c.undecoded)),
    Metric { is_gauge: true, ..counter("connections", "connections", "open now", |c| value(&c.connections)) },
    counter("refused", "connections", "turned away: too many, wrong token, too large, come again", |c| value(&c.refused)),
    counter("broken", "connections", "ended because they could not be understood", |c| value(&c.broken)),
    counter("restarts", "times", "started again after a failure", |c| value(&c.restarts)),
    Metric { is_gauge: true, ..counter("last_record", "us since 1970", "when the last record came", |c| c.last_record_us.load(Relaxed)) },
    Metric { is_gauge: true, ..counter("last_event", "us since 1970", "time of the latest event", |c| c.last_event_us.load(Relaxed)) },
];

impl Counters {
    /// Counts what is handed over.
    pub fn take(&self, batch: &Batch, now: Time) {
        let (records, bytes) = batch.records().fold((0, 0), |(n, bytes), record| (n + 1, bytes + record.bytes.len() as u64));
        if records > 0 {
            self.records.fetch_add(records, Relaxed);
            self.bytes.fetch_add(bytes, Relaxed);
            self.cut.fetch_add(batch.cut_count() as u64, Relaxed);
            self.last_record_us.fetch_max(now.us(), Relaxed);
        }
    }

    /// Counts what became of it.
    pub fn decoded(&self, undecoded: u64, latest: Option<Time>) {
        self.undecoded.fetch_add(undecoded, Relaxed);
        if let Some(latest) = latest {
            self.last_event_us.fetch_max(latest.us(), Relaxed);
        }
    }

    pub fn last_event(&self) -> Option<Time> {
        Some(self.last_event_us.load(Relaxed)).filter(|us| *us != 0).map(Time::from_us)
    }

    pub(crate) fn add(counter: &AtomicU64, n: u64) {
        counter.fetch_add(n, Relaxed);
    }

    /// An open connection, until it is dropped.
    pub(crate) fn connection(self: &std::sync::Arc<Counters>) -> Open {
        self.connections.fetch_add(1, Relaxed);
        Open(std::sync::Arc::clone(self))
    }
}

pub(crate) struct Open(std::sync::Arc<Counters>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Relaxed);
    }
}
