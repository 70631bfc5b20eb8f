//! Looks every ten seconds whether a sender has become silent, tells it as a finding, and closes the incident when it speaks again.
//!
//! Who was heard how often is kept in a file, so that a restart neither forgets what is usual nor takes its own absence for silence.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use event::incident::Outcome;
use event::order::What;
use event::{Text, Time};
use source::silence::{Change, Silence, words};

use crate::cli::fail::Fail;
use crate::cli::out;
use crate::clock;
use crate::engine::Input;

const TICK: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(200);
/// Ticks between two writings of the file.
const KEEP: u32 = 6;

/// What the sources' threads write to and the ticking thread reads.
#[derive(Debug, Default)]
pub(super) struct Heard {
    silence: Silence,
    /// Not yet told to the engine.
    changes: Vec<Change>,
}

impl Heard {
    pub(super) fn heard(&mut self, name: &str, now: Time) {
        let change = self.silence.heard(name, now);
        self.changes.extend(change);
    }
}

/// Ticks until it is told to stop.
pub(super) fn watch(file: PathBuf, log: store::Log, engine: SyncSender<Input>, stop: Arc<AtomicBool>) -> Result<Arc<Mutex<Heard>>, Fail> {
    let heard = Arc::new(Mutex::new(Heard { silence: load(&file), changes: Vec::new() }));
    let shared = Arc::clone(&heard);
    let run = move || {
        let locked = || shared.lock().unwrap_or_else(PoisonError::into_inner);
        let mut ticks = 0_u32;
        while pause(TICK, &stop) {
            let changes = {
                let mut heard = locked();
                let mut changes = std::mem::take(&mut heard.changes);
                changes.extend(heard.silence.tick(clock::now()));
                changes
            };
            for change in changes {
                if tell(change, &log, &engine).is_err() {
                    return;
                }
            }
            ticks = ticks.wrapping_add(1);
            if ticks.is_multiple_of(KEEP) {
                keep(&file, &locked().silence);
            }
        }
        keep(&file, &locked().silence);
    };
    let started = std::thread::Builder::new().name("silence".into()).spawn(run);
    started.map_err(|e| Fail::new("E0605", format!("cannot start a thread: {e}")))?;
    Ok(heard)
}

fn tell(change: Change, log: &store::Log, engine: &SyncSender<Input>) -> Result<(), ()> {
    match change {
        Change::Silent(finding) => engine.send(Input::Found(vec![*finding])).map_err(drop),
        Change::Speaks { finding, name, silent_s } => {
            let Some(incident) = about(log, &finding) else { return Ok(()) };
            let note = format!("{name} speaks again after {}", words(silent_s));
            let what = What::Close { incident, outcome: Outcome::BenignButOdd, note };
            let (reply, _) = tokio::sync::oneshot::channel();
            engine.send(Input::Order(what, "bartizan".into(), reply)).map_err(drop)
        }
    }
}

/// The open incident that is about this silence and nothing else: what people or other detectors added to is not closed by a machine.
fn about(log: &store::Log, finding: &Text) -> Option<Text> {
    let filter = store::IncidentFilter { open: true, analytic: Some("source.silent".into()), ..store::IncidentFilter::default() };
    let open = log.incidents(&filter);
    let of = open.iter().find(|incident| incident.findings.contains(finding))?;
    let alone = of.stages.iter().all(|stage| stage.analytic == "source.silent");
    // A sender that was silent before in the same story: the latest silence ends it.
    let latest = of.findings.last() == Some(finding);
    (alone && latest).then(|| of.uid.clone())
}

fn load(file: &Path) -> Silence {
    match std::fs::read(file) {
        Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
            out::note(format!("{}: {error}; what is usual of the sources is learned anew", file.display()));
            Silence::default()
        }),
        Err(_) => Silence::default(),
    }
}

fn keep(file: &Path, silence: &Silence) {
    let new = file.with_extension("new");
    let kept = serde_json::to_vec(silence).map_err(std::io::Error::other).and_then(|bytes| {
        file.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        std::fs::write(&new, bytes)?;
        std::fs::rename(&new, file)
    });
    if let Err(error) = kept {
        out::note(format!("{} cannot be written: {error}", file.display()));
    }
}

/// False when told to stop.
fn pause(mut left: Duration, stop: &AtomicBool) -> bool {
    while !left.is_zero() && !stop.load(Ordering::Relaxed) {
        let part = left.min(LOOK);
        std::thread::sleep(part);
        left -= part;
    }
    !stop.load(Ordering::Relaxed)
}
