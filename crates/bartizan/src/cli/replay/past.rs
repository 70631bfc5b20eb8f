//! `replay --last 7d`: the log itself once more, and what a change of the rules would have done.
//!
//! Two pipelines see the same events: one with what is built in (or `--content`), one with the rules given as well. What only one of them
//! says in the end is the difference. Nothing is written and nothing is done.

use std::collections::BTreeMap;

use event::response::Mode;
use event::{Event, Finding, Incident, Response, Text, Time};
use serde_json::{Value, json};

use super::finding_json;
use crate::cli::fail::{Exit, Fail};
use crate::cli::{Global, incident, out, text};
use crate::clock;
use crate::knowledge::Content;
use crate::paths;
use crate::pipeline::{Inline, Outcome, Pipeline};

/// Events of one step.
const STEP: usize = 8_192;
/// Findings and responses that are kept for the comparison; beyond, they are only counted.
const KEPT_MAX: usize = 100_000;

/// What one pipeline came to say.
struct Told {
    pipeline: Pipeline,
    findings: BTreeMap<Text, Finding>,
    /// By target and analytic: the names of responses hold the time.
    responses: BTreeMap<(String, Text), Response>,
    dropped: u64,
}

impl Told {
    fn new(content: &Content, shards: usize) -> Result<Told, Fail> {
        let (knowledge, said) = content.knowledge()?;
        let (forecaster, _) = content.forecaster();
        said.iter().for_each(out::note);
        let pipeline = Pipeline::new(&knowledge, shards, ::incident::Never::default(), Mode::Monitor).foreseeing(forecaster).telling_all();
        Ok(Told { pipeline, findings: BTreeMap::new(), responses: BTreeMap::new(), dropped: 0 })
    }

    fn see(&mut self, events: &[Event]) {
        let outcome = self.pipeline.step(events, &[], Inline::default(), None);
        self.take(outcome);
    }

    fn take(&mut self, outcome: Outcome) {
        for finding in outcome.findings {
            if self.findings.len() < KEPT_MAX || self.findings.contains_key(&finding.uid) {
                self.findings.insert(finding.uid.clone(), finding);
            } else {
                self.dropped += 1;
            }
        }
        for response in outcome.planned {
            if self.responses.len() < KEPT_MAX {
                self.responses.entry((response.target.to_string(), response.analytic.clone())).or_insert(response);
            } else {
                self.dropped += 1;
            }
        }
    }

    fn end(&mut self) {
        let outcome = self.pipeline.rest(None);
        self.take(outcome);
    }

    /// By what tells incidents apart in two runs: their numbers depend on what came before.
    fn incidents(&self) -> BTreeMap<(String, Time), &Incident> {
        let all = self.pipeline.correlator.incidents().filter(|i| i.merged_into.is_none());
        all.map(|i| ((i.actor().map_or_else(|| i.title.to_string(), ToString::to_string), i.first_seen), i)).collect()
    }

    fn findings_beside<'a>(&'a self, other: &'a Told) -> Vec<&'a Finding> {
        self.findings.values().filter(|f| !other.findings.contains_key(&f.uid)).collect()
    }

    fn responses_beside<'a>(&'a self, other: &'a Told) -> Vec<&'a Response> {
        self.responses.iter().filter(|(key, _)| !other.responses.contains_key(*key)).map(|(_, r)| r).collect()
    }

    /// Also those that are there in both and worse here.
    fn incidents_beside<'a>(&'a self, other: &'a Told) -> Vec<&'a Incident> {
        let theirs = other.incidents();
        let better = |key: &(String, Time), mine: &Incident| theirs.get(key).is_none_or(|theirs| theirs.severity < mine.severity);
        self.incidents().into_iter().filter(|(key, mine)| better(key, mine)).map(|(_, mine)| mine).collect()
    }
}

/// `given` are rules beside the content; without any, what the content says of the span is told.
pub(super) fn run(span_s: u32, given: &[std::path::PathBuf], shards: usize, global: &Global) -> Result<Exit, Fail> {
    let dir = paths::data_dir(global.data_dir.as_ref());
    let log = store::open_read_only(&dir).map_err(|e| text::cannot_open(&dir, &e))?;
    let from = clock::now().plus_s(-i64::from(span_s));
    let mut today = Told::new(&Content::load(global.content.as_deref())?, shards)?;
    let mut changed = if given.is_empty() { None } else { Some(Told::new(&with(given, global)?, shards)?) };
    let (mut at, mut events) = (log.since(from), 0_u64);
    loop {
        let page = log.read(at, STEP).map_err(|e| text::cannot_open(&dir, &e))?;
        let Some((last, _)) = page.last() else { break };
        at = last + 1;
        let batch: Vec<Event> =
            page.into_iter().map(|(_, event)| event).filter(|e| e.is_activity() && e.meta.time >= from).map(with_native).collect();
        events += batch.len() as u64;
        today.see(&batch);
        if let Some(changed) = &mut changed {
            changed.see(&batch);
        }
    }
    today.end();
    let Some(mut changed) = changed else {
        all(&today, events, global);
        return Ok(Exit::Fine);
    };
    changed.end();
    difference(&today, &changed, events, global);
    Ok(Exit::Fine)
}

/// A rule of the user's that is not taken ends the command: its silence would look like an answer.
fn with(given: &[std::path::PathBuf], global: &Global) -> Result<Content, Fail> {
    let own = Content::load(global.content.as_deref())?.sigma()?.refused.len();
    let mut content = Content::load(global.content.as_deref())?;
    content.add_rules(given)?;
    let refused = content.sigma()?.refused;
    match refused.get(own..).unwrap_or_default() {
        [] => Ok(content),
        all => {
            let lines: Vec<String> = all.iter().map(ToString::to_string).collect();
            Err(Fail::new("E0502", lines.join("\n")).exit(Exit::Usage))
        }
    }
}

/// Rules of others are written for the fields of the source, which the log does not keep: they are read from the record again.
fn with_native(mut event: Event) -> Event {
    if event.raw.is_empty() || event.native.is_some() {
        return event;
    }
    let place = decode::Place {
        source: &event.meta.source,
        record: event.meta.record,
        logged: event.meta.logged,
        written: event.meta.logged,
        zone_offset_s: 0,
        cut_from: event.meta.cut_from,
        shipped: None,
    };
    let format = event.meta.format.parse().unwrap_or_default();
    let again = decode::Choice::new(format, [&event.raw[..]]).decode(&event.raw, &place);
    event.native = again.native;
    event
}

fn all(told: &Told, events: u64, global: &Global) {
    if global.json {
        told.findings.values().for_each(|finding| out::json(&finding_json(finding.clone())));
        told.incidents().values().for_each(|incident| out::json(&incident::ocsf(incident)));
        return out::json(
            &json!({"schema": "bartizan.replay/1", "events": events, "findings": told.findings.len(), "incidents": told.incidents().len()}),
        );
    }
    told.incidents().values().for_each(|incident| out::line(text::incident_row(incident)));
    out::line(format!(" {} incidents, {} findings in {events} events of the log", told.incidents().len(), told.findings.len()));
}

fn difference(today: &Told, changed: &Told, events: u64, global: &Global) {
    if global.json {
        return out::json(&json!({
            "schema": "bartizan.replay_change/1", "events": events, "not_compared": today.dropped + changed.dropped,
            "added": side(changed, today), "removed": side(today, changed),
        }));
    }
    for (sign, here, there) in [("+", changed, today), ("-", today, changed)] {
        for incident in here.incidents_beside(there) {
            out::line(format!("{sign}{}", text::incident_row(incident)));
        }
        for finding in here.findings_beside(there) {
            let who = finding.actor().map_or_else(String::new, |actor| format!("  {}", out::shown(&actor.name)));
            out::line(format!("{sign} {}  {}{who}  {} events", out::severity(finding.severity), out::shown(&finding.title), finding.count));
        }
        for response in here.responses_beside(there) {
            out::line(format!("{sign} would {} {}: {}", response.verb(), out::shown(&response.target.name), out::shown(&response.reason)));
        }
    }
    let count = |here: &Told, there: &Told| {
        let parts = [here.findings_beside(there).len(), here.incidents_beside(there).len(), here.responses_beside(there).len()];
        format!("{} findings, {} incidents, {} responses", parts[0], parts[1], parts[2])
    };
    out::line(format!(" with the change: {} more; {} fewer; in {events} events of the log", count(changed, today), count(today, changed)));
}

fn side(here: &Told, there: &Told) -> Value {
    let response = |r: &&Response| json!({"action": r.action, "target": r.target.to_string(), "analytic": r.analytic, "reason": r.reason});
    json!({
        "findings": here.findings_beside(there).into_iter().cloned().map(finding_json).collect::<Vec<_>>(),
        "incidents": here.incidents_beside(there).into_iter().map(incident::ocsf).collect::<Vec<_>>(),
        "responses": here.responses_beside(there).iter().map(response).collect::<Vec<_>>(),
    })
}
