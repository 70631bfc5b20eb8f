//! DNS Activity (OCSF 4003): a query, its answer, or both joined.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::Text;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Dns {
    pub client: Option<IpAddr>,
    pub client_port: u16,
    pub server: Option<IpAddr>,
    pub server_port: u16,
    pub transport: Text,
    /// Name asked for, in lower case, without the last dot.
    pub name: String,
    /// `A`, `AAAA`, `TXT`, ..
    pub kind: Text,
    pub id: Option<u16>,
    /// `NOERROR`, `NXDOMAIN`, ..; empty when no answer was seen.
    pub rcode: Text,
    pub answers: Vec<Answer>,
    pub bytes_out: u64,
    pub bytes_in: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub kind: Text,
    pub data: String,
    pub ttl_s: u32,
}
