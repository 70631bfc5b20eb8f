//! What the gateway is told: where to listen, whom to stand in front of, and every bound.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug)]
pub struct Config {
    pub listen: SocketAddr,
    pub upstream: Upstream,
    /// `None` is plain HTTP. ALPN is set here when the certificate's owner left it empty.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// For an `https://` upstream; `None` trusts the web's certificate authorities.
    pub upstream_tls: Option<Arc<rustls::ClientConfig>>,
    pub limits: Limits,
    /// Whose `X-Forwarded-*` are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Name of the site in events.
    pub site: String,
    /// Threads that carry requests.
    pub workers: usize,
}

impl Config {
    /// Monitor in front of one upstream, everything else as shipped.
    pub fn new(listen: SocketAddr, upstream: Upstream) -> Config {
        Config {
            listen,
            site: upstream.host.clone(),
            upstream,
            tls: None,
            upstream_tls: None,
            limits: Limits::default(),
            trusted_proxies: Vec::new(),
            workers: std::thread::available_parallelism().map_or(2, usize::from),
        }
    }

    pub(crate) fn is_trusted(&self, address: IpAddr) -> bool {
        !self.trusted_proxies.is_empty() && self.trusted_proxies.iter().any(|net| net.contains(&address))
    }
}

/// Every bound of the gateway. A time is in whole seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Request line and headers together; 431 beyond.
    pub head_bytes_max: usize,
    /// 431 beyond.
    pub headers_max: usize,
    /// 414 beyond.
    pub uri_bytes_max: usize,
    /// For one whole head, TLS handshake apart; 408 beyond.
    pub head_time_s: u32,
    /// Connections without a request are closed after this.
    pub idle_s: u32,
    /// A body, and a client that reads an answer, must be at least this fast, ..
    pub body_rate_min_bytes_per_s: u32,
    /// .. counted over the time that was spent waiting for the client, after this many seconds of it.
    pub body_grace_s: u32,
    pub connections_per_address_max: u32,
    pub connections_max: u32,
    /// First part of a request body that is read before the verdict; the rest streams.
    pub window_bytes: usize,
    pub upstream_connect_s: u32,
    /// Until the upstream's first byte; 504 beyond.
    pub upstream_answer_s: u32,
    /// Connections to the upstream kept open per worker thread.
    pub upstream_idle_max: usize,
    pub upstream_idle_s: u32,
    /// What a decision to limit leaves to one entity, and how many requests may come at once.
    pub limit_rate_per_s: u32,
    pub limit_burst: u32,
    /// What open requests get when the gateway stops.
    pub stop_s: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            head_bytes_max: 64 * 1024,
            headers_max: 200,
            uri_bytes_max: 16 * 1024,
            head_time_s: 10,
            idle_s: 75,
            body_rate_min_bytes_per_s: 200,
            body_grace_s: 20,
            connections_per_address_max: 256,
            connections_max: 8192,
            window_bytes: 128 * 1024,
            upstream_connect_s: 5,
            upstream_answer_s: 60,
            upstream_idle_max: 128,
            upstream_idle_s: 50,
            limit_rate_per_s: 1,
            limit_burst: 5,
            stop_s: 5,
        }
    }
}

/// `http://host[:port]` or `https://host[:port]`, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    pub(crate) tls: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Upstream {
    pub fn host(&self) -> &str {
        &self.host
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// For a request that came without a host (HTTP/1.0).
    pub(crate) fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == if self.tls { 443 } else { 80 } { host } else { format!("{host}:{}", self.port) }
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.tls { "https" } else { "http" }, self.authority())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("upstream {text:?} {fault}, expected http://HOST:PORT or https://HOST:PORT")]
pub struct UpstreamError {
    text: String,
    fault: &'static str,
}

impl FromStr for Upstream {
    type Err = UpstreamError;

    fn from_str(text: &str) -> Result<Upstream, UpstreamError> {
        let err = |fault| UpstreamError { text: text.to_owned(), fault };
        let uri: http::Uri = text.parse().map_err(|_| err("is not a URL"))?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(err("has no http or https in front")),
        };
        if uri.path_and_query().is_some_and(|p| p.as_str() != "/") {
            return Err(err("has a path"));
        }
        let authority = uri.authority().ok_or_else(|| err("has no host"))?;
        if authority.as_str().contains('@') {
            return Err(err("has a user name"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(err("has no host"));
        }
        let port = match authority.as_str()[authority.host().len()..].strip_prefix(':') {
            Some(digits) => digits.parse().ok().filter(|port| *port != 0).ok_or_else(|| err("has a port that is not 1..=65535"))?,
            None if tls => 443,
            None => 80,
        };
        Ok(Upstream { tls, host: host.to_owned(), port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upstreams_are_checked() {
        for (text, expected) in [
            ("http://127.0.0.1:3000", Some("http://127.0.0.1:3000")),
            ("http://127.0.0.1:3000/", Some("http://127.0.0.1:3000")),
            ("https://shop.example", Some("https://shop.example")),
            ("https://[::1]:8443", Some("https://[::1]:8443")),
            ("http://h:80", Some("http://h")),
            ("127.0.0.1:3000", None),
            ("ftp://h", None),
            ("http://", None),
            ("http://u:p@h/", None),
            ("http://h/app", None),
            ("http://h:0", None),
            ("http://h:99999", None),
            ("", None),
        ] {
            let found = text.parse::<Upstream>().ok().map(|u| u.to_string());
            assert_eq!(found.as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn limits_are_complete_by_themselves() {
        let limits: Limits = serde_json::from_str("{}").expect("an empty table");
        assert_eq!(limits, Limits::default());
        assert!(serde_json::from_str::<Limits>(r#"{"head_byte_max":1}"#).is_err());
    }
}
