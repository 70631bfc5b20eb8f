//! Models that bartizan trains, explains, signs and measures: text models, streaming baselines, their calibration and cards.
//!
//! Pure: bytes in, bytes out. No files, no clock, no threads of its own, no randomness but from a seed argument.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`canonical`] | one canonical form of a web value, with spans back to the raw bytes |
//! | [`text`] | the text model: score, explain, load from bytes |
//! | [`names`] | the model of domain names: honest or made by a program |
//! | [`prompt`] | what is sent to a language model, with its tricks undone |
//! | [`prose`] | the model of running texts: worst window, spans |
//! | [`tree`] | boosted trees: score, exact contributions, bounds, export |
//! | [`table`], [`features`], [`recipe`] | labelled tables of any columns; what each model reads; how each is made and measured |
//! | [`train`] | the training of web values: tables, example weights, training, leave-one-source-out evaluation |
//! | [`generate`] | our own seeded benign and attack values that fill holes of the public data |
//! | [`calibrate`], [`measure`] | scores as probabilities; figures with intervals |
//! | [`forecast`] | which techniques come next |
//! | [`lure`], [`language`] | intents of a mail's text, spelling of a URL; which language a text is in
//! | [`baseline`] | what is usual for an entity, in a few hundred bytes |
//! | [`template`] | log lines that say the same with other values |
//! | [`series`] | how unusual each value of a numeric series is |
//! | [`login`] | who signs in: memory of accounts, likelihood ratios, features of the login trees |
//! | [`drift`] | rows that are not as they were |
//! | [`extraction`] | one client that copies a model |
//! | [`lab`] | attacks on models, and what held |
//! | [`gate`] | provenance batches that contradict their peers, leaks, triggers |
//! | [`sign`], [`card`] | model folders: signature, verification, documentation |

pub mod baseline;
mod bytes;
pub mod calibrate;
pub mod canonical;
pub mod card;
pub mod drift;
pub mod extraction;
pub mod features;
pub mod forecast;
pub mod gate;
pub mod generate;
pub mod lab;
pub mod language;
pub mod login;
pub mod lure;
pub mod measure;
pub mod names;
pub mod prompt;
pub mod prose;
pub mod recipe;
pub mod series;
pub mod sign;
pub mod table;
pub mod template;
pub mod text;
pub mod train;
pub mod tree;

mod load;
mod registry;

pub use load::{LoadError, load, load_any, load_any_unverified, load_unverified, renumber};
pub use names::NameModel;
pub use prose::ProseModel;
pub use registry::{Model, Registry};
pub use text::{Explanation, Part, Scratch, TextModel, Thresholds};
pub use tree::{Forest, TreeModel};
