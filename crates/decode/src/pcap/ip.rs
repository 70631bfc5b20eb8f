//! IPv4 and IPv6: addresses, extension headers, fragments put together again, tunnels taken off.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use event::Time;

use super::link::{self, Inside};

/// A whole datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Datagram<'a> {
    pub(super) from: IpAddr,
    pub(super) to: IpAddr,
    pub(super) protocol: u8,
    pub(super) payload: std::borrow::Cow<'a, [u8]>,
    /// Bytes on the wire from the IP header on; of all fragments.
    pub(super) wire_bytes: u64,
    /// The capture kept less than was sent.
    pub(super) cut_bytes: usize,
}

/// Datagrams waiting for their fragments; beyond, the oldest is given up.
const WAITING_MAX: usize = 256;
/// Fragments of one datagram.
const FRAGMENTS_MAX: usize = 1_024;
const DATAGRAM_BYTES_MAX: usize = 65_536;
/// RFC 791 and 8200 let a receiver wait for about a minute.
const WAIT_S: f64 = 60.0;
const EXTENSIONS_MAX: usize = 16;

type Key = (IpAddr, IpAddr, u32, u8);

#[derive(Default)]
pub(super) struct Fragments {
    waiting: BTreeMap<Key, Waiting>,
    /// Datagrams that were never completed.
    pub(super) given_up: u64,
    /// Fragments that overlap others with different bytes: an attempt to be read in two ways.
    pub(super) overlaps: u64,
}

struct Waiting {
    since: Time,
    parts: BTreeMap<usize, Vec<u8>>,
    total: Option<usize>,
    wire_bytes: u64,
}

pub(super) enum Step<'a> {
    Whole(Datagram<'a>),
    /// Held until its other fragments come.
    Held,
    Broken(&'static str),
}

impl Fragments {
    pub(super) fn read<'a>(&mut self, packet: &'a [u8], now: Time) -> Step<'a> {
        match packet.first().map(|b| b >> 4) {
            Some(4) => self.four(packet, now),
            Some(6) => self.six(packet, now),
            _ => Step::Broken("neither IPv4 nor IPv6"),
        }
    }

    fn four<'a>(&mut self, packet: &'a [u8], now: Time) -> Step<'a> {
        let Some(head) = packet.first_chunk::<20>() else { return Step::Broken("the packet ends inside its IPv4 header") };
        let header = usize::from(head[0] & 15) * 4;
        let total = usize::from(u16::from_be_bytes([head[2], head[3]]));
        // Segmentation offload leaves 0 in captures.
        let total = if total == 0 { packet.len() } else { total };
        if header < 20 || total < header || packet.len() < header {
            return Step::Broken("the IPv4 header's lengths are impossible");
        }
        let payload = &packet[header..packet.len().min(total)];
        let cut_bytes = total.saturating_sub(packet.len());
        let address = |at: usize| IpAddr::V4(Ipv4Addr::new(head[at], head[at + 1], head[at + 2], head[at + 3]));
        let (from, to, protocol) = (address(12), address(16), head[9]);
        let offset = u16::from_be_bytes([head[6], head[7]]);
        let (more, start) = (offset & 0x2000 != 0, usize::from(offset & 0x1fff) * 8);
        let whole = Datagram { from, to, protocol, payload: payload.into(), wire_bytes: total as u64, cut_bytes };
        if !more && start == 0 {
            return Step::Whole(whole);
        }
        if cut_bytes > 0 {
            return Step::Broken("a fragment that the capture cut");
        }
        let id = u32::from(u16::from_be_bytes([head[4], head[5]]));
        self.part((from, to, id, protocol), start, more, payload, total as u64, now)
    }

    fn six<'a>(&mut self, packet: &'a [u8], now: Time) -> Step<'a> {
        let Some(head) = packet.first_chunk::<40>() else { return Step::Broken("the packet ends inside its IPv6 header") };
        let said = usize::from(u16::from_be_bytes([head[4], head[5]]));
        let said = if said == 0 && packet.len() > 40 { packet.len() - 40 } else { said };
        let address = |at: usize| -> IpAddr {
            let bytes: [u8; 16] = std::array::from_fn(|i| head[at + i]);
            Ipv6Addr::from(bytes).into()
        };
        let (from, to) = (address(8), address(24));
        let cut_bytes = (40 + said).saturating_sub(packet.len());
        let mut rest = &packet[40..packet.len().min(40 + said)];
        let mut next = head[6];
        for _ in 0..EXTENSIONS_MAX {
            let length = match next {
                // Hop-by-hop, routing, destination options, mobility.
                0 | 43 | 60 | 135 => rest.get(1).map(|l| (usize::from(*l) + 1) * 8),
                51 => rest.get(1).map(|l| (usize::from(*l) + 2) * 4),
                44 => {
                    let Some(fragment) = rest.first_chunk::<8>() else { return Step::Broken("the packet ends inside a fragment header") };
                    let (protocol, offset) = (fragment[0], u16::from_be_bytes([fragment[2], fragment[3]]));
                    let id = u32::from_be_bytes([fragment[4], fragment[5], fragment[6], fragment[7]]);
                    let (start, more) = (usize::from(offset & 0xfff8), offset & 1 == 1);
                    if start == 0 && !more {
                        (next, rest) = (protocol, &rest[8..]);
                        continue;
                    }
                    if cut_bytes > 0 {
                        return Step::Broken("a fragment that the capture cut");
                    }
                    return self.part((from, to, id, protocol), start, more, &rest[8..], (40 + said) as u64, now);
                }
                _ => {
                    let wire_bytes = (40 + said) as u64;
                    return Step::Whole(Datagram { from, to, protocol: next, payload: rest.into(), wire_bytes, cut_bytes });
                }
            };
            match (rest.first(), length.and_then(|l| rest.get(l..))) {
                (Some(after), Some(inner)) => (next, rest) = (*after, inner),
                _ => return Step::Broken("the packet ends inside an IPv6 extension"),
            }
        }
        Step::Broken("more than 16 IPv6 extensions")
    }

    fn part(&mut self, key: Key, start: usize, more: bool, bytes: &[u8], wire_bytes: u64, now: Time) -> Step<'static> {
        if start + bytes.len() > DATAGRAM_BYTES_MAX {
            return Step::Broken("a fragment beyond 64 KiB");
        }
        if self.waiting.get(&key).is_some_and(|w| now.since_s(w.since) > WAIT_S) {
            self.waiting.remove(&key);
            self.given_up += 1;
        }
        if self.waiting.len() >= WAITING_MAX && !self.waiting.contains_key(&key) {
            let oldest = self.waiting.iter().min_by_key(|(_, w)| w.since).map(|(key, _)| *key);
            oldest.map(|key| self.waiting.remove(&key));
            self.given_up += 1;
        }
        let held = self.waiting.entry(key).or_insert_with(|| Waiting { since: now, parts: BTreeMap::new(), total: None, wire_bytes: 0 });
        held.wire_bytes += wire_bytes;
        if !more {
            held.total = Some(held.total.map_or(start + bytes.len(), |t| t.min(start + bytes.len())));
        }
        if let Some(first) = held.parts.get(&start) {
            let shared = first.len().min(bytes.len());
            self.overlaps += u64::from(first[..shared] != bytes[..shared]);
        } else if held.parts.len() < FRAGMENTS_MAX {
            held.parts.insert(start, bytes.to_vec());
        }
        let Some(payload) = held.join() else { return Step::Held };
        let wire_bytes = held.wire_bytes;
        self.waiting.remove(&key);
        let (from, to, _, protocol) = key;
        Step::Whole(Datagram { from, to, protocol, payload: payload.into(), wire_bytes, cut_bytes: 0 })
    }
}

impl Waiting {
    /// The datagram, when nothing is missing; of overlapping bytes the first copy by position is kept.
    fn join(&self) -> Option<Vec<u8>> {
        let total = self.total?;
        let mut whole = Vec::with_capacity(total);
        for (start, part) in &self.parts {
            if *start > whole.len() {
                return None;
            }
            whole.extend_from_slice(part.get(whole.len() - start..).unwrap_or_default());
        }
        (whole.len() >= total).then(|| {
            whole.truncate(total);
            whole
        })
    }
}

/// What a tunnel carries: an IP packet inside, and the tunnel's name.
pub(super) fn tunnel(protocol: u8, payload: &[u8]) -> Option<&[u8]> {
    match protocol {
        4 | 41 => matches!(payload.first().map(|b| b >> 4), Some(4 | 6)).then_some(payload),
        47 => {
            let flags = u16::from_be_bytes(*payload.first_chunk::<2>()?);
            let kind = u16::from_be_bytes(*payload.get(2..)?.first_chunk::<2>()?);
            let version = flags & 7;
            let mut at = 4;
            at += if flags & 0xc000 != 0 { 4 } else { 0 };
            at += if flags & 0x2000 != 0 { 4 } else { 0 };
            at += if flags & 0x1000 != 0 { 4 } else { 0 };
            at += if version == 1 && flags & 0x0080 != 0 { 4 } else { 0 };
            let rest = payload.get(at..)?;
            let inner = match kind {
                0x880b => link::inside(9, rest),
                // ERSPAN II carries eight bytes before the frame.
                0x88be => link::ethernet(if flags & 0x1000 != 0 { rest.get(8..)? } else { rest }),
                _ => link::by_type(kind, rest),
            };
            ip_only(inner)
        }
        _ => None,
    }
}

/// What a tunnel over UDP carries.
pub(super) fn udp_tunnel(port: u16, payload: &[u8]) -> Option<&[u8]> {
    match port {
        4789 if payload.first()? & 0x08 != 0 => ip_only(link::ethernet(payload.get(8..)?)),
        6081 => {
            let options = usize::from(payload.first()? & 0x3f) * 4;
            let kind = u16::from_be_bytes(*payload.get(2..)?.first_chunk::<2>()?);
            ip_only(link::by_type(kind, payload.get(8 + options..)?))
        }
        _ => None,
    }
}

fn ip_only(inside: Inside<'_>) -> Option<&[u8]> {
    match inside {
        Inside::Ip(packet) => Some(packet),
        _ => None,
    }
}
