//! What is replaced: from the configuration, and remembered in the data directory, so that a command without a configuration does the same.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cli::fail::Fail;

/// What kind of name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    User,
    Email,
}

impl Kind {
    pub const ALL: [Kind; 2] = [Kind::User, Kind::Email];

    pub fn word(self) -> &'static str {
        match self {
            Kind::User => "user",
            Kind::Email => "email",
        }
    }

    pub fn parse(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// What its pseudonyms begin with.
    pub fn prefix(self) -> &'static str {
        match self {
            Kind::User => "u~",
            Kind::Email => "e~",
        }
    }

    /// Whether this is what a name was replaced with.
    pub fn is_pseudonym(self, name: &str) -> bool {
        Kind::ALL.iter().any(|kind| {
            let letters = |rest: &str| rest.len() == super::LETTERS && rest.bytes().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7'));
            name.strip_prefix(kind.prefix()).is_some_and(letters)
        })
    }
}

/// As `[privacy]` says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Choice {
    pub pseudonyms: Vec<Kind>,
    /// Accounts that are no person.
    pub except: Vec<String>,
    /// Without it `secrets/pseudonym.key` in the data directory.
    pub key: Option<PathBuf>,
}

fn place(data_dir: &Path) -> PathBuf {
    data_dir.join("secrets").join("privacy.json")
}

impl Choice {
    pub fn is_none(&self) -> bool {
        self.pseudonyms.is_empty()
    }

    pub fn has(&self, kind: Kind) -> bool {
        self.pseudonyms.contains(&kind)
    }

    pub fn excepts(&self, name: &str) -> bool {
        self.except.iter().any(|one| one.eq_ignore_ascii_case(name))
    }

    pub fn key_file(&self, data_dir: &Path) -> PathBuf {
        self.key.clone().unwrap_or_else(|| data_dir.join("secrets").join("pseudonym.key"))
    }

    /// What was chosen last; nothing without a choice.
    pub(super) fn kept(data_dir: &Path) -> Result<Choice, Fail> {
        let path = place(data_dir);
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|e| {
                // Names in clear because a file is damaged is not what was asked for.
                Fail::new("E0132", format!("{} cannot be read: {e}", path.display())).fix("start bartizan run once, which writes it anew")
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Choice::default()),
            Err(error) => Err(Fail::unreadable(&path, &error)),
        }
    }

    pub(super) fn keep(&self, data_dir: &Path) -> Result<(), Fail> {
        let path = place(data_dir);
        if self.is_none() && !path.exists() {
            return Ok(());
        }
        let written = || -> std::io::Result<()> {
            super::key::folder(&path)?;
            let new = path.with_extension("new");
            std::fs::write(&new, serde_json::to_vec(self)?)?;
            std::fs::rename(&new, &path)
        };
        written().map_err(|e| Fail::unreadable(&path, &e))
    }
}
