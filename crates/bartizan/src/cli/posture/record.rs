//! `posture --record`: resources go through the same engine as everything else; what is wrong becomes an incident.

use std::path::Path;

use decode::posture::Scan;

use crate::cli::fail::Fail;
use crate::cli::hand_in::HandIn;
use crate::cli::{Global, out};
use crate::clock;
use crate::knowledge::Content;

pub(super) fn keep(content: &Content, scan: &Scan, path: &Path, global: &Global) -> Result<(), Fail> {
    let (knowledge, said) = content.knowledge()?;
    said.iter().for_each(out::note);
    let mut to = HandIn::start(content, knowledge, global)?;
    let name = if path == Path::new("host") {
        format!("host {}", std::fs::read_to_string("/etc/hostname").unwrap_or_default().trim())
    } else {
        std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
    };
    to.events(crate::scanned::events(scan, &name, clock::now()));
    let log = to.settle()?;
    to.stop();
    if !global.json {
        for incident in log.incidents(&store::IncidentFilter { open: true, limit: 5, ..Default::default() }) {
            out::line(crate::cli::text::incident_row(&incident));
        }
    }
    Ok(())
}
