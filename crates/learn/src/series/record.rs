//! How near a number comes to the largest one before it: 1 is a new record.
//!
//! Records need no distribution and no unit: in a series that goes on as before, the n-th number is the largest with probability 1/n, so that
//! new ones become rare by themselves, at the same pace for every series.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    seen: u64,
    most: f64,
}

impl Record {
    /// Judges `number` against the largest earlier one, then learns it. Nothing is said before `rows` numbers were seen, and nothing while all were 0.
    pub(super) fn add(&mut self, number: f64, rows: u64) -> f64 {
        self.seen += 1;
        let ratio = if self.seen > rows && self.most > 0.0 { number / self.most } else { 0.0 };
        self.most = self.most.max(number);
        // More is not told apart.
        ratio.min(1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_so_far_is_one_and_more() {
        let mut record = Record::default();
        let told: Vec<f64> = [1.0, 4.0, 2.0, 4.0, 8.0, 6.0].iter().map(|n| record.add(*n, 2)).collect();
        assert_eq!(told, [0.0, 0.0, 0.5, 1.0, 2.0, 0.75]);
    }
}
