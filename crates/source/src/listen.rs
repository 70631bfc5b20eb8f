//! A listener for connections: how many, from where, how long they may be silent, and TLS where it was asked for.
//!
//! Bounds: connections altogether and of one address; more are closed at once and counted. A handshake has ten seconds. Where a peer is gone
//! without a word, TCP keep-alive notices.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::{Counters, Error, Locator, Opening};

/// How much a listener takes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub connections_max: u32,
    /// Of one address, so that one machine cannot keep the others out.
    pub connections_per_address_max: u32,
    /// A connection without a byte for this long is closed. Senders of plain syslog lose what they write into a closed connection, so it is long.
    pub idle: Duration,
    pub handshake: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections_max: 512,
            connections_per_address_max: 64,
            idle: Duration::from_secs(3_600),
            handshake: Duration::from_secs(10),
        }
    }
}

pub(crate) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<W: AsyncRead + AsyncWrite + Unpin + Send> Wire for W {}

/// Has its address; takes connections with [`Listener::serve`].
pub(crate) struct Listener {
    socket: TcpListener,
    key: String,
    pub(crate) address: SocketAddr,
    acceptor: Option<TlsAcceptor>,
    pub(crate) limits: Limits,
    pub(crate) counters: Arc<Counters>,
}

impl Listener {
    pub(crate) fn open(at: &Locator, tls: Option<rustls::ServerConfig>, opening: &Opening) -> Result<Listener, Error> {
        let failed = |source| Error::Listen { name: at.text().to_owned(), source };
        let socket = match opening.inherited.take(&key(at)?) {
            Some(socket) => TcpListener::from(socket),
            None => TcpListener::bind(at.listen()?).map_err(failed)?,
        };
        socket.set_nonblocking(true).map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        let acceptor = tls.map(|tls| TlsAcceptor::from(Arc::new(tls)));
        Ok(Listener { socket, key: key(at)?, address, acceptor, limits: Limits::default(), counters: Arc::clone(&opening.counters) })
    }

    pub(crate) fn socket(&self) -> Option<(String, OwnedFd)> {
        let again = self.socket.try_clone().ok()?;
        Some((self.key.clone(), again.into()))
    }

    /// Every connection is a task of its own; they end with this future.
    pub(crate) async fn serve<F: Future<Output = ()> + Send>(
        &self,
        each: impl Fn(Box<dyn Wire>, SocketAddr) -> F + Clone + Send + 'static,
    ) -> io::Result<()> {
        let listener = tokio::net::TcpListener::from_std(self.socket.try_clone()?)?;
        let addresses = Arc::new(Mutex::new(HashMap::<IpAddr, u32>::new()));
        let mut open = JoinSet::new();
        loop {
            while open.try_join_next().is_some() {}
            let (stream, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                // Out of files, or a connection that was gone again: neither ends the listener.
                Err(_) => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
            let place = if open.len() < self.limits.connections_max as usize {
                Place::take(&addresses, peer.ip(), self.limits.connections_per_address_max)
            } else {
                None
            };
            let Some(place) = place else {
                Counters::add(&self.counters.refused, 1);
                continue;
            };
            let alive = socket2::TcpKeepalive::new().with_time(Duration::from_secs(120));
            let _ = socket2::SockRef::from(&stream).set_tcp_keepalive(&alive);
            let _ = stream.set_nodelay(true);
            let (acceptor, counters, each, handshake) =
                (self.acceptor.clone(), Arc::clone(&self.counters), each.clone(), self.limits.handshake);
            open.spawn(async move {
                let (_place, _open) = (place, counters.connection());
                let Some(acceptor) = acceptor else { return each(Box::new(stream), peer).await };
                match tokio::time::timeout(handshake, acceptor.accept(stream)).await {
                    Ok(Ok(stream)) => each(Box::new(stream), peer).await,
                    _ => Counters::add(&counters.broken, 1),
                }
            });
        }
    }
}

/// By what a socket is known: certificates and tokens may change across a restart, the address and what is spoken there may not.
pub(crate) fn key(at: &Locator) -> Result<String, Error> {
    Ok(format!("{}://{}", at.kind().scheme, at.listen()?))
}

/// One of the connections that an address may have.
struct Place {
    addresses: Arc<Mutex<HashMap<IpAddr, u32>>>,
    address: IpAddr,
}

impl Place {
    fn take(addresses: &Arc<Mutex<HashMap<IpAddr, u32>>>, address: IpAddr, max: u32) -> Option<Place> {
        let mut held = addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(address).or_default();
        if *count >= max {
            return None;
        }
        *count += 1;
        Some(Place { addresses: Arc::clone(addresses), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.address);
            }
        }
    }
}

/// Options `cert`, `key` and, where clients must show a certificate, `client-ca`.
pub(crate) fn tls(at: &Locator) -> Result<rustls::ServerConfig, Error> {
    let (cert, key) = (at.file("cert"), at.file("key"));
    let failed = |path: &Path, why: String| Error::Tls { path: path.to_owned(), why };
    let chain = certificates(&cert)?;
    let key_der = PrivateKeyDer::from_pem_file(&key).map_err(|e| failed(&key, format!("{e}; expected a private key in PEM")))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| failed(&cert, e.to_string()))?;
    let builder = if at.option("client-ca").is_some() {
        let ca = at.file("client-ca");
        let mut roots = rustls::RootCertStore::empty();
        for certificate in certificates(&ca)? {
            roots.add(certificate).map_err(|e| failed(&ca, e.to_string()))?;
        }
        let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|e| failed(&ca, e.to_string()))?;
        builder.with_client_cert_verifier(verifier)
    } else {
        builder.with_no_client_auth()
    };
    builder.with_single_cert(chain, key_der).map_err(|e| failed(&key, format!("{e}; expected the key of {}", cert.display())))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let failed = |why: String| Error::Tls { path: path.to_owned(), why };
    let read: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).map_err(|e| failed(e.to_string()))?.collect();
    let chain = read.map_err(|e| failed(e.to_string()))?;
    if chain.is_empty() { Err(failed("no certificate in it; expected PEM".into())) } else { Ok(chain) }
}
