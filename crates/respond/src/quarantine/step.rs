//! The steps of a move, each safe to do again after an interruption.

use std::fs::{File, FileTimes};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, RenameFlags, linkat, renameat_with, unlinkat};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use super::manifest::Manifest;
use super::{BYTES_MAX, open};

/// Looks at the file and writes its manifest. `expected` is the hash that was judged; another content is not touched.
pub(super) fn describe(dir: &File, response: &str, path: &Path, expected: &str) -> Result<Manifest, String> {
    let parent = open::parent(path)?;
    let mut file = open::file(&parent, name(path))?;
    let about = file.metadata().map_err(|e| format!("cannot look at {}: {e}", path.display()))?;
    if about.len() > BYTES_MAX {
        return Err(format!("{} has {} bytes, more than {BYTES_MAX}", path.display(), about.len()));
    }
    let (sha256, bytes) = hash(&mut file, &mut std::io::sink()).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
    if !expected.is_empty() && expected != sha256 {
        return Err(format!("{} is not what was judged any more: its content has changed", path.display()));
    }
    let held = Manifest {
        response: response.to_owned(),
        path: path.display().to_string(),
        sha256,
        bytes,
        mode: about.mode() & 0o7777,
        uid: about.uid(),
        gid: about.gid(),
        modified: (about.mtime(), about.mtime_nsec() as u32),
        accessed: (about.atime(), about.atime_nsec() as u32),
        other_names: about.nlink().saturating_sub(1),
        device: about.dev(),
        inode: about.ino(),
    };
    held.write(dir)?;
    Ok(held)
}

/// Moves what the manifest names into the quarantine, or goes on with a move that was interrupted.
pub(super) fn take(dir: &File, held: &Manifest, path: &Path) -> Result<(), String> {
    let stored = held.stored();
    // Of a copy that was interrupted.
    let _ = unlinkat(dir, held.partial(), AtFlags::empty());
    if open::stat(dir, stored.as_ref()).is_err() {
        let parent = open::parent(path)?;
        // The name may have been given to something else since the manifest was written.
        if !is_it(&parent, path, held) {
            held.remove(dir)?;
            return Err(format!("{} is another file than a moment ago: nothing was moved", path.display()));
        }
        match renameat_with(&parent, name(path), dir, stored.as_str(), RenameFlags::NOREPLACE) {
            Ok(()) => {
                if open::stat(dir, stored.as_ref()).is_ok_and(|s| s.st_ino != held.inode) {
                    // The name was given to another file in the moment between looking and moving: that one goes back.
                    let back = renameat_with(dir, stored.as_str(), &parent, name(path), RenameFlags::NOREPLACE);
                    back.map_err(|e| open::say("put back", path.display(), e))?;
                    held.remove(dir)?;
                    return Err(format!("{} was replaced while it was moved: nothing was moved", path.display()));
                }
                parent.sync_all().map_err(|e| format!("cannot write the folder of {}: {e}", path.display()))?;
            }
            Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS) => copy_in(dir, &parent, held, path)?,
            Err(errno) => {
                held.remove(dir)?;
                return Err(open::say("move", path.display(), errno));
            }
        }
    }
    close(dir, &stored)?;
    // A copy that was read back, whose original was not gone yet.
    if let Ok(parent) = open::parent(path)
        && is_it(&parent, path, held)
        && open::stat(dir, stored.as_ref()).is_ok_and(|s| s.st_ino != held.inode)
    {
        remove_original(&parent, path)?;
    }
    dir.sync_all().map_err(|e| format!("cannot write the quarantine folder: {e}"))
}

/// To the same place with the same mode, owner and times; never over another file.
pub(super) fn put_back(dir: &File, held: &Manifest, path: &Path) -> Result<(), String> {
    let stored = held.stored();
    let parent = open::parent(path).map_err(|why| format!("{why}: the file stays in quarantine"))?;
    let there = open::stat(&parent, name(path)).is_ok();
    if open::stat(dir, stored.as_ref()).is_err() {
        // The move never happened, or is undone already.
        let _ = unlinkat(dir, held.partial(), AtFlags::empty());
        return if there { held.remove(dir) } else { Err(format!("{} is neither at its place nor in quarantine", path.display())) };
    }
    if there {
        if !is_it(&parent, path, held) {
            return Err(format!("another file is at {} now and is not overwritten: move it away first", path.display()));
        }
        // Copied, and the original is still there: the copy goes.
        unlinkat(dir, stored.as_str(), AtFlags::empty()).map_err(|e| open::say("remove", &stored, e))?;
        return held.remove(dir);
    }
    let mut file = open::file(dir, stored.as_ref())?;
    let (sha256, _) = hash(&mut file, &mut std::io::sink()).map_err(|e| format!("cannot read {stored}: {e}"))?;
    if sha256 != held.sha256 {
        return Err(format!("{stored} is damaged: it is not what was put in quarantine"));
    }
    dress(&file, held)?;
    match renameat_with(dir, stored.as_str(), &parent, name(path), RenameFlags::NOREPLACE) {
        Ok(()) => {}
        Err(Errno::EXIST) => return Err(format!("another file is at {} now and is not overwritten: move it away first", path.display())),
        Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS) => copy_out(dir, &parent, held, path)?,
        Err(errno) => {
            close(dir, &stored)?;
            return Err(open::say("put back", path.display(), errno));
        }
    }
    parent.sync_all().map_err(|e| format!("cannot write the folder of {}: {e}", path.display()))?;
    held.remove(dir)
}

/// Read by its owner alone, and not executable.
fn close(dir: &File, stored: &str) -> Result<(), String> {
    let file = open::file(dir, stored.as_ref())?;
    let closed = std::fs::Permissions::from_mode(0o600);
    file.set_permissions(closed).map_err(|e| format!("cannot close {stored}: {e}"))
}

fn copy_in(dir: &File, parent: &File, held: &Manifest, path: &Path) -> Result<(), String> {
    let (stored, partial) = (held.stored(), held.partial());
    let _ = unlinkat(dir, partial.as_str(), AtFlags::empty());
    let mut from = open::file(parent, name(path))?;
    let mut to = open::new_file(dir, partial.as_ref())?;
    let copied = hash(&mut from, &mut to).and_then(|done| to.sync_all().map(|()| done));
    let (sha256, _) = copied.map_err(|e| format!("cannot copy {}: {e}", path.display()))?;
    if sha256 != held.sha256 {
        let _ = unlinkat(dir, partial.as_str(), AtFlags::empty());
        held.remove(dir)?;
        return Err(format!("{} changed while it was copied: nothing was moved", path.display()));
    }
    renameat_with(dir, partial.as_str(), dir, stored.as_str(), RenameFlags::empty()).map_err(|e| open::say("keep", &stored, e))?;
    dir.sync_all().map_err(|e| format!("cannot write the quarantine folder: {e}"))?;
    if is_it(parent, path, held) {
        remove_original(parent, path)?;
    }
    Ok(())
}

fn remove_original(parent: &File, path: &Path) -> Result<(), String> {
    unlinkat(parent, name(path), AtFlags::empty()).map_err(|e| open::say("remove", path.display(), e))?;
    parent.sync_all().map_err(|e| format!("cannot write the folder of {}: {e}", path.display()))
}

fn copy_out(dir: &File, parent: &File, held: &Manifest, path: &Path) -> Result<(), String> {
    let stored = held.stored();
    let beside = format!(".{}.back", held.response);
    let _ = unlinkat(parent, beside.as_str(), AtFlags::empty());
    let mut from = open::file(dir, stored.as_ref())?;
    let mut to = open::new_file(parent, beside.as_ref())?;
    let copied = hash(&mut from, &mut to).and_then(|done| to.sync_all().map(|()| done));
    let whole = match copied {
        Ok((sha256, _)) if sha256 == held.sha256 => dress(&to, held),
        Ok(_) => Err(format!("{stored} changed while it was copied")),
        Err(error) => Err(format!("cannot copy to {}: {error}", path.display())),
    };
    let placed = whole.and_then(|()| match renameat_with(parent, beside.as_str(), parent, name(path), RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        Err(Errno::INVAL | Errno::NOSYS) => linkat(parent, beside.as_str(), parent, name(path), AtFlags::empty())
            .map_err(|e| open::say("put back", path.display(), e))
            .map(|()| {
                let _ = unlinkat(parent, beside.as_str(), AtFlags::empty());
            }),
        Err(errno) => Err(open::say("put back", path.display(), errno)),
    });
    if let Err(why) = placed {
        let _ = unlinkat(parent, beside.as_str(), AtFlags::empty());
        close(dir, &stored)?;
        return Err(why);
    }
    parent.sync_all().map_err(|e| format!("cannot write the folder of {}: {e}", path.display()))?;
    unlinkat(dir, stored.as_str(), AtFlags::empty()).map_err(|e| open::say("remove", &stored, e))
}

/// Owner first: a change of owner takes set-user-id away.
fn dress(file: &File, held: &Manifest) -> Result<(), String> {
    let say = |e: std::io::Error| format!("cannot give {} its mode, owner and times back: {e}", held.path);
    let about = file.metadata().map_err(say)?;
    if (about.uid(), about.gid()) != (held.uid, held.gid) {
        fchown(file, Some(held.uid), Some(held.gid)).map_err(say)?;
    }
    file.set_permissions(std::fs::Permissions::from_mode(held.mode)).map_err(say)?;
    let times = FileTimes::new().set_modified(time(held.modified)).set_accessed(time(held.accessed));
    file.set_times(times).map_err(say)
}

fn time((s, ns): (i64, u32)) -> SystemTime {
    let whole = Duration::from_secs(s.unsigned_abs());
    let base = if s >= 0 { UNIX_EPOCH.checked_add(whole) } else { UNIX_EPOCH.checked_sub(whole) };
    base.and_then(|base| base.checked_add(Duration::from_nanos(u64::from(ns)))).unwrap_or(UNIX_EPOCH)
}

/// What stands at the path is the very file of the manifest, with the same content.
fn is_it(parent: &File, path: &Path, held: &Manifest) -> bool {
    let Ok(mut file) = open::file(parent, name(path)) else { return false };
    let same = file.metadata().is_ok_and(|m| m.ino() == held.inode && m.dev() == held.device && m.len() == held.bytes);
    same && hash(&mut file, &mut std::io::sink()).is_ok_and(|(sha256, _)| sha256 == held.sha256)
}

/// Copies and hashes at once.
fn hash(from: &mut File, to: &mut dyn Write) -> std::io::Result<(String, u64)> {
    let (mut digest, mut bytes) = (Sha256::new(), 0);
    let mut buffer = vec![0; 1 << 16];
    // A file that grows while it is read has an end all the same.
    while bytes <= BYTES_MAX {
        let n = from.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        digest.update(&buffer[..n]);
        to.write_all(&buffer[..n])?;
        bytes += n as u64;
    }
    Ok((digest.finalize().iter().map(|b| format!("{b:02x}")).collect(), bytes))
}

fn name(path: &Path) -> &Path {
    path.file_name().map_or(path, Path::new)
}
