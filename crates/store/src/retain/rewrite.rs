//! Writes a sealed segment anew without the records that go, beside the one in force.
//!
//! ```text
//! %016x.parquet.next, %016x.seal.next    written and read back
//! (an order in the log, under a signed head, names the hash over what is missing)
//! rename to .parquet, rename to .seal    a seal that waits beside its file is in force with it: `Segment::load`
//! ```
//!
//! Of a segment in which nothing is left only the seal remains, which says what was there.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use event::{Event, Text, Time};
use xxhash_rust::xxh3::Xxh3;

use crate::audit::{self, Hash};
use crate::index::Index;
use crate::log::Shared;
use crate::reader::{Form, Reader};
use crate::sealed::{Cut, Gone, Sealing, Sums};
use crate::sealer::read_back;
use crate::segment::{self, Place};
use crate::{Error, class};

/// A segment without some of its records, on disk, not in force.
pub(crate) struct Rewritten {
    pub(crate) first: u64,
    /// Of the file that it takes the place of.
    before: Arc<Sums>,
    index: Index,
    sums: Sums,
    cut: Cut,
    pub(crate) removed: u64,
    /// By class.
    pub(crate) classes: [u64; 16],
    /// Everything that goes was logged before.
    pub(crate) until: Time,
    pub(crate) rule: Text,
}

impl Rewritten {
    pub(crate) fn missing(&self) -> Hash {
        self.cut.digest()
    }

    pub(crate) fn class_words(&self) -> Vec<Text> {
        let named = self.classes.iter().enumerate().filter(|(_, count)| **count > 0);
        named.filter_map(|(class, _)| class::WORDS.get(class).map(|word| Text::from(*word))).collect()
    }

    fn is_empty(&self) -> bool {
        self.sums.bytes == 0
    }

    /// Of the files that go, without those that come.
    pub(crate) fn freed(&self) -> u64 {
        self.before.bytes.saturating_sub(self.sums.bytes)
    }
}

/// `goes` is asked for each record that this program can read; others stay. `None`: nothing goes, or told to stop.
pub(crate) fn rewrite(
    shared: &Shared,
    first: u64,
    rule: &Text,
    goes: &dyn Fn(&Event) -> Option<Time>,
    stop: &AtomicBool,
) -> Result<Option<Rewritten>, Error> {
    let found = {
        let state = shared.read();
        let segment = state.segments.iter().find(|segment| segment.index.header.first == first);
        segment.map(|s| (s.path.clone(), s.form.clone(), s.index.header, s.index.end))
    };
    let Some((path, form @ Form::Sealed(_), header, end)) = found else { return Ok(None) };
    let Form::Sealed(before) = &form else { return Ok(None) };
    let Some(Reader::Sealed(sealed, _)) = Reader::open(&path, header, &form, &shared.open)? else { return Ok(None) };
    let behind = first.saturating_add(u64::from(end.number));
    let earlier = Index::seal_in_force(&shared.dir, first).and_then(|seal| seal.cut);
    let heads_path = shared.dir.with_file_name("audit").join(audit::HEADS);
    let heads = audit::sizes(&heads_path, first..behind)?;
    let new = segment::next_sealed_path(&shared.dir, first);
    let io = |e| Error::sealed(&new, e);
    let unlike = |why: &str| Error::Sealed { path: path.to_path_buf(), why: why.to_owned() };

    let (mut index, mut kept, mut gone) = (Index::new(header), 0, Vec::new());
    let (mut removed, mut classes, mut until) = (0, [0; 16], Time::from_us(i64::MIN));
    let mut digest = Xxh3::new();
    // Made with the first record that stays.
    let mut sealing: Option<Sealing> = None;
    let (mut at, mut expected) = (0, first);
    let earlier_at = |offset: u64| earlier.as_ref().and_then(|cut| cut.at(offset));
    let skip = |expected: &mut u64, to: u64, gone: &mut Vec<Gone>| -> Result<(), Error> {
        while *expected < to {
            let row = earlier_at(*expected).filter(|row| row.end() <= to).ok_or_else(|| unlike("records are missing from it"))?;
            *expected = row.end();
            gone.push(row);
        }
        Ok(())
    };
    while at < sealed.rows() {
        if stop.load(Ordering::Relaxed) {
            let _ = std::fs::remove_file(&new);
            return Ok(None);
        }
        let part = at..sealed.rows().min(at + 8_192);
        let part = sealed.within_group(part, false);
        let rows = sealed.records(part.clone(), None).map_err(|e| Error::sealed(&path, e))?;
        if !rows.lost.is_empty() {
            return Err(unlike("some of its records cannot be read"));
        }
        let (mut buffer, mut staying) = (Vec::new(), Vec::new());
        for row in rows.iter() {
            skip(&mut expected, row.offset, &mut gone)?;
            if row.offset < expected || row.offset >= behind {
                return Err(unlike("its records are not in order"));
            }
            expected = row.offset + 1;
            let event = row.decode();
            if let Some(logged) = event.as_ref().and_then(goes) {
                gone.push(Gone { start: row.offset, level: 0, hash: Hash::leaf(row.class, row.payload) });
                (removed, until) = (removed + 1, until.max(logged));
                classes[usize::from(row.class).min(15)] += 1;
                continue;
            }
            let number = u32::try_from(row.offset - first).unwrap_or(u32::MAX);
            index.add(Place { position: kept, number }, row.class, 1, event.as_ref());
            kept += 1;
            digest.update(row.payload);
            let start = buffer.len();
            buffer.extend_from_slice(row.payload);
            staying.push((row.offset, row.class, start, buffer.len()));
        }
        if !staying.is_empty() {
            let whole = Bytes::from(buffer);
            let writing = match &mut sealing {
                Some(writing) => writing,
                none => none.insert(Sealing::create(&new).map_err(io)?),
            };
            let records = staying.iter().map(|(offset, class, start, end)| (*offset, *class, &whole[*start..*end]));
            writing.add(&whole, records).map_err(io)?;
        }
        at = part.end;
    }
    skip(&mut expected, behind, &mut gone)?;
    if removed == 0 {
        drop(sealing);
        let _ = std::fs::remove_file(&new);
        return Ok(None);
    }
    let cut = Cut::of(first, behind, gone, &heads);
    index.end = Place { position: kept, number: end.number };
    let mut sums = Sums::default();
    if let Some(sealing) = sealing {
        sealing.finish().map_err(io)?;
        sums = Sums::of(&new).map_err(Error::io("read", &new))?;
        match read_back(&new, &sums, stop)? {
            None => {
                let _ = std::fs::remove_file(&new);
                return Ok(None);
            }
            Some((rows, read)) if rows == kept && read == digest.digest128() => {}
            Some(_) => return Err(Error::Sealed { path: new.clone(), why: "what was written is not what is read".into() }),
        }
    }
    index.save_next(&shared.dir, &sums, &cut)?;
    Ok(Some(Rewritten { first, before: before.clone(), index, sums, cut, removed, classes, until, rule: rule.clone() }))
}

/// Takes the place of the file in force. False while somebody reads: to be tried again.
pub(crate) fn put_in_force(shared: &Shared, new: &Rewritten) -> Result<bool, Error> {
    let Ok(_alone) = shared.reading.try_write() else { return Ok(false) };
    let mut state = shared.write();
    let at = state.segments.iter().position(|segment| segment.index.header.first == new.first);
    let Some(at) = at.filter(|at| matches!(&state.segments[*at].form, Form::Sealed(sums) if *sums == new.before)) else {
        discard(shared, new.first);
        return Ok(true);
    };
    let (dir, first) = (&shared.dir, new.first);
    let (path, seal) = (segment::sealed_path(dir, first), segment::seal_path(dir, first));
    let (next, next_seal) = (segment::next_sealed_path(dir, first), segment::next_seal_path(dir, first));
    let sync = || File::open(dir).and_then(|dir| dir.sync_all()).map_err(Error::io("sync", dir));
    let removed = new.cut.records();
    if new.is_empty() {
        std::fs::rename(&next_seal, &seal).map_err(Error::io("rename", &next_seal))?;
        sync()?;
        let segment = state.segments.remove(at);
        state.vanished.push(first..segment.index.end_offset());
        let _ = std::fs::remove_file(&path);
        let _ = std::fs::remove_file(shared.dir.with_file_name("audit").join(audit::leaves_name(first)));
        return Ok(true);
    }
    std::fs::rename(&next, &path).map_err(Error::io("rename", &next))?;
    // From here on the new file is in force, whatever becomes of its seal's name.
    if let Some(segment) = state.segments.get_mut(at) {
        (segment.form, segment.index, segment.removed) = (Form::Sealed(Arc::new(new.sums.clone())), new.index.clone(), removed);
    }
    drop(state);
    sync()?;
    std::fs::rename(&next_seal, &seal).map_err(Error::io("rename", &next_seal))?;
    sync()?;
    Ok(true)
}

pub(crate) fn discard(shared: &Shared, first: u64) {
    let _ = std::fs::remove_file(segment::next_seal_path(&shared.dir, first));
    let _ = std::fs::remove_file(segment::next_sealed_path(&shared.dir, first));
}
