//! `model list|card|eval|attack|drift|canary|promote|rollback|train|verify|sign|key`: the models, and what is known about them.

mod attack;
mod canary;
mod drift;
mod eval;
mod forecast;
mod groups;
mod judged;
mod rollout;
mod scorer;
mod table;
mod train;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use learn::recipe::{self, Recipe};
use learn::sign::{self, KeyRing, SigningKey};
use serde_json::{Value, json};

use super::fail::{Exit, Fail};
use super::{Global, model_content, out};
use crate::knowledge::{self, Content};

/// The learned models: list, card, eval, train, verify, sign
#[derive(Args)]
#[command(
    after_help = "Examples:\n  bartizan model card web-payload\n  bartizan model eval web-payload --data payloads.jsonl --json\n  bartizan model train pe-header --data headers.csv --seed 1 --out my-model\n  bartizan model eval my-model --data others.csv --json\n\nExit codes: 0 fine; 1 verify refused, or --gate-only found something; 3 could not; 4 training refused."
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
    Card {
        name: String,
    },
    /// How it does on labelled rows
    Eval(eval::Eval),
    Attack(attack::AttackArgs),
    Drift(drift::Drift),
    Canary(canary::Canary),
    Promote(rollout::Promote),
    Rollback(rollout::Rollback),
    Generate(model_content::Generate),
    Calibrate(model_content::Calibrate),
    /// Make one from labelled rows: same rows and seed, same bytes
    Train(train::Train),
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

pub(super) fn run(args: &Model, global: &Global) -> Result<Exit, Fail> {
    match &args.verb {
        Verb::List => list(global),
        Verb::Card { name } => card(name, global),
        Verb::Eval(args) => eval::run(args, global),
        Verb::Attack(args) => attack::run(args, global),
        Verb::Drift(args) => drift::run(args, global),
        Verb::Canary(args) => canary::keep(args, global),
        Verb::Promote(args) => rollout::promote(args, global),
        Verb::Rollback(args) => rollout::rollback(args, global),
        Verb::Generate(args) => model_content::generate(args),
        Verb::Calibrate(args) => model_content::calibrate(args, global),
        Verb::Train(args) => train::run(args, global),
        Verb::Verify { model, key } => verify(model, key, global),
        Verb::Sign { dir, key } => sign_folder(dir, key),
        Verb::Key { verb: KeyVerb::New { out } } => new_key(out),
    }
}

fn list(global: &Global) -> Result<Exit, Fail> {
    let states = crate::served::models(&Content::serving(global.content.as_deref(), &crate::paths::data_dir(global.data_dir.as_ref()))?);
    let recipes = || recipe::ALL.iter().filter(|recipe| states.iter().all(|m| m.name != recipe.name));
    if global.json {
        let shipped = states.iter().map(
            |m| json!({"name": m.name, "version": m.version, "signed": m.signed, "key": m.key_id, "state": state(m.signed), "thresholds": m.thresholds}),
        );
        let made = recipes().map(
            |r| json!({"name": r.name, "version": r.version, "signed": false, "key": "", "state": "recipe", "thresholds": "", "train": train_command(r)}),
        );
        let rows: Vec<Value> = shipped.chain(made).collect();
        out::json(&json!({"schema": "bartizan.models/1", "models": rows}));
        return Ok(Exit::Fine);
    }
    out::line(" NAME             VERSION  STATE     SIGNED BY         THRESHOLDS");
    for m in &states {
        out::line(format!(
            " {:<16} {:<8} {:<9} {:<17} {}",
            m.name,
            m.version,
            state(m.signed),
            m.key_id.get(..16).unwrap_or("-"),
            m.thresholds
        ));
    }
    for recipe in recipes() {
        let why = format!("no weights ship; yours: {}", train_command(recipe));
        out::line(format!(" {:<16} {:<8} {:<9} {:<17} {why}", recipe.name, recipe.version, "recipe", "-"));
    }
    Ok(Exit::Fine)
}

fn train_command(recipe: &Recipe) -> String {
    format!("bartizan model train {} --data TABLE --seed 1 --out DIR", recipe.name)
}

/// What is known of a model that ships as a recipe only.
fn recipe_card(recipe: &Recipe, global: &Global) -> Exit {
    let features = recipe.features();
    if global.json {
        let sources: Vec<Value> = recipe
            .sources
            .iter()
            .map(|s| json!({"source": s.source, "origin": s.origin, "licence": s.licence, "may_teach_a_shipped_model": s.ships}))
            .collect();
        out::json(&json!({
            "schema": "bartizan.model_card/1", "name": recipe.name, "version": recipe.version, "state": "recipe", "ships": false,
            "purpose": recipe.purpose, "method": recipe.method, "sources": sources, "features": features.features, "needs": recipe.needs,
            "reads": recipe.reads, "trivial": recipe.trivial.what, "blind_spots": recipe.blind_spots, "command_train": train_command(recipe),
        }));
        return Exit::Fine;
    }
    out::line(format!("# {} {}: a recipe, no weights ship\n\n{}\n\n{}\n", recipe.name, recipe.version, recipe.purpose, recipe.method));
    out::line(format!("    {}\n    bartizan model eval DIR --data OTHER_TABLE\n", train_command(recipe)));
    out::line("Known tables, and why no weights ship:\n");
    for source in recipe.sources {
        let may = if source.ships { "may teach a model that ships" } else { "for measuring and for your own model only" };
        out::line(format!("- {} ({}): licence {}, {may}", source.source, source.origin, source.licence));
    }
    out::line(format!("\nReads {} features. To beat: {}.\n\nBlind spots:\n", features.features.len(), recipe.trivial.what));
    recipe.blind_spots.iter().for_each(|spot| out::line(format!("- {spot}")));
    Exit::Fine
}

fn state(signed: bool) -> &'static str {
    if signed { "serving" } else { "refused" }
}

/// A model folder by path, or a model of the content by name.
fn folder_of(model: &str, global: &Global) -> Result<sign::Folder, Fail> {
    let path = Path::new(model);
    if path.is_dir() {
        return knowledge::folder(knowledge::read_dir(path)?);
    }
    Content::serving(global.content.as_deref(), &crate::paths::data_dir(global.data_dir.as_ref()))?.model_folder(model)
}

fn card(name: &str, global: &Global) -> Result<Exit, Fail> {
    if let Some(recipe) = recipe::by_name(name).filter(|_| !Path::new(name).is_dir())
        && Content::load(global.content.as_deref())?.below(&format!("models/{name}")).is_empty()
    {
        return Ok(recipe_card(recipe, global));
    }
    let folder = folder_of(name, global)?;
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

fn verify(model: &str, keys: &[PathBuf], global: &Global) -> Result<Exit, Fail> {
    let content = Content::serving(global.content.as_deref(), &crate::paths::data_dir(global.data_dir.as_ref()))?;
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
