//! Telling people: what the teller asks for goes into the log before it goes out, and what became of it when it is known.
//!
//! A telling that is requested in the log and has no end there was not confirmed: after a start it is sent again, with the same key. The far side
//! sees it twice when the process ended between its answer and the next write of the log.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use event::incident::Entry;
use event::response::{Mode, Phase};
use event::{Finding, Incident, Response, Score, Severity, Text, Time, short_id};
use incident::Teller;
use incident::tell::NOTIFY;
use respond::notify::{Message, News, Outbox};

use super::{Engine, append};
use crate::channels::Channels;
use crate::cli::fail::Fail;
use crate::pipeline::Outcome;

const ANALYTIC: event::Analytic = event::Analytic {
    uid: "notify.down",
    name: "Channel does not tell",
    version: "1.0",
    kind: event::analytic::AnalyticKind::Rule,
    techniques: &[],
};
/// Older ones are not sent any more after a start.
const TRIED: Duration = Duration::from_secs(86_400);

pub(super) struct Telling {
    teller: Teller,
    outbox: Outbox,
    /// On their way, by name.
    pending: BTreeMap<Text, Response>,
    link: String,
}

impl Telling {
    pub(super) fn start(channels: &Channels, responses: &[Response]) -> Result<Telling, Fail> {
        let mut teller = Teller::new(channels.rules.clone());
        teller.restore(responses);
        let outbox = Outbox::start(channels.all.clone(), &channels.tallies, &channels.pace).map_err(|why| Fail::new("E0605", why))?;
        Ok(Telling { teller, outbox, pending: BTreeMap::new(), link: channels.link.clone() })
    }
}

impl Engine {
    /// What a step leads to besides: written with it.
    pub(super) fn tellings_of(&mut self, outcome: &Outcome, now: Time) -> Vec<Response> {
        let mode = self.mode();
        let Some(telling) = &mut self.telling else { return Vec::new() };
        let told_of: Vec<&Incident> = outcome.incidents.iter().map(|change| &change.incident).collect();
        let asked: Vec<Incident> = outcome
            .asks
            .iter()
            .filter(|ask| !told_of.iter().any(|i| i.uid == ask.incident))
            .filter_map(|ask| self.pipeline.correlator.incident(&ask.incident).cloned())
            .collect();
        let incidents: Vec<&Incident> = told_of.into_iter().chain(&asked).collect();
        let waiting: Vec<&Response> = outcome.planned.iter().filter(|r| matches!(r.phase, Phase::Waiting { .. })).collect();
        telling.teller.tell(&incidents, &waiting, &outcome.asks, mode, now)
    }

    /// Takes up what an earlier run did not come to tell.
    pub(super) fn tell_again(&mut self, responses: &[Response], now: Time) {
        let open = responses.iter().filter(|r| r.action == NOTIFY && matches!(r.phase, Phase::Requested)).cloned();
        self.send(open.collect(), now);
    }

    /// What stands in the log goes out, or is only recorded.
    pub(super) fn send(&mut self, tellings: Vec<Response>, now: Time) {
        let mut done = Vec::new();
        for response in tellings {
            let why = match (&response.phase, &self.telling) {
                (Phase::Requested, Some(_)) if response.mode == Mode::Monitor => {
                    done.push(applied(response, "nobody, it is recorded only", now));
                    continue;
                }
                (Phase::Requested, None) => "this process has no channels".to_owned(),
                (Phase::Requested, Some(telling)) => {
                    let message = self.message(&response, &telling.link);
                    let age = Duration::from_secs_f64(now.since_s(response.requested).max(0.0));
                    match telling.outbox.put(&response.target.name, message, age.min(TRIED)) {
                        Ok(()) => {
                            self.telling.iter_mut().for_each(|t| drop(t.pending.insert(response.uid.clone(), response.clone())));
                            continue;
                        }
                        Err(why) => why,
                    }
                }
                _ => {
                    self.trail(std::slice::from_ref(&response), now);
                    continue;
                }
            };
            done.push(Response { phase: Phase::Failed { why }, ..response });
        }
        self.ended(&done, now);
    }

    /// Summaries that are due, and what far sides answered. Called as often as the engine ticks.
    pub(super) fn tend_tellings(&mut self, now: Time) {
        let mode = self.mode();
        let Some(telling) = &mut self.telling else { return };
        let summaries = telling.teller.summaries(mode, now);
        let news = telling.outbox.news();
        if !summaries.is_empty() {
            self.ask_and_send(summaries, now);
        }
        self.hear(news, now);
    }

    /// Something that was done is taken back: whoever heard of it hears that too.
    pub(super) fn tell_undone(&mut self, undone: &[Response], by: &str, now: Time) {
        let mode = self.mode();
        let Some(first) = undone.first().filter(|r| !r.incident.is_empty()) else { return };
        let Some(telling) = &mut self.telling else { return };
        let names: Vec<String> = undone.iter().map(|r| format!("{} {}", r.verb(), r.target.name)).collect();
        let what = format!("undone by {by}: {}", names.join(", "));
        let receipt = first.phase.receipt().cloned().unwrap_or_default();
        let made = telling.teller.undone(&first.incident, &what, &receipt, mode, now);
        self.ask_and_send(made, now);
    }

    /// Before the log is closed: what is under way ends first, so that it is not sent twice.
    pub(super) fn stop_telling(&mut self, limit: Duration, now: Time) {
        if let Some(telling) = &mut self.telling {
            let pending = std::mem::take(&mut telling.pending);
            let Some(telling) = self.telling.take() else { return };
            let news = telling.outbox.stop(limit);
            let ended: Vec<Response> = news.into_iter().filter_map(|news| came_of(&news, &pending, now)).collect();
            self.ended(&ended, now);
        }
    }

    fn hear(&mut self, news: Vec<News>, now: Time) {
        let (mut ended, mut down) = (Vec::new(), Vec::new());
        for news in news {
            let Some(telling) = &mut self.telling else { return };
            match &news {
                News::Down { channel, why } => down.push(finding(channel, why, now)),
                News::Delivered { key, .. } | News::Failed { key, .. } => {
                    ended.extend(came_of(&news, &telling.pending, now));
                    telling.pending.remove(key);
                }
            }
        }
        self.ended(&ended, now);
        if !down.is_empty() {
            self.step(&mut Vec::new(), &mut Vec::new(), &mut down);
        }
    }

    fn ask_and_send(&mut self, made: Vec<Response>, now: Time) {
        if made.is_empty() || self.stuck.is_some() {
            return;
        }
        match append(&mut self.writer, made.iter().map(|r| event::Body::Response(Box::new(r.clone()))).collect(), now) {
            Ok(()) => self.send(made, now),
            Err(error) => super::say(&format!("what is told was not written: {error}")),
        }
    }

    /// Written down: the receipt.
    fn ended(&mut self, done: &[Response], now: Time) {
        if done.is_empty() {
            return;
        }
        match append(&mut self.writer, done.iter().map(|r| event::Body::Response(Box::new(r.clone()))).collect(), now) {
            Ok(()) => self.trail(done, now),
            Err(error) => super::say(&format!("what was told was not written: {error}")),
        }
    }

    fn trail(&mut self, responses: &[Response], now: Time) {
        let mut changed: Vec<Incident> = Vec::new();
        for response in responses {
            let verb = if response.mode == Mode::Monitor { "would tell" } else { "tell" };
            let text = format!("{verb} {} ({}): {}", response.target.name, response.reason, incident::state_words(response));
            let entry = Entry { time: now, by: "bartizan".into(), text };
            if let Some(incident) = self.pipeline.correlator.record(&response.incident, Some(&response.uid), entry) {
                changed.retain(|i| i.uid != incident.uid);
                changed.push(incident);
            }
        }
        self.write_incidents(&changed, now, "written");
    }

    fn mode(&self) -> Mode {
        if self.shared.enforce.load(std::sync::atomic::Ordering::Relaxed) { Mode::Enforce } else { Mode::Monitor }
    }

    /// As the incident stands now.
    fn message(&self, response: &Response, link: &str) -> Message {
        let log = self.writer.log();
        let base = Message { key: response.uid.clone(), why: response.reason.clone(), at: response.requested, ..Message::default() };
        let Some(incident) = log.incident(&response.incident) else {
            return Message { severity: Severity::Medium, title: "More incidents than were told".into(), ..base };
        };
        let done = log.responses_of(&incident.uid);
        let done: Vec<&Arc<Response>> = done.iter().filter(|r| r.action != NOTIFY).collect();
        let waits = done.iter().any(|r| matches!(r.phase, Phase::Waiting { .. }));
        let in_force = done.iter().any(|r| matches!(r.phase, Phase::Applied { .. }) && r.mode == Mode::Enforce);
        let words = |r: &&Arc<Response>| {
            let would = if r.mode == Mode::Monitor { "would " } else { "" };
            format!("{would}{} {}: {}", r.verb(), r.target.name, incident::phase_words(&r.phase))
        };
        Message {
            incident: incident.uid.clone(),
            severity: incident.severity,
            title: incident.title.clone(),
            story: incident.story.clone(),
            reasons: incident.reasons.iter().map(|reason| reason.text.clone()).collect(),
            done: done.iter().map(words).collect(),
            link: if link.is_empty() { String::new() } else { format!("{}/incident/{}", link.trim_end_matches('/'), incident.uid) },
            undo: if in_force { format!("bartizan undo {}", incident.uid) } else { String::new() },
            approve: if waits { format!("bartizan response approve {}", incident.uid) } else { String::new() },
            ..base
        }
    }
}

fn came_of(news: &News, pending: &BTreeMap<Text, Response>, now: Time) -> Option<Response> {
    match news {
        News::Delivered { key, status } => Some(applied(pending.get(key)?.clone(), status, now)),
        News::Failed { key, why } => Some(Response { phase: Phase::Failed { why: why.clone() }, ..pending.get(key)?.clone() }),
        News::Down { .. } => None,
    }
}

/// Told, and over: a message is not in force.
fn applied(response: Response, status: &str, now: Time) -> Response {
    let receipt = short_id("rcpt", &[response.uid.as_bytes(), b"told", &now.us().to_le_bytes()]);
    Response { until: now, phase: Phase::Applied { receipt, at: now, points: vec![status.into()] }, ..response }
}

fn finding(channel: &str, why: &str, now: Time) -> Finding {
    let reason = event::finding::Reason {
        code: "notify.down".into(),
        text: format!("several messages in a row were not delivered: {why}"),
        usual: "delivered at once".into(),
        now: "the channel rests and is tried again".into(),
        push: 1.0,
    };
    Finding {
        title: format!("The channel {channel} does not tell anybody"),
        text: "Messages wait for it, at most a day; other channels go on".into(),
        severity: Severity::Medium,
        entities: vec![event::Entity::service("bartizan")],
        first_seen: now,
        last_seen: now,
        count: 1,
        would_change: format!("a far side that answers: bartizan notify test {channel}"),
        ..Finding::of(&ANALYTIC, &[channel.as_bytes(), &now.s().to_le_bytes()].concat())
    }
    .explained(Score::new(0.6), vec![reason])
}
