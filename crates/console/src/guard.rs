//! What stands before every route: which host was asked for, whether a change comes from our own pages, who is logged in.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::href::Href;
use crate::page;
use crate::router::App;
use crate::session::Who;

/// Where a changing request comes from, as far as its headers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The browser says: our own page.
    Ours,
    /// Neither `Sec-Fetch-Site` nor `Origin` was sent: the token of the form alone decides.
    Unsaid,
}

pub(crate) async fn check(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let Some(host) = host(&request).filter(|host| is_ours(host, &app.names)) else {
        return page::problem(StatusCode::MISDIRECTED_REQUEST, "this console does not answer to that name", is_api(request.uri().path()));
    };
    let path = request.uri().path().to_owned();
    if !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        match origin(request.headers(), &host) {
            Some(origin) => drop(request.extensions_mut().insert(origin)),
            None => return page::problem(StatusCode::FORBIDDEN, "this change was not asked for on a page of this console", is_api(&path)),
        }
    }
    let unattended = path == "/live" || request.headers().contains_key("x-unattended");
    let who = cookie(request.headers(), &app.cookie).and_then(|secret| match unattended {
        true => app.sessions.who_unattended(secret, Instant::now()),
        false => app.sessions.who(secret, Instant::now()),
    });
    if let Some(who) = who {
        request.extensions_mut().insert(who);
        return next.run(request).await;
    }
    request.extensions_mut().insert(Who::default());
    if is_public(&path) {
        return next.run(request).await;
    }
    if is_api(&path) || path == "/live" {
        return page::problem(StatusCode::UNAUTHORIZED, "log in first", true);
    }
    // A link in a chat brings no `SameSite=Strict` cookie; a reload that our own page asks for does.
    let from_elsewhere = request.headers().get("sec-fetch-site").is_some_and(|site| site == "cross-site");
    if request.method() == Method::GET && from_elsewhere {
        return page::login::again().into_response();
    }
    let next = request.uri().path_and_query().and_then(|p| Href::local(p.as_str()));
    let login = match next.filter(|n| n.as_str() != "/" && request.method() == Method::GET) {
        Some(next) => Href::to("/login").query("next", next.as_str()),
        None => Href::to("/login"),
    };
    see_other(&login)
}

pub(crate) fn see_other(to: &Href) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, to.as_str().to_owned())]).into_response()
}

fn is_public(path: &str) -> bool {
    matches!(path, "/login" | "/healthz" | "/readyz") || path.starts_with("/once/") || path.starts_with("/asset/")
}

pub(crate) fn is_api(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/")
}

/// `Host` without the port, and with it as sent.
struct Host {
    name: String,
    sent: String,
}

fn host(request: &Request) -> Option<Host> {
    let mut all = request.headers().get_all(header::HOST).iter();
    let sent = all.next()?.to_str().ok()?.to_ascii_lowercase();
    if all.next().is_some() || request.uri().authority().is_some_and(|a| !a.as_str().eq_ignore_ascii_case(&sent)) {
        return None;
    }
    let name = match sent.strip_prefix('[') {
        Some(v6) => v6.split_once(']')?.0,
        None => sent.split_once(':').map_or(sent.as_str(), |(name, _)| name),
    };
    Some(Host { name: name.to_owned(), sent })
}

/// Anything else is somebody's name that was made to point here (DNS rebinding).
fn is_ours(host: &Host, names: &[String]) -> bool {
    host.name == "localhost"
        || host.name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        || names.iter().any(|name| name.eq_ignore_ascii_case(&host.name))
}

/// `None`: the browser says that another site asks. Both headers are checked wherever they are sent.
fn origin(headers: &HeaderMap, host: &Host) -> Option<Origin> {
    let site = headers.get("sec-fetch-site");
    let origin = headers.get(header::ORIGIN);
    let site_is_good = site.is_none_or(|s| s == "same-origin" || s == "none");
    let ours =
        |o: &str| o.strip_prefix("http://").or_else(|| o.strip_prefix("https://")).is_some_and(|o| o.eq_ignore_ascii_case(&host.sent));
    let origin_is_good = origin.is_none_or(|o| o.to_str().is_ok_and(ours));
    match (site_is_good && origin_is_good, site.is_some() || origin.is_some()) {
        (false, _) => None,
        (true, true) => Some(Origin::Ours),
        (true, false) => Some(Origin::Unsaid),
    }
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(';'));
    all.filter_map(|pair| pair.trim().split_once('=')).find(|(n, v)| *n == name && v.len() <= 128).map(|(_, v)| v)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host_of(sent: &str) -> Option<Host> {
        let request = Request::builder().uri("/").header("host", sent).body(axum::body::Body::empty()).ok()?;
        host(&request)
    }

    #[test]
    fn only_our_names_are_answered() {
        let names = ["bartizan.example".to_owned()];
        let check = |sent: &str, expected: bool| assert_eq!(host_of(sent).is_some_and(|h| is_ours(&h, &names)), expected, "{sent}");
        for good in ["127.0.0.1", "127.0.0.1:8443", "localhost:1", "LOCALHOST", "[::1]:8443", "127.9.9.9", "Bartizan.example:8443"] {
            check(good, true);
        }
        for bad in ["evil.example", "127.0.0.1.evil.example", "203.0.113.9", "[2001:db8::1]:80", "", "localhost.evil.example", "0.0.0.0"] {
            check(bad, false);
        }
    }

    #[test]
    fn changes_come_from_our_pages() {
        let host = Host { name: "127.0.0.1".into(), sent: "127.0.0.1:8443".into() };
        let check = |site: Option<&str>, from: Option<&str>, expected: Option<Origin>| {
            let mut headers = HeaderMap::new();
            for (name, value) in [("sec-fetch-site", site), ("origin", from)] {
                if let Some(value) = value {
                    headers.insert(name, value.parse().expect("a header value"));
                }
            }
            assert_eq!(origin(&headers, &host), expected, "{site:?} {from:?}");
        };
        check(Some("same-origin"), Some("http://127.0.0.1:8443"), Some(Origin::Ours));
        check(Some("none"), None, Some(Origin::Ours));
        check(None, Some("http://127.0.0.1:8443"), Some(Origin::Ours));
        check(None, None, Some(Origin::Unsaid));
        check(Some("cross-site"), None, None);
        check(Some("same-site"), Some("http://127.0.0.1:8443"), None);
        check(Some("same-origin"), Some("http://evil.example"), None);
        check(None, Some("http://127.0.0.1:3000"), None);
        check(None, Some("null"), None);
    }
}
