//! A row of test data as a request, so that `waf eval` runs the code that the gateway runs.

use event::{Body, Bytes, Event, Http, Meta};

/// Where a test row's payload is put.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    #[default]
    Query,
    Form,
    Json,
    Xml,
    Header,
    Cookie,
    Path,
}

impl Place {
    pub fn parse(word: &str) -> Option<Place> {
        Some(match word {
            "query" => Place::Query,
            "form" => Place::Form,
            "json" => Place::Json,
            "xml" => Place::Xml,
            "header" => Place::Header,
            "cookie" => Place::Cookie,
            "path" => Place::Path,
            _ => return None,
        })
    }
}

/// The request that carries `payload`. In query and form: as it is when it holds only URL query characters (then `&` and `=` split it, as in
/// life), else percent-encoded.
pub fn row_event(payload: &[u8], place: Place) -> Event {
    let mut http = Http {
        method: "GET".into(),
        version: "HTTP/1.1".into(),
        host: "www.example".into(),
        target: "/search".to_owned(),
        ..Http::default()
    };
    let mut header = |name: &str, value: String| http.headers.push((name.into(), value));
    header("host", "www.example".to_owned());
    header("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0".to_owned());
    header("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8".to_owned());
    let mut body = |kind: &str, body: Vec<u8>| {
        http.method = "POST".into();
        http.content_type = kind.into();
        http.headers.push(("content-type".into(), kind.to_owned()));
        http.body_bytes = body.len() as u64;
        http.body = Some(Bytes::from(body));
    };
    let text = || String::from_utf8_lossy(payload).into_owned();
    match place {
        Place::Query => http.target = format!("/search?q={}", as_query(payload)),
        Place::Path => http.target = format!("/files/{}", as_query(payload)),
        Place::Form => body("application/x-www-form-urlencoded", format!("q={}", as_query(payload)).into_bytes()),
        Place::Json => body("application/json", serde_json::json!({ "q": text() }).to_string().into_bytes()),
        Place::Xml => {
            let escaped = text().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            body("application/xml", format!("<search><q>{escaped}</q></search>").into_bytes());
        }
        Place::Header => http.headers.push(("x-search".into(), text().replace(['\r', '\n'], " "))),
        Place::Cookie => http.headers.push(("cookie".into(), format!("q={}", text().replace(';', "%3B")))),
    }
    Event::new(Meta::default(), Body::Http(Box::new(http)), Bytes::default())
}

/// RFC 3986 `query`, with `%`.
fn is_query_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&byte)
}

fn as_query(payload: &[u8]) -> String {
    if payload.iter().all(|b| is_query_byte(*b)) {
        return String::from_utf8_lossy(payload).into_owned();
    }
    let mut out = String::with_capacity(payload.len() * 3);
    for &byte in payload {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let digit = |d: u8| char::from_digit(u32::from(d), 16).unwrap_or('0').to_ascii_uppercase();
            out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    out
}
