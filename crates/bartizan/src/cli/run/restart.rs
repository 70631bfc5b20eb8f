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
pub(super) struct Successor {
    pub(super) pid: u32,
    answer: Answer,
    serves: Arc<AtomicBool>,
}

impl Successor {
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
    service.expect_successor(true);
    match Command::new(program).args(own).arg("--take-over").stdin(Stdio::null()).spawn() {
        Ok(child) => {
            let pid = child.id();
            let serves = Arc::new(AtomicBool::new(false));
            watch(child, Arc::clone(&serves), answer.clone());
            Some(Successor { pid, answer, serves })
        }
        Err(error) => {
            service.expect_successor(false);
            let _ = answer.send(Err(format!("cannot start {}: {error}", program.display())));
            None
        }
    }
}

fn watch(mut child: Child, serves: Arc<AtomicBool>, answer: Answer) {
    let run = move || {
        let start = Instant::now();
        while !serves.load(Ordering::Relaxed) {
            match child.try_wait() {
                Ok(None) if start.elapsed() < COME_UP => std::thread::sleep(Duration::from_millis(50)),
                Ok(None) => {
                    let _ = child.kill();
                }
                Ok(Some(status)) => {
                    let why = format!("the new process did not come up ({status}), see what it said; this one goes on");
                    out::note(format!("E0609 {why}"));
                    let _ = answer.send(Err(why));
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
