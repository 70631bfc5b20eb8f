//! How unusual each value of one numeric series is, as it comes: 0..1, no calendar, no labels, no look-ahead.
//!
//! Six things can be unusual: the value, its step from the last one, the level of the latest 10 rows and of the latest 48 against the rows
//! before, the variation of the latest rows, and the distance from the same place one period earlier ([`season`], found from the data). Each
//! is compared with the largest it ever was ([`record`]); a new record by any of them scores above one half. A line that stays flat twice as long as
//! ever speaks too. After an alarm the score is held down and recovers, so that one cause is one alarm.
//!
//! State:      about 64 KiB a series, bounded.   Cost: constant a row.
//! Mistaken by: the first rows (score 0 for [`WARM_ROWS`]), a period longer than the rings, growth without end (each new height is a record),
//!             a second event weaker than the first.
//! Method:     records of independent draws come at rate 1/n (Renyi 1962); change as a difference of window means.

mod past;
mod record;
mod season;
mod stream;

pub use stream::{Stream, WARM_ROWS};
