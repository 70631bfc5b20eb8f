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
    /// A one-time link to the console.
    Link,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    Order(Answer),
    Link { url: String, expires: String },
    Error(String),
}

/// An ask is at most this long.
const LINE_BYTES_MAX: u64 = 64 << 10;
const PATIENCE: Duration = Duration::from_secs(10);

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
        Ok(Ask::Link) => link().map_or_else(Reply::Error, |(url, expires)| Reply::Link { url, expires }),
        Err(error) => Reply::Error(format!("cannot read the order: {error}")),
    };
    let mut out = serde_json::to_vec(&reply)?;
    out.push(b'\n');
    (&mut &*stream).write_all(&out)
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
