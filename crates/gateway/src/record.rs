//! The event of a request: what of it is kept, with its secrets masked, and what the inspector said about it.

use std::net::IpAddr;

use event::{Body as EventBody, Event, Http, Text, Verdict};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderValue, REFERER, USER_AGENT};
use http::request::Parts;
use rustix::time::{ClockId, clock_gettime};

use crate::forward::{self, Peer};
use crate::{Counters, Links, verdict};
use decode::mask::{self, Secrets};

/// Headers kept.
pub(crate) const HEADERS_MAX: usize = 64;

pub(crate) fn user_agent(headers: &HeaderMap) -> &str {
    headers.get(USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or_default()
}

/// As it came, secrets and all: for the inspector.
pub(crate) fn http_of(parts: &Parts, client: IpAddr, peer: &Peer, id: &Text) -> Http {
    let text =
        |name| parts.headers.get(name).map_or_else(String::new, |v: &HeaderValue| String::from_utf8_lossy(v.as_bytes()).into_owned());
    let length = parts.headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<u64>().ok());
    Http {
        client: Some(client),
        client_port: (client == peer.address).then_some(peer.port),
        host: parts.headers.get(HOST).map(|v| Text::from_utf8_lossy(v.as_bytes())).unwrap_or_default(),
        method: Text::from(parts.method.as_str()),
        target: parts.uri.path_and_query().map_or_else(|| "*".to_owned(), |p| p.as_str().to_owned()),
        version: Text::const_new(forward::version_text(parts.version)),
        request_bytes: length,
        user_agent: text(USER_AGENT),
        referrer: text(REFERER),
        content_type: parts.headers.get(CONTENT_TYPE).map(|v| Text::from_utf8_lossy(v.as_bytes())).unwrap_or_default(),
        headers: parts
            .headers
            .iter()
            .take(HEADERS_MAX)
            .map(|(name, value)| (Text::from(name.as_str()), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        body_bytes: length.unwrap_or(0),
        request_id: Some(id.clone()),
        ..Http::default()
    }
}

/// The request as text, already masked, so that ranges of bytes in it stay right. Kept within [`mask::RAW_BYTES_MAX`].
pub(crate) fn write_raw(event: &mut Event, secrets: &mut Secrets) {
    let EventBody::Http(http) = &event.body else { return };
    let mut raw = String::with_capacity(256 + http.headers.iter().map(|(n, v)| n.len() + v.len() + 4).sum::<usize>());
    raw.extend([&http.method, " ", &mask::target(&http.target, secrets), " HTTP/", &http.version, "\r\n"]);
    for (name, value) in &http.headers {
        raw.extend([name, ": ", &mask::header(name, value, secrets), "\r\n"]);
    }
    raw.push_str("\r\n");
    let mut raw = raw.into_bytes();
    if let Some(body) = &http.body {
        let excerpt = &body[..body.len().min(mask::BODY_BYTES_MAX)];
        raw.extend_from_slice(&mask::body(&http.content_type, excerpt, secrets));
    }
    raw.truncate(mask::RAW_BYTES_MAX);
    event.raw = raw.into();
}

pub(crate) fn finish_event(event: &mut Event, secrets: &mut Secrets, verdict: Verdict, score: f32) {
    if event.raw.is_empty() {
        write_raw(event, secrets);
    }
    if let EventBody::Http(http) = &mut event.body {
        mask::http(http, secrets);
        http.verdict = Some(verdict);
        http.score = score;
    }
}

/// What the inspector said; nothing at first.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) score: f32,
    pub(crate) finding: Option<Box<event::Finding>>,
    pub(crate) rules: Vec<event::finding::RuleHit>,
    pub(crate) models: Vec<event::finding::ModelScore>,
    pub(crate) cpu_us: u32,
    pub(crate) body_seen: usize,
}

/// Inspects an event that still holds its secrets. Whether that asks for a block; `None` when the inspector failed, which is counted.
pub(crate) fn look(inspector: &detect::web::request::Inspector, event: &Event, links: &Links, seen: &mut Seen) -> Option<bool> {
    let begin = thread_cpu_ns();
    let said = verdict::inspect(inspector, event);
    seen.cpu_us = u32::try_from((thread_cpu_ns() - begin) / 1000).unwrap_or(u32::MAX);
    let Some(inspection) = said else {
        Counters::add(&links.counters.inspector_panics);
        return None;
    };
    seen.score = inspection.score;
    seen.finding = inspection.finding;
    seen.rules = inspection.rules;
    seen.models = inspection.models;
    Some(inspection.verdict_block)
}

fn thread_cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}
