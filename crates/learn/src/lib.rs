//! Models that bartizan trains, explains, signs and measures: text models, streaming baselines, their calibration and cards.
//!
//! Pure: bytes in, bytes out. No files, no clock, no threads of its own, no randomness but from a seed argument.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`canonical`] | one canonical form of a web value, with spans back to the raw bytes |
//! | [`text`] | the text model: score, explain, load from bytes |
//! | [`train`] | tables, example weights, training, leave-one-source-out evaluation |
//! | [`generate`] | our own seeded benign and attack values that fill holes of the public data |
//! | [`calibrate`], [`measure`] | scores as probabilities; figures with intervals |
//! | [`forecast`] | which techniques come next |
//! | [`baseline`] | what is usual for an entity, in a few hundred bytes |
//! | [`template`] | log lines that say the same with other values |
//! | [`series`] | how unusual each value of a numeric series is |
//! | [`sign`], [`card`] | model folders: signature, verification, documentation |

pub mod baseline;
pub mod calibrate;
pub mod canonical;
pub mod card;
pub mod forecast;
pub mod generate;
pub mod measure;

pub mod series;
pub mod sign;
pub mod template;
pub mod text;
pub mod train;

mod load;
mod registry;

pub use load::{LoadError, load, load_unverified};
pub use registry::{Model, Registry};
pub use text::{Explanation, Part, Scratch, TextModel, Thresholds};
