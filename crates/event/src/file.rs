//! File System Activity (OCSF 1001): one file that was looked at, written or moved.

use serde::{Deserialize, Serialize};

use crate::Text;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct File {
    pub host: Text,
    pub path: String,
    /// By content: `pdf`, `pe`, `script`, ..
    pub kind: Text,
    /// Hex SHA-256 of the content; empty when it was not read.
    pub sha256: Text,
    pub bytes: u64,
    /// `scan`, `create`, `delete`, `rename`, ..
    pub action: Text,
    /// Program that did it, when known.
    pub by: String,
}
