//! Decoders of single records: any bytes become one event that holds them, twice the same, and can be shown and kept.

use decode::{Choice, Place, RECORD_BYTES_MAX};
use event::{Body, Event, Time, Uid};

pub(crate) const READ_AT: Time = Time::from_s(1_769_860_800);

pub(crate) fn read(decoder: &str, record: &[u8]) {
    let decoder = decode::ALL.iter().find(|d| d.name() == decoder).unwrap_or_else(|| panic!("no decoder {decoder}"));
    let at = Place { zone_offset_s: 7_200, ..Place::new("f", 7, READ_AT) };
    assert!(decoder.recognise(record) <= 100);
    let event = decoder.decode(record, &at);
    assert_eq!(&*event.raw, &record[..record.len().min(RECORD_BYTES_MAX)], "the record is not kept");
    assert_eq!((event.meta.uid, event.meta.record), (Uid::of_record("f", 7), 7));
    assert_eq!(decoder.decode(record, &at), event, "the same record, another event");
    kept_and_shown(&event);
    kept_and_shown(&Choice::MIXED.decode(record, &at));
}

/// What happens to every event after decoding: told in OCSF, its entities taken, written to the log and read back.
pub(crate) fn kept_and_shown(event: &Event) {
    if let Body::Undecoded { reason } = &event.body {
        assert!(!reason.is_empty(), "refused without a reason");
    }
    let _ = event.entities();
    let json = event::ocsf::json(event).to_string();
    assert!(json.starts_with('{'), "{json}");
    let stored = rmp_serde::to_vec_named(event).expect("an event can be kept");
    let back: Event = rmp_serde::from_slice(&stored).expect("and read back");
    let again = rmp_serde::to_vec_named(&back).expect("an event can be kept");
    assert!(stored == again, "an event changes in the log");
}
