use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};

use crate::setup::{OK, gateway, header, status, upstream};

const GET: &str = "GET / HTTP/1.1\r\nhost: h\r\n\r\n";

#[tokio::test]
async fn a_kept_connection_may_send_one_more_request_and_new_ones_wait_for_the_next_process() {
    let up = upstream(OK).await;
    let mut setup = gateway(up.address).await;
    let mut kept = setup.connect().await;
    kept.write(GET).await;
    kept.read_until("hello").await;
    // Connected, and its request comes later than the hand-over.
    let mut young = setup.connect().await;
    let socket = setup.socket.take().expect("the socket once more");
    let address = setup.gateway;
    setup.accepted(2).await;
    setup.hand_over();
    let listener = std::net::TcpListener::from(socket);
    listener.set_nonblocking(true).expect("set");
    let listener = TcpListener::from_std(listener).expect("a listener");
    let newcomer = TcpStream::connect(address);
    let (newcomer, accepted) = tokio::join!(newcomer, listener.accept());
    assert!(newcomer.is_ok() && accepted.is_ok(), "the socket was never closed");
    for client in [&mut kept, &mut young] {
        client.write(GET).await;
        let answer = client.read_to_end().await;
        assert!(answer.ends_with("hello"), "{answer}");
        assert_eq!((status(&answer), header(&answer, "connection")), ("200", Some("close")));
    }
    setup.ended().await;
}

#[tokio::test]
async fn an_idle_connection_ends_after_a_grace() {
    let up = upstream(OK).await;
    let mut setup = gateway(up.address).await;
    let mut idle = setup.connect().await;
    idle.write(GET).await;
    idle.read_until("hello").await;
    let start = std::time::Instant::now();
    setup.hand_over();
    assert_eq!(idle.read_to_end().await, "");
    assert!(start.elapsed() > std::time::Duration::from_secs(1), "a request that was just sent has time to arrive");
    setup.ended().await;
}

#[tokio::test]
async fn http2_is_told_to_go_elsewhere_and_open_streams_are_answered() {
    let up = upstream(OK).await;
    let mut setup = gateway(up.address).await;
    let socket = TcpStream::connect(setup.gateway).await.expect("a connection");
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket)).await.expect("HTTP/2");
    let ended = tokio::spawn(connection);
    let get = || Request::get("http://h/").body(Full::new(Bytes::new())).expect("a request");
    assert_eq!(sender.send_request(get()).await.expect("an answer").status(), 200);
    let open = sender.send_request(get());
    setup.hand_over();
    let answer = open.await.expect("an answer");
    assert_eq!(answer.into_body().collect().await.expect("a body").to_bytes(), "hello");
    assert!(ended.await.expect("no panic").is_ok(), "a good-bye, no reset");
    assert!(sender.send_request(get()).await.is_err());
    setup.ended().await;
}

#[tokio::test]
async fn who_never_asks_does_not_hold_the_old_process() {
    let up = upstream(OK).await;
    let mut setup = gateway(up.address).await;
    let mut silent = setup.connect().await;
    setup.accepted(1).await;
    setup.hand_over();
    silent.read_to_end().await;
    setup.ended().await;
}
