//! `model eval NAME|DIR --data TABLE`: how a model does on labelled rows, beside the one-line rule.

use std::path::{Path, PathBuf};

use clap::Args;
use learn::Model;
use learn::recipe::{self, Evaluation, Recipe};
use serde_json::{Value, json};

use super::{forecast, groups, judged, table};
use crate::cli::fail::{Exit, Fail};
use crate::cli::{Global, out};
use crate::knowledge::{self, Content};

#[derive(Args)]
pub(super) struct Eval {
    /// A model's name, or a folder that `model train --out` wrote
    name: String,
    /// JSON lines or CSV with a header, also .zst; repeatable
    #[arg(long, required_unless_present = "sources")]
    data: Vec<PathBuf>,
    /// A folder of tables: each source judged apart (mail-phish, url-phish)
    #[arg(long, value_name = "DIR")]
    sources: Option<PathBuf>,
    /// Only rows with this `split`
    #[arg(long)]
    split: Option<String>,
    /// Share of good rows flagged for each value of these columns; `language` of mails is told from their text
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    groups: Vec<String>,
}

pub(super) fn run(args: &Eval, global: &Global) -> Result<Exit, Fail> {
    if is_forecast(&args.name) {
        return forecast::eval(&args.name, &args.data, global);
    }
    if let Some(dir) = &args.sources {
        return crate::cli::model_content::eval(&args.name, dir, global);
    }
    if judged::NAMES.contains(&args.name.as_str()) {
        return judged::eval(&args.name, &args.data, &args.groups, global);
    }
    let model = load(&args.name, global)?;
    let recipe = recipe_of(model.name())?;
    let mut table = table::read(&args.data)?;
    if let Some(split) = &args.split {
        table = table.filter(|row| row.text("split").is_some_and(|text| *text == **split));
    }
    let evaluation = recipe.eval(&model, &table).map_err(|e| table::fault(&e))?;
    let found = match args.groups.as_slice() {
        [] => Vec::new(),
        columns => groups::of(columns, &table, &recipe.flags(&model, &table).map_err(|e| table::fault(&e))?, &|_, _| None)?,
    };
    if global.json {
        let mut object = as_json(&model, &evaluation);
        if !found.is_empty() {
            object["groups"] = json!(found);
        }
        out::json(&object);
    } else {
        print(&model, &evaluation);
        groups::print(&found);
    }
    Ok(Exit::Fine)
}

/// Its name, or a folder whose card has it.
fn is_forecast(name: &str) -> bool {
    let card = || learn::card::Card::from_bytes(&std::fs::read(Path::new(name).join("card.json")).ok()?).ok();
    name == learn::forecast::NAME || card().is_some_and(|c| c.name == learn::forecast::NAME)
}

pub(super) fn recipe_of(name: &str) -> Result<&'static Recipe, Fail> {
    recipe::by_name(name).ok_or_else(|| {
        let names: Vec<&str> = recipe::ALL.iter().map(|recipe| recipe.name).collect();
        Fail::new("E0503", format!("no recipe for {}", out::shown(name))).fix(format!("models that can be trained: {}", names.join(", ")))
    })
}

/// A model by name, or from a folder; a folder without a signature is one's own, made here.
pub(super) fn load(name: &str, global: &Global) -> Result<Model, Fail> {
    let path = Path::new(name);
    if !path.is_dir() {
        recipe_of(name)?;
        let content = Content::serving(global.content.as_deref(), &crate::paths::data_dir(global.data_dir.as_ref()))?;
        return content.any_model(name).map_err(|fail| {
            if content.below(&format!("models/{name}")).is_empty() {
                fail.fix(format!("no weights of it ship: bartizan model train {name} --data TABLE --out DIR, then model eval DIR"))
            } else {
                fail
            }
        });
    }
    let folder = knowledge::folder(knowledge::read_dir(path)?)?;
    let refused = |e| Fail::new("E0504", format!("model {} was refused: {e}", path.display()));
    if folder.get(learn::sign::SIGNATURE_NAME).is_none() {
        out::note(format!(" {} is not signed: fit for measuring, not for serving", path.display()));
        return learn::load_any_unverified(&folder).map_err(refused);
    }
    let ring = Content::serving(global.content.as_deref(), &crate::paths::data_dir(global.data_dir.as_ref()))?.ring()?;
    learn::load_any(&folder, &ring).map_err(refused)
}

fn as_json(model: &Model, evaluation: &Evaluation) -> Value {
    let mut object = serde_json::to_value(evaluation).unwrap_or_else(|_| json!({}));
    object["schema"] = "bartizan.model_eval/1".into();
    object["model"] = format!("{}@{}", model.name(), model.version()).into();
    object
}

fn print(model: &Model, evaluation: &Evaluation) {
    let report = &evaluation.report;
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"));
    let at = |rates: &std::collections::BTreeMap<&str, Option<f64>>, rate: &str| number(rates.get(rate).copied().flatten());
    out::line(format!(
        " {}@{} on {} rows ({} bad), {} abstained",
        model.name(),
        model.version(),
        report.n,
        report.n_attack,
        evaluation.abstained
    ));
    out::line(format!(" {:<44} {:>8} {:>10} {:>10}", "", "AUC", "found@.1%", "found@1%"));
    out::line(format!(
        " {:<44} {:>8} {:>10} {:>10}",
        "model",
        number(report.auc),
        at(&report.tpr_at_fpr, "0.001"),
        at(&report.tpr_at_fpr, "0.01")
    ));
    let trivial = &evaluation.trivial;
    let what: String = trivial.what.chars().take(44).collect();
    out::line(format!(
        " {what:<44} {:>8} {:>10} {:>10}",
        number(trivial.auc),
        at(&trivial.tpr_at_fpr, "0.001"),
        at(&trivial.tpr_at_fpr, "0.01")
    ));
    out::line(format!(" at its own threshold {:.5}, which was set before:", report.threshold));
    for (name, share) in &report.at_shipped_threshold {
        let what = if *name == "fpr" { "good rows flagged" } else { "bad rows found" };
        out::line(format!(
            "   {what:<18} {:>8.3} %  ({:.3} to {:.3}), {} of {}",
            share.share * 100.0,
            share.low * 100.0,
            share.high * 100.0,
            share.hits,
            share.of
        ));
    }
    for (column, values) in &evaluation.by {
        for (value, report) in values {
            let found = number(report.tpr_at_shipped_threshold);
            let flagged = number(report.fpr_at_shipped_threshold);
            let auc = number(evaluation.auc_against_good.get(column).and_then(|of| of.get(value).copied()).or(report.auc));
            let value = out::shown(value);
            out::line(format!("   {column} {value:<28} n {:>6}  found {found:>7}  flagged {flagged:>7}  AUC {auc:>7}", report.n));
        }
    }
    for note in &evaluation.notes {
        out::note(format!(" {}", out::shown(note)));
    }
}
