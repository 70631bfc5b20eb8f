//! The console: web pages and a small API over the log.
//!
//! It reads the log and writes nothing: whatever a person does (undo, close, note, block) leaves here as an [`event::order::What`] and comes
//! back as an [`event::order::Answer`]. Pages are made on the server and work without script; one own script adds live rows and keys.
//!
//! Every byte shown was written by an attacker until proven otherwise: text reaches a page only through [`shown`] and the escaping of the
//! templates, local addresses only through [`href`].
//!
//! Sessions and one-time links live in memory: a restart of the process signs everybody out.

mod about;
mod api;
mod ask;
mod asset;
mod check;
mod guard;
mod headers;
mod href;
mod live;
mod page;
mod part;
mod read;
mod router;
mod serve;
mod session;
mod shown;
mod svg;

use std::net::SocketAddr;
use std::sync::Arc;

use event::order::{Answer, What};
use event::{Severity, Text, Time};

pub use about::{About, FrameworkState, ModelState, RequirementState, Site, SourceState};
pub use check::{Checked, Checker, Matter, MatterKind, TooMany};
pub use serve::{Bound, adopt, bind};
pub use session::OneTime;

/// What the console needs from the rest of the program.
#[derive(Clone)]
pub struct Links {
    pub log: store::Log,
    /// Small facts about what was just appended.
    pub live: tokio::sync::broadcast::Sender<Fact>,
    /// What a person asks for, who asks, and where the answer goes.
    pub orders: tokio::sync::mpsc::Sender<(What, Text, tokio::sync::oneshot::Sender<Answer>)>,
    pub now: fn() -> Time,
    /// The state of the program at this moment; called once a page, so it must be cheap.
    pub about: Arc<dyn Fn() -> About + Send + Sync>,
    /// Judges what a person hands in, and records it when there is something to find. Blocking: called on a thread that may.
    pub check: Checker,
}

/// One message of the live stream: never HTML, never more than a row needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// Of the event in the log; the id of the message.
    pub offset: u64,
    /// `incident`, `response`, `finding`, `request`, `order`
    pub kind: &'static str,
    pub id: Text,
    pub severity: Option<Severity>,
    pub title: String,
    pub at: Time,
}

#[derive(Clone, Debug)]
pub struct Config {
    pub listen: SocketAddr,
    /// Take any free port when the one asked for is in use.
    pub port_may_move: bool,
    /// Host names that the console answers to, beside loopback.
    pub names: Vec<String>,
}

impl Default for Config {
    fn default() -> Config {
        Config { listen: SocketAddr::from(([127, 0, 0, 1], 8443)), port_may_move: true, names: Vec::new() }
    }
}

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error(
        "E0201 the console may not listen on {0}: every address but loopback needs TLS and at least one user; listen on 127.0.0.1 and reach it through an SSH tunnel, for example: ssh -L {port}:127.0.0.1:{port} HOST",
        port = .0.port()
    )]
    NotLoopback(SocketAddr),
    #[error("cannot listen on {listen}: {cause}")]
    Bind { listen: SocketAddr, cause: std::io::Error },
    #[error("the system gives no random numbers: {0}")]
    Random(String),
    #[error("the console's listener failed: {0}")]
    Serve(#[from] std::io::Error),
}
