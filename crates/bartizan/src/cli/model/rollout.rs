//! `model promote DIR`, `model rollback NAME`: which version of a model serves.

use std::path::{Path, PathBuf};

use clap::Args;
use event::order::What;
use event::{Entity, EntityKind};
use learn::card::Card;
use learn::measure::Groups;
use learn::sign::{self, KeyRing};
use respond::model;
use serde_json::json;

use super::{canary, eval, groups, judged, table};
use crate::cli::fail::{Exit, Fail};
use crate::cli::{Global, order, out, text};
use crate::knowledge::{self, Content};
use crate::paths;
use crate::versions::{Highest, compare};

/// Let a signed model folder serve in place of the one of its name
#[derive(Args)]
#[command(
    after_help = "Example:\n  bartizan model promote my-model --key release.pem --yes\n\nTaken up at the next start. Exit codes: 0 it serves; 3 could not; 4 refused, or not confirmed."
)]
pub(super) struct Promote {
    /// A folder that `model train --out` wrote and `model sign` signed
    dir: PathBuf,
    /// Public key to trust from now on, beside the built-in ring
    #[arg(long)]
    key: Option<PathBuf>,
    /// Labelled rows on which it must be fair to the groups of --groups; repeatable
    #[arg(long, requires = "groups")]
    data: Vec<PathBuf>,
    /// Refused when good rows of one value of these columns are flagged more than twice as often as those of another
    #[arg(long, value_name = "COLUMN", value_delimiter = ',', requires = "data")]
    groups: Vec<String>,
    /// Why scores of canary rows may move (`bartizan model canary`)
    #[arg(long, value_name = "REASON")]
    accept_canary: Option<String>,
    /// Why it may be older than a version that served before
    #[arg(long, value_name = "REASON")]
    allow_older: Option<String>,
}

/// Back to the version that served before
#[derive(Args)]
#[command(
    after_help = "Example:\n  bartizan model rollback web-payload --yes\n\nEnds by itself after --for; undo it before: bartizan undo NAME. Exit codes: 0 rolled back; 3 could not; 4 refused, or not confirmed."
)]
pub(super) struct Rollback {
    name: String,
    #[arg(long = "for", default_value = "90d", value_parser = order::seconds)]
    for_s: u32,
    #[arg(long, default_value = "asked for by hand")]
    reason: String,
}

pub(super) fn promote(args: &Promote, global: &Global) -> Result<Exit, Fail> {
    let data_dir = paths::data_dir(global.data_dir.as_ref());
    let content = Content::serving(global.content.as_deref(), &data_dir)?;
    let files = knowledge::read_dir(&args.dir)?;
    let folder = knowledge::folder(files.clone())?;
    let refused = |why: String| Fail::new("E0504", format!("{} is not promoted: {why}", args.dir.display())).exit(Exit::Refused);
    let pem = match &args.key {
        Some(path) => Some(std::fs::read_to_string(path).map_err(|e| Fail::unreadable(path, &e))?),
        None => None,
    };
    let ring = match &pem {
        Some(pem) => KeyRing::from_pems([pem]).map_err(|e| Fail::new("E0501", e.to_string()))?,
        None => content.ring()?,
    };
    let verified = sign::verify(&folder, &ring)
        .map_err(|faults| refused(faults.iter().map(|f| format!("{} {}", f.file, f.why)).collect::<Vec<_>>().join("; ")))?;
    let card = folder.get("card.json").and_then(|bytes| Card::from_bytes(bytes).ok()).ok_or_else(|| refused("it has no card".into()))?;
    // Heads have a format of their own; everything else has to load as its kind.
    if !folder.get("model.bin").is_some_and(learn::lure::Heads::is_mine) {
        let loaded = learn::load_any_unverified(&folder).map_err(|e| refused(e.to_string()))?;
        if loaded.name() != card.name {
            return Err(refused(format!("its card says {}, its model {}", card.name, loaded.name())));
        }
    }
    let models = data_dir.join("models");
    if !args.data.is_empty() {
        let unfair = fairness(args, &card.name, &folder, &content)?;
        if let Some(groups) = unfair.iter().find(|groups| groups.pass == Some(false)) {
            groups::print(&unfair);
            let ratio = groups.ratio.unwrap_or_default();
            return Err(refused(format!(
                "it flags good rows of one {} {ratio:.1} times as often as of another",
                out::shown(&groups.column)
            ))
            .fix("more good rows of that group in the training, or another threshold"));
        }
    }
    let serves = content.model_folder(&card.name).ok().and_then(|f| Card::from_bytes(f.get("card.json")?).ok()).map(|c| c.version);
    let (highest, _) = Highest::read(&data_dir);
    let newer = highest.above(&card.name, &card.version).or(serves.as_deref().filter(|v| compare(v, &card.version).is_gt()));
    if let (Some(newer), None) = (newer, &args.allow_older) {
        return Err(refused(format!("version {} is older than {newer}, which served before", out::shown(&card.version)))
            .fix("if going back is meant: --allow-older REASON"));
    }
    let older = newer.zip(args.allow_older.as_ref()).map(|(newer, why)| format!("; older than {newer}: {why}")).unwrap_or_default();
    let canary = canary::judged(&models, &card.name, &folder)?;
    if let Some((rows, scores)) = &canary {
        let moved = canary::moved(rows, scores);
        if !moved.is_empty() && !global.json {
            canary::print(&moved, rows.len());
        }
        if !moved.is_empty() && args.accept_canary.is_none() {
            return Err(refused(format!("it moves {} of {} canary rows", moved.len(), rows.len()))
                .fix("look at the rows; if the move is meant: --accept-canary REASON"));
        }
    }
    let before = model::serving(&models, &card.name).map_err(|why| Fail::new("E0511", why))?;
    if !global.json {
        out::line(format!(
            " will   serve {} {} in place of {}",
            out::shown(&card.name),
            out::shown(&card.version),
            out::shown(&before.version)
        ));
        out::line(format!(" undo   bartizan model rollback {}", out::shown(&card.name)));
    }
    text::confirm(global)?;
    let place = models.join(&card.name).join(&card.version);
    if place.exists() && knowledge::read_dir(&place)? != files {
        return Err(refused(format!("another {} {} is there already: give it another version", card.name, card.version)));
    }
    copy(&files, &place)?;
    if let Some(pem) = &pem {
        copy(&[(format!("{}.pem", &verified.key_id.get(..16).unwrap_or("own")), pem.clone().into_bytes())].into(), &data_dir.join("keys"))?;
    }
    let serving = model::promote(&models, &card.name, &card.version).map_err(|why| Fail::new("E0511", why))?;
    let accepted = args.accept_canary.as_ref().map(|why| format!("; canary rows that moved were accepted: {why}")).unwrap_or_default();
    let promoted = What::TakeUp {
        thing: format!("model {}", card.name).as_str().into(),
        version: serving.version.as_str().into(),
        sha256: verified.digest.as_str().into(),
        text: format!("promoted in place of {}, serves from the next start on{accepted}{older}", before.version),
        refused: false,
    };
    order::carry_out(promoted, global, &data_dir)?;
    if let (Some((rows, scores)), Some(_)) = (&canary, &args.accept_canary) {
        canary::write(&models, &card.name, rows, scores)?;
    }
    if global.json {
        out::json(
            &json!({"schema": "bartizan.model_promote/1", "model": card.name, "version": serving.version, "before": before.version, "key": verified.key_id, "accepted": args.accept_canary}),
        );
    } else {
        out::line(format!(" done   {} {} serves from the next start on", out::shown(&card.name), out::shown(&serving.version)));
    }
    Ok(Exit::Fine)
}

/// How often good rows of each group are flagged by the candidate.
fn fairness(args: &Promote, name: &str, folder: &sign::Folder, content: &Content) -> Result<Vec<Groups>, Fail> {
    let table = table::read(&args.data)?;
    let unreadable = |why: String| Fail::new("E0504", why);
    if judged::NAMES.contains(&name) {
        let (mut knowledge, _) = content.knowledge()?;
        let bytes = folder.get("model.bin").unwrap_or_default();
        let heads = learn::lure::Heads::from_bytes(bytes).map_err(|e| unreadable(e.to_string()))?;
        knowledge.models.insert_heads(name, std::sync::Arc::new(heads));
        return judged::fairness(&args.groups, &table, &judged::rows(name, &table, &knowledge));
    }
    let model = learn::load_any_unverified(folder).map_err(|e| unreadable(e.to_string()))?;
    let flags = eval::recipe_of(name)?.flags(&model, &table).map_err(|e| table::fault(&e))?;
    groups::of(&args.groups, &table, &flags, &|_, _| None)
}

fn copy(files: &std::collections::BTreeMap<String, Vec<u8>>, to: &Path) -> Result<(), Fail> {
    std::fs::create_dir_all(to).map_err(|e| Fail::unreadable(to, &e))?;
    for (name, bytes) in files {
        let path = to.join(name);
        std::fs::write(&path, bytes).map_err(|e| Fail::unreadable(&path, &e))?;
    }
    Ok(())
}

pub(super) fn rollback(args: &Rollback, global: &Global) -> Result<Exit, Fail> {
    let data_dir = paths::data_dir(global.data_dir.as_ref());
    let serving = model::serving(&data_dir.join("models"), &args.name).map_err(|why| Fail::new("E0511", why))?;
    let Some(before) = serving.before.last() else {
        return Err(Fail::new("E0511", format!("{} {} is the only version that is known", out::shown(&args.name), serving.version))
            .fix("bartizan model promote DIR puts another one in its place"));
    };
    if !global.json {
        out::line(format!(" will   serve {} {} in place of {}", out::shown(&args.name), out::shown(before), out::shown(&serving.version)));
        out::line(format!(" undo   bartizan undo {}", out::shown(&args.name)));
    }
    text::confirm(global)?;
    let entity = Entity::new(EntityKind::Model, args.name.as_str());
    let answer = order::carry_out(
        What::Block { entity, for_s: args.for_s, reason: args.reason.clone(), disposition: event::decision::Disposition::Block },
        global,
        &data_dir,
    )?;
    order::finish(&answer, global, "rolled back")
}
