//! Device Config State (OCSF 5002): one resource as it is configured, from code, from a dump or from a running host.

use serde::{Deserialize, Serialize};

use crate::Text;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Resource {
    /// `terraform`, `cloudformation`, `kubernetes`, `dockerfile`, `host`, ..
    pub input: Text,
    /// `aws_s3_bucket`, `Deployment`, ..
    pub kind: Text,
    /// `module.m.aws_s3_bucket.b["k"]`, `Kind.namespace.name`, ..
    pub address: String,
    /// Relative to the folder that was scanned.
    pub file: String,
    pub line: u32,
    pub end_line: u32,
    /// Attributes as one JSON object; what cannot be known is left out and named in `unknown`.
    pub attributes: String,
    pub unknown: Vec<Text>,
}
