//! Loading a model from its folder: signature first, then bytes, then whether it fits this program's features.

use std::sync::Arc;

use crate::card::{Card, Features};
use crate::lure::Heads;
use crate::names::{self, NameModel};
use crate::prose::ProseModel;
use crate::registry::Model;
use crate::sign::{self, Fault, Folder, KeyRing};
use crate::text::{FileError, TextModel, Thresholds};
use crate::tree::Forest;

/// Why a model was not loaded. The caller keeps the model it has.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// Unsigned, altered, or signed by somebody else.
    #[error("model folder is refused: {}", .0.iter().map(|fault| format!("{} {}", fault.file, fault.why)).collect::<Vec<_>>().join("; "))]
    Refused(Vec<Fault>),
    /// A file that every model has.
    #[error("model folder has no {0}")]
    Missing(&'static str),
    /// A JSON file that does not read.
    #[error("{file}: {why}")]
    Json {
        /// Name in the folder.
        file: &'static str,
        /// Reason with line and column.
        why: String,
    },
    /// `model.bin` is damaged or of another layout.
    #[error(transparent)]
    File(#[from] FileError),
    /// `model.bin` of a model with heads is damaged.
    #[error(transparent)]
    Heads(#[from] crate::lure::HeadsError),
    /// The model was trained on other features than this program computes.
    #[error("features of model {model} have hash {found}, this program computes {expected}")]
    Features {
        /// Name in `model.bin`.
        model: String,
        /// Hash in `features.json`.
        found: String,
        /// Hash of this program's list.
        expected: String,
    },
    /// A model of trees whose features this program does not know.
    #[error("no recipe {0}: this program cannot make its features")]
    Unknown(String),
    /// Thresholds out of 0..=1 or out of order.
    #[error("thresholds.json: expected 0 <= veto <= alert <= alone <= 1")]
    Thresholds,
}

/// Verifies the folder's signature and loads its model of request values.
pub fn load(folder: &Folder, ring: &KeyRing) -> Result<TextModel, LoadError> {
    sign::verify(folder, ring).map_err(LoadError::Refused)?;
    load_unverified(folder)
}

/// Loads a model of request values without looking at the signature: for a model that was trained a moment ago, before it is signed.
pub fn load_unverified(folder: &Folder) -> Result<TextModel, LoadError> {
    let thresholds = thresholds(folder)?;
    let model = TextModel::from_bytes(bytes(folder)?, thresholds)?;
    fits(folder, model.name(), &Features::text())?;
    Ok(model)
}

/// Verifies the folder's signature and loads its model, of whatever kind.
pub fn load_any(folder: &Folder, ring: &KeyRing) -> Result<Model, LoadError> {
    sign::verify(folder, ring).map_err(LoadError::Refused)?;
    load_any_unverified(folder)
}

/// The same without looking at the signature. `model.bin` says which kind it is; its features must be those of this program.
pub fn load_any_unverified(folder: &Folder) -> Result<Model, LoadError> {
    let bytes = bytes(folder)?;
    if Forest::is_file(bytes) {
        let forest = Forest::from_bytes(bytes, thresholds(folder)?)?;
        let recipe = crate::recipe::by_name(forest.name()).ok_or_else(|| LoadError::Unknown(forest.name().into()))?;
        let features = recipe.features();
        fits(folder, forest.name(), &features)?;
        if forest.columns != features.features.len() {
            return Err(LoadError::Unknown(forest.name().into()));
        }
        return Ok(Model::Trees(forest.into()));
    }
    if ProseModel::is_file(bytes) {
        let model = ProseModel::from_bytes(bytes, thresholds(folder)?)?;
        fits(folder, model.name(), &Features::prose())?;
        return Ok(Model::Prose(model.into()));
    }
    if NameModel::is_file(bytes) {
        let model = NameModel::from_bytes(bytes, thresholds(folder)?)?;
        fits(folder, model.name(), &Features::trees(names::FEATURES))?;
        return Ok(Model::Names(model.into()));
    }
    load_unverified(folder).map(|model| Model::Text(model.into()))
}

/// Gives the model of a folder another version, in `model.bin` and on its card: a retrained one is not the one that it replaces. A signature
/// no longer holds afterwards.
pub fn renumber(folder: &mut Folder, version: &str) -> Result<(), LoadError> {
    let file = bytes(folder)?;
    let file = if Heads::is_mine(file) {
        Heads { version: version.to_owned(), ..Heads::from_bytes(file)? }.to_bytes()
    } else {
        match load_any_unverified(folder)? {
            Model::Text(model) => Arc::unwrap_or_clone(model).renumbered(version).to_bytes(),
            Model::Prose(model) => ProseModel { version: version.to_owned(), ..Arc::unwrap_or_clone(model) }.to_bytes(),
            Model::Names(model) => Arc::unwrap_or_clone(model).renumbered(version).to_bytes(),
            Model::Trees(model) => Forest { version: version.to_owned(), ..Arc::unwrap_or_clone(model) }.to_bytes(),
        }
    };
    let card = Card { version: version.to_owned(), ..json(folder, "card.json")? };
    folder.put("model.bin", file);
    folder.put("card.json", card.to_bytes());
    Ok(())
}

fn bytes(folder: &Folder) -> Result<&[u8], LoadError> {
    folder.get("model.bin").ok_or(LoadError::Missing("model.bin"))
}

fn thresholds(folder: &Folder) -> Result<Thresholds, LoadError> {
    let thresholds: Thresholds = json(folder, "thresholds.json")?;
    let ordered =
        thresholds.veto >= 0.0 && thresholds.veto <= thresholds.alert && thresholds.alert <= thresholds.alone && thresholds.alone <= 1.0;
    if ordered { Ok(thresholds) } else { Err(LoadError::Thresholds) }
}

fn fits(folder: &Folder, model: &str, expected: &Features) -> Result<(), LoadError> {
    let features: Features = json(folder, "features.json")?;
    if features.hash == expected.hash {
        return Ok(());
    }
    Err(LoadError::Features { model: model.into(), found: features.hash, expected: expected.hash.clone() })
}

fn json<T: serde::de::DeserializeOwned>(folder: &Folder, file: &'static str) -> Result<T, LoadError> {
    let bytes = folder.get(file).ok_or(LoadError::Missing(file))?;
    serde_json::from_slice(bytes).map_err(|error| LoadError::Json { file, why: error.to_string() })
}
