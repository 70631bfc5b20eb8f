//! `notify list|test`: who is told of incidents, and whether that works.

use clap::{Args, Subcommand};
use respond::notify::{Message, TIMEOUT};
use serde_json::json;

use super::fail::{Exit, Fail};
use super::{Global, out};
use crate::config::Config;
use crate::{channels, clock};

/// Channels: who is told of incidents
#[derive(Args)]
#[command(
    after_help = "Examples:\n  bartizan notify list\n  bartizan notify test ops\n\nChannels are [[notify]] tables of the configuration.\nExit codes: 0 told; 3 not told, or there is no such channel."
)]
pub(super) struct NotifyCommand {
    #[command(subcommand)]
    what: Asked,
}

#[derive(Subcommand)]
enum Asked {
    /// Channels of the configuration
    List,
    /// Send a message that says it is a test, and show what the far side answers
    Test { name: String },
}

pub(super) fn run(args: &NotifyCommand, global: &Global) -> Result<Exit, Fail> {
    let loaded = super::config::place(global).load().map_err(|faults| super::config::fail(&faults))?;
    match &args.what {
        Asked::List => list(&loaded.config, global),
        Asked::Test { name } => test(&loaded.config, name, global),
    }
}

fn list(config: &Config, global: &Global) -> Result<Exit, Fail> {
    let mut rows = Vec::new();
    for asked in &config.notify {
        let channel = channels::channel(asked, &config.program.data_dir);
        let (kind, place) = match &channel {
            Ok(channel) => (channel.kind(), channel.place()),
            Err(fail) => ("", format!("cannot be used: {}", fail.text)),
        };
        rows.push((asked, kind, place));
    }
    if global.json {
        let listed: Vec<_> = rows
            .iter()
            .map(|(asked, kind, place)| {
                json!({"name": asked.name, "kind": kind, "place": place, "severity_min": asked.severity_min.word(),
                    "per_hour_max": asked.per_hour_max, "in_monitor": asked.in_monitor})
            })
            .collect();
        out::json(&json!({"schema": "bartizan.channels/1", "channels": listed}));
        return Ok(Exit::Fine);
    }
    for (asked, kind, place) in &rows {
        let from = asked.severity_min.word();
        let monitor = if asked.in_monitor { ", also while only recording" } else { "" };
        out::line(out::shown(&format!("{}  {kind} {place}; from {from} on, at most {} an hour{monitor}", asked.name, asked.per_hour_max)));
    }
    if rows.is_empty() {
        out::line("nobody is told: write [[notify]] in the configuration");
    }
    Ok(Exit::Fine)
}

fn test(config: &Config, name: &str, global: &Global) -> Result<Exit, Fail> {
    let asked = config.notify.iter().find(|asked| asked.name == name).ok_or_else(|| {
        let names: Vec<&str> = config.notify.iter().map(|asked| asked.name.as_str()).collect();
        Fail::new("E0610", format!("there is no channel {name}; there are: {}", names.join(", "))).fix("bartizan notify list")
    })?;
    let channel = channels::channel(asked, &config.program.data_dir)?;
    let now = clock::now();
    let key = event::short_id("R", &[b"test", name.as_bytes(), &now.us().to_le_bytes()]);
    let told = channel.tell(&Message::test(&key, now), now.s(), TIMEOUT);
    if global.json {
        let (status, text) = told.as_ref().map_or((None, None), |a| (Some(&a.status), Some(&a.text)));
        let fault = told.as_ref().err().map(ToString::to_string);
        out::json(
            &json!({"schema": "bartizan.notify_test/1", "channel": name, "told": told.is_ok(), "status": status, "answer": text, "fault": fault}),
        );
    }
    match told {
        Ok(answer) => {
            if !global.json {
                out::line(out::shown(&format!("told {} at {}: {} {}", name, channel.place(), answer.status, answer.text)));
            }
            Ok(Exit::Fine)
        }
        Err(fault) => Err(Fail::new("E0611", format!("{name} was not told: {fault}")).fix("the address, the secret, or the far side")),
    }
}
