//! The clock on slow clients: one tick a quarter of a second over all connections and bodies of a worker, so that a request sets no timer.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::task::AtomicWaker;

use crate::Limits;

pub(crate) const TICK: Duration = Duration::from_millis(250);
const TICKS_PER_S: u32 = 4;

/// One client connection, as the clock sees it.
#[derive(Default)]
pub(crate) struct Pace {
    /// Requests begun.
    pub(crate) begun: AtomicU32,
    /// Requests begun and not answered yet.
    pub(crate) open: AtomicU32,
    /// A part of a head is there.
    pub(crate) partial: AtomicBool,
    /// No requests any more: a WebSocket.
    pub(crate) tunnel: AtomicBool,
    pub(crate) written: AtomicU64,
    /// The last write found no room.
    pub(crate) blocked: AtomicBool,
    /// The connection has to end; guard and hyper do it when they are next asked.
    pub(crate) expired: AtomicBool,
    pub(crate) waker: AtomicWaker,
}

/// One request body on its way in.
#[derive(Default)]
pub(crate) struct Flow {
    /// The gateway wants bytes and the client sends none.
    pub(crate) waiting: AtomicBool,
    pub(crate) bytes: AtomicU64,
    pub(crate) expired: AtomicBool,
    pub(crate) over: AtomicBool,
    pub(crate) waker: AtomicWaker,
}

#[derive(Default)]
pub(crate) struct Clock {
    paces: Mutex<Vec<Watched>>,
    flows: Mutex<Vec<(Arc<Flow>, u32)>>,
}

struct Watched {
    pace: Arc<Pace>,
    seen: (u32, bool),
    ticks: u32,
    blocked_ticks: u32,
    /// Ticks without a request since the gateway is stopping.
    stop_ticks: u32,
    written: u64,
}

impl Clock {
    pub(crate) fn watch(&self, pace: &Arc<Pace>) {
        let watched = Watched { pace: Arc::clone(pace), seen: (0, false), ticks: 0, blocked_ticks: 0, stop_ticks: 0, written: 0 };
        self.paces.lock().unwrap_or_else(PoisonError::into_inner).push(watched);
    }

    pub(crate) fn watch_body(&self, flow: &Arc<Flow>) {
        self.flows.lock().unwrap_or_else(PoisonError::into_inner).push((Arc::clone(flow), 0));
    }

    /// Number of clients that were too slow. `stopping`: for how many ticks a connection may still begin a request.
    pub(crate) fn tick(&self, limits: &Limits, stopping: Option<u32>) -> u64 {
        let mut slow = 0;
        // Only the clock holds it: the connection is gone.
        let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        paces.retain_mut(|w| {
            Arc::strong_count(&w.pace) > 1 && {
                slow += u64::from(w.tick(limits, stopping));
                true
            }
        });
        drop(paces);
        let mut flows = self.flows.lock().unwrap_or_else(PoisonError::into_inner);
        flows.retain_mut(|(flow, waited)| {
            if Arc::strong_count(flow) == 1 || flow.over.load(Relaxed) {
                return false;
            }
            *waited += u32::from(flow.waiting.load(Relaxed));
            if is_slow(*waited, flow.bytes.load(Relaxed), limits) {
                flow.expired.store(true, Relaxed);
                flow.waker.wake();
                slow += 1;
                return false;
            }
            true
        });
        slow
    }
}

fn is_slow(waited_ticks: u32, bytes: u64, limits: &Limits) -> bool {
    let waited_s = waited_ticks / TICKS_PER_S;
    waited_s >= limits.body_grace_s.max(1) && bytes < u64::from(waited_s) * u64::from(limits.body_rate_min_bytes_per_s)
}

impl Watched {
    /// True when it expired for being slow.
    fn tick(&mut self, limits: &Limits, stopping: Option<u32>) -> bool {
        let pace = &self.pace;
        if pace.expired.load(Relaxed) {
            return false;
        }
        if pace.blocked.load(Relaxed) {
            if self.blocked_ticks == 0 {
                self.written = pace.written.load(Relaxed);
            }
            self.blocked_ticks += 1;
            if is_slow(self.blocked_ticks, pace.written.load(Relaxed) - self.written, limits) {
                return self.expire(true);
            }
        } else {
            self.blocked_ticks = 0;
        }
        let partial = pace.partial.load(Relaxed);
        let seen = (pace.begun.load(Relaxed), partial);
        if seen != self.seen || pace.open.load(Relaxed) > 0 || pace.tunnel.load(Relaxed) {
            self.seen = seen;
            self.ticks = 0;
            return false;
        }
        self.ticks += 1;
        let is_head = partial || seen.0 == 0;
        let limit_s = if is_head { limits.head_time_s } else { limits.idle_s };
        if self.ticks >= limit_s.max(1) * TICKS_PER_S {
            return self.expire(is_head);
        }
        if let Some(grace) = stopping.filter(|_| !partial) {
            self.stop_ticks += 1;
            if self.stop_ticks > grace {
                self.expire(false);
            }
        }
        false
    }

    fn expire(&self, slow: bool) -> bool {
        self.pace.expired.store(true, Relaxed);
        self.pace.waker.wake();
        slow
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits { head_time_s: 2, idle_s: 5, body_grace_s: 3, body_rate_min_bytes_per_s: 100, ..Limits::default() }
    }

    /// Ticks until it expires, at most 100.
    fn ticks(clock: &Clock, expired: &AtomicBool) -> usize {
        (1..100)
            .find(|_| {
                clock.tick(&limits(), None);
                expired.load(Relaxed)
            })
            .unwrap_or(100)
    }

    #[test]
    fn heads_bodies_and_readers_have_their_time() {
        let clock = Clock::default();
        let pace = Arc::new(Pace::default());
        clock.watch(&pace);
        assert_eq!(ticks(&clock, &pace.expired), 8, "no head");
        let pace = Arc::new(Pace { begun: 1.into(), ..Pace::default() });
        clock.watch(&pace);
        assert_eq!(ticks(&clock, &pace.expired), 21, "idle");
        let pace = Arc::new(Pace { begun: 1.into(), open: 1.into(), ..Pace::default() });
        clock.watch(&pace);
        assert_eq!(ticks(&clock, &pace.expired), 100, "the upstream is slow, not the client");
        pace.blocked.store(true, Relaxed);
        assert_eq!(ticks(&clock, &pace.expired), 12, "slow reader");
        let flow = Arc::new(Flow { waiting: true.into(), bytes: 50.into(), ..Flow::default() });
        clock.watch_body(&flow);
        assert_eq!(ticks(&clock, &flow.expired), 12, "slow body");
        let flow = Arc::new(Flow { waiting: true.into(), bytes: 1_000_000.into(), ..Flow::default() });
        clock.watch_body(&flow);
        assert_eq!(ticks(&clock, &flow.expired), 100, "a body that is fast enough");
    }
}
