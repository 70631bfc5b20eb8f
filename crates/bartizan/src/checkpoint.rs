//! What the detectors remember, kept beside the log: a start takes it up and sees again only what came after.
//!
//! ```text
//! checkpoint   "bzcheck1" | crc32 u32 of what follows | MessagePack: program, offset, shards, their detectors, gathered sightings, what is usual
//! ```
//!
//! Everything in it can be made again from the log, so that one that is missing, damaged, or of another version or number of shards is left
//! alone: the start then recalls less (`recall.rs`). It is written whole beside the old one and renamed over it.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use event::Bytes;
use serde::{Deserialize, Serialize};

use crate::pipeline::Pipeline;

const MAGIC: &[u8; 8] = b"bzcheck1";
/// Detectors are bounded, all of them together stay far below.
const BYTES_MAX: u64 = 4 << 30;
/// When one is written: a start sees at most that much again.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// After so many records ..
    pub records: u64,
    /// .. or so long, when there is anything new.
    pub every: Duration,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace { records: RECORDS, every: Duration::from_secs(60) }
    }
}

const RECORDS: u64 = 200_000;
/// Of the time that passes, at most a twentieth goes into checkpoints.
const SHARE: u32 = 20;

/// One detector of one shard, by its analytic.
#[derive(Serialize, Deserialize)]
pub struct Remembered {
    pub shard: usize,
    pub analytic: String,
    pub state: Bytes,
}

/// The state of a pipeline.
#[derive(Serialize, Deserialize)]
pub struct Memory {
    pub shards: usize,
    pub detectors: Vec<Remembered>,
    pub gather: Bytes,
    pub usual: Bytes,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    /// Another version may remember other things under the same names.
    program: String,
    /// Every record below it was seen.
    offset: u64,
    memory: Memory,
}

/// When the next one is due.
pub struct Checkpoints {
    path: PathBuf,
    pace: Pace,
    /// Of the latest one.
    offset: u64,
    written: Instant,
    took: Duration,
}

impl Checkpoints {
    /// Gives the pipeline back what it knew. Returns from where on the log has to be seen again; `None` when there is nothing to take up.
    pub fn open(dir: &Path, pace: Pace, pipeline: &mut Pipeline, end: u64) -> (Checkpoints, Option<u64>) {
        let path = dir.join("checkpoint");
        let taken =
            read(&path).filter(|saved| saved.offset <= end).and_then(|saved| pipeline.remember(&saved.memory).then_some(saved.offset));
        (Checkpoints { path, pace, offset: taken.unwrap_or(0), written: Instant::now(), took: Duration::ZERO }, taken)
    }

    /// From where on a log is seen again that no checkpoint knows.
    pub const fn without(end: u64) -> u64 {
        end.saturating_sub(RECORDS)
    }

    /// Of the latest one.
    pub const fn latest(&self) -> u64 {
        self.offset
    }

    /// `end` is the offset behind the last record that the pipeline has seen.
    pub fn write_when_due(&mut self, pipeline: &Pipeline, end: u64) -> Result<(), String> {
        let new = end.saturating_sub(self.offset);
        let since = self.written.elapsed();
        if new == 0 || since < self.took * SHARE || (new < self.pace.records && since < self.pace.every) {
            Ok(())
        } else {
            self.write(pipeline, end)
        }
    }

    pub fn write(&mut self, pipeline: &Pipeline, end: u64) -> Result<(), String> {
        if end == self.offset {
            return Ok(());
        }
        let start = Instant::now();
        let saved = Saved { program: env!("CARGO_PKG_VERSION").into(), offset: end, memory: pipeline.memory() };
        let done = rmp_serde::to_vec(&saved).map_err(|e| e.to_string()).and_then(|payload| self.put(&payload).map_err(|e| e.to_string()));
        // Also after a failure: a full disk is not tried at every tick.
        (self.written, self.took) = (Instant::now(), start.elapsed());
        done.map(|()| self.offset = end).map_err(|why| format!("cannot write {}: {why}", self.path.display()))
    }

    fn put(&self, payload: &[u8]) -> std::io::Result<()> {
        let new = self.path.with_extension("new");
        let mut file = File::create(&new)?;
        file.write_all(MAGIC)?;
        file.write_all(&crc32fast::hash(payload).to_le_bytes())?;
        file.write_all(payload)?;
        file.sync_data()?;
        std::fs::rename(&new, &self.path)
    }
}

/// Every record below it was seen: the next start reads on from there.
pub fn offset(dir: &Path) -> Option<u64> {
    read(&dir.join("checkpoint")).map(|saved| saved.offset)
}

fn read(path: &Path) -> Option<Saved> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(BYTES_MAX).read_to_end(&mut bytes).ok()?;
    let (head, payload) = bytes.split_at_checked(12)?;
    if head[..8] != MAGIC[..] || head[8..] != crc32fast::hash(payload).to_le_bytes() {
        return None;
    }
    let saved: Saved = rmp_serde::from_slice(payload).ok()?;
    (saved.program == env!("CARGO_PKG_VERSION")).then_some(saved)
}
