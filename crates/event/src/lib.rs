//! The vocabulary of Bartizan: everything is an [`Event`] in one append-only log.
//!
//! The activities come from outside (`Http`, `Authentication`, `Process`, `Network`, .., or `Undecoded` with the raw bytes and the reason); findings,
//! incidents, responses and orders are made here and are events too. Inside, events are compact and typed; exact OCSF 1.8 JSON is
//! made only at the rim, in [`ocsf`].
//!
//! Architecture Invariant: this crate is pure. It knows no file, socket, clock, thread or lock, and no other crate of the workspace.

pub mod analytic;
pub mod api;
pub mod attack;
mod bytes;
pub mod decision;
pub mod dns;
mod entity;
mod event;
pub mod field;
pub mod file;
pub mod finding;
mod id;
pub mod incident;
pub mod login;
pub mod mail;
pub mod native;
pub mod network;
pub mod ocsf;
pub mod order;
pub mod resource;
pub mod response;
mod score;
mod time;
mod verdict;

pub mod authentication;
pub mod http;
pub mod process;

pub use analytic::Analytic;
pub use api::Api;
pub use attack::Technique;
pub use authentication::Authentication;
pub use bytes::Bytes;
pub use decision::{Decision, Decisions};
pub use dns::Dns;
pub use entity::{Entity, EntityKind};
pub use event::{Body, Event, Meta, TimeSource};
pub use file::File;
pub use finding::Finding;
pub use http::Http;
pub use id::{Uid, short_id};
pub use incident::Incident;
pub use login::LoginDecision;
pub use mail::Mail;
pub use native::Native;
pub use network::Network;
pub use order::{Order, Retain};
pub use process::Process;
pub use resource::Resource;
pub use response::Response;
pub use score::{Score, Severity};
pub use time::Time;
pub use verdict::Verdict;

/// Short text: up to 24 bytes live in the value itself, so an address, a method or a user name costs no allocation.
pub type Text = compact_str::CompactString;
