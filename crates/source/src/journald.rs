//! The journal of this machine, through `journalctl --follow --output=json`: no library of systemd is needed.
//!
//! Where it came to is remembered by the journal's own cursor: in memory for a child that ended, in a file for the next start. The file moves
//! on only when the engine has the records on disk, so that a crash repeats records and loses none. Without a cursor it begins now, or
//! where `since` says.
//!
//! Bounds:     a record 1 MiB (fields of any length are asked for, `--all`).
//! Ends:       when journalctl ends; the supervisor starts it again.

use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{fs, io};

use serde::Deserialize;

use crate::split::Splitter;
use crate::{Batch, Done, Error, Kind, Locator, Opening, Out, Receipt, Short, Source};

pub const JOURNALD: Kind = Kind {
    scheme: "journald",
    about: "the journal of this machine, from where the last run came to; since= (as journalctl has it), unit=, directory=",
    example: "journald:",
    options: &["unit", "since", "directory"],
    needs: &[],
    is_plain: false,
    encrypted: "journald",
    open: |at, opening| Ok(Box::new(Journald::open(at, opening)?)),
};

/// Of what journalctl says on its way out, this much is told.
const SAID_BYTES_MAX: u64 = 4 << 10;
const LOOK: Duration = Duration::from_millis(50);

pub struct Journald {
    name: Arc<str>,
    /// `journalctl`, or what stands in for it.
    pub program: PathBuf,
    arguments: Vec<String>,
    since: Option<String>,
    cursors: Arc<Cursors>,
}

/// How far the journal was read, and how far of that is on disk.
#[derive(Debug)]
struct Cursors {
    file: PathBuf,
    /// Handed over.
    read: Mutex<Option<String>>,
}

impl Journald {
    pub fn open(at: &Locator, opening: &Opening) -> Result<Journald, Error> {
        let arguments = ["unit", "directory"].iter().filter_map(|name| Some(format!("--{name}={}", at.option(name)?)));
        let file = opening.folder.join(format!("{}.cursor", event::short_id("journald", &[at.text().as_bytes()])));
        let kept = match fs::read_to_string(&file) {
            Ok(cursor) => Some(cursor.trim().to_owned()).filter(|cursor| !cursor.is_empty()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(Error::read(&file)(error)),
        };
        Ok(Journald {
            name: at.text().into(),
            program: "journalctl".into(),
            arguments: arguments.collect(),
            since: at.option("since").map(str::to_owned),
            cursors: Arc::new(Cursors { file, read: Mutex::new(kept) }),
        })
    }

    fn child(&self) -> Result<Child, Error> {
        let mut command = Command::new(&self.program);
        command.args(["--follow", "--output=json", "--all", "--no-pager"]).args(&self.arguments);
        let cursor = self.cursors.read.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match (cursor, &self.since) {
            // Follow shows the last ten lines only, unless it is told that they are not what is wanted.
            (Some(cursor), _) => command.arg(format!("--after-cursor={cursor}")).arg("--no-tail"),
            (None, Some(since)) => command.arg(format!("--since={since}")).arg("--no-tail"),
            (None, None) => command.arg("--lines=0"),
        };
        let started = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        started.map_err(|error| {
            let program = self.program.display().to_string();
            match error.kind() {
                io::ErrorKind::NotFound => {
                    Error::Absent { program, why: "the journal is read through it, install systemd or watch the log files".into() }
                }
                _ => Error::Absent { program, why: crate::error::plain(&error) },
            }
        })
    }

    /// Moves on in memory, and on disk when the engine says that the records are kept.
    fn moved(&self, batch: &Batch) -> Option<Receipt> {
        // A record that was cut is no JSON any more: the one before it says how far it is.
        let cursor = cursor(batch.records().filter(|record| record.cut_from.is_none()).last()?.bytes)?;
        *self.cursors.read.lock().unwrap_or_else(PoisonError::into_inner) = Some(cursor.clone());
        let cursors = Arc::clone(&self.cursors);
        Some(Receipt::new(move |kept| {
            if kept {
                // The next batch tries again; a start without it repeats records.
                let _ = write(&cursors.file, &cursor);
            }
        }))
    }
}

fn write(file: &Path, cursor: &str) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let new = file.with_extension("new");
    fs::write(&new, cursor)?;
    fs::rename(new, file)
}

fn cursor(record: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Entry {
        #[serde(rename = "__CURSOR")]
        cursor: String,
    }
    serde_json::from_slice::<Entry>(record).ok().map(|entry| entry.cursor)
}

impl Source for Journald {
    fn name(&self) -> &str {
        &self.name
    }

    fn run(&mut self, out: &mut Out<'_>, stop: &AtomicBool) -> Result<Done, Error> {
        let mut child = self.child()?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (Some(stdout), Some(stderr)) = (stdout, stderr) else { unreachable!("invariant: both were asked to be pipes") };
        let child = Mutex::new(child);
        let ended = AtomicBool::new(false);
        let (read, said) = std::thread::scope(|scope| {
            let (child, ended) = (&child, &ended);
            // A read of a pipe cannot be told to stop: its other end is.
            scope.spawn(move || {
                while !ended.load(Ordering::Relaxed) && !stop.load(Ordering::Relaxed) {
                    std::thread::sleep(LOOK);
                }
                let _ = child.lock().unwrap_or_else(PoisonError::into_inner).kill();
            });
            let said = scope.spawn(move || said(stderr));
            let read = self.read(stdout, out);
            ended.store(true, Ordering::Relaxed);
            (read, said.join().unwrap_or_default())
        });
        let status = child.into_inner().unwrap_or_else(PoisonError::into_inner).wait();
        let (mut done, told) = read.map_err(Error::read(&self.program))?;
        if told || stop.load(Ordering::Relaxed) {
            done.short = Some(Short::Stopped);
            return Ok(done);
        }
        let status = status.map_or_else(|e| e.to_string(), |status| status.to_string());
        Err(Error::Ended { program: self.program.display().to_string(), status, said })
    }
}

impl Journald {
    /// To the end of the pipe; whether `out` said that it is enough.
    fn read(&self, from: impl Read, out: &mut Out<'_>) -> io::Result<(Done, bool)> {
        let mut from = BufReader::new(from);
        let mut splitter = Splitter::new(Arc::clone(&self.name), None);
        splitter.resume(crate::gather::Numbers::start());
        while let Some(batch) = splitter.block(&mut from)? {
            let Some(mut batch) = batch else { continue };
            batch.receipt = self.moved(&batch);
            if splitter.hand(Some(batch), None, out).is_break() {
                return Ok((splitter.done, true));
            }
        }
        Ok((splitter.done, false))
    }
}

/// The last line of what a child says beside its output.
fn said(mut from: impl Read) -> String {
    let mut text = Vec::new();
    let _ = from.by_ref().take(SAID_BYTES_MAX).read_to_end(&mut text);
    let _ = io::copy(&mut from, &mut io::sink());
    let text = String::from_utf8_lossy(&text);
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned()
}
