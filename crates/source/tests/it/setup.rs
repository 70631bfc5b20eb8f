//! A source that runs: what it brings comes out of a channel, its engine can be held up, and it ends with the test.

use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use source::{Batch, Counters, Done, Error, Locator, METRICS, Opening, Source};

/// A test that waits longer than this has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A record that came out: who sent it, its number, its bytes, its length before it was cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Came {
    pub(crate) source: String,
    pub(crate) number: u64,
    pub(crate) text: String,
    pub(crate) cut_from: Option<u64>,
    pub(crate) shipped_s: Option<i64>,
}

pub(crate) struct Running {
    pub(crate) name: String,
    pub(crate) counters: Arc<Counters>,
    came: Receiver<Came>,
    stop: Arc<AtomicBool>,
    /// While it is held, the engine takes nothing.
    pub(crate) hold: Arc<Mutex<()>>,
    /// The engine's log can be written.
    pub(crate) keeps: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<Done, Error>>>,
}

pub(crate) fn open(locator: &str, folder: &Path) -> Result<(Box<dyn Source + Send>, Arc<Counters>), Error> {
    let opening = Opening { counters: Arc::default(), folder: folder.to_owned(), inherited: Arc::default() };
    let locator = Locator::parse(locator).expect("no path")?;
    Ok((locator.open(&opening)?, opening.counters))
}

/// With these counters and nothing else.
pub(crate) fn opening(counters: &Arc<Counters>) -> Opening {
    Opening { counters: Arc::clone(counters), folder: "/nonexistent".into(), inherited: Arc::default() }
}

impl Running {
    pub(crate) fn new(locator: &str) -> Running {
        let place = tempfile::tempdir().expect("a folder");
        let (source, counters) = open(locator, place.path()).expect("a source");
        Running::of(source, counters)
    }

    pub(crate) fn of(mut source: Box<dyn Source + Send>, counters: Arc<Counters>) -> Running {
        let (send, came) = channel();
        let (stop, hold, keeps) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(())), Arc::new(AtomicBool::new(true)));
        let name = source.name().to_owned();
        let (stopped, held, kept, counted) = (Arc::clone(&stop), Arc::clone(&hold), Arc::clone(&keeps), Arc::clone(&counters));
        let thread = std::thread::spawn(move || {
            let mut out = |mut batch: Batch| {
                drop(held.lock().expect("no test panics while it holds"));
                counted.take(&batch, event::Time::from_s(1));
                for record in batch.records() {
                    let one = Came {
                        source: batch.source.to_string(),
                        number: record.number,
                        text: String::from_utf8_lossy(record.bytes).into_owned(),
                        cut_from: record.cut_from,
                        shipped_s: record.shipped.map(event::Time::s),
                    };
                    if send.send(one).is_err() {
                        return ControlFlow::Break(());
                    }
                }
                if let Some(receipt) = batch.receipt.take() {
                    receipt.answer(kept.load(Ordering::SeqCst));
                }
                ControlFlow::Continue(())
            };
            source.run(&mut out, &stopped)
        });
        Running { name, counters, came, stop, hold, keeps, thread: Some(thread) }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.name.split_once("://").expect("a listener").1.parse().expect("an address")
    }

    pub(crate) fn next(&self) -> Came {
        self.came.recv_timeout(PATIENCE).expect("one more record")
    }

    pub(crate) fn texts(&self, n: usize) -> Vec<String> {
        (0..n).map(|_| self.next().text).collect()
    }

    /// Nothing is there that was not asked for.
    pub(crate) fn rest(mut self) -> Vec<Came> {
        self.end().expect("no failure");
        self.came.try_iter().collect()
    }

    /// Waits until a counter has this value.
    pub(crate) fn counted(&self, name: &str, expected: i64) {
        let metric = METRICS.iter().find(|m| m.name == name).expect("a counter");
        let start = Instant::now();
        while (metric.read)(&self.counters) != expected {
            assert!(start.elapsed() < PATIENCE, "{name} is {}, expected {expected}", (metric.read)(&self.counters));
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub(crate) fn value(&self, name: &str) -> i64 {
        (METRICS.iter().find(|m| m.name == name).expect("a counter").read)(&self.counters)
    }

    /// How it ended, when it did so by itself.
    pub(crate) fn ended(&mut self) -> Option<Result<Done, Error>> {
        if !self.thread.as_ref().is_some_and(JoinHandle::is_finished) {
            std::thread::yield_now();
            return None;
        }
        self.thread.take().map(|thread| thread.join().expect("no panic"))
    }

    pub(crate) fn end(&mut self) -> Result<Done, Error> {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.take().expect("it runs").join().expect("no panic")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
