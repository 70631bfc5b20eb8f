//! What all workers share, what one of them owns, and the way of its events to the rest of the program.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError};

use http::header::HeaderValue;
use tokio::sync::Notify;

use crate::forward::Peer;
use crate::guard::Wire;
use crate::limit::{Addresses, Buckets};
use crate::login;
use crate::slow::Clock;
use crate::upstream::Pool;
use crate::{Config, Counters, Limits, Links, Observed};

/// What all workers share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) limits: Arc<Limits>,
    pub(crate) links: Links,
    /// Makes request ids unpredictable.
    pub(crate) seed: [u8; 16],
    /// Of this start, in the names of events.
    pub(crate) source: String,
    pub(crate) requests: AtomicU64,
    pub(crate) connections: AtomicU64,
    pub(crate) buckets: Buckets,
    pub(crate) addresses: Addresses,
    pub(crate) stopping: AtomicBool,
    /// While stopping: for how many ticks of the clock a connection may still begin a request.
    pub(crate) grace_ticks: AtomicU32,
    /// Becomes true with `stopping`, for HTTP/2 connections that say good-bye.
    pub(crate) ending: tokio::sync::watch::Sender<bool>,
    pub(crate) open: login::Open,
    pub(crate) gate: crate::challenge::Gate,
    /// `Host` for requests without one.
    pub(crate) upstream_host: HeaderValue,
}

/// One thread's own.
pub(crate) struct Worker {
    pub(crate) shared: Arc<Shared>,
    pub(crate) pool: Pool,
    pub(crate) clock: Clock,
    pub(crate) outbox: Outbox,
    pub(crate) open: AtomicU64,
    pub(crate) closed: Notify,
}

/// Events on their way out, a few milliseconds' worth at a time: waking the reader for each one costs more than the event.
#[derive(Default)]
pub(crate) struct Outbox {
    waiting: Mutex<Vec<Observed>>,
    pub(crate) filled: Notify,
}

const OUTBOX_MAX: usize = 512;

impl Outbox {
    pub(crate) fn push(&self, observed: Observed, links: &Links) {
        let at_once = observed.finding.is_some() || observed.sign_in.is_some();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push(observed);
        let count = waiting.len();
        drop(waiting);
        if at_once || count >= OUTBOX_MAX {
            self.flush(links);
        } else if count == 1 {
            self.filled.notify_one();
        }
    }

    pub(crate) fn flush(&self, links: &Links) {
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        for observed in waiting {
            if links.out.try_send(observed).is_err() {
                Counters::add(&links.counters.shed);
            }
        }
    }
}

/// One connection, as its requests see it.
pub(crate) struct Connection {
    pub(crate) worker: Arc<Worker>,
    pub(crate) wire: Arc<Wire>,
    pub(crate) peer: Peer,
    pub(crate) number: u64,
    pub(crate) is_http2: bool,
}
