//! Who gets in, and what stands before.

use crate::support::{Console, OTHERS, PAGES};

#[test]
fn a_link_logs_in_once() {
    let console = Console::start();
    let once = console.once();
    let head = console.ask("HEAD", &once, &[], "");
    assert_eq!(head.status, 200, "a mail scanner may look");
    assert!(head.header("set-cookie").is_none());

    let first = console.ask("GET", &once, &[], "");
    assert_eq!(first.status, 303);
    assert_eq!(first.header("location"), Some("/"));
    let cookie = first.header("set-cookie").expect("a cookie");
    assert!(cookie.starts_with(&format!("bartizan_{}=", console.addr.port())), "{cookie}");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let second = console.ask("GET", &once, &[], "");
    assert_eq!(second.status, 410);
    assert!(second.header("set-cookie").is_none());
}

#[test]
fn without_a_login_nothing_is_told() {
    let console = Console::start();
    for path in PAGES.iter().chain(&["/nope", "/go?q=INC-1", "/incidents/INC-404"]) {
        let reply = console.ask("GET", path, &[], "");
        assert_eq!(reply.status, 303, "{path}");
        assert!(reply.header("location").is_some_and(|l| l.starts_with("/login")), "{path}: {}", reply.head);
        assert!(reply.body.is_empty(), "{path}");
    }
    for path in ["/api/v1/incidents", "/api/v1/incidents/INC-1", "/api/v1/incidents/INC-404", "/api/nope", "/live"] {
        let reply = console.ask("GET", path, &[], "");
        assert_eq!((reply.status, reply.header("content-type")), (401, Some("application/problem+json")), "{path}");
    }
    for path in ["/healthz", "/readyz"] {
        let reply = console.ask("GET", path, &[], "");
        assert!(reply.status == 200 && reply.body.len() < 10, "{path}: {}", reply.body);
    }
    assert_eq!(console.ask("POST", "/do/undo", &[], "target=R-1").status, 303);
    assert!(console.orders.lock().expect("no panic while held").is_empty());
}

#[test]
fn a_wrong_cookie_is_no_login() {
    let console = Console::start();
    let name = format!("bartizan_{}", console.addr.port());
    for value in ["", "x", &"0".repeat(52), &"a".repeat(9_000)] {
        assert_eq!(console.ask("GET", "/", &[&format!("Cookie: {name}={value}")], "").status, 303);
    }
}

#[test]
fn other_names_are_refused() {
    let console = Console::start();
    let cookie = console.login();
    for host in ["evil.example", "127.0.0.1.evil.example", "203.0.113.9:80"] {
        let reply = console.raw(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n{cookie}\r\nConnection: close\r\n\r\n"));
        assert_eq!(reply.status, 421, "{host}");
    }
    let twice = format!("GET / HTTP/1.1\r\nHost: {}\r\nHost: evil.example\r\n{cookie}\r\nConnection: close\r\n\r\n", console.addr);
    assert_eq!(console.raw(&twice).status, 421);
}

#[test]
fn other_sites_change_nothing() {
    let console = Console::start();
    let cookie = console.login();
    let token = console.token(&cookie);
    let form = "Content-Type: application/x-www-form-urlencoded";
    let good = format!("csrf={token}&target=R-1&back=/incidents/INC-1");
    let ours = format!("Origin: http://{}", console.addr);
    for (headers, body, expected) in [
        (vec!["Sec-Fetch-Site: cross-site"], good.as_str(), 403),
        (vec!["Sec-Fetch-Site: same-site"], &good, 403),
        (vec!["Origin: http://evil.example"], &good, 403),
        (vec!["Origin: null"], &good, 403),
        (vec!["Sec-Fetch-Site: same-origin", "Origin: http://evil.example"], &good, 403),
        (vec![ours.as_str()], "target=R-1", 403),
        (vec![], "target=R-1&csrf=", 403),
        (vec![], "target=R-1&csrf=0123456789", 403),
    ] {
        let all: Vec<&str> = headers.iter().copied().chain([cookie.as_str(), form]).collect();
        assert_eq!(console.ask("POST", "/do/undo", &all, body).status, expected, "{headers:?} {body}");
    }
    assert!(console.orders.lock().expect("no panic while held").is_empty());

    let done = console.ask("POST", "/do/undo", &[&cookie, form, "Sec-Fetch-Site: same-origin", &ours], &good);
    assert_eq!(done.status, 303);
    let back = done.header("location").expect("a page to go to").to_owned();
    assert_eq!(back, "/incidents/INC-1?notice=1");
    let page = console.ask("GET", &back, &[&cookie], "").body;
    assert!(page.contains("Undone") && page.contains("rcpt-9"), "the answer is shown");
    assert_eq!(console.orders.lock().expect("no panic while held").len(), 1);

    let away = console.ask("POST", "/do/undo", &[&cookie, form], &format!("csrf={token}&target=R-1&back=//evil.example"));
    assert_eq!(away.header("location"), Some("/?notice=2"), "we only go to our own pages");
}

#[test]
fn a_link_from_elsewhere_arrives_logged_in() {
    let console = Console::start();
    let reply = console.ask("GET", "/incidents/INC-1", &["Sec-Fetch-Site: cross-site"], "");
    assert_eq!(reply.status, 200);
    assert!(reply.body.contains("http-equiv=\"refresh\"") && !reply.body.contains("INC-1"));
}

#[test]
fn logging_out_ends_it() {
    let console = Console::start();
    let cookie = console.login();
    let token = console.token(&cookie);
    let form = "Content-Type: application/x-www-form-urlencoded";
    assert_eq!(console.ask("POST", "/logout", &[&cookie, form], &format!("csrf={token}")).status, 303);
    assert_eq!(console.ask("GET", "/", &[&cookie], "").status, 303);
}

#[test]
fn every_answer_has_the_headers() {
    let console = Console::start();
    let cookie = console.login();
    let pages = PAGES.iter().map(|path| ("GET", *path)).chain(OTHERS.iter().copied());
    for (method, path) in pages {
        for headers in [vec![], vec![cookie.as_str()]] {
            let reply = console.ask(method, path, &headers, "");
            assert!(reply.status >= 200, "{method} {path}: {}", reply.head);
            for (name, value) in [
                (
                    "content-security-policy",
                    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
                ),
                ("x-content-type-options", "nosniff"),
                ("x-frame-options", "DENY"),
                ("referrer-policy", "same-origin"),
                ("cross-origin-opener-policy", "same-origin"),
                ("cross-origin-resource-policy", "same-origin"),
                ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
                ("cache-control", "no-store"),
            ] {
                assert_eq!(reply.header(name), Some(value), "{method} {path}: {name}");
            }
        }
    }
    let bad_host = console.raw("GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
    assert!(bad_host.header("content-security-policy").is_some());
}

#[test]
fn only_loopback_without_tls() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let config = console::Config { listen: ([0, 0, 0, 0], 0).into(), ..console::Config::default() };
    let refused = runtime.block_on(console::bind(&config)).err().expect("refused");
    assert!(refused.to_string().starts_with("E0201 "), "{refused}");
}
