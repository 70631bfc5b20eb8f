//! How likely it is that a sign-in is not by the account's owner: memory of users and of everybody, likelihood ratios, features of the trees.
//!
//! Layer 1 ([`ratio`]) is the likelihood ratio of Freeman et al. (NDSS 2016), backed off from address to world and from agent string to
//! system; what is odd is measured against the user's own rate of change. Layer 2 are boosted trees over [`features`].
//!
//! Pure: time is the time of the event. State: [`Memory`], plain data with bounds.

pub mod agent;
pub mod evaluate;
pub mod features;
mod history;
mod look;
mod memory;
pub mod place;
mod population;
pub mod ratio;
mod session;

pub use agent::Agent;
pub use features::{FEATURES, Features};
pub use look::Look;
pub use memory::{Config, Memory};
pub use session::{Birth, Drift};

/// Levels of what a user is known by. The first five are places from fine to coarse, the next three programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// One address.
    Address,
    /// IPv4 /24, IPv6 /64.
    Near,
    /// IPv4 /16, IPv6 /48.
    Wide,
    /// Autonomous system.
    Network,
    /// ISO 3166.
    Country,
    /// Agent string as sent.
    Agent,
    /// Family and system without versions.
    Browser,
    /// Operating system.
    System,
    /// Hour of the day, weekends apart.
    Hour,
    /// Device cookie.
    Device,
    /// Round trip, in steps of a factor of 1.4.
    Trip,
}

/// Number of levels.
pub const LEVELS: usize = 11;
/// Depths of a place: known at address, /24, /16, network, country, nowhere.
pub const PLACE_DEPTHS: usize = 6;
/// Depths of a program: known string, newer version, older version, known system, nothing.
pub const AGENT_DEPTHS: usize = 5;

/// 32-bit key of any bytes; zero is kept for "nothing".
pub(crate) fn key(bytes: &[u8]) -> u32 {
    use std::hash::{BuildHasher, Hasher};
    let mut hasher = foldhash::fast::FixedState::with_seed(0x6c6f_6769).build_hasher();
    hasher.write(bytes);
    ((hasher.finish() >> 32) as u32).max(1)
}

#[cfg(test)]
mod tests;
