//! Syslog over real sockets: framings, peers, TLS, hostile senders, a full engine.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use source::{Counters, Limits, Locator, syslog::Syslog};

use crate::setup::{PATIENCE, Running, open, opening};

const UDP: &str = "syslog+udp://127.0.0.1:0";
const TCP: &str = "syslog+tcp://127.0.0.1:0";

fn connect(to: &Running) -> TcpStream {
    let stream = TcpStream::connect(to.address()).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// The other side has closed.
fn is_closed(mut stream: TcpStream) {
    let read = stream.read(&mut [0; 16]);
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    assert!(!read.is_err_and(|e| matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)), "still open");
}

fn limited(limits: Limits) -> Running {
    let counters = Arc::new(Counters::default());
    let locator = Locator::parse(TCP).and_then(Result::ok).expect("a locator");
    let source = Syslog::tcp(&locator, &opening(&counters)).expect("an address").limited(limits);
    Running::of(Box::new(source), counters)
}

#[test]
fn datagrams_come_with_the_name_of_their_peer() {
    let running = Running::new(UDP);
    let sender = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    for text in ["<13>one", "<13>two\n", "<13>three\r\n\0"] {
        sender.send_to(text.as_bytes(), running.address()).expect("sent");
    }
    let first = running.next();
    assert_eq!((first.text.as_str(), first.source), ("<13>one", format!("{} from 127.0.0.1", running.name)));
    let second = running.next();
    assert_eq!((second.text.as_str(), second.number), ("<13>two", first.number + 1));
    assert_eq!(running.next().text, "<13>three");
    running.counted("records", 3);
    assert_eq!(running.rest(), []);
}

#[test]
fn datagrams_that_nobody_takes_are_counted() {
    let running = Running::new(UDP);
    let sender = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let mut sent = 20_000;
    {
        let _held = running.hold.lock().expect("held");
        for n in 0..sent {
            sender.send_to(format!("<13>{n} {}", "x".repeat(1_000)).as_bytes(), running.address()).expect("sent");
        }
        // The listener goes on while the engine stands still: what does not fit is counted now, not later.
        let start = std::time::Instant::now();
        while running.value("shed") == 0 {
            assert!(start.elapsed() < PATIENCE, "nothing was lost: the test sends too little");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    let start = std::time::Instant::now();
    while running.value("shed") + running.value("records") != sent {
        assert!(start.elapsed() < PATIENCE, "{} lost, {} taken of {sent}", running.value("shed"), running.value("records"));
        std::thread::sleep(Duration::from_millis(50));
        // The kernel says how many it dropped with the next one that it takes.
        if running.value("shed") + running.value("records") < sent {
            sender.send_to(b"<13>next", running.address()).expect("sent");
            sent += 1;
        }
    }
}

#[test]
fn each_connection_has_its_own_framing() {
    let running = Running::new(TCP);
    let (mut lines, mut counted) = (connect(&running), connect(&running));
    lines.write_all(b"<13>a\n<13>").expect("sent");
    counted.write_all(b"7 <13>x\ny6 ").expect("sent");
    let mut came = running.texts(2);
    came.sort();
    assert_eq!(came, ["<13>a", "<13>x\ny"]);
    lines.write_all(b"b\n").expect("sent");
    assert_eq!(running.next().text, "<13>b");
    counted.write_all(b"<13>zz").expect("sent");
    assert_eq!(running.next().text, "<13>zz");
    running.counted("connections", 2);
    drop(counted);
    running.counted("connections", 1);
}

#[test]
fn a_half_message_of_a_closed_connection_is_kept() {
    let running = Running::new(TCP);
    connect(&running).write_all(b"<13>no line end").expect("sent");
    assert_eq!(running.next().text, "<13>no line end");
    connect(&running).write_all(b"90 <13>half").expect("sent");
    let half = running.next();
    assert_eq!((half.text.as_str(), half.cut_from), ("<13>half", Some(90)));
}

#[test]
fn an_endless_count_ends_the_connection() {
    let running = Running::new(TCP);
    let mut hostile = connect(&running);
    hostile.write_all(b"5 <13>a9999999999999999999999 <13>").expect("sent");
    assert_eq!(running.next().text, "<13>a");
    is_closed(hostile);
    running.counted("broken", 1);
    let mut large = connect(&running);
    large.write_all(b"99999999 <13>").expect("sent");
    is_closed(large);
    running.counted("broken", 2);
}

#[test]
fn an_endless_line_is_cut_and_costs_no_more_than_that() {
    let running = Running::new(TCP);
    let mut hostile = connect(&running);
    let part = vec![b'x'; 1 << 20];
    for _ in 0..8 {
        hostile.write_all(&part).expect("sent");
    }
    hostile.write_all(b"\n<13>next\n").expect("sent");
    let long = running.next();
    assert_eq!((long.text.len(), long.cut_from), (256 << 10, Some(8 << 20)));
    assert_eq!(running.next().text, "<13>next");
    running.counted("cut", 1);
}

#[test]
fn a_busy_engine_makes_senders_wait_and_loses_nothing() {
    let running = Running::new(TCP);
    let mut sender = connect(&running);
    sender.set_nonblocking(true).expect("a mode");
    let line = format!("<13>{}\n", "x".repeat(60_000));
    let (mut sent, mut refused) = (0, 0);
    {
        let _held = running.hold.lock().expect("held");
        let start = std::time::Instant::now();
        // Until the window is full and stays so: nobody reads any more.
        while refused < 200 {
            match sender.write(&line.as_bytes()[sent % line.len()..]) {
                Ok(n) => (sent, refused) = (sent + n, 0),
                Err(_) => {
                    refused += 1;
                    std::thread::sleep(Duration::from_millis(2));
                }
            }
            assert!(start.elapsed() < PATIENCE && sent < 400 << 20, "{sent} bytes were taken without end");
        }
    }
    sender.set_nonblocking(false).expect("a mode");
    sender.write_all(&line.as_bytes()[sent % line.len()..]).expect("sent");
    let lines = sent / line.len() + 1;
    for _ in 0..lines {
        assert_eq!(running.next().text.len(), line.len() - 1);
    }
    assert_eq!(running.value("shed"), 0);
}

#[test]
fn there_are_places_for_so_many_and_so_many_of_one_address() {
    let running = limited(Limits { connections_per_address_max: 2, ..Limits::default() });
    let held = [connect(&running), connect(&running)];
    running.counted("connections", 2);
    is_closed(connect(&running));
    running.counted("refused", 1);
    drop(held);
    running.counted("connections", 0);
    let mut again = connect(&running);
    again.write_all(b"<13>again\n").expect("sent");
    assert_eq!(running.next().text, "<13>again");

    let running = limited(Limits { connections_max: 1, ..Limits::default() });
    let _held = connect(&running);
    running.counted("connections", 1);
    is_closed(connect(&running));
    running.counted("refused", 1);
}

#[test]
fn a_connection_that_says_nothing_is_closed() {
    let running = limited(Limits { idle: Duration::from_millis(50), ..Limits::default() });
    let mut idle = connect(&running);
    idle.write_all(b"<13>half").expect("sent");
    is_closed(idle);
    assert_eq!(running.next().text, "<13>half");
}

fn tls_at(extra: &str) -> String {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/testdata");
    format!("syslog+tls://127.0.0.1:0?cert={data}/localhost.pem&key={data}/localhost.key{extra}")
}

fn secured(to: &Running) -> rustls::StreamOwned<rustls::ClientConnection, TcpStream> {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("../testdata/localhost.pem")).expect("a certificate");
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).expect("a root");
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    let client = rustls::ClientConnection::new(Arc::new(config), name).expect("a client");
    rustls::StreamOwned::new(client, connect(to))
}

#[test]
fn tls() {
    let running = Running::new(&tls_at(""));
    let mut sender = secured(&running);
    sender.write_all(b"7 <13>abc7 <13>def").expect("sent");
    assert_eq!(running.texts(2), ["<13>abc", "<13>def"]);
    // Plain text at a TLS listener is no handshake.
    let mut plain = connect(&running);
    plain.write_all(b"<13>plain\n").expect("sent");
    let _ = plain.shutdown(Shutdown::Write);
    running.counted("broken", 1);
    sender.conn.send_close_notify();
    drop(sender);
    assert_eq!(running.rest(), []);
}

#[test]
fn without_the_certificate_that_is_asked_for_nothing_is_taken() {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/testdata");
    let running = Running::new(&tls_at(&format!("&client-ca={data}/localhost.pem")));
    let mut sender = secured(&running);
    let _ = sender.write_all(b"7 <13>abc");
    running.counted("broken", 1);
    assert_eq!(running.rest(), []);
}

#[test]
fn what_cannot_be_opened_says_why() {
    let fault = |locator: &str| open(locator, Path::new("/nowhere")).err().expect("a fault").to_string();
    let taken = Running::new(TCP);
    assert!(fault(&format!("syslog+tcp://{}", taken.address())).contains("cannot listen at syslog+tcp://127.0.0.1:"));
    assert!(fault("syslog+tls://127.0.0.1:0?cert=/nowhere/c.pem&key=/nowhere/k.pem").contains("cannot use /nowhere/c.pem"));
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/testdata");
    let swapped = fault(&format!("syslog+tls://127.0.0.1:0?cert={data}/localhost.pem&key={data}/localhost.pem"));
    assert!(swapped.contains("expected a private key in PEM"), "{swapped}");
    let empty = fault(&format!("syslog+tls://127.0.0.1:0?cert={data}/localhost.key&key={data}/localhost.key"));
    assert!(empty.contains("no certificate in it"), "{empty}");
}
