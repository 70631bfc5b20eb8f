//! What the pages say, and that hostile text stays text.

use event::order::What;

use crate::support::{Console, PAGES, activity};

#[test]
fn every_page_is_made() {
    let console = Console::start();
    console.append(&activity());
    let cookie = console.login();
    for path in PAGES {
        let reply = console.ask("GET", path, &[&cookie], "");
        assert_eq!(reply.status, 200, "{path}");
        assert!(reply.body.contains("DEMO DATA") && reply.body.contains("· DEMO DATA</title>"), "{path}");
        assert_eq!(reply.body.matches("<h1").count(), 1, "{path}");
        assert!(reply.body.len() < 200_000, "{path}: {} bytes", reply.body.len());
    }
    for path in ["/nope", "/incidents/INC-404", "/requests/none", "/models/none"] {
        assert_eq!(console.ask("GET", path, &[&cookie], "").status, 404, "{path}");
    }
}

/// Elements and attributes that templates write; anything else came from the data.
#[test]
fn hostile_text_adds_no_element_and_no_attribute() {
    let console = Console::start();
    console.append(&activity());
    let cookie = console.login();
    for path in PAGES {
        let page = console.ask("GET", path, &[&cookie], "").body;
        for tag in tags(&page) {
            let name = tag.trim_start_matches('/').split([' ', '>', '\n']).next().unwrap_or_default();
            assert!(name != "img" && name != "iframe" && name != "style" && name != "base" && name != "object", "{path}: <{tag}>");
            assert!(name != "script" || tag == "/script" || tag.starts_with("script src=\"/asset/bartizan-"), "{path}: <{tag}>");
            for attribute in attributes(tag) {
                assert!(!attribute.starts_with("on") && attribute != "style" && attribute != "srcdoc", "{path}: <{tag}>");
            }
            for value in tag.split("href=\"").skip(1).chain(tag.split("action=\"").skip(1)).chain(tag.split(" src=\"").skip(1)) {
                assert!(value.starts_with('/') && !value.starts_with("//") || value.starts_with('#'), "{path}: <{tag}>");
            }
        }
        assert!(!page.contains(['\u{202e}', '\u{200b}', '\u{0}']), "{path}: invisible characters are marks");
        for other in ["http://", "https://"] {
            assert!(!page.contains(other), "{path}: names another origin");
        }
    }
}

/// Between `<` and `>`; quotes hold `>` back.
fn tags(page: &str) -> Vec<&str> {
    let mut all = Vec::new();
    let mut rest = page;
    while let Some((_, after)) = rest.split_once('<') {
        let mut quoted = false;
        let end = after.find(|c| {
            quoted ^= c == '"';
            c == '>' && !quoted
        });
        let Some(end) = end else { break };
        all.push(&after[..end]);
        rest = &after[end..];
    }
    all
}

fn attributes(tag: &str) -> Vec<&str> {
    let mut quoted = false;
    tag.split(|c| {
        quoted ^= c == '"';
        c == ' ' && !quoted
    })
    .skip(1)
    .map(|a| a.split('=').next().unwrap_or(a))
    .collect()
}

#[test]
fn the_incident_page_answers_five_questions() {
    let console = Console::start();
    let cookie = console.login();
    let page = console.ask("GET", "/incidents/INC-1", &[&cookie], "").body;
    for question in ["what", "did", "why", "can", "proof"] {
        assert!(page.contains(&format!("data-q=\"{question}\"")), "{question}");
    }
    let pushes: f32 = page.split("data-push=\"").skip(1).filter_map(|p| p.split('"').next()?.parse::<f32>().ok()).sum();
    assert!((pushes - 0.98).abs() < 0.01, "{pushes}");
    assert!(page.contains("<b>0.98</b>"));
    assert!(page.contains("Undo block"), "undo is there");
    assert!(page.find("act-undo") < page.find("act-close"), "and first");
}

#[test]
fn matched_bytes_are_marked() {
    let console = Console::start();
    let cookie = console.login();
    let raw = console.ask("GET", "/requests/r-1", &[&cookie], "").body;
    assert!(raw.contains(">1%27%20OR%201=1</mark>"), "raw");
    assert!(raw.contains("\\x00\\xff&lt;b&gt;"), "bytes that cannot be printed");
    let decoded = console.ask("GET", "/requests/r-1?view=decoded", &[&cookie], "").body;
    assert!(decoded.contains(">1' OR 1=1</mark>"), "decoded");
}

#[test]
fn quiet_is_proven() {
    let console = Console::over(&[]);
    let cookie = console.login();
    let page = console.ask("GET", "/", &[&cookie], "").body;
    assert!(page.contains("No incidents.") && page.contains("1 source sending, 0 events read"), "{page}");
    assert!(page.contains("Monitor mode: attacks are recorded, nothing is blocked."));
}

#[test]
fn go_knows_our_names() {
    let console = Console::start();
    let cookie = console.login();
    for (asked, place) in [
        ("INC-1", "/incidents/INC-1"),
        ("inc-1", "/incidents/INC-1"),
        ("1", "/incidents/INC-1"),
        ("R-1", "/incidents/INC-1"),
        ("r-1", "/requests/r-1"),
        ("203.0.113.9", "/entities/address/203.0.113.9"),
        ("user:ada", "/entities/user/ada"),
        ("//evil.example", "/search?q=%2F%2Fevil.example"),
        ("anything", "/search?q=anything"),
    ] {
        let encoded = asked.replace('/', "%2F").replace(':', "%3A");
        assert_eq!(console.ask("GET", &format!("/go?q={encoded}"), &[&cookie], "").header("location"), Some(place), "{asked}");
    }
}

#[test]
fn the_first_page_is_light() {
    let console = Console::start();
    let cookie = console.login();
    let page = console.ask("GET", "/", &[&cookie], "").body;
    let assets: Vec<&str> = page.split('"').filter(|p| p.starts_with("/asset/")).collect();
    assert_eq!(assets.len(), 3, "style, script, icon: {assets:?}");
    for asset in assets {
        let reply = console.ask("GET", asset, &[], "");
        assert_eq!(reply.status, 200, "{asset}");
        assert_eq!(reply.header("cache-control"), Some("public, max-age=31536000, immutable"));
        assert!(reply.body.len() <= 25 * 1024, "{asset}: {} bytes", reply.body.len());
    }
}

#[test]
fn what_is_handed_in_is_judged_only_for_this_login() {
    let console = Console::start();
    let cookie = console.login();
    let token = console.token(&cookie);
    let form = "Content-Type: application/x-www-form-urlencoded";
    let pasted = |token: &str| console.ask("POST", "/check", &[&cookie, form], &format!("csrf={token}&kind=text&text=please+pay"));
    let page = pasted(&token);
    assert_eq!(page.status, 200);
    assert!(page.body.contains("phishing") && page.body.contains("0.90") && !page.body.contains("<script>alert"), "{}", page.body);
    assert_eq!(pasted("wrong").status, 403);
    let often = console.ask("POST", "/check", &[&cookie, form], &format!("csrf={token}&kind=text&text=too+often"));
    assert!(often.status == 429 && often.head.to_lowercase().contains("retry-after: 42"), "{}", often.head);
    let header = format!("X-Csrf-Token: {token}");
    let file = console.ask("POST", "/check/file?name=%3Cb%3E.eml", &[&cookie, &header], "From: a\r\n\r\nhello");
    assert!(file.status == 200 && file.body.starts_with("<section") && file.body.contains("&lt;b&gt;.eml"), "{}", file.body);
    assert_eq!(console.ask("POST", "/check/file?name=x", &[&cookie], "x").status, 403);
    assert!(console.ask("POST", "/check/file?name=x", &[&header], "x").status != 200, "nobody without a login");
}

#[test]
fn what_waits_is_approved_or_rejected_by_a_button() {
    let console = Console::start();
    let mut events = crate::support::events();
    let mut waits = 0;
    for event in &mut events {
        if let event::Body::Response(response) = &mut event.body {
            response.phase = event::response::Phase::Waiting { deadline: event::Time::from_s(4_000_000_000) };
            waits += 1;
        }
    }
    assert!(waits > 0);
    console.append(&events);
    let cookie = console.login();
    for path in ["/response", "/incidents/INC-1"] {
        let page = console.ask("GET", path, &[&cookie], "").body;
        assert!(page.contains("waits for approval until") && page.contains("then it is rejected"), "{path}");
        assert!(page.contains("action=\"/do/approve\"") && page.contains("action=\"/do/reject\""), "{path}");
    }
    let form = "Content-Type: application/x-www-form-urlencoded";
    let body = format!("csrf={}&target=R-1&back=/response", console.token(&cookie));
    let target = || "R-1".into();
    for (what, expected) in [("approve", What::Approve { target: target() }), ("reject", What::Reject { target: target() })] {
        let done = console.ask("POST", &format!("/do/{what}"), &[&cookie, form, "Sec-Fetch-Site: same-origin"], &body);
        assert_eq!(done.status, 303, "{what}");
        assert_eq!(console.orders.lock().expect("no panic while held").last(), Some(&expected));
    }
}
