//! HTTP Activity (OCSF 4002): one request, from an access log or from the gateway.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::event::absent;
use crate::{Bytes, Text, Verdict};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Http {
    pub client: Option<IpAddr>,
    #[serde(skip_serializing_if = "absent")]
    pub client_port: Option<u16>,
    /// `Host` as sent; empty when the log does not say.
    #[serde(skip_serializing_if = "absent")]
    pub host: Text,
    pub method: Text,
    /// Request target as sent: path and query, still encoded.
    pub target: String,
    pub version: Text,
    pub status: Option<u16>,
    #[serde(skip_serializing_if = "absent")]
    pub request_bytes: Option<u64>,
    pub response_bytes: Option<u64>,
    pub user_agent: String,
    #[serde(skip_serializing_if = "absent")]
    pub referrer: String,
    #[serde(skip_serializing_if = "absent")]
    pub user: Text,
    #[serde(skip_serializing_if = "absent")]
    pub content_type: Text,
    /// Header names in lower case with their values, in order; secrets already masked. Only the gateway knows them.
    #[serde(skip_serializing_if = "absent")]
    pub headers: Vec<(Text, String)>,
    /// First bytes of the body, as far as it was inspected.
    #[serde(skip_serializing_if = "absent")]
    pub body: Option<Bytes>,
    #[serde(skip_serializing_if = "absent")]
    pub body_bytes: u64,
    #[serde(skip_serializing_if = "absent")]
    pub duration_us: Option<u32>,
    /// Set by the gateway.
    #[serde(skip_serializing_if = "absent")]
    pub request_id: Option<Text>,
    #[serde(skip_serializing_if = "absent")]
    pub verdict: Option<Verdict>,
    /// Score of the verdict, 0..=1.
    pub score: f32,
}

impl Http {
    /// Path as sent, without the query.
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(self.target.as_str(), |(path, _)| path)
    }

    /// Query as sent, without `?`.
    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }
}
