//! Identity: who signs in, and who tries to.

use crate::Spec;

pub mod brute_force;

pub const ALL: &[&Spec] = &[&brute_force::SPEC];
