//! Findings to incidents, incidents to planned responses.
//!
//! [`Correlator`] joins findings over shared entities in a decaying window and tells one story an incident; [`Planner`] says which
//! response an incident asks for, within its caps and the never-block list. Both are plain structs that one thread owns.
//!
//! Architecture Invariant: pure. Time is an argument; nothing here carries out a response.

mod correlate;
mod family;
pub mod forecast;
mod never;
mod plan;
pub mod playbook;
mod severity;
mod story;
pub mod tell;
mod usual;

pub use correlate::{Change, Config, Correlator};
pub use forecast::Forecaster;
pub use never::Never;
pub use plan::{Plan, Planner, Points};
pub use playbook::Playbooks;
pub use story::{phase_words, state_words};
pub use tell::Teller;
pub use usual::Usual;
