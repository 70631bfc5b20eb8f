//! The decoders from outside: golden pairs, properties, the registries, and the shared data when it is there.

#![allow(clippy::disallowed_methods, reason = "the tests read files, the crate does not")]

#[path = "it/data.rs"]
mod data;
#[path = "it/golden.rs"]
mod golden;
#[path = "it/property.rs"]
mod property;
#[path = "it/registry.rs"]
mod registry;
