//! What can go wrong before a request is there, and whose fault it is when one fails.

use std::net::SocketAddr;

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("address {address} is already in use")]
    AddressTaken { address: SocketAddr },
    #[error("cannot listen on {address}: {source}")]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("cannot use {host:?} as name of the upstream's certificate")]
    UpstreamName { host: String },
    #[error("cannot start a worker thread: {0}")]
    Thread(std::io::Error),
    #[error("cannot read random bytes: {0}")]
    Random(getrandom::Error),
}

/// Whose fault it is that a request was not answered by the application. Goes to the log; the client is told less.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("client: {0}")]
    Client(&'static str),
    #[error("upstream: {0}")]
    Upstream(String),
    /// 504 rather than 502.
    #[error("upstream: {0}")]
    TooSlow(String),
}
