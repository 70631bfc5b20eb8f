//! Posture: how things are configured.

use crate::Spec;

pub mod check;

pub const ALL: &[&Spec] = &[&check::SPEC];
