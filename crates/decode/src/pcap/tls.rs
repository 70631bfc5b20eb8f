//! TLS from its outside: records to handshake messages, ClientHello, ServerHello and, up to TLS 1.2, the server's certificate.
//!
//! Handshake messages may be spread over records and records over segments; at most [`HANDSHAKE_BYTES_MAX`] a direction are held.

use event::Text;
use event::network::Tls;

use super::certificate;
use super::cursor::Cursor;
use super::fingerprint::{self, Hello};

const HANDSHAKE_BYTES_MAX: usize = 64 << 10;
/// Hellos of one connection that are looked at.
const HELLOS_MAX: usize = 4;

/// Could be the beginning of a TLS record with a handshake message.
pub(super) fn is_hello(bytes: &[u8]) -> bool {
    matches!(bytes, [0x16, 0x03, 0..=4, _, _, 1 | 2, ..])
}

#[derive(Default)]
pub(super) struct Talk {
    pub(super) tls: Tls,
    sides: [Side; 2],
    hellos: usize,
    legacy: u16,
}

#[derive(Default)]
struct Side {
    handshake: Vec<u8>,
    /// Encrypted from here on, or not TLS any more.
    over: bool,
}

impl Talk {
    /// Nothing more can be learned.
    pub(super) fn over(&self) -> bool {
        self.sides[0].over && self.sides[1].over
    }

    /// Takes whole records off `bytes`, which come from the client (0) or server (1); says how many bytes were used.
    pub(super) fn read(&mut self, side: usize, bytes: &[u8]) -> usize {
        let mut at = 0;
        while !self.sides[side].over {
            let Some([kind, 0x03, _, high, low]) = bytes.get(at..at + 5).and_then(<[u8]>::first_chunk::<5>) else {
                self.sides[side].over |= bytes.len() >= at + 5;
                break;
            };
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let Some(record) = bytes.get(at + 5..at + 5 + length) else { break };
            at += 5 + length;
            match kind {
                0x16 if self.sides[side].handshake.len() + record.len() <= HANDSHAKE_BYTES_MAX => {
                    self.sides[side].handshake.extend_from_slice(record);
                    self.messages(side);
                }
                // A change of cipher spec: what follows is encrypted, save for TLS 1.3's pretended one before a second hello.
                0x14 => self.sides[side].over = side == 1 && self.tls.version != "TLSv1.3" || self.hellos >= HELLOS_MAX,
                0x15 if length == 2 => {}
                _ => self.sides[side].over = true,
            }
        }
        if self.sides[side].over { bytes.len() } else { at }
    }

    fn messages(&mut self, side: usize) {
        let held = std::mem::take(&mut self.sides[side].handshake);
        let mut at = 0;
        loop {
            let mut cursor = Cursor(&held[at..]);
            let (Some(kind), Some(length)) = (cursor.u8(), cursor.u24()) else { break };
            if length > HANDSHAKE_BYTES_MAX || !matches!(kind, 0..=24 | 67) {
                self.sides[side].over = true;
                break;
            }
            let Some(message) = cursor.take(length) else { break };
            at += 4 + length;
            match (side, kind) {
                (0, 1) => self.client_hello(message),
                (1, 2) => self.server_hello(message),
                (1, 11) => certificate::read(message, &mut self.tls),
                _ => {}
            }
        }
        self.sides[side].handshake = held[at..].to_vec();
    }

    fn client_hello(&mut self, message: &[u8]) {
        self.hellos += 1;
        let Some(hello) = Hello::read(message) else { return };
        if self.hellos > 1 {
            if self.tls.ja4_later.len() < HELLOS_MAX {
                self.tls.ja4_later.push(fingerprint::ja4(&hello, 't').into());
            }
            return;
        }
        self.legacy = hello.legacy;
        self.tls.ja4 = fingerprint::ja4(&hello, 't').into();
        self.tls.ja3 = fingerprint::ja3(&hello).into();
        self.tls.sni = shown(hello.sni);
        self.tls.alpn = hello.alpn.iter().take(16).map(|name| shown(name)).collect();
        if self.tls.version.is_empty() {
            self.tls.version = version(hello.version());
        }
    }

    fn server_hello(&mut self, message: &[u8]) {
        let mut cursor = Cursor(message);
        let (Some(legacy), Some(random)) = (cursor.u16(), cursor.take(32)) else { return };
        let (Some(_), Some(cipher)) = (cursor.short(), cursor.u16()) else { return };
        let mut chosen = legacy;
        cursor.u8();
        let mut extensions = cursor.long().unwrap_or(Cursor(&[]));
        while let (Some(kind), Some(mut body)) = (extensions.u16(), extensions.long()) {
            if kind == 43 {
                chosen = body.u16().unwrap_or(chosen);
            }
        }
        self.tls.version = version(chosen);
        self.tls.cipher = cipher_name(cipher);
        // After a request to begin again a second hello follows in the clear; otherwise TLS 1.3 is encrypted from here on.
        if chosen == 0x0304 && random != RETRY {
            self.sides = [Side { over: true, ..Side::default() }, Side { over: true, ..Side::default() }];
        }
    }
}

/// RFC 8446 section 4.1.3: the random of a HelloRetryRequest.
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
    0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

fn shown(bytes: &[u8]) -> Text {
    String::from_utf8_lossy(&bytes[..bytes.len().min(255)]).as_ref().into()
}

fn version(wire: u16) -> Text {
    match wire {
        0x0304 => "TLSv1.3".into(),
        0x0303 => "TLSv1.2".into(),
        0x0302 => "TLSv1.1".into(),
        0x0301 => "TLSv1.0".into(),
        0x0300 => "SSLv3".into(),
        other => format!("0x{other:04x}").into(),
    }
}

/// The registry's name, or the number as it stands in the registry.
fn cipher_name(wire: u16) -> Text {
    match tls_parser::TlsCipherSuite::from_id(wire) {
        Some(suite) => suite.name.into(),
        None => format!("0x{wire:04x}").into(),
    }
}
