//! One connection: which protocol is spoken, who speaks, and an answer when the records are on disk.

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::oneshot;

use super::token::{Tokens, Who};
use super::{Answer, Budget, Held, Patience, Taken, body, elastic, hec, lines, otlp, refused};
use crate::listen::{Listener, Wire};
use crate::{Batch, Counters, Receipt};

const HEAD_BYTES_MAX: usize = 32 << 10;
const COME_AGAIN_S: &str = "5";

/// What may be pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Elastic,
    HecEvents,
    HecRaw,
    OtlpProto,
    OtlpJson,
    Lines,
}

impl Protocol {
    pub const ALL: [Protocol; 6] =
        [Protocol::Elastic, Protocol::HecEvents, Protocol::HecRaw, Protocol::OtlpProto, Protocol::OtlpJson, Protocol::Lines];
}

/// The records of a body and the answer once they are kept, or why nothing of it is taken.
pub fn read(protocol: Protocol, body: &[u8], index: Option<&str>, source: Arc<str>) -> Result<(Taken, Answer), Answer> {
    match protocol {
        Protocol::Elastic => elastic::read(body, index, source),
        Protocol::HecEvents => hec::events(body, source),
        Protocol::HecRaw => hec::raw(body, source),
        Protocol::OtlpProto | Protocol::OtlpJson => otlp::read(protocol, body, source),
        Protocol::Lines => lines::read(body, source),
    }
}

/// What all connections share.
pub(super) struct Front {
    pub(super) name: Arc<str>,
    pub(super) tokens: Tokens,
    pub(super) budget: Arc<Budget>,
    pub(super) patience: Patience,
    pub(super) counters: Arc<Counters>,
    /// Acknowledgements given to Splunk's shippers.
    pub(super) given: AtomicU64,
}

pub(super) async fn serve(listener: &Listener, front: &Arc<Front>, send: Sender<Batch>) -> io::Result<()> {
    let front = Arc::clone(front);
    listener
        .serve(move |wire, peer| {
            let (front, send) = (Arc::clone(&front), send.clone());
            async move { connection(wire, peer.ip(), front, send).await }
        })
        .await
}

async fn connection(wire: Box<dyn Wire>, peer: IpAddr, front: Arc<Front>, send: Sender<Batch>) {
    let counters = Arc::clone(&front.counters);
    let head = front.patience.head;
    let service = service_fn(move |request| {
        let (front, send) = (Arc::clone(&front), send.clone());
        async move { Ok::<_, Infallible>(front.answer(request, peer, &send).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(wire), service)
        .await;
    if served.is_err_and(|error| !error.is_timeout() && !error.is_incomplete_message()) {
        Counters::add(&counters.broken, 1);
    }
}

/// What a path asks for.
enum Wanted<'p> {
    Push(Protocol, Option<&'p str>),
    Acks,
    Health,
    Elastic(Answer),
    /// The protocol whose words the refusal is in.
    Nothing(Protocol, u16),
}

fn wanted<'p>(method: &Method, path: &'p str, kind: &str) -> Wanted<'p> {
    let post = |wanted, protocol| if method == Method::POST { wanted } else { Wanted::Nothing(protocol, 405) };
    let push = |protocol| post(Wanted::Push(protocol, None), protocol);
    match path.trim_end_matches('/') {
        "/services/collector" | "/services/collector/event" | "/services/collector/event/1.0" | "/services/collector/1.0" => {
            push(Protocol::HecEvents)
        }
        "/services/collector/raw" | "/services/collector/raw/1.0" => push(Protocol::HecRaw),
        "/services/collector/ack" => post(Wanted::Acks, Protocol::HecEvents),
        "/services/collector/health" | "/services/collector/health/1.0" => Wanted::Health,
        "/v1/logs" => {
            if kind.starts_with("application/json") {
                push(Protocol::OtlpJson)
            } else if kind.starts_with(otlp::PROTOBUF) {
                push(Protocol::OtlpProto)
            } else {
                Wanted::Nothing(Protocol::OtlpJson, 415)
            }
        }
        "/lines" => push(Protocol::Lines),
        other => match elastic::bulk(other) {
            Some(index) if matches!(*method, Method::POST | Method::PUT) => Wanted::Push(Protocol::Elastic, index),
            Some(_) => Wanted::Nothing(Protocol::Elastic, 405),
            None => elastic::asked(method.as_str(), other).map_or(Wanted::Nothing(Protocol::Elastic, 404), Wanted::Elastic),
        },
    }
}

impl Front {
    async fn answer(&self, request: Request<Incoming>, peer: IpAddr, send: &Sender<Batch>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let header = |name: HeaderName| head.headers.get(name).and_then(|value| value.to_str().ok());
        let wanted = wanted(&head.method, head.uri.path(), header(CONTENT_TYPE).unwrap_or_default());
        let protocol = match &wanted {
            Wanted::Push(protocol, _) | Wanted::Nothing(protocol, _) => *protocol,
            Wanted::Acks | Wanted::Health => Protocol::HecEvents,
            Wanted::Elastic(_) => Protocol::Elastic,
        };
        let who = self.tokens.who(header(AUTHORIZATION));
        let refusal = |status, why: &str| {
            refused(&self.counters);
            respond(Answer::refusal(protocol, status, why), protocol, &head.method)
        };
        match (&who, &wanted) {
            // A look at the health tells nothing.
            (_, Wanted::Health) | (Who::Anybody | Who::Named(_), _) => {}
            (Who::Missing, _) => return refusal(401, "a token is missing: Authorization: Bearer TOKEN"),
            (Who::Wrong, _) if matches!(protocol, Protocol::HecEvents | Protocol::HecRaw) => return refusal(403, "the token is wrong"),
            (Who::Wrong, _) => return refusal(401, "the token is wrong"),
        }
        let (protocol, index) = match wanted {
            Wanted::Push(protocol, index) => (protocol, index),
            Wanted::Health if send.capacity() == 0 => {
                return respond(hec::said("HEC is unhealthy, queues are full", 18, 503), protocol, &head.method);
            }
            Wanted::Health => return respond(hec::said("HEC is healthy", 17, 200), protocol, &head.method),
            Wanted::Elastic(answer) => return respond(answer, protocol, &head.method),
            Wanted::Nothing(_, 405) => return refusal(405, "POST it"),
            Wanted::Nothing(_, 415) => return refusal(415, "Content-Type: application/json or application/x-protobuf"),
            Wanted::Nothing(..) => return refusal(404, "POST /_bulk, /services/collector, /v1/logs or /lines"),
            Wanted::Acks => {
                let mut held = Held::of(&self.budget);
                let given = self.given.load(Ordering::Relaxed);
                return match body::read(body, header(CONTENT_ENCODING), self.patience.body, &mut held).await {
                    Ok(body) => respond(hec::asked(&body, given), protocol, &head.method),
                    Err((status, why)) => refusal(status, why),
                };
            }
        };
        let mut held = Held::of(&self.budget);
        let body = match body::read(body, header(CONTENT_ENCODING), self.patience.body, &mut held).await {
            Ok(body) => body,
            Err((status, why)) => return refusal(status, why),
        };
        // The records are a copy of the body.
        if !held.grow(body.len()) {
            return refusal(429, "busy: come again");
        }
        let source = match who {
            Who::Named(token) => format!("{} as {token} from {peer}", self.name),
            _ => format!("{} from {peer}", self.name),
        };
        let (taken, mut answer) = match read(protocol, &body, index, source.into()) {
            Ok(read) => read,
            Err(answer) => {
                let counter = if answer.status == 413 { &self.counters.refused } else { &self.counters.broken };
                Counters::add(counter, 1);
                return respond(answer, protocol, &head.method);
            }
        };
        drop(body);
        held.shrink(taken.batch.bytes());
        match self.kept(taken.batch, held, send).await {
            Ok(()) => {}
            Err((status, why)) => return refusal(status, why),
        }
        let is_hec = matches!(protocol, Protocol::HecEvents | Protocol::HecRaw);
        let channel = head.headers.contains_key("x-splunk-request-channel") || head.uri.query().is_some_and(|q| q.contains("channel="));
        if is_hec && channel {
            answer = hec::acknowledged(self.given.fetch_add(1, Ordering::Relaxed));
        }
        respond(answer, protocol, &head.method)
    }

    /// Hands the records over and waits until they are on disk.
    async fn kept(&self, mut batch: Batch, held: Held, send: &Sender<Batch>) -> Result<(), body::Refused> {
        if batch.line_count() == 0 {
            return Ok(());
        }
        let (told, kept) = oneshot::channel();
        batch.receipt = Some(Receipt::new(move |kept| {
            drop(held);
            let _ = told.send(kept);
        }));
        match send.try_send(batch) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err((429, "busy: come again")),
            Err(TrySendError::Closed(_)) => return Err((503, "stopping: come again")),
        }
        match tokio::time::timeout(self.patience.kept, kept).await {
            Ok(Ok(true)) => Ok(()),
            Ok(_) => Err((503, "the records could not be written: come again")),
            Err(_) => Err((503, "the records are not on disk yet: come again")),
        }
    }
}

fn respond(answer: Answer, protocol: Protocol, method: &Method) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = if method == Method::HEAD { Vec::new() } else { answer.body };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.kind));
    if protocol == Protocol::Elastic {
        headers.insert("x-elastic-product", HeaderValue::from_static("Elasticsearch"));
    }
    match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            headers.insert(RETRY_AFTER, HeaderValue::from_static(COME_AGAIN_S));
        }
        StatusCode::UNAUTHORIZED => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        _ => {}
    }
    response
}
