//! The web: attack requests, scanners, logins, floods, theft.

use crate::Spec;

pub mod exfiltration;
pub mod flood;
pub mod login;
pub mod request;
pub mod scanner;

pub const ALL: &[&Spec] = &[&request::SPEC, &scanner::SPEC, &login::SPEC, &flood::SPEC, &exfiltration::SPEC];
