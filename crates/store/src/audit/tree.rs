//! The Merkle tree of RFC 6962, section 2.1, over the records of the log: leaf `n` is the record with offset `n`.
//!
//! ```text
//! leaf  SHA-256(0x00 | class byte | payload)        node  SHA-256(0x01 | left | right)
//! lost  SHA-256(0x02), for an offset whose record was gone before it was attested
//! ```

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

/// Leaves of one stored subtree, 2 to the power of [`BLOCK_LEVEL`].
pub(crate) const BLOCK: u64 = 1 << BLOCK_LEVEL;
pub(crate) const BLOCK_LEVEL: u32 = 10;
/// A proof over more records than can be counted is no longer.
const PATH_MAX: usize = 64;

/// SHA-256; 64 hexadecimal digits as text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    pub(crate) fn of(parts: &[&[u8]]) -> Hash {
        let mut context = Context::new(&SHA256);
        parts.iter().for_each(|part| context.update(part));
        let mut hash = Hash::default();
        hash.0.copy_from_slice(context.finish().as_ref());
        hash
    }

    pub(crate) fn leaf(class: u8, payload: &[u8]) -> Hash {
        Hash::of(&[&[0, class], payload])
    }

    pub(crate) fn lost() -> Hash {
        Hash::of(&[&[2]])
    }

    pub(crate) fn node(left: Hash, right: Hash) -> Hash {
        Hash::of(&[&[1], &left.0, &right.0])
    }

    /// What is kept of each leaf, to name the record that was changed.
    pub(crate) fn short(self) -> [u8; 8] {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        [a, b, c, d, e, f, g, h]
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Hash, Self::Err> {
        const WHY: &str = "a hash is 64 hexadecimal digits";
        let mut hash = Hash::default();
        if text.len() != 64 || !text.is_ascii() {
            return Err(WHY);
        }
        for (byte, digits) in hash.0.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| WHY)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| WHY)?;
        }
        Ok(hash)
    }
}

impl Serialize for Hash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Hash, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What has to be known of a tree to add to it: the roots of its full subtrees, largest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf; returns the root of a block that it filled.
    pub(crate) fn push(&mut self, leaf: Hash) -> Option<Hash> {
        self.add(leaf, 0)
    }

    /// Adds 1,024 leaves of which only the root is known. The size must be a multiple of that.
    pub(crate) fn push_block(&mut self, root: Hash) {
        debug_assert_eq!(self.size % BLOCK, 0, "a block begins where one ends");
        self.add(root, BLOCK_LEVEL);
    }

    /// Adds 2 to the power of `level` leaves, at most 1,024, of which only the root is known; the size must be a multiple of their number.
    /// Returns the root of a block that they filled.
    pub(crate) fn push_range(&mut self, root: Hash, level: u32) -> Option<Hash> {
        debug_assert!(level <= BLOCK_LEVEL && self.size.is_multiple_of(1 << level), "an aligned range of one block");
        self.add(root, level)
    }

    fn add(&mut self, mut hash: Hash, mut level: u32) -> Option<Hash> {
        let grown = self.size.saturating_add(1 << level);
        let mut block = (level == BLOCK_LEVEL).then_some(hash);
        while self.size >> level & 1 == 1 {
            let Some(left) = self.peaks.pop() else { break };
            hash = Hash::node(left, hash);
            level += 1;
            if level == BLOCK_LEVEL {
                block = Some(hash);
            }
        }
        self.peaks.push(hash);
        self.size = grown;
        block
    }

    /// Of no leaves it is the hash of nothing.
    pub(crate) fn root(&self) -> Hash {
        self.peaks.iter().rev().copied().reduce(|right, left| Hash::node(left, right)).unwrap_or_else(|| Hash::of(&[]))
    }
}

/// The largest power of two below `size`, which is at least 2.
const fn split(size: u64) -> u64 {
    1 << (u64::BITS - 1 - (size - 1).leading_zeros())
}

/// The audit path of leaf `at` in the tree of the leaves in `range` (RFC 6962, section 2.1.1), from the leaf upwards; `root` gives the root
/// over a range of leaves.
pub(crate) fn path<E>(at: u64, range: Range<u64>, root: &mut dyn FnMut(Range<u64>) -> Result<Hash, E>) -> Result<Vec<Hash>, E> {
    let size = range.end - range.start;
    if size <= 1 {
        return Ok(Vec::new());
    }
    let middle = range.start + split(size);
    let (inside, other) = if at < middle { (range.start..middle, middle..range.end) } else { (middle..range.end, range.start..middle) };
    let mut hashes = path(at, inside, root)?;
    hashes.push(root(other)?);
    Ok(hashes)
}

/// The proof that the tree of the first `old` leaves is a beginning of the tree in `range` (RFC 6962, section 2.1.2).
pub(crate) fn growth<E>(
    old: u64,
    range: Range<u64>,
    whole: bool,
    root: &mut dyn FnMut(Range<u64>) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    if old == range.end {
        return if whole { Ok(Vec::new()) } else { Ok(vec![root(range)?]) };
    }
    let middle = range.start + split(range.end - range.start);
    let (inside, other, whole) =
        if old <= middle { (range.start..middle, middle..range.end, whole) } else { (middle..range.end, range.start..middle, false) };
    let mut hashes = growth(old, inside, whole, root)?;
    hashes.push(root(other)?);
    Ok(hashes)
}

/// Whether `leaf` is number `at` of the `size` leaves under `root` (RFC 9162, section 2.1.3.2).
pub(crate) fn contains(leaf: Hash, at: u64, size: u64, path: &[Hash], root: Hash) -> bool {
    if at >= size || path.len() > PATH_MAX {
        return false;
    }
    let (mut node, mut last, mut hash) = (at, size - 1, leaf);
    for other in path {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = Hash::node(*other, hash);
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            hash = Hash::node(hash, *other);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    last == 0 && hash == root
}

/// Whether the tree of `old` leaves under `old_root` is a beginning of that of `new` under `new_root` (RFC 9162, section 2.1.4.2).
pub(crate) fn grew(old: u64, old_root: Hash, new: u64, new_root: Hash, proof: &[Hash]) -> bool {
    if old == new {
        return proof.is_empty() && old_root == new_root;
    }
    if old == 0 {
        // Everything begins with nothing.
        return proof.is_empty() && old_root == Hash::of(&[]);
    }
    if old > new || proof.len() > PATH_MAX {
        return false;
    }
    let own = old.is_power_of_two().then_some(old_root);
    let mut proof = own.iter().chain(proof);
    let Some(first) = proof.next() else { return false };
    let (mut node, mut last) = (old - 1, new - 1);
    while node & 1 == 1 {
        (node, last) = (node >> 1, last >> 1);
    }
    let (mut before, mut now) = (*first, *first);
    for other in proof {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            (before, now) = (Hash::node(*other, before), Hash::node(*other, now));
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            now = Hash::node(now, *other);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    last == 0 && before == old_root && now == new_root
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    fn leaves(count: u64) -> Vec<Hash> {
        (0..count).map(|n| Hash::leaf(0, &n.to_le_bytes())).collect()
    }

    /// As the RFC defines it.
    fn root_of(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Hash::of(&[]),
            [one] => *one,
            _ => {
                let (left, right) = leaves.split_at(split(leaves.len() as u64) as usize);
                Hash::node(root_of(left), root_of(right))
            }
        }
    }

    fn frontier(leaves: &[Hash]) -> Frontier {
        let mut frontier = Frontier::default();
        leaves.iter().for_each(|leaf| _ = frontier.push(*leaf));
        frontier
    }

    #[test]
    fn the_roots_are_those_of_the_rfc() {
        // The test vectors of Certificate Transparency's reference implementation, without our class byte.
        assert_eq!(Hash::of(&[]).to_string(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(Hash::of(&[&[0]]).to_string(), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        for count in 0..70 {
            let leaves = leaves(count);
            assert_eq!(frontier(&leaves).root(), root_of(&leaves), "{count}");
        }
    }

    #[test]
    fn a_block_stands_for_its_leaves() {
        let leaves = leaves(3 * BLOCK + 5);
        let mut whole = Frontier::default();
        let blocks: Vec<Hash> = leaves.iter().filter_map(|leaf| whole.push(*leaf)).collect();
        assert_eq!(blocks.len(), 3);
        let mut short = Frontier::default();
        blocks.iter().for_each(|block| short.push_block(*block));
        leaves[3 * BLOCK as usize..].iter().for_each(|leaf| _ = short.push(*leaf));
        assert_eq!(short, whole);
    }

    proptest! {
        #[test]
        fn proofs_hold_and_nothing_else_does(size in 1_u64..300, at in 0_u64..300, old in 0_u64..300, wrong in 0_usize..16) {
            let (at, old) = (at % size, old % (size + 1));
            let leaves = leaves(size);
            let mut root = |range: Range<u64>| Ok::<_, Infallible>(root_of(&leaves[range.start as usize..range.end as usize]));
            let top = root_of(&leaves);
            let mut shown = path(at, 0..size, &mut root).unwrap();
            let leaf = leaves[at as usize];
            prop_assert!(contains(leaf, at, size, &shown, top));
            prop_assert!(!contains(Hash::lost(), at, size, &shown, top));
            prop_assert!(!contains(leaf, at + 1, size, &shown, top));
            if !shown.is_empty() {
                let wrong = wrong % shown.len();
                shown[wrong].0[3] ^= 1;
                prop_assert!(!contains(leaf, at, size, &shown, top));
            }
            let before = root_of(&leaves[..old as usize]);
            let mut grown = if old == 0 { Vec::new() } else { growth(old, 0..size, true, &mut root).unwrap() };
            prop_assert!(grew(old, before, size, top, &grown));
            prop_assert!(!grew(old, Hash::lost(), size, top, &grown));
            if !grown.is_empty() {
                let wrong = wrong % grown.len();
                grown[wrong].0[7] ^= 1;
                prop_assert!(!grew(old, before, size, top, &grown));
            }
        }
    }
}
