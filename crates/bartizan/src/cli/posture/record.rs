//! `posture --record`: resources go through the same engine as everything else; what is wrong becomes an incident.

use std::path::Path;
use std::sync::mpsc::sync_channel;

use decode::posture::Scan;
use event::{Body, Bytes, Event, Meta, Uid};

use crate::cli::fail::Fail;
use crate::cli::{Global, out};
use crate::engine::Input;
use crate::knowledge::Content;
use crate::service::{Service, Wanted, model_states};
use crate::{clock, paths};

pub(super) fn keep(content: &Content, scan: &Scan, path: &Path, global: &Global) -> Result<(), Fail> {
    let (knowledge, said) = content.knowledge()?;
    said.iter().for_each(out::note);
    let service = Service::start(Wanted {
        content: global.content.clone(),
        forecaster: None,
        data_dir: paths::data_dir(global.data_dir.as_ref()),
        demo: false,
        enforce: false,
        console: None,
        gateway: None,
        never: incident::Never::default(),
        models: model_states(content),
        knowledge,
    })?;
    let now = clock::now();
    let name = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()).display().to_string();
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
    let _ = service.engine().send(Input::Events(events));
    let (done, wait) = sync_channel(1);
    if service.engine().send(Input::Flush(done)).is_ok() {
        let _ = wait.recv();
    }
    let log = service.log.clone();
    let _ = service.stop();
    if !global.json {
        for incident in log.incidents(&store::IncidentFilter { open: true, limit: 5, ..Default::default() }) {
            out::line(crate::cli::text::incident_row(&incident));
        }
    }
    Ok(())
}
