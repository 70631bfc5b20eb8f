//! `config show|check|schema|reload`: what is in force, what is wrong with it, what could stand there.

use clap::{Args, Subcommand};
use serde_json::json;

use super::fail::{Exit, Fail};
use super::{Global, out};
use crate::config::fault::Origin;
use crate::config::layer::Values;
use crate::config::{self, Faults, Place};

/// The configuration: a file, conf.d, the environment, flags
#[derive(Args)]
#[command(
    after_help = "Examples:\n  bartizan config check --config bartizan.toml\n  bartizan config show --origin\n  bartizan config reload\n\nExit codes: 0 fine; 3 it has faults, or nobody runs."
)]
pub(super) struct ConfigCommand {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// What is in force
    Show {
        /// Where each value was written
        #[arg(long)]
        origin: bool,
    },
    /// Every fault at once: where, what was found, what to write instead
    Check,
    /// The running Bartizan reads it anew: everything that changed is taken up, or nothing
    Reload,
    /// What may stand in the file, as JSON Schema for editors
    Schema {
        /// As a page
        #[arg(long, conflicts_with = "example")]
        markdown: bool,
        /// As a file with every key
        #[arg(long)]
        example: bool,
    },
}

pub(super) fn run(args: &ConfigCommand, global: &Global) -> Result<Exit, Fail> {
    let place = place(global);
    match &args.verb {
        Verb::Show { origin } => match place.load() {
            Ok(loaded) => {
                show(&loaded.values, *origin, global.json);
                Ok(Exit::Fine)
            }
            Err(faults) => Err(fail(&faults)),
        },
        Verb::Check => check(&place, global),
        Verb::Reload => super::restart::operate(&crate::control::Ask::Reload, "E0118", "bartizan.config_reload/1", global),
        Verb::Schema { markdown, example } => {
            match (markdown, example) {
                (true, _) => out::raw(config::schema::reference().as_bytes()),
                (_, true) => out::raw(config::schema::example().as_bytes()),
                _ => out::json(&config::schema::json_schema()),
            }
            Ok(Exit::Fine)
        }
    }
}

pub(super) fn place(global: &Global) -> Place {
    Place { file: global.config.clone(), data_dir: global.data_dir.clone(), content: global.content.clone() }
}

/// All faults as one failure, one a line.
pub(super) fn fail(faults: &Faults) -> Fail {
    let lines: Vec<String> = faults.to_string().lines().map(out::shown_line).collect();
    Fail::new("E0119", format!("the configuration cannot be used:\n{}", lines.join("\n"))).fix("bartizan config check")
}

fn check(place: &Place, global: &Global) -> Result<Exit, Fail> {
    let loaded = place.load();
    let (files, faults) = match &loaded {
        Ok(loaded) => (&loaded.files, &[][..]),
        Err(faults) => (&faults.files, &faults.all[..]),
    };
    if global.json {
        let files: Vec<String> = files.iter().map(|f| f.display().to_string()).collect();
        let faults: Vec<_> = faults.iter().map(config::fault::Fault::json).collect();
        out::json(&json!({"schema": "bartizan.config_check/1", "files": files, "faults": faults}));
    } else if let Err(faults) = &loaded {
        faults.to_string().lines().for_each(|line| out::line(out::shown_line(line)));
    } else {
        let from = match files.as_slice() {
            [] => format!("no file at {}: everything as built in", place.main().display()),
            files => files.iter().map(|f| f.display().to_string()).collect::<Vec<_>>().join(", "),
        };
        out::line(format!("ok  {from}"));
    }
    Ok(if faults.is_empty() { Exit::Fine } else { Exit::CouldNot })
}

fn show(values: &Values, origin: bool, as_json: bool) {
    let mut rows = Vec::new();
    for part in values.parts() {
        if !as_json && !part.section.name.is_empty() {
            let (open, close) = if part.section.many { ("[[", "]]") } else { ("[", "]") };
            out::line(format!("\n{open}{}{close}", part.section.name));
        }
        for key in part.section.keys {
            let Some(value) = part.value(key.name) else { continue };
            let at = part.given(key.name).map_or(Origin::BuiltIn, |given| given.at.clone());
            if as_json {
                rows.push(json!({"table": part.section.name, "key": key.name, "value": value.to_string(), "origin": at.to_string()}));
            } else if origin {
                out::line(format!("{:<60} # {at}", format!("{} = {value}", key.name)));
            } else {
                out::line(format!("{} = {value}", key.name));
            }
        }
    }
    if as_json {
        out::json(&json!({"schema": "bartizan.config/1", "values": rows}));
    }
}
