//! Reads the log again, all of it, and compares it with what was attested. Needs no running service, takes no lock and repairs nothing.

use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use event::order::What;
use event::{Body, Event};
use serde::Serialize;

use super::head::PublicKey;
use super::heads::{Heads, OTHER_KEY};
use super::tree::{BLOCK, Frontier};
use super::{BLOCKS, HEADS, Hash, KEY, leaves_name};
use crate::index::{Index, Seal};
use crate::reader::{Form, Open};
use crate::sealed::{Cut, Sealed, Sums};
use crate::segment;
use crate::state::State;
use crate::{Damage, Error, Options, class};

/// Rows that are read at once where a file is damaged.
const ROWS: u64 = 64;
/// How often a log is read again that was changed while it was read.
const REWRITTEN_MAX: usize = 5;

/// What came of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    pub ok: bool,
    /// Records in the log.
    pub records: u64,
    /// Records that retention removed, each by an order in the log under a signed head.
    pub removed: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Every file whose bytes are covered, below the data directory.
    pub files: Vec<String>,
    /// Latest signed head, `SIZE:ROOT`: keep it elsewhere.
    pub head: Option<String>,
    /// Who signed: first digits of the SHA-256 of the key.
    pub key: Option<String>,
    /// Records behind the latest head, which no signature covers yet.
    pub unattested: u64,
    pub first_bad: Option<Bad>,
}

/// The first place where the log is not what was attested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bad {
    /// Below the data directory.
    pub file: String,
    /// Byte position in it.
    pub offset: u64,
    /// Offset of the record.
    pub record: Option<u64>,
    pub why: String,
}

/// What is known from elsewhere.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// A head that was printed, mailed or posted: size and root.
    pub head: Option<(u64, Hash)>,
    /// The key, when the one in the directory is not to be believed.
    pub key: Option<PublicKey>,
}

/// Reads everything in `data_dir/log` and `data_dir/audit`. An error when it cannot be read; what is wrong in it is in the report.
pub fn verify(data_dir: &Path, known: &Known) -> Result<Report, Error> {
    let logs = data_dir.join("log");
    let mut before = seals(&logs);
    for _ in 0..REWRITTEN_MAX {
        let report = verify_once(data_dir, known)?;
        let after = seals(&logs);
        if report.ok || after == before {
            return Ok(report);
        }
        // Retention rewrote a file while it was read.
        before = after;
    }
    verify_once(data_dir, known)
}

/// Changes whenever a segment is sealed or rewritten.
fn seals(logs: &Path) -> Vec<(std::ffi::OsString, u64, Option<std::time::SystemTime>)> {
    let all = std::fs::read_dir(logs).into_iter().flatten().filter_map(Result::ok);
    let seals = all.filter(|entry| entry.path().extension().is_some_and(|ending| ending == "seal" || ending == "next"));
    let mut seals: Vec<_> = seals
        .filter_map(|entry| {
            let meta = entry.metadata().ok()?;
            Some((entry.file_name(), meta.len(), meta.modified().ok()))
        })
        .collect();
    seals.sort_unstable();
    seals
}

fn verify_once(data_dir: &Path, known: &Known) -> Result<Report, Error> {
    let dir = super::dir(data_dir);
    let logs = data_dir.join("log");
    if !logs.is_dir() {
        return Err(Error::Missing { dir: data_dir.to_owned() });
    }
    let mut report = Report::default();
    let name = |name: &str| format!("audit/{name}");
    let key_path = dir.join(KEY);
    let found = match std::fs::read_to_string(&key_path) {
        Ok(pem) => PublicKey::from_pem(&pem).filter(|key| key.to_pem() == pem).ok_or("this is no public key as it was written"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err("the key is missing: nothing was ever attested here, or it was removed")
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err("this is no public key as it was written"),
        Err(error) => return Err(Error::io("read", &key_path)(error)),
    };
    report.files.push(name(KEY));
    let key = match (found, known.key) {
        (Ok(found), Some(known)) if found != known => {
            return Ok(report.bad(Bad { file: name(KEY), offset: 0, record: None, why: "this is not the key that was given".into() }));
        }
        (Ok(found), _) => found,
        (Err(why), _) => return Ok(report.bad(Bad { file: name(KEY), offset: 0, record: None, why: why.into() })),
    };
    report.key = Some(key.id());
    // Before the log: a log that is being written only grows.
    let mut heads = Heads::read(&dir.join(HEADS), &name(HEADS), &key)?;
    if heads.bad.as_ref().is_some_and(|bad| bad.why == OTHER_KEY) && heads.all.first().is_none_or(|first| !first.is_signed_by(&key)) {
        heads.bad = Some(Bad { file: name(KEY), offset: 0, record: None, why: OTHER_KEY.into() });
    }
    report.files.extend([name(HEADS), name(BLOCKS)]);
    report.head = heads.all.last().map(ToString::to_string);
    let state = State::load(&logs, &Options::default(), &Open::default(), false)?;
    let blocks = read(&dir.join(BLOCKS))?;
    let mut walk = Walk {
        dir: &dir,
        heads: &heads,
        next_head: 0,
        blocks: &blocks,
        known: known.head,
        frontier: Frontier::default(),
        good: 0,
        since: Vec::new(),
        known_seen: known.head.is_none_or(|(size, _)| size == 0),
        cuts: Vec::new(),
        retained: HashSet::new(),
        removed: 0,
    };
    let bad = walk.all(&logs, &state, &mut report)?;
    report.removed = walk.removed;
    let size = walk.frontier.size();
    report.unattested = size.saturating_sub(heads.all.last().map_or(0, |head| head.size));
    // What was changed in the log says more than what it did to the heads.
    let bad = bad.or(unmade(&logs, &state)?).or_else(|| heads.bad.clone()).or_else(|| {
        let none = heads.all.is_empty() && size > 0;
        none.then(|| Bad {
            file: name(HEADS),
            offset: 0,
            record: Some(0),
            why: "no head: nothing was ever attested here, or it was removed".into(),
        })
    });
    let bad = bad.or_else(|| walk.unattested_cut());
    Ok(match bad {
        Some(bad) => report.bad(bad),
        None => Report { ok: true, ..report },
    })
}

impl Report {
    fn bad(self, bad: Bad) -> Report {
        Report { ok: false, first_bad: Some(bad), ..self }
    }
}

/// A last file that has a whole header, which is not one: it is taken for one that was not finished being made.
fn unmade(logs: &Path, state: &State) -> Result<Option<Bad>, Error> {
    let Some(first) = segment::list(logs)?.pop().filter(|first| state.segments.last().is_none_or(|s| s.index.header.first != *first))
    else {
        return Ok(None);
    };
    let whole = segment::path(logs, first).metadata().is_ok_and(|meta| meta.len() >= segment::HEADER as u64);
    let why = "the header of this file was changed".to_owned();
    Ok(whole.then(|| Bad { file: format!("log/{first:016x}.log"), offset: 0, record: Some(first), why }))
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::io("read", path)(error)),
    }
}

/// One segment, read.
struct Part {
    first: u64,
    file: String,
    /// Leaf of each record and where it stands; `None` where it could not be read.
    leaves: Vec<Option<(Hash, u64)>>,
    bytes: u64,
    length: u64,
    bad: Option<Bad>,
    /// What retention removed.
    cut: Option<Cut>,
    /// Offset of each order of retention in it, the segment that it is about, and what is missing from that.
    retained: Vec<(u64, u64, Hash)>,
}

struct Walk<'a> {
    dir: &'a Path,
    heads: &'a Heads,
    next_head: usize,
    blocks: &'a [u8],
    known: Option<(u64, Hash)>,
    frontier: Frontier,
    /// So many records are what was attested.
    good: u64,
    /// Records since then that do not fit their stored leaf.
    since: Vec<Unfit>,
    /// The head that was given was compared.
    known_seen: bool,
    /// What is missing from which segment, and where that is said.
    cuts: Vec<(u64, Hash, String)>,
    /// What orders under a signed head say is missing.
    retained: HashSet<(u64, Hash)>,
    removed: u64,
}

/// A record and its stored leaf say different things: one of them was changed.
struct Unfit {
    if_record: Bad,
    if_leaf: Bad,
}

impl Walk<'_> {
    /// Segments in order, as many at once as there are processors.
    fn all(&mut self, logs: &Path, state: &State, report: &mut Report) -> Result<Option<Bad>, Error> {
        let loaded: HashSet<u64> = state.segments.iter().map(|segment| segment.index.header.first).collect();
        let mut alone = segment::list_of(logs, ".seal")?.into_iter().filter(|first| !loaded.contains(first)).peekable();
        let inputs: Vec<_> =
            state.segments.iter().map(|s| Input { path: s.path.clone(), form: s.form.clone(), index: &s.index, lost: s.lost }).collect();
        let mut last: Option<(String, u64)> = None;
        let at_once = thread::available_parallelism().map_or(1, usize::from);
        for inputs in inputs.chunks(at_once) {
            let parts: Vec<Result<Part, Error>> = thread::scope(|scope| {
                let running: Vec<_> = inputs.iter().map(|input| scope.spawn(|| input.read())).collect();
                running.into_iter().map(|part| part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
            });
            for part in parts {
                let part = part?;
                while let Some(first) = alone.next_if(|first| *first < part.first) {
                    if let Some(bad) = self.vanished(logs, first, report) {
                        return Ok(Some(bad));
                    }
                }
                report.files.push(part.file.clone());
                if part.file.ends_with(".parquet") {
                    report.files.push(part.file.replace(".parquet", ".seal"));
                }
                // Of records that are gone the leaves stay where they are, and nobody can compare them.
                if part.cut.is_none() {
                    report.files.push(format!("audit/{}", leaves_name(part.first)));
                }
                report.bytes += part.bytes;
                report.records += part.leaves.iter().flatten().count() as u64;
                if let Some(bad) = self.part(&part)? {
                    return Ok(Some(bad));
                }
                last = Some((part.file, part.length));
            }
        }
        for first in alone {
            if let Some(bad) = self.vanished(logs, first, report) {
                return Ok(Some(bad));
            }
        }
        let size = self.frontier.size();
        let attested = self.heads.all.last().map_or(0, |head| head.size).max(self.known.map_or(0, |(size, _)| size));
        if let Some((known, _)) = self.known.filter(|(known, _)| !self.known_seen && *known <= size) {
            let why =
                format!("the head that was given ends with record {}, among records that are gone, and was never signed here", known - 1);
            return Ok(Some(Bad { file: format!("audit/{HEADS}"), offset: 0, record: Some(known - 1), why }));
        }
        Ok((attested > size).then(|| {
            if let Some(unfit) = self.unfit() {
                return unfit;
            }
            let (file, offset) = last.unwrap_or_else(|| ("log".into(), 0));
            let why = format!("{attested} records were attested, the log ends after {size}: its tail was cut off");
            Bad { file, offset, record: Some(size), why }
        }))
    }

    /// A segment of which retention left only the seal.
    fn vanished(&mut self, logs: &Path, first: u64, report: &mut Report) -> Option<Bad> {
        let file = format!("log/{first:016x}.seal");
        report.files.push(file.clone());
        let seal = Index::load_seal(logs, first).filter(Seal::is_empty);
        let Some(cut) = seal.and_then(|seal| seal.cut) else {
            return Some(Bad { file, offset: 0, record: Some(first), why: "the seal was changed, or its file was removed".into() });
        };
        let part = Part::of(first, file.clone());
        self.cuts.push((first, cut.digest(), file));
        if first != self.frontier.size() {
            return self.unfit().or_else(|| Some(part.at(0, Some(self.frontier.size()), "records before this one are missing")));
        }
        while self.frontier.size() < cut.end {
            let at = self.frontier.size();
            let Some(bad) = self.gone(&cut, &part) else { return Some(part.at(0, Some(at), "this record is missing")) };
            if let Some(bad) = bad {
                return Some(Bad { file: part.file, ..bad });
            }
        }
        None
    }

    /// What stands in place of the next record: `None` when nothing does.
    fn gone(&mut self, cut: &Cut, part: &Part) -> Option<Option<Bad>> {
        let gone = cut.at(self.frontier.size())?;
        self.removed += gone.end() - gone.start;
        let block = self.frontier.push_range(gone.hash, gone.level);
        Some(self.check(block, part))
    }

    /// Records that are missing without an order that says so, under a signed head.
    fn unattested_cut(&self) -> Option<Bad> {
        let (first, _, file) = self.cuts.iter().find(|(first, missing, _)| !self.retained.contains(&(*first, *missing)))?;
        let why = "records are missing here, and no signed order of retention says that they are".to_owned();
        Some(Bad { file: file.clone(), offset: 0, record: Some(*first), why })
    }

    fn part(&mut self, part: &Part) -> Result<Option<Bad>, Error> {
        if let Some(cut) = &part.cut {
            self.cuts.push((part.first, cut.digest(), part.file.replace(".parquet", ".seal")));
        }
        let attested = self.attested();
        self.retained.extend(part.retained.iter().filter(|(at, ..)| *at < attested).map(|(_, first, missing)| (*first, *missing)));
        let expected = self.frontier.size();
        if part.first != expected {
            let why = if part.first > expected {
                format!("records {expected} to {} are missing: a file before this one was removed or lost its end", part.first - 1)
            } else {
                format!("it begins with record {}, the file before it ends with record {}", part.first, expected.saturating_sub(1))
            };
            let missed = Bad { file: part.file.clone(), offset: 0, record: Some(expected), why };
            return Ok(Some(self.unfit().unwrap_or(missed)));
        }
        let leaves_path = self.dir.join(leaves_name(part.first));
        let leaves = read(&leaves_path)?;
        let leaves_file = format!("audit/{}", leaves_name(part.first));
        for (n, found) in part.leaves.iter().enumerate() {
            let record = part.first + n as u64;
            if record < self.frontier.size() {
                // Of a range that is gone as a whole.
                if found.is_some() {
                    return Ok(Some(part.at(0, Some(record), "this record is there, and the seal says that it is gone")));
                }
                continue;
            }
            let Some((leaf, position)) = found else {
                if let Some(bad) = part.cut.as_ref().and_then(|cut| self.gone(cut, part)) {
                    match bad {
                        Some(bad) => return Ok(Some(part.bad.clone().unwrap_or(bad))),
                        None => continue,
                    }
                }
                let lost = Bad { file: part.file.clone(), offset: 0, record: Some(record), why: "this record cannot be read".into() };
                return Ok(Some(part.bad.clone().unwrap_or(lost)));
            };
            let kept = leaves.get(n * 8..n * 8 + 8);
            let expected = kept.is_some() || record < self.attested();
            if expected && kept != Some(&leaf.short()) && self.since.len() < BLOCK as usize {
                let bad = |file: &str, offset, why: &str| Bad { file: file.into(), offset, record: Some(record), why: why.into() };
                let why = if kept.is_some() { "this leaf does not fit its record" } else { "the leaves end here, the records do not" };
                self.since.push(Unfit {
                    if_record: bad(&part.file, *position, "this record is not the one that was attested"),
                    if_leaf: bad(&leaves_file, n as u64 * 8, why),
                });
            }
            let block = self.frontier.push(*leaf);
            if let Some(bad) = self.check(block, part) {
                return Ok(Some(bad));
            }
        }
        if leaves.len() as u64 > part.leaves.len() as u64 * 8 {
            let attested = self.attested() > self.frontier.size();
            if attested || leaves.len() % 8 != 0 {
                // The tail of the log is missed below, with better words.
                return Ok((!attested).then(|| Bad {
                    file: leaves_file,
                    offset: part.leaves.len() as u64 * 8,
                    record: Some(self.frontier.size()),
                    why: "there are more leaves than records".into(),
                }));
            }
        }
        Ok(part.bad.clone())
    }

    /// The first record since the last check that does not fit its leaf.
    fn unfit(&mut self) -> Option<Bad> {
        self.since.drain(..).next().map(|unfit| unfit.if_record)
    }

    /// So many records are under a signed head.
    fn attested(&self) -> u64 {
        self.heads.all.last().map_or(0, |head| head.size)
    }

    /// After each record: the stored root of a block that is full, heads of this size.
    fn check(&mut self, block: Option<Hash>, part: &Part) -> Option<Bad> {
        let size = self.frontier.size();
        let block_bad = block.and_then(|block| self.check_block(block));
        let (head_seen, head_bad) = self.check_heads();
        if block_bad.is_none() && head_bad.is_none() {
            if block.is_none() && !head_seen {
                return None;
            }
            // The records are right, so that a leaf that does not fit is what was changed.
            let unfit = self.since.drain(..).next();
            self.good = size;
            return unfit.map(|unfit| unfit.if_leaf);
        }
        let record = self.unfit();
        let by_head = head_bad.map(|why| {
            let number = self.good.saturating_sub(part.first) as usize;
            let position = part.leaves.get(number).and_then(|leaf| leaf.map(|(_, position)| position)).unwrap_or(0);
            Bad { file: part.file.clone(), offset: position, record: Some(self.good), why }
        });
        record.or(by_head).or(block_bad)
    }

    fn check_block(&self, block: Hash) -> Option<Bad> {
        let size = self.frontier.size();
        let at = (size / BLOCK - 1) as usize * 32;
        let why = match self.blocks.get(at..at + 32) {
            Some(kept) if kept == block.0 => return None,
            Some(_) => "this root does not fit its 1,024 records",
            None if size > self.attested() => return None,
            None => "the roots end here, the records do not",
        };
        Some(Bad { file: format!("audit/{BLOCKS}"), offset: at as u64, record: Some(size - BLOCK), why: why.into() })
    }

    /// Whether there is a head of this size, and how it does not fit.
    fn check_heads(&mut self) -> (bool, Option<String>) {
        let (size, mut seen, mut bad) = (self.frontier.size(), false, None);
        while let Some(head) = self.heads.all.get(self.next_head).filter(|head| head.size <= size) {
            self.next_head += 1;
            if head.size == size {
                seen = true;
                if head.root != self.frontier.root() {
                    bad = Some(format!(
                        "records {} to {} are not those that were attested at {}",
                        self.good,
                        size.saturating_sub(1),
                        head.at
                    ));
                }
            }
        }
        if let Some((_, root)) = self.known.filter(|(known, _)| *known == size) {
            (seen, self.known_seen) = (true, true);
            if root != self.frontier.root() {
                bad = Some(format!("the first {size} records are not those of the head that was given"));
            }
        }
        (seen, bad)
    }
}

struct Input<'a> {
    path: Arc<Path>,
    form: Form,
    index: &'a Index,
    lost: bool,
}

impl Input<'_> {
    fn read(&self) -> Result<Part, Error> {
        let index = self.index;
        let first = index.header.first;
        let file_name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let file = format!("log/{file_name}");
        let length = match self.form {
            Form::Hot(_) => index.end.position,
            Form::Sealed(_) => self.path.metadata().map_or(0, |meta| meta.len()),
        };
        let mut part = Part { leaves: vec![None; index.end.number as usize], length, ..Part::of(first, file) };
        if self.lost {
            part.bad = Some(part.at(0, Some(first), "this file cannot be read at all"));
            return Ok(part);
        }
        match &self.form {
            Form::Sealed(sums) => self.read_sealed(sums, &mut part)?,
            Form::Hot(file) => {
                let mut damage = index.damage.clone();
                for block in index.blocks.iter() {
                    let buffer = segment::read_block(file, block.start, block.end).map_err(Error::io("read", &self.path))?;
                    let (records, bad) = segment::block(index.header, &buffer, block.start, block.end);
                    damage.extend(bad);
                    for record in records {
                        let position = block.start.position + (record.payload.as_ptr() as usize - buffer.as_ptr() as usize) as u64;
                        part.take(first + u64::from(record.number), record.class, record.payload, position);
                    }
                }
                let mut header = [0; segment::HEADER];
                let got = segment::read_at(file, 0, &mut header).map_err(Error::io("read", &self.path))?;
                let header = got == header.len() && header == index.header.bytes();
                let worst = damage.iter().min_by_key(|damage| damage.position);
                part.bad = match worst {
                    Some(Damage { position, offset, .. }) => {
                        Some(part.at(*position, Some(*offset), "these bytes do not fit their checksum"))
                    }
                    None if !header => Some(part.at(0, Some(first), "the header of this file was changed")),
                    None => None,
                };
            }
        }
        Ok(part)
    }

    fn read_sealed(&self, sums: &Arc<Sums>, part: &mut Part) -> Result<(), Error> {
        let index = self.index;
        let first = index.header.first;
        let mut seal = Index::seal_in_force(self.path.parent().unwrap_or(&self.path), first);
        part.cut = seal.as_mut().and_then(|seal| seal.cut.take());
        let now = Sums::of(&self.path).map_err(Error::io("read", &self.path))?;
        let different = sums.first_difference(&now);
        let mut unread = None;
        match Sealed::open(&self.path, sums.clone()) {
            Err(_) => unread = Some(first),
            Ok(sealed) => {
                let (mut at, mut whole) = (0, true);
                while at < sealed.rows() {
                    // In small parts where there is damage, so that it hides no more than it must.
                    let end = if whole { sealed.rows() } else { (at + ROWS).min(sealed.rows()) };
                    let rows = sealed.within_group(at..end, false);
                    match sealed.records(rows.clone(), None) {
                        Ok(records) => {
                            records.iter().for_each(|record| part.take(record.offset, record.class, record.payload, 0));
                            unread = unread.or_else(|| records.lost.first().copied());
                            at = rows.end;
                        }
                        Err(_) if whole => whole = false,
                        Err(_) => {
                            unread = unread.or(Some(first + at));
                            break;
                        }
                    }
                }
            }
        }
        part.bad = match (different, unread, seal) {
            (Some(position), unread, _) => Some(part.at(position, unread.or(Some(first)), "these bytes are not those that were sealed")),
            (None, Some(record), _) => Some(part.at(0, Some(record), "this record cannot be read")),
            (None, None, None) => {
                let file = part.file.replace(".parquet", ".seal");
                Some(Bad { file, offset: 0, record: Some(first), why: "the seal is missing or was changed".into() })
            }
            (None, None, Some(_)) => None,
        };
        Ok(())
    }
}

impl Part {
    fn of(first: u64, file: String) -> Part {
        Part { first, file, leaves: Vec::new(), bytes: 0, length: 0, bad: None, cut: None, retained: Vec::new() }
    }

    fn take(&mut self, offset: u64, class: u8, payload: &[u8], position: u64) {
        self.bytes += payload.len() as u64;
        if class == class::ORDER
            && let Ok(event) = rmp_serde::from_slice::<Event>(payload)
            && let Body::Order(order) = event.body
            && let What::Retain(retain) = order.what
            && let Ok(missing) = retain.missing.parse()
        {
            self.retained.push((offset, retain.segment, missing));
        }
        let number = offset.saturating_sub(self.first);
        if let Some(leaf) = self.leaves.get_mut(number as usize) {
            *leaf = Some((Hash::leaf(class, payload), position));
        }
    }

    fn at(&self, offset: u64, record: Option<u64>, why: &str) -> Bad {
        Bad { file: self.file.clone(), offset, record, why: why.to_owned() }
    }
}
