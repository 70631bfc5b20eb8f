//! Training: a table of rows and a seed in, a model folder and its figures out. Same rows and seed, same bytes.

pub(crate) mod cluster;
mod context;
mod leave_out;
mod linear;
mod prepare;
pub mod table;
mod web;
mod weight;

pub use leave_out::{TrivialRule, leave_source_out, sources};
pub use table::{Label, Row, TableError};
pub(crate) use web::bare;
pub use web::{Figures, Suspect, TrainError, Trained, augmented, web_payload};

#[cfg(test)]
mod tests;
