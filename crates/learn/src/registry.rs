//! The models that are loaded, by name: what detectors ask for. A model that is missing or was refused is simply not here.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::load::{self, LoadError};
use crate::lure::Heads;
use crate::names::NameModel;
use crate::prose::ProseModel;
use crate::sign::{Folder, KeyRing};
use crate::text::{TextModel, Thresholds};
use crate::tree::Forest;

/// One model of any kind.
#[derive(Clone, Debug)]
pub enum Model {
    /// Hashed n-grams of a value of a web request.
    Text(Arc<TextModel>),
    /// Hashed words and letters of a running text.
    Prose(Arc<ProseModel>),
    /// Letters of a domain name.
    Names(Arc<NameModel>),
    /// Boosted trees over numbers.
    Trees(Arc<Forest>),
}

impl Model {
    /// Name, such as `dga`.
    pub fn name(&self) -> &str {
        match self {
            Model::Text(model) => model.name(),
            Model::Prose(model) => model.name(),
            Model::Names(model) => model.name(),
            Model::Trees(model) => model.name(),
        }
    }

    /// Version, such as `1.0`.
    pub fn version(&self) -> &str {
        match self {
            Model::Text(model) => model.version(),
            Model::Prose(model) => model.version(),
            Model::Names(model) => model.version(),
            Model::Trees(model) => model.version(),
        }
    }

    /// Score limits of the model's card.
    pub fn thresholds(&self) -> Thresholds {
        match self {
            Model::Text(model) => model.thresholds(),
            Model::Prose(model) => model.thresholds(),
            Model::Names(model) => model.thresholds(),
            Model::Trees(model) => model.thresholds(),
        }
    }

    /// The limit that figures are reported at: a model of request values acts alone there, the others raise an alert.
    pub fn shipped_threshold(&self) -> f32 {
        match self {
            Model::Text(model) => model.thresholds().alone,
            Model::Prose(model) => model.thresholds().alert,
            Model::Names(model) => model.thresholds().alert,
            Model::Trees(model) => model.thresholds().alert,
        }
    }
}

/// Immutable once made; replaced whole.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    models: BTreeMap<String, Model>,
    heads: BTreeMap<String, Arc<Heads>>,
}

impl Registry {
    /// Verifies the folder's signature and takes the model up under its name; on an error nothing changes.
    pub fn load(&mut self, name: &str, folder: &Folder, ring: &KeyRing) -> Result<(), LoadError> {
        let model = load::load_any(folder, ring)?;
        self.models.insert(name.to_owned(), model);
        Ok(())
    }

    /// As [`Registry::load`], for a folder that holds a model with heads; false when it holds another kind.
    pub fn load_heads(&mut self, name: &str, folder: &Folder, ring: &KeyRing) -> Result<bool, LoadError> {
        let Some(bytes) = folder.get("model.bin").filter(|bytes| Heads::is_mine(bytes)) else { return Ok(false) };
        crate::sign::verify(folder, ring).map_err(LoadError::Refused)?;
        self.heads.insert(name.to_owned(), Arc::new(Heads::from_bytes(bytes)?));
        Ok(true)
    }

    /// The model with heads of that name: intents of mail, spelling of URLs.
    pub fn heads(&self, name: &str) -> Option<&Arc<Heads>> {
        self.heads.get(name)
    }

    /// Takes up a model with heads that was made a moment ago.
    pub fn insert_heads(&mut self, name: &str, model: Arc<Heads>) {
        self.heads.insert(name.to_owned(), model);
    }

    /// Takes up a model that was made a moment ago.
    pub fn insert(&mut self, name: &str, model: Model) {
        self.models.insert(name.to_owned(), model);
    }

    /// The model of that name, of whatever kind.
    pub fn get(&self, name: &str) -> Option<&Model> {
        self.models.get(name)
    }

    /// The model of request values of that name.
    pub fn text(&self, name: &str) -> Option<&Arc<TextModel>> {
        match self.models.get(name)? {
            Model::Text(model) => Some(model),
            _ => None,
        }
    }

    /// The prose model of that name.
    pub fn prose(&self, name: &str) -> Option<&Arc<ProseModel>> {
        match self.models.get(name)? {
            Model::Prose(model) => Some(model),
            _ => None,
        }
    }

    /// The model of domain names of that name.
    pub fn name_model(&self, name: &str) -> Option<&Arc<NameModel>> {
        match self.models.get(name)? {
            Model::Names(model) => Some(model),
            _ => None,
        }
    }

    /// The model of trees of that name.
    pub fn tree(&self, name: &str) -> Option<&Arc<Forest>> {
        match self.models.get(name)? {
            Model::Trees(model) => Some(model),
            _ => None,
        }
    }

    /// Names of what is loaded, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.models.keys().map(String::as_str)
    }
}
