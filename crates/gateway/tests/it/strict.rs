use crate::setup::{OK, gateway, header, status, upstream};

/// What is refused with what, and that the upstream sees nothing of it.
#[tokio::test]
async fn what_has_two_readings_is_refused() {
    let mut up = upstream(OK).await;
    let mut setup = gateway(up.address).await;
    let long = "a".repeat(17_000);
    let headers = "x: y\r\n".repeat(201);
    for (request, expected) in [
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", "400"),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nX : a\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "400"),
        ("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\n\r\n", "400"),
        ("GET / HTTP/1.1\nHost: a\n\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", "400"),
        ("\x16\x03\x01\x02\x00\r\n\r\n", "400"),
        ("GET / HTTP/3.0\r\nHost: a\r\n\r\n", "505"),
        ("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", "405"),
        ("BARTIZAN-REFUSED / HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
        (&format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n"), "414"),
        (&format!("GET / HTTP/1.1\r\nHost: a\r\n{headers}\r\n"), "431"),
        (&format!("GET / HTTP/1.1\r\nHost: a\r\nx: {}\r\n\r\n", "a".repeat(66_000)), "431"),
    ] {
        let answer = setup.send(request).await;
        assert_eq!(status(&answer), expected, "{request:.80?}");
        let id = header(&answer, "x-bartizan-request-id").expect("a request id");
        assert_eq!(answer.matches(id).count(), 2, "in header and page");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "one answer, then the end: {answer}");
        let observed = setup.observed().await;
        assert!(observed.fault().is_some_and(|f| f.starts_with("client: ")), "{:?}", observed.fault());
        assert!(!observed.event.raw.is_empty());
        let http = crate::setup::http(observed);
        assert_eq!(http.status.map(|s| s.to_string()).as_deref(), Some(expected));
        assert_eq!(http.request_id.as_deref(), Some(id));
    }
    assert!(up.none());
}

/// A second request hidden behind a refused one is never read.
#[tokio::test]
async fn a_refusal_comes_in_its_turn_and_ends_the_connection() {
    let mut up = upstream(OK).await;
    let setup = gateway(up.address).await;
    let answers = setup
        .send(
            "GET /first HTTP/1.1\r\nHost: a\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n\
             0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
        )
        .await;
    let (first, second) = (answers.find(" 200 ").expect("200"), answers.find(" 400 ").expect("400"));
    assert!(first < second && answers.matches("x-bartizan-request-id").count() == 2, "{answers}");
    assert!(up.request().await.starts_with("GET /first"));
    assert!(up.none());
}

#[tokio::test]
async fn bad_chunks_are_refused() {
    let mut up = upstream(OK).await;
    let mut setup = gateway(up.address).await;
    for body in [
        "x\r\nabc\r\n0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "3\nabc\r\n0\r\n\r\n",
        "fffffffffffffffff\r\n",
        "3 \r\nabc\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        let answer = setup.send(&format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{body}")).await;
        assert_eq!(status(&answer), "400", "{body:?}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1);
        assert_eq!(setup.observed().await.fault(), Some("client: body cut or malformed"));
    }
    assert!(up.none());
}

#[tokio::test]
async fn a_head_in_pieces_is_the_same_head() {
    let mut up = upstream(OK).await;
    let setup = gateway(up.address).await;
    let request = "POST /x?a=<b> HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nGET /y HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let mut client = setup.connect().await;
    client.0.set_nodelay(true).expect("set");
    for piece in request.as_bytes().chunks(3) {
        client.write(std::str::from_utf8(piece).expect("text")).await;
        tokio::task::yield_now().await;
    }
    let answers = client.read_to_end().await;
    assert_eq!(answers.matches(" 200 OK").count(), 2, "{answers}");
    let first = up.request().await;
    assert!(first.starts_with("POST /x?a=%3Cb%3E HTTP/1.1") && first.ends_with("hello"), "{first}");
    assert!(up.request().await.starts_with("GET /y"));
}
