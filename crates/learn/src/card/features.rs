//! `features.json`: the features a model reads. Its hash ties a model to the code that computes them.

use sha2::{Digest as _, Sha256};

use crate::canonical::STEP_NAMES;
use crate::features::{Class, Direction, Forge};
use crate::lure;
use crate::prose;
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
        Features { hash: hash(&format!("{} {BUCKET_BITS}", grams::SCHEME), &features), buckets: 1 << BUCKET_BITS, features }
    }

    /// The features of prose models in this program.
    pub fn prose() -> Features {
        let features: Vec<Feature> = prose::grams::FAMILIES
            .iter()
            .map(|name| Feature {
                name: (*name).into(),
                unit: "count in the worst window".into(),
                class: "personal".into(),
                forge: "some".into(),
                direction: "none".into(),
            })
            .collect();
        Features {
            hash: hash(&format!("{} {}", prose::grams::SCHEME, prose::BUCKET_BITS), &features),
            buckets: 1 << prose::BUCKET_BITS,
            features,
        }
    }

    /// The features of a model that reads the words of mails and what they mean.
    pub fn words() -> Features {
        let spelled = ["word", "beginning of a word", "pair", "pair with a word between", "triple"];
        let kinds = lure::meaning::names().iter().map(|kind| format!("speaks of {}", kind.replace('_', " ")));
        let names = spelled
            .iter()
            .map(|&name| name.to_owned())
            .chain(kinds)
            .chain(["two of these within eight words".to_owned(), "any word".to_owned()]);
        Features::hashed("words/2", names, "count in the worst stretch")
    }

    /// The features of a model of the spelling of a host.
    pub fn spelling() -> Features {
        Features::hashed("spelling/1", ["letters3", "letters4", "letters5"].map(str::to_owned).into_iter(), "count in the host")
    }

    fn hashed(scheme: &str, names: impl Iterator<Item = String>, unit: &str) -> Features {
        let features: Vec<Feature> = names
            .map(|name| Feature { name, unit: unit.into(), class: "personal".into(), forge: "free".into(), direction: "none".into() })
            .collect();
        Features { hash: hash(&format!("{scheme} {}", lure::BITS), &features), buckets: 1 << lure::BITS, features }
    }

    /// The features of a model of trees.
    pub fn trees(table: &[crate::features::Feature]) -> Features {
        let features: Vec<Feature> = table
            .iter()
            .map(|feature| Feature {
                name: feature.name.into(),
                unit: feature.unit.into(),
                class: match feature.class {
                    Class::Public => "public",
                    Class::Personal => "personal",
                    Class::Secret => "secret",
                }
                .into(),
                forge: match feature.forge {
                    Forge::Free => "free",
                    Forge::Some => "some",
                    Forge::Hard => "hard",
                }
                .into(),
                direction: match feature.direction {
                    Direction::Rises => "rises",
                    Direction::Falls => "falls",
                    Direction::Free => "none",
                }
                .into(),
            })
            .collect();
        Features { hash: hash("trees/1", &features), buckets: 0, features }
    }
}

fn hash(scheme: &str, features: &[Feature]) -> String {
    let mut hash = Sha256::new();
    hash.update(scheme);
    features.iter().for_each(|feature| hash.update(format!("\n{} {}", feature.name, feature.unit)));
    hex(&hash.finalize())
}
