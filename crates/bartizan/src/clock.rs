//! The one place that asks what time it is; everything inside takes it as an argument.

use std::time::{SystemTime, UNIX_EPOCH};

use event::Time;

pub fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::from_us(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
