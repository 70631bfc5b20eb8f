//! The control socket: how the command line reaches a running Bartizan on the same machine.
//!
//! One JSON object a line each way. The socket is open to its owner only, and whoever asks names itself for the trail.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;
use std::time::Duration;

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
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    Order(Answer),
    /// On disk, and judged.
    Kept,
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

/// Removes its socket when dropped.
pub struct Control {
    path: PathBuf,
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

pub type MakeLink = Box<dyn Fn() -> Result<(String, String), String> + Send + Sync>;

/// Listens until the process ends.
pub fn listen(path: &Path, engine: SyncSender<Input>, link: MakeLink) -> std::io::Result<Control> {
    let _ = std::fs::remove_file(path);
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    std::thread::Builder::new().name("control".into()).spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = serve(&stream, &engine, &link);
        }
    })?;
    Ok(Control { path: path.to_owned() })
}

fn serve(stream: &UnixStream, engine: &SyncSender<Input>, link: &MakeLink) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    BufReader::new(stream.take(LINE_BYTES_MAX)).read_line(&mut line)?;
    let reply = match serde_json::from_str::<Ask>(&line) {
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
        Err(error) => Reply::Error(format!("cannot read the order: {error}")),
    };
    let mut out = serde_json::to_vec(&reply)?;
    out.push(b'\n');
    (&mut &*stream).write_all(&out)
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
    let mut stream = UnixStream::connect(path).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut line = serde_json::to_vec(ask).ok()?;
    line.push(b'\n');
    stream.write_all(&line).ok()?;
    let mut reply = String::new();
    BufReader::new(stream).read_line(&mut reply).ok()?;
    Some(serde_json::from_str(&reply).unwrap_or_else(|e| Reply::Error(format!("cannot read the answer: {e}"))))
}
