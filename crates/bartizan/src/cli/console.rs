//! `console link`: a new one-time link to the running console.

use clap::{Args, Subcommand};
use serde_json::json;

use super::fail::{Exit, Fail};
use super::{Global, out};
use crate::control::{self, Ask, Reply};
use crate::paths;

/// The console of a running bartizan
#[derive(Args)]
pub(super) struct ConsoleCommand {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// A link that logs in once, within 15 minutes
    Link,
}

pub(super) fn run(args: &ConsoleCommand, global: &Global) -> Result<Exit, Fail> {
    let Verb::Link = args.verb;
    let dir = paths::data_dir(global.data_dir.as_ref());
    match control::ask(&paths::control_socket(&dir), &Ask::Link) {
        Some(Reply::Link { url, expires }) => {
            if global.json {
                out::json(&json!({"schema": "bartizan.console_link/1", "url": url, "expires": expires}));
            } else {
                out::line(format!(" console   {url}   one use, until {expires}"));
            }
            Ok(Exit::Fine)
        }
        Some(Reply::Error(error)) => Err(Fail::new("E0603", error)),
        Some(Reply::Order(_) | Reply::Kept | Reply::Done(_)) => Err(Fail::new("E0603", "the running bartizan answered something else")),
        None => {
            Err(Fail::new("E0604", format!("no bartizan runs on {}", dir.display())).fix("start bartizan protect, watch --follow or demo"))
        }
    }
}
