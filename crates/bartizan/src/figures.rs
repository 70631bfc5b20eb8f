//! What the engine counts: written by its thread, read by whoever asks for figures.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use event::Time;

/// Something that grows, and its bound.
#[derive(Clone, Debug, PartialEq)]
pub struct Filled {
    pub what: String,
    pub now: u64,
    pub max: u64,
}

#[derive(Default)]
pub struct Figures {
    /// When the engine was last awake.
    beat_us: AtomicI64,
    pub steps: AtomicU64,
    /// Activities and what they led to, as written to the log.
    pub records: AtomicU64,
    pub findings: AtomicU64,
    pub responses: AtomicU64,
    /// Of the latest step.
    pub step_us: AtomicU64,
    /// Records that the log refused: lost.
    pub not_kept: AtomicU64,
    /// The latest write failed.
    pub write_failed: AtomicBool,
    filled: Mutex<Vec<Filled>>,
}

/// A long step of a large batch takes seconds; an engine that is silent for longer is stuck.
const SILENT_S: f64 = 60.0;

impl Figures {
    pub fn beat(&self, now: Time) {
        self.beat_us.store(now.us(), Relaxed);
    }

    /// True while the engine works and its log can be written.
    pub fn is_well(&self, now: Time) -> bool {
        let beat = self.beat_us.load(Relaxed);
        let silent = beat != 0 && now.since_s(Time::from_us(beat)) > SILENT_S;
        !silent && !self.write_failed.load(Relaxed)
    }

    pub fn kept(&self, records: u64) {
        self.records.fetch_add(records, Relaxed);
        self.write_failed.store(false, Relaxed);
    }

    pub fn lost(&self, records: u64) {
        self.not_kept.fetch_add(records, Relaxed);
        self.write_failed.store(true, Relaxed);
    }

    pub fn fill(&self, filled: Vec<Filled>) {
        *self.filled.lock().unwrap_or_else(PoisonError::into_inner) = filled;
    }

    pub fn filled(&self) -> Vec<Filled> {
        self.filled.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Several of the same name are one: shards hold the same kind of state each.
pub fn summed(all: impl IntoIterator<Item = (String, usize, usize)>) -> Vec<Filled> {
    let mut sums: Vec<Filled> = Vec::new();
    for (what, now, max) in all {
        let (now, max) = (now as u64, max as u64);
        match sums.iter_mut().find(|f| f.what == what) {
            Some(sum) => {
                sum.now += now;
                sum.max += max;
            }
            None => sums.push(Filled { what, now, max }),
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_engine_or_a_log_that_refuses_is_not_well() {
        let figures = Figures::default();
        let at = |s: i64| Time::from_s(1_000_000 + s);
        assert!(figures.is_well(at(0)), "it has not begun");
        figures.beat(at(0));
        assert!(figures.is_well(at(59)) && !figures.is_well(at(61)));
        figures.lost(3);
        assert!(!figures.is_well(at(1)));
        figures.kept(1);
        assert!(figures.is_well(at(1)));
        assert_eq!(figures.not_kept.load(Relaxed), 3);
    }
}
