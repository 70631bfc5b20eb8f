//! Sets of event classes, one bit each.

use event::Body;
use serde::{Deserialize, Serialize};

/// In stored order: the place of a class is its byte in every record, so words are only ever added at the end.
pub(crate) const WORDS: [&str; 15] = [
    "http",
    "authentication",
    "process",
    "other",
    "undecoded",
    "finding",
    "incident",
    "response",
    "order",
    "network",
    "dns",
    "api",
    "mail",
    "file",
    "resource",
];

pub(crate) const FINDING: u8 = 5;
pub(crate) const INCIDENT: u8 = 6;
pub(crate) const RESPONSE: u8 = 7;
pub(crate) const ORDER: u8 = 8;

/// The byte of a record's class.
pub(crate) const fn of(body: &Body) -> u8 {
    match body {
        Body::Http(_) => 0,
        Body::Authentication(_) => 1,
        Body::Process(_) => 2,
        Body::Other { .. } => 3,
        Body::Undecoded { .. } => 4,
        Body::Finding(_) => FINDING,
        Body::Incident(_) => INCIDENT,
        Body::Response(_) => RESPONSE,
        Body::Order(_) => 8,
        Body::Network(_) => 9,
        Body::Dns(_) => 10,
        Body::Api(_) => 11,
        Body::Mail(_) => 12,
        Body::File(_) => 13,
        Body::Resource(_) => 14,
    }
}

/// A set of classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Classes(u16);

impl Classes {
    pub const NONE: Classes = Classes(0);
    pub const ALL: Classes = Classes(u16::MAX);
    /// Their records name entities in what they tell: findings, incidents, responses, orders, and what this version does not know.
    pub(crate) const STORIES: Classes = Classes(1 << FINDING | 1 << INCIDENT | 1 << RESPONSE | 1 << 8 | 1 << 15);

    /// By the word of [`Body::word`]; `auth` is short for `authentication`.
    pub fn parse(word: &str) -> Option<Classes> {
        let word = if word == "auth" { "authentication" } else { word };
        WORDS.iter().position(|w| *w == word).map(|at| Classes(1 << at))
    }

    pub const fn of(body: &Body) -> Classes {
        Classes::of_byte(of(body))
    }

    /// Classes that a newer version added share the last bit.
    pub(crate) const fn of_byte(class: u8) -> Classes {
        Classes(1 << if class < 15 { class } else { 15 })
    }

    #[must_use]
    pub const fn with(self, other: Classes) -> Classes {
        Classes(self.0 | other.0)
    }

    #[must_use]
    pub const fn and(self, other: Classes) -> Classes {
        Classes(self.0 & other.0)
    }

    #[must_use]
    pub const fn without(self, other: Classes) -> Classes {
        Classes(self.0 & !other.0)
    }

    pub const fn meets(self, other: Classes) -> bool {
        self.0 & other.0 != 0
    }

    pub const fn contains(self, body: &Body) -> bool {
        self.meets(Classes::of(body))
    }

    pub fn words(self) -> impl Iterator<Item = &'static str> {
        WORDS.iter().enumerate().filter(move |(at, _)| self.0 & (1 << at) != 0).map(|(_, word)| *word)
    }
}

impl Default for Classes {
    fn default() -> Classes {
        Classes::ALL
    }
}

impl FromIterator<Classes> for Classes {
    fn from_iter<I: IntoIterator<Item = Classes>>(all: I) -> Classes {
        all.into_iter().fold(Classes::NONE, Classes::with)
    }
}
