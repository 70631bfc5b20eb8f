//! The HTTP front: what a client's bytes become before anything is forwarded, and what is looked at in a request.

use std::sync::{Arc, LazyLock};

use decode::request::{Parts, Values, values as read_values};
use detect::web::request::{Inspector, Scratch};
use detect::{Knowledge, web};
use event::{Body, Bytes, Event, Http, Meta};

/// However a client's bytes are cut, the same of them is let through.
pub(crate) fn wire(bytes: &[u8]) {
    let whole = gateway::let_through(bytes, usize::MAX);
    for step in [1, 7, 64] {
        let parts = gateway::let_through(bytes, step);
        assert!(
            parts == whole,
            "in parts of {step} bytes {:?}, whole {:?}",
            parts.escape_ascii().to_string(),
            whole.escape_ascii().to_string()
        );
    }
}

/// A request as text: first line, headers, body.
fn request(bytes: &[u8]) -> Http {
    let (head, body) = match bytes.windows(4).position(|w| w == b"\r\n\r\n") {
        Some(at) => (&bytes[..at], &bytes[at + 4..]),
        None => (bytes, &bytes[..0]),
    };
    let head = String::from_utf8_lossy(head);
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap_or_default().splitn(3, ' ').map(str::to_owned);
    let mut http = Http { method: first.next().unwrap_or_default().into(), target: first.next().unwrap_or_default(), ..Http::default() };
    http.version = first.next().unwrap_or_default().into();
    http.headers = lines.filter_map(|line| line.split_once(':')).map(|(n, v)| (n.to_lowercase().into(), v.trim().to_owned())).collect();
    let named = |name: &str| http.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()).unwrap_or_default();
    http.content_type = named("content-type").into();
    http.host = named("host").into();
    http.user_agent = named("user-agent");
    http.body_bytes = body.len() as u64;
    http.body = Some(Bytes::from(body));
    http
}

/// Every value lies inside the raw request text.
pub(crate) fn values(bytes: &[u8]) {
    let http = request(bytes);
    let parts = Parts::from(&http);
    let raw = parts.raw(usize::MAX);
    let mut found = Values::default();
    read_values(&parts, &mut found);
    for value in found.iter() {
        assert!(value.start <= value.end && value.end <= raw.len(), "{}..{} of {} bytes", value.start, value.end, raw.len());
    }
    assert!(found.len() <= decode::request::VALUES_MAX);
}

static INSPECTOR: LazyLock<Inspector> = LazyLock::new(|| {
    let web_rules = Arc::new(detect::rule_set(web::RULES).expect("our own rules"));
    Inspector::new(&Knowledge { web_rules, ..Knowledge::default() })
});

/// Rules over one request, twice the same.
pub(crate) fn inspect(bytes: &[u8]) {
    let event = Event::new(Meta::default(), Body::Http(Box::new(request(bytes))), Bytes::from(bytes));
    let said = INSPECTOR.inspect(&event, &mut Scratch::default());
    assert!((0.0..=1.0).contains(&said.score), "a score of {}", said.score);
    assert!(!said.verdict_block || said.finding.is_some(), "blocked without a finding");
    let mut scratch = Scratch::default();
    for _ in 0..2 {
        assert_eq!(INSPECTOR.inspect(&event, &mut scratch).rules, said.rules, "an answer depends on what was asked before");
    }
}

/// What shippers push: the first byte names the protocol. Whatever is taken is within its bounds, and the answer can be sent.
pub(crate) fn push(bytes: &[u8]) {
    use source::push::{ITEMS_MAX, Protocol, read};
    let Some((first, body)) = bytes.split_first() else { return };
    let protocol = Protocol::ALL[usize::from(*first) % Protocol::ALL.len()];
    match read(protocol, body, Some("index"), "push".into()) {
        Ok((taken, answer)) => {
            assert!((200..300).contains(&answer.status));
            assert!(taken.batch.line_count() <= ITEMS_MAX);
            assert!(taken.batch.records().all(|record| record.bytes.len() <= source::RECORD_BYTES_MAX));
        }
        Err(answer) => assert!((400..500).contains(&answer.status), "{}", answer.status),
    }
}
