//! Identity: who signs in, and who tries to.

use crate::Spec;

pub mod brute_force;
pub mod risk;

pub const ALL: &[&Spec] = &[&brute_force::SPEC, &risk::SPEC];
