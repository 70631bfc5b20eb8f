//! What the program says about itself, for Overview, Models and Settings.

use std::collections::HashMap;
use std::sync::Arc;

use event::{Text, Time};

#[derive(Clone, Debug, Default)]
pub struct About {
    /// Made-up data: every page says so.
    pub demo: bool,
    pub version: String,
    /// Something that should run does not.
    pub failed: bool,
    /// `monitor` or `enforce`
    pub mode: &'static str,
    pub sites: Vec<Site>,
    pub sources: Vec<SourceState>,
    pub models: Vec<ModelState>,
    /// Number of rules in force.
    pub rules: u32,
    pub rss_bytes: u64,
    pub uptime_s: u64,
    /// Events that were dropped under load.
    pub shed: u64,
    /// Requests that met each response since it is in force, by the response's name.
    pub refused: HashMap<Text, u64>,
    /// Compliance frameworks, and what of them the rules here look at.
    pub frameworks: Arc<Vec<FrameworkState>>,
}

#[derive(Clone, Debug, Default)]
pub struct FrameworkState {
    pub id: String,
    pub name: String,
    /// Where the mapping came from.
    pub source: String,
    pub requirements: Vec<RequirementState>,
}

#[derive(Clone, Debug, Default)]
pub struct RequirementState {
    pub id: String,
    /// Rules that stand for it here.
    pub rules: Vec<String>,
    /// Automatic checks of it that have no rule here.
    pub without_rule: u32,
}

/// One protected site of the gateway.
#[derive(Clone, Debug, Default)]
pub struct Site {
    pub name: String,
    pub listen: String,
    pub upstream: String,
    pub requests: u64,
    pub blocked: u64,
    pub would_block: u64,
    /// Sign-ins whose application was told to ask again.
    pub stepped_up: u64,
    /// Sign-ins turned away before the password was looked at.
    pub logins_refused: u64,
}

#[derive(Clone, Debug, Default)]
pub struct SourceState {
    pub name: String,
    pub format: String,
    pub events: u64,
    /// Records that no decoder could read; kept with their bytes.
    pub undecoded: u64,
    pub last_event: Option<Time>,
}

#[derive(Clone, Debug, Default)]
pub struct ModelState {
    pub name: String,
    pub version: String,
    /// The signature was checked when the model was loaded.
    pub signed: bool,
    pub key_id: String,
    /// Hex SHA-256 of what was signed.
    pub digest: String,
    pub card_markdown: String,
    /// One line: `block at 0.90, record at 0.50`.
    pub thresholds: String,
}

impl About {
    pub(crate) fn enforces(&self) -> bool {
        self.mode == "enforce"
    }

    pub(crate) fn events(&self) -> u64 {
        self.sources.iter().map(|s| s.events).sum::<u64>() + self.sites.iter().map(|s| s.requests).sum::<u64>()
    }
}
