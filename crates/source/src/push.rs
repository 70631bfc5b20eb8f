//! Records that shippers push over HTTP: Elasticsearch's `_bulk`, Splunk's HTTP event collector, OTLP logs, plain lines.
//!
//! What the answer says is true: 200 means that every record of the request is on disk ([`Receipt`]), 429 that nothing of it was taken. A shipper
//! that hears nothing sends again; what it sends twice is there twice.
//!
//! Bounds:     a request [`BODY_BYTES_MAX`], as sent and unpacked, and [`ITEMS_MAX`] items; all requests together [`HELD_BYTES_MAX`];
//!             [`WAITING_MAX`] requests wait for the engine; connections by [`Limits`], a head has 30 s, a body a minute.
//! Full:       429 with `Retry-After`; counted as refused. Nothing is lost here: the shipper keeps what it has.
//! Who:        a token (`token.rs`), in the shapes that each protocol sends; without one only this machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::gather::Numbers;
use crate::listen::{self, Limits, Listener};
use crate::{Batch, Counters, Done, Error, Kind, Locator, Opening, Out, Source, network};

mod answer;
mod body;
mod elastic;
mod hec;
mod lines;
mod otlp;
mod serve;
mod taken;
mod token;

pub use answer::Answer;
pub use serve::{Protocol, read};
pub use taken::{ITEMS_MAX, Taken};

/// Of one request, as sent and unpacked.
pub const BODY_BYTES_MAX: usize = 16 << 20;
/// Of all requests that are being read or wait.
const HELD_BYTES_MAX: usize = 64 << 20;
/// Requests that wait for the engine.
const WAITING_MAX: usize = 64;

pub const HTTP: Kind = Kind {
    scheme: "http",
    about: "what shippers push: Elasticsearch _bulk, Splunk HEC, OTLP logs, lines; token= a file, token-env= a variable",
    example: "http://127.0.0.1:8088?token=/etc/bartizan/push.token",
    options: &["token", "token-env"],
    needs: &[],
    is_plain: true,
    encrypted: "https",
    open: |at, opening| Ok(Box::new(Push::open(at, opening)?)),
};

pub const HTTPS: Kind = Kind {
    scheme: "https",
    about: "the same over TLS; client-ca= asks senders for a certificate of that authority",
    example: "https://0.0.0.0:8088?cert=/etc/bartizan/log.pem&key=/etc/bartizan/log.key&token=/etc/bartizan/push.token",
    options: &["cert", "key", "client-ca", "token", "token-env"],
    needs: &["cert", "key"],
    is_plain: false,
    encrypted: "https",
    open: |at, opening| Ok(Box::new(Push::open(at, opening)?)),
};

/// A push listener that has its address.
pub struct Push {
    name: Arc<str>,
    listener: Listener,
    front: Arc<serve::Front>,
}

/// How long a shipper may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For the head of a request, and between two requests.
    pub head: Duration,
    /// For a whole body.
    pub body: Duration,
    /// For the records to be on disk; beyond, it is told to come again.
    pub kept: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience { head: Duration::from_secs(30), body: Duration::from_secs(60), kept: Duration::from_secs(30) }
    }
}

impl Push {
    pub fn open(at: &Locator, opening: &Opening) -> Result<Push, Error> {
        let tokens = token::Tokens::read(at)?;
        let tls = at.option("cert").is_some().then(|| listen::tls(at)).transpose()?;
        let listener = Listener::open(at, tls, opening)?;
        let name: Arc<str> = format!("{}://{}", at.kind().scheme, listener.address).into();
        let front = serve::Front {
            name: Arc::clone(&name),
            tokens,
            budget: Budget::new(HELD_BYTES_MAX),
            patience: Patience::default(),
            counters: Arc::clone(&opening.counters),
            given: std::sync::atomic::AtomicU64::new(0),
        };
        Ok(Push { name, listener, front: Arc::new(front) })
    }

    #[must_use]
    pub fn limited(mut self, limits: Limits, patience: Patience, held_bytes_max: usize) -> Push {
        self.listener.limits = limits;
        if let Some(front) = Arc::get_mut(&mut self.front) {
            (front.patience, front.budget) = (patience, Budget::new(held_bytes_max));
        }
        self
    }
}

impl Source for Push {
    fn name(&self) -> &str {
        &self.name
    }

    fn run(&mut self, out: &mut Out<'_>, stop: &AtomicBool) -> Result<Done, Error> {
        let mut numbers = Numbers::new();
        let mut take = |batch: Batch, _: &mut tokio::sync::mpsc::Receiver<Batch>| numbers.hand(batch, out);
        let served = network::run(WAITING_MAX, stop, |send| serve::serve(&self.listener, &self.front, send), &mut take);
        served.map_err(|source| Error::Listen { name: self.name.to_string(), source })?;
        Ok(Done { short: Some(crate::Short::Stopped), ..Done::default() })
    }

    fn socket(&self) -> Option<(String, std::os::fd::OwnedFd)> {
        self.listener.socket()
    }
}

/// Bytes that all requests together may hold.
#[derive(Debug)]
struct Budget {
    max: usize,
    used: AtomicUsize,
}

impl Budget {
    fn new(max: usize) -> Arc<Budget> {
        Arc::new(Budget { max, used: AtomicUsize::new(0) })
    }
}

/// What one request holds of them.
struct Held {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Held {
    fn of(budget: &Arc<Budget>) -> Held {
        Held { budget: Arc::clone(budget), bytes: 0 }
    }

    /// False when there is no room.
    fn grow(&mut self, bytes: usize) -> bool {
        let room = |used: usize| used.checked_add(bytes).filter(|sum| *sum <= self.budget.max);
        let grown = self.budget.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_ok();
        if grown {
            self.bytes += bytes;
        }
        grown
    }

    fn shrink(&mut self, to: usize) {
        if let Some(less) = self.bytes.checked_sub(to) {
            self.budget.used.fetch_sub(less, Ordering::Relaxed);
            self.bytes = to;
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shrink(0);
    }
}

/// Turned away.
fn refused(counters: &Counters) {
    Counters::add(&counters.refused, 1);
}
