//! Finished segments become sealed ones, beside the writer and never in its way.
//!
//! The new file is read back and compared before the old one is removed: a crash at any moment leaves the one or the other in force.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use xxhash_rust::xxh3::Xxh3;

use crate::log::Shared;
use crate::reader::{Form, Reader};
use crate::sealed::{Sealed, Sealing, Sums};
use crate::segment;
use crate::{Error, index::Index};

/// How often it looks whether retention has anything to do, which says itself when it next has.
const LOOK: Duration = Duration::from_secs(30);
/// Niceness of sealing: a tenth of what a thread of the pipeline gets.
const ASIDE: i32 = 10;
/// Finished segments that may wait; from then on sealing has its share, so that the disk does not fill up with what is not compressed.
const WAITING_MAX: usize = 16;

/// The thread that seals. It ends, at the next block, when this is dropped.
pub(crate) struct Sealer {
    wake: Option<SyncSender<()>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Sealer {
    pub(crate) fn start(shared: &Arc<Shared>) -> Sealer {
        let (wake, woken) = sync_channel(1);
        let stop = Arc::new(AtomicBool::new(false));
        let (weak, told) = (Arc::downgrade(shared), stop.clone());
        let thread = std::thread::Builder::new().name("sealer".into()).spawn(move || run(&weak, &woken, &told)).ok();
        let sealer = Sealer { wake: Some(wake), stop, thread };
        sealer.wake();
        sealer
    }

    /// There may be a segment to seal.
    pub(crate) fn wake(&self) {
        if let Some(Err(TrySendError::Disconnected(()))) = self.wake.as_ref().map(|wake| wake.try_send(())) {
            // It could not be started; segments stay as they are, which costs room and nothing else.
        }
    }
}

impl Drop for Sealer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(shared: &Weak<Shared>, woken: &Receiver<()>, stop: &AtomicBool) {
    loop {
        match woken.recv_timeout(LOOK) {
            Ok(()) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        while !stop.load(Ordering::Relaxed) {
            let Some(shared) = shared.upgrade() else { return };
            match seal_aside(&shared, stop) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    // Tried again with the next segment; until then the write-ahead segment is in force.
                    shared.note_unsealed(&error);
                    break;
                }
            }
        }
        let Some(shared) = shared.upgrade() else { return };
        if !stop.load(Ordering::Relaxed) {
            shared.retaining.look(&shared, stop);
        }
    }
}

/// The same as [`seal_next`], with what the detectors leave of the processors, as long as not too many segments wait.
fn seal_aside(shared: &Shared, stop: &AtomicBool) -> Result<bool, Error> {
    let waiting = shared.read().segments.iter().filter(|segment| segment.can_be_sealed()).count();
    if waiting > WAITING_MAX {
        return seal_next(shared, stop);
    }
    // A priority that was lowered cannot be raised again by everybody: a thread of its own has it.
    std::thread::scope(|scope| {
        let sealing = scope.spawn(|| {
            let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), ASIDE);
            seal_next(shared, stop)
        });
        sealing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Seals the oldest segment that can be. False when there is none.
pub(crate) fn seal_next(shared: &Shared, stop: &AtomicBool) -> Result<bool, Error> {
    let _alone = shared.sealing.lock().unwrap_or_else(PoisonError::into_inner);
    let next = {
        let state = shared.read();
        let finished = state.segments.len().saturating_sub(1);
        let segment = state.segments[..finished].iter().find(|segment| segment.can_be_sealed());
        segment.map(|segment| (segment.path.clone(), segment.form.clone(), segment.index.clone()))
    };
    let Some((path, form, index)) = next else { return Ok(false) };
    let first = index.header.first;
    let (target, new) = (segment::sealed_path(&shared.dir, first), segment::sealed_path(&shared.dir, first).with_extension("parquet.new"));
    let Some(Reader::Hot(file, header)) = Reader::open(&path, index.header, &form, &shared.open)? else { return Ok(false) };
    let write = || -> Result<Option<Sums>, Error> {
        let io = |e| Error::sealed(&new, e);
        let mut sealing = Sealing::create(&new).map_err(io)?;
        let mut before = Xxh3::new();
        for block in index.blocks.iter() {
            if stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let buffer = Bytes::from(segment::read_block(&file, block.start, block.end).map_err(Error::io("read", &path))?);
            let (records, damage) = segment::block(header, &buffer, block.start, block.end);
            if let Some(damage) = damage.into_iter().next() {
                return Err(Error::Damaged(damage));
            }
            records.iter().for_each(|record| before.update(record.payload));
            let records = records.iter().map(|r| (first.saturating_add(u64::from(r.number)), r.class, r.payload));
            sealing.add(&buffer, records).map_err(io)?;
        }
        sealing.finish().map_err(io)?;
        let sums = Sums::of(&new).map_err(Error::io("read", &new))?;
        let after = read_back(&new, &sums, stop)?;
        match after {
            None => Ok(None),
            Some((rows, digest)) if rows == u64::from(index.end.number) && digest == before.digest128() => Ok(Some(sums)),
            Some(_) => Err(Error::Sealed { path: new.clone(), why: "what was written is not what is read".into() }),
        }
    };
    let sums = match write() {
        Ok(Some(sums)) => sums,
        other => {
            let _ = std::fs::remove_file(&new);
            return other.map(|_| false);
        }
    };
    std::fs::rename(&new, &target).map_err(Error::io("rename", &new))?;
    let index = index.into_sealed();
    index.save_seal(&shared.dir, &sums)?;
    let mut state = shared.write();
    if let Some(segment) = state.segments.iter_mut().find(|segment| segment.index.header.first == first) {
        (segment.path, segment.form, segment.index) = (target.into(), Form::Sealed(Arc::new(sums)), index);
    }
    drop(state);
    let _ = std::fs::remove_file(&path);
    let _ = std::fs::remove_file(segment::index_path(&shared.dir, first));
    Ok(true)
}

/// Number of records in the file and the hash over all of them; `None` when told to stop.
pub(crate) fn read_back(path: &Path, sums: &Sums, stop: &AtomicBool) -> Result<Option<(u64, u128)>, Error> {
    let io = |e| Error::sealed(path, e);
    let sealed = Sealed::open(path, Arc::new(sums.clone())).map_err(io)?;
    let (mut at, mut rows, mut digest) = (0, 0, Xxh3::new());
    while at < sealed.rows() {
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let part = sealed.within_group(at..sealed.rows(), false);
        let records = sealed.records(part.clone(), None).map_err(io)?;
        for record in records.iter() {
            digest.update(record.payload);
            rows += 1;
        }
        at = part.end;
    }
    Ok(Some((rows, digest.digest128())))
}

impl Index {
    /// Of the same records in a sealed file: places count rows.
    fn into_sealed(mut self) -> Index {
        let row = |place: segment::Place| segment::Place { position: u64::from(place.number), number: place.number };
        self.end = row(self.end);
        self.latest.values_mut().for_each(|latest| latest.place = row(latest.place));
        let blocks = self.blocks.iter().map(|block| {
            let mut block = (**block).clone();
            (block.start, block.end) = (row(block.start), row(block.end));
            Arc::new(block)
        });
        self.blocks = Arc::new(blocks.collect());
        self
    }
}
