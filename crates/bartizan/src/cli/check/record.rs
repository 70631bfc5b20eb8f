//! `check --record`: what was judged goes through the same engine as everything else, and becomes an incident.

use std::path::PathBuf;

use detect::Knowledge;
use detect::content::{self, Verdict};
use event::{Bytes, Event, Finding, Meta, Text, Uid};

use super::Checked;
use crate::cli::Global;
use crate::cli::fail::Fail;
use crate::cli::hand_in::{self, HandIn};
use crate::clock;
use crate::knowledge::Content;

pub(super) struct Recorder {
    to: HandIn,
    waiting: Vec<(Event, Option<Box<Finding>>)>,
    findings: Vec<Text>,
    bad: Vec<Bad>,
}

/// A file on this machine that was judged bad.
pub(super) struct Bad {
    pub(super) path: PathBuf,
    pub(super) sha256: Text,
    pub(super) finding: Text,
    pub(super) title: String,
}

/// Judgements in one step of the engine.
const BATCH: usize = 256;
/// Files that are remembered for quarantine.
const BAD_MAX: usize = 10_000;

impl Recorder {
    pub(super) fn start(content: &Content, knowledge: Knowledge, global: &Global) -> Result<Recorder, Fail> {
        let to = HandIn::start(content, knowledge, global)?;
        Ok(Recorder { to, waiting: Vec::new(), findings: Vec::new(), bad: Vec::new() })
    }

    pub(super) fn take(&mut self, checked: &Checked) {
        let now = clock::now();
        let event = event(checked, now);
        let finding = content::finding(&checked.said, &event).map(Box::new);
        self.findings.extend(finding.iter().map(|f| f.uid.clone()));
        if let (Some(finding), true) = (&finding, checked.said.verdict >= Verdict::Phishing && self.bad.len() < BAD_MAX)
            && checked.is_file
            && let Ok(path) = std::fs::canonicalize(&checked.input)
        {
            let sha256 = checked.sha256.as_str().into();
            self.bad.push(Bad { path, sha256, finding: finding.uid.clone(), title: finding.title.clone() });
        }
        self.waiting.push((event, finding));
        if self.waiting.len() >= BATCH {
            self.to.judged(std::mem::take(&mut self.waiting));
        }
    }

    /// When all is on disk: pairs of what was found and the incident that holds it, the bad files, and where orders about them go.
    pub(super) fn settle(mut self) -> Result<Settled, Fail> {
        self.to.judged(std::mem::take(&mut self.waiting));
        let log = self.to.settle()?;
        Ok(Settled { incidents: hand_in::incidents(&log, &self.findings), bad: self.bad, to: self.to })
    }
}

/// What came of a run that was recorded.
pub(super) struct Settled {
    pub(super) incidents: Vec<(Text, Text)>,
    pub(super) bad: Vec<Bad>,
    pub(super) to: HandIn,
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
