//! A gateway in front of an application: what is seen, refused, explained and let in again.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Answers every request with 200 and a small body, until the test ends.
pub(super) fn application() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let addr = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
                let mut stream = stream;
                loop {
                    let mut line = String::new();
                    let mut any = false;
                    while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
                        any = true;
                        line.clear();
                    }
                    if !any || stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").is_err() {
                        return;
                    }
                }
            });
        }
    });
    addr
}

pub(super) struct Running {
    child: Child,
    pub(super) gateway: SocketAddr,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn protect(data: &Path, more: &[&str]) -> Running {
    protect_at(application(), data, more)
}

pub(super) fn protect_at(application: SocketAddr, data: &Path, more: &[&str]) -> Running {
    let upstream = format!("http://{application}");
    let mut child = Command::new(env!("CARGO_BIN_EXE_bartizan"))
        .args([
            "protect",
            &upstream,
            "--listen",
            "127.0.0.1:0",
            "--no-console",
            "--trusted-proxy",
            "127.0.0.0/8",
            "--site",
            "shop",
            "--data-dir",
        ])
        .arg(data)
        .args(more)
        .stdout(Stdio::piped())
        .spawn()
        .expect("bartizan runs");
    let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
    let line = lines.by_ref().map_while(Result::ok).find(|l| l.trim_start().starts_with("gateway")).expect("a line with the gateway");
    std::thread::spawn(move || lines.for_each(drop));
    let at = line.split("http://").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("an address");
    Running { child, gateway: at.parse().expect("an address") }
}

/// Status and head of the answer.
pub(super) fn get(at: SocketAddr, from: &str, target: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(at).expect("the gateway listens");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("set");
    let request = format!(
        "GET {target} HTTP/1.1\r\nhost: shop.example\r\nuser-agent: Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0\r\nx-forwarded-for: {from}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text).into_owned();
    let status = text.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
    (status, text)
}

pub(super) fn cli(data: &Path, args: &[&str]) -> (Option<i32>, Value, String) {
    let out =
        Command::new(env!("CARGO_BIN_EXE_bartizan")).args(args).arg("--data-dir").arg(data).stdin(Stdio::null()).output().expect("runs");
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let json = text.lines().next().and_then(|l| serde_json::from_str(l).ok()).unwrap_or(Value::Null);
    (out.status.code(), json, text)
}

/// Until `done` says so, at most 10 s.
pub(super) fn soon(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(10), "never: {what}");
        std::thread::yield_now();
    }
}

const ATTACK: &str = "/search?q=x%27%20UNION%20SELECT%20email%2Cpassword%20FROM%20customers--%20";

#[test]
fn enforce_blocks_explains_and_lets_in_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = dir.path().join("requests.ndjson");
    let running = protect(dir.path(), &["--enforce", "--log-ndjson", log.to_str().expect("UTF-8")]);
    let (attacker, shopper) = ("203.0.113.66", "192.0.2.30");
    assert_eq!(get(running.gateway, attacker, "/").0, 200);
    let (status, answer) = get(running.gateway, attacker, ATTACK);
    assert_eq!(status, 403, "{answer}");
    let head = answer.split("\r\n\r\n").next().unwrap_or_default().to_ascii_lowercase();
    let id = head.lines().find_map(|l| l.strip_prefix("x-bartizan-request-id: ")).expect("a request id").to_owned();
    soon("the attacker's next harmless request is refused", || get(running.gateway, attacker, "/").0 == 403);
    assert_eq!(get(running.gateway, shopper, "/search?q=O%27Brien+%26+sons").0, 200);

    let mut incident = String::new();
    soon("the incident", || {
        let (_, list, _) = cli(dir.path(), &["incident", "list", "--json"]);
        incident = list["incidents"][0]["metadata"]["correlation_uid"].as_str().unwrap_or_default().to_owned();
        !incident.is_empty()
    });
    let (code, _, why) = cli(dir.path(), &["explain", &id]);
    assert_eq!(code, Some(0));
    assert!(why.contains("SQL injection") && why.contains("blocked"), "{why}");
    let (_, answer, text) = cli(dir.path(), &["undo", &incident, "--json"]);
    assert_eq!((&answer["done"], &answer["of"]), (&1.into(), &1.into()), "{text}");
    assert_eq!(get(running.gateway, attacker, "/").0, 200, "undo lets the client in with its next request");
    assert_eq!(get(running.gateway, attacker, ATTACK).0, 403, "its attacks are still refused one by one");
    assert_eq!(get(running.gateway, attacker, "/").0, 200, "and it is not blocked again for the same reason");

    soon("the request log", || std::fs::read_to_string(&log).is_ok_and(|t| t.contains(&id)));
    let text = std::fs::read_to_string(&log).expect("the request log");
    let row: Value = text.lines().find(|l| l.contains(&id)).and_then(|l| serde_json::from_str(l).ok()).expect("a line");
    assert_eq!(row["schema"], "bartizan.request/1");
    assert_eq!((&row["verdict"], &row["client"], &row["status"]), (&"blocked".into(), &attacker.into(), &403.into()));
    assert!(
        row["rules"][0]["id"].as_u64().is_some() && row["models"][0]["name"] == "web-payload" && row["reasons"][0]["text"].is_string(),
        "{row}"
    );
}

#[test]
fn monitor_records_and_blocks_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let running = protect(dir.path(), &[]);
    for _ in 0..5 {
        assert_eq!(get(running.gateway, "203.0.113.66", ATTACK).0, 200);
    }
    soon("an incident that says would block", || {
        let (_, _, text) = cli(dir.path(), &["incident", "show", "INC-1"]);
        text.contains("would have been blocked")
    });
    assert_eq!(get(running.gateway, "203.0.113.66", "/").0, 200);
}

#[test]
fn a_block_and_its_undo_survive_kill_9() {
    let dir = tempfile::tempdir().expect("a folder");
    let attacker = "203.0.113.66";
    {
        let running = protect(dir.path(), &["--enforce"]);
        assert_eq!(get(running.gateway, attacker, ATTACK).0, 403);
        soon("the block", || get(running.gateway, attacker, "/").0 == 403);
        soon("the block is on disk", || {
            cli(dir.path(), &["incident", "show", "INC-1", "--json"]).1["responses"][0]["phase"]["applied"].is_object()
        });
        // Dropping sends SIGKILL.
    }
    let running = protect(dir.path(), &["--enforce"]);
    assert_eq!(get(running.gateway, attacker, "/").0, 403, "in force again after the restart");
    assert_eq!(cli(dir.path(), &["undo", "INC-1", "--json"]).1["done"], 1);
    assert_eq!(get(running.gateway, attacker, "/").0, 200);
    drop(running);
    let running = protect(dir.path(), &["--enforce"]);
    assert_eq!(get(running.gateway, attacker, "/").0, 200, "undone stays undone");
    assert_eq!(get(running.gateway, attacker, ATTACK).0, 403);
    assert_eq!(get(running.gateway, attacker, "/").0, 200, "the soft allow survives as well");
}

#[test]
fn two_programs_on_this_machine_are_two_clients() {
    let dir = tempfile::tempdir().expect("a folder");
    let running = protect(dir.path(), &["--enforce"]);
    let ask = |agent: &str, target: &str| {
        let mut stream = TcpStream::connect(running.gateway).expect("listens");
        stream
            .write_all(format!("GET {target} HTTP/1.1\r\nhost: shop\r\nuser-agent: {agent}\r\nconnection: close\r\n\r\n").as_bytes())
            .expect("sent");
        let mut text = String::new();
        let _ = stream.read_to_string(&mut text);
        text.split(' ').nth(1).and_then(|s| s.parse::<u16>().ok()).unwrap_or(0)
    };
    assert_eq!(ask("attack-tool/1.0", ATTACK), 403);
    soon("the tool is blocked", || ask("attack-tool/1.0", "/") == 403);
    assert_eq!(ask("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "/"), 200);
    assert_eq!(cli(dir.path(), &["undo", "--last", "--json"]).1["done"], 1);
    assert_eq!(ask("attack-tool/1.0", "/"), 200);
}

#[test]
fn what_nothing_can_refuse_is_not_called_blocked() {
    let dir = tempfile::tempdir().expect("a folder");
    let running = protect(dir.path(), &["--enforce"]);
    let (code, answer, text) = cli(dir.path(), &["block", "user:ada", "--yes", "--json"]);
    assert_eq!((code, &answer["done"]), (Some(4), &0.into()), "{text}");
    assert!(text.contains("an address can be blocked"), "{text}");
    assert_eq!(cli(dir.path(), &["block", "203.0.113.7", "--yes", "--json"]).1["done"], 1);
    assert_eq!(get(running.gateway, "203.0.113.7", "/").0, 403);
}
