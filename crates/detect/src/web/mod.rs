//! The web: attack requests, scanners, logins, floods, theft.

use crate::Spec;

pub mod exfiltration;
pub mod flood;
pub mod login;
pub mod request;
pub mod scanner;

pub const ALL: &[&Spec] = &[&request::SPEC, &scanner::SPEC, &login::SPEC, &flood::SPEC, &exfiltration::SPEC];

/// Our own rules, built in: they stand in when no other rule directory is given.
pub const RULES: &[(&str, &str)] = &[
    ("10-sqli.conf", include_str!("../../../../content/rules/web/10-sqli.conf")),
    ("20-xss.conf", include_str!("../../../../content/rules/web/20-xss.conf")),
    ("30-files.conf", include_str!("../../../../content/rules/web/30-files.conf")),
    ("40-code.conf", include_str!("../../../../content/rules/web/40-code.conf")),
    ("50-inject.conf", include_str!("../../../../content/rules/web/50-inject.conf")),
    ("60-tools.conf", include_str!("../../../../content/rules/web/60-tools.conf")),
];
