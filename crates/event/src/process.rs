//! Process Activity (OCSF 1007): one command that was started, or refused.

use serde::{Deserialize, Serialize};

use crate::Text;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Process {
    pub host: Text,
    /// Who started it.
    pub user: Text,
    /// As whom it runs.
    pub run_as: Text,
    pub command_line: String,
    pub working_directory: Text,
    pub terminal: Text,
    /// `sudo`, `auditd`, ..
    pub service: Text,
    /// False when it was refused.
    pub allowed: bool,
    /// Why it was refused.
    pub reason: Text,
    /// The program file.
    #[serde(default)]
    pub image: String,
    #[serde(default)]
    pub parent_image: String,
    #[serde(default)]
    pub parent_command_line: String,
    #[serde(default)]
    pub pid: Option<u32>,
    #[serde(default)]
    pub parent_pid: Option<u32>,
    /// `SHA256=..,MD5=..`, as the source writes them.
    #[serde(default)]
    pub hashes: String,
}
