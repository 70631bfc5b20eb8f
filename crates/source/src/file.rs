//! One file, from its beginning to its end; gzip and zstd archives are expanded.

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
