//! HTTP/1 on a captured connection: requests in order, each joined with its response; bodies are counted, and their beginning is kept.

use std::collections::VecDeque;

use event::{Bytes, Http, Text, Time};

/// A longer head is not HTTP that we follow.
const HEAD_BYTES_MAX: usize = 64 << 10;
const BODY_KEPT_BYTES: usize = 16 << 10;
const HEADERS_MAX: usize = 128;
/// Requests waiting for their responses; a client that pipelines more has its first ones told without.
const WAITING_MAX: usize = 64;
/// Values that give access to whoever reads them.
const SECRET: [&str; 5] = ["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"];

const METHODS: [&str; 16] = [
    "GET",
    "POST",
    "HEAD",
    "PUT",
    "DELETE",
    "OPTIONS",
    "PATCH",
    "CONNECT",
    "TRACE",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "SEARCH",
];

pub(super) fn is_request(bytes: &[u8]) -> bool {
    METHODS.iter().any(|m| bytes.strip_prefix(m.as_bytes()).is_some_and(|rest| rest.first() == Some(&b' ')))
}

pub(super) fn is_response(bytes: &[u8]) -> bool {
    bytes.starts_with(b"HTTP/1.")
}

/// A request, with its response when one was seen.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) http: Http,
    pub(super) start: Time,
    pub(super) frame: u64,
    /// The request's head, secrets masked.
    pub(super) raw: Bytes,
}

#[derive(Default)]
pub(super) struct Talk {
    waiting: VecDeque<Exchange>,
    sides: [Side; 2],
    /// A body without a length belongs to this response until the connection ends.
    tunnel: bool,
    pub(super) host: Text,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Side {
    #[default]
    Head,
    Body(u64),
    ChunkSize,
    Chunk(u64),
    ChunkEnd,
    Trailer,
    UntilClose,
    Lost,
}

impl Talk {
    /// The connection became a tunnel (CONNECT was answered with success): what follows is another protocol.
    pub(super) fn is_tunnel(&self) -> bool {
        self.tunnel
    }

    pub(super) fn over(&self) -> bool {
        self.sides == [Side::Lost; 2]
    }

    /// Uses up what is whole; finished exchanges go to `done`.
    pub(super) fn read(&mut self, side: usize, bytes: &[u8], now: (Time, u64), done: &mut Vec<Exchange>) -> usize {
        let mut at = 0;
        while at < bytes.len() && !self.tunnel {
            let rest = &bytes[at..];
            match self.sides[side] {
                Side::Head => {
                    // Empty lines before a request line are allowed (RFC 9112 section 2.2).
                    if matches!(rest[0], b'\r' | b'\n') {
                        at += 1;
                        continue;
                    }
                    let Some(end) = head_end(rest) else {
                        if rest.len() > HEAD_BYTES_MAX {
                            self.sides[side] = Side::Lost;
                        }
                        break;
                    };
                    at += end;
                    let known = if side == 0 { self.request(&rest[..end], now, done) } else { self.response(&rest[..end], done) };
                    if !known {
                        self.sides[side] = Side::Lost;
                    }
                }
                Side::Body(left) => {
                    let n = left.min(rest.len() as u64) as usize;
                    self.body(side, &rest[..n]);
                    at += n;
                    self.sides[side] = Side::Body(left - n as u64);
                    if left == n as u64 {
                        self.end(side, done);
                    }
                }
                Side::Chunk(left) => {
                    let n = left.min(rest.len() as u64) as usize;
                    self.body(side, &rest[..n]);
                    at += n;
                    self.sides[side] = if left == n as u64 { Side::ChunkEnd } else { Side::Chunk(left - n as u64) };
                }
                Side::ChunkSize | Side::ChunkEnd | Side::Trailer => {
                    let Some(end) = memchr::memchr(b'\n', rest) else {
                        if rest.len() > 4_096 {
                            self.sides[side] = Side::Lost;
                        }
                        break;
                    };
                    at += end + 1;
                    self.line(side, rest[..end].trim_ascii(), done);
                }
                Side::UntilClose => {
                    self.body(side, rest);
                    at = bytes.len();
                }
                Side::Lost => return bytes.len(),
            }
        }
        at
    }

    /// `n` bytes of this side were not captured. Inside a body that is only a smaller body.
    pub(super) fn gap(&mut self, side: usize, n: u64) {
        self.sides[side] = match self.sides[side] {
            Side::Body(left) if left > n => Side::Body(left - n),
            Side::UntilClose => Side::UntilClose,
            _ => Side::Lost,
        };
    }

    /// The connection ended: what still waits is told as it is.
    pub(super) fn close(&mut self, done: &mut Vec<Exchange>) {
        done.extend(self.waiting.drain(..));
    }

    fn request(&mut self, head: &[u8], now: (Time, u64), done: &mut Vec<Exchange>) -> bool {
        let text = String::from_utf8_lossy(head);
        let mut lines = text.split('\n').map(|l| l.trim_end_matches('\r'));
        let line = lines.next().unwrap_or_default();
        let mut words = line.splitn(2, ' ');
        let (method, rest) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if method.is_empty()
            || method.len() > 32
            || !method.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
            || rest.is_empty()
        {
            return false;
        }
        let (target, version) = match rest.trim_end().rsplit_once(' ') {
            Some((target, version)) if version.starts_with("HTTP/") => (target.trim(), version),
            _ => (rest.trim(), "HTTP/0.9"),
        };
        let mut http = Http { method: method.into(), target: target.to_owned(), version: version.into(), ..Http::default() };
        let mut raw = format!("{line}\r\n");
        headers(lines, &mut http.headers, &mut raw);
        let value = |name: &str| http.headers.iter().find(|(held, _)| held == name).map(|(_, value)| value.clone()).unwrap_or_default();
        http.host = value("host").into();
        // The whole address in the request line wins over the header (RFC 9112 section 3.2.2).
        if let Some(authority) = target.split_once("://").map(|(_, rest)| rest.split(['/', '?']).next().unwrap_or_default()) {
            http.host = authority.into();
        }
        (http.user_agent, http.referrer) = (value("user-agent"), value("referer"));
        self.sides[0] = framing(&http.headers, false);
        if http.method == "CONNECT" {
            http.host = target.into();
            self.sides[0] = Side::Head;
        }
        if self.host.is_empty() {
            self.host.clone_from(&http.host);
        }
        if self.waiting.len() >= WAITING_MAX {
            done.extend(self.waiting.pop_front());
        }
        self.waiting.push_back(Exchange { http, start: now.0, frame: now.1, raw: raw.into_bytes().into() });
        true
    }

    fn response(&mut self, head: &[u8], done: &mut Vec<Exchange>) -> bool {
        let text = String::from_utf8_lossy(head);
        let mut lines = text.split('\n').map(|l| l.trim_end_matches('\r'));
        let line = lines.next().unwrap_or_default();
        let status = line.split(' ').nth(1).and_then(|s| s.parse::<u16>().ok());
        let (true, Some(status)) = (line.starts_with("HTTP/1."), status) else { return false };
        let (mut held, mut raw) = (Vec::new(), String::new());
        headers(lines, &mut held, &mut raw);
        if (100..200).contains(&status) && status != 101 {
            self.sides[1] = Side::Head;
            return true;
        }
        // A response to a request that was not captured is told of nobody.
        let Some(exchange) = self.waiting.front_mut() else {
            self.sides[1] = framing(&held, true);
            return true;
        };
        exchange.http.status = Some(status);
        let value = |name: &str| held.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
        exchange.http.response_bytes = value("content-length").and_then(|v| v.trim().parse().ok());
        exchange.http.content_type = value("content-type").unwrap_or_default().into();
        let (method, tunnel) = (exchange.http.method.clone(), status == 101);
        if method == "CONNECT" && (200..300).contains(&status) || tunnel {
            self.tunnel = true;
            done.extend(self.waiting.pop_front());
            return true;
        }
        self.sides[1] = if method == "HEAD" || matches!(status, 204 | 304) { Side::Body(0) } else { framing(&held, true) };
        if self.sides[1] == Side::Head || self.sides[1] == Side::Body(0) {
            self.end(1, done);
        }
        true
    }

    fn body(&mut self, side: usize, bytes: &[u8]) {
        let exchange = if side == 0 { self.waiting.back_mut() } else { self.waiting.front_mut() };
        let Some(Exchange { http, .. }) = exchange else { return };
        if side == 1 {
            if self.sides[1] == Side::UntilClose || matches!(self.sides[1], Side::Chunk(_)) {
                *http.response_bytes.get_or_insert(0) += bytes.len() as u64;
            }
            return;
        }
        http.body_bytes += bytes.len() as u64;
        http.request_bytes = Some(http.body_bytes);
        let held = http.body.take().map(|b| b.0.into_vec()).unwrap_or_default();
        let mut held = held;
        held.extend_from_slice(&bytes[..bytes.len().min(BODY_KEPT_BYTES.saturating_sub(held.len()))]);
        http.body = Some(held.into());
    }

    fn line(&mut self, side: usize, line: &[u8], done: &mut Vec<Exchange>) {
        self.sides[side] = match self.sides[side] {
            Side::ChunkSize => {
                let digits = line.split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
                match std::str::from_utf8(digits).ok().and_then(|d| u64::from_str_radix(d, 16).ok()) {
                    Some(0) => Side::Trailer,
                    Some(n) => Side::Chunk(n),
                    None => Side::Lost,
                }
            }
            Side::ChunkEnd => Side::ChunkSize,
            Side::Trailer if line.is_empty() => {
                self.end(side, done);
                Side::Head
            }
            other => other,
        };
    }

    fn end(&mut self, side: usize, done: &mut Vec<Exchange>) {
        self.sides[side] = Side::Head;
        if side == 1 {
            done.extend(self.waiting.pop_front());
        }
    }
}

/// Behind the empty line.
fn head_end(bytes: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = memchr::memchr(b'\n', &bytes[from..]) {
        let next = from + at + 1;
        match &bytes[next..] {
            [b'\n', ..] => return Some(next + 1),
            [b'\r', b'\n', ..] => return Some(next + 2),
            _ => from = next,
        }
        if from > HEAD_BYTES_MAX {
            return None;
        }
    }
    None
}

fn headers<'t>(lines: impl Iterator<Item = &'t str>, held: &mut Vec<(Text, String)>, raw: &mut String) {
    for line in lines.take(HEADERS_MAX) {
        let Some((name, value)) = line.split_once(':') else { continue };
        let name = name.trim().to_ascii_lowercase();
        let value = if SECRET.contains(&name.as_str()) { "***" } else { value.trim() };
        raw.push_str(&format!("{name}: {value}\r\n"));
        held.push((name.into(), value.to_owned()));
    }
}

fn framing(headers: &[(Text, String)], is_response: bool) -> Side {
    let value = |name: &str| headers.iter().find(|(held, _)| held == name).map(|(_, value)| value.as_str());
    if value("transfer-encoding").is_some_and(|v| v.to_ascii_lowercase().contains("chunked")) {
        return Side::ChunkSize;
    }
    match value("content-length").and_then(|v| v.trim().parse().ok()) {
        Some(0) => Side::Head,
        Some(n) => Side::Body(n),
        None if is_response => Side::UntilClose,
        None => Side::Head,
    }
}
