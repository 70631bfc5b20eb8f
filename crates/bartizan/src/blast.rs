//! Blast radius: whom an action would have met, counted from the last 24 hours of the log.
//!
//! Bounded in rows and time; what was not counted to the end says so, since half a count that looks whole invites a yes.

use std::collections::HashSet;
use std::fmt;
use std::time::{Duration, Instant};

use event::authentication::Outcome;
use event::{Body, Entity, Text, Time};

const SPAN_S: i64 = 86_400;
const COUNTING: Duration = Duration::from_secs(2);
const USERS_MAX: usize = 10_000;

#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Blast {
    pub requests: u64,
    pub sign_ins: u64,
    /// Different accounts that signed in with success.
    pub users: u64,
    /// False when the log is longer than what could be counted in time.
    pub whole: bool,
}

/// What `target` did in the 24 hours before `now`.
pub fn of(log: &store::Log, target: &Entity, now: Time) -> Result<Blast, store::Error> {
    let start = Instant::now();
    let word = |word| store::Classes::parse(word).unwrap_or_default();
    let mut query = store::Query {
        classes: word("http").with(word("authentication")),
        entity: Some(target.clone()),
        from: Some(now.plus_s(-SPAN_S)),
        to: Some(now.plus_s(1)),
        limit: 10_000,
        ..store::Query::default()
    };
    let (mut blast, mut users): (Blast, HashSet<Text>) = (Blast::default(), HashSet::new());
    loop {
        query.time_max = COUNTING.saturating_sub(start.elapsed());
        let page = log.query(&query)?;
        for (_, event) in page.rows {
            match event.body {
                Body::Http(_) => blast.requests += 1,
                Body::Authentication(sign_in) if sign_in.outcome == Outcome::Success => {
                    blast.sign_ins += 1;
                    if users.len() < USERS_MAX {
                        users.insert(sign_in.user.clone());
                    }
                }
                _ => {}
            }
        }
        blast.whole = page.stopped_early.is_none() && users.len() < USERS_MAX;
        query.before = page.next;
        if page.next.is_none() || start.elapsed() >= COUNTING {
            blast.whole &= page.next.is_none();
            break;
        }
    }
    blast.users = users.len() as u64;
    Ok(blast)
}

impl fmt::Display for Blast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let least = if self.whole { "" } else { "at least " };
        write!(f, "in 24 h {least}{} requests and {} sign-ins of {} accounts", self.requests, self.sign_ins, self.users)
    }
}
