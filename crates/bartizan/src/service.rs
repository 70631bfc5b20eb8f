//! A running Bartizan: engine, gateway, console, sources and control socket over one data directory, until it is told to stop.
//!
//! `protect`, `watch --follow` and `demo` differ only in what they ask for here.

use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use console::{About, ModelState, Site, SourceState};
use detect::Knowledge;
use detect::web::request::Inspector;
use event::Text;
use event::order::What;
use event::response::Mode;
use incident::Never;
use tokio::signal::unix::{Signal, SignalKind};
use tokio::sync::{mpsc, watch};

use crate::checkpoint::{Checkpoints, Pace};
use crate::cli::fail::{Exit, Fail};
use crate::cli::out;
use crate::control::{self, Control};
use crate::engine::{Engine, Input, Shared};
use crate::figures::Filled;
use crate::geo::Places;
use crate::leaving::{Leaving, Passing, operate};
use crate::listeners::Listeners;
use crate::logins::Logins;
use crate::pipeline::Pipeline;
use crate::points::Points;
use crate::privacy::Privacy;
use crate::versions::Highest;
use crate::{clock, hand_over, metrics, paths, recall};

/// Requests between the gateway and the engine; beyond, they are answered and not recorded, which is counted.
const QUEUE: usize = 8_192;
/// Messages for open pages, as [`Shared::new`] makes the channel.
const LIVE: usize = 1_024;
/// What the engine has left at a stop: one step, a checkpoint, the sealing of a segment that it has begun.
const END: Duration = Duration::from_secs(30);

pub struct Wanted {
    pub operation: Operation,
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
    /// Who is told of incidents.
    pub channels: Option<Arc<crate::channels::Channels>>,
    /// `--content`, for taking up a model again.
    pub content: Option<PathBuf>,
}

/// What `bartizan run` asks for beside the parts.
#[derive(Clone, Default)]
pub struct Operation {
    pub metrics: Option<metrics::Wanted>,
    /// Whoever holds this service answers reloads and restarts.
    pub operated: bool,
    /// Take the listening sockets and the log over from the process that has them.
    pub take_over: bool,
    /// What of people is replaced; none: as the service of this data directory did last.
    pub privacy: Option<crate::privacy::Choice>,
    /// What goes from the log by itself.
    pub retention: Option<store::retain::Policy>,
}

/// What whoever holds the service is asked for.
pub enum Asked {
    /// SIGINT or SIGTERM.
    Stop,
    /// SIGHUP, or a person who waits for the answer.
    Reload(Option<Answer>),
    Restart(Answer),
    /// Another process serves; this one answers what it has begun.
    HandedOver,
    /// Another process got the sockets and did not come up.
    Orphaned,
}

/// What the kernel sends to a process that runs by configuration.
struct Signals {
    int: Signal,
    term: Signal,
    hup: Signal,
}

impl Signals {
    /// From now on none of them ends the process by itself.
    fn hear(runtime: &tokio::runtime::Runtime) -> std::io::Result<Signals> {
        let _entered = runtime.enter();
        let hear = tokio::signal::unix::signal;
        Ok(Signals { int: hear(SignalKind::interrupt())?, term: hear(SignalKind::terminate())?, hup: hear(SignalKind::hangup())? })
    }
}

pub type Answer = SyncSender<Result<String, String>>;

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
    pub(crate) counters: Arc<gateway::Counters>,
    models: Vec<ModelState>,
    rules: u32,
    demo: bool,
    pub(crate) shared: Shared,
    frameworks: Arc<Vec<console::FrameworkState>>,
    pub(crate) log: store::Log,
    /// Requests on their way to the engine, and open connections: bounds.
    queue: Option<mpsc::WeakSender<gateway::Observed>>,
    connections_max: u32,
    one_time: std::sync::OnceLock<console::OneTime>,
    /// The gateway accepts, when there is one.
    gateway_up: AtomicBool,
}

pub struct Service {
    runtime: Option<tokio::runtime::Runtime>,
    engine: Option<(SyncSender<Input>, JoinHandle<()>)>,
    control: Option<Control>,
    asked: mpsc::Receiver<Asked>,
    signals: Option<Signals>,
    leaving: Leaving,
    gateway_task: Option<tokio::task::JoinHandle<()>>,
    observed: Option<JoinHandle<()>>,
    /// While it is held somebody looks for drifts.
    drifts: Option<std::sync::mpsc::Sender<()>>,
    stop: watch::Sender<bool>,
    pub metrics_addr: Option<std::net::SocketAddr>,
    pub board: Arc<Board>,
    pub log: store::Log,
    pub shared: Shared,
    pub console_link: Option<String>,
    pub gateway_addr: Option<std::net::SocketAddr>,
    /// Listening sockets of the process before this one that are not its own.
    inherited: Vec<hand_over::Socket>,
}

impl Service {
    pub fn start(mut wanted: Wanted) -> Result<Service, Fail> {
        check_mark(&wanted)?;
        let (never, forecaster) = (std::mem::take(&mut wanted.never), wanted.forecaster.take());
        let operated = wanted.operation.operated;
        let control_socket = paths::control_socket(&wanted.data_dir);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|e| Fail::new("E0605", format!("cannot start the runtime: {e}")))?;
        let points = Points { nftables: wanted.nftables.clone(), data_dir: wanted.data_dir.clone() };
        let (mut taken, before) = match wanted.operation.take_over {
            true => take_over(&wanted, &runtime, &points)?,
            false => (None, None),
        };
        let log_options = store::Options { retention: wanted.operation.retention.clone(), ..store::Options::default() };
        let (writer, log) = store::open(&wanted.data_dir, log_options).map_err(|e| crate::cli::cannot_open(&wanted.data_dir, &e))?;
        let inspector = Arc::new(ArcSwap::from_pointee(Inspector::new(&wanted.knowledge)));
        let privacy = Arc::new(Privacy::open(wanted.operation.privacy.as_ref(), &wanted.data_dir)?);
        let (places, unplaced) = Places::kept(&wanted.data_dir);
        unplaced.iter().for_each(out::note);
        let logins = wanted.gateway.is_some().then(|| Arc::new(Logins::new(&wanted.knowledge, places.clone(), Arc::clone(&privacy))));
        let mode = if wanted.enforce { Mode::Enforce } else { Mode::Monitor };
        let shards = std::thread::available_parallelism().map_or(2, usize::from);
        let mut pipeline = Pipeline::new(&wanted.knowledge, shards, never.clone(), mode);
        let (checkpoints, taken_up) = Checkpoints::open(&wanted.data_dir, Pace::default(), &mut pipeline, log.end());
        let from = taken_up.unwrap_or_else(|| Checkpoints::without(log.end()));
        let known = recall::sign_ins(&log, from);
        logins.iter().for_each(|logins| logins.learn(&known));
        if taken_up.is_none() {
            // One that did not fit may have been taken up in part.
            pipeline = Pipeline::new(&wanted.knowledge, shards, never, mode);
            pipeline.shards.recall(&known);
        }
        drop(known);
        let shared = Shared {
            channels: wanted.channels.take(),
            places,
            privacy,
            logins: logins.clone(),
            models: Some((wanted.data_dir.join("models"), reload(wanted.content.clone(), wanted.data_dir.clone(), Arc::clone(&inspector)))),
            ..Shared::new(wanted.enforce)
        };
        let mut pipeline = pipeline.foreseeing(forecaster);
        pipeline.planner.follow(crate::knowledge::Content::serving(wanted.content.as_deref(), &wanted.data_dir)?.playbooks()?);
        let engine = Engine::open(pipeline, writer, shared.clone(), &points, clock::now())?.from(checkpoints, from, clock::now())?;
        let (stop, stopped) = watch::channel(false);

        let counters = Arc::new(gateway::Counters::default());
        let listeners = match before {
            Some(listeners) => listeners,
            None => Listeners::open(&wanted, &runtime, None)?,
        };
        let bound_gateway = listeners.gateway.zip(wanted.gateway).map(|(bound, asked)| {
            let addr = bound.local_addr();
            (bound, asked, addr)
        });
        let site = bound_gateway.as_ref().map(|(_, asked, addr)| Site {
            name: asked.config.site.clone(),
            listen: addr.to_string(),
            upstream: asked.config.upstream.to_string(),
            ..Site::default()
        });
        let bound_console = listeners.console;
        let bound_metrics = listeners.metrics.map(|bound| (bound, wanted.operation.metrics.and_then(|asked| asked.token)));
        let (observed, received) = mpsc::channel(QUEUE);
        let gateway_addr = bound_gateway.as_ref().map(|(_, _, addr)| *addr);
        let mut passing = Passing { control: control_socket.clone(), counters: Arc::clone(&counters), gone: false };
        let (send, thread) = engine.start(move |input| passing.pass(input));
        let (mut highest, unread) = Highest::read(&wanted.data_dir);
        unread.into_iter().chain(highest.note(&wanted.models).err()).for_each(out::note);
        take_up(&send, &wanted.models, mode)?;
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
            log: log.clone(),
            queue: bound_gateway.is_some().then(|| observed.downgrade()),
            connections_max: bound_gateway.as_ref().map_or(0, |(_, asked, _)| asked.config.limits.connections_max),
            one_time: std::sync::OnceLock::new(),
            gateway_up: AtomicBool::new(true),
        });
        let leaving = Leaving::default();

        let mut drifts = None;
        let (mut gateway_task, mut observed_thread) = (None, None);
        if let Some((bound, asked, _)) = bound_gateway {
            observed_thread = Some(forward_observed(received, send.clone(), asked.ndjson)?);
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
            let (stopped, leaving, board) = (stopped.clone(), leaving.clone(), Arc::clone(&board));
            gateway_task = Some(runtime.spawn(async move {
                let ending = async move {
                    until(stopped).await;
                    if leaving.is_handing_over() { gateway::Ending::HandOver } else { gateway::Ending::Stop }
                };
                bound.serve_until(links, ending).await;
                board.gateway_up.store(false, Ordering::Relaxed);
            }));
        } else {
            drop((observed, received));
        }
        let metrics_addr = bound_metrics.as_ref().and_then(|(bound, _)| bound.local_addr().ok());
        if let Some((bound, token)) = bound_metrics {
            let (ready, page) = (Arc::clone(&board), Arc::clone(&board));
            let ask = metrics::Ask { ready: Arc::new(move || !ready.about().failed), page: Arc::new(move || metrics::page(&page)) };
            runtime.spawn(metrics::serve(bound, token, ask, until(stopped.clone())));
        }
        let mut console_link = None;
        let mut one_time = None;
        if let Some(bound) = bound_console {
            console_link = Some(bound.link());
            one_time = Some(bound.one_time());
            let _ = board.one_time.set(bound.one_time());
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
        let (ask, asked) = mpsc::channel(4);
        leaving.keep(listeners.sockets);
        let hooks = control::Hooks {
            link: make_link,
            operate: operate(ask.clone(), operated),
            give: leaving.give(send.clone(), stop.clone(), ask, control_socket.clone()),
        };
        let control = match control::listen(&control_socket, send.clone(), hooks) {
            Ok(control) => Some(control),
            Err(error) => {
                out::note(format!(
                    "no control socket at {}: {error}; undo and block from the command line do not reach this bartizan",
                    control_socket.display()
                ));
                None
            }
        };
        let signals =
            operated.then(|| Signals::hear(&runtime)).transpose().map_err(|e| Fail::new("E0605", format!("cannot hear signals: {e}")))?;
        let inherited = taken.as_mut().map(hand_over::Taken::rest).unwrap_or_default();
        if let Some(Err(error)) = taken.map(hand_over::Taken::ready) {
            out::note(format!("the process before this one is not told that this one serves: {error}"));
        }
        Ok(Service {
            runtime: Some(runtime),
            engine: Some((send, thread)),
            control,
            asked,
            signals,
            leaving,
            gateway_task,
            observed: observed_thread,
            metrics_addr,
            drifts,
            stop,
            board,
            log,
            shared,
            console_link,
            gateway_addr,
            inherited,
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

    /// The listening sockets of the process before this one that are left, once.
    pub fn inherited(&mut self) -> Vec<hand_over::Socket> {
        std::mem::take(&mut self.inherited)
    }

    /// Further sockets for the process after this one.
    pub fn keep(&self, sockets: Vec<hand_over::Socket>) {
        self.leaving.keep(sockets);
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

    /// Waits for a signal, or for what somebody asks through the control socket.
    pub fn next_asked(&mut self) -> Asked {
        let (Some(runtime), Some(signals)) = (&self.runtime, &mut self.signals) else { return Asked::Stop };
        let asked = &mut self.asked;
        runtime.block_on(async {
            tokio::select! {
                _ = signals.int.recv() => Asked::Stop,
                _ = signals.term.recv() => Asked::Stop,
                _ = signals.hup.recv() => Asked::Reload(None),
                Some(asked) = asked.recv() => asked,
            }
        })
    }

    /// While it is true, a new process that asks gets the sockets.
    pub fn successor_expected(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.leaving.expected)
    }

    /// After a hand-over: answers what was begun, gives its records to the process that serves now, and ends.
    pub fn drain(mut self) -> Exit {
        if let (Some(runtime), Some(task)) = (&self.runtime, self.gateway_task.take()) {
            let _ = runtime.block_on(async { tokio::time::timeout(gateway::DRAIN + Duration::from_secs(5), task).await });
        }
        if let Some(observed) = self.observed.take() {
            let _ = observed.join();
        }
        // Everything before it was passed on.
        if let Some((send, _)) = &self.engine {
            let (done, wait) = std::sync::mpsc::sync_channel(1);
            let _ = send.send(Input::Flush(done));
            let _ = wait.recv_timeout(gateway::DRAIN);
        }
        self.control.iter().for_each(Control::settle);
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_millis(500));
        }
        Exit::Fine
    }

    /// Ends the edges first, then the engine, so that what was accepted is on disk.
    pub fn stop(mut self) -> Exit {
        let _ = self.stop.send(true);
        // Nobody waits in a queue that nobody will serve.
        self.leaving.keep(Vec::new());
        if let Some((send, thread)) = self.engine.take() {
            let (done, wait) = std::sync::mpsc::sync_channel(1);
            let _ = send.send(Input::Flush(done));
            let _ = wait.recv_timeout(Duration::from_secs(5));
            self.shared.stopping.store(true, Ordering::Relaxed);
            if let Some(runtime) = self.runtime.take() {
                runtime.shutdown_timeout(Duration::from_millis(1_500));
            }
            drop(self.control.take());
            drop(self.drifts.take());
            // Not left to the last sender: forwarding threads hold some.
            let (done, wait) = std::sync::mpsc::sync_channel(1);
            let ended = send.send(Input::End(done)).is_err() || wait.recv_timeout(END).is_ok();
            if !ended {
                out::note(format!("the log was not brought to an end within {} s; the next start does it", END.as_secs()));
                return Exit::CouldNot;
            }
            drop((send, thread));
        }
        Exit::Fine
    }
}

/// What decides from now on goes into the log before anything is decided.
fn take_up(engine: &SyncSender<Input>, models: &[ModelState], mode: Mode) -> Result<(), Fail> {
    let mode = if mode == Mode::Enforce { "enforce" } else { "monitor" };
    let program = What::TakeUp {
        thing: "program".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        sha256: Text::default(),
        text: format!("started in {mode} mode"),
        refused: false,
    };
    let model = |model: &ModelState| What::TakeUp {
        thing: format!("model {}", model.name).as_str().into(),
        version: model.version.as_str().into(),
        sha256: model.digest.as_str().into(),
        text: if model.signed { String::new() } else { model.thresholds.clone() },
        refused: !model.signed,
    };
    for what in std::iter::once(program).chain(models.iter().map(model)) {
        let (reply, _) = tokio::sync::oneshot::channel();
        engine.send(Input::Order(what, "bartizan".into(), reply)).map_err(|_| Fail::new("E0606", "the engine stopped"))?;
    }
    Ok(())
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

/// The sockets of the process before this one, and its log. Whatever of this process can fail is tried before the other one gives its log away.
fn take_over(
    wanted: &Wanted,
    runtime: &tokio::runtime::Runtime,
    points: &Points,
) -> Result<(Option<hand_over::Taken>, Option<Listeners>), Fail> {
    let failed = |e: std::io::Error| Fail::new("E0608", format!("cannot take over: {e}"));
    let mut taken = hand_over::take(&paths::control_socket(&wanted.data_dir), b"\"take_over\"\n").map_err(failed)?;
    let listeners = Listeners::open(wanted, runtime, Some(&mut taken))?;
    points.check()?;
    taken.release().map_err(failed)?;
    Ok((Some(taken), Some(listeners)))
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
) -> Result<JoinHandle<()>, Fail> {
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
    started.map_err(|e| Fail::new("E0605", format!("cannot start a thread: {e}")))
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
    pub(crate) fn about(&self) -> About {
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
            failed: !(self.shared.figures.is_well(clock::now()) && self.gateway_up.load(Ordering::Relaxed)),
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

    /// Everything that grows, with its bound.
    pub(crate) fn filled(&self) -> Vec<Filled> {
        let mut all = self.shared.figures.filled();
        let mut add = |what: &str, now: usize, max: usize| all.push(Filled { what: what.into(), now: now as u64, max: max as u64 });
        add("decisions", self.shared.decisions.load().len(), event::decision::DECISIONS_MAX);
        if let Some(queue) = &self.queue {
            let free = queue.upgrade().map_or(QUEUE, |queue| queue.capacity());
            add("gateway queue", QUEUE - free, QUEUE);
            let open = self.counters.connections.load(Ordering::Relaxed);
            let limited = self.counters.limited_entities.load(Ordering::Relaxed);
            add("limited entities", usize::try_from(limited).unwrap_or(usize::MAX), gateway::BUCKETS_MAX);
            add("gateway connections", usize::try_from(open).unwrap_or(usize::MAX), self.connections_max as usize);
        }
        for (what, now, max) in self.one_time.get().into_iter().flat_map(console::OneTime::filled) {
            add(what, now, max);
        }
        add("live messages", self.shared.live.len(), LIVE);
        all
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
