//! What is known of the log's segments, and how it is learned when the log is opened.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use event::Event;

use crate::index::{Index, Latest, Minutes, Seal};
use crate::reader::{Form, Open, Reader};
use crate::sealed::{Sealed, Sums};
use crate::segment::{self, HEAD, HEADER, Header, Place};
use crate::view::View;
use crate::{Damage, Error, Options, class};

pub(crate) struct Segment {
    pub(crate) path: Arc<Path>,
    pub(crate) form: Form,
    pub(crate) index: Index,
    /// Nothing can be added: the header is damaged beyond help.
    pub(crate) lost: bool,
    /// Records that retention removed.
    pub(crate) removed: u64,
    /// Head of the last record seen by a reader beside the writer: when it changes, the writer had to take a batch back.
    seen: Option<(u64, [u8; HEAD])>,
}

/// What there is of a finished segment.
enum Kept {
    Sealed(Box<Segment>),
    Hot,
    /// Retention removed every record.
    Nothing,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) segments: Vec<Segment>,
    pub(crate) view: View,
    pub(crate) minutes: Minutes,
    pub(crate) torn_bytes: u64,
    /// Offsets of segments of which retention left nothing.
    pub(crate) vanished: Vec<Range<u64>>,
}

impl Segment {
    /// A new file, durable with its name.
    pub(crate) fn create(dir: &Path, first: u64) -> Result<Segment, Error> {
        let path = segment::path(dir, first);
        let header = Header::new(first);
        let make = || {
            let file = File::options().read(true).write(true).create_new(true).open(&path)?;
            file.write_all_at(&header.bytes(), 0)?;
            file.sync_all()?;
            File::open(dir)?.sync_all()?;
            Ok(file)
        };
        let file = match make() {
            Ok(file) => file,
            Err(error) => {
                if std::io::Error::kind(&error) != std::io::ErrorKind::AlreadyExists {
                    let _ = std::fs::remove_file(&path);
                }
                return Err(Error::io("create", &path)(error));
            }
        };
        let _ = std::fs::remove_file(segment::index_path(dir, first));
        Ok(Segment { path: path.into(), form: Form::Hot(file.into()), index: Index::new(header), lost: false, removed: 0, seen: None })
    }

    /// `next` is where the segment behind it begins. `None`: a last segment that the writer has not finished making, or one of which
    /// retention left nothing.
    pub(crate) fn load(dir: &Path, first: u64, next: Option<u64>, writable: bool) -> Result<Option<(Segment, u64)>, Error> {
        match Segment::sealed(dir, first, writable)? {
            Kept::Sealed(sealed) => return Ok(Some((*sealed, 0))),
            Kept::Nothing => return Ok(None),
            Kept::Hot => {}
        }
        let path = segment::path(dir, first);
        let file = Arc::new(File::open(&path).map_err(Error::io("open", &path))?);
        let bytes = file.metadata().map_err(Error::io("read", &path))?.len();
        let Some(header) = Header::read(&file, &path, first)? else {
            if next.is_none() && bytes < (HEADER + HEAD) as u64 {
                if writable {
                    std::fs::remove_file(&path).map_err(Error::io("remove", &path))?;
                }
                return Ok(None);
            }
            return Ok(Some((Segment::lost(&path, file, first, bytes), 0)));
        };
        let stored = Index::load(dir, header, bytes);
        let complete = stored.as_ref().is_some_and(|index| index.end.position == bytes);
        let index = stored.unwrap_or_else(|| Index::new(header));
        let mut segment = Segment { path: path.into(), form: Form::Hot(file), index, lost: false, removed: 0, seen: None };
        let torn = segment.catch_up(next, &mut |_, _| {})?;
        if next.is_some() && writable && !complete {
            // Without it the next opening takes longer, that is all.
            let _ = segment.index.save(dir);
        }
        if next.is_none() && writable && torn > 0 {
            let path = &segment.path;
            let file = File::options().write(true).open(path).map_err(Error::io("open", path))?;
            file.set_len(segment.index.end.position).map_err(Error::io("cut", path))?;
            file.sync_all().map_err(Error::io("sync", path))?;
        }
        Ok(Some((segment, torn)))
    }

    pub(crate) fn hot(path: PathBuf, file: File, header: Header) -> Segment {
        Segment { path: path.into(), form: Form::Hot(file.into()), index: Index::new(header), lost: false, removed: 0, seen: None }
    }

    /// The sealed form, when there is one: in force with its seal, or when nothing else is left.
    fn sealed(dir: &Path, first: u64, writable: bool) -> Result<Kept, Error> {
        let (path, hot) = (segment::sealed_path(dir, first), segment::path(dir, first));
        let seal_path = segment::seal_path(dir, first);
        if let Some(found) = Index::newer(&seal_path) {
            return Err(Error::Version { path: seal_path, found, newest: Index::NEWEST });
        }
        let next = Segment::next_seal(dir, first, writable)?;
        let seal = next.or_else(|| Index::load_seal(dir, first));
        if seal.as_ref().is_some_and(Seal::is_empty) {
            if writable {
                let _ = std::fs::remove_file(path);
            }
            return Ok(Kept::Nothing);
        }
        if let Some(Seal { index, sums, cut }) = seal
            && path.metadata().is_ok_and(|meta| meta.len() == sums.bytes)
        {
            if writable {
                let _ = std::fs::remove_file(hot);
                let _ = std::fs::remove_file(segment::index_path(dir, first));
            }
            let form = Form::Sealed(Arc::new(sums));
            let removed = cut.map_or(0, |cut| cut.records());
            return Ok(Kept::Sealed(Box::new(Segment { path: path.into(), form, index, lost: false, removed, seen: None })));
        }
        if hot.exists() {
            return Ok(Kept::Hot);
        }
        // The seal is gone or does not fit: it is made again from the file, which then is what it is.
        let sums = Sums::of(&path).map_err(Error::io("read", &path))?;
        let made = Sealed::open(&path, Arc::new(sums.clone())).map_err(|e| Error::sealed(&path, e)).and_then(|sealed| {
            let header = Header { first, mark: 0 };
            let mut index = Index::new(header);
            let mut at = 0;
            while at < sealed.rows() {
                let part = sealed.within_group(at..sealed.rows(), false);
                for row in sealed.records(part.clone(), None).map_err(|e| Error::sealed(&path, e))?.iter() {
                    let number = u32::try_from(row.offset.saturating_sub(first)).unwrap_or(u32::MAX);
                    index.add(Place { position: at, number }, row.class, 1, row.decode().as_ref());
                    at += 1;
                }
                at = part.end;
            }
            Ok(index)
        });
        let index = match made {
            Ok(index) => index,
            // Named, not read: what comes behind it is whole.
            Err(_) => {
                let file = Arc::new(File::open(&path).map_err(Error::io("open", &path))?);
                return Ok(Kept::Sealed(Box::new(Segment::lost(&path, file, first, sums.bytes))));
            }
        };
        if writable {
            let _ = index.save_seal(dir, &sums);
        }
        let form = Form::Sealed(Arc::new(sums));
        Ok(Kept::Sealed(Box::new(Segment { path: path.into(), form, index, lost: false, removed: 0, seen: None })))
    }

    /// A seal that waits beside a rewritten file is in force with that file: a crash came between their two names.
    fn next_seal(dir: &Path, first: u64, writable: bool) -> Result<Option<Seal>, Error> {
        let (next, path) = (segment::next_seal_path(dir, first), segment::sealed_path(dir, first));
        if !next.exists() {
            return Ok(None);
        }
        let seal = Index::read_seal(&next, first).filter(|seal| Sums::of(&path).is_ok_and(|now| now == seal.sums));
        if writable {
            let done = match &seal {
                Some(_) => std::fs::rename(&next, segment::seal_path(dir, first)),
                None => std::fs::remove_file(&next),
            };
            done.map_err(Error::io("rename", &next))?;
            let _ = std::fs::remove_file(segment::next_sealed_path(dir, first));
        }
        Ok(seal)
    }

    /// As many offsets are given up as records could have been in it, so that no offset is ever given out twice.
    fn lost(path: &Path, file: Arc<File>, first: u64, bytes: u64) -> Segment {
        let records = (bytes / HEAD as u64).min(u64::from(u32::MAX));
        let mut index = Index::new(Header { first, mark: 0 });
        index.end = Place { position: bytes, number: records as u32 };
        index.add_damage(Damage { segment: first, position: 0, bytes, offset: first, records });
        Segment { path: path.into(), form: Form::Hot(file), index, lost: true, removed: 0, seen: None }
    }

    /// Takes note of what is new in the file. Returns the number of bytes at its end that are no record; with a segment behind it they
    /// are damage, else a record that is being written or was torn.
    pub(crate) fn catch_up(&mut self, next: Option<u64>, each: &mut dyn FnMut(&Event, u64)) -> Result<u64, Error> {
        let Form::Hot(file) = self.form.clone() else { return Ok(0) };
        let mut last = None;
        let length = self.index.catch_up(&file, &self.path, &mut |position, record, event| {
            last = Some(position);
            if let Some(event) = event {
                each(event, record.bytes());
            }
        })?;
        if let Some(position) = last {
            let mut head = [0; HEAD];
            let got = segment::read_at(&file, position, &mut head).map_err(Error::io("read", &self.path))?;
            self.seen = (got == HEAD).then_some((position, head));
        }
        let Place { position, number } = self.index.end;
        let rest = length.saturating_sub(position);
        let Some(next) = next else { return Ok(rest) };
        let first = self.index.header.first;
        let records = next.saturating_sub(self.index.end_offset());
        if rest > 0 {
            self.index.add_damage(Damage { segment: first, position, bytes: rest, offset: self.index.end_offset(), records });
            let number = u32::try_from(next.saturating_sub(first)).unwrap_or(u32::MAX).max(number);
            self.index.end = Place { position: length, number };
        }
        Ok(0)
    }

    /// False when the writer took back what had been seen.
    pub(crate) fn is_as_seen(&self) -> bool {
        let (Some((position, head)), Form::Hot(file)) = (self.seen, &self.form) else { return true };
        let mut now = [0; HEAD];
        matches!(segment::read_at(file, position, &mut now), Ok(HEAD)) && now == head
    }

    /// It may become a sealed one: finished, whole, and understood.
    pub(crate) fn can_be_sealed(&self) -> bool {
        matches!(self.form, Form::Hot(_)) && !self.lost && self.index.damage.is_empty() && self.index.end.number > 0
    }
}

impl State {
    pub(crate) fn load(dir: &Path, options: &Options, open: &Open, writable: bool) -> Result<State, Error> {
        let mut state = State::default();
        let firsts = segment::list(dir)?;
        for (at, first) in firsts.iter().enumerate() {
            if let Some((segment, torn)) = Segment::load(dir, *first, firsts.get(at + 1).copied(), writable)? {
                state.torn_bytes += torn;
                state.segments.push(segment);
            }
        }
        if !writable {
            state.torn_bytes = 0;
        }
        let loaded: HashSet<u64> = state.segments.iter().map(|segment| segment.index.header.first).collect();
        for first in segment::list_of(dir, ".seal")?.into_iter().filter(|first| !loaded.contains(first)) {
            let seal = Index::load_seal(dir, first).filter(Seal::is_empty);
            state.vanished.extend(seal.map(|seal| first..seal.index.end_offset()));
        }
        state.fold_all(options, open)?;
        Ok(state)
    }

    /// Reads the latest state of each incident and response, and nothing else.
    fn fold_all(&mut self, options: &Options, open: &Open) -> Result<(), Error> {
        let mut latest: HashMap<u64, (Latest, usize)> = HashMap::new();
        for (at, segment) in self.segments.iter().enumerate() {
            for (key, found) in &segment.index.latest {
                let held = latest.entry(*key).or_insert((*found, at));
                if found.revision >= held.0.revision {
                    *held = (*found, at);
                }
            }
            for minute in segment.index.minutes.all() {
                self.minutes.add(minute);
            }
        }
        let mut latest: Vec<_> = latest.into_values().collect();
        latest.sort_by_key(|(latest, at)| (*at, latest.place.position));
        let mut reader: Option<(usize, Option<Reader>)> = None;
        for (latest, at) in latest {
            let segment = &self.segments[at];
            if reader.as_ref().is_none_or(|(open, _)| *open != at) {
                reader = Some((at, Reader::open(&segment.path, segment.index.header, &segment.form, open)?));
            }
            let Some((_, Some(reader))) = &reader else { continue };
            let read = reader.one(&segment.path, latest.place)?;
            if let Some((event, bytes)) = read.filter(|(event, _)| class::of(&event.body) == latest.class) {
                self.view.fold(&event, bytes, options);
            }
        }
        Ok(())
    }

    pub(crate) fn end(&self) -> u64 {
        self.segments.iter().map(|segment| segment.index.end_offset()).max().unwrap_or(0)
    }
}
