//! The file format, version 1. Numbers are little endian.
//!
//! ```text
//! file    header, then records without gaps; `%016x.log`, named by the offset of its first record
//! header  "bartizan" | version u32 | first offset u64 | mark u32 | crc32 u32 of the 24 bytes before
//! record  length u32 of the payload | crc32 u32 | tag u32 | class u8 | payload
//! tag     number of the record in the segment, from 0, xor mark
//! crc32   of tag, class and payload, started from the mark
//! payload the event as MessagePack with named fields
//! ```
//!
//! The mark is random for each segment and nobody outside can know it. Behind damaged bytes, reading goes on at the next place where
//! tag and checksum are right; without the mark, an attacker could put a forged record into a request and wait for its
//! surroundings to be damaged. A record carries its number, so that what follows damage keeps its offset.

use std::fs::File;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use event::Event;
use serde::{Deserialize, Serialize};

use crate::{Damage, Error, class};

pub(crate) const VERSION: u32 = 1;
const MAGIC: &[u8; 8] = b"bartizan";
pub(crate) const HEADER: usize = 28;
pub(crate) const HEAD: usize = 13;
/// Longest payload.
pub(crate) const PAYLOAD_MAX: usize = 32 << 20;
/// Bytes read at once when a segment is walked through; more than the longest record.
const WINDOW: u64 = 48 << 20;

pub(crate) fn path(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{first:016x}.log"))
}

pub(crate) fn index_path(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{first:016x}.idx"))
}

pub(crate) fn sealed_path(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{first:016x}.parquet"))
}

pub(crate) fn seal_path(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{first:016x}.seal"))
}

/// The seal of a rewritten file that is about to take the place of the one before.
pub(crate) fn next_seal_path(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{first:016x}.seal.next"))
}

/// That rewritten file.
pub(crate) fn next_sealed_path(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{first:016x}.parquet.next"))
}

/// First offsets of all files with this ending, in order.
pub(crate) fn list_of(dir: &Path, ending: &str) -> Result<Vec<u64>, Error> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(Error::io("list", dir))? {
        let name = entry.map_err(Error::io("list", dir))?.file_name();
        let first = name.to_str().and_then(|n| n.strip_suffix(ending)).filter(|n| n.len() == 16);
        all.extend(first.and_then(|n| u64::from_str_radix(n, 16).ok().filter(|f| format!("{f:016x}") == n)));
    }
    all.sort_unstable();
    Ok(all)
}

/// First offsets of all segments in the directory, sealed or not, in order.
pub(crate) fn list(dir: &Path) -> Result<Vec<u64>, Error> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(Error::io("list", dir))? {
        let name = entry.map_err(Error::io("list", dir))?.file_name();
        // A name in another form is not ours.
        let first = name.to_str().and_then(|n| n.strip_suffix(".log").or_else(|| n.strip_suffix(".parquet"))).filter(|n| n.len() == 16);
        let first = first.and_then(|n| u64::from_str_radix(n, 16).ok().filter(|f| format!("{f:016x}") == n));
        all.extend(first);
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

/// What a segment's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) first: u64,
    pub(crate) mark: u32,
}

impl Header {
    pub(crate) fn new(first: u64) -> Header {
        // The standard library's hasher is seeded by the system's random source.
        let mut hasher = std::hash::RandomState::new().build_hasher();
        hasher.write_u64(first);
        Header { first, mark: hasher.finish() as u32 }
    }

    pub(crate) fn bytes(self) -> [u8; HEADER] {
        let mut out = [0; HEADER];
        out[..8].copy_from_slice(MAGIC);
        out[8..12].copy_from_slice(&VERSION.to_le_bytes());
        out[12..20].copy_from_slice(&self.first.to_le_bytes());
        out[20..24].copy_from_slice(&self.mark.to_le_bytes());
        let crc = crc32fast::hash(&out[..24]);
        out[24..].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// `None` when there is no header yet or it is damaged beyond help: then there is no telling which records are genuine.
    pub(crate) fn read(file: &File, path: &Path, first: u64) -> Result<Option<Header>, Error> {
        let mut start = vec![0; HEADER + HEAD];
        let got = read_at(file, 0, &mut start).map_err(Error::io("read", path))?;
        start.truncate(got);
        let (Some(head), Some(version)) = (start.get(..24), u32_at(&start, 8)) else { return Ok(None) };
        if u32_at(&start, 24) == Some(crc32fast::hash(head)) && head.starts_with(MAGIC) {
            if version > VERSION {
                return Err(Error::Version { path: path.to_owned(), found: version, newest: VERSION });
            }
            return Ok(u32_at(&start, 20).map(|mark| Header { first, mark }));
        }
        // The first record has number 0, so its tag is the mark itself; right when the record's checksum agrees.
        let (Some(length), Some(mark)) = (u32_at(&start, HEADER), u32_at(&start, HEADER + 8)) else { return Ok(None) };
        if length as usize > PAYLOAD_MAX {
            return Ok(None);
        }
        let mut record = vec![0; HEAD + length as usize];
        let got = read_at(file, HEADER as u64, &mut record).map_err(Error::io("read", path))?;
        let genuine = matches!(parse(&record[..got], 0, mark), Parse::Record(r, _) if r.number == 0);
        Ok(genuine.then_some(Header { first, mark }))
    }
}

/// Fills `buffer` as far as the file goes.
pub(crate) fn read_at(file: &File, mut position: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < buffer.len() {
        match file.read_at(&mut buffer[got..], position) {
            Ok(0) => break,
            Ok(n) => (got, position) = (got + n, position + n as u64),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.first_chunk().map(|four| u32::from_le_bytes(*four))
}

/// Adds the record of an event to `out`; on failure `out` is as before.
pub(crate) fn encode(event: &Event, number: u32, mark: u32, out: &mut Vec<u8>) -> Result<(), Error> {
    let start = out.len();
    out.extend_from_slice(&[0; HEAD]);
    let encoded = event.serialize(&mut rmp_serde::Serializer::new(&mut *out).with_struct_map());
    let bytes = out.len() - start - HEAD;
    let fault = match encoded {
        Err(error) => Some(Error::Encode { uid: event.meta.uid, why: error.to_string() }),
        Ok(()) if bytes > PAYLOAD_MAX => Some(Error::TooLarge { uid: event.meta.uid, bytes, max: PAYLOAD_MAX }),
        Ok(()) => None,
    };
    if let Some(error) = fault {
        out.truncate(start);
        return Err(error);
    }
    let record = &mut out[start..];
    record[..4].copy_from_slice(&(bytes as u32).to_le_bytes());
    record[8..12].copy_from_slice(&(number ^ mark).to_le_bytes());
    record[12] = class::of(&event.body);
    let crc = checksum(&record[8..], mark);
    record[4..8].copy_from_slice(&crc.to_le_bytes());
    Ok(())
}

fn checksum(bytes: &[u8], mark: u32) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(mark);
    hasher.update(bytes);
    hasher.finalize()
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    /// In the segment.
    pub(crate) number: u32,
    pub(crate) class: u8,
    pub(crate) payload: &'a [u8],
}

impl Record<'_> {
    /// `None`: a whole record, but this version does not know how to read it.
    pub(crate) fn decode(&self) -> Option<Event> {
        rmp_serde::from_slice(self.payload).ok()
    }

    /// On disk.
    pub(crate) fn bytes(&self) -> u64 {
        (HEAD + self.payload.len()) as u64
    }
}

enum Parse<'a> {
    /// And where the next one starts.
    Record(Record<'a>, usize),
    /// Could be the beginning of a record that goes on behind the buffer.
    Short,
    Bad,
}

fn parse(buffer: &[u8], at: usize, mark: u32) -> Parse<'_> {
    let Some(head) = buffer.get(at..).and_then(|rest| rest.first_chunk::<HEAD>()) else { return Parse::Short };
    let [l0, l1, l2, l3, c0, c1, c2, c3, t0, t1, t2, t3, class] = *head;
    let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    if length > PAYLOAD_MAX {
        return Parse::Bad;
    }
    let end = at + HEAD + length;
    let Some(covered) = buffer.get(at + 8..end) else { return Parse::Short };
    if checksum(covered, mark) != u32::from_le_bytes([c0, c1, c2, c3]) {
        return Parse::Bad;
    }
    let number = u32::from_le_bytes([t0, t1, t2, t3]) ^ mark;
    Parse::Record(Record { number, class, payload: &buffer[at + HEAD..end] }, end)
}

/// What a walk meets.
pub(crate) enum Step<'a> {
    /// At this byte position.
    Record(u64, Record<'a>),
    Damage(Damage),
}

/// Where a walk is, or has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// Behind the last whole record.
    pub(crate) position: u64,
    /// Number of the next record.
    pub(crate) number: u32,
}

impl Place {
    pub(crate) const START: Place = Place { position: HEADER as u64, number: 0 };
}

/// Walks through `buffer`, which begins at byte `base` of the file, at or behind `known`. Returns the place behind the last record that
/// was understood, and how far the buffer was looked through: from there on more bytes are needed.
fn walk_buffer<'b>(
    header: Header,
    buffer: &'b [u8],
    base: u64,
    mut known: Place,
    at_end: bool,
    step: &mut dyn FnMut(Step<'b>),
) -> (Place, usize) {
    let mut at = 0;
    while at < buffer.len() {
        let position = base + at as u64;
        let skipped = position - known.position;
        // As many records as could have been in the bytes passed over.
        let last = known.number.saturating_add((skipped / HEAD as u64) as u32);
        let plausible = u32_at(buffer, at + 8).is_none_or(|tag| (known.number..=last).contains(&(tag ^ header.mark)));
        match if plausible { parse(buffer, at, header.mark) } else { Parse::Bad } {
            Parse::Record(record, next) => {
                if skipped > 0 {
                    step(Step::Damage(Damage {
                        segment: header.first,
                        position: known.position,
                        bytes: skipped,
                        offset: header.first.saturating_add(u64::from(known.number)),
                        records: u64::from(record.number - known.number),
                    }));
                }
                step(Step::Record(position, record));
                known = Place { position: position + record.bytes(), number: record.number.saturating_add(1) };
                at = next;
            }
            Parse::Short if !at_end => break,
            Parse::Short | Parse::Bad => at += 1,
        }
    }
    (known, at)
}

/// Walks from `place` to the end of the file, whose length it returns too. What follows the returned place is not a record (yet).
pub(crate) fn walk(
    file: &File,
    path: &Path,
    header: Header,
    mut place: Place,
    step: &mut dyn FnMut(Step<'_>),
) -> Result<(Place, u64), Error> {
    let length = file.metadata().map_err(Error::io("read", path))?.len();
    let mut buffer = Vec::new();
    let mut base = place.position;
    while base < length {
        let want = (length - base).min(WINDOW);
        buffer.resize(want as usize, 0);
        let got = read_at(file, base, &mut buffer).map_err(Error::io("read", path))?;
        let at_end = got < want as usize || base + want == length;
        let (next, at) = walk_buffer(header, &buffer[..got], base, place, at_end, &mut |met| step(met));
        place = next;
        base += at as u64;
        if at_end {
            break;
        }
    }
    Ok((place, length))
}

/// The records of one block, and what is damaged among them.
pub(crate) fn block<'b>(header: Header, buffer: &'b [u8], start: Place, end: Place) -> (Vec<Record<'b>>, Vec<Damage>) {
    let (mut records, mut damage) = (Vec::new(), Vec::new());
    let (at, _) = walk_buffer(header, buffer, start.position, start, true, &mut |step| match step {
        Step::Record(_, record) => records.push(record),
        Step::Damage(part) => damage.push(part),
    });
    if at.position < end.position {
        damage.push(Damage {
            segment: header.first,
            position: at.position,
            bytes: end.position - at.position,
            offset: header.first.saturating_add(u64::from(at.number)),
            records: u64::from(end.number.saturating_sub(at.number)),
        });
    }
    (records, damage)
}

/// The bytes of one block, as far as the file goes.
pub(crate) fn read_block(file: &File, start: Place, end: Place) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; end.position.saturating_sub(start.position) as usize];
    let got = read_at(file, start.position, &mut buffer)?;
    buffer.truncate(got);
    Ok(buffer)
}

/// The event of the record at `place` and its stored size, when it stands there.
pub(crate) fn read_one(file: &File, header: Header, place: Place) -> io::Result<Option<(Event, usize)>> {
    let mut record = vec![0; HEAD];
    read_at(file, place.position, &mut record)?;
    let length = u32_at(&record, 0).unwrap_or(0) as usize;
    if length > PAYLOAD_MAX {
        return Ok(None);
    }
    record.resize(HEAD + length, 0);
    read_at(file, place.position, &mut record)?;
    Ok(match parse(&record, 0, header.mark) {
        Parse::Record(found, _) if found.number == place.number => found.decode().map(|event| (event, record.len())),
        _ => None,
    })
}
