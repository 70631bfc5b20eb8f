//! Between socket and hyper: follows the bytes of HTTP/1 from head to head and lets only whole, strictly read heads through.
//!
//! What is refused is replaced by a head that says so, and the connection reads as ended after it: so the refusal is answered in its
//! turn by the same code as every request, with a request id, a page and an event that holds the raw bytes. In the ordinary case, a whole
//! head in one read, nothing is copied: the bytes are checked where hyper wants them.

use std::io;
use std::pin::Pin;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::Limits;
use crate::chunk::Chunks;
use crate::head::{self, Framing, Progress, REFUSED_METHOD, Refusal};
use crate::slow::Pace;

/// RFC 9113 section 3.4.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Of a refused head, for its event.
const RAW_BYTES_MAX: usize = 8 * 1024;

/// What guard and the requests of one connection tell each other.
#[derive(Default)]
pub(crate) struct Wire {
    pub(crate) pace: Arc<Pace>,
    refused: Mutex<Option<Refused>>,
    turn: std::sync::atomic::AtomicU8,
}

/// A head that went no further.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) refusal: Refusal,
    pub(crate) raw: Vec<u8>,
}

/// What becomes of a request that asks for an upgrade. Until then nothing more is read.
const UNDECIDED: u8 = 0;
const STAYS_HTTP: u8 = 1;
const TUNNEL: u8 = 2;

impl Wire {
    pub(crate) fn take_refused(&self) -> Option<Refused> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn stays_http(&self) {
        self.turn.store(STAYS_HTTP, Relaxed);
        self.pace.waker.wake();
    }

    pub(crate) fn becomes_tunnel(&self) {
        self.pace.tunnel.store(true, Relaxed);
        self.turn.store(TUNNEL, Relaxed);
        self.pace.waker.wake();
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

enum State {
    Head,
    Length(u64),
    Chunked(Chunks),
    /// A request that asks for an upgrade is being answered.
    Hold,
    /// Not HTTP/1: a tunnel, or HTTP/2.
    Open,
    /// A refusal is being answered, and hyper then closes. It gives up a request when it reads an end before, so it reads nothing.
    Refusal,
    /// Nothing more is read.
    End,
}

pub(crate) struct Guard<S> {
    socket: S,
    limits: Arc<Limits>,
    wire: Arc<Wire>,
    state: State,
    /// Read and not yet passed on; the first `ready` bytes may be.
    held: Vec<u8>,
    ready: usize,
    progress: Progress,
    refused: Option<Refused>,
    discarded: usize,
}

/// After a refusal.
const DISCARDED_BYTES_MAX: usize = 1024 * 1024;

impl<S: AsyncRead + AsyncWrite + Unpin> Guard<S> {
    pub(crate) fn new(socket: S, limits: Arc<Limits>, wire: Arc<Wire>) -> Guard<S> {
        Guard {
            socket,
            limits,
            wire,
            state: State::Head,
            held: Vec::new(),
            ready: 0,
            progress: Progress::default(),
            refused: None,
            discarded: 0,
        }
    }

    /// HTTP/2 with prior knowledge begins with its preface, HTTP/1 never does. `None`: the client left, or said nothing in time.
    pub(crate) async fn protocol(&mut self) -> Option<Protocol> {
        let mut bytes = [0; 1024];
        loop {
            let n = std::future::poll_fn(|cx| {
                let pace = &self.wire.pace;
                pace.waker.register(cx.waker());
                let mut buf = ReadBuf::new(&mut bytes);
                match Pin::new(&mut self.socket).poll_read(cx, &mut buf) {
                    Poll::Pending if !pace.expired.load(Relaxed) => Poll::Pending,
                    Poll::Ready(Ok(())) => Poll::Ready(buf.filled().len()),
                    _ => Poll::Ready(0),
                }
            })
            .await;
            if n == 0 {
                return None;
            }
            self.held.extend_from_slice(&bytes[..n]);
            let n = self.held.len().min(PREFACE.len());
            if self.held[..n] != PREFACE[..n] {
                return Some(Protocol::Http1);
            }
            if n == PREFACE.len() {
                self.pass_all();
                return Some(Protocol::Http2);
            }
        }
    }

    /// From here on it is not HTTP/1.
    pub(crate) fn pass_all(&mut self) {
        self.state = State::Open;
        self.ready = self.held.len();
    }

    /// How many of `bytes`, which follow what was passed on, may be passed on. What is between is looked at once.
    fn approve(&mut self, bytes: &[u8]) -> Approved {
        let mut at = 0;
        while at < bytes.len() {
            match &mut self.state {
                State::Head => {
                    let rest = &bytes[at..];
                    let found = match head::find_end(rest, &mut self.progress, &self.limits) {
                        Ok(Some(end)) => head::parse(&rest[..end], &self.limits).map(|head| (head, end)),
                        Ok(None) => break,
                        Err(refusal) => Err(refusal),
                    };
                    let (head, end) = match found {
                        Ok(found) => found,
                        Err(refusal) => {
                            self.refuse(refusal, rest);
                            break;
                        }
                    };
                    self.progress = Progress::default();
                    if let Some(range) = head.encode {
                        return Approved { at, encode: Some(range) };
                    }
                    at += end;
                    let pace = &self.wire.pace;
                    pace.begun.fetch_add(1, Relaxed);
                    pace.open.fetch_add(1, Relaxed);
                    self.state = match head.framing {
                        Framing::Length(n) => State::Length(n),
                        Framing::Chunked => State::Chunked(Chunks::new()),
                        Framing::Empty if head.upgrade => {
                            self.wire.turn.store(UNDECIDED, Relaxed);
                            State::Hold
                        }
                        Framing::Empty => State::Head,
                    };
                }
                State::Length(left) => {
                    let n = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len() - at);
                    at += n;
                    *left -= n as u64;
                    if *left == 0 {
                        self.state = State::Head;
                    }
                }
                State::Chunked(chunks) => match chunks.advance(&bytes[at..]) {
                    Ok(n) => {
                        at += n;
                        if chunks.is_done() {
                            self.state = State::Head;
                        }
                    }
                    // hyper finds the body cut, fails it and ends the connection after the answer.
                    Err(good) => {
                        self.state = State::End;
                        return Approved { at: at + good, encode: None };
                    }
                },
                State::Open => at = bytes.len(),
                State::Hold | State::Refusal | State::End => break,
            }
        }
        Approved { at, encode: None }
    }

    fn refuse(&mut self, refusal: Refusal, raw: &[u8]) {
        self.refused = Some(Refused { refusal, raw: raw[..raw.len().min(RAW_BYTES_MAX)].to_vec() });
    }

    /// A refusal that is due takes the place of what is held.
    fn show_refusal(&mut self) -> bool {
        let Some(refused) = self.refused.take() else { return false };
        *self.wire.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(refused);
        self.held.clear();
        self.held.extend_from_slice(REFUSED_METHOD.as_bytes());
        self.held.extend_from_slice(b" / HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n");
        self.ready = self.held.len();
        self.state = State::Refusal;
        let pace = &self.wire.pace;
        pace.begun.fetch_add(1, Relaxed);
        pace.open.fetch_add(1, Relaxed);
        true
    }

    /// Looks again at what is held. True when something can be passed on.
    fn approve_held(&mut self) -> bool {
        if self.held.is_empty() || self.refused.is_some() {
            return false;
        }
        let mut held = std::mem::take(&mut self.held);
        let mut approved = self.approve(&held);
        if approved.at == 0
            && let Some(range) = approved.encode.take()
        {
            let target = head::encoded(&held[range.clone()]);
            held.splice(range, target);
            approved = self.approve(&held);
        }
        self.held = held;
        self.ready = approved.at;
        self.ready > 0
    }

    fn note_partial(&self) {
        let partial = matches!(self.state, State::Head) && !self.held.is_empty();
        self.wire.pace.partial.store(partial, Relaxed);
    }
}

struct Approved {
    at: usize,
    /// The head at `at` is fine once this part of it is encoded.
    encode: Option<std::ops::Range<usize>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Guard<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if this.ready > 0 {
                let n = this.ready.min(buf.remaining());
                buf.put_slice(&this.held[..n]);
                this.held.drain(..n);
                this.ready -= n;
                if this.held.is_empty() {
                    this.held = Vec::new();
                    this.note_partial();
                }
                return Poll::Ready(Ok(()));
            }
            match this.state {
                State::End => return Poll::Ready(Ok(())),
                State::Refusal => {
                    let pace = &this.wire.pace;
                    pace.waker.register(cx.waker());
                    return if pace.expired.load(Relaxed) { Poll::Ready(Ok(())) } else { Poll::Pending };
                }
                State::Hold => match this.wire.turn.load(Relaxed) {
                    STAYS_HTTP => this.state = State::Head,
                    TUNNEL => this.state = State::Open,
                    _ => {
                        this.wire.pace.waker.register(cx.waker());
                        if this.wire.turn.load(Relaxed) == UNDECIDED {
                            return Poll::Pending;
                        }
                        continue;
                    }
                },
                _ => {}
            }
            if this.approve_held() || this.show_refusal() {
                continue;
            }

            let before = buf.filled().len();
            if Pin::new(&mut this.socket).poll_read(cx, buf)?.is_pending() {
                let pace = &this.wire.pace;
                pace.waker.register(cx.waker());
                if !pace.expired.load(Relaxed) {
                    return Poll::Pending;
                }
                if !this.held.is_empty() && matches!(this.state, State::Head) {
                    // The answer has its own time.
                    pace.expired.store(false, Relaxed);
                    let raw = std::mem::take(&mut this.held);
                    this.refuse(Refusal { status: 408, why: "head too slow" }, &raw);
                    continue;
                }
                return Poll::Ready(Ok(()));
            }
            let new = buf.filled().len() - before;
            if new == 0 {
                return Poll::Ready(Ok(()));
            }
            if this.held.is_empty() {
                let approved = this.approve(&buf.filled()[before..]).at;
                if approved < new {
                    this.held.extend_from_slice(&buf.filled()[before + approved..]);
                    buf.set_filled(before + approved);
                    this.note_partial();
                }
                if approved > 0 {
                    return Poll::Ready(Ok(()));
                }
            } else {
                this.held.extend_from_slice(&buf.filled()[before..]);
                buf.set_filled(before);
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> Guard<S> {
    fn wrote(&self, cx: &Context<'_>, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        let pace = &self.wire.pace;
        match &result {
            Poll::Ready(Ok(n)) => {
                pace.written.fetch_add(*n as u64, Relaxed);
                pace.blocked.store(false, Relaxed);
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                pace.blocked.store(true, Relaxed);
                pace.waker.register(cx.waker());
                if pace.expired.load(Relaxed) {
                    return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                }
            }
        }
        result
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.socket).poll_write(cx, bytes);
        this.wrote(cx, result)
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, parts: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.socket).poll_write_vectored(cx, parts);
        this.wrote(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.get_mut().socket).poll_flush(cx))?;
        Poll::Ready(Ok(()))
    }

    /// After a refusal what the client still sends is thrown away for a while: closing over unread bytes is a reset, and a reset can
    /// overtake the answer.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.socket).poll_shutdown(cx))?;
        if !matches!(this.state, State::Refusal | State::End) {
            return Poll::Ready(Ok(()));
        }
        // The clock gives it as long as a head.
        this.wire.pace.partial.store(true, Relaxed);
        let mut bytes = [0; 4096];
        while this.discarded < DISCARDED_BYTES_MAX && !this.wire.pace.expired.load(Relaxed) {
            let mut buf = ReadBuf::new(&mut bytes);
            this.wire.pace.waker.register(cx.waker());
            match Pin::new(&mut this.socket).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => this.discarded += buf.filled().len(),
                Poll::Ready(_) => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// What of a client's bytes goes on to be served when they come in parts of `step` bytes: for tests and fuzzing, see crates/hostile. Requests
/// that ask for an upgrade are answered as ordinary ones.
pub(crate) fn let_through(bytes: &[u8], step: usize) -> Vec<u8> {
    let wire = Arc::new(Wire::default());
    wire.stays_http();
    let mut guard = Guard::new(tokio::io::join(Parts { bytes, step }, tokio::io::sink()), Arc::default(), Arc::clone(&wire));
    let mut cx = Context::from_waker(std::task::Waker::noop());
    let (mut out, mut space) = (Vec::new(), vec![0; 16 << 10]);
    loop {
        let mut buf = ReadBuf::new(&mut space);
        match Pin::new(&mut guard).poll_read(&mut cx, &mut buf) {
            Poll::Ready(Ok(())) if !buf.filled().is_empty() => out.extend_from_slice(buf.filled()),
            Poll::Pending if matches!(guard.state, State::Hold) => wire.stays_http(),
            _ => return out,
        }
    }
}

/// A socket that gives at most `step` bytes at a time.
struct Parts<'b> {
    bytes: &'b [u8],
    step: usize,
}

impl AsyncRead for Parts<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let (now, later) = self.bytes.split_at(self.step.min(self.bytes.len()).min(buf.remaining()));
        buf.put_slice(now);
        self.bytes = later;
        Poll::Ready(Ok(()))
    }
}
