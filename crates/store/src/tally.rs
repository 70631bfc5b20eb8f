//! Counting instead of listing: `| count by status`, over sealed columns where they decide, record by record elsewhere, on all cores.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use event::field;
use event::{Event, Time};
use parquet::data_type::ByteArray;

use crate::index::Block;
use crate::reader::{Reader, unreadable};
use crate::sealed::select::{Part as TargetPart, of_field, part_of};
use crate::sealed::{Condition, Sealed, Values, column};
use crate::search::{Part, Plan};
use crate::segment::Place;
use crate::{Error, Log, Query};

/// How records are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Fields, at most four; records without one are counted under an empty value.
    pub by: Vec<&'static str>,
    /// And by time, in steps of so many seconds.
    pub every_s: Option<i64>,
    /// Rows of the table.
    pub top: usize,
}

impl Tally {
    pub const ROWS: usize = 1_000;
    pub const ROWS_MAX: usize = 10_000;
    /// Different values that are counted apart; the rest is counted together.
    pub const GROUPS_MAX: usize = 200_000;
}

/// What was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// `time` first when it was asked for, then the fields.
    pub columns: Vec<&'static str>,
    /// By time when it was asked for, else the most frequent first, equal ones by value.
    pub rows: Vec<(Vec<String>, u64)>,
    /// Records that were counted.
    pub total: u64,
    /// Those of them whose row is not in the table, because it has too many.
    pub others: u64,
    /// Records looked at, by columns or one by one; blocks that the index rules out do not count.
    pub scanned: u64,
    /// Why the counting ended before everything was looked at.
    pub stopped_early: Option<&'static str>,
}

type Groups = HashMap<Vec<u8>, u64, foldhash::fast::RandomState>;

/// What one thread has counted.
#[derive(Default)]
struct Counts {
    groups: Groups,
    total: u64,
    others: u64,
}

impl Counts {
    fn add(&mut self, key: &[u8], count: u64) {
        if count == 0 {
            return;
        }
        self.total += count;
        if let Some(held) = self.groups.get_mut(key) {
            *held += count;
        } else if self.groups.len() < Tally::GROUPS_MAX {
            self.groups.insert(key.to_vec(), count);
        } else {
            self.others += count;
        }
    }
}

/// Rows that are read at once: of one segment, and of one row group when it is sealed.
struct Run<'p> {
    part: &'p Part,
    start: Place,
    end: Place,
    /// Every row is of a class that counts, and of a time that counts.
    classes_hold: bool,
    times_hold: bool,
}

impl Log {
    /// Counts what the query finds. Bounded in time by [`Query::time_max`] and in memory by [`Tally::GROUPS_MAX`].
    pub fn tally(&self, query: &Query, tally: &Tally) -> Result<Table, Error> {
        let (started, plan) = (Instant::now(), query.plan());
        let parts = self.parts();
        let parts: &[Part] = &parts;
        let runs: Vec<Run<'_>> = parts.iter().flat_map(|part| runs(part, &plan)).collect();
        let (next, scanned, late) = (AtomicUsize::new(0), AtomicU64::new(0), AtomicBool::new(false));
        let (done, failed) = (Mutex::new(Vec::new()), Mutex::new(None));
        let work = || {
            let mut counts = Counts::default();
            while let Some(run) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
                if started.elapsed() > query.time_max {
                    late.store(true, Ordering::Relaxed);
                    break;
                }
                match self.count_run(run, query, tally, &plan, &mut counts) {
                    Ok(()) => scanned.fetch_add(run.part.rows(run.start, run.end), Ordering::Relaxed),
                    Err(error) => return *failed.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(error),
                };
            }
            done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(counts);
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8).min(runs.len().max(1));
        std::thread::scope(|scope| {
            (1..threads).for_each(|_| drop(scope.spawn(work)));
            work();
        });
        if let Some(error) = failed.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
            return Err(error);
        }
        let mut all = Counts::default();
        for counts in done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
            all.others += counts.others;
            all.total += counts.others;
            counts.groups.iter().for_each(|(key, count)| all.add(key, *count));
        }
        let mut table = table(all, tally);
        table.scanned = scanned.into_inner();
        table.stopped_early = late.into_inner().then_some("time limit");
        Ok(table)
    }

    fn count_run(&self, run: &Run<'_>, query: &Query, tally: &Tally, plan: &Plan, counts: &mut Counts) -> Result<(), Error> {
        let Some(reader) = self.open_part(run.part)? else { return Ok(()) };
        if let Reader::Sealed(sealed, header) = &reader
            && plan.decided
            && plan.before == u64::MAX
            && let Some(by) = tally.by.iter().map(|name| By::of(name)).collect::<Option<Vec<_>>>()
            && let Some(time) = column::place("time")
            && !sealed.may_be_null(time, run.start.position)
        {
            let rows = run.start.position..run.end.position;
            if count_columns(sealed, rows, run, tally, &by, plan, counts).is_err() {
                self.shared.note(vec![unreadable(*header, run.start.position, run.start.number, run.end)]);
            }
            return Ok(());
        }
        let (rows, damage) = reader.wanted_rows(&run.part.path, run.start, run.end, plan, true)?;
        self.shared.note(damage);
        let mut key = Vec::new();
        for row in rows.iter().filter(|row| row.offset < plan.before && plan.wants_record(row)) {
            let Some(event) = row.decode().filter(|event| query.matches(event)) else { continue };
            key.clear();
            key_of(&event, tally, &mut key);
            counts.add(&key, 1);
        }
        Ok(())
    }
}

/// The wanted blocks of a segment; of a sealed one those of a row group together.
fn runs<'p>(part: &'p Part, plan: &Plan) -> Vec<Run<'p>> {
    let mut runs: Vec<Run<'p>> = Vec::new();
    let sealed = part.is_sealed();
    for block in part.blocks.iter().filter(|block| plan.wants_block(part.header.first, block)) {
        let Block { start, end, first, last, classes, .. } = &**block;
        let classes_hold = classes.without(plan.classes) == crate::Classes::NONE;
        let times_hold = plan.from.is_none_or(|from| *first >= from) && plan.to.is_none_or(|to| *last < to);
        let group = |row: u64| row / crate::sealed::write::GROUP_ROWS as u64;
        match runs.last_mut() {
            Some(run)
                if sealed
                    && run.end.position == start.position
                    && group(run.start.position) == group(end.position - 1)
                    && (run.classes_hold, run.times_hold) == (classes_hold, times_hold) =>
            {
                run.end = *end;
            }
            _ => runs.push(Run { part, start: *start, end: *end, classes_hold, times_hold }),
        }
    }
    runs
}

/// Where a field's value stands in a sealed segment.
enum By {
    Column(usize),
    Target(usize, TargetPart),
    Class,
}

impl By {
    fn of(name: &str) -> Option<By> {
        if name == "class" {
            return Some(By::Class);
        }
        of_field(name).map(By::Column).or_else(|| Some(By::Target(column::place("target")?, part_of(name)?)))
    }

    fn read(&self, sealed: &Sealed, rows: Range<u64>) -> parquet::errors::Result<Values> {
        match self {
            By::Column(column) | By::Target(column, _) => sealed.column(*column, rows),
            By::Class => sealed.classes(rows),
        }
    }
}

/// Row groups may end before [`crate::sealed::write::GROUP_ROWS`] rows, when they are full of bytes.
fn count_columns(
    sealed: &Sealed,
    mut rows: Range<u64>,
    run: &Run<'_>,
    tally: &Tally,
    by: &[By],
    plan: &Plan,
    counts: &mut Counts,
) -> parquet::errors::Result<()> {
    while rows.start < rows.end {
        let part = sealed.within_group(rows.clone(), false);
        rows.start = part.end;
        count_group(sealed, part, run, tally, by, plan, counts)?;
    }
    Ok(())
}

fn count_group(
    sealed: &Sealed,
    rows: Range<u64>,
    run: &Run<'_>,
    tally: &Tally,
    by: &[By],
    plan: &Plan,
    counts: &mut Counts,
) -> parquet::errors::Result<()> {
    let conditions = plan.conditions.iter().filter(|c| !(run.times_hold && matches!(c, Condition::Time { .. })));
    let mut selected = sealed.select(conditions, rows.clone())?;
    if !run.classes_hold
        && let Values::Bytes(classes) = sealed.classes(rows.clone())?
    {
        let marks = selected.get_or_insert_with(|| vec![true; (rows.end - rows.start) as usize]);
        let holds = |class: &ByteArray| {
            let word = std::str::from_utf8(class.data()).unwrap_or_default();
            crate::Classes::parse(word).is_some_and(|class| class.meets(plan.classes))
        };
        classes.rows().zip(marks).for_each(|(class, mark)| *mark &= class.is_some_and(holds));
    }
    let is_in = |row: usize| selected.as_ref().is_none_or(|marks| marks[row]);
    let count = (rows.end - rows.start) as usize;
    if by.is_empty() && tally.every_s.is_none() {
        let here = selected.as_ref().map_or(count, |marks| marks.iter().filter(|mark| **mark).count());
        counts.add(&[], here as u64);
        return Ok(());
    }
    if selected.as_ref().is_some_and(|marks| !marks.contains(&true)) {
        return Ok(());
    }
    let mut keys = Keys { ids: vec![0; count], names: vec![Vec::new()] };
    if let Some(every_s) = tally.every_s
        && let Some(time) = column::place("time")
        && let Values::Numbers(times) = sealed.column(time, rows.clone())?
    {
        let step = every_s.saturating_mul(1_000_000);
        keys.join(times.rows().map(|us| us.map(|us| us - us.rem_euclid(step))), |us, name| put(name, &Time::from_us(us).to_string()));
    }
    for by in by {
        match by.read(sealed, rows.clone())? {
            Values::Nothing => keys.join(std::iter::repeat_n(None::<i64>, count), |_, _| {}),
            Values::Numbers(numbers) => keys.join(numbers.rows().map(Option::<&i64>::copied), |n, name| put(name, &n.to_string())),
            Values::Floats(floats) => {
                keys.join(floats.rows().map(|f| f.map(|f| f.to_bits())), |f, name| put(name, &f64::from(f32::from_bits(f)).to_string()));
            }
            Values::Bytes(texts) => {
                let part = if let By::Target(_, part) = by { Some(*part) } else { None };
                keys.join_texts(texts.rows().map(|t| t.map(ByteArray::data)), part);
            }
        }
    }
    let mut sums = vec![0u64; keys.names.len()];
    (0..count).filter(|row| is_in(*row)).for_each(|row| sums[keys.ids[row] as usize] += 1);
    for (name, sum) in keys.names.iter().zip(sums).filter(|(_, sum)| *sum > 0) {
        counts.add(name, sum);
    }
    Ok(())
}

/// The key of each row, as the number of a name.
struct Keys {
    ids: Vec<u32>,
    names: Vec<Vec<u8>>,
}

impl Keys {
    /// Adds another field to the key of each row.
    fn join<T: std::hash::Hash + Eq + Copy>(&mut self, values: impl Iterator<Item = Option<T>>, write: impl Fn(T, &mut Vec<u8>)) {
        let mut known: HashMap<(u32, Option<T>), u32, foldhash::fast::RandomState> = HashMap::default();
        let old = std::mem::take(&mut self.names);
        let mut latest: Option<((u32, Option<T>), u32)> = None;
        for (id, value) in self.ids.iter_mut().zip(values) {
            let pair = (*id, value);
            if let Some((same, number)) = latest
                && same == pair
            {
                *id = number;
                continue;
            }
            let number = *known.entry(pair).or_insert_with(|| {
                let mut name = old[pair.0 as usize].clone();
                match value {
                    Some(value) => write(value, &mut name),
                    None => put(&mut name, ""),
                }
                self.names.push(name);
                self.names.len() as u32 - 1
            });
            *id = number;
            latest = Some((pair, number));
        }
    }

    /// Values of a dictionary are one and the same bytes, so that their place is nearly always enough to know them.
    fn join_texts<'t>(&mut self, values: impl Iterator<Item = Option<&'t [u8]>>, part: Option<TargetPart>) {
        let mut numbers: HashMap<&'t [u8], u32, foldhash::fast::RandomState> = HashMap::default();
        let mut texts: Vec<&'t [u8]> = Vec::new();
        let mut slots: Vec<(*const u8, usize, u32)> = vec![(std::ptr::null(), 0, 0); 4_096];
        let ids: Vec<Option<u32>> = values
            .map(|text| {
                let text = text?;
                let slot = &mut slots[(text.as_ptr() as usize >> 3) % 4_096];
                if (slot.0, slot.1) != (text.as_ptr(), text.len()) {
                    let shown = match part {
                        Some(part) => std::str::from_utf8(text).ok().and_then(|text| part.of(text)).unwrap_or_default().as_bytes(),
                        None => text,
                    };
                    let number = *numbers.entry(shown).or_insert_with(|| {
                        texts.push(shown);
                        texts.len() as u32 - 1
                    });
                    *slot = (text.as_ptr(), text.len(), number);
                }
                Some(slot.2)
            })
            .collect();
        self.join(ids.into_iter(), |number, name| put(name, &String::from_utf8_lossy(texts[number as usize])));
    }
}

/// Adds a value to a key: its length and its bytes, so that keys of several fields cannot be mistaken for others.
fn put(key: &mut Vec<u8>, value: &str) {
    const LONGEST: usize = 512;
    let value = &value[..value.floor_char_boundary(LONGEST)];
    key.extend_from_slice(&(value.len() as u16).to_le_bytes());
    key.extend_from_slice(value.as_bytes());
}

fn key_of(event: &Event, tally: &Tally, key: &mut Vec<u8>) {
    if let Some(every_s) = tally.every_s {
        let us = event.meta.time.us();
        put(key, &Time::from_us(us - us.rem_euclid(every_s.saturating_mul(1_000_000))).to_string());
    }
    for name in &tally.by {
        let value = field::by_name(name).and_then(|field| (field.read)(event));
        put(key, &value.map_or_else(String::new, |value| value.to_string()));
    }
}

fn table(counts: Counts, tally: &Tally) -> Table {
    let mut rows: Vec<(Vec<String>, u64)> = counts
        .groups
        .into_iter()
        .map(|(key, count)| {
            let (mut values, mut rest) = (Vec::new(), key.as_slice());
            while let Some((length, behind)) = rest.split_first_chunk::<2>() {
                let (value, behind) = behind.split_at(usize::from(u16::from_le_bytes(*length)).min(behind.len()));
                values.push(String::from_utf8_lossy(value).into_owned());
                rest = behind;
            }
            (values, count)
        })
        .collect();
    rows.sort_unstable_by(|(a, m), (b, n)| {
        let by_time = tally.every_s.map_or(std::cmp::Ordering::Equal, |_| a.first().cmp(&b.first()));
        by_time.then(n.cmp(m)).then_with(|| a.cmp(b))
    });
    let others = rows.iter().skip(tally.top).map(|(_, count)| count).sum::<u64>() + counts.others;
    rows.truncate(tally.top);
    let columns = tally.every_s.map(|_| "time").into_iter().chain(tally.by.iter().copied()).collect();
    Table { columns, rows, total: counts.total, others, ..Table::default() }
}
