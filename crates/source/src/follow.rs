//! A file that grows: new lines as they come, through rotation, emptying and absence.
//!
//! Looks every [`POLL`]. A line is handed over when it has ended; what has not ended is held, and read again after a restart.
//! Renamed away (another inode behind the name): the old file is finished first, until it has been quiet for [`QUIET_POLLS`], because its
//! writers close it late; then the new one is read from its beginning. Emptied (shorter than what was read, or other first bytes): read from
//! the beginning. Gone: the old file is watched until the name is there again.
//! Lines are numbered on across rotations, so that no two records of a run have one number.
//! Not seen: a file that was replaced twice between two looks.

use std::fs::{self, File, Metadata};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::split::{BLOCK_BYTES, Splitter};
use crate::{Done, Error, Out, Short, Source, expand, file};

/// Between two looks.
const POLL: Duration = Duration::from_millis(200);
/// A file that was renamed away is finished after this many looks without a new byte.
const QUIET_POLLS: u32 = 5;
/// Told to stop, it returns within this.
const STOP: Duration = Duration::from_millis(50);
/// A file is known again by its first bytes.
const HEAD_BYTES: usize = 256;

/// Where to go on: the end of the last line that was handed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    pub device: u64,
    pub inode: u64,
    pub offset: u64,
    /// Lines before it, all rotations of this run together.
    pub lines: u64,
    /// Hash of the file's first `head_bytes` bytes.
    pub head: u64,
    pub head_bytes: u16,
}

/// Where to begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    #[default]
    Beginning,
    /// Only lines that end from now on.
    End,
    /// After this; at the beginning when the file is another one. A file that was renamed since is looked for beside it and finished first.
    After(Position),
}

#[derive(Clone, Debug)]
pub struct Follow {
    path: PathBuf,
    name: Arc<str>,
    pub start: Start,
    pub poll: Duration,
}

impl Follow {
    pub fn new(path: impl Into<PathBuf>, start: Start) -> Follow {
        let path = path.into();
        let name = path.to_string_lossy().into();
        Follow { path, name, start, poll: POLL }
    }
}

/// [`Follow`] from the beginning.
pub fn follow(path: &Path, stop: &AtomicBool, out: &mut Out<'_>) -> Result<Done, Error> {
    Follow::new(path, Start::Beginning).run(out, stop)
}

impl Source for Follow {
    fn name(&self) -> &str {
        &self.name
    }

    fn run(&mut self, out: &mut Out<'_>, stop: &AtomicBool) -> Result<Done, Error> {
        let mut splitter = Splitter::new(Arc::clone(&self.name), None);
        let mut open = Open::new(&self.path)?;
        // An archive does not grow.
        if expand::is_archive(&open.first_bytes().map_err(Error::read(&self.path))?) {
            return file::Whole::new(&self.path).run(out, stop);
        }
        match self.start {
            Start::Beginning => {}
            Start::End => {
                let (offset, lines) = open.last_line_end().map_err(Error::read(&self.path))?;
                open.seek(offset).map_err(Error::read(&self.path))?;
                splitter.resume(lines);
            }
            Start::After(position) => {
                splitter.resume(position.lines);
                if let Some(old) = open.find(&self.path, position) {
                    open = old;
                    open.seek(position.offset).map_err(Error::read(&self.path))?;
                } else {
                    splitter.rewind();
                }
            }
        }
        self.watch(open, splitter, out, stop).map_err(Error::read(&self.path))
    }
}

impl Follow {
    fn watch(&self, mut open: Open, mut splitter: Splitter, out: &mut Out<'_>, stop: &AtomicBool) -> io::Result<Done> {
        let mut quiet_polls = 0;
        loop {
            if open.was_emptied()? {
                let last = splitter.flush();
                open.seek(0)?;
                splitter.rewind();
                splitter.done.rotations += 1;
                if splitter.hand(last, Some(open.position(&splitter)), out).is_break() {
                    break;
                }
            }
            let Some(grown) = open.read(&mut splitter, out, stop)? else { break };
            quiet_polls = if grown { 0 } else { quiet_polls + 1 };
            let next = match fs::metadata(&self.path) {
                Ok(facts) => !open.is(&facts),
                Err(error) if error.kind() == io::ErrorKind::NotFound => false,
                Err(error) => return Err(error),
            };
            if next && quiet_polls >= QUIET_POLLS {
                let last = splitter.flush();
                if splitter.hand(last, Some(open.position(&splitter)), out).is_break() {
                    break;
                }
                // Gone again in between: the next look finds it.
                if let Ok(new) = Open::new(&self.path) {
                    open = new;
                    splitter.rewind();
                    splitter.done.rotations += 1;
                    quiet_polls = 0;
                    continue;
                }
            }
            if !pause(self.poll, stop) {
                break;
            }
        }
        splitter.done.short = Some(Short::Stopped);
        Ok(splitter.done)
    }
}

/// False when told to stop.
fn pause(mut left: Duration, stop: &AtomicBool) -> bool {
    while !left.is_zero() && !stop.load(Ordering::Relaxed) {
        let part = left.min(STOP);
        std::thread::sleep(part);
        left -= part;
    }
    !stop.load(Ordering::Relaxed)
}

/// The file that is being read.
struct Open {
    file: File,
    device: u64,
    inode: u64,
    /// Bytes read.
    offset: u64,
    head: u64,
    head_bytes: u16,
}

impl Open {
    fn new(path: &Path) -> Result<Open, Error> {
        let file = file::open(path)?;
        let facts = file.metadata().map_err(Error::read(path))?;
        if !facts.is_file() {
            return Err(Error::Kind { path: path.to_owned(), kind: "pipe or device", expected: "a file that can be followed" });
        }
        Ok(Open { file, device: facts.dev(), inode: facts.ino(), offset: 0, head: HASH_START, head_bytes: 0 })
    }

    fn first_bytes(&self) -> io::Result<[u8; 4]> {
        let mut first = [0; 4];
        self.file.read_at(&mut first, 0)?;
        Ok(first)
    }

    fn is(&self, facts: &Metadata) -> bool {
        (self.device, self.inode) == (facts.dev(), facts.ino())
    }

    fn seek(&mut self, offset: u64) -> io::Result<()> {
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
    fn was_emptied(&self) -> io::Result<bool> {
        let len = self.file.metadata()?.len();
        Ok(len < self.offset || (len > self.offset && head(&self.file, usize::from(self.head_bytes))? != self.head))
    }

    /// To the present end; whether there was anything. `None`: told to stop.
    fn read(&mut self, splitter: &mut Splitter, out: &mut Out<'_>, stop: &AtomicBool) -> io::Result<Option<bool>> {
        let before = self.offset;
        loop {
            if stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let read_before = splitter.done.bytes;
            let Some(batch) = splitter.block(&mut self.file)? else { break };
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

    fn position(&self, splitter: &Splitter) -> Position {
        Position {
            device: self.device,
            inode: self.inode,
            offset: self.offset - splitter.held_bytes().min(self.offset),
            lines: splitter.lines(),
            head: self.head,
            head_bytes: self.head_bytes,
        }
    }

    /// The file that `position` is in: behind `path`, or renamed in the same folder.
    fn find(&self, path: &Path, position: Position) -> Option<Open> {
        if let Some(same) = Open::new(path).ok().filter(|open| open.holds(position)) {
            return Some(same);
        }
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let inode = |entry: &fs::DirEntry| entry.metadata().is_ok_and(|m| m.is_file() && (m.dev(), m.ino()) == (position.device, position.inode));
        let renamed = fs::read_dir(folder).ok()?.filter_map(Result::ok).find(inode)?;
        Open::new(&renamed.path()).ok().filter(|open| open.holds(position))
    }

    fn holds(&self, position: Position) -> bool {
        (self.device, self.inode) == (position.device, position.inode)
            && self.file.metadata().is_ok_and(|m| m.len() >= position.offset)
            && head(&self.file, usize::from(position.head_bytes)).is_ok_and(|hash| hash == position.head)
    }

    /// Offset behind the last line end, and lines up to there.
    fn last_line_end(&self) -> io::Result<(u64, u64)> {
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
