//! The control socket: how the command line reaches a running Bartizan on the same machine.
//!
//! One JSON object a line each way. The socket is open to its owner only, and whoever asks names itself for the trail.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use event::order::{Answer, What};
use event::{Event, Finding};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::engine::Input;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    Order {
        what: What,
        by: String,
    },
    /// Things judged at the command line, with what was found in them.
    Judged {
        all: Vec<(Event, Option<Box<Finding>>)>,
    },
    /// Activities, as a source brings them.
    Events {
        all: Vec<Event>,
    },
    /// A one-time link to the console.
    Link,
    /// The configuration is read anew.
    Reload,
    /// A new process takes over; answered when it serves.
    Restart,
    /// The new process wants the listening sockets.
    TakeOver,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    Order(Answer),
    /// On disk, and judged.
    Kept,
    /// A reload or restart, in words.
    Done(String),
    Link {
        url: String,
        expires: String,
    },
    Error(String),
}

/// An ask is at most this long; the socket is open to the owner only.
const LINE_BYTES_MAX: u64 = 64 << 20;
/// Events in one ask: with their raw bytes they stay far below the length of a line.
pub const EVENTS_MAX: usize = 256;
const PATIENCE: Duration = Duration::from_secs(30);

/// Removes its socket when dropped, unless another process has put its own there.
pub struct Control {
    path: PathBuf,
    inode: u64,
    /// Reloads and restarts that somebody waits for.
    waiting: Arc<AtomicUsize>,
}

impl Control {
    /// Gives those who wait a moment to get their answers.
    pub fn settle(&self) {
        let start = Instant::now();
        while self.waiting.load(Ordering::Acquire) > 0 && start.elapsed() < Duration::from_secs(2) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        if std::fs::metadata(&self.path).is_ok_and(|facts| facts.ino() == self.inode) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

pub type MakeLink = Box<dyn Fn() -> Result<(String, String), String> + Send + Sync>;
/// Reload and restart, answered by whoever runs the service.
pub type Operate = Box<dyn Fn(&Ask) -> Result<String, String> + Send + Sync>;
/// Gives the listening sockets away, through the stream of who asks.
pub type Give = Box<dyn Fn(&UnixStream) -> Result<(), String> + Send + Sync>;

/// Who answers what the engine does not.
pub struct Hooks {
    pub link: MakeLink,
    pub operate: Operate,
    pub give: Give,
}

/// Listens until the process ends.
pub fn listen(path: &Path, engine: SyncSender<Input>, hooks: Hooks) -> std::io::Result<Control> {
    let _ = std::fs::remove_file(path);
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    let inode = std::fs::metadata(path)?.ino();
    let waiting = Arc::new(AtomicUsize::new(0));
    let open = Arc::clone(&waiting);
    std::thread::Builder::new().name("control".into()).spawn(move || {
        let hooks = Arc::new(hooks);
        for stream in listener.incoming().flatten() {
            let (Ok(ask), Ok(again)) = (read(&stream), stream.try_clone()) else { continue };
            match ask {
                // These wait for another process, which asks here as well.
                Ok(ask @ (Ask::Reload | Ask::Restart | Ask::TakeOver)) => {
                    let (hooks, open) = (Arc::clone(&hooks), Arc::clone(&open));
                    open.fetch_add(1, Ordering::AcqRel);
                    let run = move || {
                        operate(&again, &ask, &hooks);
                        open.fetch_sub(1, Ordering::AcqRel);
                    };
                    let _ = std::thread::Builder::new().name("operate".into()).spawn(run);
                }
                ask => drop(serve(&stream, ask, &engine, &hooks.link)),
            }
        }
    })?;
    Ok(Control { path: path.to_owned(), inode, waiting })
}

fn read(stream: &UnixStream) -> std::io::Result<Result<Ask, serde_json::Error>> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    BufReader::new(stream.take(LINE_BYTES_MAX)).read_line(&mut line)?;
    Ok(serde_json::from_str(&line))
}

fn operate(stream: &UnixStream, ask: &Ask, hooks: &Hooks) {
    let reply = match ask {
        Ask::TakeOver => match (hooks.give)(stream) {
            Ok(()) => return,
            Err(why) => Reply::Error(why),
        },
        ask => (hooks.operate)(ask).map_or_else(Reply::Error, Reply::Done),
    };
    let _ = answer(stream, &reply);
}

fn answer(mut stream: &UnixStream, reply: &Reply) -> std::io::Result<()> {
    let mut out = serde_json::to_vec(reply)?;
    out.push(b'\n');
    stream.write_all(&out)
}

fn serve(stream: &UnixStream, ask: Result<Ask, serde_json::Error>, engine: &SyncSender<Input>, link: &MakeLink) -> std::io::Result<()> {
    let reply = match ask {
        Ok(Ask::Order { what, by }) => {
            let (send, receive) = oneshot::channel();
            match engine.send(Input::Order(what, by.as_str().into(), send)) {
                Ok(()) => receive.blocking_recv().map_or_else(|e| Reply::Error(e.to_string()), Reply::Order),
                Err(_) => Reply::Error("stopping".into()),
            }
        }
        Ok(Ask::Judged { all }) => {
            let observed = |(event, finding)| gateway::Observed::new(event, finding);
            kept(engine, Input::Observed(all.into_iter().map(observed).collect()))
        }
        Ok(Ask::Events { all }) => kept(engine, Input::Events(all)),
        Ok(Ask::Link) => link().map_or_else(Reply::Error, |(url, expires)| Reply::Link { url, expires }),
        Ok(Ask::Reload | Ask::Restart | Ask::TakeOver) => Reply::Error("not here".into()),
        Err(error) => Reply::Error(format!("cannot read the order: {error}")),
    };
    answer(stream, &reply)
}

/// Hands it to the engine and waits until it is on disk.
fn kept(engine: &SyncSender<Input>, input: Input) -> Reply {
    let (done, wait) = std::sync::mpsc::sync_channel(1);
    let sent = engine.send(input).is_ok() && engine.send(Input::Flush(done)).is_ok();
    if sent && wait.recv().is_ok() { Reply::Kept } else { Reply::Error("stopping".into()) }
}

/// A Bartizan that runs listens there.
pub fn is_up(path: &Path) -> bool {
    UnixStream::connect(path).is_ok()
}

/// `None` when nobody listens there.
pub fn ask(path: &Path, ask: &Ask) -> Option<Reply> {
    ask_for(path, ask, PATIENCE)
}

/// As [`ask`], for what takes longer.
pub fn ask_for(path: &Path, ask: &Ask, patience: Duration) -> Option<Reply> {
    let mut stream = UnixStream::connect(path).ok()?;
    stream.set_read_timeout(Some(patience)).ok()?;
    let mut line = serde_json::to_vec(ask).ok()?;
    line.push(b'\n');
    stream.write_all(&line).ok()?;
    let mut reply = String::new();
    BufReader::new(stream).read_line(&mut reply).ok()?;
    Some(serde_json::from_str(&reply).unwrap_or_else(|e| Reply::Error(format!("cannot read the answer: {e}"))))
}
