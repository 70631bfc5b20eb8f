//! Names of things: stable where the same input must give the same name, short where a person has to type them.

use std::fmt;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::Text;

/// Name of an event: 128-bit hash of its source's identity and its position there, so that reading a file twice names the same events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Uid(u64, u64);

impl Uid {
    /// From the name of the source and the 1-based number of the record in it.
    pub fn of_record(source: &str, record: u64) -> Uid {
        let mut hash = Xxh3::new();
        hash.update(source.as_bytes());
        hash.update(&[0]);
        hash.update(&record.to_le_bytes());
        let value = hash.digest128();
        Uid((value >> 64) as u64, value as u64)
    }

    /// 32 hexadecimal digits back to the name.
    pub fn parse(text: &str) -> Option<Uid> {
        let value = u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32)?;
        Some(Uid((value >> 64) as u64, value as u64))
    }

    pub fn key(self) -> u64 {
        self.1
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", self.0, self.1)
    }
}

/// `F-k7qf2m9dxw4t`: a prefix and 60 bits of the hash of `parts` in base32 without look-alikes (Crockford, lower case).
pub fn short_id(prefix: &str, parts: &[&[u8]]) -> Text {
    let mut hash = Xxh3::new();
    for part in parts {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let mut id = Text::from(prefix);
    id.push('-');
    base32(hash.digest(), &mut id);
    id
}

fn base32(mut value: u64, out: &mut Text) {
    const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    for _ in 0..12 {
        out.push(char::from(DIGITS[(value & 31) as usize]));
        value >>= 5;
    }
}

/// 64-bit key for routing and indexes.
pub(crate) fn key(kind: u8, name: &[u8]) -> u64 {
    xxh3_64(name) ^ (u64::from(kind) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
