//! What every source that listens has in common: a runtime of its own on a thread of its own, a bounded way out, an end.
//!
//! The thread of [`crate::Source::run`] takes what the runtime brings and waits as long as the engine makes it wait; the runtime goes on
//! meanwhile, so that a full engine neither stops a health check nor hides how many datagrams were lost.

use std::future::Future;
use std::io;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Told to stop, it ends within this.
const LOOK: Duration = Duration::from_millis(50);

/// Runs `serve` until it is told to stop, or `take` says `Break`. `take` gets one thing and may take more that waits.
pub(crate) fn run<T: Send, F: Future<Output = io::Result<()>>>(
    waiting_max: usize,
    stop: &AtomicBool,
    serve: impl FnOnce(Sender<T>) -> F + Send,
    take: &mut dyn FnMut(T, &mut Receiver<T>) -> ControlFlow<()>,
) -> io::Result<()> {
    let (send, mut receive) = channel(waiting_max);
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let ended = &ended;
        let serving = std::thread::Builder::new().name("listener".into()).spawn_scoped(scope, move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let served = runtime.block_on(async {
                tokio::select! {
                    served = serve(send) => served,
                    () = told(stop, ended) => Ok(()),
                }
            });
            runtime.shutdown_timeout(LOOK);
            served
        })?;
        while let Some(first) = receive.blocking_recv() {
            if take(first, &mut receive).is_break() {
                ended.store(true, Ordering::Relaxed);
                break;
            }
        }
        drop(receive);
        serving.join().unwrap_or_else(|_| Err(io::Error::other("the listener failed")))
    })
}

async fn told(stop: &AtomicBool, ended: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) && !ended.load(Ordering::Relaxed) {
        tokio::time::sleep(LOOK).await;
    }
}
