//! Which protocol a conversation speaks, found from its first bytes, and what that protocol's reader made of it.

use event::network::{Ssh, Tls};
use event::{Dns, Text, Time};

use super::stream::Stream;
use super::{dns, http, ssh, tls};

/// First bytes that are looked at before a protocol is given up on.
const SNIFF_BYTES_MAX: usize = 4 << 10;
/// Bytes that a protocol's reader may leave unused; more and the conversation is not followed further.
const UNUSED_BYTES_MAX: usize = 128 << 10;
/// Queries of one conversation that wait for answers.
const QUERIES_MAX: usize = 64;

#[derive(Default)]
pub(super) struct App {
    kind: Kind,
    /// Learned on the way, kept when one protocol follows another (CONNECT, STARTTLS).
    tls: Option<Box<Tls>>,
    host: Text,
    first: Text,
    pub(super) queries: Vec<Query>,
}

#[derive(Default)]
enum Kind {
    /// Not known yet.
    #[default]
    Sniff,
    /// Not followed, or not any more.
    Opaque,
    Http(Box<http::Talk>),
    Tls(Box<tls::Talk>),
    Ssh(Box<ssh::Talk>),
    Dns,
    /// SMTP until it turns to TLS.
    Smtp,
}

/// A DNS query that waits for its answer.
pub(super) struct Query {
    pub(super) dns: Dns,
    pub(super) start: Time,
    pub(super) frame: u64,
}

/// What a conversation's protocol tells as events of its own.
#[derive(Default)]
pub(super) struct Said {
    pub(super) http: Vec<http::Exchange>,
    /// Messages of DNS over TCP with the side they came from.
    pub(super) dns: Vec<(usize, dns::Message, usize)>,
}

impl App {
    /// No byte of this conversation is looked at any more.
    pub(super) fn is_opaque(&self) -> bool {
        matches!(self.kind, Kind::Opaque)
    }

    /// Protocol, server's name, TLS and SSH.
    pub(super) fn said(&mut self) -> (Text, Text, Option<Box<Tls>>, Option<Box<Ssh>>) {
        self.keep();
        let mut ssh = None;
        if let Kind::Ssh(talk) = &mut self.kind {
            ssh = Some(Box::new(std::mem::take(&mut talk.ssh)));
        }
        let sni = self.tls.as_ref().map(|t| t.sni.clone()).unwrap_or_default();
        let name = if sni.is_empty() { host_only(&self.host) } else { sni };
        (self.first.clone(), name, self.tls.take(), ssh)
    }

    /// Takes over what a reader learned before it is replaced.
    fn keep(&mut self) {
        match &mut self.kind {
            Kind::Tls(talk) => self.tls = Some(Box::new(std::mem::take(&mut talk.tls))),
            Kind::Http(talk) if self.host.is_empty() => self.host = std::mem::take(&mut talk.host),
            _ => {}
        }
    }

    fn become_kind(&mut self, kind: Kind, name: &'static str) {
        self.keep();
        self.kind = kind;
        if self.first.is_empty() {
            self.first = name.into();
        }
    }

    /// New bytes of a side stand in its stream.
    pub(super) fn read(&mut self, side: usize, streams: &mut [Stream; 2], now: (Time, u64), port: u16, said: &mut Said) {
        // Twice: a protocol that was just recognised, or that turned into another, reads what both sides already said.
        for _ in 0..4 {
            if matches!(self.kind, Kind::Sniff) && !self.sniff(streams, port) {
                break;
            }
            let mut again = false;
            for side in [side, 1 - side] {
                again |= self.side(side, &mut streams[side], now, said);
            }
            if !again {
                break;
            }
        }
        for stream in streams {
            if self.is_opaque() || stream.data.len() > UNUSED_BYTES_MAX {
                self.keep();
                self.stop();
                stream.data = Vec::new();
            }
        }
    }

    /// Says whether another protocol may begin.
    fn side(&mut self, side: usize, stream: &mut Stream, now: (Time, u64), said: &mut Said) -> bool {
        let mut changed = false;
        let used = match &mut self.kind {
            Kind::Sniff | Kind::Opaque => 0,
            Kind::Http(talk) => {
                let used = talk.read(side, &stream.data, now, &mut said.http);
                if talk.is_tunnel() {
                    self.keep();
                    self.kind = Kind::Sniff;
                    changed = true;
                } else if talk.over() {
                    self.stop();
                }
                used
            }
            Kind::Tls(talk) => {
                let used = talk.read(side, &stream.data);
                if talk.over() {
                    self.stop();
                }
                used
            }
            Kind::Ssh(talk) => talk.read(side, &stream.data),
            Kind::Dns => dns_messages(side, &stream.data, said),
            Kind::Smtp => {
                changed = tls::is_hello(&stream.data);
                if changed {
                    self.kind = Kind::Sniff;
                    0
                } else {
                    stream.data.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1)
                }
            }
        };
        stream.data.drain(..used);
        changed
    }

    fn stop(&mut self) {
        // An SSH session keeps its reader, which holds what was learned and uses up everything.
        if !matches!(self.kind, Kind::Ssh(_)) {
            self.keep();
            self.kind = Kind::Opaque;
        }
    }

    fn sniff(&mut self, streams: &[Stream; 2], port: u16) -> bool {
        let (client, server) = (streams[0].data.as_slice(), streams[1].data.as_slice());
        if tls::is_hello(client) || tls::is_hello(server) {
            self.become_kind(Kind::Tls(Box::default()), "tls");
        } else if http::is_request(client) || http::is_response(server) {
            self.become_kind(Kind::Http(Box::default()), "http");
        } else if client.starts_with(b"SSH-") || server.starts_with(b"SSH-") {
            self.become_kind(Kind::Ssh(Box::default()), "ssh");
        } else if is_mail(client, server) {
            self.become_kind(Kind::Smtp, "smtp");
        } else if port == 53 && [client, server].iter().any(|d| d.get(2..).is_some_and(|m| dns::read(m).is_some())) {
            self.become_kind(Kind::Dns, "dns");
        } else {
            if client.len() + server.len() > SNIFF_BYTES_MAX {
                self.stop();
            }
            return false;
        }
        true
    }

    /// `n` bytes of a side were not captured.
    pub(super) fn gap(&mut self, side: usize, n: u64, stream: &mut Stream) {
        match &mut self.kind {
            Kind::Http(talk) if stream.data.is_empty() => talk.gap(side, n),
            Kind::Smtp => stream.data.clear(),
            _ => self.stop(),
        }
    }

    /// The conversation is over.
    pub(super) fn close(&mut self, said: &mut Said) {
        if let Kind::Http(talk) = &mut self.kind {
            talk.close(&mut said.http);
        }
    }

    /// A datagram of DNS, which every side may send.
    pub(super) fn is_dns(&mut self) {
        if self.first.is_empty() {
            self.first = "dns".into();
        }
    }

    pub(super) fn ask(&mut self, query: Query) -> Option<Query> {
        self.queries.push(query);
        (self.queries.len() > QUERIES_MAX).then(|| self.queries.remove(0))
    }

    /// The query that this answer belongs to.
    pub(super) fn answered(&mut self, answer: &dns::Message) -> Option<Query> {
        let at = self.queries.iter().position(|q| q.dns.id == Some(answer.id) && (answer.name.is_empty() || q.dns.name == answer.name))?;
        Some(self.queries.remove(at))
    }
}

fn is_mail(client: &[u8], server: &[u8]) -> bool {
    let hello = |bytes: &[u8]| bytes.get(..5).is_some_and(|b| b.eq_ignore_ascii_case(b"EHLO ") || b.eq_ignore_ascii_case(b"HELO "));
    hello(client) && (server.is_empty() || server.starts_with(b"2"))
}

/// Without the port.
fn host_only(host: &str) -> Text {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => name.into(),
        _ => host.into(),
    }
}

fn dns_messages(side: usize, bytes: &[u8], said: &mut Said) -> usize {
    let mut at = 0;
    while let Some([high, low]) = bytes.get(at..at + 2) {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let Some(message) = bytes.get(at + 2..at + 2 + length) else { break };
        if let Some(read) = dns::read(message) {
            said.dns.push((side, read, length));
        }
        at += 2 + length;
    }
    at
}
