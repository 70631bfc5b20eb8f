//! The binary's library: composes the pure crates into a pipeline, gives it threads, a log, a gateway, a console and a command line.
//!
//! [`pipeline`] is pure composition; [`shard`] gives it threads; [`engine`] is the one thread that owns incidents, responses and the log;
//! [`cli`] holds one file a command.

pub mod blast;
pub mod channels;
pub mod checking;
pub mod checkpoint;
pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod demo;
pub mod drift;
pub mod engine;
pub mod feed;
pub mod figures;
pub mod geo;
pub mod hand_over;
pub mod knowledge;
mod leaving;
mod listeners;
pub mod logins;
pub mod metrics;
pub mod paths;
pub mod pipeline;
pub mod points;
pub mod privacy;
pub mod recall;
mod rules;
pub mod scanned;
pub mod selftest;
pub mod served;
pub mod service;
pub mod shard;
pub mod sources;
pub mod systemd;
pub mod tls;
pub mod versions;
