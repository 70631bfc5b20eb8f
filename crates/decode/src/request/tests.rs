use proptest::prelude::*;

use super::*;

fn list(parts: &Parts<'_>) -> Vec<String> {
    let mut out = Values::default();
    values(parts, &mut out);
    let raw = parts.raw(usize::MAX);
    out.iter()
        .filter(|v| !matches!(v.target, Target::Method | Target::Uri | Target::Query | Target::ArgName))
        .map(|v| format!("{v}={} <{}>", v.decoded.escape_ascii(), raw[v.start..v.end].escape_ascii()))
        .collect()
}

fn check(target: &str, content_type: &str, body: &str, expected: &[&str]) {
    let parts = Parts { method: "POST", target, version: "HTTP/1.1", content_type, body: body.as_bytes(), ..Parts::default() };
    let all = list(&parts);
    let got: Vec<&str> = all.iter().map(String::as_str).filter(|v| !v.starts_with("HEADER:content-type")).collect();
    assert_eq!(got, expected, "{target} {content_type} {body}");
}

#[test]
fn every_place_of_a_request_gives_its_value_and_its_raw_bytes() {
    check("/a/b", "", "", &["PATH=/a/b </a/b>"]);
    check("/a%20b/c?x=1%27+or&y", "", "", &["PATH=/a b/c </a%20b/c>", "PATH=a b <a%20b>", "ARGS:x=1\\' or <1%27+or>"]);
    check("/?a=1;b=2&a=%zz%4", "", "", &["PATH=/ </>", "ARGS:a=1;b=2 <1;b=2>", "ARGS:a=%zz%4 <%zz%4>"]);
    check("/", "application/x-www-form-urlencoded", "q=a%26b&r=", &["PATH=/ </>", "ARGS:q=a&b <a%26b>"]);
    check(
        "/",
        "application/json; charset=utf-8",
        r#"{"a":{"b":["x\u0041\n",-1.5e3,true]},"c\"d":"e"}"#,
        &["PATH=/ </>", r#"JSON:/a/b/-=xA\n <x\\u0041\\n>"#, "JSON:/a/b/-=-1.5e3 <-1.5e3>", "JSON:/c\"d=e <e>"],
    );
    check("/", "application/json", r#"{"a":"b"} x"#, &["PATH=/ </>", "JSON:/a=b <b>", r#"BODY={\"a\":\"b\"} x <{\"a\":\"b\"} x>"#]);
    check("/", "text/xml", "<a c='d'>b</a>", &["PATH=/ </>", "XML=d <d>", "XML=b <b>", "BODY=<a c=\\'d\\'>b</a> <<a c=\\'d\\'>b</a>>"]);
    check(
        "/",
        "multipart/form-data; boundary=XX",
        "--XX\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\nhello\r\n--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.php\"\r\n\r\n<?php\r\n--XX--",
        &["PATH=/ </>", "ARGS:t=hello <hello>", "FILES:f=a.php <a.php>", "FILES_CONTENT:f=<?php <<?php>"],
    );
}

#[test]
fn headers_and_cookies_stand_where_the_raw_text_has_them() {
    let headers = [("user-agent".into(), "curl/8".to_owned()), ("cookie".into(), "a=1%20; b=\"c\"".to_owned())];
    let parts = Parts { method: "GET", target: "/", version: "HTTP/1.1", headers: &headers, ..Parts::default() };
    assert_eq!(
        list(&parts),
        [
            "PATH=/ </>",
            "HEADER:user-agent=curl/8 <curl/8>",
            "COOKIES_NAMES=a <a>",
            "COOKIE:a=1  <1%20>",
            "COOKIES_NAMES=b <b>",
            "COOKIE:b=\\\"c\\\" <\\\"c\\\">"
        ]
    );
    let from_log = Parts { method: "GET", target: "/", version: "HTTP/1.1", user_agent: "x/1", referrer: "http://a/", ..Parts::default() };
    assert_eq!(list(&from_log), ["PATH=/ </>", "HEADER:user-agent=x/1 <x/1>", "HEADER:referer=http://a/ <http://a/>"]);
}

#[test]
fn a_match_is_found_in_the_raw_bytes() {
    for (raw, matched, expected) in
        [("a%27%20OR%201=1", "' or 1=1", 1..15), ("a%2527x", "'", 1..6), ("one+two", "e t", 2..5), ("abc", "zz", 0..3), ("%", "%", 0..1)]
    {
        assert_eq!(origin::locate(raw.as_bytes(), matched.as_bytes()), expected, "{raw}");
    }
}

#[test]
fn depth_and_number_are_bounded() {
    let deep = "[".repeat(100_000);
    let parts = Parts { content_type: "application/json", body: deep.as_bytes(), ..Parts::default() };
    let mut out = Values::default();
    values(&parts, &mut out);
    assert!(out.cut());
    let many = "a=1&".repeat(20_000);
    values(&Parts { content_type: "application/x-www-form-urlencoded", body: many.as_bytes(), ..Parts::default() }, &mut out);
    assert!(out.cut() && out.len() <= VALUES_MAX + 1);
}

proptest! {
    #[test]
    fn spans_lie_inside_the_raw_text(
        target in "/[a-z%0-9?&=;+/]{0,40}", kind in prop::sample::select(vec!["", "text/xml", "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=X"]),
        body in prop_oneof!["(--X|\r\n|name=|\"|[a-z;: ]){0,30}", "(<|>|<!--|<!\\[CDATA\\[|\"|'|a| |\\]\\]>){0,20}", "[\\[\\]{}\",:a-z0-9\\\\u]{0,60}", ".{0,60}"], cookie in ".{0,30}",
    ) {
        let headers = [("cookie".into(), cookie)];
        let parts = Parts { method: "GET", target: &target, version: "HTTP/1.1", headers: &headers, content_type: kind, body: body.as_bytes(), ..Parts::default() };
        let mut out = Values::default();
        values(&parts, &mut out);
        let raw = parts.raw(usize::MAX);
        for value in out.iter() {
            prop_assert!(value.start <= value.end && value.end <= raw.len());
            let inside = origin::locate(&raw[value.start..value.end], value.decoded);
            prop_assert!(inside.end <= value.end - value.start);
        }
    }

    #[test]
    fn any_bytes_are_read(body in prop::collection::vec(any::<u8>(), 0..300), kind in prop::sample::select(vec!["xml", "json", "multipart/x; boundary=\r", "a"])) {
        let parts = Parts { content_type: kind, body: &body, ..Parts::default() };
        let mut out = Values::default();
        values(&parts, &mut out);
        let raw = parts.raw(usize::MAX);
        prop_assert!(out.iter().all(|v| v.end <= raw.len()));
    }
}
