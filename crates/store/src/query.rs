//! The search language.

use std::time::Duration;

use event::{Entity, Event, Time};

use crate::Classes;

/// What to look for; everything that is set must hold.
#[derive(Clone, Debug)]
pub struct Query {
    /// As typed.
    pub text: String,
    /// Event time, inclusive.
    pub from: Option<Time>,
    /// Event time, exclusive.
    pub to: Option<Time>,
    pub classes: Classes,
    pub entity: Option<Entity>,
    pub terms: Vec<Term>,
    /// Only offsets below this one: [`crate::Page::next`] of the page before.
    pub before: Option<u64>,
    pub limit: usize,
    /// Records looked at before the search stops early.
    pub rows_max: u64,
    /// Time before the search stops early.
    pub time_max: Duration,
}

impl Default for Query {
    fn default() -> Query {
        Query {
            text: String::new(),
            from: None,
            to: None,
            classes: Classes::ALL,
            entity: None,
            terms: Vec::new(),
            before: None,
            limit: 200,
            rows_max: 2_000_000,
            time_max: Duration::from_secs(5),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// `status:>=500`
    Field { field: &'static str, test: Test },
    /// `entity:address:203.0.113.9`, a bare address
    Entity(Entity),
    /// A bare id: `INC-42`, `F-..`, `R-..`, `r-..`, `rcpt-..`, `O-..`, 32 hexadecimal digits.
    Id(String),
    /// A bare word or `"quoted text"`, lower case: anywhere in the raw record, a field or a story.
    Text(String),
    Not(Box<Term>),
    All(Vec<Term>),
    Any(Vec<Term>),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// Lower case; compared without regard to case.
    Is(String),
    /// Lower case with `*` and `?`.
    Glob(String),
    Number(Compare, f64),
    /// Both inclusive.
    Range(f64, f64),
    /// Network as bits of an IPv6 address (IPv4 mapped) and prefix length.
    Net(u128, u8),
    Bool(bool),
    Severity(Compare, event::Severity),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    Less,
    AtMost,
    Equal,
    AtLeast,
    More,
}

/// Where the text of a query cannot be understood, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at {at}: {found:?}: {help}")]
pub struct QueryError {
    /// Byte position in the text.
    pub at: usize,
    pub found: String,
    pub help: String,
}

impl Query {
    pub fn parse(text: &str) -> Result<Query, QueryError> {
        Ok(Query { text: text.to_owned(), ..Query::default() })
    }

    pub fn matches(&self, _event: &Event) -> bool {
        true
    }
}
