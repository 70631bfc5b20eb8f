//! An answer on its way to the client, and the event that is sent when it is over or given up.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use event::{Body as EventBody, Event, Http, Text, Verdict};
use hyper::body::{Body, Frame, Incoming, SizeHint};

use crate::Observed;
use crate::error::Fault;
use crate::links::FAULT;
use crate::record::finish_event;
use crate::upstream::Lease;
use crate::worker::Connection;
use decode::mask::Secrets;

/// Sent when it is dropped, when the answer is over or given up.
pub(crate) struct Finish {
    pub(crate) connection: Arc<Connection>,
    pub(crate) observed: Option<Box<Observed>>,
    /// While the window of the body is read: the client may leave meanwhile.
    pub(crate) unread: Option<Event>,
    pub(crate) started: Instant,
    pub(crate) bytes: u64,
}

impl Finish {
    pub(crate) fn http(&mut self) -> Option<&mut Http> {
        match self.observed.as_mut().map(|o| &mut o.event.body) {
            Some(EventBody::Http(http)) => Some(http),
            _ => None,
        }
    }

    pub(crate) fn send(&mut self) {
        let (bytes, took) = (self.bytes, self.started.elapsed());
        if let Some(http) = self.http() {
            http.response_bytes = Some(bytes);
            http.duration_us = Some(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
        }
        if let Some(observed) = self.observed.take() {
            let worker = &self.connection.worker;
            worker.outbox.push(*observed, &worker.shared.links);
        }
    }
}

impl Drop for Finish {
    fn drop(&mut self) {
        if let Some(mut event) = self.unread.take() {
            finish_event(&mut event, &mut Secrets::default(), Verdict::Allowed, 0.0);
            if let EventBody::Http(http) = &mut event.body {
                http.headers.push((Text::const_new(FAULT), Fault::Client("left before the request was whole").to_string()));
            }
            self.observed = Some(Box::new(Observed::new(event, None)));
        }
        self.send();
        self.connection.wire.pace.open.fetch_sub(1, Relaxed);
    }
}

/// An answer on its way to the client.
pub(crate) struct Outbound {
    pub(crate) source: Source,
    pub(crate) finish: Option<Finish>,
}

pub(crate) enum Source {
    Page(Option<Bytes>),
    Upstream { body: Incoming, lease: Option<Lease> },
    Empty,
}

/// An answer that streams for longer is logged when it next moves, not when it ends.
const LOGGED_AFTER_S: u64 = 10;

impl Outbound {
    pub(crate) fn over(&mut self) {
        if let Source::Upstream { lease, .. } = &mut self.source
            && let (Some(lease), Some(finish)) = (lease.take(), &self.finish)
        {
            finish.connection.worker.pool.give_back(lease);
        }
        self.finish = None;
    }
}

impl Body for Outbound {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        let next = match &mut this.source {
            Source::Empty => None,
            Source::Page(text) => text.take().map(|text| Ok(Frame::data(text))),
            Source::Upstream { body, .. } => ready!(Pin::new(body).poll_frame(cx)),
        };
        if let Some(Ok(frame)) = &next {
            if let (Some(finish), Some(data)) = (&mut this.finish, frame.data_ref()) {
                finish.bytes += data.len() as u64;
                if finish.observed.is_some()
                    && matches!(&this.source, Source::Upstream { .. })
                    && finish.started.elapsed().as_secs() >= LOGGED_AFTER_S
                {
                    finish.send();
                }
            }
            if this.is_end_stream() {
                this.over();
            }
        } else if next.is_none() {
            this.over();
        } else if let Source::Upstream { lease, .. } = &mut this.source {
            *lease = None;
            this.finish = None;
        }
        Poll::Ready(next)
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Empty | Source::Page(None) => true,
            Source::Page(Some(_)) => false,
            Source::Upstream { body, .. } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Empty | Source::Page(None) => SizeHint::with_exact(0),
            Source::Page(Some(text)) => SizeHint::with_exact(text.len() as u64),
            Source::Upstream { body, .. } => body.size_hint(),
        }
    }
}
