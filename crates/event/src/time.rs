//! A point in time, microseconds since 1970-01-01 UTC. Always an argument: nothing in the pure crates asks a clock.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Microseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(i64);

impl Time {
    pub const ZERO: Time = Time(0);

    pub const fn from_us(us: i64) -> Time {
        Time(us)
    }

    pub const fn from_s(s: i64) -> Time {
        Time(s.saturating_mul(1_000_000))
    }

    pub const fn us(self) -> i64 {
        self.0
    }

    pub const fn ms(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    pub const fn s(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    pub const fn plus_s(self, s: i64) -> Time {
        Time(self.0.saturating_add(s.saturating_mul(1_000_000)))
    }

    /// Seconds from `earlier` to `self`; negative when `earlier` is later.
    pub fn since_s(self, earlier: Time) -> f64 {
        (self.0 - earlier.0) as f64 / 1e6
    }

    /// From a UTC civil date and time; `None` when a part is out of range. Proleptic Gregorian, by Howard Hinnant's `days_from_civil`.
    pub fn from_civil(year: i32, month: u32, day: u32, hour: u32, minute: u32, second: u32, us: u32) -> Option<Time> {
        let days_in_month = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
            2 => 28,
            _ => return None,
        };
        if !(1..=days_in_month).contains(&day) || !(1..=9999).contains(&year) || hour > 23 || minute > 59 || second > 60 || us > 999_999 {
            return None;
        }
        let shifted = i64::from(year) - i64::from(month <= 2);
        let era = shifted.div_euclid(400);
        let of_era = shifted.rem_euclid(400);
        let of_year = (153 * ((i64::from(month) + 9) % 12) + 2) / 5 + i64::from(day) - 1;
        let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
        let seconds = days * 86_400 + i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second);
        Some(Time(seconds * 1_000_000 + i64::from(us)))
    }

    /// RFC 3339, any offset.
    pub fn parse_rfc3339(text: &str) -> Option<Time> {
        text.parse::<jiff::Timestamp>().ok().map(|t| Time(t.as_microsecond()))
    }

    /// Calendar year in UTC.
    pub fn year(self) -> i32 {
        self.timestamp().map_or(1970, |t| i32::from(t.to_zoned(jiff::tz::TimeZone::UTC).year()))
    }

    fn timestamp(self) -> Option<jiff::Timestamp> {
        jiff::Timestamp::from_microsecond(self.0).ok()
    }

    /// `19:12:31`, UTC.
    pub fn clock(self) -> String {
        self.timestamp().map_or_else(|| "-".to_owned(), |t| t.strftime("%H:%M:%S").to_string())
    }
}

/// RFC 3339 in UTC with as many decimals as needed.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.timestamp() {
            Some(t) => write!(f, "{t}"),
            None => write!(f, "{}us", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn civil_agrees_with_rfc3339() {
        for (civil, text) in [
            ((1970, 1, 1, 0, 0, 0), "1970-01-01T00:00:00Z"),
            ((2015, 5, 17, 10, 5, 3), "2015-05-17T10:05:03Z"),
            ((2000, 2, 29, 23, 59, 59), "2000-02-29T23:59:59Z"),
            ((2026, 12, 31, 0, 0, 1), "2026-12-31T00:00:01Z"),
        ] {
            let (y, mo, d, h, mi, s) = civil;
            let time = Time::from_civil(y, mo, d, h, mi, s, 0);
            assert_eq!(time, Time::parse_rfc3339(text), "{text}");
            assert_eq!(time.map(|t| t.to_string()).as_deref(), Some(text));
        }
    }

    #[test]
    fn impossible_dates_are_refused() {
        for (y, mo, d) in [(2023, 2, 29), (2024, 13, 1), (2024, 4, 31), (0, 1, 1), (2024, 1, 0)] {
            assert_eq!(Time::from_civil(y, mo, d, 0, 0, 0, 0), None, "{y}-{mo}-{d}");
        }
    }
}
