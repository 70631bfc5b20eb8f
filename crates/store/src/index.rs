//! What lets a query pass over blocks without reading them, and what makes a log open quickly.
//!
//! A block is up to 1,024 records: where they stand, times, classes, and a Bloom filter over the keys of the entities and ids in them.
//! At 2 KiB a block, 10 million events take 20 MB. The index of a finished segment is kept beside it as `%016x.idx`; it is made again from the
//! segment when it is missing, damaged or of another version. The index of an unfinished segment, written when a writer ends in order,
//! covers the beginning of the segment; the rest is walked through.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

use event::order::What;
use event::{Body, Bytes, Entity, Event, Time, Uid, Verdict};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::sealed::{Cut, Sums};
use crate::segment::{self, HEAD, Header, PAYLOAD_MAX, Place, Record, Step};
use crate::{Classes, Damage, Error, MINUTES, Minute};

const BLOCK_RECORDS: u32 = 1_024;
/// A block is closed when its records take more, so that reading one takes bounded memory.
const BLOCK_BYTES: u64 = 4 << 20;
const BLOOM_BYTES: usize = 2_048;
const BLOOM_HASHES: u32 = 4;
/// Different values of fields that a block remembers.
const FACETS_MAX: usize = 48;
/// Places of damage that are remembered; more are only counted.
pub(crate) const DAMAGE_MAX: usize = 1_000;

const MAGIC: &[u8; 8] = b"bartzidx";
const VERSION: u32 = 2;
/// With what retention removed behind the checksums of a seal.
const VERSION_CUT: u32 = 3;
/// A longer index is not read but made again.
const INDEX_BYTES_MAX: u64 = 256 << 20;

/// Up to 1,024 records that stand one after another.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Block {
    /// Of its first record.
    pub(crate) start: Place,
    /// Behind its last record.
    pub(crate) end: Place,
    records: u32,
    /// Least and greatest event time.
    pub(crate) first: Time,
    pub(crate) last: Time,
    pub(crate) classes: Classes,
    bloom: Bytes,
    /// Of [`facets`], in the order they came; `None` when there were too many, and in indexes of earlier versions.
    #[serde(default)]
    facets: Option<Vec<u32>>,
}

impl Block {
    fn new(start: Place, time: Time) -> Block {
        let bloom = vec![0; BLOOM_BYTES].into();
        Block { start, end: start, records: 0, first: time, last: time, classes: Classes::NONE, bloom, facets: Some(Vec::new()) }
    }

    fn is_full(&self) -> bool {
        self.records >= BLOCK_RECORDS || self.end.position - self.start.position >= BLOCK_BYTES
    }

    /// False only when no record of the block has this key.
    pub(crate) fn may_have(&self, key: u64) -> bool {
        bits(key).all(|bit| self.bloom.get(bit / 8).is_some_and(|byte| byte >> (bit % 8) & 1 == 1))
    }

    /// False only when no record of the block has a field of that value.
    pub(crate) fn may_say(&self, facet: u32) -> bool {
        self.facets.as_ref().is_none_or(|all| all.contains(&facet))
    }

    fn add_facet(&mut self, facet: u32) {
        if let Some(all) = &mut self.facets
            && !all.contains(&facet)
        {
            all.push(facet);
            if all.len() > FACETS_MAX {
                self.facets = None;
            }
        }
    }

    fn add_key(&mut self, key: u64) {
        for bit in bits(key) {
            self.bloom.0[bit / 8] |= 1 << (bit % 8);
        }
    }

    /// Positions and numbers make sense; the checksum of the index says that they were written so.
    fn is_sound(&self, after: Place) -> bool {
        after.position <= self.start.position
            && after.number <= self.start.number
            && self.start.position < self.end.position
            && self.start.number < self.end.number
            && self.end.position - self.start.position <= BLOCK_BYTES + (HEAD + PAYLOAD_MAX) as u64
            && self.bloom.len() == BLOOM_BYTES
    }
}

/// Double hashing: `key` is a hash already.
fn bits(key: u64) -> impl Iterator<Item = usize> {
    let (a, b) = (key as u32, (key >> 32) as u32 | 1);
    (0..BLOOM_HASHES).map(move |i| a.wrapping_add(i.wrapping_mul(b)) as usize % (BLOOM_BYTES * 8))
}

/// Key of an id that the product prints, no matter which case; 32 hexadecimal digits are the name of an event.
pub(crate) fn id_key(id: &str) -> u64 {
    Uid::parse(id).map_or_else(|| xxh3_64_with_seed(id.to_ascii_lowercase().as_bytes(), 1), Uid::key)
}

/// Key of an entity; no matter which case, because people type names as they like.
pub(crate) fn entity_key(entity: &Entity) -> u64 {
    if entity.name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Entity::new(entity.kind, entity.name.to_ascii_lowercase()).key()
    } else {
        entity.key()
    }
}

/// Key of a field's value, where a few values share out all events: most blocks have no blocked request and no answer 500.
pub(crate) fn facet_key(field: &str, value: &str) -> u32 {
    xxh3_64_with_seed(value.as_bytes(), xxh3_64_with_seed(field.as_bytes(), 2)) as u32
}

/// Stands for any value of a field.
pub(crate) const ANY: &str = "*";

/// Of a status besides itself: all that begin with the same digit.
pub(crate) fn hundreds(status: u16) -> &'static str {
    const ALL: [&str; 10] = ["0xx", "1xx", "2xx", "3xx", "4xx", "5xx", "6xx", "7xx", "8xx", "9xx"];
    ALL[usize::from(status / 100).min(9)]
}

fn facets(event: &Event, each: &mut dyn FnMut(u32)) {
    let verdict = match &event.body {
        Body::Http(http) => {
            if let Some(status) = http.status {
                each(status_key(status));
                each(facet_key("status", hundreds(status)));
            }
            http.verdict
        }
        Body::Finding(finding) => finding.verdict,
        Body::Authentication(authentication) => return each(facet_key("outcome", authentication.outcome.word())),
        _ => None,
    };
    if let Some(verdict) = verdict {
        each(facet_key("verdict", verdict.word()));
        each(facet_key("verdict", ANY));
    }
}

pub(crate) fn status_key(status: u16) -> u32 {
    u32::from(status).wrapping_mul(0x9e37_79b1) ^ 0x5354_4154
}

/// The ids that an event bears, without its own name.
pub(crate) fn ids<'a>(event: &'a Event, each: &mut dyn FnMut(&'a str)) {
    match &event.body {
        Body::Http(http) => http.request_id.iter().for_each(|id| each(id)),
        Body::Finding(finding) => {
            each(&finding.uid);
            finding.request_id.iter().for_each(|id| each(id));
        }
        Body::Incident(incident) => {
            each(&incident.uid);
            incident.merged_into.iter().for_each(|id| each(id));
        }
        Body::Response(response) => {
            each(&response.uid);
            each(&response.incident);
            response.phase.receipt().into_iter().for_each(|id| each(id));
        }
        Body::Order(order) => {
            each(&order.uid);
            match &order.what {
                What::Undo { target: id }
                | What::Approve { target: id }
                | What::Reject { target: id }
                | What::Redo { receipt: id }
                | What::Close { incident: id, .. }
                | What::Reopen { incident: id }
                | What::Quarantine { incident: id, .. }
                | What::Note { incident: id, .. } => each(id),
                What::Block { .. } | What::Enforce { .. } | What::SignIn { .. } | What::TakeUp { .. } | What::Retain(_) => {}
            }
        }
        _ => {}
    }
}

/// Latest state of one incident or response in a segment.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Latest {
    pub(crate) class: u8,
    pub(crate) revision: u32,
    pub(crate) place: Place,
}

/// Events per minute; the newest [`MINUTES`] minutes that had any.
#[derive(Clone, Debug, Default)]
pub(crate) struct Minutes(BTreeMap<i64, Minute>);

impl Minutes {
    pub(crate) fn add(&mut self, more: Minute) {
        let minute = self.0.entry(more.minute).or_insert(Minute { minute: more.minute, ..Minute::default() });
        for (sum, part) in [
            (&mut minute.http, more.http),
            (&mut minute.authentication, more.authentication),
            (&mut minute.other, more.other),
            (&mut minute.blocked, more.blocked),
            (&mut minute.would_block, more.would_block),
        ] {
            *sum = sum.saturating_add(part);
        }
        if self.0.len() > MINUTES {
            self.0.pop_first();
        }
    }

    pub(crate) fn all(&self) -> Vec<Minute> {
        self.0.values().copied().collect()
    }
}

pub(crate) fn minute_of(event: &Event) -> Option<Minute> {
    let mut minute = Minute { minute: event.meta.logged.us().div_euclid(60_000_000), ..Minute::default() };
    match &event.body {
        Body::Http(http) => {
            minute.http = 1;
            minute.blocked = u32::from(http.verdict == Some(Verdict::Blocked));
            minute.would_block = u32::from(http.verdict == Some(Verdict::WouldBlock));
        }
        Body::Authentication(_) => minute.authentication = 1,
        _ if !event.is_activity() => return None,
        _ => minute.other = 1,
    }
    Some(minute)
}

/// What is known about one segment.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    pub(crate) header: Header,
    /// Behind the last record.
    pub(crate) end: Place,
    /// Shared with the queries that are running.
    pub(crate) blocks: Arc<Vec<Arc<Block>>>,
    pub(crate) minutes: Minutes,
    pub(crate) latest: HashMap<u64, Latest>,
    /// By class byte; classes that this version does not know are counted last.
    pub(crate) counts: [u64; 16],
    pub(crate) unreadable: u64,
    pub(crate) damage: Vec<Damage>,
    pub(crate) damaged_records: u64,
    pub(crate) times: Option<(Time, Time)>,
}

/// What stands beside a sealed segment.
pub(crate) struct Seal {
    pub(crate) index: Index,
    /// Of no bytes when nothing is left of the segment: then there is no Parquet file.
    pub(crate) sums: Sums,
    pub(crate) cut: Option<Cut>,
}

impl Seal {
    /// Retention removed every record.
    pub(crate) fn is_empty(&self) -> bool {
        self.cut.is_some() && self.sums.bytes == 0
    }
}

/// How an [`Index`] is stored, with its blocks behind it.
#[derive(Serialize, Deserialize)]
struct Stored {
    first: u64,
    mark: u32,
    end: Place,
    minutes: Vec<Minute>,
    latest: Vec<(u64, Latest)>,
    counts: [u64; 16],
    unreadable: u64,
    damage: Vec<Damage>,
    damaged_records: u64,
    times: Option<(Time, Time)>,
}

impl Index {
    pub(crate) fn new(header: Header) -> Index {
        Index {
            header,
            end: Place::START,
            blocks: Arc::default(),
            minutes: Minutes::default(),
            latest: HashMap::new(),
            counts: [0; 16],
            unreadable: 0,
            damage: Vec::new(),
            damaged_records: 0,
            times: None,
        }
    }

    /// Offset behind the last record.
    pub(crate) fn end_offset(&self) -> u64 {
        self.header.first.saturating_add(u64::from(self.end.number))
    }

    /// Takes note of the record at `place`; `event` is `None` when it could not be decoded.
    pub(crate) fn add(&mut self, place: Place, class: u8, bytes: u64, event: Option<&Event>) {
        let end = Place { position: place.position + bytes, number: place.number.saturating_add(1) };
        // A record without a time is taken to be as late as its neighbours.
        let time = event.map_or_else(|| self.times.map_or(Time::ZERO, |(_, last)| last), |e| e.meta.time);
        let blocks = Arc::make_mut(&mut self.blocks);
        if blocks.last().is_none_or(|block| block.is_full()) {
            blocks.push(Arc::new(Block::new(place, time)));
        }
        let Some(block) = blocks.last_mut().map(Arc::make_mut) else { return };
        block.records += 1;
        block.end = end;
        block.first = block.first.min(time);
        block.last = block.last.max(time);
        block.classes = block.classes.with(Classes::of_byte(class));
        self.end = end;
        let count = &mut self.counts[usize::from(class).min(15)];
        *count = count.saturating_add(1);
        let Some(event) = event else {
            self.unreadable = self.unreadable.saturating_add(1);
            return;
        };
        block.add_key(event.meta.uid.key());
        facets(event, &mut |key| block.add_facet(key));
        for entity in event.entities() {
            block.add_key(entity_key(&entity));
        }
        ids(event, &mut |id| {
            if !id.is_empty() {
                block.add_key(id_key(id));
            }
        });
        self.times = Some(self.times.map_or((time, time), |(first, last)| (first.min(time), last.max(time))));
        if let Some(minute) = minute_of(event) {
            self.minutes.add(minute);
        }
        let (uid, revision) = match &event.body {
            Body::Incident(incident) => (&incident.uid, incident.revision),
            Body::Response(response) => (&response.uid, 0),
            _ => return,
        };
        let latest = Latest { class, revision, place };
        let held = self.latest.entry(latest_key(class, uid)).or_insert(latest);
        if revision >= held.revision {
            *held = latest;
        }
    }

    pub(crate) fn add_damage(&mut self, damage: Damage) {
        self.damaged_records = self.damaged_records.saturating_add(damage.records);
        if self.damage.len() < DAMAGE_MAX {
            self.damage.push(damage);
        }
    }

    /// Takes note of all that was written behind `self.end`. Returns the length of the file.
    pub(crate) fn catch_up(
        &mut self,
        file: &File,
        path: &Path,
        seen: &mut dyn FnMut(u64, Record<'_>, Option<&Event>),
    ) -> Result<u64, Error> {
        let (header, start) = (self.header, self.end);
        let (end, length) = segment::walk(file, path, header, start, &mut |step| match step {
            Step::Damage(damage) => self.add_damage(damage),
            Step::Record(position, record) => {
                let event = record.decode();
                self.add(Place { position, number: record.number }, record.class, record.bytes(), event.as_ref());
                seen(header.first.saturating_add(u64::from(record.number)), record, event.as_ref());
            }
        })?;
        self.end = end;
        Ok(length)
    }

    /// Beside the segment, whole or not at all. It can be made again, so that it need not be durable.
    pub(crate) fn save(&self, dir: &Path) -> Result<(), Error> {
        self.write(&segment::index_path(dir, self.header.first), None, None)
    }

    /// Beside a sealed segment, which is in force when this returns.
    pub(crate) fn save_seal(&self, dir: &Path, sums: &Sums) -> Result<(), Error> {
        self.write(&segment::seal_path(dir, self.header.first), Some(sums), None)?;
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(Error::io("sync", dir))
    }

    /// The seal of a rewritten segment, durable, under the name that it has until it is in force.
    pub(crate) fn save_next(&self, dir: &Path, sums: &Sums, cut: &Cut) -> Result<(), Error> {
        self.write(&segment::next_seal_path(dir, self.header.first), Some(sums), Some(cut))?;
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(Error::io("sync", dir))
    }

    fn write(&self, path: &Path, sums: Option<&Sums>, cut: Option<&Cut>) -> Result<(), Error> {
        let stored = Stored {
            first: self.header.first,
            mark: self.header.mark,
            end: self.end,
            minutes: self.minutes.all(),
            latest: self.latest.iter().map(|(key, latest)| (*key, *latest)).collect(),
            counts: self.counts,
            unreadable: self.unreadable,
            damage: self.damage.clone(),
            damaged_records: self.damaged_records,
            times: self.times,
        };
        let blocks: Vec<&Block> = self.blocks.iter().map(|block| &**block).collect();
        let encode =
            |source: rmp_serde::encode::Error| Error::Io { doing: "encode", path: path.to_owned(), source: std::io::Error::other(source) };
        let (payload, version) = match cut {
            Some(cut) => (rmp_serde::to_vec(&(stored, blocks, sums, Bytes::from(cut.bytes()))), VERSION_CUT),
            None => (rmp_serde::to_vec(&(stored, blocks, sums)), VERSION),
        };
        let payload = payload.map_err(encode)?;
        let mut new = path.as_os_str().to_owned();
        new.push(".new");
        let write = || {
            let mut file = File::create(&new)?;
            file.write_all(MAGIC)?;
            file.write_all(&version.to_le_bytes())?;
            file.write_all(&crc32fast::hash(&payload).to_le_bytes())?;
            file.write_all(&payload)?;
            if sums.is_some() {
                file.sync_all()?;
            }
            std::fs::rename(&new, path)
        };
        write().map_err(Error::io("write", path))
    }

    /// `None` when it has to be made again.
    pub(crate) fn load(dir: &Path, header: Header, segment_bytes: u64) -> Option<Index> {
        let (index, ..) = Index::read(&segment::index_path(dir, header.first))?;
        (index.header == header && index.end.position <= segment_bytes).then_some(index)
    }

    /// The index of a sealed segment and what its file's bytes were.
    pub(crate) fn load_seal(dir: &Path, first: u64) -> Option<Seal> {
        Index::read_seal(&segment::seal_path(dir, first), first)
    }

    /// The seal in force: the one that waits when its file has its name already.
    pub(crate) fn seal_in_force(dir: &Path, first: u64) -> Option<Seal> {
        let next = segment::next_seal_path(dir, first);
        let waits = || Sums::of(&segment::sealed_path(dir, first)).ok();
        let next = next.exists().then(|| Index::read_seal(&next, first)).flatten();
        next.filter(|seal| waits().is_some_and(|now| now == seal.sums)).or_else(|| Index::load_seal(dir, first))
    }

    pub(crate) fn read_seal(path: &Path, first: u64) -> Option<Seal> {
        let (index, sums, cut) = Index::read(path)?;
        let end = index.end_offset();
        let fits = index.header.first == first && cut.as_ref().is_none_or(|cut| cut.first == first && cut.end == end);
        fits.then_some(Seal { index, sums: sums?, cut })
    }

    pub(crate) const NEWEST: u32 = VERSION_CUT;

    /// The version of an index or seal that is newer than this program.
    pub(crate) fn newer(path: &Path) -> Option<u32> {
        let mut head = [0; 16];
        let mut file = File::open(path).ok()?;
        file.read_exact(&mut head).ok()?;
        let (magic, rest) = head.split_first_chunk::<8>()?;
        let (version, crc) = rest.split_first_chunk::<4>()?;
        let version = u32::from_le_bytes(*version);
        if magic != MAGIC || version <= VERSION_CUT {
            return None;
        }
        // Or it is damaged: then it is made again.
        let mut payload = Vec::new();
        file.take(INDEX_BYTES_MAX).read_to_end(&mut payload).ok()?;
        (crc32fast::hash(&payload).to_le_bytes() == *crc).then_some(version)
    }

    fn read(path: &Path) -> Option<(Index, Option<Sums>, Option<Cut>)> {
        let file = File::open(path).ok()?;
        let mut bytes = Vec::new();
        file.take(INDEX_BYTES_MAX).read_to_end(&mut bytes).ok()?;
        let (head, payload) = bytes.split_at_checked(16)?;
        let crc = crc32fast::hash(payload).to_le_bytes();
        if head[..8] != MAGIC[..] || head[12..] != crc {
            return None;
        }
        type Cutless = (Stored, Vec<Block>, Option<Sums>);
        let (stored, blocks, sums, cut) = if head[8..12] == VERSION.to_le_bytes() {
            let (stored, blocks, sums): Cutless = rmp_serde::from_slice(payload).ok()?;
            (stored, blocks, sums, None)
        } else if head[8..12] == VERSION_CUT.to_le_bytes() {
            let (stored, blocks, sums, cut): (Stored, Vec<Block>, Option<Sums>, Bytes) = rmp_serde::from_slice(payload).ok()?;
            (stored, blocks, sums, Some(Cut::read(&cut)?))
        } else {
            return None;
        };
        let mut after = if sums.is_some() { Place { position: 0, number: 0 } } else { Place::START };
        for block in &blocks {
            if !block.is_sound(after) {
                return None;
            }
            after = block.end;
        }
        if after.position > stored.end.position || after.number > stored.end.number {
            return None;
        }
        let mut minutes = Minutes::default();
        stored.minutes.into_iter().for_each(|minute| minutes.add(minute));
        let index = Index {
            header: Header { first: stored.first, mark: stored.mark },
            end: stored.end,
            blocks: Arc::new(blocks.into_iter().map(Arc::new).collect()),
            minutes,
            latest: stored.latest.into_iter().collect(),
            counts: stored.counts,
            unreadable: stored.unreadable,
            damage: stored.damage,
            damaged_records: stored.damaged_records,
            times: stored.times,
        };
        Some((index, sums, cut))
    }
}

pub(crate) fn latest_key(class: u8, uid: &str) -> u64 {
    xxh3_64_with_seed(uid.as_bytes(), u64::from(class))
}
