//! What a start learns anew from the log where no checkpoint remembers it: the sign-ins it still holds, so that a restart does not make
//! strangers of everybody.
//!
//! Bounded in rows and time, newest first; taught in the order in which they happened. Their findings were told before.

use std::time::{Duration, Instant};

use event::{Bytes, Event};

/// Sign-ins that are read.
const SIGN_INS_MAX: usize = 20_000;
const READING: Duration = Duration::from_secs(2);

/// The latest sign-ins of the log before that offset, oldest first, without the bytes of their records.
pub fn sign_ins(log: &store::Log, before: u64) -> Vec<Event> {
    let start = Instant::now();
    let mut known: Vec<Event> = Vec::new();
    let classes = store::Classes::parse("authentication").unwrap_or_default();
    let mut query = store::Query { classes, limit: usize::MAX, before: Some(before), ..store::Query::default() };
    while known.len() < SIGN_INS_MAX && start.elapsed() < READING {
        query.time_max = READING.saturating_sub(start.elapsed());
        // A log that cannot be read is said by who reads it for its own sake.
        let Ok(page) = log.query(&query) else { break };
        known.extend(page.rows.into_iter().map(|(_, event)| Event { raw: Bytes::default(), ..event }));
        query.before = page.next;
        if page.next.is_none() {
            break;
        }
    }
    known.truncate(SIGN_INS_MAX);
    known.reverse();
    known.sort_by_key(|event| event.meta.time);
    known
}
