use std::sync::atomic::Ordering;

use event::Verdict;
use event::decision::Disposition::{Allow, Block, Limit};
use event::response::Mode::{Enforce, Monitor};

use crate::setup::{OK, gateway, header, status, upstream};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: tool/1\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn decisions_block_limit_and_allow() {
    let mut up = upstream(OK).await;
    let mut setup = gateway(up.address).await;
    for (enforce, decision, expected, verdict) in [
        (false, ("127.0.0.1", Block, Enforce), "200", Verdict::WouldBlock),
        (true, ("127.0.0.1", Block, Monitor), "200", Verdict::WouldBlock),
        (true, ("127.0.0.1", Block, Enforce), "403", Verdict::Blocked),
        (true, ("device:127.0.0.1 tool/1", Block, Enforce), "403", Verdict::Blocked),
        (true, ("device:127.0.0.1 other/1", Block, Enforce), "200", Verdict::Allowed),
        (true, ("203.0.113.9", Block, Enforce), "200", Verdict::Allowed),
        (true, ("127.0.0.1", Allow, Enforce), "200", Verdict::Allowed),
    ] {
        setup.enforce.store(enforce, Ordering::Relaxed);
        setup.decide(&[decision]);
        let answer = setup.send(GET).await;
        assert_eq!(status(&answer), expected, "{decision:?}");
        assert_eq!(setup.http().await.verdict, Some(verdict), "{decision:?}");
        assert_eq!(up.none(), expected == "403");
    }
    // The last one was allowed by name.
    let hits: u64 = setup.decisions.load().iter().map(|d| d.hits.load(Ordering::Relaxed)).sum();
    assert_eq!(hits, 1);

    setup.decide(&[("127.0.0.1", Limit, Enforce)]);
    let mut limited = 0;
    for _ in 0..10 {
        let answer = setup.send(GET).await;
        let verdict = setup.http().await.verdict;
        if status(&answer) == "429" {
            limited += 1;
            assert!(header(&answer, "retry-after").is_some_and(|s| s.parse::<u32>().is_ok_and(|s| s > 0)));
            assert_eq!(verdict, Some(Verdict::Limited));
        }
    }
    assert_eq!(limited, 5, "a burst of five, and the clock stands still");
}

#[tokio::test]
async fn taking_a_decision_back_lets_the_next_request_through() {
    let up = upstream(OK).await;
    let setup = gateway(up.address).await;
    setup.enforce();
    setup.decide(&[("127.0.0.1", Block, Enforce)]);
    let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut client = setup.connect().await;
    client.write(get).await;
    let page = client.read_until("</html>").await;
    assert_eq!(status(&page), "403");
    setup.decide(&[]);
    client.write(get).await;
    assert_eq!(status(&client.read_until("hello").await), "200", "on the same connection");
}

#[tokio::test]
async fn the_page_says_the_request_id_and_nothing_else() {
    let up = upstream(OK).await;
    let setup = gateway(up.address).await;
    setup.enforce();
    setup.decide(&[("127.0.0.1", Block, Enforce)]);
    let page = setup.send(GET).await;
    let id = header(&page, "x-bartizan-request-id").expect("a request id");
    let body = page.split("\r\n\r\n").nth(1).expect("a body");
    assert!(body.len() <= 2048 && body.contains(id), "{body}");
    assert!(header(&page, "content-security-policy").is_some_and(|csp| csp.contains("default-src 'none'")));
    for word in ["bartizan", "Bartizan", "I-1", "R-1", "score", "127.0.0.1"] {
        assert!(!body.contains(word), "{word}");
    }
    let json = setup.send(&GET.replace("Connection", "Accept: application/json\r\nConnection")).await;
    assert_eq!(header(&json, "content-type"), Some("application/problem+json"));
    let other = header(&json, "x-bartizan-request-id").expect("a request id");
    assert_ne!(id, other);
}

#[tokio::test]
async fn attacks_are_recorded_and_blocked_when_told_to() {
    let mut up = upstream(OK).await;
    let mut setup = gateway(up.address).await;
    let query = "GET /search?q=1%27%20OR%20%271%27=%271%27%20UNION%20SELECT%20password%20FROM%20users-- HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let body = "q=1%27+UNION+SELECT+name,password+FROM+users--&password=hunter2xyz";
    let form = format!(
        "POST /search HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    for (request, name) in [(query, "query"), (form.as_str(), "form")] {
        for enforce in [false, true] {
            setup.enforce.store(enforce, Ordering::Relaxed);
            let answer = setup.send(request).await;
            assert_eq!(status(&answer), if enforce { "403" } else { "200" }, "{name}");
            assert_eq!(up.none(), enforce, "{name}");
            let observed = setup.observed().await;
            let expected = if enforce { Verdict::Blocked } else { Verdict::WouldBlock };
            let finding = observed.finding.as_ref().expect("a finding");
            assert_eq!(finding.verdict, Some(expected));
            assert_eq!(finding.request_id.as_deref(), header(&answer, "x-bartizan-request-id"));
            let line = gateway::ndjson::line(&observed);
            assert!(!format!("{observed:?}{line}").contains("hunter2xyz"), "{observed:?}");
            let line: serde_json::Value = serde_json::from_str(&line).expect("JSON");
            assert_eq!(line["verdict"], expected.word());
            assert!(line["score"].as_f64().is_some_and(|s| s > 0.5), "{line}");
            assert!(line["rules"][0]["id"].is_u64() && line["reasons"][0]["code"].is_string(), "{line}");
        }
    }
    // An allowed client is looked at and never refused.
    setup.decide(&[("127.0.0.1", Allow, Enforce)]);
    assert_eq!(status(&setup.send(query).await), "200");
    let observed = setup.observed().await;
    assert!(observed.finding.is_some());
    assert_eq!(crate::setup::http(observed).verdict, Some(Verdict::Allowed));
}
