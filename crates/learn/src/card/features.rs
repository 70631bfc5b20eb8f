//! `features.json`: the features a text model reads. Its hash ties a model to the code that computes them.

use sha2::{Digest as _, Sha256};

use crate::canonical::STEP_NAMES;
use crate::sign::hex;
use crate::text::{BUCKET_BITS, grams};

/// The list of features and its hash.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Features {
    /// Hex SHA-256 over the features, bucket count and hash scheme.
    pub hash: String,
    /// Buckets of the hashed features.
    pub buckets: u64,
    /// The features.
    pub features: Vec<Feature>,
}

/// One feature or family of features.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Feature {
    /// Name.
    pub name: String,
    /// Unit of its value.
    pub unit: String,
    /// `public`, `personal` or `secret`.
    pub class: String,
    /// What it costs an attacker to change: `free`, `some`, `hard`.
    pub forge: String,
    /// `rises` when more can only raise the score, else `none`.
    pub direction: String,
}

impl Features {
    /// The features of text models in this program.
    pub fn text() -> Features {
        let feature = |name: &str, unit: &str, direction: &str| Feature {
            name: name.into(),
            unit: unit.into(),
            class: "personal".into(),
            forge: "some".into(),
            direction: direction.into(),
        };
        let mut features: Vec<Feature> = grams::FAMILIES.iter().map(|name| feature(name, "count in the worst segment", "none")).collect();
        features.extend(STEP_NAMES.iter().map(|name| feature(&format!("step:{name}"), "0 or 1", "rises")));
        let mut hash = Sha256::new();
        hash.update(format!("{} {BUCKET_BITS}", grams::SCHEME));
        features.iter().for_each(|feature| hash.update(format!("\n{} {}", feature.name, feature.unit)));
        Features { hash: hex(&hash.finalize()), buckets: 1 << BUCKET_BITS, features }
    }
}
