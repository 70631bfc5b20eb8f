use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use event::{Event, Incident, Response};

use crate::{Damage, Error, Facts, IncidentFilter, Query};

#[derive(Clone, Debug)]
pub struct Options {
    /// A segment is finished when the next batch would make it longer.
    pub segment_bytes: u64,
    pub incidents_max: usize,
    pub responses_max: usize,
    /// Encoded size of all incidents held in memory.
    pub incidents_bytes_max: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options { segment_bytes: 64 << 20, incidents_max: 10_000, responses_max: 50_000, incidents_bytes_max: 128 << 20 }
    }
}

pub fn open(dir: &Path, _options: Options) -> Result<(Writer, Log), Error> {
    Err(Error::Missing { dir: dir.to_owned() })
}

pub fn open_read_only(dir: &Path) -> Result<Log, Error> {
    Err(Error::Missing { dir: dir.to_owned() })
}

pub struct Writer {
    log: Log,
}

impl Writer {
    pub fn append(&mut self, _events: &[Event]) -> Result<Range<u64>, Error> {
        Ok(0..0)
    }

    pub fn log(&self) -> &Log {
        &self.log
    }
}

#[derive(Clone)]
pub struct Log;

#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Newest first.
    pub rows: Vec<(u64, Event)>,
    /// Records looked at.
    pub scanned: u64,
    /// Why the search ended before everything was looked at and before the page was full.
    pub stopped_early: Option<&'static str>,
    /// `Query::before` of the next page; nothing older is left when there is none.
    pub next: Option<u64>,
}

#[derive(Clone, Debug)]
pub enum Found {
    Incident(Arc<Incident>),
    Response(Arc<Response>),
    /// A finding, an HTTP request, an order or any other event.
    Event(u64, Event),
}

impl Log {
    pub fn end(&self) -> u64 {
        0
    }
    pub fn refresh(&self) -> Result<u64, Error> {
        Ok(0)
    }
    pub fn read(&self, _from: u64, _max: usize) -> Result<Vec<(u64, Event)>, Error> {
        Ok(Vec::new())
    }
    pub fn query(&self, _query: &Query) -> Result<Page, Error> {
        Ok(Page::default())
    }
    pub fn incident(&self, _uid: &str) -> Option<Arc<Incident>> {
        None
    }
    /// Names of incidents and responses that begin so.
    pub fn complete(&self, _prefix: &str) -> Vec<event::Text> {
        Vec::new()
    }
    pub fn incidents(&self, _filter: &IncidentFilter) -> Vec<Arc<Incident>> {
        Vec::new()
    }
    pub fn response(&self, _uid: &str) -> Option<Arc<Response>> {
        None
    }
    pub fn responses_of(&self, _incident: &str) -> Vec<Arc<Response>> {
        Vec::new()
    }
    pub fn responses(&self) -> Vec<Arc<Response>> {
        Vec::new()
    }
    pub fn finding(&self, _uid: &str) -> Result<Option<(u64, Event)>, Error> {
        Ok(None)
    }
    pub fn request(&self, _id: &str) -> Result<Option<(u64, Event)>, Error> {
        Ok(None)
    }
    pub fn find(&self, _id: &str) -> Result<Vec<Found>, Error> {
        Ok(Vec::new())
    }
    pub fn facts(&self) -> Facts {
        Facts::default()
    }
    pub fn verify(&self) -> Result<Vec<Damage>, Error> {
        Ok(Vec::new())
    }
}
