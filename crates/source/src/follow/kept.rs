//! How far a followed file is in the log: a small file in the data directory, for the next start.
//!
//! It moves on only when the engine has the records on disk, and is written a few times a second by the thread that reads: what a crash
//! costs is that the lines since the last writing are read again, under the same numbers. What follows a stop is written by whoever answers last.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::Position;
use crate::Receipt;

/// Between two writings.
const EVERY: Duration = Duration::from_millis(200);

/// What the file holds.
#[derive(Serialize, Deserialize)]
struct Written {
    path: PathBuf,
    position: Position,
}

pub(super) struct Kept {
    path: PathBuf,
    file: PathBuf,
    state: Mutex<State>,
}

struct State {
    /// The engine has it on disk.
    durable: Option<Position>,
    written: Option<Position>,
    at: Instant,
    /// The reading thread is gone.
    ended: bool,
}

/// Where the position of a followed file is kept below `folder`.
fn place(folder: &Path, path: &Path) -> PathBuf {
    folder.join(format!("{}.position", event::short_id("follow", &[path.as_os_str().as_encoded_bytes()])))
}

/// How far that file was in the log at the last writing. `None` when nobody followed it, or when what is there cannot be read.
pub fn kept_position(folder: &Path, path: &Path) -> Option<Position> {
    let bytes = fs::read(place(folder, path)).ok()?;
    let written: Written = serde_json::from_slice(&bytes).ok()?;
    (written.path == path).then_some(written.position)
}

impl Kept {
    pub(super) fn new(folder: &Path, path: &Path) -> Arc<Kept> {
        let state = State { durable: None, written: None, at: Instant::now(), ended: false };
        Arc::new(Kept { path: path.to_owned(), file: place(folder, path), state: Mutex::new(state) })
    }

    /// For a batch that ends there.
    pub(super) fn receipt(self: &Arc<Kept>, position: Position) -> Receipt {
        let kept = Arc::clone(self);
        Receipt::new(move |is_kept| {
            if !is_kept {
                return;
            }
            let ended = {
                let mut state = kept.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.durable = Some(position);
                state.ended
            };
            if ended {
                kept.write(true);
            }
        })
    }

    /// Where this run begins.
    pub(super) fn begin(&self, position: Position) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).durable = Some(position);
        self.write(true);
    }

    /// A failure is met again at the next writing; a start without it repeats lines.
    pub(super) fn write(&self, at_once: bool) {
        let position = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let due = at_once || state.at.elapsed() >= EVERY;
            let Some(position) = state.durable.filter(|durable| due && state.written != Some(*durable)) else { return };
            (state.written, state.at) = (Some(position), Instant::now());
            position
        };
        if self.put(position).is_err() {
            self.state.lock().unwrap_or_else(PoisonError::into_inner).written = None;
        }
    }

    fn put(&self, position: Position) -> io::Result<()> {
        if let Some(folder) = self.file.parent() {
            fs::create_dir_all(folder)?;
        }
        let new = self.file.with_extension("new");
        let mut file = fs::File::create(&new)?;
        file.write_all(&serde_json::to_vec(&Written { path: self.path.clone(), position })?)?;
        // A name that points to nothing after a power cut would begin the file anew.
        file.sync_data()?;
        fs::rename(&new, &self.file)
    }

    pub(super) fn end(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
        self.write(true);
    }
}
