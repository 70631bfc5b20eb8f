//! What can go wrong, with the file and the place in it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another process writes this log.
    #[error("{} is in use{}", dir.display(), pid.map_or_else(String::new, |pid| format!(" by process {pid}")))]
    Busy { dir: PathBuf, pid: Option<u32> },
    #[error("no log in {}", dir.display())]
    Missing { dir: PathBuf },
    #[error("cannot {doing} {}: {source}", path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
    /// Nothing of the batch was kept; the log is whole and takes more as soon as there is room.
    #[error("no space left for {}", path.display())]
    Full { path: PathBuf },
    #[error("{0}")]
    Damaged(Damage),
    #[error("{} is of format version {found}, this program reads versions up to {newest}", path.display())]
    Version { path: PathBuf, found: u32, newest: u32 },
    #[error("{} cannot be read: {why}", path.display())]
    Sealed { path: PathBuf, why: String },
    #[error("{}: {why}", path.display())]
    Key { path: PathBuf, why: String },
    #[error("{} cannot go on: {records} records are missing between the files of the log", dir.display())]
    Gap { dir: PathBuf, records: u64 },
    /// Nothing goes without a signed word in the log.
    #[error("{records} records are due to be removed and stay, because nothing can be attested: see the audit key")]
    Unattested { records: u64 },
    #[error("no record {record} in the log")]
    NoRecord { record: u64 },
    #[error("event {uid} takes {bytes} bytes, at most {max} can be stored")]
    TooLarge { uid: event::Uid, bytes: usize, max: usize },
    #[error("event {uid} cannot be encoded: {why}")]
    Encode { uid: event::Uid, why: String },
}

impl Error {
    pub(crate) fn sealed(path: &Path, error: parquet::errors::ParquetError) -> Error {
        let why = error.to_string();
        match error {
            parquet::errors::ParquetError::External(inner) => match inner.downcast::<io::Error>() {
                Ok(source) => Error::io("read", path)(*source),
                Err(_) => Error::Sealed { path: path.to_owned(), why },
            },
            _ => Error::Sealed { path: path.to_owned(), why },
        }
    }

    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::Full { path },
            _ => Error::Io { doing, path, source },
        }
    }
}

/// Bytes inside a segment that cannot be read; what stands before and after them can.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    /// First offset of the segment, which names its file: `%016x.log`, or `%016x.parquet` when it is sealed.
    pub segment: u64,
    /// Byte position in the file; of a sealed one the row.
    pub position: u64,
    pub bytes: u64,
    /// First offset that was lost.
    pub offset: u64,
    /// Number of records lost.
    pub records: u64,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Damage { segment, position, bytes, offset, records } = self;
        write!(f, "segment {segment:016x} is damaged at {position}: {bytes} bytes, {records} records from offset {offset}")
    }
}
