//! Bytes to events: one file per format. A decoder cannot fail: what it cannot read is an event with its raw bytes and the reason.
//!
//! Architecture Invariant: pure. Time of reading, source name and record number are arguments.

pub mod request;
