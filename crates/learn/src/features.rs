//! What a model reads: each feature with its unit, class, cost to forge and direction. One function makes them for training and scoring.

use crate::table::Row;

pub mod pdf;
pub mod pe_header;
pub mod powershell;

/// What a value tells about people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Nothing.
    Public,
    /// Something about a person.
    Personal,
    /// A secret; never stored.
    Secret,
}

/// What it costs an attacker to choose the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forge {
    /// Nothing: left out of shipped models unless an ablation shows that they hold without it.
    Free,
    /// Some work.
    Some,
    /// It breaks the attack, or is not in the attacker's hand.
    Hard,
}

/// How a score may move with the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// More can only raise the score.
    Rises,
    /// More can only lower it.
    Falls,
    /// Learned freely.
    Free,
}

/// One feature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Feature {
    /// Name, also of the table's column where it is read as it stands.
    pub name: &'static str,
    /// Unit.
    pub unit: &'static str,
    /// What it tells about people.
    pub class: Class,
    /// What it costs to forge.
    pub forge: Forge,
    /// How the score may move.
    pub direction: Direction,
}

/// A feature about no person that is learned freely.
pub const fn feature(name: &'static str, unit: &'static str, forge: Forge) -> Feature {
    Feature { name, unit, class: Class::Public, forge, direction: Direction::Free }
}

impl Feature {
    /// More can only raise the score.
    #[must_use]
    pub const fn rises(self) -> Feature {
        Feature { direction: Direction::Rises, ..self }
    }

    /// More can only lower the score.
    #[must_use]
    pub const fn falls(self) -> Feature {
        Feature { direction: Direction::Falls, ..self }
    }

    /// Tells something about a person.
    #[must_use]
    pub const fn personal(self) -> Feature {
        Feature { class: Class::Personal, ..self }
    }
}

/// The columns of that name as they stand; missing ones are `NaN`.
pub fn named(row: &Row<'_>, features: &[Feature]) -> Vec<f32> {
    features.iter().map(|feature| row.number(feature.name).map_or(f32::NAN, |number| number as f32)).collect()
}

/// The smaller of both; a missing value stays missing, which `f32::min` would not do.
pub fn at_most(value: f32, most: f32) -> f32 {
    if value > most { most } else { value }
}
