//! `model list|card|eval|train|verify|sign|key`: the models, and what is known about them.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use learn::measure::{self, Scored};
use learn::sign::{self, KeyRing, SigningKey};
use learn::train::{self, Label, Row, table};
use learn::{Scratch, TextModel};
use serde_json::{Value, json};

use super::fail::{Exit, Fail};
use super::{Global, out, waf};
use crate::knowledge::{self, Content};
use crate::service::model_states;

/// The learned models: list, card, eval, train, verify, sign
#[derive(Args)]
#[command(
    after_help = "Examples:\n  bartizan model card web-payload\n  bartizan model eval web-payload --data payloads.jsonl --json\n  bartizan model train web-payload --data payloads.jsonl --seed 1 --out my-model\n\nExit codes: 0 fine; 1 verify refused; 3 could not; 4 training refused."
)]
pub(super) struct Model {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// What is loaded, and whether its signature holds
    List,
    /// Where it comes from, what it can, what fools it
    Card { name: String },
    /// How it does on labelled rows
    Eval {
        name: String,
        #[arg(long)]
        data: PathBuf,
        /// Only rows with this `split`
        #[arg(long)]
        split: Option<String>,
    },
    /// Make one from labelled rows: same rows and seed, same bytes
    Train(Train),
    /// Check a model folder, or a built-in model by name
    Verify {
        model: String,
        /// Public keys to trust instead of the built-in ring
        #[arg(long)]
        key: Vec<PathBuf>,
    },
    /// Sign a model folder
    Sign {
        dir: PathBuf,
        #[arg(long)]
        key: PathBuf,
    },
    /// Make a signing key: `model key new --out NAME` writes NAME.key.pem (keep it) and NAME.pem (give it away)
    Key {
        #[command(subcommand)]
        verb: KeyVerb,
    },
}

#[derive(Subcommand)]
enum KeyVerb {
    New {
        #[arg(long, default_value = "bartizan-model")]
        out: PathBuf,
    },
}

#[derive(Args)]
struct Train {
    name: String,
    /// JSON lines, also .zst; repeatable
    #[arg(long, required = true)]
    data: Vec<PathBuf>,
    #[arg(long)]
    out: Option<PathBuf>,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Also measure on each source, trained without it; goes onto the card
    #[arg(long)]
    leave_out: bool,
}

pub(super) fn run(args: &Model, global: &Global) -> Result<Exit, Fail> {
    match &args.verb {
        Verb::List => list(global),
        Verb::Card { name } => card(name, global),
        Verb::Eval { name, data, split } => eval(name, data, split.as_deref(), global),
        Verb::Train(args) => train(args, global),
        Verb::Verify { model, key } => verify(model, key, global),
        Verb::Sign { dir, key } => sign_folder(dir, key),
        Verb::Key { verb: KeyVerb::New { out } } => new_key(out),
    }
}

fn list(global: &Global) -> Result<Exit, Fail> {
    let states = model_states(&Content::load(global.content.as_deref())?);
    if global.json {
        let rows: Vec<Value> = states
            .iter()
            .map(|m| json!({"name": m.name, "version": m.version, "signed": m.signed, "key": m.key_id, "state": state(m.signed), "thresholds": m.thresholds}))
            .collect();
        out::json(&json!({"schema": "bartizan.models/1", "models": rows}));
        return Ok(Exit::Fine);
    }
    out::line(" NAME           VERSION  STATE     SIGNED BY         THRESHOLDS");
    for m in &states {
        out::line(format!(
            " {:<14} {:<8} {:<9} {:<17} {}",
            m.name,
            m.version,
            state(m.signed),
            m.key_id.get(..16).unwrap_or("-"),
            m.thresholds
        ));
    }
    Ok(Exit::Fine)
}

fn state(signed: bool) -> &'static str {
    if signed { "serving" } else { "refused" }
}

fn card(name: &str, global: &Global) -> Result<Exit, Fail> {
    let folder = Content::load(global.content.as_deref())?.model_folder(name)?;
    let bytes = folder.get("card.json").ok_or_else(|| Fail::new("E0506", format!("model {name} has no card")))?;
    if global.json {
        let mut object: Value = serde_json::from_slice(bytes).map_err(|e| Fail::new("E0506", e.to_string()))?;
        object["schema"] = "bartizan.model_card/1".into();
        out::json(&object);
    } else {
        let card = learn::card::Card::from_bytes(bytes).map_err(|e| Fail::new("E0506", e.to_string()))?;
        out::raw(card.to_markdown().as_bytes());
    }
    Ok(Exit::Fine)
}

fn rows(paths: &[PathBuf]) -> Result<Vec<Row>, Fail> {
    let mut all = Vec::new();
    for path in paths {
        let mut text = String::new();
        let mut numbers = Vec::new();
        waf::each_line(path, &mut |number, line| {
            text.push_str(&String::from_utf8_lossy(line));
            text.push('\n');
            numbers.push(number);
            Ok(())
        })?;
        let parsed = table::parse(&text).map_err(|e| {
            let line = numbers.get((e.line as usize).saturating_sub(1)).copied().unwrap_or(e.line);
            Fail::new("E0108", format!("{}:{line}: {}", path.display(), e.why))
        })?;
        all.extend(parsed);
    }
    Ok(all)
}

fn eval(name: &str, data: &Path, split: Option<&str>, global: &Global) -> Result<Exit, Fail> {
    let model = Content::load(global.content.as_deref())?.model(name)?;
    let rows: Vec<Row> = rows(&[data.to_owned()])?.into_iter().filter(|r| split.is_none_or(|s| r.split == s)).collect();
    let scored = score(&model, &rows);
    let limit = model.thresholds().alone;
    let at = |rate| measure::tpr_at_fpr(&scored, rate).share;
    let figures = json!({
        "schema": "bartizan.model_eval/1", "model": format!("{}@{}", model.name(), model.version()), "n": scored.len(),
        "auc": measure::auc(&scored), "tpr_at_fpr": {"0.001": at(0.001), "0.005": at(0.005), "0.01": at(0.01)},
        "threshold": limit, "fpr_at_shipped_threshold": measure::fpr_at(&scored, limit).share,
        "tpr_at_shipped_threshold": measure::tpr_at(&scored, limit).share,
        "calibration_error": measure::calibration_error(&scored).0,
    });
    if global.json {
        out::json(&figures);
    } else {
        out::line(serde_json::to_string_pretty(&figures).unwrap_or_default());
    }
    Ok(Exit::Fine)
}

fn score(model: &TextModel, rows: &[Row]) -> Vec<Scored> {
    let mut scratch = Scratch::default();
    rows.iter().map(|r| Scored { score: model.score(r.payload.as_bytes(), &mut scratch), positive: r.label == Label::Attack }).collect()
}

fn train(args: &Train, global: &Global) -> Result<Exit, Fail> {
    if args.name != "web-payload" {
        return Err(Fail::new("E0503", format!("no training for {}", args.name)).fix("models that can be trained: web-payload"));
    }
    let rows = rows(&args.data)?;
    let left_out = if args.leave_out { leave_out(&rows, args.seed) } else { Vec::new() };
    let trained = train::web_payload(&rows, &left_out, args.seed).map_err(|e| Fail::new("E0507", e.to_string()).exit(Exit::Refused))?;
    let mut written = Vec::new();
    if let Some(dir) = &args.out {
        std::fs::create_dir_all(dir).map_err(|e| Fail::unreadable(dir, &e))?;
        for (name, bytes) in trained.folder.files() {
            let path = dir.join(name);
            std::fs::write(&path, bytes).map_err(|e| Fail::unreadable(&path, &e))?;
            written.push(name.to_owned());
        }
    }
    if global.json {
        out::json(&json!({
            "schema": "bartizan.model_train/1", "model": args.name, "rows": rows.len(), "seed": args.seed, "figures": trained.figures,
            "left_out": trained.card.left_out, "written": args.out.is_some(), "path": args.out.as_ref().map(|p| p.display().to_string()),
            "batches": [], "flagged": [], "suspect_rows": [], "triggers": [],
        }));
        return Ok(Exit::Fine);
    }
    left_out_table(&trained.card.left_out);
    out::line(format!(
        " {} rows, held-back AUC {:.5}, calibration error {:.4}",
        trained.figures.rows, trained.figures.held_auc, trained.figures.calibration_error
    ));
    for figure in &trained.figures.held {
        out::line(format!(" {:>8.3} %  {:>6} of {:>6}  {}", figure.share.share * 100.0, figure.share.hits, figure.share.of, figure.what));
    }
    if let Some(dir) = &args.out {
        out::line(format!(
            " wrote {} to {}; sign it: bartizan model sign {} --key NAME.key.pem",
            written.join(", "),
            dir.display(),
            dir.display()
        ));
    }
    Ok(Exit::Fine)
}

fn leave_out(rows: &[Row], seed: u64) -> Vec<learn::card::LeftOut> {
    let training: Vec<Row> = rows.iter().filter(|r| r.split != "dev").cloned().collect();
    let all = train::augmented(&training, seed);
    train::sources(&training).iter().filter_map(|source| train::leave_source_out(&all, source, seed)).collect()
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
            row.source,
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

fn verify(model: &str, keys: &[PathBuf], global: &Global) -> Result<Exit, Fail> {
    let content = Content::load(global.content.as_deref())?;
    let path = Path::new(model);
    let files = if path.is_dir() { knowledge::read_dir(path)? } else { content.below(&format!("models/{model}")) };
    if files.is_empty() {
        return Err(Fail::new("E0503", format!("no model or folder {model}")).fix("bartizan model list"));
    }
    let ring = if keys.is_empty() {
        content.ring()?
    } else {
        let pems: Result<Vec<String>, Fail> =
            keys.iter().map(|k| std::fs::read_to_string(k).map_err(|e| Fail::unreadable(k, &e))).collect();
        KeyRing::from_pems(pems?).map_err(|e| Fail::new("E0501", e.to_string()))?
    };
    let folder = knowledge::folder(files)?;
    let result = sign::verify(&folder, &ring);
    if global.json {
        let failed = result.as_ref().err().cloned().unwrap_or_default();
        out::json(&json!({
            "schema": "bartizan.model_verify/1", "ok": result.is_ok(), "method": "key", "checked": ["structure", "signature", "manifest"],
            "failed": failed, "key": result.as_ref().ok().map(|v| v.key_id.clone()),
        }));
    }
    match result {
        Ok(verified) => {
            if !global.json {
                out::line(format!(" ok   {} ({} files) signed by {}", verified.subject, verified.files, verified.key_id));
            }
            Ok(Exit::Fine)
        }
        Err(faults) => {
            for fault in faults.iter().filter(|_| !global.json) {
                out::line(format!(" REFUSED  {}: {}", out::shown(&fault.file), out::shown(&fault.why)));
            }
            Ok(Exit::Found)
        }
    }
}

fn sign_folder(dir: &Path, key: &Path) -> Result<Exit, Fail> {
    let pem = std::fs::read_to_string(key).map_err(|e| Fail::unreadable(key, &e))?;
    let key = SigningKey::from_pem(&pem).map_err(|e| Fail::new("E0501", e.to_string()))?;
    let mut files = knowledge::read_dir(dir)?;
    files.remove(sign::SIGNATURE_NAME);
    let card = files.get("card.json").and_then(|b| learn::card::Card::from_bytes(b).ok());
    let subject = card.map_or_else(|| dir.file_name().map_or_else(|| "model".into(), |n| n.to_string_lossy().into_owned()), |c| c.name);
    let signature = sign::sign(&knowledge::folder(files)?, &subject, &key);
    let path = dir.join(sign::SIGNATURE_NAME);
    std::fs::write(&path, signature).map_err(|e| Fail::unreadable(&path, &e))?;
    out::line(format!(" signed {} as {subject} with {}", dir.display(), key.verifying().id()));
    Ok(Exit::Fine)
}

fn new_key(out_name: &Path) -> Result<Exit, Fail> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut random = [0_u8; 32];
    getrandom::fill(&mut random).map_err(|e| Fail::new("E0508", format!("the system gives no random numbers: {e}")))?;
    let (private, public) = sign::new_key(&random).map_err(|e| Fail::new("E0508", e.to_string()))?;
    let (secret, open) = (out_name.with_extension("key.pem"), out_name.with_extension("pem"));
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&secret);
    file.and_then(|mut f| f.write_all(private.as_bytes())).map_err(|e| Fail::unreadable(&secret, &e))?;
    std::fs::write(&open, public).map_err(|e| Fail::unreadable(&open, &e))?;
    out::line(format!(" wrote {} (keep it secret) and {}", secret.display(), open.display()));
    Ok(Exit::Fine)
}
