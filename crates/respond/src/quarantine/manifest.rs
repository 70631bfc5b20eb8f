//! What a file was before it was moved, beside it in the quarantine.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags, RawMode, openat, renameat, unlinkat};
use serde::{Deserialize, Serialize};

use super::open::{say, stat};

/// A manifest is about 400 bytes and a path.
const BYTES_MAX: u64 = 64 << 10;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// Response that moved it.
    pub(super) response: String,
    pub(super) path: String,
    pub(super) sha256: String,
    pub(super) bytes: u64,
    pub(super) mode: RawMode,
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// Seconds and nanoseconds since 1970.
    pub(super) modified: (i64, u32),
    pub(super) accessed: (i64, u32),
    /// Names that the content has besides this one.
    pub(super) other_names: u64,
    pub(super) device: u64,
    pub(super) inode: u64,
}

impl Manifest {
    /// Name of the content in quarantine.
    pub(super) fn stored(&self) -> String {
        format!("{}.{}", self.sha256, self.response)
    }

    /// Name of a copy that is not whole yet.
    pub(super) fn partial(&self) -> String {
        format!("{}.part", self.stored())
    }

    fn name(response: &str) -> String {
        format!("{response}.json")
    }

    pub(super) fn read(dir: impl AsFd, response: &str) -> Result<Option<Manifest>, String> {
        let name = Manifest::name(response);
        if stat(&dir, Path::new(&name)).is_err() {
            return Ok(None);
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = openat(&dir, &name, flags, Mode::empty()).map_err(|e| say("read the manifest", &name, e))?;
        let mut text = Vec::new();
        File::from(fd).take(BYTES_MAX).read_to_end(&mut text).map_err(|e| format!("cannot read the manifest {name}: {e}"))?;
        let held: Manifest = serde_json::from_slice(&text).map_err(|e| format!("the manifest {name} is damaged: {e}"))?;
        let hash = held.sha256.len() == 64 && held.sha256.bytes().all(|b| b.is_ascii_hexdigit());
        if held.response == response && hash { Ok(Some(held)) } else { Err(format!("the manifest {name} is about something else")) }
    }

    /// Whole on disk when it returns.
    pub(super) fn write(&self, dir: &File) -> Result<(), String> {
        let (name, new) = (Manifest::name(&self.response), format!("{}.json.new", self.response));
        let text = serde_json::to_vec_pretty(self).map_err(|e| e.to_string())?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = openat(dir, &new, flags, Mode::from_raw_mode(0o600)).map_err(|e| say("write the manifest", &new, e))?;
        let mut file = File::from(fd);
        file.write_all(&text).and_then(|()| file.sync_all()).map_err(|e| format!("cannot write the manifest {new}: {e}"))?;
        renameat(dir, &new, dir, &name).map_err(|e| say("write the manifest", &name, e))?;
        dir.sync_all().map_err(|e| format!("cannot write the quarantine folder: {e}"))
    }

    pub(super) fn remove(&self, dir: &File) -> Result<(), String> {
        unlinkat(dir, Manifest::name(&self.response), AtFlags::empty()).map_err(|e| say("remove the manifest of", &self.response, e))?;
        dir.sync_all().map_err(|e| format!("cannot write the quarantine folder: {e}"))
    }
}
