//! The flow table: packets of one conversation, counted from both sides, with what the protocol inside says.
//!
//! Bounded: at most [`FLOWS_MAX`] conversations; beyond, one drawn at random is told as it is and forgotten, so that a flood of new ones
//! mostly ends others of the flood. A conversation ends when both sides closed it, when nothing came for the time of its state, or with the file.
//! Bytes are counted from the IP header on.

use std::collections::HashMap;
use std::net::IpAddr;

use event::{Bytes, Network, Text, Time};

use super::app::App;
use super::community;
use super::stream::Stream;

pub(super) const FLOWS_MAX: usize = 200_000;
/// Quiet times after which a conversation is over.
const TCP_OPEN_S: f64 = 300.0;
const TCP_ENDED_S: f64 = 5.0;
const TCP_UNANSWERED_S: f64 = 30.0;
const OTHER_S: f64 = 60.0;
/// Capture time between two searches for conversations that are over.
const SWEEP_S: f64 = 10.0;
const RAW_BYTES_MAX: usize = 256;

pub(super) const FIN: u8 = 1;
pub(super) const SYN: u8 = 2;
pub(super) const RST: u8 = 4;
pub(super) const ACK: u8 = 16;

pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;

/// Both ends, the smaller first, and the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    low: (IpAddr, u16),
    high: (IpAddr, u16),
    protocol: u8,
}

impl Key {
    pub(super) fn new(from: (IpAddr, u16), to: (IpAddr, u16), protocol: u8) -> Key {
        let (low, high) = if from <= to { (from, to) } else { (to, from) };
        Key { low, high, protocol }
    }
}

/// One packet as the table sees it.
#[derive(Clone, Copy)]
pub(super) struct Packet<'a> {
    pub(super) from: (IpAddr, u16),
    pub(super) to: (IpAddr, u16),
    pub(super) protocol: u8,
    pub(super) flags: u8,
    pub(super) wire_bytes: u64,
    pub(super) time: Time,
    pub(super) frame: u64,
    pub(super) raw: &'a [u8],
}

pub(super) struct Flow {
    pub(super) client: (IpAddr, u16),
    pub(super) server: (IpAddr, u16),
    pub(super) protocol: u8,
    pub(super) frame: u64,
    start: Time,
    end: Time,
    /// From the client, from the server.
    bytes: [u64; 2],
    packets: [u64; 2],
    flags: [u8; 2],
    refused: bool,
    raw: Bytes,
    pub(super) streams: [Stream; 2],
    pub(super) app: App,
}

impl Flow {
    fn new(packet: &Packet<'_>) -> Flow {
        let (client, server) = if is_answer(packet) { (packet.to, packet.from) } else { (packet.from, packet.to) };
        Flow {
            client,
            server,
            protocol: packet.protocol,
            frame: packet.frame,
            start: packet.time,
            end: packet.time,
            bytes: [0; 2],
            packets: [0; 2],
            flags: [0; 2],
            refused: false,
            raw: packet.raw[..packet.raw.len().min(RAW_BYTES_MAX)].into(),
            streams: Default::default(),
            app: App::default(),
        }
    }

    /// 0 from the client, 1 from the server.
    pub(super) fn side(&self, from: (IpAddr, u16)) -> usize {
        usize::from(from != self.client)
    }

    fn count(&mut self, packet: &Packet<'_>) {
        let side = self.side(packet.from);
        self.bytes[side] += packet.wire_bytes;
        self.packets[side] += 1;
        self.flags[side] |= packet.flags;
        self.end = self.end.max(packet.time);
        // A reset that answers the first SYN is a closed port.
        self.refused |= side == 1 && packet.flags & RST != 0 && self.flags[1] & SYN == 0 && self.flags[0] & SYN != 0;
    }

    /// Time of its latest packet.
    pub(super) fn last(&self) -> Time {
        self.end
    }

    fn ended(&self) -> bool {
        (self.flags[0] | self.flags[1]) & RST != 0 || self.flags[0] & self.flags[1] & FIN != 0
    }

    fn quiet_s(&self) -> f64 {
        match self.protocol {
            TCP if self.ended() => TCP_ENDED_S,
            TCP if self.packets[1] == 0 => TCP_UNANSWERED_S,
            TCP => TCP_OPEN_S,
            _ => OTHER_S,
        }
    }

    fn state(&self) -> Text {
        let either = self.flags[0] | self.flags[1];
        let word = match self.protocol {
            _ if self.packets[1] == 0 => "unanswered",
            TCP if self.refused => "refused",
            TCP if either & RST != 0 => "reset",
            TCP if self.flags[0] & self.flags[1] & FIN != 0 => "closed",
            _ => "established",
        };
        word.into()
    }

    /// What the whole conversation was.
    pub(super) fn told(&mut self) -> (Network, Time, u64, Bytes) {
        let (protocol, server_name, tls, ssh) = self.app.said();
        let protocol = if protocol.is_empty() { by_port(self.protocol, self.server.1, self.client.1).into() } else { protocol };
        let network = Network {
            client: Some(self.client.0),
            client_port: self.client.1,
            server: Some(self.server.0),
            server_port: self.server.1,
            transport: transport(self.protocol),
            protocol,
            start: self.start,
            end: self.end,
            bytes_out: self.bytes[0],
            bytes_in: self.bytes[1],
            packets_out: self.packets[0],
            packets_in: self.packets[1],
            flags_out: self.flags[0],
            flags_in: self.flags[1],
            state: self.state(),
            server_name,
            tls,
            ssh,
            community_id: community::id(self.client, self.server, self.protocol),
        };
        (network, self.start, self.frame, std::mem::take(&mut self.raw))
    }
}

pub(super) fn transport(protocol: u8) -> Text {
    match protocol {
        1 => "icmp".into(),
        2 => "igmp".into(),
        TCP => "tcp".into(),
        UDP => "udp".into(),
        47 => "gre".into(),
        50 => "esp".into(),
        51 => "ah".into(),
        58 => "icmp6".into(),
        89 => "ospf".into(),
        103 => "pim".into(),
        112 => "vrrp".into(),
        132 => "sctp".into(),
        other => format!("ip-{other}").into(),
    }
}

/// The first packet seen is an answer: its beginning was before the capture.
fn is_answer(packet: &Packet<'_>) -> bool {
    match packet.protocol {
        TCP if packet.flags & SYN != 0 => packet.flags & ACK != 0,
        TCP | UDP => is_service(packet.from.1, packet.protocol) && !is_service(packet.to.1, packet.protocol),
        // Echo and router replies.
        1 => matches!(packet.from.1, 0 | 14 | 16 | 18),
        58 => matches!(packet.from.1, 129),
        _ => false,
    }
}

fn is_service(port: u16, protocol: u8) -> bool {
    !by_port(protocol, port, 0).is_empty() || port < 1024 && port > 0
}

fn by_port(protocol: u8, server: u16, client: u16) -> &'static str {
    let tcp = protocol == TCP;
    if !tcp && protocol != UDP {
        return "";
    }
    match server {
        20 | 21 if tcp => "ftp",
        22 if tcp => "ssh",
        23 if tcp => "telnet",
        25 | 587 if tcp => "smtp",
        53 | 5353 | 5355 => "dns",
        67 | 68 if !tcp => "dhcp",
        69 if !tcp => "tftp",
        80 | 8080 if tcp => "http",
        88 => "kerberos",
        110 if tcp => "pop3",
        123 if !tcp => "ntp",
        135 if tcp => "dce_rpc",
        137 | 138 if !tcp => "netbios",
        139 | 445 if tcp => "smb",
        143 if tcp => "imap",
        161 | 162 if !tcp => "snmp",
        389 => "ldap",
        443 | 465 | 636 | 853 | 993 | 995 if tcp => "tls",
        443 if client != 443 => "quic",
        500 | 4500 if !tcp => "ike",
        514 if !tcp => "syslog",
        546 | 547 if !tcp => "dhcp",
        1194 if !tcp => "openvpn",
        1883 if tcp => "mqtt",
        1900 if !tcp => "ssdp",
        3306 if tcp => "mysql",
        3389 => "rdp",
        3478 => "stun",
        4789 if !tcp => "vxlan",
        5060 => "sip",
        5432 if tcp => "postgresql",
        5900 if tcp => "vnc",
        6379 if tcp => "redis",
        51820 if !tcp => "wireguard",
        _ => "",
    }
}

#[derive(Default)]
pub(super) struct Flows {
    index: HashMap<Key, usize, foldhash::fast::FixedState>,
    slots: Vec<(Key, Flow)>,
    swept: Time,
    random: u64,
}

impl Flows {
    /// Counts a packet in its conversation, and says where that stands; conversations that end now are handed out.
    pub(super) fn count(&mut self, packet: &Packet<'_>, over: &mut Vec<Flow>) -> usize {
        if packet.time.since_s(self.swept).abs() >= SWEEP_S {
            self.swept = packet.time;
            self.sweep(packet.time, over);
        }
        let key = key(packet);
        if let Some(&at) = self.index.get(&key) {
            let flow = &self.slots[at].1;
            let anew = packet.protocol == TCP && packet.flags & (SYN | ACK) == SYN && (flow.ended() || flow.refused);
            if anew || packet.time.since_s(flow.end) > flow.quiet_s() {
                over.push(self.remove(at));
            }
        }
        let at = match self.index.get(&key) {
            Some(&at) => at,
            None => {
                if self.slots.len() >= FLOWS_MAX {
                    let at = (self.draw() % self.slots.len() as u64) as usize;
                    over.push(self.remove(at));
                }
                self.slots.push((key, Flow::new(packet)));
                self.index.insert(key, self.slots.len() - 1);
                self.slots.len() - 1
            }
        };
        self.slots[at].1.count(packet);
        at
    }

    /// The conversation at a place given by [`Flows::count`] for the packet at hand.
    pub(super) fn at(&mut self, at: usize) -> &mut Flow {
        &mut self.slots[at].1
    }

    /// The conversation between two ends, if it is held.
    pub(super) fn held(&mut self, a: (IpAddr, u16), b: (IpAddr, u16), protocol: u8) -> Option<&mut Flow> {
        let at = *self.index.get(&Key::new(a, b, protocol))?;
        Some(&mut self.slots[at].1)
    }

    /// Everything that is still open, at the end.
    pub(super) fn rest(&mut self) -> Vec<Flow> {
        self.index.clear();
        self.slots.drain(..).map(|(_, flow)| flow).collect()
    }

    fn sweep(&mut self, now: Time, over: &mut Vec<Flow>) {
        let mut at = 0;
        while at < self.slots.len() {
            let flow = &self.slots[at].1;
            if now.since_s(flow.end) > flow.quiet_s() {
                over.push(self.remove(at));
            } else {
                at += 1;
            }
        }
    }

    fn remove(&mut self, at: usize) -> Flow {
        let (key, flow) = self.slots.swap_remove(at);
        self.index.remove(&key);
        if let Some((moved, _)) = self.slots.get(at) {
            self.index.insert(*moved, at);
        }
        flow
    }

    /// splitmix64: repeatable, which an attacker who knows the code can follow only with every packet of the capture in hand.
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 27)
    }
}

/// ICMP has no ports: asking and answering types make one conversation.
fn key(packet: &Packet<'_>) -> Key {
    let (mut from, mut to) = (packet.from, packet.to);
    if matches!(packet.protocol, 1 | 58) {
        match community::counterpart(packet.protocol, from.1) {
            Some(answer) => to.1 = answer,
            None => to.1 = from.1,
        }
        if community::counterpart(packet.protocol, from.1).is_none() {
            from.1 = to.1;
        }
    }
    Key::new(from, to, packet.protocol)
}
