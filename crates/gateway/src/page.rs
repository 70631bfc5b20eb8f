//! What a client gets instead of the application's answer: request id, time, what the person can do, and nothing else.

use bytes::Bytes;
use event::Time;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};

/// `application/problem+json` for programs, a page for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Html,
    Json,
}

impl Form {
    /// From the values of `Accept` and `Content-Type`.
    pub(crate) fn wanted(accept: &str, content_type: &str) -> Form {
        let (accept, content_type) = (accept.to_ascii_lowercase(), content_type.to_ascii_lowercase());
        if !accept.contains("text/html") && (accept.contains("json") || content_type.contains("json")) { Form::Json } else { Form::Html }
    }
}

pub(crate) fn page(status: StatusCode, form: Form, id: &str, now: Time, retry_after_s: Option<u32>) -> Response<Bytes> {
    let (title, advice) = words(status);
    let time = Time::from_s(now.s());
    let body = match form {
        Form::Html => format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
             <title>{title}</title><style>body{{font:16px/1.5 system-ui,sans-serif;max-width:36em;margin:12vh auto;padding:0 1em}}</style></head>\
             <body><h1>{title}</h1><p>{advice}</p><p>Request <code>{id}</code><br>{time}</p></body></html>\n"
        ),
        Form::Json => {
            let problem = serde_json::json!({
                "type": "about:blank", "title": title, "status": status.as_u16(), "detail": advice,
                "request_id": id, "time": time.to_string(),
            });
            format!("{problem}\n")
        }
    };
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let kind = match form {
        Form::Html => HeaderValue::from_static("text/html; charset=utf-8"),
        Form::Json => HeaderValue::from_static("application/problem+json"),
    };
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        ),
    );
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    if let Some(s) = retry_after_s {
        headers.insert(RETRY_AFTER, HeaderValue::from(s));
    }
    response
}

/// Every answer of our own that a client can get, headers and all: what the attack lab searches for scores.
pub fn every_answer(id: &str, now: Time) -> Vec<String> {
    let codes = [400, 403, 405, 408, 413, 414, 429, 431, 502, 504, 505];
    let both = codes.iter().flat_map(|&code| [(code, Form::Html), (code, Form::Json)]);
    let gate = crate::challenge::Gate::new(&[0; 32]);
    let checks = [true, false].map(|shows| gate.page(shows, id, [192, 0, 2, 1].into(), "agent", now));
    let pages = both.filter_map(|(code, form)| Some(page(StatusCode::from_u16(code).ok()?, form, id, now, None)));
    let written = |answer: Response<Bytes>| {
        let headers: Vec<String> =
            answer.headers().iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or(""))).collect();
        format!("{}\n\n{}", headers.join("\n"), String::from_utf8_lossy(answer.body()))
    };
    pages.chain(checks).map(written).collect()
}

fn words(status: StatusCode) -> (&'static str, &'static str) {
    match status.as_u16() {
        403 => (
            "Request refused",
            "This request was refused to protect the site. If you did nothing unusual, tell the site's owner the request id below.",
        ),
        405 => ("Method not allowed", "This method cannot be used here."),
        408 => ("Request took too long", "The request did not arrive in time. Check your connection and try again."),
        413 => ("Request too large", "What you sent is larger than the site accepts."),
        414 => ("Address too long", "The address is longer than the site accepts."),
        429 => ("Too many requests", "Please wait a moment, then try again."),
        431 => ("Headers too large", "Your browser sent more headers than the site accepts. Deleting this site's cookies can help."),
        502 => ("Site not available", "The site did not answer. Please try again in a few minutes."),
        504 => ("Site too slow", "The site did not answer in time. Please try again in a few minutes."),
        505 => ("Version not supported", "This version of HTTP is not supported."),
        _ => (
            "Bad request",
            "The request could not be understood. If you used an ordinary browser, tell the site's owner the request id below.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_small_and_say_little() {
        for status in [400, 403, 405, 408, 413, 414, 429, 431, 502, 504, 505] {
            for form in [Form::Html, Form::Json] {
                let status = StatusCode::from_u16(status).expect("a status");
                let response = page(status, form, "r-0123456789ab", Time::from_us(1_000_001), None);
                let text = String::from_utf8(response.body().to_vec()).expect("text");
                assert!(text.len() <= 2048 && text.contains("r-0123456789ab") && text.contains("1970-01-01T00:00:01Z"), "{text}");
                for word in ["bartizan", "Bartizan", "score", "rule", "127.0.0.1"] {
                    assert!(!text.contains(word), "{word} in {text}");
                }
            }
        }
    }

    #[test]
    fn programs_get_json() {
        for (accept, content_type, expected) in [
            ("text/html,application/xhtml+xml", "", Form::Html),
            ("text/html, application/json", "application/json", Form::Html),
            ("application/json", "", Form::Json),
            ("*/*", "", Form::Html),
            ("*/*", "application/json", Form::Json),
            ("application/vnd.api+json", "", Form::Json),
        ] {
            assert_eq!(Form::wanted(accept, content_type), expected, "{accept} {content_type}");
        }
    }
}
