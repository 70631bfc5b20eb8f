//! `watch SOURCE...`: attacks in log files, and in what other machines send. Files are read to the end, or followed with `--follow`; listeners
//! and the journal stay until stopped, and files beside them do so too.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::fail::{Exit, Fail};
use super::{Global, out, replay, text};
use crate::knowledge::Content;
use crate::service::{Operation, Service, Wanted};
use crate::sources::{self, Sources};
use crate::{feed, paths};

/// Find attacks in log files, folders or stdin (`-`), in the journal, and in what other machines send
///
/// Incidents are kept in the data directory: `incident list`, `explain` and `undo` work on them afterwards.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  bartizan watch /var/log/auth.log\n  bartizan watch /var/log/nginx/access.log --follow\n  bartizan watch journald: syslog+udp://0.0.0.0:5514\n  bartizan watch syslog+tls://0.0.0.0:6514?cert=log.pem\\&key=log.key\n\nExit codes: 0 fine; 3 a source could not be read."
)]
pub(super) struct Watch {
    /// Files, folders, `-`, or one of those below
    #[arg(required = true, long_help = known())]
    sources: Vec<PathBuf>,
    #[arg(long, default_value = "auto")]
    format: String,
    /// Sigma rules beside the built-in ones: a folder, a .yml file, a .tar.zst; may be given several times
    #[arg(long, value_name = "DIR")]
    rules: Vec<PathBuf>,
    /// Stay, and read what is added; with a console
    #[arg(long)]
    follow: bool,
    /// Findings and incidents as OCSF, one object a line
    #[arg(long)]
    ndjson: bool,
    /// Carry responses out; without it they are recorded only
    #[arg(long)]
    enforce: bool,
    #[command(flatten)]
    filter: super::filter::Filter,
    #[arg(long)]
    no_console: bool,
    #[arg(long, value_name = "ADDR")]
    console_listen: Option<SocketAddr>,
}

/// The list of what can be watched beside files.
fn known() -> String {
    let line = |kind: &&source::Kind| format!("  {}\n      {}", kind.example, kind.about);
    let all: Vec<String> = source::ALL.iter().map(line).collect();
    format!("Files, folders, `-`, or:\n{}", all.join("\n"))
}

pub(super) fn run(args: &Watch, global: &Global) -> Result<Exit, Fail> {
    let mut content = Content::serving(global.content.as_deref(), &crate::paths::data_dir(global.data_dir.as_ref()))?;
    content.add_rules(&args.rules)?;
    let (knowledge, mut said) = content.knowledge()?;
    let (forecaster, unforeseen) = content.forecaster();
    said.extend(unforeseen);
    said.iter().for_each(out::note);
    let format = feed::format(&args.format)?;
    let (paths_given, locators) = sources::split(&args.sources)?;
    let data_dir = paths::data_dir(global.data_dir.as_ref());
    let stays = args.follow || !locators.is_empty();
    let files = if stays { Vec::new() } else { feed::list(&paths_given)? };
    let live = if stays { Some(Sources::open(&paths_given, &locators, &data_dir, &Arc::default())?) } else { None };
    let console = (stays && !args.no_console).then(|| console::Config {
        listen: args.console_listen.unwrap_or_else(|| console::Config::default().listen),
        port_may_move: args.console_listen.is_none(),
        ..console::Config::default()
    });
    let service = Service::start(Wanted {
        channels: None,
        operation: Operation { retention: Some(store::retain::Policy::default()), ..Operation::default() },
        content: global.content.clone(),
        data_dir,
        demo: false,
        enforce: args.enforce,
        console,
        gateway: None,
        never: incident::Never::default(),
        nftables: args.filter.config(),
        models: crate::served::models(&content),
        knowledge,
        forecaster,
    })?;
    if let Some(sources) = live {
        if let Some(link) = &service.console_link {
            out::line(format!("console   {link}   one use, 15 minutes"));
        }
        if !locators.is_empty() {
            sources.names().for_each(|name| out::note(format!(" reading   {name}")));
        }
        let lines = args.ndjson.then(|| replay::live_lines(&service));
        sources.start(&service, format)?;
        service.wait();
        drop(lines);
        return Ok(service.stop());
    }
    let from = service.log.end();
    let read = feed::read_into(&service, &files, format)?;
    let log = service.log.clone();
    let exit = service.stop();
    if args.ndjson {
        replay::print_from(&log, from)?;
        out::json(&read.summary());
    } else if global.json {
        out::json(&json!({"schema": "bartizan.watch/1", "read": read.summary()}));
    } else {
        people(&log, &read, global);
    }
    let nothing = read.events > 0 && read.undecoded == read.events;
    if nothing {
        out::note(format!(
            "E0109 none of {} records was understood: known formats are {}",
            read.events,
            decode::Format::names().collect::<Vec<_>>().join(", ")
        ));
    }
    Ok(if read.failed > 0 || nothing { Exit::CouldNot } else { exit })
}

fn people(log: &store::Log, read: &feed::Read, global: &Global) {
    if !global.quiet {
        out::note(format!(
            " read  {} events in {:.1} s ({:.0}/s), {} not understood (kept; --format names one), {} lost",
            read.events,
            read.wall_s,
            read.events as f64 / read.wall_s.max(1e-6),
            read.undecoded,
            read.lost,
        ));
    }
    let incidents = log.incidents(&store::IncidentFilter { open: true, limit: 50, ..Default::default() });
    if incidents.is_empty() {
        out::line(format!(" no incidents in {} events", read.events));
    }
    for incident in &incidents {
        out::line(text::incident_row(incident));
    }
    if let Some(incident) = incidents.first() {
        out::line(format!(" why    bartizan explain {0}      take its blocks back: bartizan undo {0}", incident.uid));
    }
}
