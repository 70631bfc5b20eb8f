//! The listener and its worker threads: one accepts, each connection lives on one worker, and a request never changes threads.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use http::HeaderValue;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;

use crate::exchange::answer;
use crate::forward::Peer;
use crate::guard::{Guard, Protocol, Wire};
use crate::limit::{Addresses, Buckets};
use crate::slow::{Clock, TICK};
use crate::upstream::{Pool, Tls};
use crate::worker::{Connection, Outbox, Shared, Worker};
use crate::{Config, Counters, Error, Links};

/// How long an event waits for company on its way out.
const OUTBOX_WAIT: Duration = Duration::from_millis(10);

/// How a gateway ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Open requests get `limits.stop_s`.
    Stop,
    /// Another process has the listening socket: nothing is accepted here any more, connections that wait for their next request may still
    /// send it, and open requests get [`DRAIN`].
    HandOver,
}

/// What open requests get after a hand-over: their clients notice nothing, and a new process serves already.
pub const DRAIN: Duration = Duration::from_secs(60);
/// A client that has just sent a request on a kept connection must not meet its end; a quarter of a second each.
const GRACE_TICKS: u32 = 8;

/// A gateway that has its address and its threads and waits to be joined to the rest.
pub struct Bound {
    config: Config,
    listener: TcpListener,
    address: SocketAddr,
    seed: [u8; 16],
    /// Key of the passes of a challenge.
    gate: [u8; 32],
    threads: Vec<Thread>,
}

struct Thread {
    start: oneshot::Sender<Start>,
    done: oneshot::Receiver<()>,
}

struct Start {
    shared: Arc<Shared>,
    tls: Option<Tls>,
    acceptor: Option<TlsAcceptor>,
    connections: mpsc::UnboundedReceiver<Accepted>,
}

struct Accepted {
    socket: std::net::TcpStream,
    peer: SocketAddr,
    place: Place,
}

/// Takes the address and starts the threads. Nothing is accepted before [`Bound::serve`].
pub async fn bind(config: &Config) -> Result<Bound, Error> {
    let address = config.listen;
    let failed = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::AddrInUse => Error::AddressTaken { address },
        _ => Error::Listen { address, source },
    };
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.map_err(failed)?;
    socket.set_reuseaddr(true).map_err(failed)?;
    socket.bind(address).map_err(failed)?;
    let listener = socket.listen(4096).map_err(failed)?;
    prepare(config, listener)
}

/// As [`bind`], with a listening socket that another process handed over: connections that wait in it are kept.
pub fn adopt(config: &Config, listener: std::net::TcpListener) -> Result<Bound, Error> {
    let failed = |source: std::io::Error| Error::Listen { address: config.listen, source };
    listener.set_nonblocking(true).map_err(failed)?;
    prepare(config, TcpListener::from_std(listener).map_err(failed)?)
}

fn prepare(config: &Config, listener: TcpListener) -> Result<Bound, Error> {
    let address = listener.local_addr().map_err(|source| Error::Listen { address: config.listen, source })?;
    let mut seed = [0; 16];
    getrandom::fill(&mut seed).map_err(Error::Random)?;
    let mut gate = [0; 32];
    getrandom::fill(&mut gate).map_err(Error::Random)?;
    // Said now rather than at the first request.
    Tls::of(config)?;
    let threads = (0..config.workers.max(1)).map(thread).collect::<Result<_, _>>().map_err(Error::Thread)?;
    Ok(Bound { config: config.clone(), listener, address, seed, gate, threads })
}

fn thread(index: usize) -> std::io::Result<Thread> {
    let (start, started) = oneshot::channel::<Start>();
    let (finished, done) = oneshot::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name(format!("gateway-{index}")).spawn(move || {
        runtime.block_on(async {
            if let Ok(start) = started.await {
                work(start).await;
            }
        });
        // Names that are still being resolved are not waited for.
        runtime.shutdown_timeout(Duration::from_millis(50));
        let _ = finished.send(());
    })?;
    Ok(Thread { start, done })
}

impl Bound {
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The listening socket once more, for whom it is handed over to.
    pub fn socket(&self) -> std::io::Result<OwnedFd> {
        self.listener.as_fd().try_clone_to_owned()
    }

    /// Carries requests until `stop` is done; open requests then get `limits.stop_s`.
    pub async fn serve(self, links: Links, stop: impl Future<Output = ()>) {
        self.serve_until(links, async move {
            stop.await;
            Ending::Stop
        })
        .await;
    }

    /// As [`Bound::serve`], and whoever stops it says how.
    pub async fn serve_until(self, links: Links, stop: impl Future<Output = Ending>) {
        let limits = Arc::new(self.config.limits.clone());
        let upstream_host = HeaderValue::from_str(&self.config.upstream.authority()).unwrap_or(HeaderValue::from_static("upstream"));
        let Ok(tls) = Tls::of(&self.config) else { return };
        let acceptor = self.config.tls.as_ref().map(|tls| {
            let mut tls = tls.as_ref().clone();
            if tls.alpn_protocols.is_empty() {
                tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
            }
            TlsAcceptor::from(Arc::new(tls))
        });
        let boot = event::short_id("boot", &[&self.seed]);
        let shared = Arc::new(Shared {
            source: format!("gateway {} {boot}", self.config.site),
            config: self.config,
            limits,
            links,
            seed: self.seed,
            requests: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            buckets: Buckets::default(),
            addresses: Addresses::default(),
            stopping: AtomicBool::new(false),
            grace_ticks: AtomicU32::new(0),
            ending: tokio::sync::watch::channel(false).0,
            gate: crate::challenge::Gate::new(&self.gate),
            open: crate::login::Open::default(),
            upstream_host,
        });

        let mut lanes = Vec::new();
        let mut done = Vec::new();
        for thread in self.threads {
            let (lane, connections) = mpsc::unbounded_channel();
            let load = Arc::new(AtomicU64::new(0));
            let start = Start { shared: Arc::clone(&shared), tls: tls.clone(), acceptor: acceptor.clone(), connections };
            if thread.start.send(start).is_ok() {
                lanes.push((lane, load));
                done.push(thread.done);
            }
        }
        let ending = accept(&self.listener, &shared, &lanes, stop).await;

        drop(self.listener);
        if ending == Ending::HandOver {
            shared.grace_ticks.store(GRACE_TICKS, Relaxed);
        }
        shared.stopping.store(true, Relaxed);
        shared.ending.send_replace(true);
        drop(lanes);
        for done in done {
            // An error is a thread that ended already.
            let _ = done.await;
        }
    }
}

type Lane = (mpsc::UnboundedSender<Accepted>, Arc<AtomicU64>);

async fn accept(listener: &TcpListener, shared: &Arc<Shared>, lanes: &[Lane], stop: impl Future<Output = Ending>) -> Ending {
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            biased;
            ending = &mut stop => return ending,
            accepted = listener.accept() => accepted,
        };
        let (socket, peer) = match accepted {
            Ok(accepted) => accepted,
            // Out of file descriptors, or the client left: the next may do better.
            Err(_) => {
                sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        let Some((lane, load)) = lanes.iter().min_by_key(|(_, load)| load.load(Relaxed)) else { return Ending::Stop };
        let place = Place::take(shared, load, peer.ip().to_canonical());
        let Some((place, socket)) = place.zip(socket.into_std().ok()) else {
            Counters::add(&shared.links.counters.connections_refused);
            continue;
        };
        // The lane is closed only when the thread has ended.
        let _ = lane.send(Accepted { socket, peer, place });
    }
}

/// One connection's part of the limits; given back when it is dropped.
struct Place {
    shared: Arc<Shared>,
    load: Arc<AtomicU64>,
    address: Option<IpAddr>,
}

impl Place {
    fn take(shared: &Arc<Shared>, load: &Arc<AtomicU64>, address: IpAddr) -> Option<Place> {
        let limits = &shared.limits;
        let open = &shared.links.counters.connections;
        if open.load(Relaxed) >= u64::from(limits.connections_max) {
            return None;
        }
        // A trusted proxy stands for many clients.
        let counted = (!shared.config.is_trusted(address)).then_some(address);
        if counted.is_some_and(|address| !shared.addresses.enter(address, limits.connections_per_address_max)) {
            return None;
        }
        open.fetch_add(1, Relaxed);
        load.fetch_add(1, Relaxed);
        Some(Place { shared: Arc::clone(shared), load: Arc::clone(load), address: counted })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.links.counters.connections.fetch_sub(1, Relaxed);
        self.load.fetch_sub(1, Relaxed);
        if let Some(address) = self.address {
            self.shared.addresses.leave(address);
        }
    }
}

async fn work(start: Start) {
    let Start { shared, tls, acceptor, mut connections } = start;
    let worker = Arc::new(Worker {
        pool: Pool::new(shared.config.upstream.clone(), tls, Arc::clone(&shared.limits)),
        clock: Clock::default(),
        outbox: Outbox::default(),
        open: AtomicU64::new(0),
        closed: Notify::new(),
        shared,
    });
    let clock = tokio::spawn(keep_time(Arc::clone(&worker)));
    let carrier = tokio::spawn(carry_out(Arc::clone(&worker)));
    let builder = Arc::new(http1_builder(&worker));
    while let Some(accepted) = connections.recv().await {
        worker.open.fetch_add(1, Relaxed);
        tokio::spawn(connection(Arc::clone(&worker), Arc::clone(&builder), acceptor.clone(), accepted));
    }

    worker.pool.close_idle();
    let stop = match worker.shared.grace_ticks.load(Relaxed) {
        0 => Duration::from_secs(worker.shared.limits.stop_s.into()),
        _ => DRAIN,
    };
    let end = Instant::now() + stop;
    while worker.open.load(Relaxed) > 0 && timeout_at(end, worker.closed.notified()).await.is_ok() {}
    clock.abort();
    carrier.abort();
    worker.outbox.flush(&worker.shared.links);
}

async fn keep_time(worker: Arc<Worker>) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        let shared = &worker.shared;
        let grace = shared.stopping.load(Relaxed).then(|| shared.grace_ticks.load(Relaxed));
        let slow = worker.clock.tick(&shared.limits, grace);
        shared.links.counters.slow_clients.fetch_add(slow, Relaxed);
        worker.pool.tick();
        shared.links.counters.limited_entities.store(shared.buckets.len() as u64, Relaxed);
    }
}

async fn carry_out(worker: Arc<Worker>) {
    loop {
        worker.outbox.filled.notified().await;
        sleep(OUTBOX_WAIT).await;
        worker.outbox.flush(&worker.shared.links);
    }
}

fn http1_builder(worker: &Worker) -> http1::Builder {
    let limits = &worker.shared.limits;
    let mut builder = http1::Builder::new();
    // The guard has limits and clocks of its own; hyper's must not be reached first.
    builder.header_read_timeout(None).max_buf_size(limits.head_bytes_max.max(8192) * 2);
    // Up to its own default hyper keeps them on the stack.
    if limits.headers_max > 100 {
        builder.max_headers(limits.headers_max);
    }
    builder
}

struct Opened(Arc<Worker>);

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Relaxed);
        self.0.closed.notify_one();
    }
}

async fn connection(worker: Arc<Worker>, builder: Arc<http1::Builder>, acceptor: Option<TlsAcceptor>, accepted: Accepted) {
    let _opened = Opened(Arc::clone(&worker));
    let Accepted { socket, peer, place: _place } = accepted;
    let Ok(socket) = TcpStream::from_std(socket) else { return };
    // Without it answers wait for the client's acknowledgement.
    let _ = socket.set_nodelay(true);
    let limit = Duration::from_secs(worker.shared.limits.head_time_s.max(1).into());
    let peer = Peer::new(peer.ip().to_canonical(), peer.port(), acceptor.is_some(), &worker.shared.config);
    match acceptor {
        None => serve(worker, &builder, socket, peer, None).await,
        Some(acceptor) => {
            let Ok(Ok(socket)) = timeout(limit, acceptor.accept(socket)).await else {
                return;
            };
            let protocol = match socket.get_ref().1.alpn_protocol() {
                Some(b"h2") => Protocol::Http2,
                _ => Protocol::Http1,
            };
            serve(worker, &builder, socket, peer, Some(protocol)).await;
        }
    }
}

async fn serve<S>(worker: Arc<Worker>, builder: &http1::Builder, socket: S, peer: Peer, protocol: Option<Protocol>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let wire = Arc::new(Wire::default());
    let limits = Arc::clone(&worker.shared.limits);
    let mut guard = Guard::new(socket, Arc::clone(&limits), Arc::clone(&wire));
    worker.clock.watch(&wire.pace);
    let protocol = match protocol {
        Some(protocol) => protocol,
        None => match guard.protocol().await {
            Some(protocol) => protocol,
            None => return,
        },
    };
    let number = worker.shared.connections.fetch_add(1, Relaxed);
    let is_http2 = protocol == Protocol::Http2;
    let connection = Arc::new(Connection { worker: Arc::clone(&worker), wire, peer, number, is_http2 });
    let service = service_fn(move |request| answer(Arc::clone(&connection), request));
    match protocol {
        // How a connection ended is in the events of its requests.
        Protocol::Http1 => {
            let _ = builder.serve_connection(TokioIo::new(guard), service).with_upgrades().await;
        }
        Protocol::Http2 => {
            guard.pass_all();
            let mut ending = worker.shared.ending.subscribe();
            let builder = http2(&limits);
            let mut open = std::pin::pin!(builder.serve_connection(TokioIo::new(guard), service));
            tokio::select! {
                _ = open.as_mut() => return,
                _ = ending.wait_for(|over| *over) => open.as_mut().graceful_shutdown(),
            }
            let _ = open.await;
        }
    }
}

fn http2(limits: &crate::Limits) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(100)
        .max_header_list_size(u32::try_from(limits.head_bytes_max).unwrap_or(u32::MAX))
        .max_local_error_reset_streams(1024)
        .max_pending_accept_reset_streams(20)
        .max_send_buf_size(256 * 1024)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(20));
    builder
}
