//! Cloud: what management calls do to logging, access, secrets and data, and who never made them before.

use crate::Spec;

pub mod console_login;
pub mod deletion;
pub mod enumeration;
pub mod first_call;
pub mod logging_off;
pub mod new_credential;
pub mod public_or_admin;
pub mod remote_command;
pub mod resource_hijack;
pub mod secrets;

pub const ALL: &[&Spec] = &[
    &first_call::SPEC,
    &logging_off::SPEC,
    &console_login::SPEC,
    &new_credential::SPEC,
    &public_or_admin::SPEC,
    &enumeration::SPEC,
    &secrets::SPEC,
    &deletion::SPEC,
    &remote_command::SPEC,
    &resource_hijack::SPEC,
];
