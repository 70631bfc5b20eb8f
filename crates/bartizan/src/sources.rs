//! Sources that stay: followed files, listeners, the journal. One thread each, supervised, counted and watched for silence.
//!
//! A source that names many senders (syslog) is read record by record; a file or the journal by the format of its first records.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};

use decode::{Choice, Format};
use event::{Body, Event};
use source::{Batch, Counters, Follow, Inherited, Locator, Opening, Source, Stdin};

use crate::cli::fail::{Exit, Fail};
use crate::cli::out;
use crate::clock;
use crate::engine::Input;
use crate::feed;
use crate::hand_over::Socket;
use crate::service::{Board, Service};

mod again;
mod silence;

use again::Again;

/// Before the name of a socket that is handed over.
const INHERITED: &str = "source ";

/// The sockets of sources among those that a process before this one had.
pub fn inherited(sockets: Vec<Socket>) -> Arc<Inherited> {
    let of_source = |Socket { name, socket }: Socket| Some((name.strip_prefix(INHERITED)?.to_owned(), socket));
    Arc::new(Inherited::new(sockets.into_iter().filter_map(of_source).collect()))
}

/// What is to be read, with its address taken.
pub struct Sources {
    all: Vec<Tap>,
    /// Followed.
    files: Vec<PathBuf>,
    folder: PathBuf,
}

struct Tap {
    source: Box<dyn Source + Send>,
    counters: Arc<Counters>,
    /// Each record by itself.
    mixed: bool,
}

/// Paths and the locators among them.
pub fn split(arguments: &[PathBuf]) -> Result<(Vec<PathBuf>, Vec<Locator>), Fail> {
    let (mut paths, mut locators) = (Vec::new(), Vec::new());
    for argument in arguments {
        match argument.to_str().and_then(Locator::parse) {
            None => paths.push(argument.clone()),
            Some(Ok(locator)) => locators.push(locator),
            Some(Err(error)) => return Err(fail(&error)),
        }
    }
    Ok((paths, locators))
}

impl Sources {
    /// Files are followed from where the log ended, or from their beginning. What can go wrong with an address, a certificate or a token goes wrong here.
    /// `inherited`: the listening sockets of the process before this one.
    pub fn open(paths: &[PathBuf], locators: &[Locator], data_dir: &Path, inherited: &Arc<Inherited>) -> Result<Sources, Fail> {
        let folder = data_dir.join("sources");
        let (mut all, mut files) = (Vec::new(), Vec::new());
        for locator in locators {
            let opening = Opening { counters: Arc::default(), folder: folder.clone(), inherited: Arc::clone(inherited) };
            let source = locator.open(&opening).map_err(|e| fail(&e))?;
            locator.warning().iter().for_each(out::note);
            all.push(Tap { source, counters: opening.counters, mixed: locator.listen().is_ok() });
        }
        for path in feed::list(paths)? {
            let source: Box<dyn Source + Send> =
                if path.as_os_str() == "-" { Box::new(Stdin::default()) } else { Box::new(Follow::remembering(&path, &folder)) };
            files.push(path);
            all.push(Tap { source, counters: Arc::default(), mixed: false });
        }
        Ok(Sources { all, files, folder })
    }

    /// Names, as they stand in the records.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|tap| tap.source.name())
    }

    /// Until the service stops.
    pub fn start(self, service: &Service, format: Format) -> Result<(), Fail> {
        let stop = Arc::new(AtomicBool::new(false));
        let mut stopped = service.stopped();
        {
            let stop = Arc::clone(&stop);
            service.runtime().spawn(async move {
                let _ = stopped.wait_for(|s| *s).await;
                stop.store(true, Ordering::Relaxed);
            });
        }
        let socket = |(name, socket)| Socket { name: format!("{INHERITED}{name}"), socket };
        service.keep(self.all.iter().filter_map(|tap| tap.source.socket()).map(socket).collect());
        let again = Arc::new(Mutex::new(Again::of(&service.log, &self.folder, &self.files)));
        let silence = silence::watch(self.folder.join("heard.json"), service.log.clone(), service.engine(), Arc::clone(&stop))?;
        for tap in self.all {
            let (engine, board, stop) = (service.engine(), Arc::clone(&service.board), Arc::clone(&stop));
            let silence = Arc::clone(&silence);
            let again = Arc::clone(&again);
            board.tap(tap.source.name(), &tap.counters);
            std::thread::Builder::new()
                .name("source".into())
                .spawn(move || tap.run(format, &engine, &board, &silence, &again, &stop))
                .map_err(|e| Fail::new("E0605", format!("cannot start a thread: {e}")))?;
        }
        Ok(())
    }
}

impl Tap {
    fn run(
        self,
        format: Format,
        engine: &SyncSender<Input>,
        board: &Board,
        silence: &Mutex<silence::Heard>,
        again: &Mutex<Again>,
        stop: &AtomicBool,
    ) {
        let Tap { mut source, counters, mixed } = self;
        let name = source.name().to_owned();
        let mut chosen = (mixed || !matches!(format, Format::Auto)).then(|| Choice::new(format, []));
        let mut out = |mut batch: Batch| {
            let choice = *chosen.get_or_insert_with(|| Choice::new(Format::Auto, batch.records().map(|r| r.bytes)));
            let now = clock::now();
            counters.take(&batch, now);
            let mut events = feed::decode(&batch, &choice, now, 1);
            again.lock().unwrap_or_else(PoisonError::into_inner).leave_out(&mut events, &board.shared.privacy);
            silence.lock().unwrap_or_else(PoisonError::into_inner).heard(&batch.source, now);
            count(board, &name, &choice, &counters, &events);
            let input = match batch.receipt.take() {
                Some(receipt) => Input::Kept(events, receipt),
                None => Input::Events(events),
            };
            if engine.send(input).is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let mut said = |error: &source::Error, wait: std::time::Duration| out::note(format!("{error}; again in {} s", wait.as_secs()));
        match source::supervise(source.as_mut(), &counters, &mut out, stop, &mut said) {
            Ok(done) => {
                if let Some(short) = done.short.filter(|short| *short != source::Short::Stopped) {
                    out::note(format!("{name}: {short}"));
                }
            }
            Err(error) => out::note(fail(&error).to_string()),
        }
    }
}

fn count(board: &Board, name: &str, choice: &Choice, counters: &Counters, events: &[Event]) {
    let undecoded = events.iter().filter(|e| matches!(e.body, Body::Undecoded { .. })).count() as u64;
    let latest = events.iter().map(|e| e.meta.time).max();
    counters.decoded(undecoded, latest);
    board.count(name, choice.name(), events.len() as u64, undecoded, latest);
}

/// The code and the exit of each.
pub fn fail(error: &source::Error) -> Fail {
    match error {
        source::Error::Locator { text, why, write } => {
            Fail::new("E0116", format!("{text}: {why}")).fix(format!("write for example {write}")).exit(Exit::Usage)
        }
        source::Error::Listen { .. } => Fail::new("E0202", error.to_string()).fix("choose another address, or end what has it"),
        source::Error::Tls { .. } => Fail::new("E0104", error.to_string()),
        source::Error::Absent { .. } => Fail::new("E0117", error.to_string()),
        _ => Fail::new("E0107", error.to_string()),
    }
}
