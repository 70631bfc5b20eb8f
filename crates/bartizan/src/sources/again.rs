//! Lines of followed files that a crash made come again: what the log has behind the kept position is not told a second time.
//!
//! A line that comes again has the number, and thereby the name, that it had before. It is left out when the log holds a record of that name and
//! with the same bytes; anything else is a new record.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

use event::{Event, Uid};

use crate::privacy::Privacy;

/// Records at the end of the log that are looked at: more than can be on their way when a process is killed.
const LOOKED_AT_MAX: u64 = 131_072;
const PAGE: usize = 8_192;

#[derive(Default)]
pub(super) struct Again {
    known: HashMap<Uid, u64>,
    hash: RandomState,
}

impl Again {
    /// What the log has of those files behind their positions.
    pub(super) fn of(log: &store::Log, folder: &Path, files: &[PathBuf]) -> Again {
        let kept = |path: &PathBuf| Some((path.to_string_lossy().into_owned(), source::kept_position(folder, path)?.lines));
        let behind: HashMap<String, u64> = files.iter().filter_map(kept).collect();
        let mut again = Again::default();
        if behind.is_empty() {
            return again;
        }
        let end = log.end();
        let mut at = end.saturating_sub(LOOKED_AT_MAX);
        while at < end {
            let Ok(page) = log.read(at, PAGE) else { break };
            let Some((last, _)) = page.last() else { break };
            at = last + 1;
            for (_, event) in &page {
                if behind.get(event.meta.source.as_str()).is_some_and(|lines| event.meta.record > *lines) {
                    again.known.insert(event.meta.uid, again.hash.hash_one(&*event.raw));
                }
            }
        }
        again
    }

    /// Takes out what the log has.
    pub(super) fn leave_out(&mut self, events: &mut Vec<Event>, privacy: &Privacy) {
        if self.known.is_empty() {
            return;
        }
        let (known, hash) = (&mut self.known, &self.hash);
        events.retain(|event| known.remove(&event.meta.uid).is_none_or(|held| held != hash.hash_one(privacy.as_kept(event).as_slice())));
    }
}
