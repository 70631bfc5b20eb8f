//! Identity: who signs in, and who tries to.

use crate::Spec;

pub mod brute_force;
pub mod credential;
pub mod device;
pub mod dormant;
pub mod mfa_fatigue;
pub mod risk;
pub mod session;

pub const ALL: &[&Spec] =
    &[&brute_force::SPEC, &credential::SPEC, &device::SPEC, &dormant::SPEC, &mfa_fatigue::SPEC, &risk::SPEC, &session::SPEC];
