//! The old process's side of a hand-over: who may ask for the sockets, what happens when somebody does, and where records go afterwards.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use crate::control::{self, Ask, EVENTS_MAX, Give, Operate, Reply};
use crate::engine::Input;
use crate::hand_over::{self, Socket};
use crate::service::Asked;

/// For the answer to a reload or restart.
const ANSWER: Duration = Duration::from_secs(180);
/// The new process listens at its control socket a moment after it has the log.
const FIND: Duration = Duration::from_secs(30);

#[derive(Clone, Default)]
pub(crate) struct Leaving {
    sockets: Arc<Mutex<Vec<Socket>>>,
    /// Somebody asked for a restart, and the process that was started for it has not ended.
    pub(crate) expected: Arc<AtomicBool>,
    handing_over: Arc<AtomicBool>,
}

impl Leaving {
    pub(crate) fn keep(&self, sockets: Vec<Socket>) {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner).extend(sockets);
    }

    pub(crate) fn is_handing_over(&self) -> bool {
        self.handing_over.load(Ordering::Relaxed)
    }

    /// Gives the sockets away, once.
    pub(crate) fn give(&self, engine: SyncSender<Input>, stop: watch::Sender<bool>, asked: mpsc::Sender<Asked>, control: PathBuf) -> Give {
        let leaving = self.clone();
        Box::new(move |stream: &UnixStream| {
            if !leaving.expected.swap(false, Ordering::Relaxed) {
                return Err("nobody asked for a restart: bartizan restart".into());
            }
            let sockets = std::mem::take(&mut *leaving.sockets.lock().unwrap_or_else(PoisonError::into_inner));
            if let Err(error) = hand_over::send(stream, &sockets) {
                leaving.keep(sockets);
                return Err(error.to_string());
            }
            if !hand_over::waits_for(stream, "release") {
                leaving.keep(sockets);
                return Err("the new process ended before it took over".into());
            }
            leaving.handing_over.store(true, Ordering::Relaxed);
            // What is asked from now on is for the new process, which makes the socket again.
            let _ = std::fs::remove_file(&control);
            stop.send_replace(true);
            let (done, wait) = sync_channel(1);
            let released = engine.send(Input::Release(done)).is_ok() && wait.recv_timeout(hand_over::RELEASE).is_ok();
            let said = released && (&mut &*stream).write_all(b"released\n").is_ok();
            let serves = said && hand_over::waits_for(stream, "ready");
            // Held until now, so that nobody is turned away should the new process die.
            drop(sockets);
            let _ = asked.blocking_send(if serves { Asked::HandedOver } else { Asked::Orphaned });
            Ok(())
        })
    }
}

/// Asks whoever holds the service, and waits for the answer.
pub(crate) fn operate(asked: mpsc::Sender<Asked>, operated: bool) -> Operate {
    Box::new(move |ask: &Ask| {
        if !operated {
            return Err("this bartizan was not started by bartizan run: it has no configuration to read again".into());
        }
        let (answer, wait) = sync_channel(1);
        let what = if matches!(ask, Ask::Restart) { Asked::Restart(answer) } else { Asked::Reload(Some(answer)) };
        asked.try_send(what).map_err(|_| "it is busy with another reload or restart".to_owned())?;
        wait.recv_timeout(ANSWER).unwrap_or_else(|_| Err("no answer".into()))
    })
}

/// Where inputs of the engine go when its log belongs to another process.
pub(crate) struct Passing {
    pub(crate) control: PathBuf,
    pub(crate) counters: Arc<gateway::Counters>,
    /// The other process does not answer: what comes is counted as shed.
    pub(crate) gone: bool,
}

impl Passing {
    /// Gives events to the process that serves now; people are told to ask it themselves.
    pub(crate) fn pass(&mut self, input: Input) {
        match input {
            Input::Observed(batch) => {
                let sign_ins: Vec<_> = batch.iter().filter_map(|o| o.sign_in.as_ref().map(|s| s.event.clone())).collect();
                let judged: Vec<_> = batch.into_iter().map(|o| (o.event, o.finding)).collect();
                judged.chunks(EVENTS_MAX).for_each(|part| self.ask(&Ask::Judged { all: part.to_vec() }, part.len()));
                self.events(&sign_ins);
            }
            Input::Events(events) => self.events(&events),
            Input::Kept(events, receipt) => {
                self.events(&events);
                receipt.answer(!self.gone);
            }
            Input::Flush(done) | Input::Release(done) | Input::End(done) => drop(done.send(())),
            Input::Order(_, _, reply) => drop(reply.send(refused())),
            Input::Found(_) | Input::Never(_) => {}
        }
    }

    fn events(&mut self, events: &[event::Event]) {
        events.chunks(EVENTS_MAX).for_each(|part| self.ask(&Ask::Events { all: part.to_vec() }, part.len()));
    }

    fn ask(&mut self, ask: &Ask, records: usize) {
        let start = Instant::now();
        while !self.gone {
            if matches!(control::ask(&self.control, ask), Some(Reply::Kept)) {
                return;
            }
            self.gone = start.elapsed() > FIND;
            // Nobody listens there until the new process does.
            std::thread::sleep(Duration::from_millis(20));
        }
        self.counters.shed.fetch_add(records as u64, Ordering::Relaxed);
    }
}

fn refused() -> event::order::Answer {
    let why = "this process has handed over: ask again".to_owned();
    event::order::Answer { fault: Some(event::order::Fault::Failed(why)), ..event::order::Answer::default() }
}
