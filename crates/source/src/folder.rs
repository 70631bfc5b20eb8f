//! Folders to files, in sorted order, so that two runs read the same files in the same order.
//!
//! What is named is read, whatever it is. Inside a folder only ordinary files are: a link that leads out of the folder could make the
//! program read what the caller never named, and one that stays inside would be read twice; devices and pipes would block.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Error;

/// Folders deeper than this are refused.
const DEPTH_MAX: usize = 64;

/// The files to read, and what was left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Path as given, joined; arguments in their order, folders in the order of names.
    pub files: Vec<PathBuf>,
    pub refused: Vec<Refused>,
}

/// Left out, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub path: PathBuf,
    pub why: String,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.why)
    }
}

/// A path that does not exist is an error; what cannot be read inside a folder is refused.
pub fn list<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Result<Listing, Error> {
    let mut listing = Listing::default();
    for path in paths {
        let path = path.as_ref();
        if fs::metadata(path).map_err(Error::read(path))?.is_dir() {
            let root = fs::canonicalize(path).map_err(Error::read(path))?;
            fs::read_dir(path).map_err(Error::read(path))?;
            walk(path, &root, 0, &mut listing);
        } else {
            listing.files.push(path.to_owned());
        }
    }
    Ok(listing)
}

fn walk(folder: &Path, root: &Path, depth: usize, listing: &mut Listing) {
    let mut refuse = |path: &Path, why: String| listing.refused.push(Refused { path: path.to_owned(), why });
    if depth > DEPTH_MAX {
        return refuse(folder, format!("deeper than {DEPTH_MAX} folders"));
    }
    let mut names = Vec::new();
    match fs::read_dir(folder) {
        Ok(entries) => {
            for entry in entries {
                match entry {
                    Ok(entry) => names.push(entry.file_name()),
                    Err(error) => refuse(folder, crate::error::plain(&error)),
                }
            }
        }
        Err(error) => return refuse(folder, crate::error::plain(&error)),
    }
    names.sort();
    for name in names {
        let path = folder.join(name);
        let mut refuse = |why: String| listing.refused.push(Refused { path: path.clone(), why });
        match fs::symlink_metadata(&path) {
            Err(error) => refuse(crate::error::plain(&error)),
            Ok(facts) if facts.is_dir() => walk(&path, root, depth + 1, listing),
            Ok(facts) if facts.is_file() => listing.files.push(path),
            Ok(facts) if facts.is_symlink() => match fs::canonicalize(&path) {
                Ok(target) if target.starts_with(root) => refuse("link to what is read under its own name".to_owned()),
                Ok(_) => refuse("link that leads out of the folder".to_owned()),
                Err(error) => refuse(format!("link that leads nowhere: {}", crate::error::plain(&error))),
            },
            Ok(_) => refuse("neither a file nor a folder".to_owned()),
        }
    }
}
