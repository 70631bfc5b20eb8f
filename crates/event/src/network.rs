//! Network Activity (OCSF 4001): one flow, seen from who began it, with what could be learned of the protocol inside.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{Text, Time};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Network {
    /// Who began it.
    pub client: Option<IpAddr>,
    pub client_port: u16,
    pub server: Option<IpAddr>,
    pub server_port: u16,
    /// `tcp`, `udp`, `icmp`, `icmp6`, `sctp`.
    pub transport: Text,
    /// `http`, `tls`, `dns`, `ssh`, .. by content, else by port; empty when unknown.
    pub protocol: Text,
    pub start: Time,
    pub end: Time,
    pub bytes_out: u64,
    pub bytes_in: u64,
    pub packets_out: u64,
    pub packets_in: u64,
    /// TCP flags seen from the client and from the server, or-ed, as on the wire.
    pub flags_out: u8,
    pub flags_in: u8,
    /// How it ended: `established`, `closed`, `reset`, `refused`, `unanswered`; empty when unknown.
    pub state: Text,
    /// Name of the server as the client said it: SNI, `Host`, a DNS answer seen before.
    pub server_name: Text,
    pub tls: Option<Box<Tls>>,
    /// Software banners of an SSH session.
    pub ssh: Option<Box<Ssh>>,
    /// Community ID v1.
    pub community_id: Text,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tls {
    pub version: Text,
    pub sni: Text,
    pub cipher: Text,
    pub alpn: Vec<Text>,
    /// JA4 of the client (TCP and QUIC); no other member of that family.
    pub ja4: Text,
    pub ja3: Text,
    pub subject: String,
    pub issuer: String,
    pub serial: Text,
    pub not_before: Option<Time>,
    pub not_after: Option<Time>,
    /// JA4 of further hellos of the same connection, after the server asked to begin again.
    pub ja4_later: Vec<Text>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ssh {
    pub client_software: Text,
    pub server_software: Text,
    pub client_hassh: Text,
    pub server_hassh: Text,
}

impl Network {
    pub fn duration_s(&self) -> f64 {
        self.end.since_s(self.start).max(0.0)
    }

    /// The server answered at all.
    pub fn answered(&self) -> bool {
        self.packets_in > 0 && self.state != "refused"
    }
}

/// Whether an address belongs to a private network, this machine or this link (RFC 1918, RFC 4193, RFC 3927).
pub fn is_internal(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(v4) => v4.is_private() || v4.is_loopback() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}
