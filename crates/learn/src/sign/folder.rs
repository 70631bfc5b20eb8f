//! A model folder in memory: relative names and bytes, sorted.

use std::collections::BTreeMap;

/// Name of the signature bundle.
pub const SIGNATURE_NAME: &str = "model.sig";

/// Most files of a folder.
const FILES_MAX: usize = 4_096;

/// A name that a folder may not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// Empty, absolute, with `..`, a backslash or a control character.
    #[error("file name {0:?} is not a plain relative name")]
    Name(String),
    /// Too many files.
    #[error("a model folder holds at most {FILES_MAX} files")]
    Files,
}

/// Relative name -> bytes, sorted by name. Names are checked when they enter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folder {
    files: BTreeMap<String, Vec<u8>>,
}

impl Folder {
    /// An empty folder.
    pub fn new() -> Folder {
        Folder::default()
    }

    /// Adds or replaces a file. Names use `/`.
    pub fn insert(&mut self, name: &str, bytes: Vec<u8>) -> Result<(), FolderError> {
        if !is_plain(name) {
            return Err(FolderError::Name(name.into()));
        }
        if self.files.len() >= FILES_MAX && !self.files.contains_key(name) {
            return Err(FolderError::Files);
        }
        self.files.insert(name.into(), bytes);
        Ok(())
    }

    /// Bytes of one file.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.files.get(name).map(Vec::as_slice)
    }

    /// Takes a file out.
    pub fn remove(&mut self, name: &str) -> Option<Vec<u8>> {
        self.files.remove(name)
    }

    /// All files in order of their names.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
    }

    /// A file that this crate writes itself; its name is a plain literal.
    pub(crate) fn put(&mut self, name: &'static str, bytes: Vec<u8>) {
        debug_assert!(is_plain(name));
        self.files.insert(name.into(), bytes);
    }
}

/// A relative name without tricks.
pub(super) fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 1_024
        && !name.contains(|c: char| c == '\\' || c.is_control())
        && name.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}
