//! E-mail Activity (OCSF 4009): one message, by what its headers say.

use serde::{Deserialize, Serialize};

use crate::Text;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mail {
    pub message_id: Text,
    /// Address and name of the first `From`.
    pub from: Text,
    pub from_name: Text,
    pub reply_to: Text,
    pub to: Vec<Text>,
    pub subject: String,
    /// Targets of its links, at most 64.
    pub links: Vec<String>,
    pub files: Vec<Attachment>,
    pub bytes: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attachment {
    pub name: String,
    /// By content: `pdf`, `pe`, ..
    pub kind: Text,
    pub bytes: u64,
    /// Hex SHA-256 of the content.
    pub sha256: Text,
}
