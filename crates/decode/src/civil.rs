//! Dates as logs write them: the common log format, ISO 8601 and the year-less syslog form.

use event::Time;

use crate::text::number;
use crate::{Place, When};

/// `17/May/2015:10:05:03 +0000`, whole; without a zone the place's zone completes it.
pub(crate) fn common(word: &[u8], at: &Place<'_>) -> Option<When> {
    let (&[d1, d2, b'/', m1, m2, m3, b'/', y1, y2, y3, y4, b':', ref clock @ ..], zone) = word.split_first_chunk::<20>()? else {
        return None;
    };
    let day = digits(&[d1, d2])?;
    let month = month(&[m1, m2, m3])?;
    let year = digits(&[y1, y2, y3, y4])? as i32;
    let (hour, minute, second) = hms(clock)?;
    let local = Time::from_civil(year, month, day, hour, minute, second, 0)?;
    match zone {
        [] => Some(When::Completed(shifted(local, at.zone_offset_s))),
        [b' ', zone @ ..] => Some(When::Said(shifted(local, offset_s(zone)?))),
        _ => None,
    }
}

/// Reads an ISO 8601 date and time at the start of `text`; returns what follows it. `T`, `t` or a blank between, decimals optional, zone
/// optional.
pub(crate) fn iso<'t>(text: &'t [u8], at: &Place<'_>) -> Option<(When, &'t [u8])> {
    let (&[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T' | b't' | b' ', ref clock @ ..], mut rest) = text.split_first_chunk::<19>()?
    else {
        return None;
    };
    let year = digits(&[y1, y2, y3, y4])? as i32;
    let (hour, minute, second) = hms(clock)?;
    let mut us = 0;
    if let [b'.' | b',', decimals @ ..] = rest {
        let count = decimals.iter().take_while(|b| b.is_ascii_digit()).count();
        if !(1..=9).contains(&count) {
            return None;
        }
        us = (0..6).fold(0, |us, i| us * 10 + decimals.get(i).filter(|_| i < count).map_or(0, |d| u32::from(d - b'0')));
        rest = &decimals[count..];
    }
    let local = Time::from_civil(year, digits(&[m1, m2])?, digits(&[d1, d2])?, hour, minute, second, us)?;
    match rest {
        [b'Z' | b'z', rest @ ..] => Some((When::Said(local), rest)),
        [b'+' | b'-', _, _, b':', _, _, ..] => Some((When::Said(shifted(local, offset_s(&rest[..6])?)), &rest[6..])),
        [b'+' | b'-', _, _, _, _, ..] => Some((When::Said(shifted(local, offset_s(&rest[..5])?)), &rest[5..])),
        _ => Some((When::Completed(shifted(local, at.zone_offset_s)), rest)),
    }
}

/// RFC 3339 and nothing else: date, time and zone.
pub(crate) fn rfc3339(text: &str) -> Option<Time> {
    match iso(text.as_bytes(), &Place::new("", 0, Time::ZERO))? {
        (When::Said(time), []) if text.as_bytes()[10] != b' ' => Some(time),
        _ => None,
    }
}

/// Reads `May  7 06:55:46`, `May 7 2024 06:55:46` or either with decimals at the start of `text`; returns what follows it. A missing year is
/// the one nearest to `at.written` that does not lie more than a day after it.
pub(crate) fn syslog<'t>(text: &'t [u8], at: &Place<'_>) -> Option<(When, &'t [u8])> {
    let (name, rest) = text.split_first_chunk::<3>()?;
    let month = month(name)?;
    let rest = rest.strip_prefix(b" ")?.trim_ascii_start();
    let (day, rest) = leading(rest, 2)?;
    let rest = rest.strip_prefix(b" ")?;
    let (year, rest) = match rest {
        [y1, y2, y3, y4, b' ', rest @ ..] if digits(&[*y1, *y2, *y3, *y4]).is_some() => (digits(&[*y1, *y2, *y3, *y4]), rest),
        _ => (None, rest),
    };
    let (clock, mut rest) = rest.split_first_chunk::<8>()?;
    let (hour, minute, second) = hms(clock)?;
    let mut us = 0;
    if let [b'.', decimals @ ..] = rest {
        let count = decimals.iter().take_while(|b| b.is_ascii_digit()).count().min(9);
        us = (0..6).fold(0, |us, i| us * 10 + decimals.get(i).filter(|_| i < count).map_or(0, |d| u32::from(d - b'0')));
        rest = &decimals[count..];
    }
    let of = |year: i32| Time::from_civil(year, month, day, hour, minute, second, us).map(|local| shifted(local, at.zone_offset_s));
    let time = match year {
        Some(year) => of(year as i32)?,
        None => {
            let latest = at.written.year().saturating_add(1);
            // 29 February is at most 8 years back.
            (latest.saturating_sub(9)..=latest).rev().filter_map(of).find(|time| *time <= at.written.plus_s(86_400))?
        }
    };
    Some((When::Completed(time), rest))
}

fn shifted(local: Time, offset_s: i32) -> Time {
    local.plus_s(-i64::from(offset_s))
}

/// `+0200`, `-05:30`, `Z` in seconds east of UTC.
fn offset_s(zone: &[u8]) -> Option<i32> {
    let (sign, h1, h2, m1, m2) = match *zone {
        [b'Z'] => return Some(0),
        [sign, h1, h2, m1, m2] | [sign, h1, h2, b':', m1, m2] => (sign, h1, h2, m1, m2),
        _ => return None,
    };
    let (hours, minutes) = (digits(&[h1, h2])? as i32, digits(&[m1, m2])? as i32);
    if hours > 23 || minutes > 59 {
        return None;
    }
    match sign {
        b'+' => Some(hours * 3600 + minutes * 60),
        b'-' => Some(-(hours * 3600 + minutes * 60)),
        _ => None,
    }
}

/// `10:05:03`.
fn hms(clock: &[u8]) -> Option<(u32, u32, u32)> {
    match *clock {
        [h1, h2, b':', m1, m2, b':', s1, s2] => Some((digits(&[h1, h2])?, digits(&[m1, m2])?, digits(&[s1, s2])?)),
        _ => None,
    }
}

fn digits(word: &[u8]) -> Option<u32> {
    word.iter().try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + u32::from(byte - b'0')))
}

/// At most `count_max` digits at the start.
fn leading(text: &[u8], count_max: usize) -> Option<(u32, &[u8])> {
    let count = text.iter().take(count_max).take_while(|b| b.is_ascii_digit()).count();
    Some((number(&text[..count])? as u32, &text[count..]))
}

fn month(name: &[u8; 3]) -> Option<u32> {
    Some(match name {
        b"Jan" => 1,
        b"Feb" => 2,
        b"Mar" => 3,
        b"Apr" => 4,
        b"May" => 5,
        b"Jun" => 6,
        b"Jul" => 7,
        b"Aug" => 8,
        b"Sep" => 9,
        b"Oct" => 10,
        b"Nov" => 11,
        b"Dec" => 12,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(written: &str) -> Place<'static> {
        Place::new("f", 1, Time::parse_rfc3339(written).expect("time in the table"))
    }

    fn shown(when: Option<When>) -> String {
        match when {
            Some(When::Said(time)) => time.to_string(),
            Some(When::Completed(time)) => format!("~{time}"),
            Some(When::Unsaid) | None => "none".to_owned(),
        }
    }

    #[test]
    fn common_log_dates() {
        for (word, expected) in [
            ("17/May/2015:10:05:03 +0000", "2015-05-17T10:05:03Z"),
            ("17/May/2015:10:05:03 -0530", "2015-05-17T15:35:03Z"),
            ("17/May/2015:10:05:03", "~2015-05-17T10:05:03Z"),
            ("29/Feb/2016:00:00:00 +0000", "2016-02-29T00:00:00Z"),
            ("29/Feb/2015:00:00:00 +0000", "none"),
            ("17/Mai/2015:10:05:03 +0000", "none"),
            ("17/May/2015:25:05:03 +0000", "none"),
            ("17/May/2015:10:05:03 +00", "none"),
            ("17/May/2015", "none"),
        ] {
            assert_eq!(shown(common(word.as_bytes(), &place("2024-01-01T00:00:00Z"))), expected, "{word}");
        }
    }

    #[test]
    fn iso_dates() {
        for (text, expected, after) in [
            ("2024-05-01T12:00:00.123+02:00 host", "2024-05-01T10:00:00.123Z", " host"),
            ("2024-05-01T12:00:00Z", "2024-05-01T12:00:00Z", ""),
            ("2024-05-01 12:00:00,5 x", "~2024-05-01T12:00:00.5Z", " x"),
            ("2024-05-01T12:00:00.123456789Z", "2024-05-01T12:00:00.123456Z", ""),
            ("2024-05-01T12:00:00+0200", "2024-05-01T10:00:00Z", ""),
            ("2024-02-30T12:00:00Z", "none", ""),
            ("2024-05-01T12:00:00.Z", "none", ""),
            ("2024-05-01T12:00", "none", ""),
        ] {
            let found = iso(text.as_bytes(), &place("2024-01-01T00:00:00Z"));
            assert_eq!(shown(found.map(|f| f.0)), expected, "{text}");
            assert_eq!(found.map_or("", |f| std::str::from_utf8(f.1).unwrap_or("?")), after, "{text}");
        }
    }

    #[test]
    fn json_dates_need_a_zone() {
        assert!(rfc3339("2024-05-01T12:00:00Z").is_some());
        for bad in ["2024-05-01T12:00:00", "2024-05-01 12:00:00Z", "2024-05-01T12:00:00Z ", "2024-05-01", "", "2024-05-01T12:00:00+99:00"] {
            assert_eq!(rfc3339(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_year_is_the_nearest_that_is_not_ahead() {
        for (text, written, expected) in [
            ("Dec 10 06:55:46 h", "2024-12-11T00:00:00Z", "~2024-12-10T06:55:46Z"),
            ("Dec 31 23:59:59 h", "2025-01-01T00:00:10Z", "~2024-12-31T23:59:59Z"),
            ("Jan  1 00:00:05 h", "2024-12-31T23:59:00Z", "~2025-01-01T00:00:05Z"),
            ("Jan  3 00:00:05 h", "2024-12-31T23:59:00Z", "~2024-01-03T00:00:05Z"),
            ("Feb 29 01:00:00 h", "2023-06-01T00:00:00Z", "~2020-02-29T01:00:00Z"),
            ("May 7 2019 01:00:00 h", "2024-06-01T00:00:00Z", "~2019-05-07T01:00:00Z"),
            ("May 7 01:00:00.250 h", "2024-06-01T00:00:00Z", "~2024-05-07T01:00:00.25Z"),
            ("Feb 30 01:00:00 h", "2024-06-01T00:00:00Z", "none"),
            ("may 1 01:00:00 h", "2024-06-01T00:00:00Z", "none"),
            ("May", "2024-06-01T00:00:00Z", "none"),
        ] {
            assert_eq!(shown(syslog(text.as_bytes(), &place(written)).map(|f| f.0)), expected, "{text}");
        }
    }
}
