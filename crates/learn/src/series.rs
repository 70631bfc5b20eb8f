//! How unusual each value of one numeric series is, as it comes: 0..1, no calendar, no labels, no look-ahead.
//!
//! Four things can be unusual, each judged against its own history by peaks over threshold ([`tail`]): the value against all values
//! ([`level`]), the last few values against those before (a change), against the same place one period earlier ([`season`], found from
//! the data), and a line that stays flat. The strongest speaks. After an alarm the score is held down and recovers, so that one cause is one alarm.
//!
//! State:      about 60 KiB a series, bounded.   Cost: constant a row.
//! Mistaken by: the first rows (score 0 for [`WARM_ROWS`]), a period longer than the rings, a drift slower than the level follows.
//! Method:     Siffer et al., KDD 2017 (tails); change as a difference of window means; anomaly likelihood as in Lavin and Ahmad, ICMLA 2015.

mod season;
mod stream;
mod surprise;

pub use stream::{Stream, WARM_ROWS};
