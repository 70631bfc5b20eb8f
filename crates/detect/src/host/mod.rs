//! Attacks seen in the logs of hosts and clouds.

use crate::Spec;

pub mod sigma;

/// Every detector of this area.
pub const ALL: &[&Spec] = &[&sigma::SPEC];
