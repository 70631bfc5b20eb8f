//! `model eval mail-phish|url-phish --data TABLE`: labelled mails, texts or links as `check` judges them, since these models never decide alone.

use std::borrow::Cow;
use std::path::PathBuf;

use detect::Knowledge;
use detect::content::{self, Input, Matter, Verdict};
use learn::measure::{Groups, Report, Scored};
use learn::table::{Row, Table};
use serde_json::{Value, json};

use super::{groups, table};
use crate::cli::fail::{Exit, Fail};
use crate::cli::{Global, out};
use crate::knowledge::Content;

/// Models whose answers are one of several reasons of a judgement.
pub(super) const NAMES: [&str; 2] = ["mail-phish", "url-phish"];

/// Labels of honest rows; every other label is a bad one.
const HONEST: [&str; 5] = ["ham", "benign", "good", "legitimate", "0"];

/// A labelled row and what `check` says of it.
pub(super) struct Said {
    pub(super) at: usize,
    pub(super) bad: bool,
    pub(super) flagged: bool,
    score: f32,
    abstained: bool,
}

/// Judges the rows that have a label.
pub(super) fn rows(name: &str, table: &Table, knowledge: &Knowledge) -> Vec<Said> {
    let judge = |(at, row): (usize, Row<'_>)| {
        // A list of links with a brand beside each is a list of pages that imitate it.
        let label = row.text("label").or(row.text("brand").map(|_| Cow::Borrowed("phishing")))?;
        let text = |key: &str| row.text(key).unwrap_or_default();
        let (mail, plain) = (decode::mail::bytes_of(&text("raw")), if name == "url-phish" { text("url") } else { text("text") });
        let matter = match name {
            "url-phish" => Matter::Url(&plain),
            _ if !mail.is_empty() => Matter::Mail(&mail),
            _ => Matter::Text(&plain),
        };
        let said = content::judge(&Input { name: "row", matter }, knowledge);
        Some(Said {
            at,
            bad: !HONEST.contains(&label.as_ref()),
            flagged: said.verdict >= Verdict::Suspicious,
            score: said.score.unwrap_or(0.0),
            abstained: said.abstained,
        })
    };
    table.rows().enumerate().filter_map(judge).collect()
}

/// Groups of the columns, and of `language`, which is told from the text where no column has it.
pub(super) fn fairness(columns: &[String], table: &Table, said: &[Said]) -> Result<Vec<Groups>, Fail> {
    let judged: Vec<(usize, bool, bool)> = said.iter().map(|row| (row.at, row.bad, row.flagged)).collect();
    groups::of(columns, table, &judged, &|column, at| (column == "language").then(|| language(&table.row(at))))
}

pub(super) fn eval(name: &str, data: &[PathBuf], columns: &[String], global: &Global) -> Result<Exit, Fail> {
    let (knowledge, said) = Content::load(global.content.as_deref())?.knowledge()?;
    said.iter().for_each(out::note);
    let table = table::read(data)?;
    let said = rows(name, &table, &knowledge);
    let unlabelled = table.len() - said.len();
    let abstained = said.iter().filter(|row| row.abstained).count();
    let scores: Vec<Scored> = said.iter().map(|row| Scored { score: row.score, positive: row.bad }).collect();
    let flags: Vec<Scored> = said.iter().map(|row| Scored { score: f32::from(u8::from(row.flagged)), positive: row.bad }).collect();
    if scores.is_empty() {
        return Err(
            Fail::new("E0513", "no row has a label").fix("a column `label`: ham or benign for honest rows, anything else for bad ones")
        );
    }
    let found = fairness(columns, &table, &said)?;
    let (report, flagged) = (Report::of(&scores, 0.5), Report::of(&flags, 0.5));
    let report = Report {
        fpr_at_shipped_threshold: flagged.fpr_at_shipped_threshold,
        tpr_at_shipped_threshold: flagged.tpr_at_shipped_threshold,
        at_shipped_threshold: flagged.at_shipped_threshold,
        ..report
    };
    let mut object = serde_json::to_value(&report).unwrap_or_else(|_| json!({}));
    object["schema"] = "bartizan.model_eval/1".into();
    object["model"] = name.into();
    object["abstained"] = abstained.into();
    object["unlabelled"] = unlabelled.into();
    object["notes"] = json!(["flagged is what check calls suspicious or worse; rows without a score count as 0"]);
    if global.json {
        if !found.is_empty() {
            object["groups"] = json!(found);
        }
        out::json(&object);
        return Ok(Exit::Fine);
    }
    let share = |value: &Value| value.as_f64().map_or_else(|| "-".to_owned(), |v| format!("{v:.4}"));
    out::line(format!(" {name} on {} rows ({} bad), {abstained} abstained, {unlabelled} without a label", report.n, report.n_attack));
    out::line(format!(
        " AUC {}   flagged: {} of bad rows, {} of honest ones",
        share(&object["auc"]),
        share(&object["tpr_at_shipped_threshold"]),
        share(&object["fpr_at_shipped_threshold"])
    ));
    groups::print(&found);
    Ok(Exit::Fine)
}

/// Language of a mail or text, told from what its reader sees.
fn language(row: &Row<'_>) -> String {
    let text = match row.text("raw") {
        Some(raw) => decode::mail::Message::read(&decode::mail::bytes_of(&raw))
            .map(|message| format!("{}\n{}", message.subject, message.visible()))
            .unwrap_or_default(),
        None => row.text("text").unwrap_or_default().into_owned(),
    };
    learn::language::of(&text).0.to_owned()
}
