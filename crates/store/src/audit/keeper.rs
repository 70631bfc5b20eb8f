//! Keeps the tree beside the log as it is written.
//!
//! Records are durable before their leaves are: what a crash took from the tree is made again from the log, up to what the latest head
//! says there was.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use event::Time;

use super::head::{Head, PublicKey, Signer};
use super::heads::{self, Last};
use super::tree::{BLOCK, Frontier};
use super::{BLOCKS, HEADS, Hash, KEY, leaves_name};
use crate::Error;
use crate::log::Shared;

/// A head is signed after so many records, but not more often than once a [`SOON`] ..
const RECORDS: u64 = 1_000;
const SOON: Duration = Duration::from_secs(1);
/// .. and after so long when there is anything new.
const LATE: Duration = Duration::from_secs(10);
/// Leaves that wait in memory while the files cannot be written; beyond it the next opening makes them again.
const WAITING_MAX: usize = 8 << 20;

/// So many offsets in a row can have been given up with a damaged file.
const GAP_MAX: u64 = 1 << 26;

pub(crate) struct Keeper {
    dir: PathBuf,
    signer: Signer,
    frontier: Frontier,
    blocks: Grown,
    leaves: Grown,
    heads: File,
    heads_bytes: u64,
    /// Hash of the latest head's line.
    previous: Hash,
    head: Option<Head>,
    signed: Instant,
}

/// A file of rows of one size that only grows.
struct Grown {
    file: File,
    path: PathBuf,
    bytes: u64,
    waiting: Vec<u8>,
    /// Rows were left out: the file ends there until it is made again.
    behind: bool,
}

impl Grown {
    /// With at most `bytes` of what is there.
    fn open(path: PathBuf, row: u64, bytes: u64) -> Result<Grown, Error> {
        let open = || {
            let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
            let keep = (file.metadata()?.len() / row * row).min(bytes);
            file.set_len(keep)?;
            Ok((file, keep))
        };
        let (file, bytes) = open().map_err(Error::io("open", &path))?;
        Ok(Grown { file, path, bytes, waiting: Vec::new(), behind: false })
    }

    fn push(&mut self, row: &[u8]) {
        if self.waiting.len() >= WAITING_MAX {
            self.behind = true;
        }
        if !self.behind {
            self.waiting.extend_from_slice(row);
        }
    }

    fn write(&mut self) -> Result<(), Error> {
        if !self.waiting.is_empty() {
            self.file.write_all_at(&self.waiting, self.bytes).map_err(Error::io("write", &self.path))?;
            self.bytes += self.waiting.len() as u64;
            self.waiting.clear();
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), Error> {
        self.file.sync_data().map_err(Error::io("sync", &self.path))
    }
}

/// Heads and key, before the log is opened for writing.
pub(crate) struct Opening {
    dir: PathBuf,
    signer: Signer,
    last: Last,
}

impl Opening {
    pub(crate) fn read(data_dir: &Path) -> Result<Opening, Error> {
        let dir = super::dir(data_dir);
        std::fs::create_dir_all(&dir).map_err(Error::io("create", &dir))?;
        let signer = Signer::open(data_dir)?;
        write_key(&dir, &signer.public())?;
        let last = Last::read(&dir.join(HEADS), &signer.public())?;
        Ok(Opening { dir, signer, last })
    }

    /// Offsets below this are never given out again, whatever became of their records.
    pub(crate) fn attested(&self) -> u64 {
        self.last.head.as_ref().map_or(0, |head| head.size)
    }
}

impl Keeper {
    /// Takes up the tree where the log ends. `first` is where its last segment begins, which is empty or the one that is written on.
    pub(crate) fn open(opening: Opening, shared: &Shared, first: u64) -> Result<Keeper, Error> {
        let Opening { dir, signer, last } = opening;
        let heads_path = dir.join(HEADS);
        let open = || {
            let heads = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&heads_path)?;
            // A head that was cut was not told to anybody.
            heads.set_len(last.bytes)?;
            Ok(heads)
        };
        let heads = open().map_err(Error::io("open", &heads_path))?;
        let end = shared.read().end();
        let blocks = Grown::open(dir.join(BLOCKS), 32, end / BLOCK * 32)?;
        let mut roots = vec![0; blocks.bytes as usize];
        blocks.file.read_exact_at(&mut roots, 0).map_err(Error::io("read", &blocks.path))?;
        let mut frontier = Frontier::default();
        for root in roots.chunks_exact(32) {
            let mut hash = Hash::default();
            hash.0.copy_from_slice(root);
            frontier.push_block(hash);
        }
        let leaves = Grown::open(dir.join(leaves_name(first)), 8, end.saturating_sub(first) * 8)?;
        let gone = missing(shared, frontier.size());
        if gone > GAP_MAX {
            return Err(Error::Gap { dir, records: gone });
        }
        let mut keeper = Keeper {
            dir,
            signer,
            frontier,
            blocks,
            leaves,
            heads,
            heads_bytes: last.bytes,
            previous: last.hash,
            head: last.head,
            signed: Instant::now(),
        };
        keeper.make_again(shared, first, end)?;
        // What a killed writer left unsigned.
        keeper.attest()?;
        Ok(keeper)
    }

    /// What blocks and leaves lack, from the records themselves.
    fn make_again(&mut self, shared: &Shared, last: u64, end: u64) -> Result<(), Error> {
        let ranges = shared.read().segments.iter().map(|s| (s.index.header.first, s.index.end_offset())).collect::<Vec<_>>();
        let bare: Vec<_> = ranges.into_iter().filter(|(first, _)| *first < last && !self.dir.join(leaves_name(*first)).exists()).collect();
        // Segments of an earlier version of the program have no leaves.
        let from = bare.first().map_or(u64::MAX, |(first, _)| *first).min(self.frontier.size()).min(last + self.leaves.bytes / 8);
        let mut older: Option<(u64, Vec<u8>)> = None;
        let mut each = |keeper: &mut Keeper, offset: u64, level: u32, leaf: Hash| -> Result<(), Error> {
            if offset == keeper.frontier.size()
                && let Some(block) = keeper.frontier.push_range(leaf, level)
            {
                keeper.blocks.push(&block.0);
            }
            if offset >= last {
                if offset == last + (keeper.leaves.bytes + keeper.leaves.waiting.len() as u64) / 8 {
                    keeper.leaves.push(&leaf.short());
                }
                return keeper.write_when_long();
            }
            let at = bare.partition_point(|(first, _)| *first <= offset);
            let Some((first, _)) = at.checked_sub(1).map(|at| bare[at]).filter(|(_, end)| offset < *end) else { return Ok(()) };
            if older.as_ref().is_none_or(|(open, _)| *open != first)
                && let Some((first, leaves)) = older.replace((first, Vec::new()))
            {
                keeper.write_leaves(first, &leaves)?;
            }
            if let Some((first, leaves)) = &mut older
                && offset == *first + leaves.len() as u64 / 8
            {
                // Leaves of removed records are looked at by nobody.
                (0..1_u64 << level).for_each(|_| leaves.extend_from_slice(&leaf.short()));
            }
            Ok(())
        };
        let mut cuts = super::gaps::Cuts::open(&shared.dir)?;
        super::gaps::leaves(shared, &mut cuts, from..end, &mut |offset, level, leaf| each(self, offset, level, leaf))?;
        if let Some((first, leaves)) = older {
            self.write_leaves(first, &leaves)?;
        }
        self.blocks.write()?;
        self.leaves.write()
    }

    fn write_when_long(&mut self) -> Result<(), Error> {
        if self.leaves.waiting.len() >= WAITING_MAX / 2 {
            self.leaves.write()?;
        }
        Ok(())
    }

    fn write_leaves(&self, first: u64, leaves: &[u8]) -> Result<(), Error> {
        let path = self.dir.join(leaves_name(first));
        std::fs::write(&path, leaves).map_err(Error::io("write", &path))
    }

    /// Takes up a record that is durable.
    pub(crate) fn add(&mut self, leaf: Hash) {
        if let Some(block) = self.frontier.push(leaf) {
            self.blocks.push(&block.0);
        }
        self.leaves.push(&leaf.short());
    }

    /// Of the records of a batch. What cannot be written now is written with the next one.
    pub(crate) fn write(&mut self) -> Result<(), Error> {
        self.blocks.write()?;
        self.leaves.write()
    }

    /// The log goes on in another segment.
    pub(crate) fn roll(&mut self, first: u64) -> Result<(), Error> {
        self.write()?;
        self.leaves.sync()?;
        self.leaves = Grown::open(self.dir.join(leaves_name(first)), 8, 0)?;
        Ok(())
    }

    /// Signs a head when it is time for one.
    pub(crate) fn attest_when_due(&mut self) -> Result<(), Error> {
        let (new, since) = (self.unattested(), self.signed.elapsed());
        let due = self.head.is_none() || since >= LATE || new >= RECORDS && since >= SOON;
        if new > 0 && due { self.attest().map(drop) } else { Ok(()) }
    }

    pub(crate) const fn latest(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    fn unattested(&self) -> u64 {
        self.frontier.size() - self.head.as_ref().map_or(0, |head| head.size).min(self.frontier.size())
    }

    /// Signs a head over all records, unless the latest one covers them.
    pub(crate) fn attest(&mut self) -> Result<Option<Head>, Error> {
        let size = self.frontier.size();
        if self.head.as_ref().map_or(0, |head| head.size) == size {
            return Ok(self.head.clone());
        }
        // Again only after a while, also when it fails.
        self.signed = Instant::now();
        self.write()?;
        self.blocks.sync()?;
        self.leaves.sync()?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
        let head = self.signer.sign(size, self.frontier.root(), Time::from_us(i64::try_from(now).unwrap_or(i64::MAX)), self.previous);
        let line = heads::to_line(&head);
        let write = || -> io::Result<()> {
            self.heads.write_all_at(&line, self.heads_bytes)?;
            self.heads.sync_data()
        };
        if let Err(error) = write() {
            // Half a line would hide every head behind it.
            let _ = self.heads.set_len(self.heads_bytes);
            return Err(Error::io("write", &self.dir.join(HEADS))(error));
        }
        self.heads_bytes += line.len() as u64;
        self.previous = Hash::of(&[&line]);
        self.head = Some(head);
        Ok(self.head.clone())
    }
}

/// Offsets from `from` on that lie between the segments.
fn missing(shared: &Shared, from: u64) -> u64 {
    let (mut at, mut missing) = (from, 0_u64);
    let state = shared.read();
    let removed = state.vanished.iter().map(|range| (range.start, range.end));
    let mut all: Vec<_> = state.segments.iter().map(|s| (s.index.header.first, s.index.end_offset())).chain(removed).collect();
    all.sort_unstable();
    for (first, end) in all {
        missing = missing.saturating_add(first.saturating_sub(at));
        at = at.max(end);
    }
    missing
}

fn write_key(dir: &Path, key: &PublicKey) -> Result<(), Error> {
    let path = dir.join(KEY);
    let pem = key.to_pem();
    // Another key stays: that it does not fit the signatures any more is for `audit verify` to say.
    if path.exists() {
        return Ok(());
    }
    std::fs::write(&path, pem).map_err(Error::io("write", &path))
}
