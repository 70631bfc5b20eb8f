//! A small shop that the demo protects: pages, a search with the classic mistake, a login. It holds made-up data only.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;

pub const PRODUCTS: &[(&str, u32)] = &[
    ("Brass lantern", 4_900),
    ("Hemp rope, 20 m", 1_850),
    ("Oak bucket", 2_300),
    ("Signal horn", 7_400),
    ("Iron key ring", 950),
    ("Wool blanket", 5_200),
    ("Field telescope", 18_900),
    ("Stone mortar", 3_100),
];

/// Takes a free port on loopback and serves until the runtime ends.
pub async fn open() -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let addr = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service_fn(answer)).await;
            });
        }
    });
    Ok(addr)
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let method = request.method().clone();
    Ok(match (method, path.as_str()) {
        (Method::GET, "/") => page("Welcome", &listing(|_| true)),
        (Method::GET, "/search") => search(&query),
        (Method::POST, "/login") => login(request).await,
        (Method::GET, "/login") => {
            page("Log in", "<form method=post><input name=user><input name=password type=password><button>Log in</button></form>")
        }
        (Method::GET, "/cart") => page("Cart", "<p>Your cart is empty."),
        (Method::GET, "/about") => page("About", "<p>Everything a watchman needs, since 1298."),
        (Method::GET, path) if path.starts_with("/product/") => product(path),
        (Method::GET, "/style.css") => typed("text/css", "body{font:16px sans-serif;max-width:50em;margin:2em auto}"),
        (Method::GET, "/robots.txt") => typed("text/plain", "User-agent: *\nAllow: /\n"),
        _ => with(StatusCode::NOT_FOUND, page("Not here", "<p>No such page.")),
    })
}

fn product(path: &str) -> Response<Full<Bytes>> {
    let number = path.trim_start_matches("/product/").parse::<usize>().ok();
    match number.and_then(|n| PRODUCTS.get(n)) {
        Some((name, cents)) => page(name, &format!("<p>{}.{:02} EUR", cents / 100, cents % 100)),
        None => with(StatusCode::NOT_FOUND, page("Not here", "<p>No such product.")),
    }
}

/// Pastes the words into its query, as too many shops do: a quote breaks it, a UNION reads the customers.
fn search(query: &str) -> Response<Full<Bytes>> {
    let words = query.split('&').find_map(|p| p.strip_prefix("q=")).unwrap_or_default().replace('+', " ");
    let words = decoded(&words).to_lowercase();
    if words.contains("union") && words.contains("select") {
        let rows: String = (0..400).map(|n| format!("<tr><td>customer{n}@example.org<td>$argon2id$v=19$made-up${n:064x}")).collect();
        return page("Search", &format!("<table>{rows}</table>"));
    }
    if words.contains('\'') {
        return with(StatusCode::INTERNAL_SERVER_ERROR, page("Error", "<p>near \"'\": syntax error"));
    }
    page("Search", &listing(|name| name.to_lowercase().contains(words.trim())))
}

async fn login(request: Request<Incoming>) -> Response<Full<Bytes>> {
    const BODY_BYTES_MAX: usize = 4 << 10;
    let body = Limited::new(request.into_body(), BODY_BYTES_MAX).collect().await.map(|b| b.to_bytes()).unwrap_or_default();
    if body.windows(12).any(|w| w == b"bell-and-gate") || body.ends_with(b"password=lantern-oak-7") {
        return with(StatusCode::SEE_OTHER, page("Welcome back", ""));
    }
    with(StatusCode::UNAUTHORIZED, page("Log in", "<p>Unknown user or wrong password."))
}

fn listing(keep: impl Fn(&str) -> bool) -> String {
    let rows: Vec<String> = PRODUCTS
        .iter()
        .enumerate()
        .filter(|(_, (name, _))| keep(name))
        .map(|(n, (name, _))| format!("<li><a href=\"/product/{n}\">{name}</a>"))
        .collect();
    format!("<ul>{}</ul>", rows.join(""))
}

fn page(title: &str, body: &str) -> Response<Full<Bytes>> {
    typed(
        "text/html; charset=utf-8",
        &format!("<!doctype html><html lang=en><title>{title}</title><link rel=stylesheet href=/style.css><h1>{title}</h1>{body}"),
    )
}

fn typed(kind: &'static str, body: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body.to_owned())));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn with(status: StatusCode, mut response: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
    *response.status_mut() = status;
    response
}

/// Percent-decoding, enough for a shop.
fn decoded(text: &str) -> String {
    let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
        } else if let (Some(high), Some(low)) = (digit(bytes.next()), digit(bytes.next())) {
            out.push((high * 16 + low) as u8);
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
