//! What the console asks of whoever judges files, mails, links and texts.

use std::sync::Arc;

use event::finding::{ModelScore, Reason};
use event::{Severity, Text};

/// One thing that a person handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matter {
    /// File name, or what a person would call it.
    pub name: String,
    pub bytes: Vec<u8>,
    pub kind: MatterKind,
    /// Who asks: a number that stays the same within a login and tells nothing about it.
    pub asker: u64,
}

/// Judges one thing; refuses who asks too often.
pub type Checker = Arc<dyn Fn(&Matter) -> Result<Checked, TooMany> + Send + Sync>;

/// Asked too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// Seconds until the next answer.
    pub after_s: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MatterKind {
    /// A file of any kind, told by its content.
    #[default]
    File,
    Mail,
    Url,
    Text,
    /// What somebody wants to hand to a language model.
    Prompt,
}

impl MatterKind {
    pub(crate) const ALL: [(MatterKind, &'static str, &'static str); 4] = [
        (MatterKind::Mail, "mail", "a mail with its headers"),
        (MatterKind::Url, "url", "a link"),
        (MatterKind::Text, "text", "text of a message"),
        (MatterKind::Prompt, "prompt", "a prompt for a language model"),
    ];

    pub(crate) fn parse(word: &str) -> Option<MatterKind> {
        MatterKind::ALL.into_iter().find(|(_, w, _)| *w == word).map(|(kind, _, _)| kind)
    }
}

/// One word, and what stands behind it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checked {
    pub kind: Text,
    /// `clean`, `unknown`, `suspicious`, `spam`, `phishing`, `malicious`.
    pub verdict: Text,
    pub severity: Severity,
    pub abstained: bool,
    pub score: Option<f32>,
    pub reasons: Vec<Reason>,
    pub models: Vec<ModelScore>,
    pub not_checked: Vec<String>,
    pub would_change: String,
    /// Members of an archive or a mail, with the word of each.
    pub members: Vec<(String, Text)>,
    /// The finding that was recorded, when there is something to find.
    pub finding: Option<Text>,
}
