//! HTTP push over real sockets: the protocols of four kinds of shippers, tokens, bounds, a full engine, a log that cannot be written.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use source::push::{BODY_BYTES_MAX, Patience, Push};
use source::{Counters, Limits, Locator};

use crate::setup::{PATIENCE, Running, open, opening};

const HTTP: &str = "http://127.0.0.1:0";
const SSHD: &str = "Jan  5 10:00:00 web sshd[7]: Failed password for root from 203.0.113.9 port 4711 ssh2";

struct Answer {
    status: u16,
    head: String,
    body: String,
}

fn send(to: SocketAddr, method: &str, path: &str, headers: &[&str], body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(to).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    headers.iter().for_each(|header| head.push_str(&format!("{header}\r\n")));
    // One that is turned away may stop to read.
    let _ = stream.write_all(format!("{head}\r\n").as_bytes()).and_then(|()| stream.write_all(body));
    read(stream)
}

fn read(mut stream: TcpStream) -> Answer {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}

fn post(to: &Running, path: &str, headers: &[&str], body: impl AsRef<[u8]>) -> Answer {
    send(to.address(), "POST", path, headers, body.as_ref())
}

fn json(answer: &Answer) -> serde_json::Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{}", answer.body))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(bytes).expect("packed");
    packed.finish().expect("packed")
}

fn limited(patience: Patience, held: usize) -> Running {
    let counters = Arc::new(Counters::default());
    let locator = Locator::parse(HTTP).and_then(Result::ok).expect("a locator");
    let push = Push::open(&locator, &opening(&counters)).expect("an address").limited(Limits::default(), patience, held);
    Running::of(Box::new(push), counters)
}

#[test]
fn lines_become_records_and_are_answered_when_they_are_on_disk() {
    let running = Running::new(HTTP);
    let answer = post(&running, "/lines", &[], format!("{SSHD}\r\n\n{{\"a\":1}}\n"));
    assert_eq!((answer.status, json(&answer)), (200, serde_json::json!({"accepted": 2})));
    let first = running.next();
    assert_eq!((first.text.as_str(), first.source), (SSHD, format!("{} from 127.0.0.1", running.name)));
    assert_eq!(running.next().text, "{\"a\":1}");
    running.keeps.store(false, Ordering::SeqCst);
    let answer = post(&running, "/lines", &[], "lost\n");
    assert_eq!(answer.status, 503, "the log could not be written");
    assert!(answer.head.contains("retry-after:"), "{}", answer.head);
    assert_eq!(running.next().text, "lost");
    running.counted("refused", 1);
    assert_eq!(running.rest(), []);
}

#[test]
fn elastic_bulk_is_answered_item_by_item() {
    let running = Running::new(HTTP);
    let body = format!(
        "{{\"index\":{{\"_index\":\"logs\",\"_id\":\"7\"}}}}\n{{\"@timestamp\":\"2026-01-05T10:00:00Z\",\"message\":\"{SSHD}\",\"host\":{{\"name\":\"web\"}}}}\n\
         {{\"create\":{{}}}}\n{{\"message\":\"nothing that is known\",\"x\":1}}\n\
         {{\"create\":{{}}}}\nno document\n\
         {{\"delete\":{{\"_id\":\"7\"}}}}\n\
         {{\"update\":{{\"_id\":\"7\"}}}}\n{{\"doc\":{{}}}}\n"
    );
    let answer = post(&running, "/nginx/_bulk", &["content-type: application/x-ndjson"], &body);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.head.contains("x-elastic-product: elasticsearch"), "{}", answer.head);
    let said = json(&answer);
    let of = |n: usize, word: &str| said["items"][n][word].clone();
    assert_eq!((said["errors"].as_bool(), said["items"].as_array().map(Vec::len)), (Some(true), Some(5)));
    assert_eq!((of(0, "index")["status"].as_u64(), of(0, "index")["_index"].as_str()), (Some(201), Some("logs")));
    assert_eq!((of(1, "create")["status"].as_u64(), of(1, "create")["_index"].as_str()), (Some(201), Some("nginx")));
    assert_eq!(of(2, "create")["error"]["type"], "document_parsing_exception");
    assert_eq!((of(3, "delete")["status"].as_u64(), of(4, "update")["status"].as_u64()), (Some(400), Some(400)));
    let line = running.next();
    assert_eq!((line.text.as_str(), line.shipped_s), (SSHD, Some(1_767_607_200)));
    assert_eq!(running.next().text, "{\"message\":\"nothing that is known\",\"x\":1}");
    for wrong in ["", "{\"index\":{}}\n", "{\"index\":{},\"create\":{}}\n{}\n", "[]\n{}\n", "{}\n{}\n"] {
        assert_eq!(post(&running, "/_bulk", &[], wrong).status, 400, "{wrong:?}");
    }
    running.counted("broken", 5);
    assert_eq!(running.rest(), []);
}

#[test]
fn what_elastic_shippers_ask_first_is_answered() {
    let running = Running::new(HTTP);
    for (method, path, key) in [
        ("GET", "/", "version"),
        ("GET", "/_license?human=false", "license"),
        ("GET", "/_xpack", "features"),
        ("GET", "/_cluster/health", "status"),
        ("PUT", "/_index_template/filebeat", "acknowledged"),
    ] {
        let answer = send(running.address(), method, path, &[], b"");
        assert!(answer.status == 200 && json(&answer).get(key).is_some(), "{path}: {} {}", answer.status, answer.body);
    }
    let head = send(running.address(), "HEAD", "/", &[], b"");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(send(running.address(), "GET", "/_search", &[], b"").status, 404);
    assert_eq!(running.rest(), []);
}

#[test]
fn hec_codes_are_those_of_splunk() {
    let running = Running::new(HTTP);
    let ok = post(
        &running,
        "/services/collector/event",
        &[],
        format!("{{\"time\":1767607200.5,\"event\":\"{SSHD}\"}}{{\"event\":{{\"user\":\"x\"}}}}"),
    );
    assert_eq!((ok.status, json(&ok)), (200, serde_json::json!({"text": "Success", "code": 0})));
    let first = running.next();
    assert_eq!((first.text.as_str(), first.shipped_s), (SSHD, Some(1_767_607_200)));
    assert_eq!(running.next().text, "{\"user\":\"x\"}");
    assert_eq!(post(&running, "/services/collector/raw?channel=a", &[], "one\ntwo").status, 200);
    assert_eq!(running.texts(2), ["one", "two"]);
    for (body, code, number) in [
        ("", 5, None),
        ("{\"event\":\"a\"}{\"time\":1}", 12, Some(1)),
        ("{\"event\":\" \"}", 13, Some(0)),
        ("{\"event\":\"a\"}{", 6, Some(1)),
        ("[]", 6, Some(0)),
    ] {
        let said = json(&post(&running, "/services/collector", &[], body));
        assert_eq!((said["code"].as_u64(), said["invalid-event-number"].as_u64()), (Some(code), number), "{body}: {said}");
    }
    // Who names a channel gets a number, which is true from the beginning; others are not.
    let with = ["x-splunk-request-channel: FE0ECFAD-13D5-401B-847D-77833BD77131"];
    let given = json(&post(&running, "/services/collector", &with, "{\"event\":\"kept\"}"))["ackId"].as_u64().expect("a number");
    let body = format!("{{\"acks\":[{given},{}]}}", given + 1);
    let said = json(&post(&running, "/services/collector/ack?channel=a", &[], body));
    assert_eq!((&said["acks"][given.to_string()], &said["acks"][(given + 1).to_string()]), (&true.into(), &false.into()), "{said}");
    assert_eq!(json(&send(running.address(), "GET", "/services/collector/health", &[], b""))["code"], 17);
    assert_eq!(running.next().text, "kept");
    assert_eq!(running.rest(), []);
}

fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(bytes);
    out
}

/// One request of two records; the body of the second holds itself so many times.
fn otlp(line: &str, depth: usize) -> Vec<u8> {
    let mut deep = field(1, b"end");
    for _ in 0..depth {
        deep = field(5, &field(1, &deep));
    }
    let resource = field(1, &field(1, &[field(1, b"service.name"), field(2, &field(1, b"shop"))].concat()));
    let mut time = vec![1 << 3 | 1];
    time.extend_from_slice(&1_767_607_200_000_000_000_u64.to_le_bytes());
    let first = field(2, &[time, field(5, &field(1, line.as_bytes()))].concat());
    let second = field(2, &[field(3, b"WARN"), field(5, &deep)].concat());
    field(1, &[field(2, &[first, second].concat()), resource].concat())
}

#[test]
fn otlp_logs_come_as_protobuf_and_json() {
    let running = Running::new(HTTP);
    let answer = post(&running, "/v1/logs", &["content-type: application/x-protobuf"], otlp(SSHD, 1));
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    let first = running.next();
    assert_eq!((first.text.as_str(), first.shipped_s), (SSHD, Some(1_767_607_200)));
    let second: serde_json::Value = serde_json::from_str(&running.next().text).expect("JSON");
    assert_eq!(second, serde_json::json!({"body": ["end"], "resource": {"service.name": "shop"}, "severity": "WARN"}));
    let answer = post(&running, "/v1/logs", &["content-type: application/x-protobuf"], otlp("plain", 60));
    assert!(answer.status == 200 && answer.body.contains("deeper than 32"), "{}", answer.body);
    assert!(running.next().text.contains(r#""body":"plain""#));
    let body = r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"host.name","value":{"stringValue":"web"}}]},"scopeLogs":[{"logRecords":[
        {"timeUnixNano":"1767607200000000000","body":{"kvlistValue":{"values":[{"key":"user","value":{"stringValue":"x"}},{"key":"n","value":{"intValue":"7"}}]}}},
        7]}]}]}"#;
    let answer = post(&running, "/v1/logs", &["content-type: application/json"], body);
    assert_eq!(json(&answer)["partialSuccess"]["rejectedLogRecords"], "1", "{}", answer.body);
    let record: serde_json::Value = serde_json::from_str(&running.next().text).expect("JSON");
    assert_eq!((&record["user"], &record["n"], &record["resource"]["host.name"]), (&"x".into(), &7.into(), &"web".into()));
    for (kind, body, status) in [("application/json", "{", 400), ("application/x-protobuf", "\x0a\x7fx", 400), ("text/plain", "x", 415)] {
        assert_eq!(post(&running, "/v1/logs", &[&format!("content-type: {kind}")], body).status, status, "{kind}");
    }
    assert_eq!(running.rest(), []);
}

#[test]
fn tokens_are_asked_for_and_name_the_source() {
    let place = tempfile::tempdir().expect("a folder");
    let file = place.path().join("token");
    fs::write(&file, "# who may push\nweb 0123456789abcdef\n").expect("written");
    let locator = format!("{HTTP}?token={}", file.display());
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("changed");
    let refused = open(&locator, place.path()).err().expect("everybody reads it").to_string();
    assert!(refused.contains("everybody may read"), "{refused}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("changed");
    let (source, counters) = open(&locator, place.path()).expect("a source");
    let running = Running::of(source, counters);
    for (path, header, status) in [
        ("/lines", "x: y", 401),
        ("/_bulk", "authorization: Basic bm9ib2R5OndoYXRldmVyd3Jvbmc=", 401),
        ("/services/collector", "x: y", 401),
        ("/services/collector", "authorization: Splunk 0123456789abcdee", 403),
        ("/services/collector/health", "x: y", 200),
        ("/lines", "authorization: Bearer 0123456789abcdef", 200),
    ] {
        assert_eq!(post(&running, path, &[header], "a line").status, status, "{path} {header}");
    }
    assert_eq!(running.next().source, format!("{} as web from 127.0.0.1", running.name));
    running.counted("refused", 4);
    assert_eq!(running.rest(), []);
    let open_to_all = open("http://0.0.0.0:0", place.path()).err().expect("no token").to_string();
    assert!(open_to_all.contains("there is no token"), "{open_to_all}");
}

#[test]
fn bodies_have_a_size_and_a_ratio() {
    let running = Running::new(HTTP);
    let packed = gzip(format!("{SSHD}\n").as_bytes());
    assert_eq!(post(&running, "/lines", &["content-encoding: gzip"], &packed).status, 200);
    assert_eq!(running.next().text, SSHD);
    let bomb = gzip(&vec![b'x'; BODY_BYTES_MAX - 1]);
    assert!(bomb.len() < BODY_BYTES_MAX / 100);
    for (header, body, status) in [
        ("content-encoding: gzip", bomb.as_slice(), 413),
        ("content-encoding: gzip", b"no archive".as_slice(), 400),
        ("content-encoding: gzip", &packed[..packed.len() - 9], 400),
        ("content-encoding: br", b"x", 415),
        ("x: y", &vec![b'\n'; BODY_BYTES_MAX + 1], 413),
        ("x: y", "a\n".repeat(50_001).as_bytes(), 413),
    ] {
        assert_eq!(post(&running, "/lines", &[header], body).status, status, "{header} {}", body.len());
    }
    running.counted("refused", 6);
    // A record longer than a line may be is cut, and says so.
    assert_eq!(post(&running, "/lines", &[], vec![b'y'; 2 << 20]).status, 200);
    assert_eq!(running.next().cut_from, Some(2 << 20));
    assert_eq!(running.rest(), []);
}

#[test]
fn a_full_engine_is_told_and_nothing_is_lost() {
    let running = limited(Patience { kept: PATIENCE, ..Patience::default() }, 64 << 20);
    let address = running.address();
    let mut waiting = Vec::new();
    let mut turned_away = 0;
    {
        let _held = running.hold.lock().expect("held");
        // 64 wait in the queue and one at the engine's door; the address may have 64 connections, so they come from two.
        for n in 0..70 {
            let body = format!("line {n}\n");
            let mut stream = if n % 2 == 0 { TcpStream::connect(address).expect("connected") } else { from("127.0.0.2", address) };
            stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
            write!(stream, "POST /lines HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
                .expect("sent");
            waiting.push(stream);
        }
        running.counted("refused", 5);
    }
    let mut kept = 0;
    for stream in waiting {
        match read(stream).status {
            200 => kept += 1,
            429 => turned_away += 1,
            other => panic!("{other}"),
        }
    }
    assert_eq!((kept, turned_away), (65, 5));
    running.counted("records", 65);
    assert_eq!(running.texts(65).len(), 65);
    assert_eq!(running.rest(), []);
}

fn from(address: &str, to: SocketAddr) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::new(address.parse().expect("an address"), 0).into()).expect("bound");
    socket.connect(&to.into()).expect("connected");
    socket.into()
}

#[test]
fn requests_together_hold_no_more_than_they_may() {
    let running = limited(Patience::default(), 1 << 20);
    assert_eq!(post(&running, "/lines", &[], vec![b'x'; 600 << 10]).status, 429, "the body and its copy do not fit");
    for _ in 0..8 {
        assert_eq!(post(&running, "/lines", &[], vec![b'x'; 400 << 10]).status, 200, "what was held is given back");
        assert_eq!(running.next().text.len(), 400 << 10);
    }
    assert_eq!(running.rest(), []);
}

#[test]
fn slow_shippers_are_cut() {
    let short = Duration::from_millis(200);
    let running = limited(Patience { head: short, body: short, kept: PATIENCE }, 64 << 20);
    for begun in ["POST /lines HTT", "POST /lines HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf"] {
        let mut stream = TcpStream::connect(running.address()).expect("connected");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.write_all(begun.as_bytes()).expect("sent");
        let mut said = String::new();
        let ended = stream.read_to_string(&mut said);
        assert!(ended.is_ok() || ended.is_err_and(|e| e.kind() == std::io::ErrorKind::ConnectionReset), "still open");
        assert!(!said.contains("200 OK"), "{said}");
    }
    running.counted("connections", 0);
    assert_eq!(running.rest(), []);
}

#[test]
fn a_restart_takes_the_socket_over() {
    let place = tempfile::tempdir().expect("a folder");
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let text = format!("http://127.0.0.1:{port}");
    let (old, _) = open(&text, place.path()).expect("a source");
    let socket = old.socket().expect("it listens");
    assert_eq!(socket.0, text);
    let counters = Arc::new(Counters::default());
    let mut asked = opening(&counters);
    asked.inherited = Arc::new(source::Inherited::new(vec![socket]));
    let locator = Locator::parse(&text).and_then(Result::ok).expect("a locator");
    let new = locator.open(&asked).expect("the same address, while the old one has it");
    // It waits in the queue of the socket until the new one takes it.
    let mut waits = TcpStream::connect(("127.0.0.1", port)).expect("connected");
    write!(waits, "POST /lines HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 3\r\n\r\none").expect("sent");
    drop(old);
    let running = Running::of(new, counters);
    assert_eq!(read(waits).status, 200);
    assert_eq!(running.next().text, "one");
}
