//! `check --record`: what was judged goes through the same engine as everything else, and becomes an incident.

use std::sync::mpsc::sync_channel;

use detect::Knowledge;
use detect::content;
use event::{Bytes, Event, Meta, Text, Uid};

use super::Checked;
use crate::cli::Global;
use crate::cli::fail::Fail;
use crate::clock;
use crate::engine::Input;
use crate::knowledge::Content;
use crate::paths;
use crate::service::{Service, Wanted, model_states};

pub(super) struct Recorder {
    service: Service,
    waiting: Vec<gateway::Observed>,
    findings: Vec<Text>,
}

/// Judgements in one step of the engine.
const BATCH: usize = 512;

impl Recorder {
    pub(super) fn start(content: &Content, knowledge: Knowledge, global: &Global) -> Result<Recorder, Fail> {
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
        Ok(Recorder { service, waiting: Vec::new(), findings: Vec::new() })
    }

    pub(super) fn take(&mut self, checked: &Checked) {
        let now = clock::now();
        let event = event(checked, now);
        let finding = content::finding(&checked.said, &event).map(Box::new);
        self.findings.extend(finding.iter().map(|f| f.uid.clone()));
        self.waiting.push(gateway::Observed { event, finding, rules: Vec::new(), models: Vec::new(), cpu_us: 0, body_seen: 0 });
        if self.waiting.len() >= BATCH {
            self.send();
        }
    }

    fn send(&mut self) {
        let _ = self.service.engine().send(Input::Observed(std::mem::take(&mut self.waiting)));
    }

    /// Ends when all is on disk; names the incidents that hold what was found.
    pub(super) fn stop(mut self) -> Vec<Text> {
        self.send();
        let (done, wait) = sync_channel(1);
        if self.service.engine().send(Input::Flush(done)).is_ok() {
            let _ = wait.recv();
        }
        let log = self.service.log.clone();
        let _ = self.service.stop();
        let all = log.incidents(&store::IncidentFilter { limit: usize::MAX, ..Default::default() });
        all.iter().filter(|i| i.findings.iter().any(|f| self.findings.contains(f))).map(|i| i.uid.clone()).collect()
    }
}

/// The activity behind a judgement, named by what was looked at and its content: the same file again is the same event.
fn event(checked: &Checked, now: event::Time) -> Event {
    let mut body = checked.said.body.clone();
    let mut sha256 = Text::default();
    if let event::Body::File(file) = &mut body {
        if let Ok(whole) = std::fs::canonicalize(&checked.input) {
            file.path = whole.display().to_string();
        }
        file.host = host();
        sha256 = file.sha256.clone();
    }
    let source = if checked.input == "-" { "stdin".to_owned() } else { checked.input.clone() };
    let meta = Meta {
        uid: Uid::of_record(&format!("check {source} {sha256} {}", String::from_utf8_lossy(&checked.head)), 1),
        time: now,
        logged: now,
        source: source.into(),
        record: 1,
        format: Text::const_new("check"),
        ..Meta::default()
    };
    Event::new(meta, body, Bytes::from(checked.head.as_slice()))
}

fn host() -> Text {
    std::fs::read_to_string("/etc/hostname").map(|name| name.trim().into()).unwrap_or_default()
}
