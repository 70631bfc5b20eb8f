use std::sync::atomic::Ordering;

use event::Verdict;
use gateway::Limits;
use tokio::net::TcpListener;

use crate::setup::{OK, Options, gateway, gateway_with, header, status, upstream};

#[tokio::test]
async fn a_request_and_its_answer_pass_and_one_event_comes_of_it() {
    let mut up = upstream("HTTP/1.1 201 Created\r\nserver: app\r\nConnection: x-hop\r\nX-Hop: 1\r\ncontent-length: 5\r\n\r\nhello").await;
    let mut setup = gateway(up.address).await;
    let answer = setup
        .send("GET /a/b?q=1 HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: ua\r\nReferer: https://r/\r\nConnection: close\r\n\r\n")
        .await;
    assert_eq!(status(&answer), "201");
    assert!(answer.ends_with("\r\n\r\nhello"), "{answer}");
    assert_eq!(header(&answer, "server"), Some("app"));
    assert_eq!(header(&answer, "x-hop"), None, "named in Connection");
    let id = header(&answer, "x-bartizan-request-id").expect("a request id").to_owned();
    assert!(id.starts_with("r-") && id.len() == 14, "{id}");

    let seen = up.request().await;
    assert!(seen.starts_with("GET /a/b?q=1 HTTP/1.1\r\n"), "{seen}");
    assert_eq!(header(&seen, "host"), Some("shop.example"));
    assert_eq!(header(&seen, "x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(header(&seen, "x-forwarded-proto"), Some("http"));
    assert_eq!(header(&seen, "x-forwarded-host"), Some("shop.example"));
    assert_eq!(header(&seen, "x-bartizan-request-id"), Some(id.as_str()));

    let observed = setup.observed().await;
    let line = gateway::ndjson::line(&observed);
    let raw = observed.event.raw.text().into_owned();
    let http = crate::setup::http(observed);
    assert_eq!((http.status, http.response_bytes, http.verdict), (Some(201), Some(5), Some(Verdict::Allowed)));
    assert_eq!((http.target.as_str(), http.user_agent.as_str(), http.referrer.as_str()), ("/a/b?q=1", "ua", "https://r/"));
    assert_eq!(http.request_id.as_deref(), Some(id.as_str()));
    assert!(http.duration_us.is_some() && http.client_port.is_some());
    assert!(raw.starts_with("GET /a/b?q=1 HTTP/1.1\r\nhost: shop.example\r\n") && raw.ends_with("\r\n\r\n"), "{raw}");
    let line: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    for (key, expected) in [
        ("schema", "bartizan.request/1"),
        ("id", &id),
        ("client", "127.0.0.1"),
        ("method", "GET"),
        ("host", "shop.example"),
        ("path", "/a/b?q=1"),
        ("verdict", "allowed"),
    ] {
        assert_eq!(line[key], expected, "{line}");
    }
    assert_eq!(line["status"], 201);
    assert!(
        line["score"].is_number()
            && line["cpu_us"].is_number()
            && line["rules"].is_array()
            && line["models"].is_array()
            && line["reasons"].is_array()
    );
}

#[tokio::test]
async fn bodies_pass_by_length_and_by_chunks() {
    let mut up = upstream(OK).await;
    let mut setup = gateway(up.address).await;
    for (request, body) in [
        ("POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\nConnection: close\r\n\r\na=1&b=2", "a=1&b=2"),
        (
            "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3;x=y\r\na=1\r\n4\r\n&b=2\r\n0\r\n\r\n",
            "a=1&b=2",
        ),
        ("PUT /p HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", ""),
    ] {
        assert_eq!(status(&setup.send(request).await), "200");
        let seen = up.request().await;
        assert!(seen.ends_with(&format!("\r\n\r\n{body}")), "{seen}");
        assert_eq!(header(&seen, "content-length"), Some(body.len().to_string().as_str()), "{seen}");
        assert_eq!(header(&seen, "transfer-encoding"), None);
        let http = setup.http().await;
        assert_eq!(http.body.as_ref().map_or(String::new(), |b| b.text().into_owned()), body);
    }
}

#[tokio::test]
async fn one_connection_carries_many_requests_also_pipelined() {
    let mut up = upstream(OK).await;
    let setup = gateway(up.address).await;
    let get = |n: usize| format!("GET /{n} HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut client = setup.connect().await;
    client.write(&(get(1) + "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + &get(3))).await;
    client.write("GET /4 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    let answers = client.read_to_end().await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 4, "{answers}");
    for n in 1..=4 {
        assert!(up.request().await.contains(&format!(" /{n} HTTP")));
    }
}

#[tokio::test]
async fn an_upstream_that_is_not_there_is_502_without_its_address() {
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let mut setup = gateway(closed).await;
    let answer = setup.send("GET / HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\nConnection: close\r\n\r\n").await;
    assert_eq!(status(&answer), "502");
    let id = header(&answer, "x-bartizan-request-id").expect("a request id");
    assert!(answer.matches(id).count() == 2 && !answer.contains("127.0.0.1") && answer.contains("application/problem+json"), "{answer}");
    let observed = setup.observed().await;
    assert!(observed.fault().is_some_and(|f| f.starts_with("upstream: no connection")), "{:?}", observed.fault());
}

#[tokio::test]
async fn an_upstream_that_does_not_answer_is_504_and_one_that_talks_nonsense_502() {
    for (answer, expected) in [("", "504"), ("nonsense\r\n\r\n", "502")] {
        let up = upstream(answer).await;
        let limits = Limits { upstream_answer_s: 1, ..Limits::default() };
        let mut setup = gateway_with(up.address, Options { limits, ..Options::default() }).await;
        let answer = setup.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
        assert_eq!(status(&answer), expected);
        assert!(setup.observed().await.fault().is_some_and(|f| f.starts_with("upstream: ")));
    }
}

/// The upstream closes after every answer; the gateway must not turn that into 502.
#[tokio::test]
async fn a_kept_connection_that_the_upstream_closed_is_not_the_clients_problem() {
    use crate::setup::read_request;
    use tokio::io::AsyncWriteExt;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let _ = read_request(&mut socket).await;
            let _ = socket.write_all(OK.as_bytes()).await;
        }
    });
    let setup = gateway(address).await;
    let mut client = setup.connect().await;
    for _ in 0..20 {
        client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let answer = client.read_until("hello").await;
        assert_eq!(status(&answer), "200");
    }
}

#[tokio::test]
async fn strangers_say_nothing_about_who_they_are() {
    let mut up = upstream(OK).await;
    let request = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\nX-Real-IP: 203.0.113.9\r\nForwarded: for=203.0.113.9\r\n\
                   X-Forwarded-Proto: https\r\nX-Bartizan-Request-Id: r-mine\r\nConnection: close, X-Secret\r\nX-Secret: 1\r\nTE: trailers\r\n\r\n";
    let mut setup = gateway(up.address).await;
    let _ = setup.send(request).await;
    let seen = up.request().await;
    assert!(!seen.contains("203.0.113.9") && !seen.contains("r-mine"), "{seen}");
    assert_eq!(header(&seen, "x-forwarded-proto"), Some("http"));
    for name in ["connection", "te", "x-secret", "x-real-ip", "forwarded"] {
        assert_eq!(header(&seen, name), None, "{name}");
    }
    assert_eq!(setup.http().await.client.map(|c| c.to_string()).as_deref(), Some("127.0.0.1"));

    let mut setup = gateway_with(up.address, Options { trusted: "127.0.0.0/8", ..Options::default() }).await;
    let _ = setup.send(request).await;
    assert_eq!(header(&up.request().await, "x-forwarded-for"), Some("203.0.113.9, 127.0.0.1"));
    assert_eq!(setup.http().await.client.map(|c| c.to_string()).as_deref(), Some("203.0.113.9"));
}

#[tokio::test]
async fn a_full_queue_is_counted_and_holds_nobody_up() {
    let up = upstream(OK).await;
    let mut setup = gateway_with(up.address, Options { queue: 1, ..Options::default() }).await;
    let mut client = setup.connect().await;
    for _ in 0..5 {
        client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        client.read_until("hello").await;
    }
    drop(client);
    let counters = std::sync::Arc::clone(&setup.counters);
    let _ = setup.observed().await;
    let mut left = setup.stop().await;
    let kept = 1 + std::iter::from_fn(|| left.try_recv().ok()).count() as u64;
    assert_eq!(kept + counters.shed.load(Ordering::Relaxed), 5);
    assert!(counters.shed.load(Ordering::Relaxed) > 0);
}

#[tokio::test]
async fn a_taken_address_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr();
    let held = TcpListener::bind(taken.expect("an address")).await.expect("a port");
    let address = held.local_addr().expect("an address");
    let config = gateway::Config::new(address, "http://127.0.0.1:1".parse().expect("an upstream"));
    let error = gateway::bind(&config).await.err().expect("refused");
    assert!(matches!(error, gateway::Error::AddressTaken { .. }) && error.to_string().contains(&address.to_string()), "{error}");
}

#[tokio::test]
async fn stopping_lets_open_requests_end() {
    use crate::setup::read_request;
    use tokio::io::AsyncWriteExt;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let setup = gateway(listener.local_addr().expect("an address")).await;
    let mut idle = setup.connect().await;
    let mut client = setup.connect().await;
    client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let (mut socket, _) = listener.accept().await.expect("a connection");
    let _ = read_request(&mut socket).await;
    let address = setup.gateway;
    let stopping = tokio::spawn(setup.stop());
    assert_eq!(idle.read_to_end().await, "", "nothing was asked");
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "no new ones");
    socket.write_all(OK.as_bytes()).await.expect("written");
    let answer = client.read_to_end().await;
    assert!(status(&answer) == "200" && answer.ends_with("hello"), "{answer}");
    stopping.await.expect("stopped");
}
