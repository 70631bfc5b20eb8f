//! Gateway decision (D3FEND D3-ITF, inbound traffic filtering): the table that the gateway reads for every request.
//!
//! One writer makes a new table and puts it in place whole; a reader sees the old or the new one, never a mix. In force at the next
//! request after `apply` returns.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use event::decision::DECISIONS_MAX;
use event::{Decision, Decisions, Response, Text, Time};

use crate::Action;

/// Enforcement point `gateway`.
pub struct DecisionTable {
    shared: Arc<ArcSwap<Decisions>>,
    by_response: BTreeMap<Text, Decision>,
}

impl DecisionTable {
    pub const POINT: &'static str = "gateway";

    pub fn new(shared: Arc<ArcSwap<Decisions>>) -> DecisionTable {
        DecisionTable { shared, by_response: BTreeMap::new() }
    }

    fn publish(&self) {
        self.shared.store(Arc::new(Decisions::new(self.by_response.values().cloned())));
    }
}

impl Action for DecisionTable {
    fn name(&self) -> &'static str {
        "decision"
    }

    fn apply(&mut self, response: &Response, _now: Time) -> Result<Vec<Text>, String> {
        if self.by_response.len() >= DECISIONS_MAX {
            let first_to_end = self.by_response.iter().min_by_key(|(_, d)| d.until).map(|(uid, _)| uid.clone());
            first_to_end.map(|uid| self.by_response.remove(&uid));
        }
        let hits = self.by_response.get(&response.uid).map_or_else(Arc::<AtomicU64>::default, |d| Arc::clone(&d.hits));
        self.by_response.insert(
            response.uid.clone(),
            Decision {
                entity: response.target.clone(),
                disposition: response.disposition,
                mode: response.mode,
                until: response.until,
                response: response.uid.clone(),
                incident: response.incident.clone(),
                reason: response.reason.as_str().into(),
                hits,
            },
        );
        self.publish();
        Ok(vec![Text::const_new(DecisionTable::POINT)])
    }

    fn undo(&mut self, response: &Response) -> Result<(), String> {
        if self.by_response.remove(&response.uid).is_some() {
            self.publish();
        }
        Ok(())
    }

    fn probe(&self, response: &Response) -> bool {
        self.shared.load().iter().any(|d| d.response == response.uid)
    }

    fn hits(&self, response: &Response) -> u64 {
        self.by_response.get(&response.uid).map_or(0, |d| d.hits.load(Ordering::Relaxed))
    }

    fn undone_words(&self) -> &'static str {
        "let in again"
    }
}
