//! Syslog from other machines: RFC 3164 and RFC 5424 over UDP (RFC 5426), TCP (RFC 6587) and TLS (RFC 5425).
//!
//! A record is a whole message with its priority, and its source names the peer that sent it: what a message says about its host is the
//! sender's word, the peer address of a connection is not (over UDP it can be forged as well).
//!
//! Bounds:     a message 256 KiB, what waits for the engine [`WAITING_MAX`] deliveries of at most 64 KiB and one message, connections by [`Limits`].
//! Full:       TCP and TLS wait, so that the sender keeps what it has; UDP cannot make anybody wait and counts what it loses.

use std::net::{IpAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::gather::{Gather, Numbers};
use crate::listen::{self, Limits, Listener};
use crate::{Batch, Counters, Done, Error, Kind, Locator, Opening, Out, Source, network};

mod datagram;
mod frame;
mod stream;

pub const UDP: Kind = Kind {
    scheme: "syslog+udp",
    about: "syslog messages in UDP datagrams; what nobody can take in time is lost and counted",
    example: "syslog+udp://127.0.0.1:5514",
    options: &[],
    needs: &[],
    is_plain: true,
    encrypted: "syslog+tls",
    open: |at, opening| Ok(Box::new(Syslog::udp(at, opening)?)),
};

pub const TCP: Kind = Kind {
    scheme: "syslog+tcp",
    about: "syslog messages over TCP, counted or line by line",
    example: "syslog+tcp://127.0.0.1:5514",
    options: &[],
    needs: &[],
    is_plain: true,
    encrypted: "syslog+tls",
    open: |at, opening| Ok(Box::new(Syslog::tcp(at, opening)?)),
};

pub const TLS: Kind = Kind {
    scheme: "syslog+tls",
    about: "syslog messages over TLS; client-ca= asks senders for a certificate of that authority",
    example: "syslog+tls://0.0.0.0:6514?cert=/etc/bartizan/log.pem&key=/etc/bartizan/log.key",
    options: &["cert", "key", "client-ca"],
    needs: &["cert", "key"],
    is_plain: false,
    encrypted: "syslog+tls",
    open: |at, opening| Ok(Box::new(Syslog::tcp(at, opening)?)),
};

/// Deliveries that wait for the engine.
const WAITING_MAX: usize = 256;

/// A syslog listener that has its address.
pub struct Syslog {
    name: Arc<str>,
    transport: Transport,
    counters: Arc<Counters>,
}

enum Transport {
    Datagrams(UdpSocket, String),
    Streams(Listener),
}

impl Syslog {
    pub fn udp(at: &Locator, opening: &Opening) -> Result<Syslog, Error> {
        let failed = |source| Error::Listen { name: at.text().to_owned(), source };
        let socket = match opening.inherited.take(&listen::key(at)?) {
            Some(socket) => UdpSocket::from(socket),
            None => UdpSocket::bind(at.listen()?).map_err(failed)?,
        };
        socket.set_nonblocking(true).map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        let name = format!("{}://{address}", at.kind().scheme).into();
        Ok(Syslog { name, transport: Transport::Datagrams(socket, listen::key(at)?), counters: Arc::clone(&opening.counters) })
    }

    /// With TLS when the locator has a certificate.
    pub fn tcp(at: &Locator, opening: &Opening) -> Result<Syslog, Error> {
        let tls = at.option("cert").is_some().then(|| listen::tls(at)).transpose()?;
        let listener = Listener::open(at, tls, opening)?;
        let name = format!("{}://{}", at.kind().scheme, listener.address).into();
        Ok(Syslog { name, transport: Transport::Streams(listener), counters: Arc::clone(&opening.counters) })
    }

    #[must_use]
    pub fn limited(mut self, limits: Limits) -> Syslog {
        if let Transport::Streams(listener) = &mut self.transport {
            listener.limits = limits;
        }
        self
    }
}

impl Source for Syslog {
    fn name(&self) -> &str {
        &self.name
    }

    fn run(&mut self, out: &mut Out<'_>, stop: &AtomicBool) -> Result<Done, Error> {
        let mut numbers = Numbers::new();
        let mut take = |first: Batch, waiting: &mut tokio::sync::mpsc::Receiver<Batch>| {
            let mut gather = Gather::new();
            gather.add(&first);
            while !gather.is_full()
                && let Ok(more) = waiting.try_recv()
            {
                gather.add(&more);
            }
            gather.into_batches().into_iter().try_for_each(|batch| numbers.hand(batch, out))
        };
        let (name, counters) = (&self.name, &self.counters);
        let served = match &self.transport {
            Transport::Datagrams(socket, _) => {
                network::run(WAITING_MAX, stop, |send| datagram::serve(socket, name, counters, send), &mut take)
            }
            Transport::Streams(listener) => network::run(WAITING_MAX, stop, |send| stream::serve(listener, name, send), &mut take),
        };
        served.map_err(|source| Error::Listen { name: self.name.to_string(), source })?;
        Ok(Done { short: Some(crate::Short::Stopped), ..Done::default() })
    }

    fn socket(&self) -> Option<(String, std::os::fd::OwnedFd)> {
        match &self.transport {
            Transport::Datagrams(socket, key) => Some((key.clone(), socket.try_clone().ok()?.into())),
            Transport::Streams(listener) => listener.socket(),
        }
    }
}

/// `syslog+udp://0.0.0.0:5514 from 192.0.2.7`
fn sender(name: &str, peer: IpAddr) -> Arc<str> {
    format!("{name} from {}", peer.to_canonical()).into()
}
