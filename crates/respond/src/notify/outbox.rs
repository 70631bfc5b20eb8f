//! Delivery: a thread and a bounded queue for each channel, so that whoever tells never waits.
//!
//! A message is tried again a few times within seconds, then every few minutes, for a day. A channel that fails several times in a row rests, and
//! somebody is told. What was delivered comes back as [`News`]; the caller writes that down. A message that was put in and of which no news came
//! back before the process ended is put in again by the next one, with the same key: the far side may see it twice, and can tell.

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use event::Text;

use super::{Channel, Fault, Message, TIMEOUT};

/// Messages of one channel that wait.
const WAITING_MAX: usize = 256;
const NEWS_MAX: usize = 1_024;

#[derive(Clone, Debug)]
pub struct Pace {
    pub timeout: Duration,
    /// Tries that follow the first at once, each after four times as long.
    pub retries: u32,
    pub wait: Duration,
    /// Then every so often.
    pub later: Duration,
    /// Failures in a row after which the channel rests.
    pub errors_max: u32,
    pub rest: Duration,
    /// A message older than this is given up.
    pub give_up: Duration,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            timeout: TIMEOUT,
            retries: 3,
            wait: Duration::from_secs(1),
            later: Duration::from_secs(300),
            errors_max: 5,
            rest: Duration::from_secs(900),
            give_up: Duration::from_secs(86_400),
        }
    }
}

/// What became of messages and channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The far side has it, and said so.
    Delivered {
        key: Text,
        status: String,
    },
    Failed {
        key: Text,
        why: String,
    },
    /// The channel rests.
    Down {
        channel: String,
        why: String,
    },
}

/// Of one channel, for metrics and the console.
#[derive(Debug, Default)]
pub struct Tally {
    pub name: String,
    pub delivered: AtomicU64,
    pub failed: AtomicU64,
    /// The queue was full.
    pub dropped: AtomicU64,
    pub waiting: AtomicU64,
    pub down: AtomicBool,
}

pub type Tallies = Vec<Arc<Tally>>;

pub struct Outbox {
    ways: Vec<Way>,
    news: Receiver<News>,
    stopping: Arc<AtomicBool>,
}

struct Way {
    tally: Arc<Tally>,
    send: SyncSender<Pending>,
    thread: JoinHandle<()>,
}

struct Pending {
    message: Message,
    tries: u32,
    due: Instant,
    born: Instant,
}

impl Outbox {
    /// `tallies` has one for each channel, in the same order.
    pub fn start(channels: Vec<Channel>, tallies: &Tallies, pace: &Pace) -> Result<Outbox, String> {
        let (tell, news) = sync_channel(NEWS_MAX);
        let stopping = Arc::new(AtomicBool::new(false));
        let mut ways = Vec::new();
        for (channel, tally) in channels.into_iter().zip(tallies) {
            let (send, inbox) = sync_channel(WAITING_MAX);
            let worker = Worker {
                channel,
                inbox,
                news: tell.clone(),
                stopping: Arc::clone(&stopping),
                tally: Arc::clone(tally),
                pace: pace.clone(),
                waiting: VecDeque::new(),
                errors: 0,
                rests_until: None,
            };
            let thread = std::thread::Builder::new().name("notify".into()).spawn(move || worker.run());
            let thread = thread.map_err(|e| format!("cannot start a thread: {e}"))?;
            ways.push(Way { tally: Arc::clone(tally), send, thread });
        }
        Ok(Outbox { ways, news, stopping })
    }

    /// `age`: how long ago it was first asked for, by an earlier process perhaps. An error when the queue is full: counted.
    pub fn put(&self, channel: &str, message: Message, age: Duration) -> Result<(), String> {
        let way = self.ways.iter().find(|way| way.tally.name == channel).ok_or_else(|| format!("there is no channel {channel}"))?;
        let now = Instant::now();
        let pending = Pending { message, tries: 0, due: now, born: now.checked_sub(age).unwrap_or(now) };
        // Counted before: the worker may be done with it at once.
        way.tally.waiting.fetch_add(1, Relaxed);
        way.send.try_send(pending).map_err(|error| {
            way.tally.waiting.fetch_sub(1, Relaxed);
            way.tally.dropped.fetch_add(1, Relaxed);
            match error {
                TrySendError::Full(_) => format!("{WAITING_MAX} messages wait for {channel} already"),
                TrySendError::Disconnected(_) => format!("the channel {channel} has stopped"),
            }
        })
    }

    pub fn news(&self) -> Vec<News> {
        self.news.try_iter().take(NEWS_MAX).collect()
    }

    /// Ends after the attempts that are under way, but not later than `limit`; the last news.
    pub fn stop(self, limit: Duration) -> Vec<News> {
        self.stopping.store(true, Relaxed);
        let start = Instant::now();
        let mut last = Vec::new();
        let threads: Vec<JoinHandle<()>> = self.ways.into_iter().map(|way| way.thread).collect();
        while threads.iter().any(|thread| !thread.is_finished()) && start.elapsed() < limit {
            last.extend(self.news.try_iter());
            std::thread::sleep(Duration::from_millis(5));
        }
        last.extend(self.news.try_iter());
        last
    }
}

struct Worker {
    channel: Channel,
    inbox: Receiver<Pending>,
    news: SyncSender<News>,
    stopping: Arc<AtomicBool>,
    tally: Arc<Tally>,
    pace: Pace,
    waiting: VecDeque<Pending>,
    /// In a row.
    errors: u32,
    rests_until: Option<Instant>,
}

impl Worker {
    fn run(mut self) {
        const LOOK: Duration = Duration::from_millis(100);
        while !self.stopping.load(Relaxed) {
            let now = Instant::now();
            let rests = self.rests_until.is_some_and(|until| now < until);
            let next = self.waiting.iter().enumerate().filter(|(_, p)| p.due <= now).min_by_key(|(_, p)| p.due).map(|(n, _)| n);
            if let Some(pending) = next.filter(|_| !rests).and_then(|n| self.waiting.remove(n)) {
                self.attempt(pending);
            } else if self.waiting.len() < WAITING_MAX {
                match self.inbox.recv_timeout(LOOK) {
                    Ok(pending) => self.waiting.push_back(pending),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) if self.waiting.is_empty() => return,
                    Err(RecvTimeoutError::Disconnected) => std::thread::sleep(LOOK),
                }
            } else {
                std::thread::sleep(LOOK);
            }
        }
    }

    fn attempt(&mut self, mut pending: Pending) {
        let now_s = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(0));
        let key = pending.message.key.clone();
        let fault = match self.channel.tell(&pending.message, now_s, self.pace.timeout) {
            Ok(answer) => {
                self.errors = 0;
                self.rests_until = None;
                self.tally.down.store(false, Relaxed);
                self.tally.delivered.fetch_add(1, Relaxed);
                self.tally.waiting.fetch_sub(1, Relaxed);
                self.say(News::Delivered { key, status: format!("{} {}", self.channel.kind(), answer.status) });
                return;
            }
            Err(fault) => fault,
        };
        self.errors = self.errors.saturating_add(1);
        pending.tries += 1;
        let given_up = matches!(fault, Fault::Never(_)) || pending.born.elapsed() >= self.pace.give_up;
        let why = fault.to_string();
        if given_up {
            self.tally.failed.fetch_add(1, Relaxed);
            self.tally.waiting.fetch_sub(1, Relaxed);
            self.say(News::Failed { key, why: why.clone() });
        } else {
            pending.due = Instant::now() + self.pause(pending.tries);
            self.waiting.push_back(pending);
        }
        if self.errors >= self.pace.errors_max {
            self.rests_until = Some(Instant::now() + self.pace.rest);
            // Said once, not after each try of a long outage.
            if !self.tally.down.swap(true, Relaxed) {
                self.say(News::Down { channel: self.channel.name.clone(), why });
            }
        }
    }

    /// Between half and one and a half of the wait, so that many do not come back at once.
    fn pause(&self, tries: u32) -> Duration {
        let wait = if tries > self.pace.retries { self.pace.later } else { self.pace.wait.saturating_mul(4_u32.saturating_pow(tries - 1)) };
        let dice = RandomState::new().build_hasher().finish() % 1_000;
        wait.mul_f64(0.5 + dice as f64 / 1_000.0)
    }

    /// Whoever reads the news may be gone; the process ends then.
    fn say(&self, news: News) {
        let _ = self.news.send(news);
    }
}
