//! The way of one request: who asks, decision, window of the body, verdict, upstream, answer. One event comes of it, whatever happens.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use bytes::Bytes;
use event::decision::Disposition;
use event::login::Step;
use event::{Body as EventBody, Event, Http, Meta, Text, Time, TimeSource, Uid, Verdict, short_id};
use http::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderValue, SET_COOKIE, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, Version};
use hyper::body::{Body, Incoming};
use hyper_util::rt::TokioIo;

use crate::challenge::{self, Checked, Tokens};
use crate::error::Fault;
use crate::forward::{self, REQUEST_ID};
use crate::guard::Refused;
use crate::head::{self, REFUSED_METHOD};
use crate::links::FAULT;
use crate::login::{self, LOGIN};
use crate::outbound::{Finish, Outbound, Source};
use crate::page::{Form, page};
use crate::record::{HEADERS_MAX, Seen, finish_event, http_of, look, user_agent, write_raw};
use crate::slow::Flow;
use crate::upstream::{BodyFault, Inbound, Lease};
use crate::verdict::{self, Ruling};
use crate::worker::{Connection, Worker};
use crate::{Counters, Observed};
use decode::mask::{self, Secrets};

/// Never fails: what goes wrong is an answer.
pub(crate) async fn answer(
    connection: Arc<Connection>,
    request: Request<Incoming>,
) -> Result<Response<Outbound>, std::convert::Infallible> {
    let asks_upgrade = !connection.is_http2 && request.headers().contains_key(UPGRADE);
    if connection.is_http2 {
        let pace = &connection.wire.pace;
        pace.begun.fetch_add(1, Relaxed);
        pace.open.fetch_add(1, Relaxed);
    }
    let mut response = Box::pin(exchange(&connection, request)).await;
    if asks_upgrade && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        connection.wire.stays_http();
    }
    if !connection.is_http2 && connection.worker.shared.stopping.load(Relaxed) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// What is known of a request from its head.
struct Asked {
    id: Text,
    at: Time,
    header: HeaderValue,
    finish: Finish,
    /// Cookies for a client that has just done the work of a challenge.
    pass: Option<[HeaderValue; 2]>,
}

/// Requests of a blocked client that are still inspected, for each decision.
const BLOCKED_INSPECTED_MAX: u64 = 256;

impl Asked {
    fn page(mut self, status: StatusCode, verdict: Verdict, fault: Option<&Fault>, retry_after_s: Option<u32>) -> Response<Outbound> {
        if let Some(http) = self.finish.http() {
            http.status = Some(status.as_u16());
            http.verdict = Some(verdict);
            if let Some(fault) = fault {
                http.headers.push((Text::const_new(FAULT), fault.to_string()));
            }
        }
        let counters = &self.finish.connection.worker.shared.links.counters;
        match status.as_u16() {
            403 => Counters::add(&counters.blocked),
            429 => Counters::add(&counters.limited),
            502 | 504 => Counters::add(&counters.upstream_faults),
            _ => Counters::add(&counters.malformed),
        }
        let form = self.finish.http().map_or(Form::Html, |http| {
            let value = |name: &str| http.headers.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.as_str());
            Form::wanted(value("accept"), value("content-type"))
        });
        let made = page(status, form, &self.id, self.at, retry_after_s);
        self.own(made)
    }

    /// Asked to do some work first; `shows`: a page that somebody looks at.
    fn challenge(mut self, shows: bool, client: IpAddr, agent: &str) -> Response<Outbound> {
        if let Some(http) = self.finish.http() {
            http.status = Some(StatusCode::FORBIDDEN.as_u16());
        }
        let shared = &self.finish.connection.worker.shared;
        Counters::add(&shared.links.counters.challenged);
        let made = shared.gate.page(shows, &self.id, client, agent, self.at);
        self.own(made)
    }

    /// An answer of our own.
    fn own(self, made: Response<Bytes>) -> Response<Outbound> {
        let (mut parts, text) = made.into_parts();
        parts.headers.insert(REQUEST_ID, self.header);
        if self.finish.connection.is_http2 {
            parts.headers.remove(CONNECTION);
        }
        Response::from_parts(parts, Outbound { source: Source::Page(Some(text)), finish: Some(self.finish) })
    }
}

async fn exchange(connection: &Arc<Connection>, mut request: Request<Incoming>) -> Response<Outbound> {
    let worker = &connection.worker;
    let shared = &*worker.shared;
    let links = &shared.links;
    let started = Instant::now();
    let number = shared.requests.fetch_add(1, Relaxed) + 1;
    Counters::add(&links.counters.requests);
    let id = short_id("r", &[&shared.seed, &number.to_le_bytes(), &connection.number.to_le_bytes()]);
    let at = (links.now)();
    let meta = Meta {
        uid: Uid::of_record(&shared.source, number),
        time: at,
        logged: at,
        time_source: TimeSource::Received,
        source: Text::from(shared.config.site.as_str()),
        record: number,
        format: Text::const_new("gateway"),
        cut_from: None,
    };
    let mut asked = Asked {
        id: id.clone(),
        at,
        header: HeaderValue::from_str(&id).expect("invariant: an id is letters and digits"),
        finish: Finish { connection: Arc::clone(connection), observed: None, unread: None, started, bytes: 0 },
        pass: None,
    };

    if !connection.is_http2 && request.method().as_str() == REFUSED_METHOD {
        let refused = connection.wire.take_refused();
        return refuse(asked, meta, refused);
    }

    let upgrade = (forward::is_websocket(request.version(), request.headers()) && request.body().is_end_stream())
        .then(|| hyper::upgrade::on(&mut request));
    let (mut parts, body) = request.into_parts();
    let tokens = Tokens::of(&parts.headers);
    forward::remove_own_cookies(&mut parts.headers);
    let client = connection.peer.client(&parts.headers, &shared.config);
    let host_fault = if connection.is_http2 { settle_host(&mut parts) } else { None };
    let http = http_of(&parts, client, &connection.peer, &id);
    let mut event = Event::new(meta, EventBody::Http(Box::new(http)), event::Bytes::default());
    let enforce = links.enforce.load(Relaxed);

    if let Some(why) = host_fault {
        let mut secrets = Secrets::default();
        finish_event(&mut event, &mut secrets, Verdict::Blocked, 0.0);
        asked.finish.observed = Some(Box::new(Observed::new(event, None)));
        let status = if why == METHOD { StatusCode::METHOD_NOT_ALLOWED } else { StatusCode::BAD_REQUEST };
        return asked.page(status, Verdict::Blocked, Some(&Fault::Client(why)), None);
    }

    let mut hits = 0;
    let ruling = {
        let decisions = links.decisions.load();
        match decisions.for_client(client, user_agent(&parts.headers), at) {
            None => Ruling::None,
            Some(decision) => {
                let agent = user_agent(&parts.headers);
                let checked = match decision.disposition {
                    Disposition::Challenge => shared.gate.check(&tokens, client, agent, at),
                    _ => Checked::No,
                };
                if checked == Checked::Now {
                    Counters::add(&links.counters.challenges_passed);
                    asked.pass = Some(shared.gate.pass(client, agent, connection.peer.tls, at));
                }
                // Who has done the work is no longer met by it.
                hits = if checked == Checked::No { decision.hit() } else { 0 };
                verdict::ruling(decision, enforce, checked != Checked::No, || shared.buckets.take(&decision.entity, at, &shared.limits))
            }
        }
    };
    if matches!(ruling, Ruling::Block | Ruling::Limit | Ruling::Challenge) {
        let verdict = verdict::verdict(ruling, false, enforce);
        let mut secrets = Secrets::default();
        let mut seen = Seen::default();
        // What a blocked client goes on to try is the story of its incident: its first requests are still looked at, without their bodies.
        if let Some(inspector) = links.inspector.as_ref().filter(|_| hits <= BLOCKED_INSPECTED_MAX) {
            write_raw(&mut event, &mut secrets);
            look(&inspector.load(), &event, links, &mut seen);
        }
        finish_event(&mut event, &mut secrets, verdict, seen.score);
        keep(&mut asked, event, seen, verdict, &id, &secrets);
        return match ruling {
            Ruling::Challenge => asked.challenge(challenge::shows(&parts.method, &parts.headers), client, user_agent(&parts.headers)),
            Ruling::Limit => {
                let retry_after_s = 1_u32.div_ceil(shared.limits.limit_rate_per_s.max(1));
                asked.page(StatusCode::TOO_MANY_REQUESTS, verdict, None, Some(retry_after_s.max(1)))
            }
            _ => asked.page(StatusCode::FORBIDDEN, verdict, None, None),
        };
    }

    let mut inbound = Inbound::default();
    let mut flow = None;
    if !body.is_end_stream() {
        let watched = Arc::new(Flow::default());
        worker.clock.watch_body(&watched);
        inbound = Inbound::new(body, Arc::clone(&watched));
        flow = Some(watched);
    }

    // The verdict, and what is left of the event once the secrets are out of it.
    let mut secrets = Secrets::default();
    let mut verdict = verdict::verdict(ruling, false, enforce);
    let mut seen = Seen::default();
    if let Some(inspector) = &links.inspector {
        if flow.is_some() {
            asked.finish.unread = Some(event);
            let read = inbound.read_window(shared.limits.window_bytes).await;
            event = asked.finish.unread.take().expect("invariant: put there before the read, which does not touch it");
            if let Err(fault) = read {
                finish_event(&mut event, &mut secrets, Verdict::Blocked, 0.0);
                asked.finish.observed = Some(Box::new(Observed::new(event, None)));
                return body_page(asked, fault);
            }
            let window = inbound.window(shared.limits.window_bytes);
            seen.body_seen = window.len();
            if let EventBody::Http(http) = &mut event.body {
                http.body = Some(window.into());
            }
        }
        write_raw(&mut event, &mut secrets);
        if let Some(blocks) = look(&inspector.load(), &event, links, &mut seen) {
            verdict = verdict::verdict(ruling, blocks, enforce);
        }
    } else {
        write_raw(&mut event, &mut secrets);
    }
    let cut = flow.is_some() && seen.body_seen >= shared.limits.window_bytes;
    let mut sign_in = if verdict == Verdict::Blocked { None } else { links.logins.as_ref().and_then(|logins| logins.ask(&event, cut)) };
    if verdict == Verdict::Allowed && ruling != Ruling::Allow && sign_in.as_ref().is_some_and(|s| s.step() == Step::Block) {
        verdict = if enforce { Verdict::Blocked } else { Verdict::WouldBlock };
    }
    finish_event(&mut event, &mut secrets, verdict, seen.score);
    keep(&mut asked, event, seen, verdict, &id, &secrets);
    match verdict {
        Verdict::Blocked => {
            if let (Some(sign_in), Some(observed)) = (sign_in, &mut asked.finish.observed) {
                Counters::add(&links.counters.logins_refused);
                observed.sign_in = Some(Box::new(sign_in.refused(&id)));
            }
            return asked.page(StatusCode::FORBIDDEN, verdict, None, None);
        }
        Verdict::WouldBlock => Counters::add(&links.counters.would_block),
        _ => {}
    }

    let mut head = outgoing(parts, connection, asked.header.clone(), upgrade.is_some());
    if let Some(sign_in) = &mut sign_in {
        if let Some(said) = if enforce { sign_in.step_up(&id, &shared.open) } else { None } {
            Counters::add(&links.counters.stepped_up);
            head.headers.insert(LOGIN, said);
        }
        if sign_in.is_unjudged() {
            Counters::add(&links.counters.logins_unjudged);
        }
    }
    let (response, lease) = match send(worker, head, inbound, flow.as_deref()).await {
        Ok(done) => done,
        Err(fault) => {
            let slow = flow.as_deref().is_some_and(|f| f.expired.load(Relaxed));
            let status = match (&fault, slow) {
                (_, true) => StatusCode::REQUEST_TIMEOUT,
                (Fault::Client(_), _) => StatusCode::BAD_REQUEST,
                (Fault::Upstream(_), _) => StatusCode::BAD_GATEWAY,
                (Fault::TooSlow(_), _) => StatusCode::GATEWAY_TIMEOUT,
            };
            let fault = if slow { Fault::Client("body too slow") } else { fault };
            return asked.page(status, verdict, Some(&fault), None);
        }
    };
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return tunnel(asked, response, upgrade);
    }
    if let (Some(flow), Some(http)) = (&flow, asked.finish.http()) {
        http.body_bytes = http.body_bytes.max(flow.bytes.load(Relaxed));
    }
    deliver(asked, response, lease, sign_in, connection.is_http2)
}

/// Sends it on a kept connection if there is one, and once more on a fresh one when the upstream had closed that meanwhile.
async fn send(worker: &Worker, head: Head, body: Inbound, flow: Option<&Flow>) -> Result<(Response<Incoming>, Lease), Fault> {
    let mut lease = worker.pool.lease(false).await?;
    let repeatable = flow.is_none() && matches!(head.method, Method::GET | Method::HEAD | Method::OPTIONS);
    let again = (repeatable && lease.reused).then(|| head.clone());
    let unsent = match worker.pool.send(&mut lease, head.with(body), flow).await {
        Ok(response) => return Ok((response, lease)),
        Err(unsent) => unsent,
    };
    if !lease.reused || matches!(unsent.fault, Fault::TooSlow(_) | Fault::Client(_)) {
        return Err(unsent.fault);
    }
    let request = match (unsent.request, again) {
        (Some(request), _) => *request,
        (None, Some(head)) => head.with(Inbound::default()),
        (None, None) => return Err(unsent.fault),
    };
    let mut lease = worker.pool.lease(true).await?;
    match worker.pool.send(&mut lease, request, flow).await {
        Ok(response) => Ok((response, lease)),
        Err(unsent) => Err(unsent.fault),
    }
}

/// A request head as the upstream gets it.
#[derive(Clone)]
struct Head {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

impl Head {
    fn with(self, body: Inbound) -> Request<Inbound> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.headers_mut() = self.headers;
        request
    }
}

fn outgoing(parts: Parts, connection: &Connection, id: HeaderValue, is_websocket: bool) -> Head {
    let mut headers = parts.headers;
    forward::remove_hop_by_hop(&mut headers);
    forward::remove_own(&mut headers);
    if is_websocket {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    }
    let host = headers.get(HOST).cloned();
    connection.peer.announce(&mut headers, host.as_ref());
    if host.is_none() {
        headers.insert(HOST, connection.worker.shared.upstream_host.clone());
    }
    headers.insert(REQUEST_ID, id);
    // Origin form, whatever the client used.
    let uri =
        if parts.uri.authority().is_some() { parts.uri.path_and_query().cloned().map_or_else(Uri::default, Uri::from) } else { parts.uri };
    Head { method: parts.method, uri, headers }
}

fn deliver(
    mut asked: Asked,
    response: Response<Incoming>,
    lease: Lease,
    sign_in: Option<login::Asked>,
    is_http2: bool,
) -> Response<Outbound> {
    let (mut parts, body) = response.into_parts();
    let said = parts.headers.remove(LOGIN).and_then(|said| asked.finish.connection.worker.shared.open.said(&said, asked.at));
    let ended = sign_in.and_then(|sign_in| asked.finish.http().and_then(|http| sign_in.answered(http, &parts)));
    if let Some(observed) = asked.finish.observed.as_mut() {
        observed.sign_in = said.or(ended).map(Box::new);
    }
    forward::remove_hop_by_hop(&mut parts.headers);
    for cookie in asked.pass.take().into_iter().flatten() {
        parts.headers.append(SET_COOKIE, cookie);
    }
    parts.headers.insert(REQUEST_ID, asked.header);
    if is_http2 {
        parts.version = Version::HTTP_2;
    } else {
        parts.version = Version::HTTP_11;
    }
    if let Some(http) = asked.finish.http() {
        http.status = Some(parts.status.as_u16());
    }
    // A stream of events may never end, and its request is known now.
    let is_stream = parts.headers.get(CONTENT_TYPE).is_some_and(|t| t.as_bytes().starts_with(b"text/event-stream"));
    if is_stream {
        asked.finish.send();
    }
    let mut outbound = Outbound { source: Source::Upstream { body, lease: Some(lease) }, finish: Some(asked.finish) };
    if outbound.is_end_stream() {
        outbound.over();
    }
    Response::from_parts(parts, outbound)
}

/// Both ends speak something else from here on: bytes are carried, nothing is read.
fn tunnel(mut asked: Asked, mut response: Response<Incoming>, upgrade: Option<hyper::upgrade::OnUpgrade>) -> Response<Outbound> {
    let Some(client) = upgrade else {
        let fault = Fault::Upstream("switched protocols without being asked".into());
        return asked.page(StatusCode::BAD_GATEWAY, Verdict::Allowed, Some(&fault), None);
    };
    let upstream = hyper::upgrade::on(&mut response);
    let wire = Arc::clone(&asked.finish.connection.wire);
    wire.becomes_tunnel();
    tokio::spawn(async move {
        if let (Ok(client), Ok(upstream)) = tokio::join!(client, upstream) {
            let (mut client, mut upstream) = (TokioIo::new(client), TokioIo::new(upstream));
            // Either end may leave at any time; nothing is lost by it that was not on its way.
            let _ = tokio::io::copy_bidirectional(&mut client, &mut upstream).await;
        }
    });
    let (mut parts, _) = response.into_parts();
    forward::remove_hop_by_hop(&mut parts.headers);
    parts.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    parts.headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    parts.headers.insert(REQUEST_ID, asked.header);
    if let Some(http) = asked.finish.http() {
        http.status = Some(101);
    }
    parts.extensions.clear();
    Response::from_parts(parts, Outbound { source: Source::Empty, finish: Some(asked.finish) })
}

const METHOD: &str = "method not for a reverse proxy";

/// HTTP/2 names the host in `:authority`; from here on it is in `Host`. Says what is wrong with it.
fn settle_host(parts: &mut Parts) -> Option<&'static str> {
    if matches!(parts.method, Method::CONNECT | Method::TRACE) {
        return Some(METHOD);
    }
    if parts.headers.get_all(HOST).iter().count() > 1 {
        return Some("several Host");
    }
    match (parts.uri.authority(), parts.headers.get(HOST)) {
        (Some(authority), Some(host)) if !authority.as_str().as_bytes().eq_ignore_ascii_case(host.as_bytes()) => {
            return Some("target and Host differ");
        }
        (Some(authority), _) => {
            let Ok(host) = HeaderValue::from_str(authority.as_str()) else { return Some("bad Host") };
            parts.headers.insert(HOST, host);
        }
        (None, Some(_)) => {}
        (None, None) => return Some("no Host"),
    }
    let host = parts.headers.get(HOST)?;
    if !head::is_host(host.as_bytes()) {
        return Some("bad Host");
    }
    // Cookies may come in pieces (RFC 9113 8.2.3); HTTP/1 has one line of them.
    let pieces: Vec<&[u8]> = parts.headers.get_all(http::header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if pieces.len() > 1
        && let Ok(joined) = HeaderValue::from_bytes(&pieces.join(&b"; "[..]))
    {
        parts.headers.insert(http::header::COOKIE, joined);
    }
    None
}

fn body_page(asked: Asked, fault: BodyFault) -> Response<Outbound> {
    match fault {
        BodyFault::Slow => asked.page(StatusCode::REQUEST_TIMEOUT, Verdict::Blocked, Some(&Fault::Client("body too slow")), None),
        BodyFault::Cut => asked.page(StatusCode::BAD_REQUEST, Verdict::Blocked, Some(&Fault::Client("body cut or malformed")), None),
    }
}

/// A head that the guard refused: the event holds what can be read of it, and its bytes.
fn refuse(mut asked: Asked, meta: Meta, refused: Option<Refused>) -> Response<Outbound> {
    let (status, why, raw) = match refused {
        Some(r) => (r.refusal.status, r.refusal.why, r.raw),
        None => (400, "bad request", Vec::new()),
    };
    let connection = &asked.finish.connection;
    let text = String::from_utf8_lossy(&raw);
    let mut secrets = Secrets::default();
    let mut lines = text.split('\n').map(|line| line.trim_end_matches('\r'));
    let mut words = lines.next().unwrap_or_default().splitn(3, ' ');
    let method = Text::from(words.next().unwrap_or_default().chars().take(32).collect::<String>());
    let target = mask::target(words.next().unwrap_or_default(), &mut secrets).into_owned();
    let rest = words.next().unwrap_or_default();
    let mut masked = format!("{method} {target} {rest}\r\n");
    let mut headers = Vec::new();
    for line in lines {
        match line.split_once(':') {
            Some((name, value)) if headers.len() < HEADERS_MAX => {
                let name = name.to_ascii_lowercase();
                let value = mask::header(name.trim(), value.trim(), &mut secrets).into_owned();
                masked.extend([&name, ": ", &value, "\r\n"]);
                headers.push((Text::from(name), value));
            }
            // A body may follow; of it nothing is kept.
            _ if line.is_empty() => break,
            _ => {}
        }
    }
    let host = headers.iter().find(|(name, _)| name == "host").map(|(_, value)| Text::from(value.as_str())).unwrap_or_default();
    let http = Http {
        client: Some(connection.peer.address),
        client_port: Some(connection.peer.port),
        host,
        method,
        target,
        headers,
        request_id: Some(asked.id.clone()),
        ..Http::default()
    };
    let event = Event::new(meta, EventBody::Http(Box::new(http)), masked.into_bytes().into());
    asked.finish.observed = Some(Box::new(Observed::new(event, None)));
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    if status == StatusCode::REQUEST_TIMEOUT {
        Counters::add(&connection.worker.shared.links.counters.slow_clients);
    }
    asked.page(status, Verdict::Blocked, Some(&Fault::Client(why)), None)
}

/// Hands the event and what was said about it to the request's end, secrets masked.
fn keep(asked: &mut Asked, event: Event, mut seen: Seen, verdict: Verdict, id: &Text, secrets: &Secrets) {
    if let Some(finding) = &mut seen.finding {
        finding.verdict = Some(verdict);
        finding.request_id = Some(id.clone());
        mask::finding(finding, secrets);
    }
    mask::rules(&mut seen.rules, secrets);
    let Seen { finding, rules, models, cpu_us, body_seen, .. } = seen;
    asked.finish.observed = Some(Box::new(Observed { event, finding, rules, models, cpu_us, body_seen, sign_in: None }));
}
