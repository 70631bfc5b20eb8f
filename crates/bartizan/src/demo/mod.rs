//! The demo: the real gateway, pipeline, log and console before a small built-in shop, with simulated visitors and a live attack.
//!
//! Nothing is written as a finding: history goes through the decoders as log lines, a mail and a configuration are judged as if handed in,
//! visitors and attackers send real requests. Only
//! reserved names and addresses (RFC 5737) are used, only loopback is listened on and connected to.

pub mod dice;
pub mod history;
pub mod office;
pub mod shop;
pub mod story;
