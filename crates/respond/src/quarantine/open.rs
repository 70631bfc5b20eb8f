//! Opening without following any link: each part of a path is opened from the one before it.

use std::fmt::Display;
use std::fs::File;
use std::os::fd::AsFd;
use std::path::{Component, Path};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, Stat, fchmod, mkdirat, openat, statat};
use rustix::io::Errno;

/// `cannot open /x: it is a symbolic link`
pub(super) fn say(doing: &str, name: impl Display, errno: Errno) -> String {
    match errno {
        Errno::LOOP => format!("cannot {doing} {name}: it is a symbolic link"),
        other => format!("cannot {doing} {name}: {}", std::io::Error::from(other)),
    }
}

pub(super) fn stat(dir: impl AsFd, name: &Path) -> Result<Stat, Errno> {
    statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)
}

/// The folder of `path`; every part of the way is a folder and no link.
pub(super) fn parent(path: &Path) -> Result<File, String> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let above = path.parent().unwrap_or_else(|| Path::new("/"));
    let mut held = openat(CWD, "/", flags | OFlags::RDONLY, Mode::empty()).map_err(|e| say("open", "/", e))?;
    for part in above.components() {
        let Component::Normal(name) = part else { continue };
        held = openat(&held, name, flags | OFlags::RDONLY, Mode::empty()).map_err(|errno| match errno {
            Errno::NOTDIR | Errno::LOOP => format!("cannot open {}: a part of the way is a symbolic link or no folder", above.display()),
            errno => say("open", above.display(), errno),
        })?;
    }
    Ok(File::from(held))
}

/// The file `name` in `dir` for reading: an ordinary file, no link, pipe or device.
pub(super) fn file(dir: &File, name: &Path) -> Result<File, String> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = openat(dir, name, flags, Mode::empty()).map_err(|e| say("open", name.display(), e))?;
    let file = File::from(fd);
    let about = file.metadata().map_err(|e| format!("cannot look at {}: {e}", name.display()))?;
    if about.is_file() { Ok(file) } else { Err(format!("{} is no ordinary file", name.display())) }
}

/// A new file that only its owner reads; fails when there is one.
pub(super) fn new_file(dir: &File, name: &Path) -> Result<File, String> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(dir, name, flags, Mode::from_raw_mode(0o600)).map(File::from).map_err(|e| say("make", name.display(), e))
}

/// The quarantine, made when it is not there: nobody but its owner looks into it.
pub(super) fn own_dir(dir: &Path) -> Result<File, String> {
    match mkdirat(CWD, dir, Mode::from_raw_mode(0o700)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(errno) => return Err(say("make the folder", dir.display(), errno)),
    }
    let held = existing(dir)?;
    fchmod(&held, Mode::from_raw_mode(0o700)).map_err(|e| say("close the folder", dir.display(), e))?;
    Ok(held)
}

pub(super) fn existing(dir: &Path) -> Result<File, String> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY;
    openat(CWD, dir, flags, Mode::empty()).map(File::from).map_err(|e| say("open", dir.display(), e))
}
