//! State and figures for machines: `/healthz`, `/readyz`, `/metrics`.
//!
//! [`text`] writes Prometheus' text format, [`gather`] collects what the parts of the program count, [`serve`] is the listener.

mod gather;
mod serve;
pub mod text;

pub use gather::page;
pub use serve::{Ask, Wanted, adopt, bind, serve};
