//! `model train forecast` and `model eval forecast`: its table is bags of techniques, not labelled rows.

use std::path::{Path, PathBuf};

use incident::forecast::{mappings, prevention};
use learn::forecast::{self, Bag, ForecastModel};
use serde_json::json;

use super::table;
use crate::cli::fail::{Exit, Fail};
use crate::cli::{Global, out};
use crate::knowledge::{self, Content};

fn bags(paths: &[PathBuf]) -> Result<Vec<Bag>, Fail> {
    let mut all = Vec::new();
    for path in paths {
        let bytes = table::bytes(path)?;
        let parsed = forecast::parse(&String::from_utf8_lossy(&bytes));
        all.extend(parsed.map_err(|e| Fail::new("E0108", format!("{}:{}: {}", path.display(), e.line, e.why)))?);
    }
    Ok(all)
}

pub(super) fn train(data: &[PathBuf], dir: Option<&Path>, seed: u64, global: &Global) -> Result<Exit, Fail> {
    let bags = bags(data)?;
    let trained = forecast::train(&bags, seed).map_err(|e| Fail::new("E0507", e.to_string()).exit(Exit::Refused))?;
    let (folder, card) = forecast::folder(&trained, &bags, seed);
    if let Some(dir) = dir {
        std::fs::create_dir_all(dir).map_err(|e| Fail::unreadable(dir, &e))?;
        for (name, bytes) in folder.files() {
            let path = dir.join(name);
            std::fs::write(&path, bytes).map_err(|e| Fail::unreadable(&path, &e))?;
        }
    }
    if global.json {
        out::json(&json!({
            "schema": "bartizan.model_train/1", "model": forecast::NAME, "rows": bags.len(), "seed": seed, "figures": trained.evaluation,
            "written": dir.is_some(), "path": dir.map(|d| d.display().to_string()), "ships": card.ships,
            "batches": [], "flagged": [], "triggers": [], "suspect_rows": [],
        }));
        return Ok(Exit::Fine);
    }
    print(&trained.evaluation);
    if let Some(dir) = dir {
        out::line(format!(" wrote {}; sign it: bartizan model sign {} --key NAME.key.pem", dir.display(), dir.display()));
    }
    Ok(Exit::Fine)
}

/// Cross-validated on the table itself when it is the one that the model was made of; else the model as it is.
pub(super) fn eval(name: &str, data: &[PathBuf], global: &Global) -> Result<Exit, Fail> {
    const SEED: u64 = 1;
    let bags = bags(data)?;
    let content = Content::load(global.content.as_deref())?;
    let path = Path::new(name);
    let folder = if path.is_dir() { knowledge::folder(knowledge::read_dir(path)?)? } else { content.model_folder(name)? };
    let bytes = folder.get("model.bin").ok_or_else(|| Fail::new("E0504", format!("{name} has no model.bin")))?;
    let model = ForecastModel::from_bytes(bytes).map_err(|e| Fail::new("E0504", e.to_string()))?;
    let as_it_is = forecast::evaluate(&model, &bags, SEED);
    let crossed = forecast::train(&bags, SEED).ok().map(|t| t.evaluation);
    let controls = content.below("frameworks").remove("controls.jsonl").unwrap_or_default();
    let controls = mappings(&String::from_utf8_lossy(&controls)).map_err(|e| Fail::new("E0502", e))?;
    let prevented = prevention(&bags, &controls, "nist_800_53", SEED);
    if global.json {
        out::json(&json!({
            "schema": "bartizan.model_eval/1", "model": format!("{}@{}", forecast::NAME, model.version()), "n": as_it_is.reports,
            "as_it_is": as_it_is, "cross_validated": crossed, "prevention": prevented,
        }));
        return Ok(Exit::Fine);
    }
    out::line(" the model as it is; flattering on the table that it was made of:");
    print(&as_it_is);
    if let Some(crossed) = crossed {
        out::line(" five folds of this table, alike reports together:");
        print(&crossed);
    }
    out::line(format!(
        " first five specific measures cover {:.3} of what was hidden; always the same five {:.3}; known in advance {:.3}  ({} reports)",
        prevented.ours, prevented.fixed_five, prevented.oracle, prevented.reports
    ));
    Ok(Exit::Fine)
}

fn print(figures: &forecast::Evaluation) {
    out::line(format!(
        " {} reports with 6 or more techniques, half given: recall@20 {:.3}, most reported ones {:.3}, calibration error {:.4}",
        figures.reports, figures.recall_at_20, figures.popularity_recall_at_20, figures.calibration_error
    ));
}
