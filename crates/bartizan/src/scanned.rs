//! Resources of a configuration as events: what was scanned goes through the engine like everything else.

use decode::posture::Scan;
use event::{Body, Bytes, Event, Meta, Time, Uid};

/// One event a resource whose state is certain. The same resource of the same place is the same event.
pub fn events(scan: &Scan, place: &str, now: Time) -> Vec<Event> {
    let certain = scan.items.iter().filter(|i| i.certain).zip(1_u64..);
    certain
        .map(|(item, record)| {
            let resource = item.resource();
            let uid = Uid::of_record(&format!("{place}\0{}\0{}\0{}", resource.file, resource.address, resource.attributes), 0);
            let meta = Meta { uid, time: now, logged: now, source: place.into(), record, format: item.input.into(), ..Meta::default() };
            let raw = Bytes::from(resource.address.as_bytes());
            Event::new(meta, Body::Resource(Box::new(resource)), raw)
        })
        .collect()
}
