//! From sources to events: reads files in large blocks, decodes on all cores, merges several files by time, and hands batches on.

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Instant;

use decode::{Choice, FileDecoder, Format, Place};
use event::{Body, Event, Time};
use serde_json::{Value, json};
use source::Batch;

use crate::cli::fail::{Exit, Fail};
use crate::cli::out;
use crate::clock;
use crate::engine::Input;
use crate::service::Service;

/// What came of reading.
#[derive(Debug, Default)]
pub struct Read {
    pub records: u64,
    pub events: u64,
    pub undecoded: u64,
    /// Records that became no event: always 0.
    pub lost: u64,
    pub findings: u64,
    pub incidents: u64,
    pub rules_refused: u64,
    /// Sources that could not be read, or not to their end.
    pub failed: u64,
    pub wall_s: f64,
    pub cpu_s: f64,
}

impl Read {
    fn count(&mut self, events: &[Event]) {
        self.events += events.len() as u64;
        self.undecoded += events.iter().filter(|e| matches!(e.body, Body::Undecoded { .. })).count() as u64;
    }

    /// The last line of `replay`.
    pub fn summary(&self) -> Value {
        json!({
            "schema": "bartizan.replay/1", "events": self.events, "undecoded": self.undecoded, "lost": self.lost,
            "findings": self.findings, "incidents": self.incidents, "wall_s": self.wall_s, "cpu_s": self.cpu_s, "rules_refused": self.rules_refused,
        })
    }
}

/// Files open at once, and merged by time; more are read group by group.
const MERGED_MAX: usize = 64;
/// Batches that a reading thread may be ahead.
const AHEAD: usize = 4;
/// Merged events of one step.
const STEP: usize = 4_096;
/// Records below which one thread decodes alone.
const THREADS_FROM: usize = 512;
const YEAR_1990_S: i64 = 631_152_000;

pub fn format(name: &str) -> Result<Format, Fail> {
    name.parse().map_err(|e: decode::UnknownFormat| Fail::new("E0105", e.to_string()).exit(Exit::Usage))
}

/// Files of the paths, folders walked in sorted order; `-` is stdin.
pub fn list(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Fail> {
    let mut files = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            files.push(path.clone());
            continue;
        }
        let listing = source::list(std::slice::from_ref(path)).map_err(|e| {
            let mut fail = Fail::new("E0107", e.to_string());
            fail.path = Some(path.clone());
            if e.to_string().contains("permission denied") {
                fail.fix = Some("read it as root, or join the group that may: usermod -aG adm USER".into());
            }
            fail
        })?;
        listing.refused.iter().for_each(|r| out::note(format!("left out: {r}")));
        files.extend(listing.files);
    }
    Ok(files)
}

/// One record of unknown format.
pub fn decode_one(record: &[u8], now: Time) -> Event {
    decode::decode(record, &Place::new("-", 1, now))
}

/// Reads files to their ends, all of them merged by event time, and hands the events on in batches.
pub fn read(files: &[PathBuf], format: Format, threads: usize, sink: &mut dyn FnMut(Vec<Event>) -> ControlFlow<()>) -> Result<Read, Fail> {
    let start = Instant::now();
    let cpu_start_s = cpu_s();
    let mut read = Read::default();
    if files.len() > MERGED_MAX {
        out::note(format!("{} files: merged by time in groups of {MERGED_MAX}", files.len()));
    }
    for group in files.chunks(MERGED_MAX) {
        let mut readers: Vec<Reader> = group.iter().map(|file| Reader::open(file, format)).collect();
        let flow = match readers.as_mut_slice() {
            [one] => one.drain(threads, &mut read, sink),
            many => merge(many, threads, &mut read, sink),
        };
        for reader in &mut readers {
            reader.report(&mut read);
        }
        if flow.is_break() {
            break;
        }
    }
    read.lost = read.records.saturating_sub(read.events);
    read.wall_s = start.elapsed().as_secs_f64();
    read.cpu_s = cpu_s() - cpu_start_s;
    if read.failed > 0 && read.events == 0 {
        return Err(Fail::new("E0107", "nothing could be read"));
    }
    Ok(read)
}

/// What a reading thread hands over.
enum Part {
    Lines(Batch),
    /// Of a file that is read as a whole.
    Events(Vec<Event>),
}

/// The events of a file that is no list of lines, in steps.
fn read_whole(
    path: &Path,
    opened: source::Opened,
    decoder: &dyn FileDecoder,
    out: &mut dyn FnMut(Part) -> ControlFlow<()>,
) -> Result<source::Done, source::Error> {
    let now = clock::now();
    let written = written(opened.written, now);
    let (bytes, mut done) = opened.whole(source::WHOLE_BYTES_MAX)?;
    let name = path.to_string_lossy();
    let place = Place { written, ..Place::new(&name, 0, now) };
    let mut step = Vec::with_capacity(STEP);
    let mut wanted = true;
    decoder.decode(&bytes, &place, &mut |event| {
        if wanted {
            step.push(event);
            if step.len() >= STEP {
                done.records += step.len() as u64;
                wanted = out(Part::Events(std::mem::replace(&mut step, Vec::with_capacity(STEP)))).is_continue();
            }
        }
    });
    if wanted && !step.is_empty() {
        done.records += step.len() as u64;
        wanted = out(Part::Events(step)).is_continue();
    }
    if !wanted {
        done.short = Some(source::Short::Stopped);
    }
    Ok(done)
}

/// Archives that forget times leave 1970, which completes no date.
fn written(changed: Option<Time>, now: Time) -> Time {
    changed.filter(|written| written.s() > YEAR_1990_S).unwrap_or(now)
}

/// One file being read by a thread of its own.
struct Reader {
    name: String,
    format: Format,
    choice: Option<Choice>,
    batches: Receiver<Part>,
    thread: Option<std::thread::JoinHandle<Result<source::Done, source::Error>>>,
    waiting: VecDeque<Event>,
}

impl Reader {
    fn open(path: &Path, format: Format) -> Reader {
        let (send, batches) = sync_channel(AHEAD);
        let file = path.to_owned();
        let thread = std::thread::spawn(move || {
            let mut out = |part| if send.send(part).is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
            let mut opened = source::Opened::new(&file)?;
            let whole = match format {
                Format::File(decoder) => Some(decoder),
                Format::Named(_) => None,
                Format::Auto => decode::file_decoder(opened.head(), &file.to_string_lossy()),
            };
            match whole {
                Some(decoder) => read_whole(&file, opened, decoder, &mut out),
                None => opened.lines(&mut |batch| out(Part::Lines(batch))),
            }
        });
        Reader { name: path.display().to_string(), format, choice: None, batches, thread: Some(thread), waiting: VecDeque::new() }
    }

    /// The next batch, decoded; `None` at the end.
    fn next(&mut self, threads: usize, read: &mut Read) -> Option<Vec<Event>> {
        let batch = match self.batches.recv().ok()? {
            Part::Lines(batch) => batch,
            Part::Events(events) => {
                read.count(&events);
                return Some(events);
            }
        };
        let choice = *self.choice.get_or_insert_with(|| Choice::new(self.format, batch.records().map(|r| r.bytes)));
        let events = decode(&batch, &choice, clock::now(), threads);
        read.count(&events);
        Some(events)
    }

    fn drain(&mut self, threads: usize, read: &mut Read, sink: &mut dyn FnMut(Vec<Event>) -> ControlFlow<()>) -> ControlFlow<()> {
        while let Some(events) = self.next(threads, read) {
            sink(events)?;
        }
        ControlFlow::Continue(())
    }

    fn refill(&mut self, threads: usize, read: &mut Read) -> bool {
        while self.waiting.is_empty() {
            let Some(events) = self.next(threads, read) else { return false };
            self.waiting.extend(events);
        }
        true
    }

    fn report(&mut self, read: &mut Read) {
        // Dropping the receiver ends a thread that still reads.
        self.batches = sync_channel(0).1;
        let Some(thread) = self.thread.take() else { return };
        match thread.join() {
            Ok(Ok(done)) => {
                read.records += done.records;
                if let Some(short) = done.short.filter(|s| *s != source::Short::Stopped) {
                    read.failed += 1;
                    out::note(format!("{}: {short}", self.name));
                }
            }
            Ok(Err(error)) => {
                read.failed += 1;
                out::note(format!("E0107 {error}"));
            }
            Err(_) => {
                read.failed += 1;
                out::note(format!("E0107 {}: reading failed", self.name));
            }
        }
    }
}

/// K-way merge by event time, then name, then record: the order of the arguments changes nothing.
fn merge(readers: &mut [Reader], threads: usize, read: &mut Read, sink: &mut dyn FnMut(Vec<Event>) -> ControlFlow<()>) -> ControlFlow<()> {
    let mut heads: BTreeMap<(Time, String), usize> = BTreeMap::new();
    let mut step = Vec::with_capacity(STEP);
    for (i, reader) in readers.iter_mut().enumerate() {
        if reader.refill(threads, read) {
            heads.insert((reader.waiting[0].meta.time, reader.name.clone()), i);
        }
    }
    while let Some(((_, name), i)) = heads.pop_first() {
        let reader = &mut readers[i];
        step.extend(reader.waiting.pop_front());
        if step.len() >= STEP {
            sink(std::mem::replace(&mut step, Vec::with_capacity(STEP)))?;
        }
        if reader.refill(threads, read) {
            heads.insert((reader.waiting[0].meta.time, name), i);
        }
    }
    if step.is_empty() { ControlFlow::Continue(()) } else { sink(step) }
}

pub(crate) fn decode(batch: &Batch, choice: &Choice, now: Time, threads: usize) -> Vec<Event> {
    let records: Vec<_> = batch.records().collect();
    let one = |record: &source::Record<'_>| {
        let mut place = Place::new(&batch.source, record.number, now);
        place.written = written(batch.written, now);
        place.cut_from = record.cut_from;
        place.shipped = record.shipped;
        choice.decode(record.bytes, &place)
    };
    if records.len() < THREADS_FROM || threads < 2 {
        return records.iter().map(one).collect();
    }
    let parts: Vec<Vec<Event>> = std::thread::scope(|scope| {
        let one = &one;
        let running: Vec<_> = records
            .chunks(records.len().div_ceil(threads))
            .map(|part| scope.spawn(move || part.iter().map(one).collect::<Vec<Event>>()))
            .collect();
        running.into_iter().map(|thread| thread.join().unwrap_or_default()).collect()
    });
    parts.into_iter().flatten().collect()
}

/// Reads files into a running service, and returns when everything is on disk.
pub fn read_into(service: &Service, files: &[PathBuf], format: Format) -> Result<Read, Fail> {
    let engine = service.engine();
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let before = service.log.facts().records;
    let mut read = read(files, format, threads, &mut |events| match engine.send(Input::Events(events)) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    })?;
    flush(service);
    let counted = |word: &str| service.log.facts().counts.iter().find(|(w, _)| *w == word).map_or(0, |(_, n)| *n);
    if before == 0 {
        read.findings = counted("finding");
    }
    read.incidents = service.log.incidents(&store::IncidentFilter { open: true, limit: usize::MAX, ..Default::default() }).len() as u64;
    Ok(read)
}

/// Lines that the demo made up, through the same decoders.
pub fn lines(service: &Service, name: &str, lines: &[String]) -> Result<(), Fail> {
    let now = clock::now();
    let choice = Choice::new(Format::Auto, lines.iter().map(String::as_bytes));
    let mut undecoded = 0;
    let mut last = None;
    let events: Vec<Event> = lines
        .iter()
        .zip(1..)
        .map(|(line, number)| {
            let mut event = choice.decode(line.as_bytes(), &Place::new(name, number, now));
            // As if it had been read when it happened: the traffic chart shows a day, not one spike.
            event.meta.logged = event.meta.time;
            undecoded += u64::from(matches!(event.body, Body::Undecoded { .. }));
            last = last.max(Some(event.meta.time));
            event
        })
        .collect();
    service.board.count(name, choice.name(), events.len() as u64, undecoded, last);
    service.engine().send(Input::Events(events)).map_err(|_| Fail::new("E0606", "the engine stopped"))
}

fn flush(service: &Service) {
    let (done, wait) = sync_channel(1);
    if service.engine().send(Input::Flush(done)).is_ok() {
        let _ = wait.recv();
    }
}

/// CPU time of this process.
pub fn cpu_s() -> f64 {
    const TICKS_PER_S: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let field = |n: usize| after_name.split_whitespace().nth(n).and_then(|t| t.parse::<f64>().ok()).unwrap_or(0.0);
    (field(11) + field(12)) / TICKS_PER_S
}
