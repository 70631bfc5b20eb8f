//! The worst segment: the run of at most [`SEGMENT_BYTES_MAX`] positions with the greatest sum.
//!
//! Bounded, because weak evidence adds up over a long harmless value: with unbounded segments a 3,000 byte list of numbers in a query
//! string scored higher than any attack. Linear: prefix sums and a queue of rising minima.

use std::ops::{AddAssign, Sub};

/// Longest segment, in canonical bytes.
pub(crate) const SEGMENT_BYTES_MAX: usize = 32;

/// Slots of the ring; a power of two above the segment length.
const RING: usize = 128;

/// Where the worst segment lies in canonical bytes, and its sum; empty when no position counts for an attack.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Segment<T = i32> {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) sum: T,
}

/// Finds the worst segment while positions arrive.
pub(crate) struct Search<T = i32> {
    /// Prefix sums that rise from `head` to `tail`, with the number of positions before them.
    ring: [(usize, T); RING],
    head: usize,
    tail: usize,
    count: usize,
    prefix: T,
    best: Segment<T>,
}

impl<T: Copy + Default + PartialOrd + AddAssign + Sub<Output = T>> Search<T> {
    pub(crate) fn new() -> Search<T> {
        Search { ring: [(0, T::default()); RING], head: 0, tail: 1, count: 0, prefix: T::default(), best: Segment::default() }
    }

    /// The gain of the next position.
    #[inline]
    pub(crate) fn push(&mut self, gain: T) {
        self.prefix += gain;
        self.count += 1;
        if self.ring[self.head % RING].0 + SEGMENT_BYTES_MAX < self.count {
            self.head += 1;
        }
        // The prefix of this position enters after the comparison, so the queue is never empty here.
        let (start, least) = self.ring[self.head % RING];
        let sum = self.prefix - least;
        if sum > self.best.sum {
            self.best = Segment { start, end: self.count, sum };
        }
        while self.tail > self.head && self.ring[(self.tail - 1) % RING].1 >= self.prefix {
            self.tail -= 1;
        }
        self.ring[self.tail % RING] = (self.count, self.prefix);
        self.tail += 1;
    }

    pub(crate) fn best(self) -> Segment<T> {
        self.best
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn same_as_trying_all(gains in proptest::collection::vec(-20i32..20, 0..300)) {
            let mut search = Search::new();
            gains.iter().for_each(|&gain| search.push(gain));
            let found = search.best();
            let mut best = 0;
            for start in 0..gains.len() {
                let mut sum = 0;
                for &gain in gains[start..].iter().take(SEGMENT_BYTES_MAX) {
                    sum += gain;
                    best = best.max(sum);
                }
            }
            prop_assert_eq!(found.sum, best);
            prop_assert_eq!(gains[found.start..found.end].iter().sum::<i32>(), best);
            prop_assert!(found.end - found.start <= SEGMENT_BYTES_MAX);
        }
    }
}
