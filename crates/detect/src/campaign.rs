//! What stream detectors have in common: one finding for one campaign, told again when it grew, and counters that forget.

use std::collections::VecDeque;

use event::finding::Evidence;
use event::{Analytic, Bytes, Event, Finding, Time};
use serde::{Deserialize, Serialize};

const FIRST_KEPT: usize = 10;
const LATEST_KEPT: usize = 10;
const RAW_BYTES_MAX: usize = 1024;

/// The events behind one finding: first ones, latest ones, their true number.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Campaign {
    pub(crate) start: Time,
    pub(crate) last: Time,
    pub(crate) count: u64,
    told_count: u64,
    told_state: u32,
    first: Vec<Evidence>,
    latest: VecDeque<Evidence>,
}

impl Campaign {
    /// Begins anew when nothing came for `idle_s`; says whether it did.
    pub(crate) fn begin_if_idle(&mut self, now: Time, idle_s: i64) -> bool {
        let anew = self.count == 0 || now.since_s(self.last) > idle_s as f64;
        if anew {
            *self = Campaign { start: now, last: now, ..Campaign::default() };
        }
        anew
    }

    pub(crate) fn add(&mut self, event: &Event, n: u64) {
        self.push(evidence(event), event.meta.time, n);
    }

    /// The same for an event that is only remembered by its evidence.
    pub(crate) fn push(&mut self, evidence: Evidence, at: Time, n: u64) {
        self.count += n;
        self.last = self.last.max(at);
        if self.first.len() < FIRST_KEPT {
            self.first.push(evidence);
        } else {
            if self.latest.len() == LATEST_KEPT {
                self.latest.pop_front();
            }
            self.latest.push_back(evidence);
        }
    }

    /// Worth telling: for the first time, in a new state, or an eighth larger than when it was told last: what is shown is never further behind.
    pub(crate) fn due(&self, state: u32) -> bool {
        self.told_count == 0 || state != self.told_state || self.count >= self.told_count + (self.told_count / 8).max(1)
    }

    /// A finding with name, times, count and evidence; the same name for the whole campaign of this `actor`.
    pub(crate) fn tell(&mut self, analytic: &Analytic, actor: &str, state: u32) -> Finding {
        (self.told_count, self.told_state) = (self.count, state);
        let mut finding = Finding::of(analytic, format!("{actor} {}", self.start.us()).as_bytes());
        (finding.first_seen, finding.last_seen, finding.count) = (self.start, self.last, self.count);
        finding.evidence = self.first.iter().chain(&self.latest).cloned().collect();
        finding
    }
}

/// What is kept of one event.
pub(crate) fn evidence(event: &Event) -> Evidence {
    let meta = &event.meta;
    let raw = Bytes::from(&event.raw[..event.raw.len().min(RAW_BYTES_MAX)]);
    Evidence { source: meta.source.clone(), record: meta.record, event_uid: meta.uid, time: meta.time, raw, matches: Vec::new() }
}

/// A count of which half is forgotten every half-life. Time going backwards counts as now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fading {
    value: f64,
    at: Time,
}

impl Fading {
    pub(crate) fn add(&mut self, n: f64, now: Time, half_life_s: f64) -> f64 {
        self.value = self.now(now, half_life_s) + n;
        self.at = self.at.max(now);
        self.value
    }

    pub(crate) fn now(&self, now: Time, half_life_s: f64) -> f64 {
        self.value * (-now.since_s(self.at).max(0.0) / half_life_s.max(1.0)).exp2()
    }
}

/// A set of keys up to a bound; beyond it new keys only count.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Distinct {
    keys: Vec<u64>,
}

impl Distinct {
    pub(crate) const KEYS_MAX: usize = 256;

    /// True when it is new.
    pub(crate) fn insert(&mut self, key: u64) -> bool {
        match self.keys.binary_search(&key) {
            Ok(_) => false,
            Err(at) => {
                if self.keys.len() < Self::KEYS_MAX {
                    self.keys.insert(at, key);
                }
                true
            }
        }
    }

    pub(crate) fn holds(&self, key: u64) -> bool {
        self.keys.binary_search(&key).is_ok()
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }
}

/// Key of any bytes.
pub(crate) fn key(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| crate::state::mix((hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)))
}

/// Log-odds to 0..=1.
pub(crate) fn logistic(odds: f64) -> f32 {
    (1.0 / (1.0 + (-odds).exp())) as f32
}
