//! A file that grows: new lines as they come, through rotation, emptying and absence.
//!
//! Looks every [`POLL`]. A line is handed over when it has ended; what has not ended is held, and read again after a restart.
//! Renamed away (another inode behind the name): the old file is finished first, until it has been quiet for [`QUIET_POLLS`], because its
//! writers close it late; then the new one is read from its beginning. Emptied (shorter than what was read, or other first bytes): read from
//! the beginning. Gone: the old file is watched until the name is there again.
//! Lines are numbered on across rotations, so that no two records of a run have one number.
//! After a restart it goes on where the log ended (`kept.rs`), through rotations meanwhile: what was renamed or copied away is found beside the file
//! and finished first, then what came between.
//! Not seen: a file that was replaced twice between two looks; lines that were compressed away while nobody looked.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::split::Splitter;
use crate::{Batch, Done, Error, Out, Short, Source, expand, file};

mod kept;
mod open;

use kept::Kept;
pub use kept::kept_position;
use open::Open;

/// Between two looks.
const POLL: Duration = Duration::from_millis(200);
/// A file that was renamed away is finished after this many looks without a new byte.
const QUIET_POLLS: u32 = 5;
/// Told to stop, it returns within this.
const STOP: Duration = Duration::from_millis(50);

/// Where to go on: the end of the last line that was handed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Where it remembers how far it came.
    folder: Option<PathBuf>,
}

impl Follow {
    pub fn new(path: impl Into<PathBuf>, start: Start) -> Follow {
        let path = path.into();
        let name = path.to_string_lossy().into();
        Follow { path, name, start, poll: POLL, folder: None }
    }

    /// Goes on behind what is in the log; from the beginning when nobody followed it before.
    pub fn remembering(path: impl Into<PathBuf>, folder: &Path) -> Follow {
        let path = path.into();
        let start = kept_position(folder, &path).map_or(Start::Beginning, Start::After);
        Follow { folder: Some(folder.to_owned()), ..Follow::new(path, start) }
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
        let Some(folder) = &self.folder else { return self.watch(open, splitter, None, out, stop).map_err(Error::read(&self.path)) };
        let kept = Kept::new(folder, &self.path);
        // Before the first line: who is killed before the first writing knows where it began.
        kept.begin(open.position(&splitter));
        let mut remembered = |mut batch: Batch| {
            batch.receipt = batch.position.map(|position| kept.receipt(position));
            kept.write(false);
            out(batch)
        };
        let done = self.watch(open, splitter, Some(&kept), &mut remembered, stop);
        kept.end();
        done.map_err(Error::read(&self.path))
    }
}

impl Follow {
    fn watch(
        &self,
        mut open: Open,
        mut splitter: Splitter,
        kept: Option<&Arc<Kept>>,
        out: &mut Out<'_>,
        stop: &AtomicBool,
    ) -> io::Result<Done> {
        let mut quiet_polls = 0;
        // What was rotated away while nobody looked, oldest first.
        let mut between = if matches!(self.start, Start::After(_)) { open.later(&self.path) } else { VecDeque::new() };
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
                if let Some(new) = between.pop_front().or_else(|| Open::new(&self.path).ok()) {
                    open = new;
                    splitter.rewind();
                    splitter.done.rotations += 1;
                    quiet_polls = 0;
                    continue;
                }
            }
            kept.iter().for_each(|kept| kept.write(false));
            if !pause(self.poll, stop) {
                break;
            }
        }
        splitter.done.short = Some(Short::Stopped);
        Ok(splitter.done)
    }
}

/// False when told to stop.
pub(crate) fn pause(mut left: Duration, stop: &AtomicBool) -> bool {
    while !left.is_zero() && !stop.load(Ordering::Relaxed) {
        let part = left.min(STOP);
        std::thread::sleep(part);
        left -= part;
    }
    !stop.load(Ordering::Relaxed)
}
