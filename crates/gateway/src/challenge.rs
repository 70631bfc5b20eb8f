//! A check of the browser: some work in plain JavaScript before a client may go on, for a decision to challenge (D3FEND D3-ITF).
//!
//! The page holds a task: an end and a tag under a key of this process, bound to the client's address and agent. The browser finds a number that
//! gives `SHA-256(task.number)` so many leading zero bits, and puts both into a cookie; the gateway checks tag, end and work, and answers
//! with a pass that is bound and ends likewise. Nothing is kept for a client, so nothing can be filled up; nobody else is asked. The work costs a
//! person's browser less than a second, and a program that does it is slowed down, not stopped: a challenge is milder than a block.
//!
//! Programs cannot do it and are told so: whatever does not ask for a page by GET, or brings a token, gets 403 as JSON.

use std::net::IpAddr;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use event::Time;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, HeaderValue, UPGRADE, VARY};
use http::{HeaderMap, Method, Response, StatusCode};
use ring::{digest, hmac};

/// About a second on a slow telephone; a quarter of it elsewhere.
const WORK_BITS: u32 = 16;
/// To find the number.
const SOLVE_S: i64 = 300;
/// Until the next check.
const PASS_S: i64 = 3_600;
const ANSWER: &str = "bartizan_answer";
const PASS: &str = "bartizan_pass";
/// Of a cookie of ours; longer ones are no answers.
const TOKEN_BYTES_MAX: usize = 128;
const SCRIPT: &str = include_str!("challenge.js");

/// What may run on the page is this script, named by its hash.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = BASE64.encode(digest::digest(&digest::SHA256, SCRIPT.as_bytes()));
    let text = format!(
        "default-src 'none'; script-src 'sha256-{hash}'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    );
    HeaderValue::from_str(&text).expect("invariant: base64 is ASCII")
});

/// Makes tasks and passes. The key lives in memory: after a restart everybody is checked again.
pub(crate) struct Gate {
    key: hmac::Key,
}

/// Cookies of ours that a request brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tokens {
    answer: Option<String>,
    pass: Option<String>,
}

/// What a client may.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Checked {
    No,
    /// It was checked before.
    Before,
    /// It has just done the work.
    Now,
}

impl Tokens {
    /// Read before the gateway's own cookies are taken out.
    pub(crate) fn of(headers: &HeaderMap) -> Tokens {
        let mut tokens = Tokens::default();
        for value in headers.get_all(COOKIE) {
            let Ok(text) = value.to_str() else { continue };
            for (name, value) in text.split(';').filter_map(|pair| pair.trim().split_once('=')) {
                let place = match name {
                    ANSWER => &mut tokens.answer,
                    PASS => &mut tokens.pass,
                    _ => continue,
                };
                if value.len() <= TOKEN_BYTES_MAX {
                    *place = Some(value.to_owned());
                }
            }
        }
        tokens
    }
}

impl Gate {
    pub(crate) fn new(secret: &[u8; 32]) -> Gate {
        Gate { key: hmac::Key::new(hmac::HMAC_SHA256, secret) }
    }

    /// `what` keeps a task from being a pass.
    fn context(&self, what: &str, until: &str, client: IpAddr, agent: &str) -> hmac::Context {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(format!("{what}\0{until}\0{}\0", client.to_canonical()).as_bytes());
        context.update(agent.as_bytes());
        context
    }

    fn token(&self, what: &str, client: IpAddr, agent: &str, until_s: i64) -> String {
        let until = until_s.to_string();
        let tag = self.context(what, &until, client, agent).sign();
        let hex: String = tag.as_ref().iter().map(|b| format!("{b:02x}")).collect();
        format!("{until}.{hex}")
    }

    /// Made by us for this client, and not over.
    fn is_ours(&self, token: &str, what: &str, client: IpAddr, agent: &str, now: Time) -> bool {
        let Some((until, hex)) = token.split_once('.') else { return false };
        if until.parse::<i64>().ok().is_none_or(|until| until <= now.s()) {
            return false;
        }
        // One spelling of a tag: the same length, compared in constant time.
        let Some(tag) = unhex(hex) else { return false };
        let mut message = format!("{what}\0{until}\0{}\0", client.to_canonical()).into_bytes();
        message.extend_from_slice(agent.as_bytes());
        hmac::verify(&self.key, &message, &tag).is_ok()
    }

    pub(crate) fn check(&self, tokens: &Tokens, client: IpAddr, agent: &str, now: Time) -> Checked {
        if tokens.pass.as_deref().is_some_and(|pass| self.is_ours(pass, PASS, client, agent, now)) {
            return Checked::Before;
        }
        let worked = |answer: &str| {
            let (task, number) = answer.rsplit_once('.').unwrap_or_default();
            !number.is_empty()
                && number.bytes().all(|b| b.is_ascii_digit())
                && self.is_ours(task, ANSWER, client, agent, now)
                && zero_bits(digest::digest(&digest::SHA256, answer.as_bytes()).as_ref()) >= WORK_BITS
        };
        if tokens.answer.as_deref().is_some_and(worked) { Checked::Now } else { Checked::No }
    }

    /// The pass, and the end of the answer, for the next answer of the application.
    pub(crate) fn pass(&self, client: IpAddr, agent: &str, tls: bool, now: Time) -> [HeaderValue; 2] {
        let secure = if tls { "; Secure" } else { "" };
        let pass = self.token(PASS, client, agent, now.s() + PASS_S);
        let cookies = [
            format!("{PASS}={pass}; Path=/; Max-Age={PASS_S}; HttpOnly; SameSite=Lax{secure}"),
            format!("{ANSWER}=; Path=/; Max-Age=0; SameSite=Lax{secure}"),
        ];
        cookies.map(|text| HeaderValue::from_str(&text).expect("invariant: digits and hexadecimal"))
    }

    /// The page with a task, or words for a program.
    pub(crate) fn page(&self, shows: bool, id: &str, client: IpAddr, agent: &str, now: Time) -> Response<Bytes> {
        let time = Time::from_s(now.s());
        let body = if shows {
            let task = self.token(ANSWER, client, agent, now.s() + SOLVE_S);
            format!(
                "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
                 <meta name=\"robots\" content=\"noindex\"><title>Checking your browser</title>\
                 <style>body{{font:16px/1.5 system-ui,sans-serif;max-width:36em;margin:12vh auto;padding:0 1em}}</style></head>\
                 <body data-task=\"{task}\" data-bits=\"{WORK_BITS}\"><main><h1>Checking your browser</h1>\
                 <p id=\"told\" role=\"status\" aria-live=\"polite\">This takes about a second. You do not have to do anything.</p>\
                 <noscript><p>This check needs JavaScript and cookies. If you cannot switch them on, \
                 tell the site's owner the request id below.</p></noscript>\
                 <p>Request <code>{id}</code><br>{time}</p></main><script>{SCRIPT}</script></body></html>\n"
            )
        } else {
            let problem = serde_json::json!({
                "type": "about:blank", "title": "Browser check needed", "status": 403,
                "detail": "This site checks the browsers of some clients at the moment, and a program cannot take part. Open a page of the site in a \
                           browser, or ask the site's owner to let you in and tell the request id.",
                "request_id": id, "time": time.to_string(),
            });
            format!("{problem}\n")
        };
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = StatusCode::FORBIDDEN;
        let kind = if shows { "text/html; charset=utf-8" } else { "application/problem+json" };
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(VARY, HeaderValue::from_static("*"));
        headers.insert(CONTENT_SECURITY_POLICY, POLICY.clone());
        headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
        headers.insert("referrer-policy", HeaderValue::from_static("same-origin"));
        response
    }
}

/// A page that somebody looks at: asked for by GET, as HTML, without a token and not as part of another page.
pub(crate) fn shows(method: &Method, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let navigates = matches!(text("sec-fetch-mode"), "" | "navigate");
    *method == Method::GET
        && text("accept").to_ascii_lowercase().contains("text/html")
        && navigates
        && !headers.contains_key(AUTHORIZATION)
        && !headers.contains_key(UPGRADE)
}

fn zero_bits(hash: &[u8]) -> u32 {
    let whole = hash.iter().take_while(|b| **b == 0).count();
    whole as u32 * 8 + hash.get(whole).map_or(0, |b| b.leading_zeros())
}

/// 32 bytes in small hexadecimal letters.
fn unhex(text: &str) -> Option<[u8; 32]> {
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    let mut out = [0_u8; 32];
    if text.len() != 64 {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Time = Time::from_s(1_772_600_000);

    fn solved(task: &str) -> String {
        let answer = |n: u32| format!("{task}.{n}");
        let works = |text: &String| zero_bits(digest::digest(&digest::SHA256, text.as_bytes()).as_ref()) >= WORK_BITS;
        (0..).map(answer).find(works).expect("an answer")
    }

    fn answered(text: &str) -> Tokens {
        Tokens { answer: Some(text.to_owned()), pass: None }
    }

    #[test]
    fn work_gives_a_pass_that_is_bound_and_ends() {
        let gate = Gate::new(&[7; 32]);
        let (client, other): (IpAddr, IpAddr) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        let task = gate.token(ANSWER, client, "b/1", T0.s() + SOLVE_S);
        let answer = solved(&task);
        let check = |tokens: &Tokens, client, agent, now| gate.check(tokens, client, agent, now);
        assert_eq!(check(&answered(&answer), client, "b/1", T0), Checked::Now);
        assert_eq!(check(&answered(&answer), "::ffff:192.0.2.1".parse().expect("an address"), "b/1", T0), Checked::Now);
        assert_eq!(check(&answered(&answer), other, "b/1", T0), Checked::No, "another address");
        assert_eq!(check(&answered(&answer), client, "b/2", T0), Checked::No, "another agent");
        assert_eq!(check(&answered(&answer), client, "b/1", T0.plus_s(SOLVE_S)), Checked::No, "too late");
        assert_eq!(Gate::new(&[8; 32]).check(&answered(&answer), client, "b/1", T0), Checked::No, "another process");
        let lazy = (0..)
            .map(|n: u32| format!("{task}.{n}"))
            .find(|t| zero_bits(digest::digest(&digest::SHA256, t.as_bytes()).as_ref()) < WORK_BITS);
        assert_eq!(check(&answered(&lazy.expect("most")), client, "b/1", T0), Checked::No, "no work");
        let later = solved(&task.replace(&(T0.s() + SOLVE_S).to_string(), &(T0.s() + 9_999_999).to_string()));
        assert_eq!(check(&answered(&later), client, "b/1", T0), Checked::No, "an end of its own");

        let [cookie, gone] = gate.pass(client, "b/1", true, T0);
        let cookie = cookie.to_str().expect("text");
        assert!(cookie.contains("HttpOnly") && cookie.contains("; Secure") && gone.to_str().expect("text").contains("Max-Age=0"));
        let pass = cookie.split(['=', ';']).nth(1).expect("a value").to_owned();
        let passes = |text: &str, now| check(&Tokens { answer: None, pass: Some(text.to_owned()) }, client, "b/1", now);
        assert_eq!(passes(&pass, T0), Checked::Before);
        assert_eq!(passes(&pass, T0.plus_s(PASS_S)), Checked::No, "it ends");
        assert_eq!(passes(&pass.to_uppercase(), T0), Checked::No);
        assert_eq!(passes(&task, T0), Checked::No, "a task is no pass");
        assert_eq!(check(&answered(&solved(&pass)), client, "b/1", T0), Checked::No, "a pass is no task");
    }

    #[test]
    fn only_a_page_that_somebody_looks_at_is_shown_the_check() {
        let headers = |text: &str| -> HeaderMap {
            let pairs = text.split('|').filter_map(|pair| pair.split_once(": "));
            pairs.map(|(n, v)| (n.parse::<http::HeaderName>().expect("a name"), v.parse::<HeaderValue>().expect("a value"))).collect()
        };
        for (method, text, expected) in [
            (Method::GET, "accept: text/html,application/xhtml+xml", true),
            (Method::GET, "accept: text/html|sec-fetch-mode: navigate", true),
            (Method::GET, "accept: text/html|sec-fetch-mode: cors", false),
            (Method::GET, "accept: */*", false),
            (Method::GET, "accept: application/json", false),
            (Method::POST, "accept: text/html", false),
            (Method::HEAD, "accept: text/html", false),
            (Method::GET, "accept: text/html|authorization: Bearer x", false),
            (Method::GET, "", false),
        ] {
            assert_eq!(shows(&method, &headers(text)), expected, "{method} {text}");
        }
    }

    #[test]
    fn no_cookie_panics_it() {
        let gate = Gate::new(&[7; 32]);
        for text in ["", ".", "..", "9", "9.", "9.x.1", "99999999999999999999.0.0", "9223372036854775807.ä.1", &"9.".repeat(60)] {
            assert_eq!(gate.check(&answered(text), [192, 0, 2, 1].into(), "", T0), Checked::No, "{text}");
        }
    }
}
