use crate::setup::{OK, gateway, header, upstream};

#[tokio::test]
async fn secrets_reach_the_upstream_and_nothing_else() {
    let mut up = upstream(OK).await;
    let mut setup = gateway(up.address).await;
    for (kind, body) in [
        ("application/x-www-form-urlencoded", "user=eve&password=hunter2xyz".to_owned()),
        ("application/json", r#"{"user":"eve","login":{"password":"hunter2xyz"}}"#.to_owned()),
    ] {
        let _ = setup
            .send(&format!(
                "POST /login?token=hunter2xyz HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer hunter2xyz\r\nCookie: sid=hunter2xyz; lang=de\r\n\
                 Content-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            ))
            .await;
        assert_eq!(up.request().await.matches("hunter2xyz").count(), 4);
        let observed = setup.observed().await;
        let line = gateway::ndjson::line(&observed);
        let all = format!("{observed:?} {line}");
        assert!(!all.contains("hunter2xyz"), "{all}");
        assert!(line.contains("/login?token=***"), "{line}");
        let http = crate::setup::http(observed);
        let of = |name: &str| http.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        assert_eq!((of("authorization"), of("cookie")), (Some("***"), Some("sid=***; lang=***")));
        assert!(http.body.expect("a body").text().contains("eve"));
    }
}

#[tokio::test]
async fn own_cookies_go_nowhere() {
    let mut up = upstream(OK).await;
    let mut setup = gateway(up.address).await;
    let _ = setup
        .send("GET / HTTP/1.1\r\nHost: a\r\nCookie: a=1; bartizan_8443=tell; __Host-bartizan_8443=tell; b=2\r\nConnection: close\r\n\r\n")
        .await;
    assert_eq!(header(&up.request().await, "cookie"), Some("a=1; b=2"));
    let all = format!("{:?}", setup.observed().await);
    assert!(!all.contains("bartizan_8443") && !all.contains("tell"), "{all}");
}

#[tokio::test]
async fn hostile_bytes_are_one_line_of_json() {
    let up = upstream(OK).await;
    let mut setup = gateway(up.address).await;
    for end in ["\u{7f}", ""] {
        let _ =
            setup.send(&format!("GET /\u{202e}%0a\"a HTTP/1.1\r\nHost: a\r\nUser-Agent: a\tb\"}}{end}\r\nConnection: close\r\n\r\n")).await;
        let line = gateway::ndjson::line(&setup.observed().await);
        assert!(!line.contains('\n') && serde_json::from_str::<serde_json::Value>(&line).is_ok(), "{line}");
    }
}
