//! A running Bartizan: engine, gateway, console, sources and control socket over one data directory, until it is told to stop.
//!
//! `protect`, `watch --follow` and `demo` differ only in what they ask for here.

use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use console::{About, ModelState, Site, SourceState};
use detect::Knowledge;
use detect::web::request::Inspector;
use event::response::Mode;
use incident::Never;
use tokio::sync::{mpsc, watch};

use crate::checkpoint::{Checkpoints, Pace};
use crate::cli::fail::{Exit, Fail};
use crate::cli::out;
use crate::control::{self, Control};
use crate::engine::{Engine, Input, Shared};
use crate::geo::Places;
use crate::logins::Logins;
use crate::pipeline::Pipeline;
use crate::points::Points;
use crate::{clock, paths, recall};

pub struct Wanted {
    pub data_dir: PathBuf,
    pub demo: bool,
    pub enforce: bool,
    pub console: Option<console::Config>,
    pub gateway: Option<GatewayWanted>,
    pub never: Never,
    /// The packet filter, when it was asked for.
    pub nftables: Option<respond::NftablesConfig>,
    pub knowledge: Knowledge,
    pub forecaster: Option<incident::Forecaster>,
    pub models: Vec<ModelState>,
    /// `--content`, for taking up a model again.
    pub content: Option<PathBuf>,
}

pub struct GatewayWanted {
    pub config: gateway::Config,
    pub inspect: bool,
    /// How sign-ins of the application look; none: recognised.
    pub logins: Vec<detect::web::login::form::Form>,
    pub ndjson: Option<PathBuf>,
    /// How often somebody looks whether the model still sees what it saw before.
    pub drift_every: Duration,
}

/// What the console says about the program; sources write their lines into it.
pub struct Board {
    start: Instant,
    pub sources: Mutex<Vec<SourceState>>,
    /// Counters of what is being read, by name: for metrics.
    taps: Mutex<Vec<(String, Arc<source::Counters>)>>,
    site: Option<Site>,
    counters: Arc<gateway::Counters>,
    models: Vec<ModelState>,
    rules: u32,
    demo: bool,
    shared: Shared,
    frameworks: Arc<Vec<console::FrameworkState>>,
}

pub struct Service {
    runtime: Option<tokio::runtime::Runtime>,
    engine: Option<(SyncSender<Input>, JoinHandle<Engine>)>,
    _control: Option<Control>,
    /// While it is held somebody looks for drifts.
    drifts: Option<std::sync::mpsc::Sender<()>>,
    stop: watch::Sender<bool>,
    pub board: Arc<Board>,
    pub log: store::Log,
    pub shared: Shared,
    pub console_link: Option<String>,
    pub gateway_addr: Option<std::net::SocketAddr>,
}

impl Service {
    pub fn start(wanted: Wanted) -> Result<Service, Fail> {
        check_mark(&wanted)?;
        let (writer, log) =
            store::open(&wanted.data_dir, store::Options::default()).map_err(|e| crate::cli::cannot_open(&wanted.data_dir, &e))?;
        let inspector = Arc::new(ArcSwap::from_pointee(Inspector::new(&wanted.knowledge)));
        let (places, unplaced) = Places::kept(&wanted.data_dir);
        unplaced.iter().for_each(out::note);
        let logins = wanted.gateway.is_some().then(|| Arc::new(Logins::new(&wanted.knowledge, places.clone())));
        let mode = if wanted.enforce { Mode::Enforce } else { Mode::Monitor };
        let shards = std::thread::available_parallelism().map_or(2, usize::from);
        let mut pipeline = Pipeline::new(&wanted.knowledge, shards, wanted.never.clone(), mode);
        let (checkpoints, taken_up) = Checkpoints::open(&wanted.data_dir, Pace::default(), &mut pipeline, log.end());
        let from = taken_up.unwrap_or_else(|| Checkpoints::without(log.end()));
        let known = recall::sign_ins(&log, from);
        logins.iter().for_each(|logins| logins.learn(&known));
        if taken_up.is_none() {
            // One that did not fit may have been taken up in part.
            pipeline = Pipeline::new(&wanted.knowledge, shards, wanted.never, mode);
            pipeline.shards.recall(&known);
        }
        drop(known);
        let shared = Shared {
            places,
            logins: logins.clone(),
            models: Some((wanted.data_dir.join("models"), reload(wanted.content.clone(), wanted.data_dir.clone(), Arc::clone(&inspector)))),
            ..Shared::new(wanted.enforce)
        };
        let pipeline = pipeline.foreseeing(wanted.forecaster);
        let points = Points { nftables: wanted.nftables, data_dir: wanted.data_dir.clone() };
        let engine = Engine::open(pipeline, writer, shared.clone(), &points, clock::now())?.from(checkpoints, from, clock::now())?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|e| Fail::new("E0605", format!("cannot start the runtime: {e}")))?;
        let (stop, stopped) = watch::channel(false);

        let counters = Arc::new(gateway::Counters::default());
        let mut site = None;
        let bound_gateway = match wanted.gateway {
            Some(asked) => {
                let bound = runtime
                    .block_on(gateway::bind(&asked.config))
                    .map_err(|e| Fail::new("E0202", e.to_string()).fix("choose another address with --listen"))?;
                let addr = bound.local_addr();
                site = Some(Site {
                    name: asked.config.site.clone(),
                    listen: addr.to_string(),
                    upstream: asked.config.upstream.to_string(),
                    ..Site::default()
                });
                Some((bound, asked, addr))
            }
            None => None,
        };
        let bound_console = match &wanted.console {
            Some(config) => Some(runtime.block_on(console::bind(config)).map_err(|e| console_fail(&e))?),
            None => None,
        };
        let gateway_addr = bound_gateway.as_ref().map(|(_, _, addr)| *addr);
        let (send, thread) = engine.start();
        let board = Arc::new(Board {
            start: Instant::now(),
            sources: Mutex::new(Vec::new()),
            taps: Mutex::new(Vec::new()),
            site,
            counters: Arc::clone(&counters),
            models: wanted.models,
            rules: u32::try_from(wanted.knowledge.web_rules.rules().len()).unwrap_or(u32::MAX),
            demo: wanted.demo,
            shared: shared.clone(),
            frameworks: Arc::new(if wanted.console.is_some() { framework_states(&wanted.knowledge.posture) } else { Vec::new() }),
        });

        let mut drifts = None;
        if let Some((bound, asked, _)) = bound_gateway {
            let (observed, received) = mpsc::channel(8_192);
            forward_observed(received, send.clone(), asked.ndjson)?;
            let inspector = asked.inspect.then_some(inspector);
            let (kept, ended) = std::sync::mpsc::channel();
            drifts = Some(kept);
            crate::drift::watch(log.clone(), wanted.data_dir.join("models"), send.clone(), asked.drift_every, ended);
            let links = gateway::Links {
                decisions: Arc::clone(&shared.decisions),
                inspector,
                logins: logins
                    .filter(|_| asked.inspect)
                    .map(|logins| gateway::Logins { forms: asked.logins, ask: Arc::new(move |event| logins.ask(event)) }),
                enforce: Arc::clone(&shared.enforce),
                out: observed,
                now: clock::now,
                counters,
            };
            let stopped = stopped.clone();
            runtime.spawn(async move { bound.serve(links, until(stopped)).await });
        }
        let mut console_link = None;
        let mut one_time = None;
        if let Some(bound) = bound_console {
            console_link = Some(bound.link());
            one_time = Some(bound.one_time());
            let (orders, received) = mpsc::channel(64);
            forward_orders(received, send.clone());
            let about = Arc::clone(&board);
            let links = console::Links {
                log: log.clone(),
                live: shared.live.clone(),
                orders,
                now: clock::now,
                about: Arc::new(move || about.about()),
                check: crate::checking::checker(wanted.knowledge.clone(), send.clone()),
            };
            let stopped = stopped;
            runtime.spawn(async move {
                if let Err(error) = bound.serve(links, until(stopped)).await {
                    out::note(format!("the console stopped: {error}"));
                }
            });
        }
        let make_link: control::MakeLink = Box::new(move || {
            let one_time = one_time.as_ref().ok_or_else(|| "this bartizan runs without a console".to_owned())?;
            let url = one_time.link();
            Ok((url, clock::now().plus_s(900).to_string()))
        });
        let socket = paths::control_socket(&wanted.data_dir);
        let control = match control::listen(&socket, send.clone(), make_link) {
            Ok(control) => Some(control),
            Err(error) => {
                out::note(format!(
                    "no control socket at {}: {error}; undo and block from the command line do not reach this bartizan",
                    socket.display()
                ));
                None
            }
        };
        Ok(Service {
            runtime: Some(runtime),
            engine: Some((send, thread)),
            _control: control,
            drifts,
            stop,
            board,
            log,
            shared,
            console_link,
            gateway_addr,
        })
    }

    pub fn engine(&self) -> SyncSender<Input> {
        match &self.engine {
            Some((send, _)) => send.clone(),
            None => unreachable!("invariant: the engine runs until the service is stopped"),
        }
    }

    pub fn runtime(&self) -> &tokio::runtime::Handle {
        match &self.runtime {
            Some(runtime) => runtime.handle(),
            None => unreachable!("invariant: the runtime runs until the service is stopped"),
        }
    }

    /// For loops that end with the service.
    pub fn stopped(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// Waits for SIGINT or SIGTERM.
    pub fn wait(&self) {
        self.runtime().block_on(async {
            let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
            let term = async {
                match &mut term {
                    Ok(signal) => {
                        signal.recv().await;
                    }
                    Err(_) => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                () = term => {}
            }
        });
    }

    /// Ends the edges first, then the engine, so that what was accepted is on disk.
    pub fn stop(mut self) -> Exit {
        let _ = self.stop.send(true);
        if let Some((send, thread)) = self.engine.take() {
            let (done, wait) = std::sync::mpsc::sync_channel(1);
            let _ = send.send(Input::Flush(done));
            let _ = wait.recv_timeout(Duration::from_secs(5));
            drop(send);
            if let Some(runtime) = self.runtime.take() {
                runtime.shutdown_timeout(Duration::from_millis(1_500));
            }
            drop(self._control.take());
            drop(self.drifts.take());
            // The engine ends when the last sender is gone; a forwarding thread may hold one a moment longer.
            let start = Instant::now();
            while !thread.is_finished() && start.elapsed() < Duration::from_secs(1) {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        Exit::Fine
    }
}

/// Takes up the version of a model that now serves: the gateway judges the next request with it. Detectors of the engine's shards keep the
/// one that they were made with until the next start.
pub fn reload(content: Option<PathBuf>, data_dir: PathBuf, inspector: Arc<ArcSwap<Inspector>>) -> crate::engine::Reload {
    Arc::new(move |name| {
        let text = |fail: Fail| fail.to_string();
        let loaded = crate::knowledge::Content::serving(content.as_deref(), &data_dir).map_err(text)?;
        let (knowledge, said) = loaded.knowledge().map_err(text)?;
        if let Some(why) = said.iter().find(|line| line.contains(name)) {
            return Err(why.clone());
        }
        inspector.store(Arc::new(Inspector::new(&knowledge)));
        Ok(())
    })
}

async fn until(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}

fn console_fail(error: &console::Error) -> Fail {
    match error {
        console::Error::NotLoopback(_) => Fail::new("E0201", error.to_string().trim_start_matches("E0201 ").to_owned()),
        _ => Fail::new("E0202", error.to_string()).fix("choose another address with --console-listen"),
    }
}

/// Generated data and real data never share a directory.
fn check_mark(wanted: &Wanted) -> Result<(), Fail> {
    let dir = &wanted.data_dir;
    std::fs::create_dir_all(dir).map_err(|e| Fail::unreadable(dir, &e).fix("choose a folder that you may write with --data-dir"))?;
    let mark = paths::demo_mark(dir);
    let has_log = dir.join("log").exists();
    match (wanted.demo, mark.exists(), has_log) {
        (true, false, true) => {
            Err(Fail::new("E0203", format!("{} holds real data; the demo does not touch it", dir.display()))
                .fix("choose an empty --data-dir"))
        }
        (false, true, _) => Err(Fail::new("E0203", format!("{} holds demo data", dir.display())).fix("choose another --data-dir")),
        (true, false, false) => std::fs::write(&mark, "generated data of bartizan demo\n").map_err(|e| Fail::unreadable(&mark, &e)),
        _ => Ok(()),
    }
}

/// Requests that the gateway observed go to the engine in batches, and as lines to `--log-ndjson`.
fn forward_observed(
    mut received: mpsc::Receiver<gateway::Observed>,
    engine: SyncSender<Input>,
    ndjson: Option<PathBuf>,
) -> Result<(), Fail> {
    let mut file = match ndjson {
        Some(path) => {
            let open = std::fs::OpenOptions::new().create(true).append(true).open(&path);
            Some(std::io::BufWriter::new(open.map_err(|e| Fail::unreadable(&path, &e))?))
        }
        None => None,
    };
    let run = move || {
        loop {
            let mut batch = Vec::new();
            if received.blocking_recv_many(&mut batch, 4_096) == 0 {
                return;
            }
            if let Some(file) = &mut file {
                let written = batch.iter().try_for_each(|o| writeln!(file, "{}", gateway::ndjson::line(o))).and_then(|()| file.flush());
                if let Err(error) = written {
                    out::note(format!("the request log cannot be written: {error}"));
                }
            }
            if engine.send(Input::Observed(batch)).is_err() {
                return;
            }
        }
    };
    let started = std::thread::Builder::new().name("observed".into()).spawn(run);
    started.map(|_| ()).map_err(|e| Fail::new("E0605", format!("cannot start a thread: {e}")))
}

fn forward_orders(
    mut received: mpsc::Receiver<(event::order::What, event::Text, tokio::sync::oneshot::Sender<event::order::Answer>)>,
    engine: SyncSender<Input>,
) {
    let run = move || {
        while let Some((what, by, reply)) = received.blocking_recv() {
            if engine.send(Input::Order(what, by, reply)).is_err() {
                return;
            }
        }
    };
    if let Err(error) = std::thread::Builder::new().name("orders".into()).spawn(run) {
        out::note(format!("orders of the console are not carried out: {error}"));
    }
}

impl Board {
    fn about(&self) -> About {
        let count = |c: &std::sync::atomic::AtomicU64| c.load(Ordering::Relaxed);
        let site = self.site.clone().map(|mut site| {
            site.requests = count(&self.counters.requests);
            site.blocked = count(&self.counters.blocked);
            site.would_block = count(&self.counters.would_block);
            site.stepped_up = count(&self.counters.stepped_up);
            site.logins_refused = count(&self.counters.logins_refused);
            site
        });
        let refused: HashMap<event::Text, u64> =
            self.shared.decisions.load().iter().map(|d| (d.response.clone(), d.hits.load(Ordering::Relaxed))).collect();
        About {
            demo: self.demo,
            version: env!("CARGO_PKG_VERSION").into(),
            mode: if self.shared.enforce.load(Ordering::Relaxed) { "enforce" } else { "monitor" },
            sites: site.into_iter().collect(),
            sources: self.sources.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            models: self.models.clone(),
            rules: self.rules,
            rss_bytes: rss_bytes(),
            uptime_s: self.start.elapsed().as_secs(),
            shed: count(&self.counters.shed) + self.taps().iter().map(|(_, c)| count(&c.shed)).sum::<u64>(),
            refused,
            frameworks: Arc::clone(&self.frameworks),
        }
    }

    /// A source begins.
    pub fn tap(&self, name: &str, counters: &Arc<source::Counters>) {
        self.count(name, "", 0, 0, None);
        self.taps.lock().unwrap_or_else(PoisonError::into_inner).push((name.to_owned(), Arc::clone(counters)));
    }

    /// The counters of every source.
    pub fn taps(&self) -> Vec<(String, Arc<source::Counters>)> {
        self.taps.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Adds what a source has read; makes its line when it is new.
    pub fn count(&self, name: &str, format: &str, events: u64, undecoded: u64, last: Option<event::Time>) {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let at = sources.iter().position(|s| s.name == name).unwrap_or_else(|| {
            sources.push(SourceState { name: name.into(), format: format.into(), ..SourceState::default() });
            sources.len() - 1
        });
        let source = &mut sources[at];
        source.events += events;
        source.undecoded += undecoded;
        source.last_event = source.last_event.max(last);
        if !format.is_empty() {
            source.format = format.into();
        }
    }
}

/// Resident memory of this process.
pub fn rss_bytes() -> u64 {
    const PAGE_BYTES: u64 = 4096;
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * PAGE_BYTES
}

/// What of each framework the rules here look at.
fn framework_states(rules: &rule::posture::Rules) -> Vec<console::FrameworkState> {
    let state = |framework: &rule::posture::Framework| {
        let lines = rule::posture::report(framework, rules, &[], &std::collections::BTreeSet::new());
        let requirements = lines.into_iter().map(|l| console::RequirementState {
            id: l.requirement,
            rules: l.rules,
            without_rule: u32::try_from(l.without_rule.len()).unwrap_or(u32::MAX),
        });
        console::FrameworkState {
            id: framework.id.clone(),
            name: framework.name.clone(),
            source: framework.source.clone(),
            requirements: requirements.collect(),
        }
    };
    rules.frameworks().iter().map(state).collect()
}
