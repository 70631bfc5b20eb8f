//! A connection with an end: plain or TLS, and every read and write within one deadline.

use std::io::{Error, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::Fault;

/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 4;

pub(super) struct Wire {
    socket: TcpStream,
    deadline: Instant,
}

pub(super) enum Line {
    Plain(Wire),
    Tls(Box<StreamOwned<ClientConnection, Wire>>),
}

fn left(deadline: Instant) -> std::io::Result<std::time::Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(Error::new(ErrorKind::TimedOut, "no answer in time")) } else { Ok(left) }
}

pub(super) fn connect(host: &str, port: u16, deadline: Instant) -> Result<Wire, Fault> {
    let again = |error: &dyn std::fmt::Display| Fault::Again(format!("{host}:{port}: {error}"));
    let addresses: Vec<_> = (host, port).to_socket_addrs().map_err(|e| again(&e))?.take(ADDRESSES_MAX).collect();
    let mut last = again(&"no address");
    for address in addresses {
        let tried = left(deadline).and_then(|left| TcpStream::connect_timeout(&address, left));
        match tried {
            Ok(socket) => {
                let _ = socket.set_nodelay(true);
                return Ok(Wire { socket, deadline });
            }
            Err(error) => last = again(&error),
        }
    }
    Err(last)
}

/// The web's certificate authorities.
fn web() -> Result<Arc<ClientConfig>, String> {
    static WEB: OnceLock<Result<Arc<ClientConfig>, String>> = OnceLock::new();
    WEB.get_or_init(|| client(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })).clone()
}

pub(super) fn client(roots: RootCertStore) -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(|e| e.to_string())?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

/// From here on encrypted, with somebody whose certificate names `host`.
pub(super) fn encrypt(mut wire: Wire, host: &str, trust: Option<&Arc<ClientConfig>>) -> Result<Line, Fault> {
    let config = trust.cloned().map_or_else(web, Ok).map_err(Fault::Never)?;
    let name = ServerName::try_from(host.to_owned()).map_err(|_| Fault::Never(format!("{host} is no name for a certificate")))?;
    let mut connection = ClientConnection::new(config, name).map_err(|e| Fault::Never(format!("{host}: TLS: {e}")))?;
    while connection.is_handshaking() {
        connection.complete_io(&mut wire).map_err(|e| Fault::Again(format!("{host}: TLS: {e}")))?;
    }
    Ok(Line::Tls(Box::new(StreamOwned::new(connection, wire))))
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.socket.set_read_timeout(Some(left(self.deadline)?))?;
        self.socket.read(buffer)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.socket.set_write_timeout(Some(left(self.deadline)?))?;
        self.socket.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.socket.flush()
    }
}

impl Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Line::Plain(wire) => wire.read(buffer),
            Line::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Line::Plain(wire) => wire.write(bytes),
            Line::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Line::Plain(wire) => wire.flush(),
            Line::Tls(stream) => stream.flush(),
        }
    }
}
