//! `check --list FILE`: one result a row, same id, same order, also for rows that cannot be read.

use std::path::Path;

use detect::content::{Judgement, Matter};
use serde_json::Value;

use super::{Checked, Judge};
use crate::cli::fail::Fail;
use crate::cli::waf;

pub(super) fn each(list: &Path, judge: &mut Judge, done: &mut dyn FnMut(Checked)) -> Result<(), Fail> {
    waf::each_line(list, &mut |number, line| {
        done(row(number, line, judge));
        Ok(())
    })
}

fn row(number: u64, line: &[u8], judge: &mut Judge) -> Checked {
    let parsed: Option<Value> = serde_json::from_slice(line).ok().filter(Value::is_object);
    let id = parsed.as_ref().and_then(|row| row.get("id")).cloned().unwrap_or(Value::Null);
    let name = match &id {
        Value::Null => format!("row {number}"),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let Some(row) = parsed else { return broken(name, id, format!("row {number} is no JSON object")) };
    let text = |key: &str| row.get(key).and_then(Value::as_str);
    let kind = text("kind").unwrap_or_default();
    let mail = text("raw").or_else(|| text("text")).filter(|_| kind == "mail").map(decode::mail::bytes_of);
    let matter = match kind {
        "mail" => mail.as_deref().map(Matter::Mail),
        "url" => text("url").or_else(|| text("text")).map(Matter::Url),
        "text" => text("text").or_else(|| text("raw")).map(Matter::Text),
        "prompt" => text("text").or_else(|| text("raw")).map(Matter::Prompt),
        _ => return broken(name, id, format!("row {number} has no kind of mail, url, text or prompt")),
    };
    match matter {
        Some(matter) => Checked { id: Some(id), ..judge.look(&name, matter) },
        None => broken(name, id, format!("row {number} has no text for its kind {kind}")),
    }
}

/// Not a failure of the run: the caller asked for one result a row and gets it.
fn broken(name: String, id: Value, why: String) -> Checked {
    let said = Judgement::unknown("unknown", "unreadable.row", why);
    Checked { input: name, id: Some(id), said, head: Vec::new(), cpu_ms: 0.0, is_file: false, sha256: String::new() }
}
