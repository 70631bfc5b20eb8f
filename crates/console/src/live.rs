//! Live updates: server-sent events whose ids are offsets in the log.
//!
//! A stream first reads from the log what happened since the offset that the browser saw last, then goes on with the live channel, so that
//! nothing is missed and nothing comes twice. A browser that cannot keep up is cut off and resumes by its last id.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event as Message, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use event::{Body, Event};
use futures_util::StreamExt;
use serde::Deserialize;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::router::App;
use crate::session::Who;
use crate::{Fact, page, read};

/// Streams a server; further browsers ask every 10 s instead.
pub(crate) const STREAMS_MAX: usize = 64;
const QUEUE_MAX: usize = 256;
const HEARTBEAT: Duration = Duration::from_secs(15);
/// A browser that was away for longer is told to load the page anew.
const RESUME_MAX: u64 = 20_000;
const READ_STEP: usize = 1_000;

#[derive(Deserialize)]
pub(crate) struct From {
    from: Option<u64>,
}

pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Who>,
    Query(query): Query<From>,
    headers: HeaderMap,
) -> Response {
    let Ok(place) = app.streams.clone().try_acquire_owned() else {
        return page::problem(StatusCode::SERVICE_UNAVAILABLE, "too many live streams, ask again every 10 s", true);
    };
    let last_id = headers.get("last-event-id").and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<u64>().ok());
    // `from` is the first offset wanted; the last id was seen already.
    let from = last_id.map(|id| id.saturating_add(1)).or(query.from);
    let (send, receive) = mpsc::channel::<Message>(QUEUE_MAX);
    tokio::spawn(async move {
        let _place = place;
        pump(&app, &who, from, &send).await;
    });
    let stream = ReceiverStream::new(receive).map(Ok::<_, Infallible>);
    Sse::new(stream).keep_alive(KeepAlive::new().interval(HEARTBEAT).text("beat")).into_response()
}

async fn pump(app: &App, who: &Who, from: Option<u64>, send: &mpsc::Sender<Message>) {
    // Subscribed before the log is read: what is appended in between comes twice here and is dropped by its offset.
    let mut live = app.links.live.subscribe();
    let mut ended = app.ended.clone();
    let end = app.links.log.end();
    let mut next = from.unwrap_or(end).min(end);
    if end - next > RESUME_MAX {
        next = end;
        if send.send(Message::default().event("reload").data("{}")).await.is_err() {
            return;
        }
    }
    if send.send(Message::default().event("hello").data(format!("{{\"from\":{next}}}")).retry(Duration::from_secs(2))).await.is_err() {
        return;
    }
    while next < end {
        let log = app.links.log.clone();
        let Ok(Ok(events)) = tokio::task::spawn_blocking(move || log.read(next, READ_STEP)).await else { return };
        let Some((last, _)) = events.last() else { break };
        let after = last + 1;
        for (offset, event) in &events {
            if let Some(fact) = fact(*offset, event)
                && send.send(message(&fact)).await.is_err()
            {
                return;
            }
        }
        next = after;
    }
    let mut check = tokio::time::interval(HEARTBEAT);
    loop {
        let fact = tokio::select! {
            _ = ended.wait_for(|over| *over) => return,
            () = send.closed() => return,
            // A stream does not outlive its login.
            _ = check.tick() => if app.sessions.is_alive(who, Instant::now()) { continue } else { return },
            fact = live.recv() => fact,
        };
        match fact {
            Ok(fact) if fact.offset < next => {}
            // A full queue cuts the browser off; it comes back with the last id it has seen.
            Ok(fact) => {
                if send.try_send(message(&fact)).is_err() {
                    return;
                }
            }
            Err(RecvError::Lagged(_) | RecvError::Closed) => return,
        }
    }
}

/// What the stream says about an event of the log; most activities are no news.
fn fact(offset: u64, event: &Event) -> Option<Fact> {
    let at = event.meta.time;
    let of = |kind, id: &str, severity, title: String| Some(Fact { offset, kind, id: id.into(), severity, title, at });
    match &event.body {
        Body::Incident(i) => of("incident", &i.uid, Some(i.severity), i.title.clone()),
        Body::Response(r) => of("response", &r.uid, None, format!("{} {}", r.phase.word(), r.target)),
        Body::Finding(f) => of("finding", &f.uid, Some(f.severity), f.title.clone()),
        Body::Order(o) => of("order", &o.uid, None, read::order_text(&o.what)),
        Body::Http(h) if h.verdict.is_some_and(|v| v != event::Verdict::Allowed) => {
            of("request", h.request_id.as_deref().unwrap_or_default(), None, h.verdict.map_or("", event::Verdict::word).to_owned())
        }
        _ => None,
    }
}

fn message(fact: &Fact) -> Message {
    let data = serde_json::json!({
        "kind": fact.kind, "id": fact.id.as_str(), "severity": fact.severity.map(event::Severity::word),
        "title": crate::shown::shown(&fact.title, crate::shown::CELL_MAX), "at": fact.at.to_string(),
    });
    Message::default().id(fact.offset.to_string()).data(data.to_string())
}
