//! One file, from its beginning to its end, as lines or as a whole; gzip and zstd archives are expanded.

use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::UNIX_EPOCH;

use event::Time;

use crate::expand::{Bounds, Expanded};
use crate::split::Splitter;
use crate::{Done, Error, Out, Short, Source};

/// A file that is read once.
#[derive(Clone, Debug)]
pub struct Whole {
    path: PathBuf,
    name: Arc<str>,
    pub bounds: Bounds,
}

impl Whole {
    pub fn new(path: impl Into<PathBuf>) -> Whole {
        let path = path.into();
        let name = path.to_string_lossy().into();
        Whole { path, name, bounds: Bounds::default() }
    }
}

impl Source for Whole {
    fn name(&self) -> &str {
        &self.name
    }

    fn run(&mut self, out: &mut Out<'_>, stop: &AtomicBool) -> Result<Done, Error> {
        let file = open(&self.path)?;
        let written = written(&file);
        let splitter = Splitter::new(Arc::clone(&self.name), written);
        let expanded = Expanded::new(file, self.bounds).map_err(Error::read(&self.path))?;
        drain(expanded, splitter, &self.path, out, stop)
    }
}

/// [`Whole`] without a way to stop it other than `out`.
pub fn read_all(path: &Path, out: &mut Out<'_>) -> Result<Done, Error> {
    Whole::new(path).run(out, &AtomicBool::new(false))
}

/// Bytes by which a format that is no list of lines can be known.
pub const HEAD_BYTES: usize = 64 << 10;

/// A file that is read at once may have this many bytes, after expansion.
pub const WHOLE_BYTES_MAX: u64 = 1 << 30;

/// A file or a pipe whose beginning was looked at, and that is then read as lines or as a whole.
pub struct Opened {
    path: PathBuf,
    name: Arc<str>,
    from: Expanded<Box<dyn Read>>,
    /// When it was last changed.
    pub written: Option<Time>,
}

impl Opened {
    /// `-` is standard input.
    pub fn new(path: &Path) -> Result<Opened, Error> {
        let (from, written): (Box<dyn Read>, _) = if path.as_os_str() == "-" {
            (Box::new(std::io::stdin()), None)
        } else {
            let file = open(path)?;
            let written = written(&file);
            (Box::new(file), written)
        };
        let from = Expanded::new(from, Bounds::default()).map_err(Error::read(path))?;
        Ok(Opened { path: path.to_owned(), name: path.to_string_lossy().into(), from, written })
    }

    /// At most [`HEAD_BYTES`].
    pub fn head(&mut self) -> &[u8] {
        self.from.peek(HEAD_BYTES)
    }

    pub fn lines(self, out: &mut Out<'_>) -> Result<Done, Error> {
        drain(self.from, Splitter::new(self.name, self.written), &self.path, out, &AtomicBool::new(false))
    }

    /// Every byte up to `bytes_max`. Of what is longer or damaged the first part is given, and `Done` says so; it counts no records.
    pub fn whole(mut self, bytes_max: u64) -> Result<(Vec<u8>, Done), Error> {
        let mut bytes = Vec::new();
        let mut done = Done::default();
        match self.from.by_ref().take(bytes_max + 1).read_to_end(&mut bytes) {
            Ok(_) => {}
            Err(error) => match self.from.hit() {
                Some(bound) => done.short = Some(Short::Bound { at_bytes: bytes.len() as u64, bound }),
                None if self.from.is_archive() => {
                    done.short = Some(Short::Damaged { at_bytes: bytes.len() as u64, why: crate::error::plain(&error) });
                }
                None => return Err(Error::read(&self.path)(error)),
            },
        }
        if bytes.len() as u64 > bytes_max {
            bytes.truncate(bytes_max as usize);
            done.short = Some(Short::Long { max: bytes_max });
        }
        done.bytes = bytes.len() as u64;
        Ok((bytes, done))
    }
}

pub(crate) fn open(path: &Path) -> Result<File, Error> {
    let file = File::open(path).map_err(Error::read(path))?;
    let kind = file.metadata().map_err(Error::read(path))?.file_type();
    if kind.is_dir() {
        return Err(Error::Kind { path: path.to_owned(), kind: "folder", expected: "a file" });
    }
    Ok(file)
}

/// When the file was last changed; `None` for pipes and devices, which have no such time of their own.
pub(crate) fn written(file: &File) -> Option<Time> {
    let facts = file.metadata().ok().filter(|m| m.is_file())?;
    let since = facts.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_micros()).ok().map(Time::from_us)
}

/// To the end of a stream.
pub(crate) fn drain<R: Read>(
    mut from: Expanded<R>,
    mut splitter: Splitter,
    path: &Path,
    out: &mut Out<'_>,
    stop: &AtomicBool,
) -> Result<Done, Error> {
    let short = loop {
        if stop.load(Ordering::Relaxed) {
            break Some(Short::Stopped);
        }
        match splitter.block(&mut from) {
            Ok(Some(batch)) => {
                if splitter.hand(batch, None, out).is_break() {
                    break Some(Short::Stopped);
                }
            }
            Ok(None) => break None,
            Err(error) => match from.hit() {
                Some(bound) => break Some(Short::Bound { at_bytes: splitter.done.bytes, bound }),
                None if from.is_archive() => {
                    break Some(Short::Damaged { at_bytes: splitter.done.bytes, why: crate::error::plain(&error) });
                }
                None => return Err(Error::read(path)(error)),
            },
        }
    };
    splitter.done.short = short;
    if splitter.done.short != Some(Short::Stopped) {
        let last = splitter.flush();
        if let ControlFlow::Break(()) = splitter.hand(last, None, out) {
            splitter.done.short.get_or_insert(Short::Stopped);
        }
    }
    Ok(splitter.done)
}
