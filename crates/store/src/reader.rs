//! One way to read a segment, whatever form it has on disk.

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use event::Event;

use crate::index::{Block, Index};
use crate::rows::Rows;
use crate::sealed::{Sealed, Sums};
use crate::search::Plan;
use crate::segment::{self, Header, Place};
use crate::{Damage, Error};

/// Sealed files that are held open; opening one again takes about a millisecond.
const OPEN_MAX: usize = 128;

pub(crate) enum Reader {
    Hot(Arc<File>, Header),
    Sealed(Arc<Sealed>, Header),
}

/// How a segment stands on disk. Places in a sealed one count rows instead of bytes.
#[derive(Clone)]
pub(crate) enum Form {
    Hot(Arc<File>),
    Sealed(Arc<Sums>),
}

/// Sealed files that were read lately, the latest last.
#[derive(Default)]
pub(crate) struct Open(Mutex<Vec<(Arc<Path>, Arc<Sealed>)>>);

impl Open {
    fn sealed(&self, path: &Arc<Path>, sums: &Arc<Sums>) -> Result<Arc<Sealed>, Error> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = all.iter().rposition(|(held, sealed)| held == path && sealed.has(sums)) {
            let held = all.remove(at);
            all.push(held.clone());
            return Ok(held.1);
        }
        drop(all);
        let opened = Sealed::open(path, sums.clone()).map_err(|e| Error::sealed(path, e))?;
        let opened = Arc::new(opened);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The file may have been rewritten since.
        all.retain(|(held, _)| held != path);
        if all.len() >= OPEN_MAX {
            all.remove(0);
        }
        all.push((path.clone(), opened.clone()));
        Ok(opened)
    }
}

impl Reader {
    /// `None`: the file was removed since.
    pub(crate) fn open(path: &Arc<Path>, header: Header, form: &Form, open: &Open) -> Result<Option<Reader>, Error> {
        match form {
            Form::Hot(file) => Ok(Some(Reader::Hot(file.clone(), header))),
            Form::Sealed(sums) => match open.sealed(path, sums) {
                Ok(sealed) => Ok(Some(Reader::Sealed(sealed, header))),
                Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => Ok(None),
                // Retention in another process: what was seen of the file is not what stands there now.
                Err(_) if was_rewritten(path, header.first, sums) => Ok(None),
                Err(error) => Err(error),
            },
        }
    }

    /// Records between two places, and what is damaged among them.
    pub(crate) fn rows(&self, path: &Path, start: Place, end: Place) -> Result<(Rows, Vec<Damage>), Error> {
        match self {
            Reader::Hot(file, header) => {
                let buffer = segment::read_block(file, start, end).map_err(Error::io("read", path))?;
                let (rows, damage) = segment::block(*header, &buffer, start, end);
                let rows = rows.iter().map(|record| {
                    let at = record.payload.as_ptr() as usize - buffer.as_ptr() as usize;
                    (header.first.saturating_add(u64::from(record.number)), record.class, at, at + record.payload.len())
                });
                let rows = rows.collect();
                Ok((Rows::within(buffer, rows), damage))
            }
            Reader::Sealed(sealed, header) => {
                let mut all = Rows::default();
                let mut at = start.position;
                while at < end.position {
                    let part = sealed.within_group(at..end.position, false);
                    match sealed.records(part.clone(), None) {
                        Ok(rows) => all.append(rows),
                        Err(_) => {
                            let number = start.number + (part.start - start.position) as u32;
                            return Ok((all, vec![unreadable(*header, part.start, number, end)]));
                        }
                    }
                    at = part.end;
                }
                let damage = all.lost.iter().map(|offset| Damage {
                    segment: header.first,
                    position: start.position,
                    bytes: 0,
                    offset: *offset,
                    records: 1,
                });
                let damage = damage.collect();
                Ok((all, damage))
            }
        }
    }

    /// Of blocks in order, the first of those that are read together with the last one: at most `rows` of one row group, without a gap.
    pub(crate) fn run(&self, blocks: &[&Block], rows: u64) -> usize {
        let last = blocks.len().saturating_sub(1);
        let Reader::Sealed(sealed, _) = self else { return last };
        let end = blocks[last].end.position;
        let group = sealed.within_group(0..end, true).start;
        let mut from = last;
        while let Some(before) = from.checked_sub(1).map(|at| blocks[at])
            && before.end.position == blocks[from].start.position
            && before.start.position >= group
            && end - before.start.position <= rows
        {
            from -= 1;
        }
        from
    }

    /// As [`Reader::rows`], without rows that the plan rules out by single columns.
    /// `stories`: some of them may be of a class that names entities elsewhere than in columns.
    pub(crate) fn wanted_rows(
        &self,
        path: &Path,
        start: Place,
        end: Place,
        plan: &Plan,
        stories: bool,
    ) -> Result<(Rows, Vec<Damage>), Error> {
        let Reader::Sealed(sealed, header) = self else { return self.rows(path, start, end) };
        if plan.conditions.is_empty() {
            return self.rows(path, start, end);
        }
        let mut all = Rows::default();
        let mut at = start.position;
        while at < end.position {
            let part = sealed.within_group(at..end.position, false);
            let read = || {
                if sealed.rules_out(plan.conditions.iter(), part.start, stories) {
                    return Ok(Rows::default());
                }
                let wanted = sealed.select(plan.conditions.iter(), part.clone())?;
                match &wanted {
                    Some(wanted) if !wanted.contains(&true) => Ok(Rows::default()),
                    wanted => sealed.records(part.clone(), wanted.as_deref()),
                }
            };
            let Ok(rows) = read() else {
                let number = start.number + (part.start - start.position) as u32;
                return Ok((all, vec![unreadable(*header, part.start, number, end)]));
            };
            all.append(rows);
            at = part.end;
        }
        Ok((all, Vec::new()))
    }

    /// The event of the record at `place` and its stored size, when it stands there.
    pub(crate) fn one(&self, path: &Path, place: Place) -> Result<Option<(Event, usize)>, Error> {
        match self {
            Reader::Hot(file, header) => segment::read_one(file, *header, place).map_err(Error::io("read", path)),
            Reader::Sealed(sealed, header) => {
                let offset = header.first.saturating_add(u64::from(place.number));
                let Ok(rows) = sealed.records(place.position..place.position + 1, None) else { return Ok(None) };
                let row = rows.iter().find(|row| row.offset == offset);
                Ok(row.and_then(|row| Some((row.decode()?, row.payload.len()))))
            }
        }
    }
}

/// The seal beside the file is of other bytes than those that were known.
pub(crate) fn was_rewritten(path: &Path, first: u64, known: &Sums) -> bool {
    path.parent().and_then(|dir| Index::load_seal(dir, first)).is_some_and(|seal| seal.sums != *known)
}

/// Records of a sealed file from `number` to the end that its damage hides.
pub(crate) fn unreadable(header: Header, position: u64, number: u32, end: Place) -> Damage {
    Damage {
        segment: header.first,
        position,
        bytes: 0,
        offset: header.first.saturating_add(u64::from(number)),
        records: u64::from(end.number.saturating_sub(number)),
    }
}
