//! Secrets leave what is logged. The verdict sees a request as it came; event, raw text, finding and log line hold `***` instead.
//!
//! Masked: `Authorization`, `Proxy-Authorization` and headers, query parameters, form, JSON, multipart and XML fields whose name speaks of
//! a password, token, secret, key or card; cookie values (names stay). What was masked is remembered, so that texts which a rule or model
//! quotes lose it too. [`line`] finds secrets in records of any format.

use std::borrow::Cow;

use event::finding::RuleHit;
use event::{Finding, Http};

mod line;

pub use line::{Masked, line, looks_secret, star};

/// What stands where a secret stood.
pub const MASK: &str = "***";
/// Of a body, in the log.
pub const BODY_BYTES_MAX: usize = 8 * 1024;
/// Of the request as text.
pub const RAW_BYTES_MAX: usize = 8 * 1024;
/// Remembered secrets, per request.
const SECRETS_MAX: usize = 64;
/// Shorter ones are not looked for in texts: they would be found everywhere.
const SECRET_BYTES_MIN: usize = 4;

/// Values that were masked, as they stood and decoded.
#[derive(Debug, Default)]
pub struct Secrets(Vec<String>);

impl Secrets {
    fn remember(&mut self, value: &str) {
        let mut add = |value: &str| {
            if value.len() >= SECRET_BYTES_MIN && value != MASK && self.0.len() < SECRETS_MAX && !self.0.iter().any(|s| s == value) {
                self.0.push(value.to_owned());
            }
        };
        add(value);
        if value.contains(['%', '+']) {
            add(&percent_decoded(value));
        }
        if value.contains('\\') {
            add(&serde_json::from_str::<String>(&format!("\"{value}\"")).unwrap_or_default());
        }
    }

    /// `text` without any of them, whatever the case.
    fn taken_from(&self, text: &mut String) {
        for secret in &self.0 {
            while let Some(at) = find_any_case(text.as_bytes(), secret.as_bytes()) {
                if !text.is_char_boundary(at) || !text.is_char_boundary(at + secret.len()) {
                    MASK.clone_into(text);
                    return;
                }
                text.replace_range(at..at + secret.len(), MASK);
            }
            // A quoted piece may hold only a part of a long secret.
            if text.len() >= SECRET_BYTES_MIN * 2
                && text.len() < secret.len()
                && find_any_case(secret.as_bytes(), text.as_bytes()).is_some()
            {
                MASK.clone_into(text);
            }
        }
    }

    /// Same length, so that the byte ranges of matches stay right.
    fn starred_in(&self, bytes: &mut [u8]) {
        for secret in &self.0 {
            while let Some(at) = find_any_case(bytes, secret.as_bytes()) {
                bytes[at..at + secret.len()].fill(b'*');
            }
        }
    }
}

fn find_any_case(text: &[u8], part: &[u8]) -> Option<usize> {
    if part.is_empty() || part.iter().all(|b| *b == b'*') {
        return None;
    }
    text.windows(part.len()).position(|w| w.eq_ignore_ascii_case(part))
}

/// Names of fields, headers and parameters that hold what nobody should read in a log.
pub fn is_secret_name(name: &str) -> bool {
    const WHOLE: [&str; 8] = ["pass", "auth", "otp", "pin", "iban", "user_pass", "session", "sessionid"];
    let bytes = name.as_bytes();
    if bytes.len() < 3 || bytes.len() > 256 {
        return false;
    }
    // Asked for every header and field of every request: one look at each letter, a list only where one can begin.
    let begins = |at: usize, parts: &[&str]| {
        parts.iter().any(|part| bytes[at..].get(..part.len()).is_some_and(|piece| piece.eq_ignore_ascii_case(part.as_bytes())))
    };
    (0..bytes.len() - 2).any(|at| match bytes[at] | 0x20 {
        b'p' => begins(at, &["passw", "passphrase", "pwd", "privatekey", "private_key"]),
        b't' => begins(at, &["token"]),
        b's' => begins(at, &["secret"]),
        b'c' => begins(at, &["card", "cvv", "cvc", "credential"]),
        b'a' => begins(at, &["api-key", "api_key", "apikey"]),
        _ => false,
    }) || (bytes.iter().any(|b| matches!(b | 0x20, b'p' | b'h' | b'b' | b's'))
        && name.split(['.', '[', ']', '-', ':']).any(|part| WHOLE.iter().any(|whole| part.eq_ignore_ascii_case(whole))))
}

/// One header's value for the log.
pub fn header<'a>(name: &str, value: &'a str, secrets: &mut Secrets) -> Cow<'a, str> {
    match name {
        "authorization" | "proxy-authorization" => {
            secrets.remember(value);
            if let Some((_, credentials)) = value.split_once(' ') {
                secrets.remember(credentials.trim());
            }
            Cow::Borrowed(MASK)
        }
        "cookie" => Cow::Owned(cookies(value, secrets)),
        "referer" => target(value, secrets),
        "accept" | "accept-encoding" | "accept-language" | "host" | "user-agent" | "connection" | "content-length" | "content-type"
        | "cache-control" => Cow::Borrowed(value),
        _ if is_secret_name(name) => {
            secrets.remember(value);
            Cow::Borrowed(MASK)
        }
        _ => Cow::Borrowed(value),
    }
}

fn cookies(value: &str, secrets: &mut Secrets) -> String {
    let mut out = String::with_capacity(value.len());
    for (i, pair) in value.split(';').enumerate() {
        if i > 0 {
            out.push_str("; ");
        }
        match pair.trim().split_once('=') {
            Some((name, value)) => {
                secrets.remember(value.trim_matches('"'));
                out.push_str(name);
                out.push('=');
                out.push_str(MASK);
            }
            None => out.push_str(pair.trim()),
        }
    }
    out
}

/// A request target or address: its query parameters.
pub fn target<'a>(text: &'a str, secrets: &mut Secrets) -> Cow<'a, str> {
    match text.split_once('?') {
        Some((path, query)) => match form(query, secrets) {
            Some(masked) => Cow::Owned(format!("{path}?{masked}")),
            None => Cow::Borrowed(text),
        },
        None => Cow::Borrowed(text),
    }
}

/// `None`: holds no secret.
fn form(text: &str, secrets: &mut Secrets) -> Option<String> {
    let is_secret = |pair: &str| {
        let name = pair.split_once('=').map_or("", |(name, _)| name);
        is_secret_name(name) || (name.contains(['%', '+']) && is_secret_name(&percent_decoded(name)))
    };
    if !text.split(['&', ';']).any(is_secret) {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    for pair in text.split_inclusive(['&', ';']) {
        let (inner, end) = match pair.as_bytes().last() {
            Some(b'&' | b';') => pair.split_at(pair.len() - 1),
            _ => (pair, ""),
        };
        match inner.split_once('=') {
            Some((name, value)) if is_secret(inner) => {
                secrets.remember(value);
                out.extend([name, "=", MASK]);
            }
            _ => out.push_str(inner),
        }
        out.push_str(end);
    }
    Some(out)
}

/// A body for the log: its first bytes, masked as its type says. A body of an unknown type is read as what it looks like.
pub fn body(content_type: &str, bytes: &[u8], secrets: &mut Secrets) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    let kind = content_type.to_ascii_lowercase();
    let first = text.trim_start().as_bytes().first().copied();
    let masked = if kind.contains("json") || (!kind.contains("form") && matches!(first, Some(b'{' | b'['))) {
        json(&text, secrets)
    } else if kind.contains("multipart") {
        multipart(&text, secrets)
    } else if kind.contains("xml") || (!kind.contains("form") && first == Some(b'<')) {
        xml(&text, secrets)
    } else {
        form(&text, secrets)
    };
    let mut out = match masked {
        Some(masked) => masked.into_bytes(),
        None => bytes.to_vec(),
    };
    out.truncate(BODY_BYTES_MAX);
    out
}

/// Byte by byte, so that a body that was cut or is not quite JSON loses its secrets too.
fn json(text: &str, secrets: &mut Secrets) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(quote) = memchr::memchr(b'"', &bytes[at..]) {
        let start = at + quote + 1;
        let end = string_end(bytes, start);
        at = (end + 1).min(bytes.len());
        let colon = skip_space(bytes, at);
        if bytes.get(colon) != Some(&b':') || !is_secret_name(&text[start..end]) {
            continue;
        }
        let from = skip_space(bytes, colon + 1);
        let to = value_end(bytes, from);
        let value = &text[from..to];
        secrets.remember(value.trim_matches('"'));
        if value.starts_with(['{', '[']) {
            remember_leaves(value, secrets);
        }
        out.push_str(&text[copied..from]);
        out.push_str("\"***\"");
        copied = to;
        at = to;
    }
    (copied > 0).then(|| out + &text[copied..])
}

fn remember_leaves(text: &str, secrets: &mut Secrets) {
    for part in text.split(['"', ',', '{', '}', '[', ']', ':']) {
        secrets.remember(part.trim());
    }
}

/// Index of the closing quote, or the end.
fn string_end(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn skip_space(bytes: &[u8], at: usize) -> usize {
    at + bytes.get(at..).map_or(0, |rest| rest.iter().take_while(|b| b.is_ascii_whitespace()).count())
}

/// Behind a JSON value of any kind.
fn value_end(bytes: &[u8], at: usize) -> usize {
    let mut depth = 0_usize;
    let mut i = at;
    while i < bytes.len() {
        match bytes[i] {
            b'"' => {
                i = (string_end(bytes, i + 1) + 1).min(bytes.len());
                if depth == 0 {
                    return i;
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth <= 1 => return if depth == 1 { i + 1 } else { i },
            b'}' | b']' => depth -= 1,
            b',' if depth == 0 => return i,
            _ => {}
        }
        i += 1;
    }
    bytes.len()
}

fn multipart(text: &str, secrets: &mut Secrets) -> Option<String> {
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = find_any_case(&text.as_bytes()[at..], b"name=") {
        let start = at + found + "name=".len();
        let rest = &text[start..];
        let name = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next(),
            None => rest.split([';', '\r', '\n']).next(),
        };
        at = start;
        if !name.is_some_and(is_secret_name) {
            continue;
        }
        let Some(blank) = text[start..].find("\r\n\r\n") else { break };
        let from = start + blank + 4;
        let to = text[from..].find("\r\n--").map_or(text.len(), |n| from + n);
        secrets.remember(&text[from..to]);
        out.push_str(&text[copied..from]);
        out.push_str(MASK);
        copied = to;
        at = to;
    }
    (copied > 0).then(|| out + &text[copied..])
}

fn xml(text: &str, secrets: &mut Secrets) -> Option<String> {
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find('<') {
        let start = at + found + 1;
        let Some(close) = text[start..].find('>') else { break };
        at = start + close + 1;
        let name = text[start..start + close].split([' ', '\t', '\r', '\n', '/']).next().unwrap_or_default();
        if !is_secret_name(name) {
            continue;
        }
        let to = text[at..].find('<').map_or(text.len(), |n| at + n);
        secrets.remember(text[at..to].trim());
        out.push_str(&text[copied..at]);
        out.push_str(MASK);
        copied = to;
        at = to;
    }
    (copied > 0).then(|| out + &text[copied..])
}

/// Takes the secrets out of an activity that the verdict has seen.
pub fn http(http: &mut Http, secrets: &mut Secrets) {
    for (name, value) in &mut http.headers {
        if let Cow::Owned(masked) = mask_of(header(name, value, secrets)) {
            *value = masked;
        }
    }
    if let Cow::Owned(masked) = target(&http.target, secrets) {
        http.target = masked;
    }
    if let Cow::Owned(masked) = target(&http.referrer, secrets) {
        http.referrer = masked;
    }
    if let Some(bytes) = &http.body {
        http.body = Some(body(&http.content_type, bytes, secrets).into());
    }
}

fn mask_of(value: Cow<'_, str>) -> Cow<'_, str> {
    match value {
        Cow::Borrowed(MASK) => Cow::Owned(MASK.to_owned()),
        other => other,
    }
}

/// `ARGS:password`, `HEADER:authorization`, `COOKIE:session`: what stands there is never quoted.
fn is_secret_target(target: &str) -> bool {
    let (kind, name) = target.split_once(':').unwrap_or((target, ""));
    let name = name.split('|').next().unwrap_or_default();
    find_any_case(kind.as_bytes(), b"cookie").is_some() && find_any_case(kind.as_bytes(), b"names").is_none()
        || ["authorization", "proxy-authorization", "cookie"].iter().any(|secret| name.eq_ignore_ascii_case(secret))
        || is_secret_name(name)
}

/// Takes out of a finding about a log what stands there by its name or its form.
pub fn told(finding: &mut Finding) {
    let clean = |text: &mut String| {
        if let Some(masked) = line(text.as_bytes()) {
            *text = String::from_utf8_lossy(&masked.bytes).into_owned();
        }
    };
    for evidence in &mut finding.evidence {
        star(&mut evidence.raw.0);
        for hit in &mut evidence.matches {
            if is_secret_target(&hit.target) { MASK.clone_into(&mut hit.decoded) } else { clean(&mut hit.decoded) }
        }
    }
    for hit in &mut finding.rules {
        if is_secret_target(&hit.target) { MASK.clone_into(&mut hit.matched) } else { clean(&mut hit.matched) }
    }
    for text in [&mut finding.title, &mut finding.text] {
        clean(text);
    }
    for reason in &mut finding.reasons {
        clean(&mut reason.text);
        clean(&mut reason.now);
    }
}

pub fn rules(rules: &mut [RuleHit], secrets: &Secrets) {
    for hit in rules {
        if is_secret_target(&hit.target) {
            MASK.clone_into(&mut hit.matched);
        } else {
            secrets.taken_from(&mut hit.matched);
        }
    }
}

pub fn finding(finding: &mut Finding, secrets: &Secrets) {
    rules(&mut finding.rules, secrets);
    for evidence in &mut finding.evidence {
        secrets.starred_in(&mut evidence.raw.0);
        for hit in &mut evidence.matches {
            if is_secret_target(&hit.target) {
                MASK.clone_into(&mut hit.decoded);
            } else {
                secrets.taken_from(&mut hit.decoded);
            }
        }
    }
    for text in [&mut finding.title, &mut finding.text, &mut finding.would_change] {
        secrets.taken_from(text);
    }
    for reason in &mut finding.reasons {
        for text in [&mut reason.text, &mut reason.usual, &mut reason.now] {
            secrets.taken_from(text);
        }
    }
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = |i: usize| bytes.get(i).and_then(|b| char::from(*b).to_digit(16));
        match (bytes[at], hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            (b'+', ..) => {
                out.push(b' ');
                at += 1;
            }
            (b, ..) => {
                out.push(b);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::finding::{Evidence, Match, Reason};

    fn check_body(kind: &str, before: &str, after: &str) {
        let mut secrets = Secrets::default();
        assert_eq!(String::from_utf8_lossy(&body(kind, before.as_bytes(), &mut secrets)), after);
    }

    #[test]
    fn fields_that_speak_of_secrets() {
        for name in [
            "password",
            "PASSWORD",
            "user[password]",
            "pwd",
            "access_token",
            "csrf-token",
            "client_secret",
            "cardNumber",
            "pass",
            "x-api-key",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in
            ["user", "q", "compass", "passage", "author", "sec-fetch-mode", "upgrade-insecure-requests", "id", "", "monkey", "pinned"]
        {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn bodies() {
        let form = "application/x-www-form-urlencoded";
        check_body(form, "user=eve&password=hunter2%21&go=1", "user=eve&password=***&go=1");
        check_body(form, "user=eve&pass%77ord=x", "user=eve&pass%77ord=***");
        check_body(form, "user=eve", "user=eve");
        check_body("", "pwd=1;a=b", "pwd=***;a=b");
        let json = "application/json; charset=utf-8";
        check_body(json, r#"{"user":"eve","password" : "hun\"ter2","n":1}"#, r#"{"user":"eve","password" : "***","n":1}"#);
        check_body(json, r#"{"card":{"number":"4111","cvc":[1,2]},"a":"password"}"#, r#"{"card":"***","a":"password"}"#);
        check_body(json, r#"{"pin":1234,"a":[{"token":null}]}"#, r#"{"pin":"***","a":[{"token":"***"}]}"#);
        check_body(json, r#"{"password":"cut in the mid"#, r#"{"password":"***""#);
        check_body("text/plain", r#" {"password":"x"}"#, r#" {"password":"***"}"#);
        check_body(
            "multipart/form-data; boundary=b",
            "--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nhunter2\r\n--b\r\nContent-Disposition: form-data; name=\"q\"\r\n\r\nx\r\n--b--",
            "--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n***\r\n--b\r\nContent-Disposition: form-data; name=\"q\"\r\n\r\nx\r\n--b--",
        );
        check_body("text/xml", "<a><password t='1'>hunter2</password><b>x</b></a>", "<a><password t='1'>***</password><b>x</b></a>");
    }

    #[test]
    fn headers_and_targets() {
        let mut secrets = Secrets::default();
        assert_eq!(header("authorization", "Bearer abcdef", &mut secrets), "***");
        assert_eq!(header("cookie", "sid=0123456789; lang=de; bare", &mut secrets), "sid=***; lang=***; bare");
        assert_eq!(header("x-auth-token", "abc", &mut secrets), "***");
        assert_eq!(header("accept", "*/*", &mut secrets), "*/*");
        assert_eq!(header("referer", "https://a/b?token=zzzz&x=1", &mut secrets), "https://a/b?token=***&x=1");
        assert_eq!(target("/login?password=geheim&x=1", &mut secrets), "/login?password=***&x=1");
        let mut text = "saw ABCDEF and geheim and 0123456789".to_owned();
        secrets.taken_from(&mut text);
        assert_eq!(text, "saw *** and *** and ***");
    }

    #[test]
    fn what_rules_quote_is_masked() {
        let mut secrets = Secrets::default();
        let _ = body("", b"password=hunter2%20or%201=1&q=x", &mut secrets);
        let hit = |target: &str, matched: &str| RuleHit { target: target.into(), matched: matched.into(), ..RuleHit::default() };
        let mut found = Finding {
            text: "hunter2 or 1=1 in password".into(),
            rules: vec![
                hit("ARGS:password", "2 or 1=1"),
                hit("BODY", "x hunter2 or 1=1 y"),
                hit("COOKIE:sid", "zz"),
                hit("ARGS:q", "union"),
            ],
            evidence: vec![Evidence {
                raw: b"a hunter2%20or%201=1 b"[..].into(),
                matches: vec![Match { target: "ARGS:password".into(), decoded: "or 1=1".into(), ..Match::default() }],
                ..Evidence::default()
            }],
            reasons: vec![Reason { text: "hunter2 or 1=1".into(), ..Reason::default() }],
            ..Finding::default()
        };
        finding(&mut found, &secrets);
        let matched: Vec<&str> = found.rules.iter().map(|r| r.matched.as_str()).collect();
        assert_eq!(matched, ["***", "x *** y", "***", "union"]);
        assert!(!format!("{found:?}").contains("hunter2"), "{found:?}");
        assert_eq!(found.evidence[0].raw.len(), 22);
    }

    #[test]
    fn hostile_bodies_do_not_panic() {
        for kind in ["", "application/json", "multipart/form-data", "text/xml", "application/x-www-form-urlencoded"] {
            for text in [
                "\"",
                "{\"password\"",
                "{\"password\":",
                "{\"password\":\"\\",
                "name=\"password",
                "<password",
                "<password>",
                "password",
                "é\"pwd\":é",
                "\u{fffd}=&;",
                "[]]]}{\"token\":]",
            ] {
                let _ = body(kind, text.as_bytes(), &mut Secrets::default());
            }
            let _ = body(kind, b"\xff\xfe\"pwd\":\"\xff", &mut Secrets::default());
        }
    }
}
