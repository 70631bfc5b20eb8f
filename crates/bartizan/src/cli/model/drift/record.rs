//! `model drift --record`: the finding goes through the same engine as everything else, and becomes an incident.

use std::sync::mpsc::sync_channel;

use event::Finding;

use crate::cli::fail::Fail;
use crate::cli::{Global, out};
use crate::engine::Input;
use crate::knowledge::Content;
use crate::paths;
use crate::service::{Service, Wanted};

pub(super) fn keep(finding: Finding, global: &Global) -> Result<(), Fail> {
    let data_dir = paths::data_dir(global.data_dir.as_ref());
    let content = Content::serving(global.content.as_deref(), &data_dir)?;
    let (knowledge, said) = content.knowledge()?;
    said.iter().for_each(out::note);
    let service = Service::start(Wanted {
        channels: None,
        operation: crate::service::Operation::default(),
        content: global.content.clone(),
        forecaster: None,
        data_dir,
        demo: false,
        // A rollback changes no traffic by itself; with nobody enforcing it is only recorded.
        enforce: global.yes,
        console: None,
        gateway: None,
        never: incident::Never::default(),
        nftables: None,
        models: crate::served::models(&content),
        knowledge,
    })?;
    let uid = finding.uid.clone();
    let _ = service.engine().send(Input::Found(vec![finding]));
    let (done, wait) = sync_channel(1);
    if service.engine().send(Input::Flush(done)).is_ok() {
        let _ = wait.recv();
    }
    let log = service.log.clone();
    let _ = service.stop();
    if !global.json {
        for incident in log.incidents(&store::IncidentFilter { open: true, limit: 50, ..Default::default() }) {
            if incident.findings.contains(&uid) {
                out::line(crate::cli::text::incident_row(&incident));
            }
        }
    }
    Ok(())
}
