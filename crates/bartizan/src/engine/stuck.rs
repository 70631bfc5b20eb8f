//! A log that cannot be written (no space left, read-only, broken): nothing more is taken until it can.
//!
//! The step that could not be written waits, and so do its responses; sources wait because the queue is full; the gateway goes on serving and
//! counts what it could not hand over; people are told at once that nothing can be recorded. When there is room again everything goes on
//! where it stood, and an incident says how long it took.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};

use event::analytic::AnalyticKind;
use event::finding::Reason;
use event::order::{Answer, Fault};
use event::{Analytic, Entity, Event, Finding, Response, Score, Severity, Time, Uid};

use super::{Engine, Input, TICK, say};
use crate::clock;

const ANALYTIC: Analytic =
    Analytic { uid: "log.stuck", name: "Log could not be written", version: "1.0", kind: AnalyticKind::Rule, techniques: &[] };
/// Events that are taken from the queue meanwhile, to reach the orders between them; then the queue fills up, and orders wait as well.
const WAITING_MAX: usize = 65_536;

/// A step that waits to be written.
pub(super) struct Stuck {
    records: Vec<Event>,
    planned: Vec<Response>,
    /// Who waits for the step to be on disk.
    pub(super) flushed: Vec<SyncSender<()>>,
    pub(super) receipts: Vec<source::Receipt>,
    since: Time,
    why: String,
}

impl Engine {
    /// Appends a step; holds it back when the log cannot be written now. What can never be written is lost, counted and said.
    pub(super) fn append_or_hold(
        &mut self,
        ahead: Option<store::Ahead>,
        records: Vec<Event>,
        planned: Vec<Response>,
        now: Time,
    ) -> Option<(Vec<Event>, Vec<Response>, u64)> {
        if let Some(stuck) = &mut self.stuck {
            stuck.records.extend(records);
            stuck.planned.extend(planned);
            return None;
        }
        match self.writer.append_behind(ahead, &records) {
            Ok(offsets) => {
                self.shared.figures.kept(records.len() as u64);
                Some((records, planned, offsets.start))
            }
            Err(error @ (store::Error::Full { .. } | store::Error::Io { .. })) => {
                let why = error.to_string();
                say(&format!("E0607 the log cannot be written; nothing more is taken until it can: {why}"));
                self.shared.figures.write_failed.store(true, Ordering::Relaxed);
                self.stuck = Some(Stuck { records, planned, flushed: Vec::new(), receipts: Vec::new(), since: now, why });
                None
            }
            Err(error) => {
                self.shared.figures.lost(records.len() as u64);
                say(&format!("E0607 {} records cannot be written and are lost: {error}", records.len()));
                None
            }
        }
    }

    /// Until the log can be written again, or the process stops.
    pub(super) fn wait_for_room(&mut self, inputs: &Receiver<Input>) {
        let (mut waiting, mut events) = (VecDeque::new(), 0);
        while self.stuck.is_some() {
            if self.shared.stopping.load(Ordering::Relaxed) {
                self.give_up();
                break;
            }
            if events < WAITING_MAX {
                match inputs.recv_timeout(TICK) {
                    Ok(Input::Order(_, _, reply)) => drop(reply.send(self.refusal())),
                    Ok(input) => {
                        events += match &input {
                            Input::Events(all) | Input::Kept(all, _) => all.len(),
                            Input::Observed(all) => all.len(),
                            _ => 1,
                        };
                        waiting.push_back(input);
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => {
                        self.give_up();
                        break;
                    }
                }
            } else {
                std::thread::sleep(TICK);
            }
            let now = clock::now();
            self.shared.figures.beat(now);
            self.try_again(now);
        }
        // In the order they came: what waits in the queue is younger, and a flush there answers for all before it.
        while let Some(first) = waiting.pop_front() {
            self.take(first, &mut || waiting.pop_front().or_else(|| inputs.try_recv().ok()));
        }
    }

    fn try_again(&mut self, now: Time) {
        let Some(mut stuck) = self.stuck.take() else { return };
        // What Bartizan says itself is named by its place in the log.
        for (event, offset) in stuck.records.iter_mut().zip(self.writer.log().end()..).filter(|(event, _)| !event.is_activity()) {
            event.meta.uid = Uid::of_record("bartizan", offset);
        }
        match self.writer.append(&stuck.records) {
            Ok(offsets) => {
                self.shared.figures.kept(stuck.records.len() as u64);
                say(&format!("the log can be written again, after {:.0} s", now.since_s(stuck.since)));
                let told = finding(&stuck, now);
                self.follow(&stuck.records, stuck.planned, offsets.start, now);
                stuck.receipts.drain(..).for_each(|receipt| receipt.answer(true));
                for done in &stuck.flushed {
                    let _ = done.send(());
                }
                self.step(&mut Vec::new(), &mut Vec::new(), &mut vec![told]);
            }
            Err(error) => self.stuck = Some(Stuck { why: error.to_string(), ..stuck }),
        }
    }

    pub(super) fn give_up(&mut self) {
        if let Some(mut stuck) = self.stuck.take() {
            stuck.receipts.drain(..).for_each(|receipt| receipt.answer(false));
            self.shared.figures.lost(stuck.records.len() as u64);
            say(&format!("E0607 stopped while the log could not be written: {} records are lost: {}", stuck.records.len(), stuck.why));
        }
    }

    pub(super) fn refusal(&self) -> Answer {
        let why = self.stuck.as_ref().map_or("", |stuck| &stuck.why);
        let why = format!("the log cannot be written, so nothing is done that could not be recorded: {why}");
        Answer { fault: Some(Fault::Failed(why)), ..Answer::default() }
    }
}

fn finding(stuck: &Stuck, now: Time) -> Finding {
    let seconds = now.since_s(stuck.since);
    let reason = Reason {
        code: "log.stuck".into(),
        text: format!("records waited for {seconds:.0} s: {}", stuck.why),
        usual: "written at once".into(),
        now: format!("{seconds:.0} s"),
        push: 1.0,
    };
    Finding {
        title: format!("The log could not be written for {seconds:.0} s"),
        text: "Sources waited and lost nothing; what the gateway could not hand over is counted as shed".into(),
        severity: Severity::Medium,
        entities: vec![Entity::service("bartizan")],
        first_seen: stuck.since,
        last_seen: now,
        count: 1,
        would_change: "room on the disk of the data directory, or a shorter retention".into(),
        ..Finding::of(&ANALYTIC, &stuck.since.us().to_le_bytes())
    }
    .explained(Score::new(0.6), vec![reason])
}
