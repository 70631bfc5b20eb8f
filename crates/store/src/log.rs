//! The log itself: opening, appending, and what readers share.

use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::SystemTime;

use event::Event;

use crate::audit::{Hash, Head, Keeper, Opening};
use crate::index::{DAMAGE_MAX, minute_of};
use crate::reader::{Form, Open};
use crate::retain::{Policy, Retaining};
use crate::sealed::Sums;
use crate::sealer::Sealer;
use crate::segment::{self, HEAD, Header, Place};
use crate::state::{Segment, State};
use crate::{Damage, Error, Facts, class};

#[derive(Clone, Debug)]
pub struct Options {
    /// A segment is finished when the next batch would make it longer.
    pub segment_bytes: u64,
    /// Incidents and responses held in memory; what is not is found on disk.
    pub incidents_max: usize,
    pub responses_max: usize,
    /// Stored size of all incidents held in memory.
    pub incidents_bytes_max: usize,
    /// Finished segments become Parquet files.
    pub seal: bool,
    /// What goes by itself, and when; nothing without it.
    pub retention: Option<Policy>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            segment_bytes: 64 << 20,
            incidents_max: 10_000,
            responses_max: 50_000,
            incidents_bytes_max: 128 << 20,
            seal: true,
            retention: None,
        }
    }
}

/// The one writer of a log. It holds the lock of the directory until it is dropped or its process ends, however that ends.
pub struct Writer {
    log: Log,
    file: File,
    path: Arc<Path>,
    header: Header,
    end: Place,
    buffer: Vec<u8>,
    /// Bytes behind `end` are left over from a batch that failed.
    dirty: bool,
    /// Without it nothing is attested, and [`Facts::unattested`] says why.
    audit: Option<Keeper>,
    /// When the segment was begun.
    begun: SystemTime,
    /// Ends before the directory is given free.
    sealer: Option<Sealer>,
    _lock: File,
}

/// Events at the beginning of a batch that are written and not yet durable.
#[derive(Debug, Default)]
pub struct Ahead {
    /// Offset of the first.
    first: u64,
    /// Of the segment that they are in.
    segment: u64,
    /// Behind the end of the log.
    bytes: u64,
    /// Where each record ends, from there.
    ends: Vec<u64>,
    /// Of each record, where they are attested.
    leaves: Vec<Hash>,
}

/// A log to read. Cheap to clone; readers never hold up the writer for longer than it takes to copy a list.
#[derive(Clone)]
pub struct Log {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    /// Where the segments are.
    pub(crate) dir: PathBuf,
    pub(crate) open: Open,
    pub(crate) options: Options,
    writable: bool,
    state: RwLock<State>,
    /// Why the latest segment that could not be sealed was not.
    unsealed: Mutex<Option<String>>,
    /// The latest signed head, or why there is no newer one.
    attested: Mutex<(Option<Head>, Option<String>)>,
    /// One segment is sealed at a time.
    pub(crate) sealing: Mutex<()>,
    /// Damage that was met while reading, after the log was opened.
    met: Mutex<Vec<Damage>>,
    /// Held by readers; a rewritten file takes its place only when there are none.
    pub(crate) reading: RwLock<()>,
    pub(crate) retaining: Retaining,
}

/// Opens the log in `dir`, made if it is not there, for writing and reading. Takes the directory for this process alone.
pub fn open(dir: &Path, options: Options) -> Result<(Writer, Log), Error> {
    let logs = dir.join("log");
    std::fs::create_dir_all(&logs).map_err(Error::io("create", &logs))?;
    let lock = lock(dir, &logs)?;
    let shut = Open::default();
    let mut state = State::load(&logs, &options, &shut, true)?;
    // What is attested and gone is never given another name.
    let opening = Opening::read(dir);
    let end = state.end().max(opening.as_ref().map_or(0, Opening::attested));
    let appendable = state
        .segments
        .last()
        .is_some_and(|segment| !segment.lost && matches!(segment.form, Form::Hot(_)) && segment.index.end_offset() == end);
    if !appendable {
        state.segments.push(Segment::create(&logs, end)?);
    }
    let Some(last) = state.segments.last() else { return Err(Error::Missing { dir: logs }) };
    let (path, header, end) = (last.path.clone(), last.index.header, last.index.end);
    let file = File::options().read(true).write(true).open(&path).map_err(Error::io("open", &path))?;
    let begun = file.metadata().and_then(|meta| meta.created().or_else(|_| meta.modified())).unwrap_or_else(|_| SystemTime::now());
    let seal = options.seal;
    let log = Log::new(logs, options, true, state);
    let audit = opening.and_then(|opening| Keeper::open(opening, &log.shared, header.first));
    log.shared.note_attested(audit.as_ref().map(Keeper::latest));
    let audit = audit.ok();
    let sealer = seal.then(|| Sealer::start(&log.shared));
    let writer = Writer { audit, log: log.clone(), file, path, header, end, buffer: Vec::new(), dirty: false, begun, sealer, _lock: lock };
    Ok((writer, log))
}

/// Opens the log in `dir` for reading, beside a running writer or after it was killed. Takes no lock and writes nothing.
/// New records are seen after [`Log::refresh`].
pub fn open_read_only(dir: &Path) -> Result<Log, Error> {
    let logs = dir.join("log");
    if !logs.is_dir() {
        return Err(Error::Missing { dir: dir.to_owned() });
    }
    let options = Options::default();
    let state = State::load(&logs, &options, &Open::default(), false)?;
    Ok(Log::new(logs, options, false, state))
}

fn lock(dir: &Path, logs: &Path) -> Result<File, Error> {
    let path = logs.join("lock");
    let io = |doing| Error::io(doing, &path);
    let mut file = File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(io("open"))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            let _ = (&file).take(20).read_to_string(&mut pid);
            return Err(Error::Busy { dir: dir.to_owned(), pid: pid.trim().parse().ok() });
        }
        Err(TryLockError::Error(error)) => return Err(io("lock")(error)),
    }
    file.set_len(0).map_err(io("write"))?;
    writeln!(file, "{}", std::process::id()).map_err(io("write"))?;
    Ok(file)
}

impl Writer {
    /// Adds all events or none. Durable when it returns; one sync a call. Returns their offsets.
    pub fn append(&mut self, events: &[Event]) -> Result<Range<u64>, Error> {
        self.append_behind(None, events)
    }

    /// Writes the first events of a batch while somebody still works on the others. Nobody sees them, and none of them counts, before
    /// [`Writer::append_behind`]; anything else that is appended takes their place.
    pub fn write_ahead(&mut self, events: &[&[Event]]) -> Result<Ahead, Error> {
        self.clean()?;
        let mut ahead = Ahead { first: self.end_offset(), segment: self.header.first, ..Ahead::default() };
        self.encode(events, &mut ahead)?;
        let room = self.log.shared.options.segment_bytes.saturating_sub(self.end.position);
        let count = self.end.number as usize;
        let crowded = self.buffer.len() as u64 > room || count.saturating_add(ahead.ends.len()) > u32::MAX as usize;
        if crowded && self.end.number > 0 {
            self.roll()?;
            ahead = Ahead { first: self.end_offset(), segment: self.header.first, ..Ahead::default() };
            self.encode(events, &mut ahead)?;
        }
        self.write(&mut ahead)?;
        Ok(ahead)
    }

    /// The same as [`Writer::append`] for a batch whose first events are written already.
    pub fn append_behind(&mut self, ahead: Option<Ahead>, events: &[Event]) -> Result<Range<u64>, Error> {
        let start = self.end_offset();
        if events.is_empty() {
            return Ok(start..start);
        }
        let mut batch =
            match ahead.filter(|ahead| ahead.first == start && ahead.segment == self.header.first && ahead.ends.len() <= events.len()) {
                Some(ahead) => ahead,
                None => self.write_ahead(&[events])?,
            };
        let more = events.get(batch.ends.len()..).unwrap_or_default();
        if !more.is_empty() {
            self.encode(&[more], &mut batch)?;
            self.write(&mut batch)?;
        }
        if let Err(error) = self.file.sync_data() {
            let _ = self.clean();
            return Err(Error::io("write", &self.path)(error));
        }
        self.dirty = false;
        self.publish(events, &batch.ends);
        self.attest(&batch.leaves);
        if self.buffer.capacity() > 16 << 20 {
            self.buffer = Vec::new();
        }
        Ok(start..self.end_offset())
    }

    /// What is in `buffer` goes behind what the batch has in the file.
    fn write(&mut self, batch: &mut Ahead) -> Result<(), Error> {
        self.dirty = true;
        if let Err(error) = self.file.write_all_at(&self.buffer, self.end.position + batch.bytes) {
            let _ = self.clean();
            return Err(Error::io("write", &self.path)(error));
        }
        batch.bytes += self.buffer.len() as u64;
        Ok(())
    }

    /// Finishes the segment and seals all that can be; returns when it is done.
    pub fn seal(&mut self) -> Result<(), Error> {
        if self.end.number > 0 {
            self.roll()?;
        }
        while crate::sealer::seal_next(&self.log.shared, &AtomicBool::new(false))? {}
        Ok(())
    }

    /// The records of a batch are on disk: they go into the tree, and a head is signed when it is time for one. What fails here is said in
    /// [`Facts::unattested`] and tried again: the batch stands.
    fn attest(&mut self, leaves: &[Hash]) {
        let Some(audit) = &mut self.audit else { return };
        leaves.iter().for_each(|leaf| audit.add(*leaf));
        let done = audit.write().and_then(|()| audit.attest_when_due());
        self.log.shared.note_attested(done.as_ref().map(|()| audit.latest()));
    }

    /// To be called now and then, so that a quiet log is attested as well.
    pub fn tend(&mut self) {
        self.tend_retention();
        let Some(audit) = &mut self.audit else { return };
        let done = audit.attest_when_due();
        self.log.shared.note_attested(done.as_ref().map(|()| audit.latest()));
    }

    /// Signs a head over all there is and returns it: `None` for an empty log, or when nothing can be signed.
    pub fn head(&mut self) -> Result<Option<Head>, Error> {
        let Some(audit) = &mut self.audit else { return Ok(None) };
        let head = audit.attest()?;
        self.log.shared.note_attested(Ok(head.as_ref()));
        Ok(head)
    }

    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Whether anything can be attested.
    pub(crate) const fn is_attested(&self) -> bool {
        self.audit.is_some()
    }

    pub(crate) const fn begun(&self) -> SystemTime {
        self.begun
    }

    pub(crate) const fn is_begun(&self) -> bool {
        self.end.number > 0
    }

    pub(crate) fn wake_sealer(&self) {
        self.sealer.iter().for_each(Sealer::wake);
    }

    pub(crate) fn end_offset(&self) -> u64 {
        self.header.first.saturating_add(u64::from(self.end.number))
    }

    /// Cuts what a failed batch left behind.
    fn clean(&mut self) -> Result<(), Error> {
        if self.dirty {
            self.file.set_len(self.end.position).and_then(|()| self.file.sync_all()).map_err(Error::io("cut", &self.path))?;
            self.dirty = false;
        }
        Ok(())
    }

    /// Into `buffer`, as what comes behind the records of the batch.
    fn encode(&mut self, events: &[&[Event]], batch: &mut Ahead) -> Result<(), Error> {
        self.buffer.clear();
        let attested = self.audit.is_some();
        let from = u32::try_from(batch.ends.len()).unwrap_or(u32::MAX).saturating_add(self.end.number);
        for (number, event) in (from..=u32::MAX).zip(events.iter().copied().flatten()) {
            let start = self.buffer.len();
            segment::encode(event, number, self.header.mark, &mut self.buffer)?;
            batch.ends.push(batch.bytes + self.buffer.len() as u64);
            if let (true, Some([class, payload @ ..])) = (attested, self.buffer.get(start + HEAD - 1..)) {
                batch.leaves.push(Hash::leaf(*class, payload));
            }
        }
        Ok(())
    }

    /// Finishes the segment and begins the next one.
    pub(crate) fn roll(&mut self) -> Result<(), Error> {
        // What was written ahead is written again, where the log goes on.
        self.clean()?;
        let shared = self.log.shared.clone();
        let segment = Segment::create(&shared.dir, self.end_offset())?;
        let file = File::options().read(true).write(true).open(&segment.path).map_err(Error::io("open", &segment.path))?;
        if let Some(finished) = shared.read().segments.last() {
            // Without it the next opening takes longer, that is all.
            let _ = finished.index.save(&shared.dir);
        }
        (self.file, self.path, self.header, self.end) = (file, segment.path.clone(), segment.index.header, segment.index.end);
        shared.write().segments.push(segment);
        self.begun = SystemTime::now();
        if let Some(audit) = &mut self.audit
            && let Err(error) = audit.roll(self.header.first)
        {
            // Made again from the log when it is opened the next time.
            shared.note_attested(Err(&error));
            self.audit = None;
        }
        self.sealer.iter().for_each(Sealer::wake);
        Ok(())
    }

    /// Lets readers see what is durable now.
    fn publish(&mut self, events: &[Event], ends: &[u64]) {
        let shared = self.log.shared.clone();
        let mut state = shared.write();
        let State { segments, view, minutes, .. } = &mut *state;
        let Some(segment) = segments.last_mut() else { return };
        let (base, mut start) = (self.end.position, 0);
        for (event, end) in events.iter().zip(ends) {
            let place = Place { position: base + start, number: self.end.number };
            segment.index.add(place, class::of(&event.body), end - start, Some(event));
            view.fold(event, usize::try_from(end - start).unwrap_or(usize::MAX), &shared.options);
            if let Some(minute) = minute_of(event) {
                minutes.add(minute);
            }
            self.end = segment.index.end;
            start = *end;
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // What cannot be signed now is signed by the next writer.
        let _ = self.audit.as_mut().map(Keeper::attest);
        if let Some(last) = self.log.shared.read().segments.last() {
            let _ = last.index.save(&self.log.shared.dir);
        }
    }
}

impl Shared {
    // A thread that panicked while it held a lock has left the state whole enough: whatever is in it can be made again from the segments.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn note_unsealed(&self, error: &Error) {
        *self.unsealed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
    }

    pub(crate) fn note_attested(&self, head: Result<Option<&Head>, &Error>) {
        let mut attested = self.attested.lock().unwrap_or_else(PoisonError::into_inner);
        match head {
            Ok(head) if attested.0.as_ref() == head => attested.1 = None,
            Ok(head) => *attested = (head.cloned(), None),
            Err(error) => attested.1 = Some(error.to_string()),
        }
    }

    /// Remembers damage that was met while reading.
    pub(crate) fn note(&self, damage: Vec<Damage>) {
        let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        for part in damage {
            if met.len() < DAMAGE_MAX && !met.contains(&part) {
                met.push(part);
            }
        }
    }
}

impl Log {
    fn new(dir: PathBuf, options: Options, writable: bool, state: State) -> Log {
        let (open, unsealed, attested) = (Open::default(), Mutex::default(), Mutex::default());
        let (sealing, met) = (Mutex::default(), Mutex::default());
        let (state, reading, retaining) = (RwLock::new(state), RwLock::default(), Retaining::default());
        let shared = Shared { dir, open, options, writable, state, unsealed, attested, sealing, met, reading, retaining };
        Log { shared: Arc::new(shared) }
    }

    /// Offset that the next event will get.
    pub fn end(&self) -> u64 {
        self.shared.read().end()
    }

    /// Picks up what a writer in another process has added, and returns the end. Not needed beside a writer of this process.
    pub fn refresh(&self) -> Result<u64, Error> {
        if self.shared.writable {
            return Ok(self.end());
        }
        let Shared { dir, options, .. } = &*self.shared;
        let mut state = self.shared.write();
        // Listed before the last segment is read to its end: when there is a newer one, nothing is added to it any more.
        let firsts = segment::list(dir)?;
        let known = state.segments.last().map(|segment| segment.index.header.first);
        let mut taken_back = false;
        let State { segments, view, minutes, .. } = &mut *state;
        for (at, first) in firsts.iter().enumerate().filter(|(_, first)| known.is_none_or(|known| **first >= known)) {
            let next = firsts.get(at + 1).copied();
            let mut each = |event: &Event, bytes: u64| {
                view.fold(event, bytes as usize, options);
                if let Some(minute) = minute_of(event) {
                    minutes.add(minute);
                }
            };
            if known != Some(*first) {
                // The writer was faster, and sealed it already.
                if !segment::path(dir, *first).exists() {
                    taken_back = true;
                    break;
                }
                let path = segment::path(dir, *first);
                let file = File::open(&path).map_err(Error::io("open", &path))?;
                let Some(header) = Header::read(&file, &path, *first)? else { break };
                segments.push(Segment::hot(path, file, header));
            }
            let Some(segment) = segments.last_mut().filter(|segment| !segment.lost) else { continue };
            if !segment.is_as_seen() {
                taken_back = true;
                break;
            }
            segment.catch_up(next, &mut each)?;
        }
        if taken_back {
            *state = State::load(dir, options, &self.shared.open, false)?;
        }
        Ok(state.end())
    }

    pub fn facts(&self) -> Facts {
        let bytes = std::fs::read_dir(&self.shared.dir).map_or(0, |all| {
            all.filter_map(|entry| entry.ok()?.metadata().ok()).filter(|meta| meta.is_file()).map(|meta| meta.len()).sum()
        });
        let state = self.shared.read();
        let mut facts = Facts {
            records: state.end(),
            counts: class::WORDS.iter().map(|word| (*word, 0)).collect(),
            segments: state.segments.len(),
            bytes,
            torn_bytes: state.torn_bytes,
            removed: state.vanished.iter().map(|range| range.end - range.start).sum(),
            minutes: state.minutes.all(),
            ..Facts::default()
        };
        facts.sealed = state.segments.iter().filter(|s| matches!(s.form, Form::Sealed(_))).count();
        facts.unsealed = self.shared.unsealed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (facts.head, facts.unattested) = self.shared.attested.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.shared.retaining.tell(&mut facts);
        for Segment { index, removed, .. } in &state.segments {
            facts.removed += removed;
            for (sum, part) in facts.counts.iter_mut().zip(index.counts) {
                sum.1 += part;
            }
            facts.unreadable_records += index.unreadable;
            facts.damaged_records += index.damaged_records;
            facts.damage.extend(index.damage.iter().cloned());
            if let Some((first, last)) = index.times {
                facts.first = Some(facts.first.map_or(first, |t| t.min(first)));
                facts.last = Some(facts.last.map_or(last, |t| t.max(last)));
            }
        }
        let met = self.shared.met.lock().unwrap_or_else(PoisonError::into_inner);
        for part in met.iter() {
            if !facts.damage.contains(part) {
                facts.damaged_records += part.records;
                facts.damage.push(part.clone());
            }
        }
        facts.damage.truncate(DAMAGE_MAX);
        facts
    }

    /// Reads every record of every segment again. What it finds is in [`Facts::damage`] from then on.
    pub fn verify(&self) -> Result<Vec<Damage>, Error> {
        let _reading = self.shared.reading.read().unwrap_or_else(PoisonError::into_inner);
        let segments: Vec<_> =
            self.shared.read().segments.iter().map(|s| (s.path.clone(), s.form.clone(), s.index.clone(), s.lost)).collect();
        let mut all = Vec::new();
        for (path, form, index, lost) in segments {
            if lost {
                all.extend(index.damage);
                continue;
            }
            match &form {
                Form::Sealed(sums) => {
                    let now = Sums::of(&path).map_err(Error::io("read", &path))?;
                    let Some(position) = sums.first_difference(&now) else { continue };
                    let (segment, records) = (index.header.first, u64::from(index.end.number));
                    all.push(Damage { segment, position, bytes: now.bytes, offset: segment, records });
                    continue;
                }
                Form::Hot(file) => {
                    for block in index.blocks.iter() {
                        let buffer = segment::read_block(file, block.start, block.end).map_err(Error::io("read", &path))?;
                        all.extend(segment::block(index.header, &buffer, block.start, block.end).1);
                    }
                }
            }
            // What was damaged when the index was made lies between and behind the blocks.
            let known: Vec<_> = index.damage.into_iter().filter(|known| !all.contains(known)).collect();
            all.extend(known);
        }
        self.shared.note(all.clone());
        Ok(all)
    }
}
