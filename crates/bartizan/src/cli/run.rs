//! `run`: everything that the configuration asks for, until it is told to stop; a reload and a restart on the way.

use std::sync::Arc;

use clap::Args;

use super::fail::{Exit, Fail};
use super::{Global, out};
use crate::config::section::gateway::Gateway;
use crate::config::section::metrics::Metrics;
use crate::config::{Config, Loaded};
use crate::knowledge::Content;
use crate::service::{Asked, GatewayWanted, Operation, Service, Wanted};
use crate::sources::{self, Sources};
use crate::tls::Certificate;
use crate::{metrics, systemd};

mod reload;
mod restart;

/// Run what the configuration asks for
///
/// Without a configuration: the console, on loopback. `bartizan config schema --example` prints a file to start from.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  bartizan run\n  bartizan run --config bartizan.toml\n\nSIGHUP and `bartizan config reload` read the configuration anew; `bartizan restart` starts the program anew and drops no connection.\n\nExit codes: 0 stopped by SIGINT or SIGTERM, or another process took over; 3 could not start."
)]
pub(super) struct Run {
    /// Take the listening sockets and the log over from the process that has them, as `bartizan restart` asks for
    #[arg(long, hide = true)]
    take_over: bool,
}

/// What is in force.
struct Running {
    place: crate::config::Place,
    loaded: Loaded,
    certificate: Option<Arc<Certificate>>,
}

pub(super) fn run(args: &Run, global: &Global) -> Result<Exit, Fail> {
    // Asked now: afterwards the file may have been replaced.
    let program = std::env::current_exe();
    let place = super::config::place(global);
    let loaded = place.load().map_err(|faults| super::config::fail(&faults))?;
    let config = &loaded.config;
    out::speak(config.diagnostics);
    let certificate = match config.gateway.as_ref().and_then(|gateway| gateway.tls.as_ref()) {
        Some((cert, key)) => Some(Arc::new(Certificate::new(crate::tls::read(cert, key)?))),
        None => None,
    };
    let mut service = Service::start(wanted(config, certificate.clone(), args.take_over)?)?;
    say(config, &service);
    if !config.program.watch.is_empty() {
        let (files, locators) = sources::split(&config.program.watch)?;
        let inherited = sources::inherited(service.inherited());
        Sources::open(&files, &locators, &config.program.data_dir, &inherited)?.start(&service, decode::Format::Auto)?;
    }
    let files: Vec<String> = loaded.files.iter().map(|file| file.display().to_string()).collect();
    reload::tell(&loaded.values, &if files.is_empty() { "as built in".to_owned() } else { files.join(", ") }, false, &service);
    systemd::tell("READY=1");
    watchdog(&service);
    let mut running = Running { place, loaded, certificate };
    let mut successor: Option<restart::Successor> = None;
    loop {
        match service.next_asked() {
            Asked::Stop => {
                systemd::tell("STOPPING=1");
                return Ok(service.stop());
            }
            Asked::Reload(answer) => {
                let done = running.reload(&service);
                match &done {
                    Ok(text) => out::note(text),
                    Err(why) => out::note(format!("E0118 the configuration was not taken up, the one before stays in force: {why}")),
                }
                answer.into_iter().for_each(|answer| drop(answer.send(done.clone())));
            }
            Asked::Restart(answer) if successor.as_ref().is_some_and(restart::Successor::is_coming) => {
                let _ = answer.send(Err("another restart is under way".into()));
            }
            Asked::Restart(answer) => successor = restart::begin(&service, program.as_ref().ok(), answer),
            Asked::HandedOver => {
                if let Some(successor) = successor.take() {
                    systemd::tell(&format!("MAINPID={}", successor.pid));
                    successor.serves();
                }
                return Ok(service.drain());
            }
            Asked::Orphaned => {
                let why = "the new process took the sockets and did not come up; this one ends, so that a supervisor starts it anew";
                return Err(Fail::new("E0609", why));
            }
        }
    }
}

fn say(config: &Config, service: &Service) {
    match &config.gateway {
        Some(gateway) => {
            let tls = if gateway.tls.is_some() { "https" } else { "http" };
            let addr = service.gateway_addr.unwrap_or(gateway.listen);
            out::line(format!("gateway   {tls}://{addr} -> {}", gateway.upstream));
        }
        None => out::line("gateway   none: write upstream below [gateway]"),
    }
    let mode = if config.program.enforce { "enforce: attacks are refused" } else { "monitor: attacks are recorded, nothing is refused" };
    out::line(format!("mode      {mode}"));
    if let Some(addr) = service.metrics_addr {
        out::line(format!("metrics   http://{addr}/metrics"));
    }
    if let Some(link) = &service.console_link {
        out::line(format!("console   {link}   one use, 15 minutes"));
    }
    for channel in &config.notify {
        let monitor = !config.program.enforce && !channel.in_monitor;
        let when = if monitor {
            "is told nothing while attacks are only recorded; in_monitor = true changes that"
        } else {
            "is told of incidents"
        };
        out::line(format!("notify    {} {when}", channel.name));
    }
    out::line("running");
}

/// systemd hears that this process is well; when it does not, it starts it anew.
fn watchdog(service: &Service) {
    let Some(every) = systemd::watchdog() else { return };
    let figures = Arc::clone(&service.shared.figures);
    service.runtime().spawn(async move {
        loop {
            if figures.is_well(crate::clock::now()) {
                systemd::tell("WATCHDOG=1");
            }
            tokio::time::sleep(every).await;
        }
    });
}

/// Whom no response may meet, as far as the configuration says.
fn never(config: &Config) -> incident::Never {
    let mut never = incident::Never::default();
    config.response.add_to(&mut never);
    if let Some(gateway) = &config.gateway {
        super::protect::spare(&mut never, &gateway.upstream);
    }
    never
}

fn wanted(config: &Config, certificate: Option<Arc<Certificate>>, take_over: bool) -> Result<Wanted, Fail> {
    let program = &config.program;
    let mut content = Content::serving(program.content.as_deref(), &program.data_dir)?;
    if !program.rules.is_empty() {
        content.add_rules(&program.rules)?;
    }
    let (knowledge, mut said) = content.knowledge()?;
    let (forecaster, unforeseen) = content.forecaster();
    said.extend(unforeseen);
    said.iter().for_each(out::note);
    let gateway = config.gateway.as_ref().map(|gateway| of_gateway(gateway, certificate)).transpose()?;
    let link = config.console.as_ref().map_or_else(String::new, |console| console.link.clone());
    Ok(Wanted {
        channels: crate::channels::Channels::open(&config.notify, &program.data_dir, link)?,
        operation: Operation {
            metrics: config.metrics.as_ref().map(of_metrics).transpose()?,
            operated: true,
            take_over,
            privacy: Some(config.privacy.clone()),
            retention: Some(config.retention.clone()),
        },
        content: program.content.clone(),
        data_dir: program.data_dir.clone(),
        demo: false,
        enforce: program.enforce,
        console: config.console.as_ref().map(|c| console::Config { listen: c.listen, port_may_move: false, names: c.names.clone() }),
        gateway,
        never: never(config),
        nftables: config.response.filter(),
        models: crate::served::models(&content),
        knowledge,
        forecaster,
    })
}

fn of_gateway(asked: &Gateway, certificate: Option<Arc<Certificate>>) -> Result<GatewayWanted, Fail> {
    let mut config = gateway::Config::new(asked.listen, asked.upstream.clone());
    if let Some(site) = &asked.site {
        config.site.clone_from(site);
    }
    config.trusted_proxies.clone_from(&asked.trusted_proxies);
    config.limits = asked.limits.clone();
    if let Some(workers) = asked.workers {
        config.workers = workers;
    }
    if let Some(certificate) = certificate {
        config.tls = Some(Arc::new(crate::tls::config(certificate)?));
    }
    Ok(GatewayWanted {
        config,
        inspect: true,
        logins: asked.logins.clone(),
        ndjson: asked.request_log.clone(),
        drift_every: asked.drift_every,
    })
}

fn of_metrics(asked: &Metrics) -> Result<metrics::Wanted, Fail> {
    let token = asked.token.as_ref().map(|secret| secret.read("metrics.token")).transpose();
    let token = token.map_err(|why| Fail::new("E0117", why).fix("a file or variable with the secret as its only line"))?;
    Ok(metrics::Wanted { listen: asked.listen, token })
}
