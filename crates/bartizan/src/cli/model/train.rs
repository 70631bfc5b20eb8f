//! `model train NAME --data TABLE`: gate, training, figures, folder.

use std::path::PathBuf;

use clap::Args;
use learn::gate::{self, Report};
use learn::recipe::{Recipe, TrainError, Trained};
use learn::table::Table;
use learn::train as web;
use serde_json::{Value, json};

use super::{eval, forecast, table};
use crate::cli::fail::{Exit, Fail};
use crate::cli::{Global, out};

#[derive(Args)]
pub(super) struct Train {
    /// Which model: web-payload, pe-header, pdf, ..
    name: String,
    /// JSON lines or CSV with a header, also .zst; repeatable
    #[arg(long, required = true)]
    data: Vec<PathBuf>,
    /// Folder to write the model to; without it nothing is written
    #[arg(long)]
    out: Option<PathBuf>,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Version of what is trained; without it the recipe's own, which cannot be promoted over a model of that version
    #[arg(long, value_name = "VERSION", value_parser = version)]
    model_version: Option<String>,
    /// Also measure on each source, trained without it (web-payload; the others do so when a table has several sources)
    #[arg(long)]
    leave_out: bool,
    /// Only judge the table: exit 1 when something is flagged
    #[arg(long)]
    gate_only: bool,
    /// Leave the rows of this batch out; repeatable
    #[arg(long, value_name = "BATCH")]
    quarantine: Vec<String>,
    /// Train although this batch (or column:NAME) is flagged; repeatable
    #[arg(long, value_name = "BATCH", requires = "reason")]
    accept: Vec<String>,
    /// Why, in words
    #[arg(long)]
    reason: Option<String>,
}

pub(super) fn run(args: &Train, global: &Global) -> Result<Exit, Fail> {
    if args.name == learn::forecast::NAME {
        return forecast::train(&args.data, args.out.as_deref(), args.seed, global);
    }
    if let Some(done) =
        crate::cli::model_content::train(&args.name, &args.data, args.out.as_deref(), (args.seed, args.model_version.as_deref()), global)
    {
        return done;
    }
    let recipe = eval::recipe_of(&args.name)?;
    let mut table = recipe.prepared(table::read(&args.data)?);
    if !args.quarantine.is_empty() {
        table = table.filter(|row| !args.quarantine.contains(&gate::batch_of(&row)));
    }
    let judged = gate::check(recipe, &table, &args.accept, args.seed).map_err(|e| table::fault(&e))?;
    if args.gate_only || !judged.flagged.is_empty() {
        return Ok(stopped(args, &table, &judged, global));
    }
    let trained = recipe.train(&table, args.seed).map_err(|e| refused(&e))?;
    let mut trained = if args.leave_out && args.name == "web-payload" { with_left_out(trained, &table, args.seed)? } else { trained };
    if let Some(version) = &args.model_version {
        learn::renumber(&mut trained.folder, version).map_err(|e| Fail::new("E0505", e.to_string()))?;
        trained.card.version.clone_from(version);
    }
    if let Some(dir) = &args.out {
        std::fs::create_dir_all(dir).map_err(|e| Fail::unreadable(dir, &e))?;
        for (name, bytes) in trained.folder.files() {
            let path = dir.join(name);
            std::fs::write(&path, bytes).map_err(|e| Fail::unreadable(&path, &e))?;
        }
    }
    if global.json {
        out::json(&as_json(args, &table, &judged, Some(&trained)));
    } else {
        gate_table(&judged);
        print(args, recipe, &trained);
    }
    Ok(Exit::Fine)
}

/// Versions become folder names.
fn version(text: &str) -> Result<String, String> {
    let fine = text.len() <= 32 && text.starts_with(|c: char| c.is_ascii_alphanumeric());
    let fine = fine && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
    if fine { Ok(text.to_owned()) } else { Err(format!("{text:?} is no version: letters, digits, . and -, like 1.1")) }
}

fn refused(error: &TrainError) -> Fail {
    match error {
        TrainError::Table(error) => table::fault(error),
        other => Fail::new("E0507", other.to_string()).exit(Exit::Refused),
    }
}

/// The card of `web-payload` with each source left out; takes minutes on the whole table.
fn with_left_out(mut trained: Trained, table: &Table, seed: u64) -> Result<Trained, Fail> {
    let rows = learn::recipe::web_rows(table).map_err(|e| table::fault(&e))?;
    let training: Vec<web::Row> = rows.into_iter().filter(|row| row.split != "dev").collect();
    let all = web::augmented(&training, seed);
    trained.card.left_out = web::sources(&training).iter().filter_map(|source| web::leave_source_out(&all, source, seed)).collect();
    trained.folder.insert("card.json", trained.card.to_bytes()).map_err(|e| Fail::new("E0505", e.to_string()))?;
    Ok(trained)
}

/// Nothing is trained: the gate was asked alone, or it refuses.
fn stopped(args: &Train, table: &Table, judged: &Report, global: &Global) -> Exit {
    if global.json {
        out::json(&as_json(args, table, judged, None));
    } else {
        gate_table(judged);
    }
    let Some(first) = judged.flagged.first() else { return Exit::Fine };
    if args.gate_only {
        return Exit::Found;
    }
    out::note(format!(
        "E0507 the gate refuses {}: nothing was written. three ways on: leave it out (--quarantine {first}), take it all the same \
         (--accept {first} --reason TEXT), or look at its rows (suspect_rows in --json)",
        out::shown(&judged.flagged.join(", "))
    ));
    Exit::Refused
}

fn gate_table(judged: &Report) {
    for batch in judged.batches.iter().filter(|batch| batch.flagged || judged.batches.len() <= 40) {
        let mark = if batch.flagged { "FLAGGED" } else { "ok" };
        out::line(format!(
            " {mark:<7} {:<28} {:>7} rows  {:>6.2} %  usual {:>6.2} %  p {:.1e}  {}",
            out::shown(&batch.batch),
            batch.rows,
            batch.disagreement * 100.0,
            batch.expected * 100.0,
            batch.p,
            out::shown(&batch.why)
        ));
    }
    for trigger in &judged.triggers {
        out::line(format!(
            " trigger {:?} in {} of {} contradicted rows of {}; {:.2} % of the rows elsewhere have it",
            out::shown(&trigger.value),
            trigger.rows,
            trigger.of,
            out::shown(&trigger.batch),
            trigger.elsewhere * 100.0
        ));
    }
    for note in &judged.notes {
        out::line(format!(" {}", out::shown(note)));
    }
    out::line(format!(" {} rows stand there twice, {} with both labels", judged.duplicates, judged.both_labels));
}

fn as_json(args: &Train, table: &Table, judged: &Report, trained: Option<&Trained>) -> Value {
    let written = trained.is_some() && args.out.is_some();
    let suspects = match trained {
        Some(trained) => trained.suspects.iter().map(|suspect| suspect.line).collect::<Vec<u64>>(),
        None => judged.suspect_rows.clone(),
    };
    json!({
        "schema": "bartizan.model_train/1", "model": args.name, "rows": table.len(), "seed": args.seed,
        "batches": judged.batches, "flagged": judged.flagged, "triggers": judged.triggers, "suspect_rows": suspects,
        "duplicates": judged.duplicates, "both_labels": judged.both_labels,
        "quarantined": args.quarantine, "accepted": args.accept, "reason": args.reason,
        "figures": trained.map_or_else(|| json!({}), |trained| json!(trained.figures)),
        "left_out": trained.map(|trained| &trained.card.left_out), "ships": trained.map(|trained| trained.card.ships),
        "notes": judged.notes.iter().chain(trained.iter().flat_map(|trained| &trained.notes)).collect::<Vec<_>>(),
        "written": written, "path": args.out.as_ref().filter(|_| written).map(|p| p.display().to_string()),
    })
}

fn print(args: &Train, recipe: &Recipe, trained: &Trained) {
    left_out_table(&trained.card.left_out);
    let (figures, report) = (&trained.figures, &trained.figures.report);
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"));
    out::line(format!(
        " {} {}: {} rows ({} bad), {} duplicates left out, {} with both labels",
        recipe.name, recipe.version, figures.rows, report.n_attack, figures.duplicates, figures.contradictions
    ));
    out::line(format!(" {}", figures.split));
    out::line(format!(" {:<44} {:>8} {:>10} {:>10}", "held back", "AUC", "found@.1%", "found@1%"));
    let at = |rates: &std::collections::BTreeMap<&str, Option<f64>>, rate: &str| number(rates.get(rate).copied().flatten());
    out::line(format!(
        " {:<44} {:>8} {:>10} {:>10}",
        "model",
        number(report.auc),
        at(&report.tpr_at_fpr, "0.001"),
        at(&report.tpr_at_fpr, "0.01")
    ));
    let trivial = &figures.trivial;
    let what: String = trivial.what.chars().take(44).collect();
    out::line(format!(
        " {what:<44} {:>8} {:>10} {:>10}",
        number(trivial.auc),
        at(&trivial.tpr_at_fpr, "0.001"),
        at(&trivial.tpr_at_fpr, "0.01")
    ));
    out::line(format!(" calibration error {:.4}", report.calibration_error));
    for figure in &figures.held {
        out::line(format!(
            " {:>8.3} %  {:>6} of {:>6}  {}",
            figure.share.share * 100.0,
            figure.share.hits,
            figure.share.of,
            out::shown(&figure.what)
        ));
    }
    for note in &trained.notes {
        out::note(format!(" {}", out::shown(note)));
    }
    if !trained.card.ships {
        out::line(" may not ship: its data or recipe do not allow it; for use on this machine");
    }
    if let Some(dir) = &args.out {
        let files: Vec<&str> = trained.folder.files().map(|(name, _)| name).collect();
        let dir = dir.display();
        out::line(format!(" wrote {} to {dir}; sign it: bartizan model sign {dir} --key NAME.key.pem", files.join(", ")));
    }
}

fn left_out_table(table: &[learn::card::LeftOut]) {
    if table.is_empty() {
        return;
    }
    out::line(format!(
        " {:<22} {:>7} {:>7}  {:>8} {:>8} {:>8} {:>8}  trivial@.5%",
        "source left out", "attacks", "benign", "@.1%", "@.5%", "@1%", "AUC"
    ));
    for row in table {
        out::line(format!(
            " {:<22} {:>7} {:>7}  {:>8.4} {:>8.4} {:>8.4} {:>8.5}  {:.4}   benign: {}",
            out::shown(&row.source),
            row.attacks,
            row.benign,
            row.tpr_at_fpr_01.share,
            row.tpr_at_fpr_05.share,
            row.tpr_at_fpr_1.share,
            row.auc,
            row.trivial_at_fpr_05.share,
            row.benign_from
        ));
    }
}
