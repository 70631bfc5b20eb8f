//! The start of the process that takes over, and what becomes of it.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::cli::out;
use crate::service::{Answer, Service};

/// For rules and models to be read, before the sockets change hands.
const COME_UP: Duration = Duration::from_secs(120);

/// The process that was started.
#[derive(Clone)]
pub(super) struct Successor {
    pub(super) pid: u32,
    answer: Answer,
    serves: Arc<AtomicBool>,
    expected: Arc<AtomicBool>,
    ended: Arc<AtomicBool>,
}

impl Successor {
    /// It has neither ended nor taken over yet.
    pub(super) fn is_coming(&self) -> bool {
        !self.ended.load(Ordering::Relaxed)
    }

    /// Tells whoever waits.
    pub(super) fn serves(self) {
        self.serves.store(true, Ordering::Relaxed);
        let text = format!("process {} serves now; this one answers what it has begun", self.pid);
        out::note(&text);
        let _ = self.answer.send(Ok(text));
    }
}

/// Starts the same program with the same arguments. Should it end before it serves, this process goes on as if nothing had been.
pub(super) fn begin(service: &Service, program: Option<&PathBuf>, answer: Answer) -> Option<Successor> {
    let Some(program) = program else {
        let _ = answer.send(Err("it is not known which file this program was started from".into()));
        return None;
    };
    let own = std::env::args_os().skip(1).filter(|arg| arg != "--take-over");
    let expected = service.successor_expected();
    expected.store(true, Ordering::Relaxed);
    match Command::new(program).args(own).arg("--take-over").stdin(Stdio::null()).spawn() {
        Ok(child) => {
            let pid = child.id();
            let successor = Successor { pid, answer, serves: Arc::default(), expected, ended: Arc::default() };
            watch(child, successor.clone());
            Some(successor)
        }
        Err(error) => {
            expected.store(false, Ordering::Relaxed);
            let _ = answer.send(Err(format!("cannot start {}: {error}", program.display())));
            None
        }
    }
}

fn watch(mut child: Child, successor: Successor) {
    let run = move || {
        let start = Instant::now();
        while !successor.serves.load(Ordering::Relaxed) {
            match child.try_wait() {
                Ok(None) if start.elapsed() < COME_UP => std::thread::sleep(Duration::from_millis(50)),
                Ok(None) => {
                    let _ = child.kill();
                }
                Ok(Some(status)) => {
                    successor.expected.store(false, Ordering::Relaxed);
                    successor.ended.store(true, Ordering::Relaxed);
                    let why = format!("the new process did not come up ({status}), see what it said; this one goes on");
                    out::note(format!("E0609 {why}"));
                    let _ = successor.answer.send(Err(why));
                    return;
                }
                Err(_) => return,
            }
        }
    };
    if let Err(error) = std::thread::Builder::new().name("successor".into()).spawn(run) {
        out::note(format!("nobody watches the new process: {error}"));
    }
}
