//! Carries responses out, keeps their receipts and takes them back.
//!
//! Life of a response: requested -> applied{receipt, until} -> undone | expired. Every step is written to the log by the caller's
//! `journal` before the next one runs, and the inverse stands in the log before the action does anything: after `kill -9` the restart
//! knows what may be in force.
//!
//! Architecture Invariant: knows only `event`; who writes the log and who plans is somebody else's business.

mod action;
mod decision;
mod desk;
pub mod model;
mod nftables;
pub mod notify;
mod quarantine;

pub use action::Action;
pub use decision::DecisionTable;
pub use desk::{Desk, Journal};
pub use model::ModelVersions;
pub use nftables::{Nftables, NftablesConfig};
pub use quarantine::Quarantine;

/// Could not be done, or must not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("cannot write the step to the log: {0}")]
    Journal(String),
    #[error("no response, incident or receipt {0}")]
    Unknown(String),
    #[error("{0}")]
    Refused(String),
}
