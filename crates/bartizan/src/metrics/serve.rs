//! The listener of state and figures: HTTP/1, GET only, small bounds of its own.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

const CONNECTIONS_MAX: usize = 16;
const HEADER_TIME: Duration = Duration::from_secs(5);
/// A whole connection; whoever asks every few seconds opens another one.
const CONNECTION_TIME: Duration = Duration::from_secs(60);

#[derive(Clone)]
pub struct Wanted {
    pub listen: SocketAddr,
    /// What `/metrics` asks for.
    pub token: Option<String>,
}

/// Whom the listener asks.
#[derive(Clone)]
pub struct Ask {
    pub ready: Arc<dyn Fn() -> bool + Send + Sync>,
    pub page: Arc<dyn Fn() -> String + Send + Sync>,
}

pub async fn bind(listen: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(listen).await
}

/// A listening socket that another process handed over.
pub fn adopt(listener: std::net::TcpListener) -> io::Result<TcpListener> {
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// Answers until `stop` is done.
pub async fn serve(listener: TcpListener, token: Option<String>, ask: Ask, stop: impl Future<Output = ()>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let token: Option<Arc<str>> = token.map(Into::into);
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        // Who finds no place is closed at once: nobody waits for figures.
        let Ok(place) = places.clone().try_acquire_owned() else { continue };
        let (token, ask) = (token.clone(), ask.clone());
        tokio::spawn(async move {
            let _place = place;
            let service = service_fn(move |request| answer(request, token.clone(), ask.clone()));
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_TIME)
                .max_buf_size(16 * 1024)
                .serve_connection(TokioIo::new(stream), service);
            let _ = tokio::time::timeout(CONNECTION_TIME, connection).await;
        });
    }
}

async fn answer<B>(request: Request<B>, token: Option<Arc<str>>, ask: Ask) -> Result<Response<Full<Bytes>>, Infallible> {
    let plain = |status: StatusCode, text: String| {
        let mut response = Response::new(Full::new(Bytes::from(text)));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
        response
    };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(plain(StatusCode::METHOD_NOT_ALLOWED, "GET only\n".into()));
    }
    Ok(match request.uri().path() {
        "/healthz" => plain(StatusCode::OK, "ok\n".into()),
        "/readyz" if (ask.ready)() => plain(StatusCode::OK, "ready\n".into()),
        "/readyz" => plain(StatusCode::SERVICE_UNAVAILABLE, "not ready\n".into()),
        "/metrics" => {
            let sent = request.headers().get(AUTHORIZATION).and_then(|v| v.to_str().ok()).and_then(|v| v.strip_prefix("Bearer "));
            if token.as_ref().is_some_and(|token| !sent.is_some_and(|sent| is_same(sent.trim(), token))) {
                return Ok(plain(StatusCode::UNAUTHORIZED, "Authorization: Bearer TOKEN is missing or wrong\n".into()));
            }
            // Facts of the log are read under its lock, which a writer may hold for a moment.
            match tokio::task::spawn_blocking(move || (ask.page)()).await {
                Ok(page) => plain(StatusCode::OK, page),
                Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, "the figures could not be gathered\n".into()),
            }
        }
        _ => plain(StatusCode::NOT_FOUND, "/healthz, /readyz or /metrics\n".into()),
    })
}

/// Takes as long for a wrong token as for the right one.
fn is_same(sent: &str, token: &str) -> bool {
    let (sent, token) = (sent.as_bytes(), token.as_bytes());
    let differs = sent.iter().zip(token.iter().cycle()).fold(0, |all, (a, b)| all | (a ^ b));
    sent.len() == token.len() && differs == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(method: &str, path: &str, sent: Option<&str>, ready: bool, token: Option<&str>) -> u16 {
        let asked = Ask { ready: Arc::new(move || ready), page: Arc::new(String::new) };
        let mut request = Request::builder().method(method).uri(path);
        if let Some(sent) = sent {
            request = request.header("authorization", sent);
        }
        let request = request.body(()).expect("a request");
        answer(request, token.map(Into::into), asked).await.unwrap_or_else(|never| match never {}).status().as_u16()
    }

    #[tokio::test]
    async fn states_are_open_and_figures_ask_for_the_token() {
        for (method, path, sent, ready, token, status) in [
            ("GET", "/healthz", None, false, Some("t0ken"), 200),
            ("GET", "/readyz", None, true, Some("t0ken"), 200),
            ("GET", "/readyz", None, false, None, 503),
            ("GET", "/metrics", None, true, None, 200),
            ("GET", "/metrics", None, true, Some("t0ken"), 401),
            ("GET", "/metrics", Some("Bearer t0ke"), true, Some("t0ken"), 401),
            ("GET", "/metrics", Some("Bearer t0kenn"), true, Some("t0ken"), 401),
            ("GET", "/metrics", Some("Bearer t0ken"), true, Some("t0ken"), 200),
            ("POST", "/metrics", None, true, None, 405),
            ("GET", "/", None, true, None, 404),
        ] {
            assert_eq!(ask(method, path, sent, ready, token).await, status, "{method} {path} {sent:?}");
        }
    }
}
