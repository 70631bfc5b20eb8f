//! Identity: who signs in, and who tries to.

use crate::Spec;

pub mod brute_force;
pub mod credential;
pub mod device;
pub mod risk;
pub mod session;

pub const ALL: &[&Spec] = &[&brute_force::SPEC, &credential::SPEC, &device::SPEC, &risk::SPEC, &session::SPEC];
