//! Starts a source again that failed, after a while that grows: retrying is decided here and in no source.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::{Counters, Done, Error, Out, Source};

/// How long to wait before the next try: a second, then twice as long each time, at most a minute; anew after a run that lasted.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    next: Duration,
}

const FIRST: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_secs(60);

impl Default for Backoff {
    fn default() -> Backoff {
        Backoff { next: FIRST }
    }
}

impl Backoff {
    /// After a run of that length.
    pub fn after(&mut self, ran: Duration) -> Duration {
        if ran >= MOST {
            self.next = FIRST;
        }
        let wait = self.next;
        self.next = (self.next * 2).min(MOST);
        wait
    }
}

/// Runs a source that has no end until it is told to stop, or fails in a way that only a person can mend. `said` hears of every other failure
/// and of the wait after it.
pub fn supervise(
    source: &mut dyn Source,
    counters: &Counters,
    out: &mut Out<'_>,
    stop: &AtomicBool,
    said: &mut dyn FnMut(&Error, Duration),
) -> Result<Done, Error> {
    let mut backoff = Backoff::default();
    loop {
        let start = Instant::now();
        let error = match source.run(out, stop) {
            Ok(done) => return Ok(done),
            Err(error) if error.is_final() => return Err(error),
            Err(error) => error,
        };
        let wait = backoff.after(start.elapsed());
        said(&error, wait);
        Counters::add(&counters.restarts, 1);
        if !crate::follow::pause(wait, stop) || stop.load(Ordering::Relaxed) {
            return Ok(Done { short: Some(crate::Short::Stopped), ..Done::default() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_minute_and_begin_anew_after_a_run_that_lasted() {
        let mut backoff = Backoff::default();
        let waits: Vec<u64> = (0..8).map(|_| backoff.after(Duration::ZERO).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(backoff.after(Duration::from_secs(61)).as_secs(), 1);
        assert_eq!(backoff.after(Duration::from_secs(59)).as_secs(), 2);
    }
}
