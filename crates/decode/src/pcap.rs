//! Captures (pcap, pcapng): packets to flows, DNS, HTTP and what TLS and SSH say in the clear.
//!
//! Reads:      a whole file. One event for each flow at its end (Network Activity), each DNS query with its answer, each HTTP/1 request with its
//!             response. Frames without IP are one event for each protocol; what cannot be read is an undecoded event, at most
//!             [`UNDECODED_MAX`] of them in full and one that counts the rest.
//! Link:       Ethernet (VLAN, QinQ, provider backbone, MPLS, PPPoE, SNAP), Linux cooked v1 and v2, loopback, raw IP, PPP; tunnels GRE, IP in
//!             IP, VXLAN, GENEVE.
//! Limits:     written at their constants: flows, fragments, bytes ahead in a stream, heads, queries.   Cost: linear in the file.
//! Order:      events by time, then frame. `record` is the number of the frame that began what the event tells.
//!
//! Nothing is decrypted.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use event::{Body, Bytes, Dns, Event, Meta, Text, Time, TimeSource, Uid};

use crate::{FileDecoder, Place};

mod app;
mod certificate;
mod community;
mod cursor;
mod digest;
mod dns;
mod file;
mod fingerprint;
mod flow;
mod http;
mod ip;
mod link;
mod ssh;
mod stream;
mod tls;

use app::{Query, Said};
use file::Frame;
use flow::{Flow, Flows, Packet, TCP, UDP};
use ip::{Datagram, Step};
use stream::Piece;

const NAME: &str = "pcap";

/// pcap and pcapng, as a file that is read at once.
pub struct Pcap;

impl FileDecoder for Pcap {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "network captures (pcap, pcapng): flows, DNS, HTTP, TLS with JA4, SSH"
    }

    fn recognise(&self, head: &[u8], _name: &str) -> u8 {
        if file::is_capture(head) { 100 } else { 0 }
    }

    fn decode(&self, bytes: &[u8], at: &Place<'_>, out: &mut dyn FnMut(Event)) {
        events(bytes, at).into_iter().for_each(out);
    }
}

/// Undecoded frames that are kept with their bytes.
pub const UNDECODED_MAX: u64 = 1_000;
/// Names of addresses learned from answers.
const NAMES_MAX: usize = 65_536;
/// Tunnels inside tunnels.
const DEPTH_MAX: usize = 4;
const RAW_BYTES_MAX: usize = 4 << 10;
/// Times later than a day after reading are not believed.
const AHEAD_MAX_S: i64 = 86_400;

/// All events of a capture. Never panics, whatever the bytes.
pub fn events(bytes: &[u8], at: &Place<'_>) -> Vec<Event> {
    let mut capture = Capture {
        place: *at,
        fragments: ip::Fragments::default(),
        flows: Flows::default(),
        names: HashMap::default(),
        others: BTreeMap::new(),
        undecoded: 0,
        out: Vec::new(),
    };
    let end = file::read(bytes, &mut |frame| capture.frame(&frame));
    capture.end(&end);
    capture.out
}

struct Capture<'a> {
    place: Place<'a>,
    fragments: ip::Fragments,
    flows: Flows,
    /// Who asked for which name and got which address.
    names: HashMap<(IpAddr, IpAddr), Text, foldhash::fast::FixedState>,
    /// Frames without IP: first one and count.
    others: BTreeMap<&'static str, (Time, u64, Bytes)>,
    undecoded: u64,
    out: Vec<Event>,
}

impl Capture<'_> {
    fn frame(&mut self, frame: &Frame<'_>) {
        match link::inside(frame.link, frame.bytes) {
            link::Inside::Ip(packet) => self.packet(frame, packet, 0),
            link::Inside::Other(name) => {
                let first = || (frame.time, frame.number, frame.bytes[..frame.bytes.len().min(256)].into());
                self.others.entry(name).or_insert_with(first);
            }
            link::Inside::Broken(why) => self.broken(frame, why),
        }
    }

    fn packet(&mut self, frame: &Frame<'_>, packet: &[u8], depth: usize) {
        let datagram = match self.fragments.read(packet, frame.time) {
            Step::Whole(datagram) => datagram,
            Step::Held => return,
            Step::Broken(why) => return self.broken(frame, why),
        };
        if let Some(inner) = ip::tunnel(datagram.protocol, &datagram.payload).filter(|_| depth < DEPTH_MAX) {
            return self.packet(frame, inner, depth + 1);
        }
        match datagram.protocol {
            TCP => self.tcp(frame, &datagram),
            UDP => self.udp(frame, &datagram, depth),
            1 | 58 => {
                let kind = datagram.payload.first().copied().map_or(0, u16::from);
                let code = datagram.payload.get(1).copied().map_or(0, u16::from);
                self.count(frame, &datagram, (kind, code), 0);
            }
            132 => {
                let Some((from, to)) = ports(&datagram.payload) else {
                    return self.broken(frame, "the packet ends inside its SCTP header");
                };
                self.count(frame, &datagram, (from, to), 0);
            }
            _ => {
                self.count(frame, &datagram, (0, 0), 0);
            }
        }
    }

    /// Counts a packet and tells the flows that end by it.
    fn count(&mut self, frame: &Frame<'_>, datagram: &Datagram<'_>, ports: (u16, u16), flags: u8) -> &mut Flow {
        let packet = Packet {
            from: (datagram.from, ports.0),
            to: (datagram.to, ports.1),
            protocol: datagram.protocol,
            flags,
            wire_bytes: datagram.wire_bytes,
            time: frame.time,
            frame: frame.number,
            raw: frame.bytes,
        };
        let mut over = Vec::new();
        let at = self.flows.count(&packet, &mut over);
        over.into_iter().for_each(|flow| self.over(flow));
        self.flows.at(at)
    }

    fn tcp(&mut self, frame: &Frame<'_>, datagram: &Datagram<'_>) {
        let payload = &datagram.payload;
        let (Some(ports), Some(head)) = (ports(payload), payload.first_chunk::<14>()) else {
            return self.broken(frame, "the packet ends inside its TCP header");
        };
        let header = usize::from(head[12] >> 4) * 4;
        let Some(bytes) = payload.get(header..).filter(|_| header >= 20) else {
            self.count(frame, datagram, ports, head[13]);
            return self.broken(frame, "the TCP header's length is impossible");
        };
        let sequence = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
        let flags = head[13];
        let now = (frame.time, frame.number);
        let flow = self.count(frame, datagram, ports, flags);
        if flow.app.is_opaque() {
            return;
        }
        let side = flow.side((datagram.from, ports.0));
        let mut said = Said::default();
        if flags & flow::SYN != 0 {
            flow.streams[side].synchronise(sequence);
        }
        let sequence = sequence.wrapping_add(u32::from(flags & flow::SYN != 0));
        if !bytes.is_empty() || datagram.cut_bytes > 0 {
            feed(flow, side, now, &mut said, |stream, pieces| stream.push(sequence, bytes, datagram.cut_bytes, pieces));
        }
        let about = (flow.client, flow.server);
        self.tell(said, about, now);
    }

    fn udp(&mut self, frame: &Frame<'_>, datagram: &Datagram<'_>, depth: usize) {
        let Some((ports, bytes)) = ports(&datagram.payload).zip(datagram.payload.get(8..)) else {
            return self.broken(frame, "the packet ends inside its UDP header");
        };
        if let Some(inner) = ip::udp_tunnel(ports.1, bytes).filter(|_| depth < DEPTH_MAX) {
            let inner = inner.to_vec();
            self.count(frame, datagram, ports, 0);
            return self.packet(frame, &inner, depth + 1);
        }
        let flow = self.count(frame, datagram, ports, 0);
        let is_dns = |port: u16| matches!(port, 53 | 5353 | 5355);
        if !is_dns(ports.0) && !is_dns(ports.1) {
            return;
        }
        let Some(message) = dns::read(bytes) else { return };
        flow.app.is_dns();
        let (client, server) = (flow.client, flow.server);
        self.message(message, bytes.len(), (client, server), "udp", (frame.time, frame.number));
    }

    /// A DNS message: a query waits, an answer is told with its query.
    fn message(&mut self, message: dns::Message, length: usize, ends: Ends, transport: &'static str, now: (Time, u64)) {
        let (client, server) = ends;
        let mut query = Query {
            dns: Dns {
                client: Some(client.0),
                client_port: client.1,
                server: Some(server.0),
                server_port: server.1,
                transport: transport.into(),
                ..Dns::default()
            },
            start: now.0,
            frame: now.1,
        };
        let Some(flow) = self.flows.held(client, server, if transport == "udp" { UDP } else { TCP }) else { return };
        let told = if message.is_response {
            if let Some(asked) = flow.app.answered(&message) {
                query = asked;
            }
            query.dns.bytes_in = length as u64;
            for answer in &message.answers {
                if let (Ok(address), true) = (answer.data.parse::<IpAddr>(), matches!(answer.kind.as_str(), "A" | "AAAA")) {
                    if self.names.len() >= NAMES_MAX {
                        self.names.clear();
                    }
                    self.names.insert((client.0, address), message.name.as_str().into());
                }
            }
            message.fill(&mut query.dns);
            Some(query)
        } else {
            query.dns.bytes_out = length as u64;
            message.fill(&mut query.dns);
            flow.app.ask(query)
        };
        told.into_iter().for_each(|query| self.query(query));
    }

    fn query(&mut self, query: Query) {
        let Query { dns, start, frame } = query;
        let raw = Bytes::from(format!("{} {} {}", dns.name, dns.kind, dns.rcode).trim_end().as_bytes());
        self.push(start, frame, Body::Dns(Box::new(dns)), raw);
    }

    fn tell(&mut self, said: Said, ends: Ends, now: (Time, u64)) {
        for exchange in said.http {
            let mut http = exchange.http;
            (http.client, http.client_port) = (Some(ends.0.0), Some(ends.0.1));
            let mut raw = exchange.raw;
            if raw.len() > RAW_BYTES_MAX {
                raw = raw[..RAW_BYTES_MAX].into();
            }
            self.push(exchange.start, exchange.frame, Body::Http(Box::new(http)), raw);
        }
        for (_, message, length) in said.dns {
            self.message(message, length, ends, "tcp", now);
        }
    }

    /// The conversation ended.
    fn over(&mut self, mut flow: Flow) {
        let mut said = Said::default();
        let now = (flow.last(), flow.frame);
        for side in 0..2 {
            if !flow.app.is_opaque() {
                feed(&mut flow, side, now, &mut said, |stream, pieces| stream.finish(pieces));
            }
        }
        flow.app.close(&mut said);
        let ends = (flow.client, flow.server);
        std::mem::take(&mut flow.app.queries).into_iter().for_each(|query| self.query(query));
        // Messages of a stream that was completed only now wait for nobody.
        said.dns.clear();
        self.tell(said, ends, now);
        let (mut network, start, frame, raw) = flow.told();
        if network.server_name.is_empty() {
            network.server_name = self.names.get(&(ends.0.0, ends.1.0)).cloned().unwrap_or_default();
        }
        self.push(start, frame, Body::Network(Box::new(network)), raw);
    }

    fn broken(&mut self, frame: &Frame<'_>, why: &'static str) {
        self.undecoded += 1;
        if self.undecoded <= UNDECODED_MAX {
            let raw = frame.bytes[..frame.bytes.len().min(RAW_BYTES_MAX)].into();
            self.push(frame.time, frame.number, Body::Undecoded { reason: why.into() }, raw);
        }
    }

    fn end(&mut self, end: &file::End<'_>) {
        let rest = self.flows.rest();
        rest.into_iter().for_each(|flow| self.over(flow));
        for (name, (time, frame, raw)) in std::mem::take(&mut self.others) {
            self.push(time, frame, Body::Other { host: Text::default(), service: name.into() }, raw);
        }
        let last = self.out.iter().map(|e| e.meta.time).max().unwrap_or(self.place.written);
        if self.undecoded > UNDECODED_MAX {
            let reason = format!("{} more frames that cannot be read", self.undecoded - UNDECODED_MAX).into();
            self.push(last, end.frames, Body::Undecoded { reason }, Bytes::default());
        }
        if let Some((bytes, why)) = end.broken {
            let raw = bytes[..bytes.len().min(RAW_BYTES_MAX)].into();
            self.push(last, end.frames + 1, Body::Undecoded { reason: why.into() }, raw);
        }
        self.out.sort_by_key(|e| (e.meta.time, e.meta.record));
        // Names by place in the sorted file: the same file gives the same names.
        let name = format!("{}#{NAME}", self.place.source);
        for (event, n) in self.out.iter_mut().zip(1..) {
            event.meta.uid = Uid::of_record(&name, n);
        }
    }

    fn push(&mut self, time: Time, frame: u64, body: Body, raw: Bytes) {
        let possible = (Time::ZERO..=self.place.logged.plus_s(AHEAD_MAX_S)).contains(&time);
        let meta = Meta {
            uid: Uid::default(),
            time: if possible { time } else { self.place.logged },
            logged: self.place.logged,
            time_source: if possible { TimeSource::Record } else { TimeSource::Received },
            source: self.place.source.into(),
            record: frame,
            format: Text::const_new(NAME),
            cut_from: None,
        };
        self.out.push(Event::new(meta, body, raw));
    }
}

type Ends = ((IpAddr, u16), (IpAddr, u16));

fn ports(segment: &[u8]) -> Option<(u16, u16)> {
    segment.first_chunk::<4>().map(|b| (u16::from_be_bytes([b[0], b[1]]), u16::from_be_bytes([b[2], b[3]])))
}

/// Lets a stream deliver, and the protocol's reader read each time it did.
fn feed(
    flow: &mut Flow,
    side: usize,
    now: (Time, u64),
    said: &mut Said,
    deliver: impl FnOnce(&mut stream::Stream, &mut dyn FnMut(&mut stream::Stream, Piece)),
) {
    let port = flow.server.1;
    let mut stream = std::mem::take(&mut flow.streams[side]);
    let (app, streams) = (&mut flow.app, &mut flow.streams);
    deliver(&mut stream, &mut |stream, piece| match piece {
        Piece::Data => {
            std::mem::swap(&mut streams[side], stream);
            app.read(side, streams, now, port, said);
            std::mem::swap(&mut streams[side], stream);
        }
        Piece::Gap(n) => app.gap(side, n, stream),
    });
    flow.streams[side] = stream;
}

#[cfg(test)]
mod tests;
