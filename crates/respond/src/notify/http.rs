//! One POST over HTTP/1.1, on a connection of its own. No redirect is followed, no answer is read beyond a few kilobytes.

use std::io::{ErrorKind, Read, Write};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use rustls::ClientConfig;

use super::dial::{Line, connect, encrypt};
use super::{Answer, Fault, escape};

const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// Of the answer's body, for a person.
const SHOWN_BYTES_MAX: usize = 300;

/// Where a message goes. Its path is a secret for most chats and is in no message and no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    tls: bool,
    host: String,
    port: u16,
    target: String,
}

impl std::fmt::Debug for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Url({}/..)", self.host_words())
    }
}

impl Url {
    /// Says what is wrong without repeating the text, which may be a secret.
    pub fn parse(text: &str) -> Result<Url, &'static str> {
        let (tls, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err("it does not begin with https://"),
        };
        if !rest.bytes().all(|b| b.is_ascii_graphic()) {
            return Err("it has a space or a character beyond ASCII in it");
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        if authority.contains('@') {
            return Err("it has a user name in it");
        }
        let (host, port) = match authority.strip_prefix('[') {
            Some(inner) => inner.split_once(']').ok_or("its host has no closing bracket")?,
            None => authority.find(':').map_or((authority, ""), |at| authority.split_at(at)),
        };
        let port = match port.strip_prefix(':') {
            Some(digits) => digits.parse().ok().filter(|p| *p != 0).ok_or("its port is not 1 to 65535")?,
            None if port.is_empty() => {
                if tls {
                    443
                } else {
                    80
                }
            }
            None => return Err("its host is followed by something that is no port"),
        };
        let named = host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
        if host.is_empty() || !(named || host.parse::<std::net::Ipv6Addr>().is_ok()) {
            return Err("it has no host");
        }
        let near = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback());
        if !tls && !near {
            return Err("it is http, which everybody on the way reads; only a loopback address may be");
        }
        let target = target.split('#').next().unwrap_or_default();
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        Ok(Url { tls, host: host.to_owned(), port, target })
    }

    /// `https://hooks.example`
    pub fn host_words(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let usual = if self.tls { 443 } else { 80 };
        let port = if self.port == usual { String::new() } else { format!(":{}", self.port) };
        format!("{}://{host}{port}", if self.tls { "https" } else { "http" })
    }
}

pub(super) fn post(
    url: &Url,
    trust: Option<&Arc<ClientConfig>>,
    headers: &[(String, String)],
    body: &[u8],
    deadline: Instant,
) -> Result<Answer, Fault> {
    let place = url.host_words();
    let again = |error: &dyn std::fmt::Display| Fault::Again(format!("{place}: {error}"));
    let wire = connect(&url.host, url.port, deadline)?;
    let mut line = if url.tls { encrypt(wire, &url.host, trust)? } else { Line::Plain(wire) };
    let authority = place.split_once("://").map_or("", |(_, authority)| authority);
    let mut head = format!(
        "POST {} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: bartizan/{}\r\nConnection: close\r\nAccept: */*\r\nContent-Length: {}\r\n",
        url.target,
        env!("CARGO_PKG_VERSION"),
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    line.write_all(&[head.as_bytes(), body].concat()).and_then(|()| line.flush()).map_err(|e| again(&e))?;
    let (status, text) = read(&mut line).map_err(|why| again(&why))?;
    let answer = Answer { status: status.to_string(), text };
    let said = || {
        if answer.text.is_empty() { format!("{place} answered {status}") } else { format!("{place} answered {status}: {}", answer.text) }
    };
    match status {
        200..=299 => Ok(answer),
        300..=399 => Err(Fault::Never(format!("{place} answered {status}: redirects are not followed; write the final address"))),
        408 | 425 | 429 | 500..=599 => Err(Fault::Again(said())),
        _ => Err(Fault::Never(said())),
    }
}

/// Status and the beginning of the body.
fn read(line: &mut Line) -> Result<(u16, String), String> {
    let mut bytes = Vec::new();
    let mut buffer = [0_u8; 4096];
    loop {
        let ended = match line.read(&mut buffer) {
            Ok(0) => true,
            Ok(n) => {
                bytes.extend_from_slice(&buffer[..n]);
                false
            }
            // Closed without a good-bye of TLS, after the answer: common.
            Err(e) if e.kind() == ErrorKind::UnexpectedEof => true,
            Err(e) => return Err(e.to_string()),
        };
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut response = httparse::Response::new(&mut headers);
        match response.parse(&bytes) {
            Ok(httparse::Status::Complete(head)) => {
                let status = response.code.unwrap_or(0);
                let length = response.headers.iter().find(|h| h.name.eq_ignore_ascii_case("content-length"));
                let length = length.and_then(|h| std::str::from_utf8(h.value).ok()?.trim().parse::<usize>().ok());
                let whole = length.is_some_and(|length| bytes.len() >= head.saturating_add(length)) || matches!(status, 204 | 304);
                if ended || whole || bytes.len() >= ANSWER_BYTES_MAX {
                    let body = String::from_utf8_lossy(&bytes[head..bytes.len().min(ANSWER_BYTES_MAX).max(head)]).into_owned();
                    return Ok((status, escape::cut(&escape::visible(body.trim()), SHOWN_BYTES_MAX)));
                }
            }
            Ok(httparse::Status::Partial) if ended => return Err("the connection ended before the answer".into()),
            Ok(httparse::Status::Partial) if bytes.len() >= ANSWER_BYTES_MAX => return Err("the answer's head is too long".into()),
            Ok(httparse::Status::Partial) => {}
            Err(_) => return Err("the answer is no HTTP".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_and_never_repeated() {
        let place = |text: &str| Url::parse(text).map(|url| url.host_words());
        assert_eq!(place("https://hooks.example/T0/secret?x=1#f"), Ok("https://hooks.example".into()));
        assert_eq!(place("https://[2001:db8::1]:8443/x"), Ok("https://[2001:db8::1]:8443".into()));
        assert_eq!(place("http://127.0.0.1:9/x"), Ok("http://127.0.0.1:9".into()));
        for wrong in [
            "hooks.example",
            "ftp://a/",
            "http://hooks.example/",
            "https://a@b/",
            "https:///x",
            "https://a b/",
            "https://a:0/",
            "https://[::1/",
            "https://a/\r\nX: y",
            "http://10.0.0.1/",
            "https://[::1]x/",
        ] {
            assert!(Url::parse(wrong).is_err(), "{wrong}");
        }
        let url = Url::parse("https://hooks.example/T0/secret").expect("a URL");
        assert!(!format!("{url:?}").contains("secret"));
    }
}
