//! One datagram, one message (RFC 5426).
//!
//! Datagrams are read as fast as they come; what finds the way to the engine full is lost and counted, and so is what the kernel dropped
//! because its buffer was full: it says so in `/proc/net/udp`.

use std::fs::{self, File};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use tokio::sync::mpsc::Sender;
use tokio::time::Instant;

use super::{frame, sender};
use crate::{Batch, Counters};

/// Asked of the kernel, which may give less.
const BUFFER_BYTES: usize = 4 << 20;
/// Datagrams that are read before they go on together.
const BURST_MAX: usize = 256;
const LOOK: Duration = Duration::from_secs(2);

pub(super) async fn serve(socket: &UdpSocket, name: &str, counters: &Counters, send: Sender<Batch>) -> io::Result<()> {
    let _ = socket2::SockRef::from(socket).set_recv_buffer_size(BUFFER_BYTES);
    let kernel = Kernel::of(socket);
    let socket = tokio::net::UdpSocket::from_std(socket.try_clone()?)?;
    let mut dropped = kernel.as_ref().map_or(0, Kernel::dropped);
    let mut buffer = vec![0; 64 << 10];
    let mut look = Instant::now() + LOOK;
    loop {
        let ready = tokio::time::timeout_at(look, socket.readable()).await;
        if Instant::now() >= look {
            let now = kernel.as_ref().map_or(0, Kernel::dropped);
            Counters::add(&counters.shed, now.saturating_sub(dropped));
            (dropped, look) = (now, Instant::now() + LOOK);
        }
        let Ok(ready) = ready else { continue };
        ready?;
        for chunk in burst(&socket, &mut buffer, name) {
            let records = chunk.line_count() as u64;
            match send.try_send(chunk) {
                Ok(()) => {}
                Err(tokio::sync::mpsc::error::TrySendError::Full(_)) => Counters::add(&counters.shed, records),
                Err(tokio::sync::mpsc::error::TrySendError::Closed(_)) => return Ok(()),
            }
        }
        // A flood is always readable: the end must have its turn.
        tokio::task::yield_now().await;
    }
}

/// What waits in the socket, by peer.
fn burst(socket: &tokio::net::UdpSocket, buffer: &mut [u8], name: &str) -> Vec<Batch> {
    let mut chunks: Vec<(IpAddr, Batch)> = Vec::new();
    let mut bytes = 0;
    for _ in 0..BURST_MAX {
        let (read, peer): (usize, SocketAddr) = match socket.try_recv_from(buffer) {
            Ok(read) => read,
            // Nothing more; or an answer of the network to nothing that was sent.
            Err(_) => break,
        };
        let at = chunks.iter().position(|(held, _)| *held == peer.ip()).unwrap_or_else(|| {
            chunks.push((peer.ip(), Batch::of(sender(name, peer.ip()))));
            chunks.len() - 1
        });
        chunks[at].1.push(frame::trimmed(&buffer[..read]), None, None);
        bytes += read;
        if bytes >= buffer.len() {
            break;
        }
    }
    chunks.into_iter().map(|(_, chunk)| chunk).collect()
}

/// What the kernel says about a socket.
struct Kernel {
    inode: u64,
}

impl Kernel {
    fn of(socket: &UdpSocket) -> Option<Kernel> {
        let same = File::from(socket.as_fd().try_clone_to_owned().ok()?);
        Some(Kernel { inode: same.metadata().ok()?.ino() })
    }

    /// Datagrams that it dropped since the socket is open.
    fn dropped(&self) -> u64 {
        let inode = self.inode.to_string();
        let tables = ["/proc/net/udp", "/proc/net/udp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
        let line = tables.iter().flat_map(|table| table.lines()).find(|line| line.split_whitespace().nth(9) == Some(&inode));
        line.and_then(|line| line.split_whitespace().last()?.parse().ok()).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_says_what_it_dropped() {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let kernel = Kernel::of(&socket).expect("an inode");
        assert_eq!(kernel.dropped(), 0);
        socket2::SockRef::from(&socket).set_recv_buffer_size(4096).expect("a small buffer");
        let to = socket.local_addr().expect("an address");
        let from = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        for _ in 0..100 {
            from.send_to(&[b'x'; 1000], to).expect("sent");
        }
        let mut kept = 0;
        socket.set_nonblocking(true).expect("a mode");
        while socket.recv(&mut [0; 2000]).is_ok() {
            kept += 1;
        }
        assert!(kept < 100, "nothing was dropped");
        assert_eq!(kernel.dropped() + kept, 100);
    }
}
