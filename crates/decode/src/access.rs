//! Access logs of nginx and Apache: the common and the combined log format.
//!
//! Reads:      `CLIENT IDENT USER [TIME] "REQUEST" STATUS BYTES "REFERRER" "AGENT" ..`; a leading `HOST:PORT` (vhost_combined) and anything
//!             after the agent are tolerated; a log without referrer and agent too.
//! Gives:      http_activity (4002). Escapes of the server (`\"`, `\x22`) are undone, URL encoding is not.
//! Client:     an address, with or without port. A host name is no address: the client stays empty, the raw record keeps the name.
//! Nonsense:   a request line that is none (TLS bytes, probes) stands whole in the target, the method is empty.
//! Hostile:    user names may hold blanks and brackets: the time is what stands directly before the first `] "`, which a server that
//!             escapes quotes lets nobody forge.
//! Cost:       one pass, about six allocations a record.
//! Method:     Apache mod_log_config; nginx ngx_http_log_module (`escape=default`).

use event::{Body, Http, Text};
use memchr::{memchr, memchr2, memmem, memrchr};

use crate::text::{number, short, unescaped};
use crate::{Decoder, Place, RECORD_BYTES_MAX, Reading, When, address, civil};

pub struct Access;

impl Decoder for Access {
    fn name(&self) -> &'static str {
        "combined"
    }

    fn about(&self) -> &'static str {
        "access logs of nginx and Apache: common, combined, vhost_combined"
    }

    fn recognise(&self, record: &[u8]) -> u8 {
        match Parts::of(record) {
            // A line of another log may hold an access line in its text: a first word that is no address is not enough to be sure.
            Some(parts) if parts.when(&Place::new("", 0, event::Time::ZERO)).is_some() => {
                if parts.starts_with_address() {
                    95
                } else {
                    70
                }
            }
            _ => 0,
        }
    }

    fn read(&self, record: &[u8], at: &Place<'_>) -> Result<Reading, Text> {
        let parts = Parts::of(record).ok_or(Text::const_new("no [time] before a quoted request"))?;
        let when = parts.when(at).ok_or(Text::const_new("the brackets hold no time"))?;
        let mut http = Http::default();
        parts.who(&mut http);
        let cut = at.cut_from.is_some() || record.len() == RECORD_BYTES_MAX;
        let rest = request(parts.after, cut, &mut http).ok_or(Text::const_new("the request is not closed by a quote and a status"))?;
        answer(rest, &mut http);
        Ok(Reading::new(when, Body::Http(Box::new(http))))
    }
}

/// The record around its first `] "`.
struct Parts<'r> {
    /// Up to the blank before `[`.
    before: &'r [u8],
    time: &'r [u8],
    /// Behind the quote that opens the request.
    after: &'r [u8],
}

impl<'r> Parts<'r> {
    fn of(record: &'r [u8]) -> Option<Parts<'r>> {
        let close = memmem::find(record, b"] \"")?;
        let open = memrchr(b'[', &record[..close])?;
        Some(Parts { before: record[..open].trim_ascii(), time: &record[open + 1..close], after: &record[close + 3..] })
    }

    fn when(&self, at: &Place<'_>) -> Option<When> {
        civil::common(self.time, at).or_else(|| civil::iso(self.time, at).filter(|(_, rest)| rest.is_empty()).map(|(when, _)| when))
    }

    /// `ADDRESS ..` or `HOST ADDRESS ..`.
    fn starts_with_address(&self) -> bool {
        let (first, rest) = word(self.before);
        address::endpoint(first).is_some() || address::address(word(rest).0).is_some()
    }

    /// Client and user; host when the line begins with one.
    fn who(&self, http: &mut Http) {
        let (mut first, mut rest) = word(self.before);
        let (second, behind) = word(rest);
        if address::address(second).is_some() && address::address(first).is_none() {
            http.host = short(without_port(first));
            (first, rest) = (second, behind);
        }
        if let Some((client, port)) = address::endpoint(first) {
            (http.client, http.client_port) = (Some(client), port);
        }
        let (_ident, user) = word(rest);
        if user != b"-" && !user.is_empty() {
            http.user = unescaped(user).into();
        }
    }
}

/// Reads the request up to its closing quote; returns what follows. A quote closes when a status follows it, so that a server that does not
/// escape quotes does no harm to the fields behind.
fn request<'r>(text: &'r [u8], cut: bool, http: &mut Http) -> Option<&'r [u8]> {
    let mut from = 0;
    let close = loop {
        let Some(found) = quote(&text[from..]) else { break cut.then_some(text.len())? };
        let close = from + found;
        if is_status(&text[close + 1..]) {
            break close;
        }
        from = close + 1;
    };
    let line = &text[..close];
    if let Some((method, target, version)) = request_line(line) {
        http.method = short(method);
        http.target = unescaped(target);
        http.version = short(version);
    } else {
        http.target = unescaped(line);
    }
    Some(text.get(close + 1..).unwrap_or_default())
}

/// Method, target and version; no version in HTTP/0.9.
fn request_line(line: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let blank = memchr(b' ', line)?;
    let (method, rest) = (&line[..blank], &line[blank + 1..]);
    let token = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if method.is_empty() || method.len() > 32 || !method.iter().all(token) || rest.is_empty() {
        return None;
    }
    Some(match memrchr(b' ', rest) {
        Some(last) if rest[last + 1..].starts_with(b"HTTP/") => (method, &rest[..last], &rest[last + 1..]),
        _ => (method, rest, b""),
    })
}

/// Status, size, referrer and agent, as far as they are there.
fn answer(rest: &[u8], http: &mut Http) {
    let (status, rest) = word(rest);
    http.status = number(status).and_then(|n| u16::try_from(n).ok());
    let (size, rest) = word(rest);
    http.response_bytes = number(size);
    if let Some((referrer, rest)) = quoted(rest) {
        http.referrer = unescaped(referrer);
        if let Some((agent, _)) = quoted(rest) {
            http.user_agent = unescaped(agent);
        }
    }
}

/// Position of the first quote that is not escaped.
fn quote(text: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let found = from + memchr2(b'"', b'\\', &text[from..])?;
        if text[found] == b'"' {
            return Some(found);
        }
        from = (found + 2).min(text.len());
    }
}

fn quoted(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = text.trim_ascii_start().strip_prefix(b"\"")?;
    let close = quote(inner).unwrap_or(inner.len());
    Some((&inner[..close], inner.get(close + 1..).unwrap_or_default()))
}

fn is_status(text: &[u8]) -> bool {
    match text {
        [b' ', b'-'] | [b' ', b'-', b' ', ..] => true,
        [b' ', a, b, c, rest @ ..] => [a, b, c].iter().all(|d| d.is_ascii_digit()) && rest.first().is_none_or(|b| *b == b' '),
        _ => false,
    }
}

/// The first word and what follows it.
fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let text = text.trim_ascii_start();
    match memchr(b' ', text) {
        Some(blank) => (&text[..blank], &text[blank + 1..]),
        None => (text, b""),
    }
}

/// `www.example:443` without its port.
fn without_port(host: &[u8]) -> &[u8] {
    match memrchr(b':', host) {
        Some(colon) if address::port(&host[colon + 1..]).is_some() => &host[..colon],
        _ => host,
    }
}
