//! `model eval mail-phish|url-phish --data TABLE`: labelled mails, texts or links as `check` judges them, since these models never decide alone.

use std::path::PathBuf;

use detect::content::{self, Input, Matter, Verdict};
use learn::measure::{Report, Scored};
use serde_json::{Value, json};

use super::table;
use crate::cli::fail::{Exit, Fail};
use crate::cli::{Global, out};
use crate::knowledge::Content;

/// Models whose answers are one of several reasons of a judgement.
pub(super) const NAMES: [&str; 2] = ["mail-phish", "url-phish"];

/// Labels of honest rows; every other label is a bad one.
const HONEST: [&str; 5] = ["ham", "benign", "good", "legitimate", "0"];

pub(super) fn eval(name: &str, data: &[PathBuf], global: &Global) -> Result<Exit, Fail> {
    let (knowledge, said) = Content::load(global.content.as_deref())?.knowledge()?;
    said.iter().for_each(out::note);
    let (mut scores, mut flags, mut abstained, mut unlabelled) = (Vec::new(), Vec::new(), 0_u64, 0_u64);
    for row in table::read(data)?.rows() {
        // A list of links with a brand beside each is a list of pages that imitate it.
        let brand = row.text("brand").map(|_| std::borrow::Cow::Borrowed("phishing"));
        let Some(label) = row.text("label").or(brand) else {
            unlabelled += 1;
            continue;
        };
        let text = |key: &str| row.text(key).unwrap_or_default();
        let (mail, plain) = (decode::mail::bytes_of(&text("raw")), if name == "url-phish" { text("url") } else { text("text") });
        let matter = match name {
            "url-phish" => Matter::Url(&plain),
            _ if !mail.is_empty() => Matter::Mail(&mail),
            _ => Matter::Text(&plain),
        };
        let judgement = content::judge(&Input { name: "row", matter }, &knowledge);
        let positive = !HONEST.contains(&label.as_ref());
        abstained += u64::from(judgement.abstained);
        scores.push(Scored { score: judgement.score.unwrap_or(0.0), positive });
        flags.push(Scored { score: f32::from(u8::from(judgement.verdict >= Verdict::Suspicious)), positive });
    }
    if scores.is_empty() {
        return Err(
            Fail::new("E0513", "no row has a label").fix("a column `label`: ham or benign for honest rows, anything else for bad ones")
        );
    }
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
    Ok(Exit::Fine)
}
