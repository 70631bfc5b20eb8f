//! The folded view: latest state of each incident and response, held in memory within bounds.

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use event::response::Phase;
use event::{Body, Entity, Event, Incident, Response, Severity, Text, Time};

use crate::Options;

/// All that is set must hold.
#[derive(Clone, Debug, Default)]
pub struct IncidentFilter {
    pub open: bool,
    /// At least.
    pub severity: Option<Severity>,
    pub entity: Option<Entity>,
    /// `T1110` takes its sub-techniques with it.
    pub technique: Option<Text>,
    /// Name of an analytic, or its beginning with the dot: `web.`
    pub analytic: Option<Text>,
    /// In name, title, story or entities; no matter which case.
    pub text: String,
    /// 0 is no limit.
    pub limit: usize,
    /// `last_seen` and name of the last one of the page before.
    pub before: Option<(Time, Text)>,
}

impl IncidentFilter {
    pub fn matches(&self, incident: &Incident) -> bool {
        let technique = |wanted: &Text| {
            let sub = |uid: &str| uid.strip_prefix(wanted.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
            incident.techniques.iter().any(|t| sub(t.uid))
        };
        let analytic = |wanted: &Text| {
            let is = |name: &Text| name == wanted || (wanted.ends_with('.') && name.starts_with(wanted.as_str()));
            incident.stages.iter().any(|stage| is(&stage.analytic))
        };
        (!self.open || incident.is_open())
            && self.severity.is_none_or(|least| incident.severity >= least)
            && self.entity.as_ref().is_none_or(|entity| incident.entities.contains(entity))
            && self.technique.as_ref().is_none_or(technique)
            && self.analytic.as_ref().is_none_or(analytic)
            && (self.text.is_empty() || self.text_matches(incident))
    }

    fn text_matches(&self, incident: &Incident) -> bool {
        let wanted = self.text.to_lowercase();
        let has = |text: &str| text.to_lowercase().contains(&wanted);
        has(&incident.uid) || has(&incident.title) || has(&incident.story) || incident.entities.iter().any(|entity| has(&entity.name))
    }
}

#[derive(Default)]
pub(crate) struct View {
    incidents: HashMap<Text, (Arc<Incident>, usize)>,
    /// For listing.
    by_time: BTreeSet<(Time, Text)>,
    /// What goes first beyond the bounds: closed before open, then the oldest.
    incidents_out: BTreeSet<(bool, Time, Text)>,
    incidents_bytes: usize,
    responses: HashMap<Text, Arc<Response>>,
    /// Ended before those in force, then the oldest.
    responses_out: BTreeSet<(bool, Time, Text)>,
    /// Receipt to response.
    receipts: HashMap<Text, Text>,
    /// Something went beyond the bounds: what is not here may be on disk.
    pub(crate) dropped: bool,
}

impl View {
    /// `bytes` is the size of the stored record.
    pub(crate) fn fold(&mut self, event: &Event, bytes: usize, options: &Options) {
        match &event.body {
            Body::Incident(incident) => self.fold_incident(incident, bytes, options),
            Body::Response(response) => self.fold_response(response, options),
            _ => {}
        }
    }

    fn fold_incident(&mut self, incident: &Incident, bytes: usize, options: &Options) {
        if self.incidents.get(&incident.uid).is_some_and(|(held, _)| held.revision > incident.revision) {
            return;
        }
        self.remove_incident(&incident.uid);
        self.by_time.insert((incident.last_seen, incident.uid.clone()));
        self.incidents_out.insert((incident.is_open(), incident.last_seen, incident.uid.clone()));
        self.incidents.insert(incident.uid.clone(), (Arc::new(incident.clone()), bytes));
        self.incidents_bytes += bytes;
        while self.incidents.len() > options.incidents_max || self.incidents_bytes > options.incidents_bytes_max {
            let Some((_, _, uid)) = self.incidents_out.first().cloned() else { break };
            self.dropped = true;
            self.remove_incident(&uid);
        }
    }

    fn remove_incident(&mut self, uid: &str) {
        if let Some((held, bytes)) = self.incidents.remove(uid) {
            self.incidents_bytes -= bytes;
            self.by_time.remove(&(held.last_seen, held.uid.clone()));
            self.incidents_out.remove(&(held.is_open(), held.last_seen, held.uid.clone()));
        }
    }

    fn fold_response(&mut self, response: &Response, options: &Options) {
        self.remove_response(&response.uid);
        self.responses_out.insert((in_force(response), response.requested, response.uid.clone()));
        if let Some(receipt) = response.phase.receipt() {
            self.receipts.insert(receipt.clone(), response.uid.clone());
        }
        self.responses.insert(response.uid.clone(), Arc::new(response.clone()));
        while self.responses.len() > options.responses_max {
            let Some((_, _, uid)) = self.responses_out.first().cloned() else { break };
            self.dropped = true;
            self.remove_response(&uid);
        }
    }

    fn remove_response(&mut self, uid: &str) {
        if let Some(held) = self.responses.remove(uid) {
            self.responses_out.remove(&(in_force(&held), held.requested, held.uid.clone()));
            if let Some(receipt) = held.phase.receipt() {
                self.receipts.remove(receipt);
            }
        }
    }

    pub(crate) fn incident(&self, uid: &str) -> Option<Arc<Incident>> {
        self.incidents.get(uid).map(|(incident, _)| incident.clone())
    }

    pub(crate) fn incidents(&self, filter: &IncidentFilter) -> Vec<Arc<Incident>> {
        let below = filter.before.clone().map_or(Bound::Unbounded, Bound::Excluded);
        let newest_first = self.by_time.range((Bound::Unbounded, below)).rev();
        let matching = newest_first.filter_map(|(_, uid)| self.incident(uid)).filter(|incident| filter.matches(incident));
        matching.take(if filter.limit == 0 { usize::MAX } else { filter.limit }).collect()
    }

    pub(crate) fn response(&self, uid: &str) -> Option<Arc<Response>> {
        self.responses.get(uid).cloned()
    }

    pub(crate) fn response_of_receipt(&self, receipt: &str) -> Option<Arc<Response>> {
        self.receipts.get(receipt).and_then(|uid| self.response(uid))
    }

    /// Newest first.
    pub(crate) fn responses(&self, keep: impl Fn(&Response) -> bool) -> Vec<Arc<Response>> {
        let mut all: Vec<_> = self.responses.values().filter(|response| keep(response)).cloned().collect();
        all.sort_by(|a, b| (b.requested, &b.uid).cmp(&(a.requested, &a.uid)));
        all
    }

    /// Names that begin so, at most `max`.
    pub(crate) fn complete(&self, prefix: &str, max: usize) -> Vec<Text> {
        let names = self.incidents.keys().chain(self.responses.keys()).chain(self.receipts.keys());
        let mut all: Vec<Text> = names.filter(|uid| uid.starts_with(prefix)).cloned().collect();
        all.sort_unstable();
        all.truncate(max);
        all
    }
}

pub(crate) const fn in_force(response: &Response) -> bool {
    matches!(response.phase, Phase::Requested | Phase::Waiting { .. } | Phase::Applied { .. })
}
