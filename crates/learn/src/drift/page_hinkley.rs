//! A rate that rises and stays: Page-Hinkley's test (Page 1954, Hinkley 1971) over a stream of zeros and ones or of errors.

/// Eight numbers; one a stream.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PageHinkley {
    seen: u64,
    mean: f64,
    sum: f64,
    least: f64,
}

/// Values before anything is said.
const SEEN_MIN: u64 = 500;
/// A rise below this is tolerated.
const TOLERATED: f64 = 0.01;
/// Sum of what is above the mean that is too much, in standard deviations of a single value times ten.
const TOO_MUCH: f64 = 12.0;

impl PageHinkley {
    /// Takes up a value; true when the rate has risen for good. Then it begins anew.
    pub fn see(&mut self, value: f64) -> bool {
        self.seen += 1;
        self.mean += (value - self.mean) / self.seen as f64;
        self.sum += value - self.mean - TOLERATED;
        self.least = self.least.min(self.sum);
        let spread = (self.mean * (1.0 - self.mean)).max(0.0025).sqrt();
        let risen = self.seen >= SEEN_MIN && self.sum - self.least > TOO_MUCH * 10.0 * spread;
        if risen {
            *self = PageHinkley::default();
        }
        risen
    }
}
