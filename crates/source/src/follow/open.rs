//! The file that is being followed: where it was read up to, and how it is known again.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Position;
use crate::split::{BLOCK_BYTES, Splitter};
use crate::{Error, Out, expand, file};

/// A file is known again by its first bytes.
const HEAD_BYTES: usize = 256;

/// A copy is known by no fewer than these.
const COPY_HEAD_BYTES: usize = 32;
/// Rotated files that are looked at.
const ROTATED_MAX: usize = 64;

fn folder(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// `NAME.1`, `NAME-20260101`, ..: files beside `path` that are no archives, by the time of their last change.
fn rotated(path: &Path) -> Vec<((i64, i64), Open)> {
    let Some(name) = path.file_name().map(OsStr::as_encoded_bytes) else { return Vec::new() };
    let is_rotated = |entry: &fs::DirEntry| {
        let other = entry.file_name();
        other.as_encoded_bytes().strip_prefix(name).is_some_and(|rest| matches!(rest.first(), Some(b'.' | b'-' | b'_')))
    };
    let Ok(entries) = fs::read_dir(folder(path)) else { return Vec::new() };
    let found = entries.filter_map(Result::ok).filter(is_rotated).take(ROTATED_MAX).filter_map(|entry| {
        let facts = entry.metadata().ok().filter(Metadata::is_file)?;
        let open = Open::new(&entry.path()).ok()?;
        let plain = open.first_bytes().is_ok_and(|first| !expand::is_archive(&first));
        plain.then_some(((facts.mtime(), facts.mtime_nsec()), open))
    });
    let mut all: Vec<_> = found.collect();
    all.sort_by_key(|(changed, open)| (*changed, open.inode));
    all
}

pub(super) struct Open {
    file: File,
    device: u64,
    inode: u64,
    /// Bytes read.
    offset: u64,
    head: u64,
    head_bytes: u16,
}

impl Open {
    pub(super) fn new(path: &Path) -> Result<Open, Error> {
        let file = file::open(path)?;
        let facts = file.metadata().map_err(Error::read(path))?;
        if !facts.is_file() {
            return Err(Error::Kind { path: path.to_owned(), kind: "pipe or device", expected: "a file that can be followed" });
        }
        Ok(Open { file, device: facts.dev(), inode: facts.ino(), offset: 0, head: HASH_START, head_bytes: 0 })
    }

    pub(super) fn first_bytes(&self) -> io::Result<[u8; 4]> {
        let mut first = [0; 4];
        self.file.read_at(&mut first, 0)?;
        Ok(first)
    }

    pub(super) fn is(&self, facts: &Metadata) -> bool {
        (self.device, self.inode) == (facts.dev(), facts.ino())
    }

    pub(super) fn seek(&mut self, offset: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(offset))?;
        self.offset = offset;
        self.see_head()
    }

    /// Hashes as much of the first bytes as was read.
    fn see_head(&mut self) -> io::Result<()> {
        let bytes = self.offset.min(HEAD_BYTES as u64) as usize;
        (self.head, self.head_bytes) = (head(&self.file, bytes)?, bytes as u16);
        Ok(())
    }

    /// Shorter than what was read, or filled anew.
    pub(super) fn was_emptied(&self) -> io::Result<bool> {
        let len = self.file.metadata()?.len();
        Ok(len < self.offset || self.has_other_head()?)
    }

    fn has_other_head(&self) -> io::Result<bool> {
        Ok(head(&self.file, usize::from(self.head_bytes))? != self.head)
    }

    /// To the present end; whether there was anything. `None`: told to stop.
    pub(super) fn read(&mut self, splitter: &mut Splitter, out: &mut Out<'_>, stop: &AtomicBool) -> io::Result<Option<bool>> {
        let before = self.offset;
        loop {
            if stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let read_before = splitter.done.bytes;
            let Some(batch) = splitter.block(&mut Checked(self))? else { break };
            self.offset += splitter.done.bytes - read_before;
            if usize::from(self.head_bytes) < HEAD_BYTES {
                self.see_head()?;
            }
            let position = self.position(splitter);
            if splitter.hand(batch, Some(position), out).is_break() {
                return Ok(None);
            }
        }
        Ok(Some(self.offset > before))
    }

    pub(super) fn position(&self, splitter: &Splitter) -> Position {
        Position {
            device: self.device,
            inode: self.inode,
            offset: self.offset - splitter.held_bytes().min(self.offset),
            lines: splitter.lines(),
            head: self.head,
            head_bytes: self.head_bytes,
        }
    }

    /// The file that `position` is in: behind `path`, renamed in the same folder, or copied there before it was emptied.
    pub(super) fn find(&self, path: &Path, position: Position) -> Option<Open> {
        if let Some(same) = Open::new(path).ok().filter(|open| open.holds(position)) {
            return Some(same);
        }
        let inode =
            |entry: &fs::DirEntry| entry.metadata().is_ok_and(|m| m.is_file() && (m.dev(), m.ino()) == (position.device, position.inode));
        let renamed = fs::read_dir(folder(path)).ok()?.filter_map(Result::ok).find(inode);
        if let Some(found) = renamed.and_then(|entry| Open::new(&entry.path()).ok()).filter(|open| open.holds(position)) {
            return Some(found);
        }
        // A copy is another file: its first bytes have to speak for it.
        let enough = usize::from(position.head_bytes) >= COPY_HEAD_BYTES;
        enough.then(|| rotated(path).into_iter().map(|(_, open)| open).rfind(|open| open.begins(position))).flatten()
    }

    /// What was rotated away after this file, oldest first; nothing when this one is still behind the name.
    pub(super) fn later(&self, path: &Path) -> VecDeque<Open> {
        let Ok(own) = self.file.metadata() else { return VecDeque::new() };
        if fs::metadata(path).is_ok_and(|facts| self.is(&facts)) {
            return VecDeque::new();
        }
        let changed = (own.mtime(), own.mtime_nsec());
        rotated(path).into_iter().filter(|(at, open)| *at > changed && !open.is(&own)).map(|(_, open)| open).collect()
    }

    fn holds(&self, position: Position) -> bool {
        (self.device, self.inode) == (position.device, position.inode) && self.begins(position)
    }

    fn begins(&self, position: Position) -> bool {
        self.file.metadata().is_ok_and(|m| m.len() >= position.offset)
            && head(&self.file, usize::from(position.head_bytes)).is_ok_and(|hash| hash == position.head)
    }

    /// Offset behind the last line end, and lines up to there.
    pub(super) fn last_line_end(&self) -> io::Result<(u64, u64)> {
        let mut block = vec![0; BLOCK_BYTES];
        let (mut at, mut end, mut lines) = (0, 0, 0);
        loop {
            let read = self.file.read_at(&mut block, at)?;
            if read == 0 {
                return Ok((end, lines));
            }
            lines += memchr::memchr_iter(b'\n', &block[..read]).count() as u64;
            if let Some(last) = memchr::memrchr(b'\n', &block[..read]) {
                end = at + last as u64 + 1;
            }
            at += read as u64;
        }
    }
}

/// Bytes that were read behind a new beginning belong to it: they are left for the next look, which goes back there. Writers fill from the
/// beginning, so the look at it after the read cannot come too early.
struct Checked<'o>(&'o Open);

impl io::Read for Checked<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = (&self.0.file).read(into)?;
        Ok(if read > 0 && self.0.has_other_head()? { 0 } else { read })
    }
}

const HASH_START: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a of the first bytes: stored in positions, so it must stay what it is.
fn head(file: &File, bytes: usize) -> io::Result<u64> {
    let mut first = [0; HEAD_BYTES];
    let mut read = 0;
    while read < bytes.min(HEAD_BYTES) {
        match file.read_at(&mut first[read..bytes], read as u64)? {
            0 => break,
            some => read += some,
        }
    }
    Ok(first[..read].iter().fold(HASH_START, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)))
}
