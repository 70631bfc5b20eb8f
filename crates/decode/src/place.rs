//! Where a record stands, and the frame that every decoder's event gets: raw bytes, name, time, length limit.

use event::{Body, Event, Meta, Native, Text, Time, TimeSource, Uid};

/// A longer record is cut to this; the event says how long it was.
pub const RECORD_BYTES_MAX: usize = 1 << 20;

/// Event times later than this after reading are not believed.
const AHEAD_MAX_S: i64 = 86_400;

/// Where one record stands in its source, and what completes a time that lacks year or zone.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Path or name of the input, as given.
    pub source: &'a str,
    /// 1-based number of the record: for files the physical line.
    pub record: u64,
    /// When it was read.
    pub logged: Time,
    /// The record is not younger than this: a file's last change, otherwise `logged`. Completes times without a year.
    pub written: Time,
    /// Seconds east of UTC for records that do not name their zone.
    pub zone_offset_s: i32,
    /// Length in bytes before the reader cut the record.
    pub cut_from: Option<u64>,
    /// When its shipper says that it was written: for a record that says nothing itself.
    pub shipped: Option<Time>,
}

impl<'a> Place<'a> {
    /// Read just now, zone UTC, not cut.
    pub fn new(source: &'a str, record: u64, logged: Time) -> Place<'a> {
        Place { source, record, logged, written: logged, zone_offset_s: 0, cut_from: None, shipped: None }
    }
}

/// What a decoder read out of one record.
#[derive(Debug)]
pub struct Reading {
    pub when: When,
    pub body: Body,
    /// The same in the source's own field names, for formats that rules are written for.
    pub native: Option<Box<Native>>,
}

impl Reading {
    pub fn new(when: When, body: Body) -> Reading {
        Reading { when, body, native: None }
    }
}

/// What the record says about its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Date and zone stand in the record.
    Said(Time),
    /// Year or zone were completed.
    Completed(Time),
    /// Nothing that is a time.
    Unsaid,
}

pub(crate) fn event(format: &'static str, record: &[u8], at: &Place<'_>, read: impl FnOnce(&[u8]) -> Result<Reading, Text>) -> Event {
    let kept = &record[..record.len().min(RECORD_BYTES_MAX)];
    let cut_from = at.cut_from.or((kept.len() < record.len()).then_some(record.len() as u64));
    let Reading { when, body, native } = read(kept).unwrap_or_else(|reason| Reading::new(When::Unsaid, Body::Undecoded { reason }));
    let when = if when == When::Unsaid { at.shipped.map_or(When::Unsaid, When::Said) } else { when };
    let (time, time_source) = believed(when, at.logged);
    let meta = Meta {
        uid: Uid::of_record(at.source, at.record),
        time,
        logged: at.logged,
        time_source,
        source: Text::from(at.source),
        record: at.record,
        format: Text::const_new(format),
        cut_from,
    };
    Event { native, ..Event::new(meta, body, kept.into()) }
}

/// Times before 1970 or more than a day after reading are replaced by the time of reading, and marked.
fn believed(when: When, logged: Time) -> (Time, TimeSource) {
    let possible = |time: Time| (Time::ZERO..=logged.plus_s(AHEAD_MAX_S)).contains(&time);
    match when {
        When::Said(time) if possible(time) => (time, TimeSource::Record),
        When::Completed(time) if possible(time) => (time, TimeSource::Completed),
        _ => (logged, TimeSource::Received),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(when: When) -> (Time, TimeSource) {
        believed(when, Time::from_s(1_000_000))
    }

    #[test]
    fn times_outside_1970_to_tomorrow_are_not_believed() {
        let logged = Time::from_s(1_000_000);
        assert_eq!(read(When::Said(Time::from_s(5))), (Time::from_s(5), TimeSource::Record));
        assert_eq!(read(When::Completed(Time::from_s(5))), (Time::from_s(5), TimeSource::Completed));
        assert_eq!(read(When::Said(logged.plus_s(86_400))).1, TimeSource::Record);
        assert_eq!(read(When::Said(logged.plus_s(86_401))), (logged, TimeSource::Received));
        assert_eq!(read(When::Said(Time::from_s(-1))), (logged, TimeSource::Received));
        assert_eq!(read(When::Unsaid), (logged, TimeSource::Received));
    }

    #[test]
    fn the_shipper_says_when_only_where_the_record_does_not() {
        let at = Place { shipped: Some(Time::from_s(7)), ..Place::new("f", 1, Time::from_s(1_000)) };
        let read = |when| event("f", b"x", &at, |_| Ok(Reading::new(when, Body::Undecoded { reason: "no".into() }))).meta;
        assert_eq!((read(When::Unsaid).time, read(When::Unsaid).time_source), (Time::from_s(7), TimeSource::Record));
        assert_eq!(read(When::Said(Time::from_s(9))).time, Time::from_s(9));
    }

    #[test]
    fn long_records_are_cut_and_say_so() {
        let long = vec![b'x'; RECORD_BYTES_MAX + 7];
        let made = event("syslog", &long, &Place::new("f", 1, Time::ZERO), |_| Err("no".into()));
        assert_eq!((made.raw.len(), made.meta.cut_from), (RECORD_BYTES_MAX, Some(RECORD_BYTES_MAX as u64 + 7)));
        assert_eq!(made.body, Body::Undecoded { reason: "no".into() });
    }
}
