//! The models that are loaded, by name: what detectors ask for. A model that is missing or was refused is simply not here.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::load::{self, LoadError};
use crate::sign::{Folder, KeyRing};
use crate::text::TextModel;

/// One model of any kind.
#[derive(Clone)]
pub enum Model {
    /// Hashed n-grams of a text.
    Text(Arc<TextModel>),
}

/// Immutable once made; replaced whole.
#[derive(Clone, Default)]
pub struct Registry {
    models: BTreeMap<String, Model>,
}

impl Registry {
    /// Verifies the folder's signature and takes the model up under its name; on an error nothing changes.
    pub fn load(&mut self, name: &str, folder: &Folder, ring: &KeyRing) -> Result<(), LoadError> {
        let model = load::load(folder, ring)?;
        self.models.insert(name.to_owned(), Model::Text(Arc::new(model)));
        Ok(())
    }

    /// Takes up a model that was made a moment ago.
    pub fn insert(&mut self, name: &str, model: Model) {
        self.models.insert(name.to_owned(), model);
    }

    /// The text model of that name.
    pub fn text(&self, name: &str) -> Option<&Arc<TextModel>> {
        match self.models.get(name)? {
            Model::Text(model) => Some(model),
        }
    }

    /// Names of what is loaded, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.models.keys().map(String::as_str)
    }
}
