//! The small API.

use crate::support::Console;

#[test]
fn incidents_are_ocsf_objects() {
    let console = Console::start();
    let cookie = console.login();
    let all = console.ask("GET", "/api/v1/incidents?open=true", &[&cookie], "");
    let all: serde_json::Value = serde_json::from_str(&all.body).expect("JSON");
    assert_eq!(all["demo"], true);
    assert_eq!(all["items"][0]["class_uid"], 2005);
    let one = console.ask("GET", "/api/v1/incidents/INC-1", &[&cookie], "");
    let one: serde_json::Value = serde_json::from_str(&one.body).expect("JSON");
    assert_eq!((&one["demo"], &one["metadata"]["correlation_uid"]), (&true.into(), &"INC-1".into()));
    for (path, status) in [("/api/v1/incidents/INC-404", 404), ("/api/v1/incidents?severity=loud", 400), ("/api/v1/nope", 404)] {
        let reply = console.ask("GET", path, &[&cookie], "");
        assert_eq!((reply.status, reply.header("content-type")), (status, Some("application/problem+json")), "{path}");
    }
}

#[test]
fn undo_wants_our_page_or_the_token() {
    let console = Console::start();
    let cookie = console.login();
    let token = format!("X-Csrf-Token: {}", console.token(&cookie));
    let json = "Content-Type: application/json";
    let body = "{\"id\":\"R-1\"}";
    assert_eq!(console.ask("POST", "/api/v1/undo", &[&cookie, json], body).status, 403);
    assert_eq!(console.ask("POST", "/api/v1/undo", &[&cookie, json, "X-Csrf-Token: no"], body).status, 403);
    assert_eq!(console.ask("POST", "/api/v1/undo", &[&cookie, json, "Sec-Fetch-Site: cross-site"], body).status, 403);
    assert!(console.orders.lock().expect("no panic while held").is_empty());
    let done = console.ask("POST", "/api/v1/undo", &[&cookie, json, &token], body);
    assert_eq!(done.status, 200, "{}", done.body);
    assert!(done.body.contains("rcpt-9"));
    assert_eq!(console.ask("POST", "/api/v1/undo", &[&cookie, json, "Sec-Fetch-Site: same-origin"], body).status, 200);
}
