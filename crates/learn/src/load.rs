//! Loading a text model from its folder: signature first, then bytes, then whether it fits this program's features.

use crate::card::Features;
use crate::sign::{self, Fault, Folder, KeyRing};
use crate::text::{FileError, TextModel, Thresholds};

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
    /// Thresholds out of 0..=1 or out of order.
    #[error("thresholds.json: expected 0 <= veto <= alert <= alone <= 1")]
    Thresholds,
}

/// Verifies the folder's signature and loads its text model.
pub fn load(folder: &Folder, ring: &KeyRing) -> Result<TextModel, LoadError> {
    sign::verify(folder, ring).map_err(LoadError::Refused)?;
    load_unverified(folder)
}

/// Loads a text model without looking at the signature: for a model that was trained a moment ago, before it is signed.
pub fn load_unverified(folder: &Folder) -> Result<TextModel, LoadError> {
    let thresholds: Thresholds = json(folder, "thresholds.json")?;
    let ordered =
        thresholds.veto >= 0.0 && thresholds.veto <= thresholds.alert && thresholds.alert <= thresholds.alone && thresholds.alone <= 1.0;
    if !ordered {
        return Err(LoadError::Thresholds);
    }
    let features: Features = json(folder, "features.json")?;
    let model = TextModel::from_bytes(folder.get("model.bin").ok_or(LoadError::Missing("model.bin"))?, thresholds)?;
    let expected = Features::text().hash;
    if features.hash != expected {
        return Err(LoadError::Features { model: model.name().into(), found: features.hash, expected });
    }
    Ok(model)
}

fn json<T: serde::de::DeserializeOwned>(folder: &Folder, file: &'static str) -> Result<T, LoadError> {
    let bytes = folder.get(file).ok_or(LoadError::Missing(file))?;
    serde_json::from_slice(bytes).map_err(|error| LoadError::Json { file, why: error.to_string() })
}
