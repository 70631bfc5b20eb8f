//! What detectors share about their state: keys, saving, loading.

use std::net::IpAddr;

use event::{Entity, EntityKind};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A saved state that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("state of {detector} is not readable: {why}")]
#[non_exhaustive]
pub struct StateError {
    pub detector: &'static str,
    pub why: String,
}

/// Key of a client address; IPv4-mapped IPv6 is the IPv4 address.
pub fn address_key(ip: IpAddr) -> u64 {
    let (family, bits) = match ip.to_canonical() {
        IpAddr::V4(v4) => (4u64, u128::from(u32::from(v4))),
        IpAddr::V6(v6) => (6, u128::from(v6)),
    };
    mix(bits as u64 ^ mix((bits >> 64) as u64 ^ family))
}

/// Key of a name; `None` when it is empty.
pub(crate) fn name_key(name: &str) -> Option<u64> {
    (!name.is_empty()).then(|| Entity::new(EntityKind::User, name).key())
}

/// splitmix64's finaliser.
pub(crate) fn mix(mut x: u64) -> u64 {
    x ^= x >> 30;
    x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^= x >> 27;
    x = x.wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

pub(crate) fn save(state: &impl Serialize) -> Vec<u8> {
    rmp_serde::to_vec(state).unwrap_or_default()
}

pub(crate) fn load<T: DeserializeOwned>(detector: &'static str, bytes: &[u8]) -> Result<T, StateError> {
    rmp_serde::from_slice(bytes).map_err(|why| StateError { detector, why: why.to_string() })
}
