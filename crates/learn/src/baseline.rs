//! What is usual for an entity, learned from its own stream in a few hundred bytes, and when it is no longer usual.
//!
//! [`rate`] counts events per second and key, [`tail`] finds the threshold for a stated number of false alerts, and [`table`] bounds
//! how many keys are kept without letting an attacker choose which are forgotten. Time is an argument in microseconds.

pub mod band;
pub mod rate;
pub mod table;
pub mod tail;

pub use rate::{Config, Excess, Rate, RateTable};
