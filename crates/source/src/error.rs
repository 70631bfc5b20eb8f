//! What went wrong, and with which path.

use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("cannot read {}: {}", .path.display(), plain(.source))]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot read {}: it is a {kind}, expected {expected}", .path.display())]
    Kind { path: PathBuf, kind: &'static str, expected: &'static str },
    #[error("{text}: {why}; write for example {write}")]
    Locator { text: String, why: String, write: String },
    #[error("cannot listen at {name}: {}", plain(.source))]
    Listen { name: String, source: io::Error },
    #[error("cannot use {}: {why}", .path.display())]
    Tls { path: PathBuf, why: String },
    #[error("{program} is not there: {why}")]
    Absent { program: String, why: String },
    #[error("{program} ended ({status}){}", if said.is_empty() { String::new() } else { format!(": {said}") })]
    Ended { program: String, status: String, said: String },
}

impl Error {
    /// Trying again cannot help: a person has to change something.
    pub fn is_final(&self) -> bool {
        !matches!(self, Error::Listen { .. } | Error::Ended { .. })
    }

    pub(crate) fn read(path: &Path) -> impl FnOnce(io::Error) -> Error + '_ {
        move |source| Error::Read { path: path.to_owned(), source }
    }
}

/// The system's words without their number.
pub(crate) fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::NotFound => "no such file or folder".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        _ => {
            let text = error.to_string();
            let text = text.split(" (os error").next().unwrap_or_default();
            let mut chars = text.chars();
            chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
        }
    }
}
