//! Connections to the application: kept open, one stack a worker, the warmest first.

use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::error::Fault;
use crate::slow::Flow;
use crate::{Config, Error, Limits, Upstream};

/// TLS towards the upstream.
#[derive(Clone)]
pub(crate) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Tls {
    pub(crate) fn of(config: &Config) -> Result<Option<Tls>, Error> {
        if !config.upstream.tls {
            return Ok(None);
        }
        let host = &config.upstream.host;
        let name = ServerName::try_from(host.clone()).map_err(|_| Error::UpstreamName { host: host.clone() })?;
        let client = match &config.upstream_tls {
            Some(client) => Arc::clone(client),
            None => {
                let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
                let provider = Arc::new(rustls::crypto::ring::default_provider());
                let client = rustls::ClientConfig::builder_with_provider(provider)
                    .with_safe_default_protocol_versions()
                    .map(|b| b.with_root_certificates(roots).with_no_client_auth());
                Arc::new(client.map_err(|_| Error::UpstreamName { host: host.clone() })?)
            }
        };
        Ok(Some(Tls { connector: TlsConnector::from(client), name }))
    }
}

pub(crate) struct Pool {
    upstream: Upstream,
    tls: Option<Tls>,
    limits: Arc<Limits>,
    builder: Builder,
    idle: Mutex<Vec<Idle>>,
    /// Of the worker's clock.
    ticks: AtomicU32,
}

struct Idle {
    sender: SendRequest<Inbound>,
    since: u32,
}

/// One connection while a request uses it. Goes back to the pool only by [`Lease::give_back`].
pub(crate) struct Lease {
    sender: SendRequest<Inbound>,
    /// It carried requests before, so the upstream may have closed it meanwhile.
    pub(crate) reused: bool,
}

impl Pool {
    pub(crate) fn new(upstream: Upstream, tls: Option<Tls>, limits: Arc<Limits>) -> Pool {
        let mut builder = Builder::new();
        builder.max_buf_size(limits.head_bytes_max.max(64 * 1024));
        Pool { upstream, tls, limits, builder, idle: Mutex::default(), ticks: AtomicU32::new(0) }
    }

    pub(crate) async fn lease(&self, fresh: bool) -> Result<Lease, Fault> {
        while let Some(idle) = if fresh { None } else { self.pop() } {
            let mut sender = idle.sender;
            // Ready at once, unless it is closed.
            if sender.is_ready() || sender.ready().await.is_ok() {
                return Ok(Lease { sender, reused: true });
            }
        }
        self.connect().await.map(|sender| Lease { sender, reused: false })
    }

    fn pop(&self) -> Option<Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    pub(crate) fn give_back(&self, lease: Lease) {
        if lease.sender.is_closed() {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.limits.upstream_idle_max {
            idle.push(Idle { sender: lease.sender, since: self.ticks.load(Relaxed) });
        }
    }

    /// Drops what is closed or was not used for long. Once a tick.
    pub(crate) fn tick(&self) {
        let now = self.ticks.fetch_add(1, Relaxed) + 1;
        if now.is_multiple_of(4) {
            let old = self.limits.upstream_idle_s.saturating_mul(4);
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.retain(|i| !i.sender.is_closed() && now.wrapping_sub(i.since) < old);
        }
    }

    pub(crate) fn close_idle(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    async fn connect(&self) -> Result<SendRequest<Inbound>, Fault> {
        let limit = Duration::from_secs(self.limits.upstream_connect_s.max(1).into());
        let connected = timeout(limit, async {
            let socket = TcpStream::connect((self.upstream.host.as_str(), self.upstream.port)).await?;
            socket.set_nodelay(true)?;
            match &self.tls {
                None => Ok(Stream::Plain(socket)),
                Some(tls) => tls.connector.connect(tls.name.clone(), socket).await.map(|s| Stream::Tls(Box::new(s))),
            }
        });
        let fault = |what: &str, error: &dyn std::fmt::Display| Fault::Upstream(format!("{what}: {error}"));
        let socket = connected
            .await
            .map_err(|_| Fault::TooSlow(format!("no connection in {} s", limit.as_secs())))?
            .map_err(|e| fault("no connection", &e))?;
        match socket {
            Stream::Plain(socket) => self.handshake(socket).await,
            Stream::Tls(socket) => self.handshake(*socket).await,
        }
        .map_err(|e| fault("no HTTP", &e))
    }

    async fn handshake<S>(&self, socket: S) -> hyper::Result<SendRequest<Inbound>>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = self.builder.handshake(TokioIo::new(socket)).await?;
        tokio::spawn(async move {
            // Its failure reaches the request that uses it; without one nobody misses it.
            let _ = connection.with_upgrades().await;
        });
        Ok(sender)
    }

    /// Sends one request; `flow` tells whether its body is still on the way.
    pub(crate) async fn send(
        &self,
        lease: &mut Lease,
        request: Request<Inbound>,
        flow: Option<&Flow>,
    ) -> Result<Response<Incoming>, Unsent> {
        let limit = Duration::from_secs(self.limits.upstream_answer_s.max(1).into());
        let mut answer = std::pin::pin!(lease.sender.try_send_request(request));
        loop {
            match timeout(limit, answer.as_mut()).await {
                Ok(Ok(response)) => return Ok(response),
                Ok(Err(mut error)) => {
                    let request = error.take_message().map(Box::new);
                    let error = error.into_error();
                    let body_failed =
                        error.is_body_write_aborted() || std::error::Error::source(&error).is_some_and(|s| s.is::<BodyFault>());
                    let fault = if body_failed { Fault::Client("body cut or malformed") } else { Fault::Upstream(describe(&error)) };
                    return Err(Unsent { request, fault });
                }
                // The time runs from the end of the request; a slow body has its own clock.
                Err(_) if flow.is_some_and(|f| !f.over.load(Relaxed)) => {}
                Err(_) => {
                    let fault = Fault::TooSlow(format!("no answer in {} s", limit.as_secs()));
                    return Err(Unsent { request: None, fault });
                }
            }
        }
    }
}

fn describe(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// A request that got no answer, with itself when nothing of it was sent.
pub(crate) struct Unsent {
    pub(crate) request: Option<Box<Request<Inbound>>>,
    pub(crate) fault: Fault,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

/// Why a client's body ended before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyFault {
    #[error("body cut or malformed")]
    Cut,
    #[error("body too slow")]
    Slow,
}

/// A request body on its way to the upstream: the window that was read for the verdict, then what follows.
#[derive(Default)]
pub(crate) struct Inbound {
    window: std::collections::VecDeque<Bytes>,
    rest: Option<Incoming>,
    flow: Option<Arc<Flow>>,
    /// As the head says.
    length: Option<u64>,
}

impl Inbound {
    pub(crate) fn new(body: Incoming, flow: Arc<Flow>) -> Inbound {
        let length = body.size_hint().exact();
        Inbound { window: std::collections::VecDeque::new(), rest: Some(body), flow: Some(flow), length }
    }

    /// Reads until `window_bytes` are there or the body ends.
    pub(crate) async fn read_window(&mut self, window_bytes: usize) -> Result<(), BodyFault> {
        let mut seen = 0;
        let mut window = std::collections::VecDeque::new();
        while seen < window_bytes {
            match std::future::poll_fn(|cx| self.poll_rest(cx)).await {
                Some(Ok(bytes)) => {
                    seen += bytes.len();
                    window.push_back(bytes);
                }
                Some(Err(fault)) => return Err(fault),
                None => {
                    self.rest = None;
                    self.length = Some(seen as u64);
                    break;
                }
            }
        }
        self.window = window;
        Ok(())
    }

    /// At most `bytes_max` of what was read.
    pub(crate) fn window(&self, bytes_max: usize) -> Vec<u8> {
        let whole: usize = self.window.iter().map(Bytes::len).sum();
        let mut out = Vec::with_capacity(whole.min(bytes_max));
        for part in &self.window {
            let n = part.len().min(bytes_max - out.len());
            out.extend_from_slice(&part[..n]);
        }
        out
    }

    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyFault>>> {
        let (Some(rest), Some(flow)) = (&mut self.rest, &self.flow) else { return Poll::Ready(None) };
        loop {
            match Pin::new(&mut *rest).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    // Trailers end here: what was not scored is not forwarded.
                    let Ok(bytes) = frame.into_data() else { continue };
                    flow.bytes.fetch_add(bytes.len() as u64, Relaxed);
                    flow.waiting.store(false, Relaxed);
                    return Poll::Ready(Some(Ok(bytes)));
                }
                Poll::Ready(Some(Err(_))) => {
                    flow.over.store(true, Relaxed);
                    return Poll::Ready(Some(Err(BodyFault::Cut)));
                }
                Poll::Ready(None) => {
                    flow.over.store(true, Relaxed);
                    return Poll::Ready(None);
                }
                Poll::Pending => {
                    flow.waiting.store(true, Relaxed);
                    flow.waker.register(cx.waker());
                    if flow.expired.load(Relaxed) {
                        return Poll::Ready(Some(Err(BodyFault::Slow)));
                    }
                    return Poll::Pending;
                }
            }
        }
    }
}

impl Body for Inbound {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let this = self.get_mut();
        if let Some(bytes) = this.window.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        this.poll_rest(cx).map(|next| next.map(|bytes| bytes.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.window.is_empty() && self.rest.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        match (self.length, &self.rest) {
            (Some(length), _) => SizeHint::with_exact(length),
            (None, None) => SizeHint::with_exact(0),
            (None, Some(_)) => SizeHint::default(),
        }
    }
}
