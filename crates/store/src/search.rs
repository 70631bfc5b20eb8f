//! Reading: from an offset, by query, by id. Newest block first; blocks that cannot matter are not read, records that cannot matter are
//! not decoded.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLockReadGuard};
use std::time::{Duration, Instant};

use event::{Body, Entity, Event, Incident, Response, Text, Time, Uid};
use memchr::memmem::Finder;

use crate::index::{Block, id_key, ids};
use crate::reader::{Form, Reader, unreadable};
use crate::rows::Row;
use crate::sealed::Condition;
use crate::segment::{Header, Place};
use crate::view::View;
use crate::{Classes, Error, IncidentFilter, Log, Query};

/// Rows of a page, whatever was asked for.
const ROWS_MAX: usize = 10_000;
/// Stored size of the events that one call returns.
const BYTES_MAX: usize = 64 << 20;
/// What a beginning of an id can stand for.
const COMPLETIONS_MAX: usize = 20;
/// Rows of sealed segments that are read at once, at the beginning of a search and later.
const RUN_ROWS_MIN: u64 = 4_096;
const RUN_ROWS_MAX: u64 = 65_536;
/// A shorter beginning of an id is no id.
const PREFIX_MIN: usize = 5;

/// One page of results.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Newest first.
    pub rows: Vec<(u64, Event)>,
    /// Records looked at; those in blocks that the index rules out do not count.
    pub scanned: u64,
    /// Why the search ended before everything was looked at and before the page was full.
    pub stopped_early: Option<&'static str>,
    /// [`Query::before`] of the next page; `None` when nothing older is left.
    pub next: Option<u64>,
}

/// What an id stands for.
#[derive(Clone, Debug)]
pub enum Found {
    Incident(Arc<Incident>),
    Response(Arc<Response>),
    /// A finding, an HTTP request, an order or any other event.
    Event(u64, Event),
}

/// What can be decided without decoding.
pub(crate) struct Plan {
    pub(crate) from: Option<Time>,
    pub(crate) to: Option<Time>,
    pub(crate) classes: Classes,
    pub(crate) before: u64,
    /// Of each group, a block must have one key at least.
    pub(crate) keys: Vec<Vec<u64>>,
    /// The same, of the values of fields.
    pub(crate) facets: Vec<Vec<u32>>,
    /// Of each group, a record must have one of these byte strings at least.
    pub(crate) needles: Vec<Vec<Needle>>,
    /// What single columns of sealed segments can decide.
    pub(crate) conditions: Vec<Condition>,
    /// They decide everything: what they select need not be looked at again.
    pub(crate) decided: bool,
    pub(crate) rows_max: u64,
    pub(crate) time_max: Duration,
}

/// Bytes to look for in a record before it is decoded: text is stored in one piece.
#[derive(Debug)]
pub(crate) enum Needle {
    Exact(Finder<'static>),
    /// Lower case; found in any case.
    AnyCase(Vec<u8>),
}

impl Needle {
    pub(crate) fn exact(bytes: &[u8]) -> Needle {
        Needle::Exact(Finder::new(bytes).into_owned())
    }

    pub(crate) fn any_case(text: &str) -> Needle {
        Needle::AnyCase(text.to_ascii_lowercase().into_bytes())
    }

    pub(crate) fn is_in(&self, bytes: &[u8]) -> bool {
        match self {
            Needle::Exact(finder) => finder.find(bytes).is_some(),
            Needle::AnyCase(text) => contains(bytes, text),
        }
    }
}

/// From the most frequent byte in records on; others are rarer.
const FREQUENT: &[u8] = b"eatoinsrlcdm_u/.1p20hg3:5 4b6f789-=kwyvx&?";

/// True when `text` has `wanted`, which is lower case, in any case. Looks for its rarest byte first.
pub(crate) fn contains(text: &[u8], wanted: &[u8]) -> bool {
    let rarity = |byte: u8| FREQUENT.iter().position(|b| *b == byte).unwrap_or(FREQUENT.len());
    let Some((before, byte)) = wanted.iter().copied().enumerate().max_by_key(|(_, byte)| rarity(*byte)) else { return true };
    let begins = |at: usize| {
        let from = at.checked_sub(before)?;
        text.get(from..from + wanted.len())
    };
    memchr::memchr2_iter(byte, byte.to_ascii_uppercase(), text).any(|at| begins(at).is_some_and(|part| part.eq_ignore_ascii_case(wanted)))
}

impl Plan {
    fn of_id(id: &str, classes: Classes) -> Plan {
        let needle = if Uid::parse(id).is_none() { vec![vec![Needle::exact(id.as_bytes())]] } else { Vec::new() };
        Plan { classes, keys: vec![vec![id_key(id)]], needles: needle, ..Plan::everything() }
    }

    pub(crate) fn everything() -> Plan {
        Plan {
            from: None,
            to: None,
            classes: Classes::ALL,
            before: u64::MAX,
            keys: Vec::new(),
            facets: Vec::new(),
            needles: Vec::new(),
            conditions: Vec::new(),
            decided: true,
            rows_max: u64::MAX,
            time_max: Duration::MAX,
        }
    }

    pub(crate) fn wants_block(&self, first: u64, block: &Block) -> bool {
        first.saturating_add(u64::from(block.start.number)) < self.before
            && block.classes.meets(self.classes)
            && self.from.is_none_or(|from| block.last >= from)
            && self.to.is_none_or(|to| block.first < to)
            && self.keys.iter().all(|group| group.iter().any(|key| block.may_have(*key)))
            && self.facets.iter().all(|group| group.iter().any(|facet| block.may_say(*facet)))
    }

    pub(crate) fn wants_record(&self, record: &Row<'_>) -> bool {
        self.classes.meets(Classes::of_byte(record.class))
            && self.needles.iter().all(|group| group.iter().any(|needle| needle.is_in(record.payload)))
    }
}

/// How a scan ended.
#[derive(Default)]
struct Scan {
    scanned: u64,
    stopped: Option<&'static str>,
    /// Everything at or above this offset was looked at, when something is left below.
    rest: Option<u64>,
}

/// A segment as it was when the search began.
pub(crate) struct Part {
    pub(crate) path: Arc<Path>,
    pub(crate) header: Header,
    form: Form,
    pub(crate) blocks: Arc<Vec<Arc<Block>>>,
}

pub(crate) struct Parts<'a> {
    all: Vec<Part>,
    _reading: RwLockReadGuard<'a, ()>,
}

impl std::ops::Deref for Parts<'_> {
    type Target = [Part];

    fn deref(&self) -> &[Part] {
        &self.all
    }
}

impl Part {
    pub(crate) fn is_sealed(&self) -> bool {
        matches!(self.form, Form::Sealed(_))
    }

    /// Records between two places: retention may have removed some of the numbers.
    pub(crate) fn rows(&self, start: Place, end: Place) -> u64 {
        if self.is_sealed() { end.position - start.position } else { u64::from(end.number - start.number) }
    }

    fn offset(&self, number: u32) -> u64 {
        self.header.first.saturating_add(u64::from(number))
    }
}

impl Log {
    /// Held while they are read: no file is rewritten in the meantime.
    pub(crate) fn parts(&self) -> Parts<'_> {
        let reading = self.shared.reading.read().unwrap_or_else(PoisonError::into_inner);
        let state = self.shared.read();
        let part = |segment: &crate::state::Segment| Part {
            path: segment.path.clone(),
            header: segment.index.header,
            form: segment.form.clone(),
            blocks: segment.index.blocks.clone(),
        };
        Parts { all: state.segments.iter().map(part).collect(), _reading: reading }
    }

    /// Nothing when the file was removed since; a sealed file that cannot be opened is damage, and what else there is is read.
    pub(crate) fn open_part(&self, part: &Part) -> Result<Option<Reader>, Error> {
        match Reader::open(&part.path, part.header, &part.form, &self.shared.open) {
            Err(Error::Sealed { .. }) => {
                if let (Some(first), Some(last)) = (part.blocks.first(), part.blocks.last()) {
                    self.shared.note(vec![unreadable(part.header, 0, first.start.number, last.end)]);
                }
                Ok(None)
            }
            other => other,
        }
    }

    /// An offset before which no event is as young as `from`; by the index alone.
    pub fn since(&self, from: Time) -> u64 {
        for part in self.parts().iter() {
            if let Some(block) = part.blocks.iter().find(|block| block.last >= from) {
                return part.offset(block.start.number);
            }
        }
        self.end()
    }

    /// At most `max` events from this offset on, oldest first. Damaged records are left out: their offsets are missing.
    pub fn read(&self, from: u64, max: usize) -> Result<Vec<(u64, Event)>, Error> {
        let (mut out, mut bytes) = (Vec::new(), 0);
        for part in self.parts().iter() {
            let mut reader = None;
            for block in part.blocks.iter().filter(|block| part.offset(block.end.number) > from) {
                if out.len() >= max || bytes > BYTES_MAX {
                    return Ok(out);
                }
                if reader.is_none() {
                    reader = self.open_part(part)?;
                }
                let Some(reader) = &reader else { break };
                let (records, damage) = reader.rows(&part.path, block.start, block.end)?;
                self.shared.note(damage);
                for record in records.iter() {
                    let offset = record.offset;
                    if offset < from {
                        continue;
                    }
                    if out.len() >= max || bytes > BYTES_MAX {
                        return Ok(out);
                    }
                    bytes += record.payload.len();
                    out.extend(record.decode().map(|event| (offset, event)));
                }
            }
        }
        Ok(out)
    }

    /// The event at this offset; [`Error::Damaged`] says what became of it when it cannot be read.
    pub fn get(&self, offset: u64) -> Result<Option<Event>, Error> {
        if let Some((at, event)) = self.read(offset, 1)?.pop()
            && at == offset
        {
            return Ok(Some(event));
        }
        let damage = self.facts().damage.into_iter().find(|d| (d.offset..d.offset.saturating_add(d.records)).contains(&offset));
        damage.map_or(Ok(None), |damage| Err(Error::Damaged(damage)))
    }

    /// Newest first.
    fn scan(&self, plan: &Plan, visit: &mut dyn FnMut(u64, Event, usize) -> ControlFlow<Option<&'static str>>) -> Result<Scan, Error> {
        let started = Instant::now();
        let mut scan = Scan::default();
        let mut run_rows = RUN_ROWS_MIN;
        for part in self.parts().iter().rev() {
            let mut reader = None;
            let wanted: Vec<&Block> =
                part.blocks.iter().map(|block| &**block).filter(|block| plan.wants_block(part.header.first, block)).collect();
            let mut left = wanted.len();
            while let Some(last) = left.checked_sub(1).and_then(|at| wanted.get(at)) {
                if started.elapsed() > plan.time_max {
                    scan.stopped = Some("time limit");
                }
                if scan.scanned >= plan.rows_max {
                    scan.stopped = Some("row limit");
                }
                if scan.stopped.is_some() {
                    scan.rest = Some(part.offset(last.end.number).min(plan.before));
                    return Ok(scan);
                }
                if reader.is_none() {
                    reader = self.open_part(part)?;
                }
                let Some(reader) = &reader else { break };
                // Blocks that follow one another are read at once, more of them the longer the search goes on.
                let from = reader.run(&wanted[..left], run_rows);
                run_rows = (run_rows * 2).min(RUN_ROWS_MAX);
                let (start, end) = (wanted[from].start, last.end);
                left = from;
                let stories = wanted[from..].iter().any(|block| block.classes.meets(Classes::STORIES));
                let (records, damage) = reader.wanted_rows(&part.path, start, end, plan, stories)?;
                self.shared.note(damage);
                scan.scanned += part.rows(start, end);
                for record in records.iter().rev() {
                    let offset = record.offset;
                    if offset >= plan.before || !plan.wants_record(&record) {
                        continue;
                    }
                    let Some(event) = record.decode() else { continue };
                    if let ControlFlow::Break(why) = visit(offset, event, record.payload.len()) {
                        scan.stopped = why;
                        scan.rest = Some(offset);
                        return Ok(scan);
                    }
                }
            }
        }
        Ok(scan)
    }

    /// The first one, newest first, that is `wanted`.
    fn newest(&self, plan: &Plan, wanted: impl Fn(&Event) -> bool) -> Result<Option<(u64, Event)>, Error> {
        let mut found = None;
        self.scan(plan, &mut |offset, event, _| {
            if wanted(&event) {
                found = Some((offset, event));
                return ControlFlow::Break(None);
            }
            ControlFlow::Continue(())
        })?;
        Ok(found)
    }

    /// One page, newest first. Bounded in rows, time and memory: [`Page::stopped_early`] says when a bound was met.
    pub fn query(&self, query: &Query) -> Result<Page, Error> {
        let limit = query.limit.clamp(1, ROWS_MAX);
        let (mut rows, mut bytes) = (Vec::new(), 0);
        let scan = self.scan(&query.plan(), &mut |offset, event, size| {
            if query.matches(&event) {
                rows.push((offset, event));
                bytes += size;
            }
            if rows.len() >= limit {
                ControlFlow::Break(None)
            } else if bytes > BYTES_MAX {
                ControlFlow::Break(Some("size limit"))
            } else {
                ControlFlow::Continue(())
            }
        })?;
        Ok(Page { rows, scanned: scan.scanned, stopped_early: scan.stopped, next: scan.rest.filter(|rest| *rest > 0) })
    }

    /// Latest state, by its whole name.
    pub fn incident(&self, uid: &str) -> Option<Arc<Incident>> {
        let held = self.in_view(|view| view.incident(uid));
        held.unwrap_or_else(|| {
            let plan = Plan::of_id(uid, Classes::parse("incident")?);
            let (_, event) = self.newest(&plan, |e| matches!(&e.body, Body::Incident(i) if i.uid == uid)).ok()??;
            if let Body::Incident(incident) = event.body { Some(Arc::from(incident)) } else { None }
        })
    }

    /// Newest first, by `last_seen` and name; of those held in memory.
    pub fn incidents(&self, filter: &IncidentFilter) -> Vec<Arc<Incident>> {
        self.shared.read().view.incidents(filter)
    }

    /// Latest state, by its whole name.
    pub fn response(&self, uid: &str) -> Option<Arc<Response>> {
        let held = self.in_view(|view| view.response(uid));
        held.unwrap_or_else(|| self.stored_response(uid, |r| r.uid == uid))
    }

    /// What the view says: `Some(None)` when there is no such thing, `None` when only the records can tell.
    fn in_view<T>(&self, look: impl Fn(&View) -> Option<T>) -> Option<Option<T>> {
        let state = self.shared.read();
        let found = look(&state.view);
        (found.is_some() || !state.view.dropped).then_some(found)
    }

    fn stored_response(&self, id: &str, wanted: impl Fn(&Response) -> bool) -> Option<Arc<Response>> {
        let plan = Plan::of_id(id, Classes::parse("response")?);
        let (_, event) = self.newest(&plan, |e| matches!(&e.body, Body::Response(r) if wanted(r))).ok()??;
        if let Body::Response(response) = event.body { Some(Arc::from(response)) } else { None }
    }

    /// Newest first; of those held in memory.
    pub fn responses_of(&self, incident: &str) -> Vec<Arc<Response>> {
        self.shared.read().view.responses(|response| response.incident == incident)
    }

    /// Newest first; of those held in memory.
    pub fn responses(&self) -> Vec<Arc<Response>> {
        self.shared.read().view.responses(|_| true)
    }

    /// Names of incidents, responses and receipts held in memory that begin so; at most 20.
    pub fn complete(&self, prefix: &str) -> Vec<Text> {
        self.shared.read().view.complete(prefix, COMPLETIONS_MAX)
    }

    /// Latest state of a finding, by its whole name.
    pub fn finding(&self, uid: &str) -> Result<Option<(u64, Event)>, Error> {
        let Some(classes) = Classes::parse("finding") else { return Ok(None) };
        self.newest(&Plan::of_id(uid, classes), |e| matches!(&e.body, Body::Finding(f) if f.uid == uid))
    }

    /// The newest record of an incident or a response, by its whole name.
    pub fn newest_of(&self, uid: &str) -> Result<Option<(u64, Event)>, Error> {
        let classes = ["incident", "response"].into_iter().filter_map(Classes::parse).collect();
        self.newest(&Plan::of_id(uid, classes), |e| match &e.body {
            Body::Incident(incident) => incident.uid == uid,
            Body::Response(response) => response.uid == uid,
            _ => false,
        })
    }

    /// The HTTP event with this request id.
    pub fn request(&self, id: &str) -> Result<Option<(u64, Event)>, Error> {
        let Some(classes) = Classes::parse("http") else { return Ok(None) };
        self.newest(&Plan::of_id(id, classes), |e| matches!(&e.body, Body::Http(http) if http.request_id.as_deref() == Some(id)))
    }

    /// Whatever an id stands for that Bartizan ever printed: `INC-`, `F-`, `R-`, `r-`, `rcpt-`, `O-`, 32 hexadecimal digits. Of incidents,
    /// findings, responses and receipts a beginning of at least 5 characters will do; when more than one begins so, all of them are
    /// returned, at most 20. A request id brings the request and the findings about it.
    pub fn find(&self, id: &str) -> Result<Vec<Found>, Error> {
        let id = id.trim();
        if Uid::parse(id).is_some() {
            let uid = Uid::parse(id);
            let event = self.newest(&Plan::of_id(id, Classes::ALL), |e| Some(e.meta.uid) == uid)?;
            return Ok(event.map(|(offset, event)| Found::Event(offset, event)).into_iter().collect());
        }
        let long = id.len() >= PREFIX_MIN;
        let begun = || if long { self.complete(id) } else { Vec::new() };
        let event = |(offset, event)| Found::Event(offset, event);
        let Some((kind, _)) = id.split_once('-') else { return Ok(Vec::new()) };
        Ok(match kind {
            "INC" => match self.incident(id) {
                Some(incident) => vec![Found::Incident(incident)],
                None => begun().iter().filter_map(|uid| self.incident(uid)).map(Found::Incident).collect(),
            },
            "R" => match self.response(id) {
                Some(response) => vec![Found::Response(response)],
                None => begun().iter().filter_map(|uid| self.response(uid)).map(Found::Response).collect(),
            },
            "rcpt" => match self.of_receipt(id) {
                Some(response) => vec![Found::Response(response)],
                None => begun().iter().filter_map(|uid| self.of_receipt(uid)).map(Found::Response).collect(),
            },
            "F" => match self.finding(id)? {
                Some(found) => vec![event(found)],
                None if long => {
                    self.findings_that(Plan::everything(), |finding| finding.uid.starts_with(id))?.into_iter().map(event).collect()
                }
                None => Vec::new(),
            },
            "r" => {
                let plan = Plan::of_id(id, Classes::ALL);
                let about = self.findings_that(plan, |finding| finding.request_id.as_deref() == Some(id))?;
                self.request(id)?.into_iter().chain(about).map(event).collect()
            }
            "O" => {
                let plan = Plan::of_id(id, Classes::parse("order").unwrap_or_default());
                self.newest(&plan, |e| matches!(&e.body, Body::Order(order) if order.uid == id))?.map(event).into_iter().collect()
            }
            _ => Vec::new(),
        })
    }

    /// The response that gave this receipt, in its latest state.
    fn of_receipt(&self, receipt: &str) -> Option<Arc<Response>> {
        // The view knows the latest receipt of a response only.
        let held = self.shared.read().view.response_of_receipt(receipt);
        held.or_else(|| {
            let then = self.stored_response(receipt, |r| r.phase.receipt().is_some_and(|given| given == receipt))?;
            self.response(&then.uid).or(Some(then))
        })
    }

    /// Latest states of at most 20 findings, newest first; within the bounds of a query.
    fn findings_that(&self, plan: Plan, wanted: impl Fn(&event::Finding) -> bool) -> Result<Vec<(u64, Event)>, Error> {
        let Query { rows_max, time_max, .. } = Query::default();
        let plan = Plan { classes: Classes::parse("finding").unwrap_or_default(), rows_max, time_max, ..plan };
        let (mut seen, mut found) = (HashSet::new(), Vec::new());
        self.scan(&plan, &mut |offset, event, _| {
            let Body::Finding(finding) = &event.body else { return ControlFlow::Continue(()) };
            if seen.insert(finding.uid.clone()) && wanted(finding) {
                found.push((offset, event));
            }
            if found.len() < COMPLETIONS_MAX { ControlFlow::Continue(()) } else { ControlFlow::Break(None) }
        })?;
        Ok(found)
    }
}

/// True when the event is about this entity; no matter which case.
pub(crate) fn is_about(event: &Event, entity: &Entity) -> bool {
    event.entities().iter().any(|e| e.kind == entity.kind && e.name.eq_ignore_ascii_case(&entity.name))
}

/// True when the event bears this id, or has this name.
pub(crate) fn bears(event: &Event, id: &str) -> bool {
    if let Some(uid) = Uid::parse(id) {
        return event.meta.uid == uid;
    }
    let mut found = false;
    ids(event, &mut |other| found |= other == id);
    found
}
