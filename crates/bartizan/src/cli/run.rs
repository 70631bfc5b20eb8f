//! `run`: everything that the configuration asks for, until it is told to stop.

use std::sync::Arc;

use clap::Args;

use super::fail::{Exit, Fail};
use super::{Global, out};
use crate::config::Config;
use crate::config::section::gateway::Gateway;
use crate::feed;
use crate::knowledge::Content;
use crate::service::{GatewayWanted, Service, Wanted};

/// Run what the configuration asks for
///
/// Without a configuration: the console, on loopback. `bartizan config schema --example` prints a file to start from.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  bartizan run\n  bartizan run --config bartizan.toml\n\nExit codes: 0 stopped by SIGINT or SIGTERM; 3 could not start."
)]
pub(super) struct Run {}

pub(super) fn run(_args: &Run, global: &Global) -> Result<Exit, Fail> {
    let place = super::config::place(global);
    let loaded = place.load().map_err(|faults| super::config::fail(&faults))?;
    let config = loaded.config;
    out::speak(config.diagnostics);
    let service = Service::start(wanted(&config)?)?;
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
    if let Some(link) = &service.console_link {
        out::line(format!("console   {link}   one use, 15 minutes"));
    }
    if !config.program.watch.is_empty() {
        feed::follow(&service, &config.program.watch)?;
    }
    service.wait();
    Ok(service.stop())
}

fn wanted(config: &Config) -> Result<Wanted, Fail> {
    let program = &config.program;
    let mut content = Content::serving(program.content.as_deref(), &program.data_dir)?;
    if !program.rules.is_empty() {
        content.add_rules(&program.rules)?;
    }
    let (knowledge, mut said) = content.knowledge()?;
    let (forecaster, unforeseen) = content.forecaster();
    said.extend(unforeseen);
    said.iter().for_each(out::note);
    let mut never = incident::Never::default();
    config.response.add_to(&mut never);
    let gateway = match &config.gateway {
        Some(gateway) => {
            super::protect::spare(&mut never, &gateway.upstream);
            Some(of_gateway(gateway)?)
        }
        None => None,
    };
    Ok(Wanted {
        content: program.content.clone(),
        data_dir: program.data_dir.clone(),
        demo: false,
        enforce: program.enforce,
        console: config.console.as_ref().map(|c| console::Config { listen: c.listen, port_may_move: false, names: c.names.clone() }),
        gateway,
        never,
        nftables: config.response.filter(),
        models: crate::served::models(&content),
        knowledge,
        forecaster,
    })
}

fn of_gateway(asked: &Gateway) -> Result<GatewayWanted, Fail> {
    let mut config = gateway::Config::new(asked.listen, asked.upstream.clone());
    if let Some(site) = &asked.site {
        config.site.clone_from(site);
    }
    config.trusted_proxies.clone_from(&asked.trusted_proxies);
    config.limits = asked.limits.clone();
    if let Some(workers) = asked.workers {
        config.workers = workers;
    }
    if let Some((cert, key)) = &asked.tls {
        config.tls = Some(Arc::new(super::protect::tls(cert, key)?));
    }
    Ok(GatewayWanted {
        config,
        inspect: true,
        logins: asked.logins.clone(),
        ndjson: asked.request_log.clone(),
        drift_every: asked.drift_every,
    })
}
