//! Headers on their way: what belongs to one connection goes no further, who the client is is written anew.

use std::net::IpAddr;

use http::header::{CONNECTION, COOKIE, EXPECT, FORWARDED, HeaderName, HeaderValue, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, Version};

use crate::Config;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-bartizan-request-id");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// RFC 9110 section 7.6.1: everything that is for one connection only.
pub(crate) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        let named: Vec<HeaderName> = headers
            .get_all(CONNECTION)
            .iter()
            .flat_map(|value| value.as_bytes().split(|b| *b == b','))
            .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
            .filter(|name| !is_end_to_end(name))
            .collect();
        headers.remove(CONNECTION);
        for name in named {
            headers.remove(name);
        }
    }
    for name in [KEEP_ALIVE, PROXY_CONNECTION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, EXPECT] {
        headers.remove(name);
    }
}

/// A client may not name these in Connection to make them vanish.
fn is_end_to_end(name: &HeaderName) -> bool {
    use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST};
    [HOST, CONTENT_LENGTH, CONTENT_TYPE, AUTHORIZATION, COOKIE, FORWARDED_FOR, FORWARDED_PROTO, FORWARDED_HOST, REQUEST_ID].contains(name)
}

/// One connection's other end, and what is said about it to the upstream.
pub(crate) struct Peer {
    pub(crate) address: IpAddr,
    pub(crate) port: u16,
    pub(crate) trusted: bool,
    pub(crate) tls: bool,
    forwarded_for: HeaderValue,
}

impl Peer {
    pub(crate) fn new(address: IpAddr, port: u16, tls: bool, config: &Config) -> Peer {
        let text = address.to_string();
        let forwarded_for = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("unknown"));
        Peer { address, port, trusted: config.is_trusted(address), tls, forwarded_for }
    }

    /// The rightmost address that no trusted proxy has.
    pub(crate) fn client(&self, headers: &HeaderMap, config: &Config) -> IpAddr {
        if !self.trusted {
            return self.address;
        }
        let lists: Vec<&str> = headers.get_all(FORWARDED_FOR).iter().filter_map(|v| v.to_str().ok()).collect();
        let mut client = self.address;
        for entry in lists.iter().rev().flat_map(|list| list.rsplit(',')) {
            let Some(address) = address_of(entry.trim()) else { break };
            client = address;
            if !config.is_trusted(address) {
                break;
            }
        }
        client
    }

    /// Writes `X-Forwarded-*` anew; a stranger's own copies are dropped.
    pub(crate) fn announce(&self, headers: &mut HeaderMap, host: Option<&HeaderValue>) {
        if self.trusted {
            let mut list = Vec::new();
            for value in headers.get_all(FORWARDED_FOR) {
                list.extend_from_slice(value.as_bytes());
                list.extend_from_slice(b", ");
            }
            list.extend_from_slice(self.forwarded_for.as_bytes());
            let list = HeaderValue::from_bytes(&list).unwrap_or_else(|_| self.forwarded_for.clone());
            headers.insert(FORWARDED_FOR, list);
        } else {
            headers.remove(FORWARDED);
            headers.remove(REAL_IP);
            headers.insert(FORWARDED_FOR, self.forwarded_for.clone());
        }
        if !(self.trusted && headers.contains_key(FORWARDED_PROTO)) {
            headers.insert(FORWARDED_PROTO, HeaderValue::from_static(if self.tls { "https" } else { "http" }));
        }
        if !(self.trusted && headers.contains_key(FORWARDED_HOST)) {
            match host {
                Some(host) => headers.insert(FORWARDED_HOST, host.clone()),
                None => headers.remove(FORWARDED_HOST),
            };
        }
    }
}

/// `192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]:80`, `2001:db8::1`
fn address_of(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>()
        .or_else(|_| text.parse::<std::net::SocketAddr>().map(|a| a.ip()))
        .or_else(|_| text.trim_start_matches('[').trim_end_matches(']').parse())
        .ok()
        .map(|ip: IpAddr| ip.to_canonical())
}

/// The console's login cookies reach every port of a host name: neither upstream nor log may see them.
pub(crate) fn remove_own_cookies(headers: &mut HeaderMap) {
    let is_own = |pair: &[u8]| {
        let name = pair.trim_ascii_start();
        [&b"bartizan_"[..], b"__Host-bartizan_"].iter().any(|own| name.get(..own.len()).is_some_and(|n| n.eq_ignore_ascii_case(own)))
    };
    let holds_own = |value: &HeaderValue| value.as_bytes().split(|b| matches!(b, b';' | b',')).any(is_own);
    if !headers.get_all(COOKIE).iter().any(holds_own) {
        return;
    }
    let kept: Vec<HeaderValue> = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| {
            let pairs: Vec<&[u8]> = value
                .as_bytes()
                .split(|b| *b == b';')
                .filter(|pair| !pair.split(|b| *b == b',').any(is_own))
                .map(<[u8]>::trim_ascii)
                .collect();
            HeaderValue::from_bytes(&pairs.join(&b"; "[..])).ok().filter(|v| !v.is_empty())
        })
        .collect();
    headers.remove(COOKIE);
    for value in kept {
        headers.append(COOKIE, value);
    }
}

/// What only the gateway says to the application. Many applications read `_` in a header's name as `-`.
pub(crate) fn remove_own(headers: &mut HeaderMap) {
    const OWN: &[u8] = b"x-bartizan-";
    let is_own = |name: &HeaderName| {
        let begin = name.as_str().as_bytes().iter().map(|b| if *b == b'_' { b'-' } else { *b }).take(OWN.len());
        begin.eq(OWN.iter().copied())
    };
    let own: Vec<HeaderName> = headers.keys().filter(|name| is_own(name)).cloned().collect();
    own.into_iter().for_each(|name| drop(headers.remove(name)));
}

/// A request to become a WebSocket, the one upgrade that passes.
pub(crate) fn is_websocket(version: Version, headers: &HeaderMap) -> bool {
    version == Version::HTTP_11
        && headers.get(UPGRADE).is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(b"websocket"))
        && headers
            .get_all(CONNECTION)
            .iter()
            .any(|v| v.as_bytes().split(|b| *b == b',').any(|t| t.trim_ascii().eq_ignore_ascii_case(b"upgrade")))
}

pub(crate) const fn version_text(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        _ => "1.1",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Upstream;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect()
    }

    fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
        headers.get(name).and_then(|v| v.to_str().ok())
    }

    #[test]
    fn what_is_for_one_connection_stays() {
        let mut h = headers(&[
            ("connection", "close, X-Secret, Host, Cookie"),
            ("x-secret", "1"),
            ("host", "a"),
            ("cookie", "a=b"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("proxy-connection", "keep-alive"),
            ("accept", "*/*"),
        ]);
        remove_hop_by_hop(&mut h);
        let mut left: Vec<&str> = h.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["accept", "cookie", "host"]);
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let upstream: Upstream = "http://127.0.0.1:1".parse().expect("fine");
        let mut config = Config::new(([127, 0, 0, 1], 0).into(), upstream);
        config.trusted_proxies = vec!["10.0.0.0/8".parse().expect("a network")];
        for (peer, list, client, sent) in [
            ("198.51.100.7", Some("1.1.1.1"), "198.51.100.7", "198.51.100.7"),
            ("10.0.0.1", None, "10.0.0.1", "10.0.0.1"),
            ("10.0.0.1", Some("6.6.6.6, 203.0.113.9"), "203.0.113.9", "6.6.6.6, 203.0.113.9, 10.0.0.1"),
            ("10.0.0.1", Some("6.6.6.6, 203.0.113.9:555, 10.2.2.2"), "203.0.113.9", "6.6.6.6, 203.0.113.9:555, 10.2.2.2, 10.0.0.1"),
            ("10.0.0.1", Some("nonsense, 10.2.2.2"), "10.2.2.2", "nonsense, 10.2.2.2, 10.0.0.1"),
        ] {
            let peer = Peer::new(peer.parse().expect("an address"), 1, false, &config);
            let mut h = HeaderMap::new();
            if let Some(list) = list {
                h.insert(FORWARDED_FOR, HeaderValue::from_static(list));
            }
            h.insert("x-real-ip", HeaderValue::from_static("9.9.9.9"));
            assert_eq!(peer.client(&h, &config).to_string(), client);
            peer.announce(&mut h, Some(&HeaderValue::from_static("shop.example")));
            assert_eq!(text(&h, "x-forwarded-for"), Some(sent));
            assert_eq!(text(&h, "x-forwarded-host"), Some("shop.example"));
            assert_eq!(text(&h, "x-forwarded-proto"), Some("http"));
            assert_eq!(h.contains_key("x-real-ip"), peer.trusted);
        }
    }

    #[test]
    fn nobody_else_speaks_for_the_gateway() {
        let mut h =
            headers(&[("x-bartizan-login", "step_up"), ("x_bartizan_login", "a"), ("x-bartizan_request-id", "b"), ("x-other", "c")]);
        remove_own(&mut h);
        assert_eq!(h.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-other"]);
    }

    #[test]
    fn own_cookies_are_taken_out() {
        for (before, after) in [
            ("a=1; bartizan_8443=secret; b=2", Some("a=1; b=2")),
            ("__Host-bartizan_8443=secret", None),
            ("a=1;Bartizan_x=2", Some("a=1")),
            ("a=bartizan_x", Some("a=bartizan_x")),
        ] {
            let mut h = HeaderMap::new();
            h.insert(COOKIE, HeaderValue::from_static(before));
            remove_own_cookies(&mut h);
            assert_eq!(text(&h, "cookie"), after);
        }
    }
}
