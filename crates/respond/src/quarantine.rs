//! Quarantine (D3FEND D3-FEV, file eviction): a file goes out of everybody's reach into a folder of ours, and back on undo.
//!
//! The folder is 0700, what lies in it 0600, never executable, named by its SHA-256 and the response. A manifest beside it, on disk before anything
//! moves, says where it came from and what it was: path, mode, owner, times. On one filesystem the move is a rename; else a copy that is read
//! back before the original goes. Each step can be interrupted: `apply` goes on where it stopped and `undo` puts back from wherever it is.
//!
//! No name is followed that is a symbolic link, in no part of a path. Nothing is ever overwritten or deleted: a file that stands in
//! the way of an undo stays, and the undo fails and says so. When its time is over the file is not set free by itself: the response
//! is renewed and the trail says that nobody has looked at it.
//!
//! Across filesystems extended attributes and access lists stay behind; mode, owner and times do not. Other hard links to the content are
//! not looked for; the receipt says that there are some.

mod manifest;
mod open;
mod step;

use std::path::{Path, PathBuf};

use event::response::Mode;
use event::{EntityKind, Response, Text, Time};

use crate::Action;
use manifest::Manifest;

/// A longer file is not hashed within the seconds that an action has.
pub(crate) const BYTES_MAX: u64 = 1 << 30;
/// How long a file stays before somebody should have looked at it.
const RENEW_S: u32 = 90 * 86_400;

/// Enforcement point `quarantine`.
pub struct Quarantine {
    dir: PathBuf,
    /// Folders that nothing is taken out of.
    never: Vec<PathBuf>,
}

impl Quarantine {
    pub const POINT: &'static str = "quarantine";

    /// Files go to `quarantine` in the data directory. Nothing is made before there is a file to move.
    pub fn new(data_dir: &Path) -> Quarantine {
        let whole = std::fs::canonicalize(data_dir).unwrap_or_else(|_| data_dir.to_owned());
        let mut never: Vec<PathBuf> = ["/proc", "/sys", "/dev"].iter().map(PathBuf::from).collect();
        never.extend(std::env::current_exe());
        never.push(whole.clone());
        Quarantine { dir: whole.join("quarantine"), never }
    }

    fn path(response: &Response) -> Result<PathBuf, String> {
        if response.target.kind != EntityKind::File {
            return Err(format!("{} is no file: only files can be put in quarantine", response.target.name));
        }
        let path = PathBuf::from(response.target.name.as_str());
        let plain = path.components().all(|c| matches!(c, std::path::Component::RootDir | std::path::Component::Normal(_)));
        if path.is_absolute() && plain && path.file_name().is_some() {
            Ok(path)
        } else {
            Err(format!("{} is no whole path", response.target.name))
        }
    }

    /// Names become parts of paths: only what our own ids are made of.
    fn name(response: &Response) -> Result<&str, String> {
        let uid = response.uid.as_str();
        let fine = !uid.is_empty() && uid.len() <= 64 && uid.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if fine { Ok(uid) } else { Err(format!("{uid:?} cannot be the name of a file")) }
    }
}

impl Action for Quarantine {
    fn name(&self) -> &'static str {
        Quarantine::POINT
    }

    fn refuses(&self, response: &Response) -> Option<String> {
        let path = match Quarantine::path(response) {
            Ok(path) => path,
            Err(why) => return Some(why),
        };
        let own = self.never.iter().find(|never| path.starts_with(never))?;
        Some(format!("{} is never moved: it belongs to {}", path.display(), own.display()))
    }

    fn apply(&mut self, response: &Response, _now: Time) -> Result<Vec<Text>, String> {
        let points = vec![Text::const_new(Quarantine::POINT)];
        let (path, uid) = (Quarantine::path(response)?, Quarantine::name(response)?);
        if response.mode == Mode::Monitor {
            return Ok(points);
        }
        let dir = open::own_dir(&self.dir)?;
        let held = match Manifest::read(&dir, uid)? {
            Some(held) => held,
            None => step::describe(&dir, uid, &path, &response.sha256)?,
        };
        step::take(&dir, &held, &path)?;
        Ok(points)
    }

    fn undo(&mut self, response: &Response) -> Result<(), String> {
        let (path, uid) = (Quarantine::path(response)?, Quarantine::name(response)?);
        if !self.dir.is_dir() {
            return Ok(());
        }
        let dir = open::own_dir(&self.dir)?;
        match Manifest::read(&dir, uid)? {
            Some(held) => step::put_back(&dir, &held, &path),
            None => Ok(()),
        }
    }

    fn probe(&self, response: &Response) -> bool {
        let Ok(uid) = Quarantine::name(response) else { return false };
        let Ok(dir) = open::existing(&self.dir) else { return false };
        matches!(Manifest::read(&dir, uid), Ok(Some(held)) if open::stat(&dir, held.stored().as_ref()).is_ok())
    }

    fn undone_words(&self) -> &'static str {
        "put back to its place"
    }

    fn renewed_s(&self) -> Option<u32> {
        Some(RENEW_S)
    }
}
