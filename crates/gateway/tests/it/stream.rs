use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};

use crate::setup::{OK, gateway, header, read_request, status, upstream};

const MIB: usize = 1024 * 1024;

/// Resident memory of this process.
fn resident_bytes() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").expect("statm");
    text.split(' ').nth(1).and_then(|n| n.parse::<usize>().ok()).expect("pages") * 4096
}

#[tokio::test]
async fn large_bodies_stream_both_ways_in_little_memory() {
    const BYTES: usize = 20 * MIB;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    // Counts what comes and sends as much back.
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("a connection");
        let mut buffer = vec![0; 64 * 1024];
        let mut head = Vec::new();
        while crate::setup::find(&head, b"\r\n\r\n").is_none() {
            socket.read_buf(&mut head).await.expect("bytes");
        }
        let mut seen = head.len() - crate::setup::find(&head, b"\r\n\r\n").expect("an end") - 4;
        while seen < BYTES {
            seen += socket.read(&mut buffer).await.expect("bytes");
        }
        assert_eq!(seen, BYTES);
        socket.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {BYTES}\r\n\r\n").as_bytes()).await.expect("written");
        let piece = vec![b'y'; 64 * 1024];
        for _ in 0..BYTES / piece.len() {
            socket.write_all(&piece).await.expect("written");
        }
        // Open until the gateway has read everything.
        let _ = socket.read(&mut buffer).await;
    });
    let mut setup = gateway(address).await;
    let before = resident_bytes();
    let mut client = setup.connect().await;
    client.write(&format!("POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: {BYTES}\r\nConnection: close\r\n\r\n")).await;
    let piece = vec![b'x'; 64 * 1024];
    for _ in 0..BYTES / piece.len() {
        client.0.write_all(&piece).await.expect("written");
    }
    let mut got = 0;
    let mut peak = 0;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let n = client.0.read(&mut buffer).await.expect("bytes");
        if n == 0 {
            break;
        }
        got += n;
        peak = peak.max(resident_bytes());
    }
    assert!(got > BYTES, "{got}");
    assert!(peak.saturating_sub(before) < 12 * MIB, "grew by {} KiB", (peak - before) / 1024);
    let observed = setup.observed().await;
    assert_eq!(observed.body_seen, 128 * 1024);
    let http = crate::setup::http(observed);
    assert_eq!((http.body_bytes, http.response_bytes), (BYTES as u64, Some(BYTES as u64)));
    assert!(http.body.is_some_and(|b| b.len() <= 8 * 1024));
}

#[tokio::test]
async fn websockets_pass_both_ways() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (seen, mut heads) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("a connection");
        seen.send(read_request(&mut socket).await.expect("a request")).expect("sent");
        let answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n";
        socket.write_all(answer.as_bytes()).await.expect("written");
        let (mut read, mut write) = socket.split();
        let _ = tokio::io::copy(&mut read, &mut write).await;
    });
    let mut setup = gateway(address).await;
    let mut client = setup.connect().await;
    // The first frame follows at once; it must not be read as a request.
    client
        .write("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\n\r\n\x01first")
        .await;
    let answer = client.read_until("first").await;
    assert_eq!(status(&answer), "101");
    assert_eq!(header(&answer, "sec-websocket-accept"), Some("x"));
    assert_eq!(header(&answer, "upgrade"), Some("websocket"));
    assert!(header(&answer, "x-bartizan-request-id").is_some());
    let head = heads.recv().await.expect("a head");
    assert_eq!(header(&head, "upgrade"), Some("websocket"));
    assert_eq!(header(&head, "sec-websocket-key"), Some("k"));
    client.write("GET / HTTP/1.1\nlike a request, and none").await;
    client.read_until("and none").await;
    assert_eq!(setup.http().await.status, Some(101), "known while it is open");
}

#[tokio::test]
async fn other_upgrades_stay_http() {
    let mut up = upstream(OK).await;
    let setup = gateway(up.address).await;
    let mut client = setup.connect().await;
    for _ in 0..2 {
        client.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n").await;
        assert_eq!(status(&client.read_until("hello").await), "200");
        let seen = up.request().await;
        assert!(header(&seen, "upgrade").is_none() && header(&seen, "http2-settings").is_none(), "{seen}");
    }
    // A WebSocket that the upstream refuses leaves the connection as it was.
    client.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n").await;
    assert_eq!(status(&client.read_until("hello").await), "200");
    client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(status(&client.read_until("hello").await), "200");
}

/// The upstream sends one event and then waits for the test: the client must have it by then.
#[tokio::test]
async fn server_sent_events_pass_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (go, wait) = oneshot::channel::<()>();
    tokio::spawn(async move {
        let (mut socket, _): (TcpStream, _) = listener.accept().await.expect("a connection");
        let _ = read_request(&mut socket).await;
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
        socket.write_all(format!("{head}d\r\ndata: first\n\n\r\n").as_bytes()).await.expect("written");
        wait.await.expect("told");
        socket.write_all(b"e\r\ndata: second\n\n\r\n0\r\n\r\n").await.expect("written");
    });
    let mut setup = gateway(address).await;
    let mut client = setup.connect().await;
    client.write("GET /events HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    client.read_until("data: first").await;
    assert_eq!(setup.http().await.status, Some(200), "logged while it streams");
    go.send(()).expect("sent");
    assert!(client.read_to_end().await.contains("data: second"));
}

#[tokio::test]
async fn a_client_that_leaves_is_logged() {
    let up = upstream(OK).await;
    let mut setup = gateway(up.address).await;
    let mut client = setup.connect().await;
    client.write("POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer abcdefgh\r\nContent-Length: 10\r\n\r\nabc").await;
    client.0.shutdown().await.expect("closed");
    client.read_to_end().await;
    let observed = setup.observed().await;
    assert!(observed.fault().is_some_and(|f| f.starts_with("client: ")), "{observed:?}");
    assert!(!format!("{observed:?}").contains("abcdefgh"));
}
