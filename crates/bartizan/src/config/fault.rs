//! A fault of the configuration: where, what was found, what to write instead.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    BuiltIn,
    File { path: Arc<PathBuf>, line: usize, column: usize },
    Env(String),
    Flag(&'static str),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub code: Code,
    pub at: Origin,
    /// What was found there and why it cannot be used.
    pub text: String,
    pub instead: String,
}

/// What kind of fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// A file that cannot be read.
    Unreadable,
    /// Not TOML.
    Syntax,
    /// A key or table that does not exist.
    Unknown,
    /// A value that cannot stand there.
    Value,
    /// Values that do not go together.
    Together,
}

impl Code {
    pub fn word(self) -> &'static str {
        match self {
            Code::Unreadable => "E0120",
            Code::Syntax => "E0121",
            Code::Unknown => "E0122",
            Code::Value => "E0123",
            Code::Together => "E0124",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::BuiltIn => f.write_str("built in"),
            Origin::File { path, line: 0, .. } => write!(f, "{}", path.display()),
            Origin::File { path, line, column } => write!(f, "{}:{line}:{column}", path.display()),
            Origin::Env(name) => write!(f, "environment {name}"),
            Origin::Flag(flag) => write!(f, "{flag}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}. write: {}", self.code.word(), self.at, self.text, self.instead)
    }
}

impl Fault {
    pub fn json(&self) -> Value {
        let (file, line, column) = match &self.at {
            Origin::File { path, line, column } => (Some(path.display().to_string()), Some(*line), Some(*column)),
            _ => (None, None, None),
        };
        json!({
            "code": self.code.word(), "at": self.at.to_string(), "file": file, "line": line, "column": column,
            "text": self.text, "instead": self.instead,
        })
    }
}
