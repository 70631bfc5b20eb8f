//! `posture --record`: resources go through the same engine as everything else; what is wrong becomes an incident.

use std::path::Path;

use decode::posture::Scan;
use event::{Body, Bytes, Event, Meta, Uid};

use crate::cli::fail::Fail;
use crate::cli::hand_in::HandIn;
use crate::cli::{Global, out};
use crate::clock;
use crate::knowledge::Content;

pub(super) fn keep(content: &Content, scan: &Scan, path: &Path, global: &Global) -> Result<(), Fail> {
    let (knowledge, said) = content.knowledge()?;
    said.iter().for_each(out::note);
    let mut to = HandIn::start(content, knowledge, global)?;
    let now = clock::now();
    let name = if path == Path::new("host") {
        format!("host {}", std::fs::read_to_string("/etc/hostname").unwrap_or_default().trim())
    } else {
        std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
    };
    let known = scan.items.iter().filter(|i| i.certain).zip(1_u64..);
    let events: Vec<Event> = known
        .map(|(item, record)| {
            let resource = item.resource();
            let uid = Uid::of_record(&format!("{name}\0{}\0{}\0{}", resource.file, resource.address, resource.attributes), 0);
            let meta =
                Meta { uid, time: now, logged: now, source: name.as_str().into(), record, format: item.input.into(), ..Meta::default() };
            let raw = Bytes::from(resource.address.as_bytes());
            Event::new(meta, Body::Resource(Box::new(resource)), raw)
        })
        .collect();
    to.events(events);
    let log = to.settle()?;
    to.stop();
    if !global.json {
        for incident in log.incidents(&store::IncidentFilter { open: true, limit: 5, ..Default::default() }) {
            out::line(crate::cli::text::incident_row(&incident));
        }
    }
    Ok(())
}
