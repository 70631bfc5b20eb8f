//! What the gateway is joined to: the table of decisions, the inspector, the switch, and where its events go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::ArcSwap;
use detect::web::request::Inspector;
use event::finding::{ModelScore, RuleHit};
use event::{Decisions, Event, Finding, Time};
use tokio::sync::mpsc;

use crate::login::{Logins, SignIn};

/// Everything here is shared with the rest of the program; what is behind an `ArcSwap` is replaced whole while requests run.
#[derive(Clone)]
pub struct Links {
    pub decisions: Arc<ArcSwap<Decisions>>,
    /// `None` is a proxy that looks at nothing.
    pub inspector: Option<Arc<ArcSwap<Inspector>>>,
    /// Who is asked about sign-ins; without it they are requests like others.
    pub logins: Option<Logins>,
    /// Off: nothing is refused by decision or verdict, it is recorded as `would_block`.
    pub enforce: Arc<AtomicBool>,
    /// When it is full the event is dropped and counted in [`Counters::shed`]; a request never waits for it.
    pub out: mpsc::Sender<Observed>,
    pub now: fn() -> Time,
    pub counters: Arc<Counters>,
}

/// One request that is over, secrets masked.
#[derive(Clone, Debug)]
pub struct Observed {
    /// HTTP activity.
    pub event: Event,
    pub finding: Option<Box<Finding>>,
    /// All that the inspector said, also when it made no finding.
    pub rules: Vec<RuleHit>,
    pub models: Vec<ModelScore>,
    /// Thread CPU time of decoding and verdict; 0 without inspection.
    pub cpu_us: u32,
    /// Bytes of the body that the verdict saw.
    pub body_seen: usize,
    /// The record of the sign-in that this request was, once it is known how it ended.
    pub sign_in: Option<Box<SignIn>>,
}

/// Name under which the fault stands among the event's headers. No header of a client can be called so.
pub(crate) const FAULT: &str = ":fault";

impl Observed {
    /// An event of which nothing was said.
    pub fn new(event: Event, finding: Option<Box<Finding>>) -> Observed {
        Observed { event, finding, rules: Vec::new(), models: Vec::new(), cpu_us: 0, body_seen: 0, sign_in: None }
    }

    /// `upstream: connection refused`, `client: body too slow`: whose fault it was that the application did not answer.
    pub fn fault(&self) -> Option<&str> {
        let event::Body::Http(http) = &self.event.body else { return None };
        http.headers.iter().rev().find(|(name, _)| name == FAULT).map(|(_, value)| value.as_str())
    }
}

/// Since the start.
#[derive(Debug, Default)]
pub struct Counters {
    pub requests: AtomicU64,
    /// Events lost because the queue was full.
    pub shed: AtomicU64,
    /// Refused by decision or verdict, 403.
    pub blocked: AtomicU64,
    pub would_block: AtomicU64,
    /// 429.
    pub limited: AtomicU64,
    /// Asked to do some work first, 403.
    pub challenged: AtomicU64,
    /// Did it.
    pub challenges_passed: AtomicU64,
    /// Refused as no proper HTTP: 400, 405, 408, 414, 431, 505.
    pub malformed: AtomicU64,
    /// 502 and 504.
    pub upstream_faults: AtomicU64,
    /// Sign-ins whose application was told to ask again.
    pub stepped_up: AtomicU64,
    /// Sign-ins turned away, 403; also in `blocked`.
    pub logins_refused: AtomicU64,
    /// Sign-ins that passed because nothing could be said about them.
    pub logins_unjudged: AtomicU64,
    /// The inspector panicked; the request passed.
    pub inspector_panics: AtomicU64,
    /// Closed by a limit on connections.
    pub connections_refused: AtomicU64,
    /// Closed because head, body or reading was too slow.
    pub slow_clients: AtomicU64,
    /// Entities whose rate is limited, of at most [`crate::BUCKETS_MAX`], as of a moment ago.
    pub limited_entities: AtomicU64,
    /// Open now.
    pub connections: AtomicU64,
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
