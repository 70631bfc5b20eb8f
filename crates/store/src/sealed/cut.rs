//! What retention removed from a sealed segment: the places, and in their stead the hashes that keep the audit tree whole.
//!
//! ```text
//! "bartizan cut 1\n" | first offset u64 | offset behind the last u64 | rows: start u64 | level u8 | hash of the subtree
//! ```
//!
//! A row stands for 2 to the power of its level records that are gone: the largest aligned ranges of RFC 6962's tree, of at most 1,024
//! records, and none that a signed head cuts in two, so that every head that was ever signed can be computed again. A kept record costs ten
//! hashes of its 1,024 at most, a head as many.

use crate::audit::{BLOCK_LEVEL, Hash};

const MAGIC: &[u8] = b"bartizan cut 1\n";
const ROW: usize = 8 + 1 + 32;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) first: u64,
    /// Behind the last record that the segment had.
    pub(crate) end: u64,
    rows: Vec<Gone>,
}

/// 2 to the power of `level` records from `start` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gone {
    pub(crate) start: u64,
    pub(crate) level: u32,
    pub(crate) hash: Hash,
}

impl Gone {
    pub(crate) const fn end(&self) -> u64 {
        self.start.saturating_add(1 << self.level)
    }
}

impl Cut {
    /// `heads`: sizes of the signed heads, in order.
    pub(crate) fn of(first: u64, end: u64, gone: impl IntoIterator<Item = Gone>, heads: &[u64]) -> Cut {
        let mut rows: Vec<Gone> = Vec::new();
        for mut new in gone {
            while let Some(left) = rows.last().copied()
                && left.level == new.level
                && left.end() == new.start
                && left.level < BLOCK_LEVEL
                && left.start.trailing_zeros() > left.level
                && heads.binary_search(&new.start).is_err()
            {
                rows.pop();
                new = Gone { start: left.start, level: left.level + 1, hash: Hash::node(left.hash, new.hash) };
            }
            rows.push(new);
        }
        Cut { first, end, rows }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&self.first.to_le_bytes());
        out.extend_from_slice(&self.end.to_le_bytes());
        for Gone { start, level, hash } in &self.rows {
            out.extend_from_slice(&start.to_le_bytes());
            out.push(*level as u8);
            out.extend_from_slice(&hash.0);
        }
        out
    }

    /// `None` for what was not written so: rows in order, aligned, and within the segment.
    pub(crate) fn read(bytes: &[u8]) -> Option<Cut> {
        let (first, rest) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<8>()?;
        let (end, rest) = rest.split_first_chunk::<8>()?;
        let (first, end) = (u64::from_le_bytes(*first), u64::from_le_bytes(*end));
        if !rest.len().is_multiple_of(ROW) {
            return None;
        }
        let (mut rows, mut at) = (Vec::with_capacity(rest.len() / ROW), first);
        for row in rest.chunks_exact(ROW) {
            let (start, row) = row.split_first_chunk::<8>()?;
            let (level, hash) = row.split_first()?;
            let gone = Gone { start: u64::from_le_bytes(*start), level: u32::from(*level), hash: Hash(*hash.first_chunk()?) };
            let sound = gone.level <= BLOCK_LEVEL && gone.start >= at && gone.end() <= end && gone.start.trailing_zeros() >= gone.level;
            if !sound {
                return None;
            }
            at = gone.end();
            rows.push(gone);
        }
        Some(Cut { first, end, rows })
    }

    /// What the order in the log names.
    pub(crate) fn digest(&self) -> Hash {
        Hash::of(&[&self.bytes()])
    }

    pub(crate) fn records(&self) -> u64 {
        self.rows.iter().map(|gone| gone.end() - gone.start).sum()
    }

    /// The row that begins at this offset.
    pub(crate) fn at(&self, offset: u64) -> Option<Gone> {
        self.rows.binary_search_by_key(&offset, |gone| gone.start).ok().and_then(|at| self.rows.get(at)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(start: u64) -> Gone {
        Gone { start, level: 0, hash: Hash::of(&[&start.to_le_bytes()]) }
    }

    #[test]
    fn ranges_are_joined_as_far_as_they_are_aligned_and_no_head_stands_between() {
        let shape = |cut: &Cut| cut.rows.iter().map(|gone| (gone.start, gone.level)).collect::<Vec<_>>();
        let all = Cut::of(0, 4_096, (0..4_096).map(leaf), &[]);
        assert_eq!(shape(&all), [(0, 10), (1_024, 10), (2_048, 10), (3_072, 10)]);
        assert_eq!(shape(&Cut::of(3, 13, (3..13).map(leaf), &[])), [(3, 0), (4, 2), (8, 2), (12, 0)]);
        assert_eq!(shape(&Cut::of(0, 8, (0..8).map(leaf), &[3, 4])), [(0, 1), (2, 0), (3, 0), (4, 2)]);
        assert_eq!(shape(&Cut::of(0, 8, (0..8).filter(|n| *n != 5).map(leaf), &[])), [(0, 2), (4, 0), (6, 1)]);
        assert_eq!(all.records(), 4_096);
        // What is joined later is what would have been joined at once.
        let early = Cut::of(0, 4_096, (0..4_096).filter(|n| n % 3 != 0).map(leaf), &[700]);
        let later = (0..4_096).filter_map(|n| if n % 3 == 0 { Some(leaf(n)) } else { early.at(n) });
        assert_eq!(Cut::of(0, 4_096, later, &[700]), Cut::of(0, 4_096, (0..4_096).map(leaf), &[700]));
    }

    #[test]
    fn only_what_was_written_is_read() {
        let cut = Cut::of(1_000, 5_000, (1_000..3_000).map(leaf), &[1_500]);
        let bytes = cut.bytes();
        assert_eq!(Cut::read(&bytes), Some(cut.clone()));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 4;
            assert!(Cut::read(&changed).is_none_or(|read| read.digest() != cut.digest()), "byte {at}");
            assert_eq!(
                Cut::read(&bytes[..at]).filter(|_| !(at - MAGIC.len().min(at)).saturating_sub(16).is_multiple_of(ROW)),
                None,
                "cut at {at}"
            );
        }
    }
}
