//! Shards: each owns its detectors and their state; an event goes to the shard that owns the entity a detector is keyed by.
//!
//! A batch is shown to all shards, each picks what it owns. Large batches run on one thread a shard, small ones (a live gateway) on the
//! caller's. The findings are sorted before they leave, so that neither threads nor their number can be seen in the result.

use detect::{Detector, Knowledge, Spec};
use event::{Event, Finding};

struct Owned {
    spec: &'static Spec,
    detector: Box<dyn Detector>,
}

struct Shard {
    index: u64,
    of: u64,
    detectors: Vec<Owned>,
}

pub struct Shards {
    shards: Vec<Shard>,
}

/// Below this many events threads cost more than they save.
const THREADS_FROM: usize = 256;

impl Shards {
    /// `count` shards of every detector of the registry.
    pub fn new(knowledge: &Knowledge, count: usize) -> Shards {
        let of = count.max(1) as u64;
        let shards = (0..of)
            .map(|index| Shard {
                index,
                of,
                detectors: detect::ALL.iter().map(|spec| Owned { spec, detector: (spec.build)(knowledge) }).collect(),
            })
            .collect();
        Shards { shards }
    }

    pub fn count(&self) -> usize {
        self.shards.len()
    }

    /// Findings of the batch, by time, analytic and name. `inspected` events were already judged inline by the gateway's stateless
    /// detectors, so these leave them alone.
    pub fn detect(&mut self, events: &[Event], inspected: bool) -> Vec<Finding> {
        let mut all: Vec<Finding> = if events.len() < THREADS_FROM || self.shards.len() == 1 {
            self.shards.iter_mut().flat_map(|shard| shard.detect(events, inspected)).collect()
        } else {
            std::thread::scope(|scope| {
                let running: Vec<_> = self.shards.iter_mut().map(|shard| scope.spawn(move || shard.detect(events, inspected))).collect();
                running.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
            })
        };
        all.sort_by(|a, b| (a.last_seen, &a.analytic.uid, &a.uid, a.count).cmp(&(b.last_seen, &b.analytic.uid, &b.uid, b.count)));
        all
    }
}

impl Shard {
    fn detect(&mut self, events: &[Event], inspected: bool) -> Vec<Finding> {
        let mut found = Vec::new();
        for event in events {
            for owned in &mut self.detectors {
                if inspected && owned.spec.scope == detect::Scope::Event {
                    continue;
                }
                let Some(key) = owned.spec.scope.key(event) else { continue };
                if key % self.of == self.index {
                    owned.detector.detect(event, &mut found);
                }
            }
        }
        found
    }
}
