//! `undo`, `redo`, `block`: orders, through a running Bartizan when there is one, else straight on the data directory.

use std::path::Path;

use clap::Args;
use event::decision::Disposition;
use event::order::{Answer, Fault, What};
use event::{Entity, Response, Text};
use serde_json::json;

use super::fail::{Exit, Fail};
use super::{Global, out};
use crate::control::{self, Ask, Reply};
use crate::engine::{Engine, Shared};
use crate::pipeline::Pipeline;
use crate::points::Points;
use crate::{clock, knowledge, paths};

/// Take a response back: the client is let in again
///
/// The target is not blocked again for the same reason for 24 h. Undo restores, so it asks nothing; `redo RECEIPT` puts it back.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  bartizan undo INC-1\n  bartizan undo --last\n\nExit codes: 0 undone; 3 could not, or nothing known by that name; 4 refused."
)]
pub(super) struct Undo {
    /// An incident, response, receipt or address
    #[arg(required_unless_present = "last")]
    id: Option<String>,
    /// The latest response that is in force
    #[arg(long, conflicts_with = "id")]
    last: bool,
    /// Say what would be undone, change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Put an undone response in force again
#[derive(Args)]
pub(super) struct Redo {
    /// The receipt that `undo` printed
    receipt: String,
}

/// Block an address at the gateway for a while
#[derive(Args)]
#[command(
    after_help = "Examples:\n  bartizan block 203.0.113.9 --for 1h --reason 'seen elsewhere' --yes\n  bartizan block 203.0.113.9 --challenge --yes\n\nExit codes: 0 blocked; 3 could not; 4 refused, or not confirmed."
)]
pub(super) struct Block {
    /// An address
    entity: Entity,
    /// How long: 15m, 24h, 7d; at most 90 d
    #[arg(long = "for", default_value = "24h", value_parser = seconds)]
    for_s: u32,
    #[arg(long, default_value = "asked for by hand")]
    reason: String,
    /// Slow down instead: a few requests a second, the others get 429
    #[arg(long, conflicts_with = "challenge")]
    limit: bool,
    /// Check the browser instead; programs are refused
    #[arg(long)]
    challenge: bool,
}

impl Block {
    fn disposition(&self) -> Disposition {
        match (self.limit, self.challenge) {
            (true, _) => Disposition::Limit,
            (_, true) => Disposition::Challenge,
            _ => Disposition::Block,
        }
    }
}

/// `15m`, `24h`, `7d`, `90s` to seconds.
pub(super) fn seconds(text: &str) -> Result<u32, String> {
    let help = || format!("{text:?} is no duration; write it like 15m, 24h or 7d");
    let split = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(help)?;
    let number: u32 = text[..split].parse().map_err(|_| help())?;
    let unit = match &text[split..] {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(help()),
    };
    number.checked_mul(unit).filter(|s| (1..=90 * 86_400).contains(s)).ok_or_else(|| format!("{text} is not between 1s and 90d"))
}

pub(super) fn undo(args: &Undo, global: &Global) -> Result<Exit, Fail> {
    let target = args.id.clone().unwrap_or_else(|| "last".to_owned());
    let data_dir = paths::data_dir(global.data_dir.as_ref());
    let log = store::open_read_only(&data_dir).map_err(|e| super::text::cannot_open(&data_dir, &e))?;
    let target = super::text::whole_id(&log, &target)?;
    let now = clock::now();
    let matching = |r: &Response| {
        target == "last"
            || r.uid == target
            || r.incident == target
            || r.target.name == target
            || r.target.name.split(' ').next() == Some(target.as_str())
            || r.phase.receipt().is_some_and(|p| *p == target)
    };
    let mut planned: Vec<_> = log.responses().into_iter().filter(|r| r.is_active(now) && matching(r)).collect();
    if target == "last" {
        planned.sort_by_key(|r| std::cmp::Reverse((r.requested, r.uid.clone())));
        planned.truncate(1);
    }
    // Nothing is printed before it is done: `| head` must not stop an undo half way.
    let answer = if args.dry_run { None } else { Some(carry_out(What::Undo { target: target.as_str().into() }, global, &data_dir)?) };
    if !global.json && !global.quiet {
        for response in planned.iter().take(10) {
            let name = out::shown(&response.target.name);
            out::line(match (response.action.as_str(), response.disposition) {
                ("quarantine", _) => format!(" will   move the file back to {name}"),
                ("nftables", _) => format!(" will   unblock {name} at nftables; not re-block for the same reason for 24 h"),
                ("model", _) => format!(" will   serve the version of {name} again that served before"),
                (_, Disposition::Block) => format!(" will   unblock {name} at gateway; not re-block for the same reason for 24 h"),
                _ => format!(" will   release {name} at gateway"),
            });
        }
        if planned.len() > 10 {
            out::line(format!("        and {} more", planned.len() - 10));
        }
        if planned.is_empty() && args.dry_run {
            out::line(format!(" nothing is in force for {}", out::shown(&target)));
        }
    }
    answer.map_or(Ok(Exit::Fine), |answer| finish(&answer, global, "undone"))
}

pub(super) fn redo(args: &Redo, global: &Global) -> Result<Exit, Fail> {
    let data_dir = paths::data_dir(global.data_dir.as_ref());
    let answer = carry_out(What::Redo { receipt: args.receipt.as_str().into() }, global, &data_dir)?;
    finish(&answer, global, "in force again")
}

pub(super) fn block(args: &Block, global: &Global) -> Result<Exit, Fail> {
    let data_dir = paths::data_dir(global.data_dir.as_ref());
    if !global.json {
        out::line(format!(" will   {} {} at gateway for {} s", args.disposition().word(), out::shown(&args.entity.name), args.for_s));
        out::line(format!(" undo   bartizan undo {}", out::shown(&args.entity.name)));
    }
    super::text::confirm(global)?;
    let what = What::Block { entity: args.entity.clone(), for_s: args.for_s, reason: args.reason.clone(), disposition: args.disposition() };
    let answer = carry_out(what, global, &data_dir)?;
    finish(&answer, global, "done")
}

/// Who asks: the account, as the operating system knows it.
pub(super) fn by() -> Text {
    let name = std::env::var("SUDO_USER").or_else(|_| std::env::var("USER")).unwrap_or_else(|_| "operator".into());
    format!("cli:{name}").into()
}

pub(super) fn carry_out(what: What, global: &Global, data_dir: &Path) -> Result<Answer, Fail> {
    let ask = Ask::Order { what, by: by().into() };
    match control::ask(&paths::control_socket(data_dir), &ask) {
        Some(Reply::Order(answer)) => return Ok(answer),
        Some(Reply::Error(error)) => return Err(Fail::new("E0602", error)),
        Some(Reply::Link { .. } | Reply::Kept | Reply::Done(_)) => {
            return Err(Fail::new("E0602", "the running bartizan answered something else"));
        }
        None => {}
    }
    let Ask::Order { what, by } = ask else { return Err(Fail::new("E0602", "no order")) };
    let (knowledge, _) =
        knowledge::Content::serving(global.content.as_deref(), &crate::paths::data_dir(global.data_dir.as_ref()))?.knowledge()?;
    let (writer, _) = store::open(data_dir, store::Options::default()).map_err(|e| super::text::cannot_open(data_dir, &e))?;
    let pipeline = Pipeline::new(&knowledge, 1, incident::Never::default(), event::response::Mode::Monitor);
    let points = Points { nftables: None, data_dir: data_dir.to_owned() };
    // No gateway runs here: whether the model can be loaded is all that is asked.
    let inspector = std::sync::Arc::new(arc_swap::ArcSwap::from_pointee(detect::web::request::Inspector::new(&knowledge)));
    let models = Some((data_dir.join("models"), crate::service::reload(global.content.clone(), data_dir.to_owned(), inspector)));
    let mut engine = Engine::open(pipeline, writer, Shared { models, ..Shared::new(false) }, &points, clock::now())?;
    Ok(engine.order(what, &by.as_str().into(), clock::now()))
}

pub(super) fn finish(answer: &Answer, global: &Global, word: &str) -> Result<Exit, Fail> {
    if global.json {
        out::json(&json!({
            "schema": "bartizan.answer/1", "done": answer.done, "of": answer.of, "took_us": answer.took_us,
            "receipt": answer.receipt, "text": answer.text,
            "fault": answer.fault.as_ref().map(|f| match f { Fault::Refused(t) | Fault::Unknown(t) | Fault::Failed(t) => t }),
        }));
    }
    match &answer.fault {
        Some(Fault::Refused(why)) => return Err(Fail::new("E0401", why.clone()).exit(Exit::Refused)),
        Some(Fault::Unknown(why)) => return Err(Fail::new("E0402", why.clone()).fix("bartizan incident list")),
        Some(Fault::Failed(why)) => return Err(Fail::new("E0403", why.clone())),
        None => {}
    }
    if !global.json {
        let receipt = answer.receipt.as_ref().map(|r| format!("      receipt {r}")).unwrap_or_default();
        if answer.of > 0 {
            let ms = answer.took_us as f64 / 1000.0;
            out::line(format!(" done   {}/{} {word} in {ms:.1} ms{receipt}", answer.done, answer.of));
        }
        out::line(format!("        {}", out::shown(&answer.text)));
        if let (Some(receipt), "undone") = (&answer.receipt, word) {
            out::line(format!(" redo   bartizan redo {receipt}"));
        }
    }
    Ok(if answer.done < answer.of { Exit::CouldNot } else { Exit::Fine })
}
