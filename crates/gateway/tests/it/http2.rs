use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Version};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::setup::{OK, Options, gateway, gateway_with, header, upstream};

async fn talk(socket: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> hyper::client::conn::http2::SendRequest<Full<Bytes>> {
    let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket)).await.expect("HTTP/2");
    tokio::spawn(connection);
    sender
}

fn post(scheme: &str, body: &'static str) -> Request<Full<Bytes>> {
    Request::post(format!("{scheme}://shop.example/p?q=1"))
        .header("cookie", "a=1")
        .header("cookie", "b=2")
        .body(Full::new(Bytes::from_static(body.as_bytes())))
        .expect("a request")
}

#[tokio::test]
async fn prior_knowledge_http2_becomes_http1() {
    let mut up = upstream(OK).await;
    let mut setup = gateway(up.address).await;
    let mut sender = talk(TcpStream::connect(setup.gateway).await.expect("a connection")).await;
    let answers = (0..5).map(|_| sender.send_request(post("http", "hello=world"))).collect::<Vec<_>>();
    for answer in answers {
        let answer = answer.await.expect("an answer");
        assert_eq!((answer.status().as_u16(), answer.version()), (200, Version::HTTP_2));
        assert!(answer.headers().contains_key("x-bartizan-request-id"));
        assert_eq!(answer.into_body().collect().await.expect("a body").to_bytes(), "hello");
        let seen = up.request().await;
        assert!(seen.starts_with("POST /p?q=1 HTTP/1.1\r\n") && seen.ends_with("\r\n\r\nhello=world"), "{seen}");
        assert_eq!(header(&seen, "host"), Some("shop.example"));
        assert_eq!(header(&seen, "cookie"), Some("a=1; b=2"));
        let http = setup.http().await;
        assert_eq!((http.version.as_str(), http.host.as_str(), http.status), ("2", "shop.example", Some(200)));
    }
    let mut differing = post("http", "");
    differing.headers_mut().insert("host", http::HeaderValue::from_static("other.example"));
    let answer = sender.send_request(differing).await.expect("an answer");
    assert_eq!(answer.status(), 400);
    assert_eq!(setup.observed().await.fault(), Some("client: target and Host differ"));
}

#[tokio::test]
async fn tls_speaks_both() {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let certificate = CertificateDer::from_pem_slice(include_bytes!("../testdata/localhost.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("../testdata/localhost.key")).expect("a key");
    let server = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .expect("a pair");
    let mut up = upstream(OK).await;
    let setup = gateway_with(up.address, Options { tls: Some(Arc::new(server)), ..Options::default() }).await;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).expect("a root");
    for alpn in [&b"h2"[..], b"http/1.1"] {
        let mut client = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        client.alpn_protocols = vec![alpn.to_vec()];
        let connector = tokio_rustls::TlsConnector::from(Arc::new(client));
        let socket = TcpStream::connect(setup.gateway).await.expect("a connection");
        let socket = connector.connect(ServerName::try_from("localhost").expect("a name"), socket).await.expect("TLS");
        assert_eq!(socket.get_ref().1.alpn_protocol(), Some(alpn));
        let answer = if alpn == b"h2" {
            talk(socket).await.send_request(post("https", "")).await.expect("an answer")
        } else {
            let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket)).await.expect("HTTP/1");
            tokio::spawn(connection);
            let request = Request::get("/").header("host", "shop.example").body(Full::new(Bytes::new())).expect("a request");
            sender.send_request(request).await.expect("an answer")
        };
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.into_body().collect().await.expect("a body").to_bytes(), "hello");
        assert_eq!(header(&up.request().await, "x-forwarded-proto"), Some("https"));
    }
}
