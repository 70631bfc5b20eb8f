//! An upstream that does what a test wants, a gateway in front of it, and a client that sends bytes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use detect::Knowledge;
use detect::web::request::Inspector;
use event::decision::Disposition;
use event::response::Mode;
use event::{Body, Decision, Decisions, Entity, Http, Time};
use gateway::{Config, Counters, Ending, Limits, Links, Observed};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// Nothing here takes longer unless something is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

static CLOCK_US: AtomicI64 = AtomicI64::new(1_700_000_000_000_000);

fn now() -> Time {
    Time::from_us(CLOCK_US.load(Ordering::Relaxed))
}

pub(crate) struct Setup {
    pub(crate) gateway: SocketAddr,
    pub(crate) events: mpsc::Receiver<Observed>,
    pub(crate) decisions: Arc<ArcSwap<Decisions>>,
    pub(crate) enforce: Arc<AtomicBool>,
    pub(crate) counters: Arc<Counters>,
    stop: Option<oneshot::Sender<Ending>>,
    served: tokio::task::JoinHandle<()>,
    /// The listening socket once more.
    pub(crate) socket: Option<std::os::fd::OwnedFd>,
}

pub(crate) struct Options {
    pub(crate) limits: Limits,
    pub(crate) trusted: &'static str,
    pub(crate) queue: usize,
    pub(crate) inspect: bool,
    pub(crate) tls: Option<Arc<rustls::ServerConfig>>,
    pub(crate) logins: Option<gateway::Logins>,
}

impl Default for Options {
    fn default() -> Options {
        Options { limits: Limits::default(), trusted: "", queue: 1024, inspect: true, tls: None, logins: None }
    }
}

pub(crate) async fn gateway(upstream: SocketAddr) -> Setup {
    gateway_with(upstream, Options::default()).await
}

pub(crate) async fn gateway_with(upstream: SocketAddr, options: Options) -> Setup {
    let mut config = Config::new(([127, 0, 0, 1], 0).into(), format!("http://{upstream}").parse().expect("an upstream"));
    config.limits = options.limits;
    config.workers = 1;
    config.tls = options.tls;
    config.trusted_proxies = options.trusted.split_whitespace().map(|n| n.parse().expect("a network")).collect();
    let (out, events) = mpsc::channel(options.queue);
    let decisions = Arc::new(ArcSwap::from_pointee(Decisions::default()));
    let enforce = Arc::new(AtomicBool::new(false));
    let counters = Arc::new(Counters::default());
    let links = Links {
        decisions: Arc::clone(&decisions),
        inspector: options.inspect.then(|| Arc::new(ArcSwap::from_pointee(inspector()))),
        logins: options.logins,
        enforce: Arc::clone(&enforce),
        out,
        now,
        counters: Arc::clone(&counters),
    };
    let bound = gateway::bind(&config).await.expect("a free port");
    let address = bound.local_addr();
    let (stop, stopped) = oneshot::channel();
    let socket = bound.socket().ok();
    let served = tokio::spawn(bound.serve_until(links, async { stopped.await.unwrap_or(Ending::Stop) }));
    Setup { gateway: address, events, decisions, enforce, counters, stop: Some(stop), served, socket }
}

/// With the rules that ship.
fn inspector() -> Inspector {
    let rules = rule::Ruleset::parse(&[
        ("10-sqli.conf", include_str!("../../../../content/rules/web/10-sqli.conf")),
        ("20-xss.conf", include_str!("../../../../content/rules/web/20-xss.conf")),
    ]);
    Inspector::new(&Knowledge { web_rules: Arc::new(rules.expect("rules without faults")), ..Knowledge::default() })
}

impl Setup {
    pub(crate) async fn observed(&mut self) -> Observed {
        timeout(PATIENCE, self.events.recv()).await.expect("an event in time").expect("an event")
    }

    pub(crate) async fn http(&mut self) -> Http {
        http(self.observed().await)
    }

    pub(crate) async fn connect(&self) -> Client {
        Client(TcpStream::connect(self.gateway).await.expect("a connection"))
    }

    /// Sends one request on its own connection and reads to its end.
    pub(crate) async fn send(&self, request: &str) -> String {
        let mut client = self.connect().await;
        client.write(request).await;
        client.read_to_end().await
    }

    pub(crate) fn decide(&self, all: &[(&str, Disposition, Mode)]) {
        let all = all.iter().map(|(entity, disposition, mode)| Decision {
            entity: entity.parse::<Entity>().expect("an entity"),
            disposition: *disposition,
            mode: *mode,
            until: now().plus_s(3600),
            response: "R-1".into(),
            incident: "I-1".into(),
            reason: "test".into(),
            hits: Arc::default(),
        });
        self.decisions.store(Arc::new(Decisions::new(all)));
    }

    pub(crate) fn enforce(&self) {
        self.enforce.store(true, Ordering::Relaxed);
    }

    pub(crate) async fn stop(mut self) -> mpsc::Receiver<Observed> {
        drop(self.socket.take());
        let _ = self.stop.take().expect("stopped once").send(Ending::Stop);
        timeout(PATIENCE, self.served).await.expect("stops in time").expect("no panic");
        self.events
    }

    /// Until so many connections are accepted: those that are not belong to whoever holds the socket.
    pub(crate) async fn accepted(&self, connections: u64) {
        while self.counters.connections.load(Ordering::Relaxed) < connections {
            tokio::task::yield_now().await;
        }
    }

    /// Stops accepting: whoever holds the socket goes on.
    pub(crate) fn hand_over(&mut self) {
        let _ = self.stop.take().expect("stopped once").send(Ending::HandOver);
    }

    pub(crate) async fn ended(self) {
        timeout(PATIENCE, self.served).await.expect("ends in time").expect("no panic");
    }
}

pub(crate) fn http(observed: Observed) -> Http {
    match observed.event.body {
        Body::Http(http) => *http,
        other => panic!("not HTTP: {other:?}"),
    }
}

pub(crate) struct Client(pub(crate) TcpStream);

impl Client {
    pub(crate) async fn write(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.expect("written");
    }

    pub(crate) async fn read_to_end(&mut self) -> String {
        let mut bytes = Vec::new();
        // A reset after the answer is an end too.
        let _ = timeout(PATIENCE, self.0.read_to_end(&mut bytes)).await.expect("an end in time");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Reads until `end` stands there.
    pub(crate) async fn read_until(&mut self, end: &str) -> String {
        let mut bytes = Vec::new();
        while !String::from_utf8_lossy(&bytes).contains(end) {
            let n = timeout(PATIENCE, self.0.read_buf(&mut bytes)).await.expect("bytes in time").expect("bytes");
            assert!(n > 0, "ended before {end:?}: {:?}", String::from_utf8_lossy(&bytes));
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// What the upstream got: heads and bodies as they came, one connection after another.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    pub(crate) requests: mpsc::UnboundedReceiver<String>,
}

impl Upstream {
    pub(crate) async fn request(&mut self) -> String {
        timeout(PATIENCE, self.requests.recv()).await.expect("a request in time").expect("a request")
    }

    pub(crate) fn none(&mut self) -> bool {
        self.requests.try_recv().is_err()
    }
}

/// Answers every request with `answer`, connection after connection, and keeps what came.
pub(crate) async fn upstream(answer: &'static str) -> Upstream {
    upstream_saying(move || answer.to_owned()).await
}

pub(crate) async fn upstream_saying(answer: impl Fn() -> String + Send + Sync + 'static) -> Upstream {
    let answer = Arc::new(answer);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (seen, requests) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let (seen, answer) = (seen.clone(), Arc::clone(&answer));
            tokio::spawn(async move {
                while let Some(request) = read_request(&mut socket).await {
                    let _ = seen.send(request);
                    if socket.write_all(answer().as_bytes()).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    Upstream { address, requests }
}

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

/// Head and body of one request, the body by length or chunks, as text.
pub(crate) async fn read_request(socket: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(at) = find(&bytes, b"\r\n\r\n") {
            break at + 4;
        }
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let length = text.split("content-length: ").nth(1).and_then(|t| t.split("\r\n").next()).and_then(|n| n.parse::<usize>().ok());
    let is_chunked = text.contains("transfer-encoding: chunked");
    while length.is_some_and(|n| bytes.len() < head + n) || (is_chunked && !bytes.ends_with(b"0\r\n\r\n")) {
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

pub(crate) fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|w| w == part)
}

pub(crate) fn header<'t>(message: &'t str, name: &str) -> Option<&'t str> {
    let head = message.split("\r\n\r\n").next().unwrap_or(message);
    head.split("\r\n").skip(1).filter_map(|line| line.split_once(": ")).find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v)
}

pub(crate) fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}
