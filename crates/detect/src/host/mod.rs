//! Attacks seen in the logs of hosts and clouds.

use crate::Spec;

pub mod rarity;
pub mod rate;
pub mod sigma;
pub mod template;
pub mod windows_security;

/// Every detector of this area.
pub const ALL: &[&Spec] = &[&sigma::SPEC, &windows_security::SPEC, &rarity::SPEC, &rate::SPEC, &template::SPEC];
