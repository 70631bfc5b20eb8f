//! Retention: records go when their time is over, by class, and what stays can still be proven.
//!
//! Nothing is removed from a file that is written; finished segments are written anew without what goes (`rewrite.rs`), one at a time and
//! beside the writer. Before the new file is in force an order in the log says which records are missing, under a signed head: `audit
//! verify` refuses what is missing without one. `policy.rs` says what goes, `due.rs` finds it.

mod due;
mod policy;
mod rewrite;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use event::order::What;
use event::{Body, Event, Order, Retain, Text, Time, Uid, short_id};
use serde::Serialize;

pub use policy::{DECISIONS_MIN, Hold, Policy, is_decision};

use crate::log::Shared;
use crate::reader::{Form, Reader};
use crate::{Error, Facts, Log, Writer, class};
use due::{Ages, Due, Protected};
use rewrite::Rewritten;

/// When nothing was due.
const AGAIN: Duration = Duration::from_secs(3_600);
/// Of the time, at most a fifth goes into rewriting.
const SHARE: u32 = 5;
/// A segment is finished when it has been written for this part of the shortest age, so that it can be gone through in time ..
const PART: u32 = 8;
/// .. but not sooner.
const BEGUN_MIN: Duration = Duration::from_secs(3_600);

/// What went, or would go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Retained {
    pub records: u64,
    /// Of files, rewritten ones counted; an estimate before it is done.
    pub bytes: u64,
    pub segments: u64,
    /// By the word of the class.
    pub classes: Vec<(&'static str, u64)>,
    /// Latest time of what went.
    pub until: Option<Time>,
}

impl Retained {
    fn add(&mut self, classes: &[u64; 16], bytes: u64, until: Time) {
        self.segments += 1;
        self.bytes += bytes;
        self.until = Some(self.until.map_or(until, |before| before.max(until)));
        for (class, count) in classes.iter().enumerate().filter(|(_, count)| **count > 0) {
            self.records += count;
            let word = class::WORDS.get(class).copied().unwrap_or("other");
            match self.classes.iter_mut().find(|(known, _)| *known == word) {
                Some((_, sum)) => *sum += count,
                None => self.classes.push((word, *count)),
            }
        }
    }
}

/// What readers, the writer and the thread that rewrites share.
#[derive(Default)]
pub(crate) struct Retaining {
    /// Records from this offset on are needed by the next start; 0 until somebody says so.
    below: AtomicU64,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    ages: Ages,
    next: Option<Instant>,
    /// Rewritten, and whether the order is in the log.
    ready: Option<(Rewritten, bool)>,
    /// Segments in which nothing could go, and when they are looked at again.
    quiet: HashMap<u64, Instant>,
    done: Retained,
    failed: Option<String>,
}

impl Retaining {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tell(&self, facts: &mut Facts) {
        let inner = self.inner();
        facts.freed_bytes = inner.done.bytes;
        facts.unretained.clone_from(&inner.failed);
        facts.oldest = inner.ages.oldest();
    }

    /// On the sealer's thread: rewrites the next segment when one is due; the writer puts it in force.
    pub(crate) fn look(&self, shared: &Shared, stop: &AtomicBool) {
        let Some(policy) = &shared.options.retention else { return };
        let below = self.below.load(Ordering::Relaxed);
        {
            let inner = self.inner();
            if below == 0 || inner.ready.is_some() || inner.next.is_some_and(|next| next > Instant::now()) {
                return;
            }
        }
        let _alone = shared.sealing.lock().unwrap_or_else(PoisonError::into_inner);
        let start = Instant::now();
        // Not under the lock: facts are asked for in the meantime.
        let mut ages = std::mem::take(&mut self.inner().ages);
        let quiet: HashSet<u64> = self.inner().quiet.iter().filter(|(_, until)| **until > start).map(|(first, _)| *first).collect();
        let found = ages.due(shared, policy, below, now(), &|first| quiet.contains(&first));
        self.inner().ages = ages;
        let done = found.and_then(|due| {
            let Some(due) = due else { return Ok(None) };
            let protected = Protected::of(shared);
            let new = rewrite::rewrite(shared, due.first, &due.rule, &|event| due.goes(event, policy, &protected), stop);
            if let Err(error) = &new {
                self.inner().quiet.insert(due.first, start + AGAIN);
                rewrite::discard(shared, due.first);
                return Err(Error::Sealed { path: crate::segment::sealed_path(&shared.dir, due.first), why: error.to_string() });
            }
            Ok(Some((due.first, new?)))
        });
        let mut inner = self.inner();
        match done {
            Ok(None) => (inner.next, inner.failed) = (Some(start + AGAIN), None),
            Ok(Some((_, Some(new)))) => {
                inner.ready = Some((new, false));
                inner.next = Some(Instant::now() + start.elapsed() * (SHARE - 1));
            }
            Ok(Some((first, None))) => _ = inner.quiet.insert(first, start + 24 * AGAIN),
            Err(error) => inner.failed = Some(error.to_string()),
        }
    }
}

impl Writer {
    /// Records from this offset on are needed by the next start and never go. Retention waits until it was said once.
    pub fn retain_below(&self, offset: u64) {
        self.log().shared.retaining.below.store(offset, Ordering::Relaxed);
    }

    /// What retention needs of the writer: finishes a segment that was written for long, and puts in force what was rewritten.
    pub(crate) fn tend_retention(&mut self) {
        let shared = self.log().shared.clone();
        let Some(policy) = &shared.options.retention else { return };
        let long = policy.shortest().map(|age| (age / PART).max(BEGUN_MIN));
        if self.is_begun() && long.is_some_and(|long| self.begun().elapsed().is_ok_and(|since| since > long)) {
            // What fails here fails again with the next batch, which says so.
            let _ = self.roll();
        }
        let Some((new, ordered)) = shared.retaining.inner().ready.take() else { return };
        match self.go_on(&new, ordered, now()) {
            Ok(true) => {
                let mut inner = shared.retaining.inner();
                inner.done.add(&new.classes, new.freed(), new.until);
                inner.failed = None;
                drop(inner);
                self.wake_sealer();
            }
            Ok(false) => shared.retaining.inner().ready = Some((new, true)),
            Err((error, ordered)) => {
                let mut inner = shared.retaining.inner();
                inner.failed = Some(error.to_string());
                inner.ready = Some((new, ordered));
            }
        }
    }

    /// The order, its head, and then the file. False when readers are in the way.
    fn go_on(&mut self, new: &Rewritten, ordered: bool, now: Time) -> Result<bool, (Error, bool)> {
        if !ordered {
            self.order(new, now).map_err(|error| (error, false))?;
        }
        if !self.is_attested() {
            return Err((Error::Unattested { records: new.removed }, true));
        }
        self.head().map_err(|error| (error, true))?;
        rewrite::put_in_force(&self.log().shared, new).map_err(|error| (error, true))
    }

    fn order(&mut self, new: &Rewritten, now: Time) -> Result<(), Error> {
        if !self.is_attested() {
            return Err(Error::Unattested { records: new.removed });
        }
        let retain = Retain {
            segment: new.first,
            records: new.removed,
            classes: new.class_words(),
            until: new.until,
            rule: new.rule.clone(),
            missing: new.missing().to_string().into(),
        };
        let uid = short_id("O", &[b"retain", retain.missing.as_bytes(), &now.us().to_le_bytes()]);
        let order = Order { uid, at: now, by: Text::const_new("bartizan"), what: What::Retain(Box::new(retain)) };
        let event = Event::own(Uid::of_record("bartizan", self.end_offset()), now, Body::Order(Box::new(order)));
        self.append(&[event]).map(|_| ())
    }

    /// Removes what is due now, and returns when it is gone. Below [`Writer::retain_below`] only.
    pub fn retain(&mut self, policy: &Policy, now: Time) -> Result<Retained, Error> {
        let shared = self.log().shared.clone();
        let (mut ages, mut done, mut all) = (Ages::default(), HashSet::new(), Retained::default());
        let below = shared.retaining.below.load(Ordering::Relaxed);
        loop {
            let new = {
                let _alone = shared.sealing.lock().unwrap_or_else(PoisonError::into_inner);
                let Some(due) = ages.due(&shared, policy, below, now, &|first| done.contains(&first))? else { return Ok(all) };
                done.insert(due.first);
                let protected = Protected::of(&shared);
                rewrite::rewrite(&shared, due.first, &due.rule, &|event| due.goes(event, policy, &protected), &AtomicBool::new(false))?
            };
            let Some(new) = new else { continue };
            let mut ordered = false;
            while !self.go_on(&new, ordered, now).map_err(|(error, _)| error)? {
                ordered = true;
                std::thread::sleep(Duration::from_millis(20));
            }
            all.add(&new.classes, new.freed(), new.until);
        }
    }
}

impl Log {
    /// What [`Writer::retain`] would remove. Reads the segments in question and changes nothing.
    pub fn retain_dry_run(&self, policy: &Policy, below: u64, now: Time) -> Result<Retained, Error> {
        let (mut ages, mut done, mut all) = (Ages::default(), HashSet::new(), Retained::default());
        let protected = Protected::of(&self.shared);
        // What the bound on bytes would remove depends on what was removed before: told for ages alone.
        let policy = &Policy { bytes_max: None, ..policy.clone() };
        while let Some(due) = ages.due(&self.shared, policy, below, now, &|first| done.contains(&first))? {
            done.insert(due.first);
            self.count(&due, policy, &protected, &mut all)?;
        }
        Ok(all)
    }

    fn count(&self, due: &Due, policy: &Policy, protected: &Protected, all: &mut Retained) -> Result<(), Error> {
        let parts = self.parts();
        let Some(part) = parts.iter().find(|part| part.header.first == due.first) else { return Ok(()) };
        let Some(Reader::Sealed(sealed, _)) = self.open_part(part)? else { return Ok(()) };
        let (mut classes, mut until, mut at, mut bytes, mut of) = ([0; 16], Time::from_us(i64::MIN), 0, 0, 1);
        while at < sealed.rows() {
            let rows = sealed.within_group(at..sealed.rows().min(at + 8_192), false);
            at = rows.end;
            for row in sealed.records(rows, None).map_err(|e| Error::sealed(&part.path, e))?.iter() {
                of += row.payload.len() as u64;
                if let Some(logged) = row.decode().and_then(|event| due.goes(&event, policy, protected)) {
                    classes[usize::from(row.class).min(15)] += 1;
                    bytes += row.payload.len() as u64;
                    until = until.max(logged);
                }
            }
        }
        if bytes > 0 {
            let file = part.path.metadata().map_or(0, |meta| meta.len());
            all.add(&classes, u64::try_from(u128::from(file) * u128::from(bytes) / u128::from(of)).unwrap_or(0), until);
        }
        Ok(())
    }

    /// Offset behind the last sealed segment: retention looks no further.
    pub fn sealed_end(&self) -> u64 {
        let state = self.shared.read();
        state.segments.iter().filter(|s| matches!(s.form, Form::Sealed(_))).map(|s| s.index.end_offset()).max().unwrap_or(0)
    }
}

fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
    Time::from_us(i64::try_from(since).unwrap_or(i64::MAX))
}
