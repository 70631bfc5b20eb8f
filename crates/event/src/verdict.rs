//! The gateway's answer to one request.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    #[default]
    Allowed,
    /// Monitor mode: passed, and would have been blocked.
    WouldBlock,
    Blocked,
    Challenged,
    Limited,
}

impl Verdict {
    pub const ALL: [Verdict; 5] = [Verdict::Allowed, Verdict::WouldBlock, Verdict::Blocked, Verdict::Challenged, Verdict::Limited];

    pub const fn word(self) -> &'static str {
        match self {
            Verdict::Allowed => "allowed",
            Verdict::WouldBlock => "would_block",
            Verdict::Blocked => "blocked",
            Verdict::Challenged => "challenged",
            Verdict::Limited => "limited",
        }
    }

    /// OCSF 1.8 `disposition_id` and caption.
    pub const fn disposition(self) -> (u32, &'static str) {
        match self {
            Verdict::Allowed => (1, "Allowed"),
            Verdict::WouldBlock => (15, "Detected"),
            Verdict::Blocked => (2, "Blocked"),
            Verdict::Challenged => (20, "Challenge"),
            Verdict::Limited => (23, "Throttled"),
        }
    }

    /// OCSF 1.8 `action_id` and caption.
    pub const fn action(self) -> (u32, &'static str) {
        match self {
            Verdict::Allowed => (1, "Allowed"),
            Verdict::WouldBlock => (3, "Observed"),
            Verdict::Blocked => (2, "Denied"),
            Verdict::Challenged | Verdict::Limited => (4, "Modified"),
        }
    }

    pub const fn passed(self) -> bool {
        matches!(self, Verdict::Allowed | Verdict::WouldBlock)
    }
}
