//! `privacy find NAME`: where a person appears in the log, by name or by pseudonym.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use event::{Body, Event, Time};
use serde_json::json;

use super::fail::{Exit, Fail};
use super::{Global, out, text};
use crate::paths;
use crate::privacy::{Kind, Privacy};

/// Records that are read at once.
const PAGE: usize = 8_192;
/// A shorter word is found in everything.
const NAME_BYTES_MIN: usize = 2;

/// What is written about a person
#[derive(Args)]
#[command(
    name = "privacy",
    after_help = "Examples:\n  bartizan privacy find ada@example.org\n  bartizan privacy find ada --json\n  bartizan privacy pseudonym ada\n\nWhat is replaced, what is never written, and how to erase: docs/privacy.md.\n\nExit codes: 0 nothing is written about that name; 1 something is; 3 the log could not be read."
)]
pub(super) struct PrivacyCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Count the records in which a name or its pseudonym stands, by class, with the first and the last
    Find { name: String },
    /// The pseudonym of a name, as `search` finds it
    Pseudonym { name: String },
}

/// Of one class.
#[derive(Clone, Copy)]
struct Found {
    count: u64,
    first: Time,
    last: Time,
}

pub(super) fn run(args: &PrivacyCommand, global: &Global) -> Result<Exit, Fail> {
    let dir = paths::data_dir(global.data_dir.as_ref());
    let privacy = Privacy::look(&dir)?;
    match &args.what {
        What::Find { name } => find(name, &privacy, global),
        What::Pseudonym { name } => {
            let all = pseudonyms(name, &privacy);
            if all.is_empty() {
                return Err(Fail::new("E0131", format!("{} has no pseudonym here", out::shown(name)))
                    .fix("pseudonyms = [\"user\"] below [privacy], and its key; names below except have none"));
            }
            if global.json {
                let said: BTreeMap<_, _> = all.iter().map(|(kind, pseudonym)| (kind.word(), pseudonym)).collect();
                out::json(&json!({"schema": "bartizan.privacy/1", "pseudonyms": said}));
            } else {
                all.iter().for_each(|(kind, pseudonym)| out::line(format!(" {:<6} {pseudonym}", kind.word())));
            }
            Ok(Exit::Fine)
        }
    }
}

fn pseudonyms(name: &str, privacy: &Privacy) -> Vec<(Kind, String)> {
    let fits = |kind: &Kind| *kind == Kind::User || crate::privacy::is_mailbox(name);
    Kind::ALL.into_iter().filter(fits).filter_map(|kind| Some((kind, privacy.of(kind, name)?.to_string()))).collect()
}

fn find(name: &str, privacy: &Privacy, global: &Global) -> Result<Exit, Fail> {
    if name.len() < NAME_BYTES_MIN {
        return Err(Fail::new("E0131", "a name has two letters at least").exit(Exit::Usage));
    }
    let dir = paths::data_dir(global.data_dir.as_ref());
    let log = store::open_read_only(&dir).map_err(|e| text::cannot_open(&dir, &e))?;
    let mut words: Vec<String> = vec![name.to_owned()];
    words.extend(pseudonyms(name, privacy).into_iter().map(|(_, pseudonym)| pseudonym));
    let finders: Vec<_> = words.iter().map(|word| memchr::memmem::Finder::new(word.as_bytes())).collect();
    // By class, in clear or by pseudonym.
    let mut found: BTreeMap<(&'static str, bool), Found> = BTreeMap::new();
    let (mut at, mut looked_at) = (0, 0_u64);
    while at < log.end() {
        let page = log.read(at, PAGE).map_err(|e| text::cannot_open(&dir, &e))?;
        let Some((last, _)) = page.last() else { break };
        at = last + 1;
        looked_at += page.len() as u64;
        for (_, event) in &page {
            let said = said(event);
            for (n, _) in finders.iter().enumerate().filter(|(_, finder)| said.iter().any(|text| finder.find(text).is_some())) {
                let time = event.meta.time;
                let row = found.entry((event.body.word(), n > 0)).or_insert(Found { count: 0, first: time, last: time });
                *row = Found { count: row.count + 1, first: row.first.min(time), last: row.last.max(time) };
            }
        }
    }
    if global.json {
        let rows: Vec<_> = found
            .iter()
            .map(|((class, by), row)| {
                json!({"class": class, "by": if *by { "pseudonym" } else { "name" }, "count": row.count, "first": row.first.to_string(), "last": row.last.to_string()})
            })
            .collect();
        out::json(&json!({"schema": "bartizan.privacy/1", "found": rows, "looked_at": looked_at, "pseudonyms": words[1..]}));
    } else {
        for ((class, by), row) in &found {
            let by = if *by { "by pseudonym" } else { "by name" };
            out::line(format!(" {:>9}  {class:<16} {by:<13} {} .. {}", row.count, text::time(row.first), text::time(row.last)));
        }
        let none = if found.is_empty() { "nothing is written about that name; " } else { "" };
        out::line(format!(" {none}{looked_at} records looked at"));
        if !privacy.choice().is_none() && words.len() == 1 {
            out::note("the key of the pseudonyms is not there, or the name has none: only the name itself was looked for");
        }
    }
    Ok(if found.is_empty() { Exit::Fine } else { Exit::Found })
}

/// Where a name can stand: the record as it came, and everything that Bartizan says of it.
fn said(event: &Event) -> [Vec<u8>; 2] {
    let body = match &event.body {
        Body::Undecoded { .. } => Vec::new(),
        body => serde_json::to_vec(body).unwrap_or_default(),
    };
    [event.raw.to_vec(), body]
}
