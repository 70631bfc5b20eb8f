use gateway::Limits;
use std::sync::atomic::Ordering;

use crate::setup::{OK, Options, gateway_with, status, upstream};

fn impatient() -> Options {
    let limits = Limits { head_time_s: 1, idle_s: 1, body_grace_s: 1, ..Limits::default() };
    Options { limits, ..Options::default() }
}

#[tokio::test]
async fn slow_heads_and_bodies_are_ended() {
    let mut up = upstream(OK).await;
    let mut setup = gateway_with(up.address, impatient()).await;
    let mut silent = setup.connect().await;
    let head = setup.send("GET / HTTP/1.1\r\nHost: a\r\nX-").await;
    assert_eq!(status(&head), "408", "{head}");
    assert_eq!(setup.observed().await.fault(), Some("client: head too slow"));
    assert_eq!(silent.read_to_end().await, "", "never said anything");
    let body = setup.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc").await;
    assert_eq!(status(&body), "408", "{body}");
    assert_eq!(setup.observed().await.fault(), Some("client: body too slow"));
    assert!(up.none());
    assert!(setup.counters.slow_clients.load(Ordering::Relaxed) >= 2);
}

#[tokio::test]
async fn a_slow_body_without_inspection_is_ended_too() {
    let up = upstream(OK).await;
    let mut setup = gateway_with(up.address, Options { inspect: false, ..impatient() }).await;
    let body = setup.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc").await;
    assert_eq!(status(&body), "408", "{body}");
    assert_eq!(setup.observed().await.fault(), Some("client: body too slow"));
}

#[tokio::test]
async fn idle_connections_are_closed() {
    let up = upstream(OK).await;
    let setup = gateway_with(up.address, impatient()).await;
    let mut client = setup.connect().await;
    client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(client.read_to_end().await.ends_with("hello"));
}

#[tokio::test]
async fn connections_per_address_are_bounded() {
    let up = upstream(OK).await;
    let limits = Limits { connections_per_address_max: 2, ..Limits::default() };
    let setup = gateway_with(up.address, Options { limits, ..Options::default() }).await;
    let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut first = setup.connect().await;
    let mut second = setup.connect().await;
    first.write(get).await;
    first.read_until("hello").await;
    second.write(get).await;
    second.read_until("hello").await;
    let mut third = setup.connect().await;
    assert_eq!(third.read_to_end().await, "");
    assert_eq!(setup.counters.connections_refused.load(Ordering::Relaxed), 1);
    drop(first);
    // The place is free as soon as the gateway has seen the end.
    loop {
        let mut client = setup.connect().await;
        use tokio::io::AsyncWriteExt;
        let _ = client.0.write_all(get.as_bytes()).await;
        let mut bytes = [0; 12];
        use tokio::io::AsyncReadExt;
        if client.0.read_exact(&mut bytes).await.is_ok() {
            assert_eq!(&bytes, b"HTTP/1.1 200");
            break;
        }
    }
}
