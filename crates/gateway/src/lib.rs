//! The gateway: an inline reverse proxy that makes an HTTP event of every request and asks for a verdict before it forwards.
//!
//! `listen` accepts and shares connections out to worker threads; `guard` stands between socket and hyper, refuses what is not one clear
//! HTTP/1 request and keeps the clock on slow clients; `exchange` is the way of one request: decision, window of the body, verdict,
//! `upstream`, answer. `login` asks about sign-ins and tells the application to ask again. `mask` takes secrets out of what is logged, after the verdict has seen them.
//!
//! Architecture Invariant: a request never waits for the log, and nothing that computes a verdict awaits.

pub mod ndjson;

mod challenge;
mod chunk;
mod config;
mod error;
mod exchange;
mod forward;
mod guard;
mod head;
mod limit;
mod links;
mod listen;
mod login;
mod outbound;
mod page;
mod record;
mod slow;
mod upstream;
mod verdict;
mod worker;

pub use config::{Config, Limits, Upstream, UpstreamError};
pub use error::Error;
pub use limit::BUCKETS_MAX;
pub use links::{Counters, Links, Observed};
pub use listen::{Bound, DRAIN, Ending, adopt, bind};
pub use login::{Ask, Logins, SignIn};
pub use page::every_answer;

/// What of a client's bytes goes on to be served when they come in parts of `step` bytes; for tests and fuzzing.
pub fn let_through(bytes: &[u8], step: usize) -> Vec<u8> {
    guard::let_through(bytes, step)
}
