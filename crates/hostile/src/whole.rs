//! Decoders of whole files: events in order with numbers from 1, the same twice, and never many more than there are bytes.

use decode::Place;
use event::Event;

use crate::line::{READ_AT, kept_and_shown};

pub(crate) fn read(decoder: &str, bytes: &[u8]) {
    let decoder = decode::FILES.iter().find(|d| d.name() == decoder).unwrap_or_else(|| panic!("no file decoder {decoder}"));
    let at = Place::new("f", 0, READ_AT);
    assert!(decoder.recognise(bytes, "f") <= 100);
    let events = || {
        let mut events: Vec<Event> = Vec::new();
        decoder.decode(bytes, &at, &mut |event| events.push(event));
        events
    };
    let all = events();
    assert!(all.len() <= bytes.len() + 1, "{} events of {} bytes", all.len(), bytes.len());
    for event in all.iter().take(200) {
        kept_and_shown(event);
    }
    assert!(events() == all, "the same file, other events");
}
