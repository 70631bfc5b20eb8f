//! The engine: one thread that owns pipeline, responses and the log's writer.
//!
//! Everything that changes something comes in through one bounded queue: batches of events, requests that the gateway observed, orders
//! of people. What a step led to is on disk before anybody acts on it or hears of it.

mod stuck;
mod telling;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use console::Fact;
use event::decision::Disposition;
use event::incident::Entry;
use event::order::{Answer, Fault, What};
use event::response::{Mode, Phase};
use event::{Body, Decisions, Entity, EntityKind, Event, Finding, Incident, Order, Response, Text, Time, Uid, short_id};
use respond::{Desk, ModelVersions};
use tokio::sync::{broadcast, oneshot};

use crate::channels::Channels;
use crate::checkpoint::Checkpoints;
use crate::cli::fail::Fail;
use crate::clock;
use crate::figures::{Figures, Filled, summed};
use crate::geo::Places;
use crate::logins::Logins;
use crate::pipeline::{Inline, Outcome, Pipeline};
use crate::points::Points;
use crate::privacy::Privacy;
use stuck::Stuck;

mod approval;

pub enum Input {
    /// From sources, in order.
    Events(Vec<Event>),
    /// The same, from a source that waits to hear that they are on disk.
    Kept(Vec<Event>, source::Receipt),
    /// From the gateway, with the findings of its inline inspection.
    Observed(Vec<gateway::Observed>),
    /// What was found outside of the pipeline, such as a model that drifts.
    Found(Vec<Finding>),
    Order(What, Text, oneshot::Sender<Answer>),
    /// Answers when everything before it is on disk.
    Flush(SyncSender<()>),
    /// Whom no response may meet, as the configuration now says.
    Never(incident::Never),
    /// Brings the log to an end, for another process; answers when it is free.
    Release(SyncSender<()>),
    /// Brings the log to an end; answers when its last head is signed and the checkpoint written.
    End(SyncSender<()>),
}

/// Batches in flight between the rim and the engine; a full queue makes files wait.
const QUEUE: usize = 16;
/// Events of one step: bounds the time to the next `fsync`.
const STEP_MAX: usize = 16_384;
/// From so many on, the events of a step are written while the detectors look at them.
const AHEAD_FROM: usize = 1_024;
/// Findings of earlier incidents that are read at start, newest incidents first: bounds the time to start.
const RESTORED_MAX: usize = 2_000;
/// A response applied longer ago than this that is told again was renewed.
const RENEWED_AFTER_S: f64 = 86_400.0;
/// Events that are seen again at once.
const AGAIN: usize = 8_192;
const TICK: Duration = Duration::from_millis(200);
const COUNTED_EVERY_S: f64 = 1.0;

/// What the engine shares with the rim.
#[derive(Clone)]
pub struct Shared {
    pub decisions: Arc<ArcSwap<Decisions>>,
    pub enforce: Arc<AtomicBool>,
    /// Nobody waits any more for what cannot be done.
    pub stopping: Arc<AtomicBool>,
    pub live: broadcast::Sender<Fact>,
    /// Where promoted models are, and who takes up another one; without it no model is rolled back here.
    pub models: Option<(PathBuf, Reload)>,
    /// Names country and network of sign-ins whose records do not.
    pub places: Option<Arc<Places>>,
    /// What is written about people.
    pub privacy: Arc<Privacy>,
    /// Who is asked about sign-ins at the gateway.
    pub logins: Option<Arc<Logins>>,
    pub figures: Arc<Figures>,
    /// Who is told of incidents.
    pub channels: Option<Arc<Channels>>,
}

/// Takes up the model of that name, or says why not.
pub type Reload = Arc<dyn Fn(&str) -> Result<(), String> + Send + Sync>;

impl Shared {
    pub fn new(enforce: bool) -> Shared {
        Shared {
            decisions: Arc::new(ArcSwap::from_pointee(Decisions::default())),
            enforce: Arc::new(AtomicBool::new(enforce)),
            stopping: Arc::default(),
            live: broadcast::channel(1024).0,
            models: None,
            places: None,
            privacy: Arc::default(),
            logins: None,
            figures: Arc::default(),
            channels: None,
        }
    }
}

pub struct Engine {
    pipeline: Pipeline,
    desk: Desk,
    writer: store::Writer,
    shared: Shared,
    orders: u64,
    /// None where nothing is to be remembered: a single order beside no service.
    checkpoints: Option<Checkpoints>,
    /// Whom this process itself never blocks, without what the configuration adds.
    points: Points,
    /// Nothing is taken any more.
    over: Option<Over>,
    stuck: Option<Stuck>,
    /// When what is held was last counted.
    counted: Time,
    telling: Option<telling::Telling>,
}

/// Who waits for the end of the log, and whether what still comes in goes to another process.
struct Over {
    heard: SyncSender<()>,
    passed_on: bool,
}

impl Engine {
    /// Takes up where an earlier run ended: open incidents, responses in force.
    pub fn open(mut pipeline: Pipeline, writer: store::Writer, shared: Shared, points: &Points, now: Time) -> Result<Engine, Fail> {
        let log = writer.log().clone();
        let incidents = log.incidents(&store::IncidentFilter { limit: usize::MAX, ..Default::default() });
        let mut looked_up = 0;
        pipeline.correlator.restore(incidents.iter().map(|i| (**i).clone()), |uid| {
            looked_up += 1;
            if looked_up > RESTORED_MAX {
                return None;
            }
            match log.finding(uid) {
                Ok(Some((_, Event { body: Body::Finding(finding), .. }))) => Some(*finding),
                _ => None,
            }
        });
        let responses: Vec<Response> = log.responses().iter().map(|r| (**r).clone()).collect();
        pipeline.planner.restore(&responses);
        for response in &responses {
            if let (Phase::Undone { at, .. }, Some(incident)) = (&response.phase, log.incident(&response.incident)) {
                incident.stages.iter().for_each(|stage| pipeline.planner.soft_allow(&stage.analytic, &response.target, *at));
            }
        }
        let mut actions = points.open(&shared, &responses, now)?;
        if let Some((dir, reload)) = &shared.models {
            let reload = Arc::clone(reload);
            actions.push(Box::new(ModelVersions::new(dir.clone(), Box::new(move |name| reload(name)))));
        }
        let telling = shared.channels.as_ref().map(|channels| telling::Telling::start(channels, &responses)).transpose()?;
        let (told, responses): (Vec<Response>, Vec<Response>) = responses.into_iter().partition(|r| r.action == incident::tell::NOTIFY);
        pipeline.planner.points = points.planned();
        pipeline.never = points.near(std::mem::take(&mut pipeline.never));
        let mut engine = Engine {
            pipeline,
            desk: Desk::new(actions),
            writer,
            shared,
            orders: 0,
            checkpoints: None,
            points: points.clone(),
            over: None,
            stuck: None,
            counted: now,
            telling,
        };
        let changed = {
            let (desk, writer) = (&mut engine.desk, &mut engine.writer);
            desk.restore(responses, now, &mut |bodies| append(writer, bodies, now)).map_err(|e| Fail::new("E0601", e.to_string()))?
        };
        engine.tell(&changed, "bartizan", now);
        if engine.telling.is_some() {
            engine.tell_again(&told, now);
        }
        engine.tick(now);
        Ok(engine)
    }

    /// Sees again what the log holds from that offset on: what an earlier run wrote and no checkpoint remembers. Findings that it did not come
    /// to tell are told now.
    pub fn from(mut self, checkpoints: Checkpoints, from: u64, now: Time) -> Result<Engine, Fail> {
        let log = self.writer.log().clone();
        let end = log.end();
        let unreadable = |e: store::Error| Fail::new("E0203", format!("cannot read the log: {e}"));
        let read = |at: u64| log.read(at, AGAIN).map_err(unreadable);
        let mut told: HashMap<Text, u64> = HashMap::new();
        let mut at = from;
        while at < end {
            let page = read(at)?;
            let Some((last, _)) = page.last() else { break };
            at = last + 1;
            for finding in page.iter().filter_map(|(_, event)| if let Body::Finding(finding) = &event.body { Some(finding) } else { None })
            {
                let count = told.entry(finding.uid.clone()).or_default();
                *count = finding.count.max(*count);
            }
        }
        let mut at = from;
        while at < end {
            let page = read(at)?;
            let Some((last, _)) = page.last() else { break };
            at = last + 1;
            let events: Vec<Event> = page.into_iter().map(|(_, event)| event).filter(Event::is_activity).collect();
            if let Some(logins) = &self.shared.logins {
                logins.learn(&events);
            }
            let known = |finding: &Finding| told.get(&finding.uid).is_some_and(|count| *count >= finding.count);
            let outcome = self.pipeline.again(&events, &known, now);
            self.keep(Vec::new(), outcome, now);
        }
        self.checkpoints = Some(checkpoints);
        Ok(self)
    }

    /// What the detectors know is kept for the next start.
    fn remember(&mut self, at_once: bool) {
        let Some(checkpoints) = &mut self.checkpoints else { return };
        let end = self.writer.log().end();
        let done = if at_once { checkpoints.write(&self.pipeline, end) } else { checkpoints.write_when_due(&self.pipeline, end) };
        if let Err(why) = done {
            say(&why);
        }
        // Before it there is nothing that a start reads again.
        self.writer.retain_below(checkpoints.latest());
    }

    /// Gives the engine its thread. `pass` gets what still comes in when the log was given to another process.
    pub fn start(self, pass: impl FnMut(Input) + Send + 'static) -> (SyncSender<Input>, JoinHandle<()>) {
        let (send, receive) = sync_channel(QUEUE);
        let thread = std::thread::Builder::new().name("engine".into()).spawn(move || self.run(&receive, pass));
        (send, thread.unwrap_or_else(|e| panic!("invariant: a thread can be started: {e}")))
    }

    fn run(mut self, inputs: &Receiver<Input>, pass: impl FnMut(Input)) {
        loop {
            match inputs.recv_timeout(TICK) {
                Ok(first) => self.take(first, &mut || inputs.try_recv().ok()),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.stop_telling(Duration::from_millis(800), clock::now());
                    self.remember(true);
                    return;
                }
            }
            if self.stuck.is_some() {
                self.wait_for_room(inputs);
            }
            if let Some(over) = self.over.take() {
                self.give_up();
                self.stop_telling(Duration::from_secs(3), clock::now());
                self.remember(true);
                drop(self);
                let _ = over.heard.send(());
                if over.passed_on {
                    inputs.iter().for_each(pass);
                }
                return;
            }
            self.tick(clock::now());
        }
    }

    /// Gathers what waits behind `first` into one step, so that many small batches cost one `fsync`.
    fn take(&mut self, first: Input, waiting: &mut dyn FnMut() -> Option<Input>) {
        let (mut events, mut observed, mut found) = (Vec::new(), Vec::new(), Vec::new());
        let mut receipts = Vec::new();
        let mut next = Some(first);
        while let Some(input) = next.take() {
            match input {
                Input::Events(more) => events.extend(more),
                Input::Kept(more, receipt) => {
                    events.extend(more);
                    receipts.push(receipt);
                }
                Input::Observed(more) => observed.extend(more),
                Input::Found(more) => found.extend(more),
                Input::Order(what, by, reply) => {
                    self.settle(&mut events, &mut observed, &mut found, &mut receipts);
                    // The asker may have gone away; the order stands all the same.
                    let _ = reply.send(self.order(what, &by, clock::now()));
                }
                Input::Flush(done) => {
                    self.settle(&mut events, &mut observed, &mut found, &mut receipts);
                    let outcome = self.pipeline.rest(Some(clock::now()));
                    self.keep(Vec::new(), outcome, clock::now());
                    if let Some(stuck) = &mut self.stuck {
                        stuck.flushed.push(done);
                    } else {
                        let _ = done.send(());
                    }
                }
                Input::Never(never) => self.pipeline.never = self.points.near(never),
                Input::Release(heard) => {
                    self.over = Some(Over { heard, passed_on: true });
                    break;
                }
                Input::End(heard) => {
                    self.over = Some(Over { heard, passed_on: false });
                    break;
                }
            }
            if events.len() + observed.len() < STEP_MAX && self.stuck.is_none() {
                next = waiting();
            }
        }
        self.settle(&mut events, &mut observed, &mut found, &mut receipts);
        if self.over.is_some() {
            let outcome = self.pipeline.rest(Some(clock::now()));
            self.keep(Vec::new(), outcome, clock::now());
        }
    }

    /// One step, and the answer to those who wait for it.
    fn settle(
        &mut self,
        events: &mut Vec<Event>,
        observed: &mut Vec<gateway::Observed>,
        found: &mut Vec<Finding>,
        receipts: &mut Vec<source::Receipt>,
    ) {
        let kept = self.step(events, observed, found);
        if let Some(stuck) = &mut self.stuck {
            // Answered when there is room again: who was told no would send it twice.
            stuck.receipts.append(receipts);
        }
        receipts.drain(..).for_each(|receipt| receipt.answer(kept));
    }

    /// Whether everything is on disk.
    fn step(&mut self, events: &mut Vec<Event>, observed: &mut Vec<gateway::Observed>, found: &mut Vec<Finding>) -> bool {
        if events.is_empty() && observed.is_empty() && found.is_empty() {
            return true;
        }
        let (now, start) = (clock::now(), std::time::Instant::now());
        let mut inline = Inline { findings: std::mem::take(found), ..Inline::default() };
        let mut seen = Vec::with_capacity(observed.len());
        for (n, one) in observed.drain(..).enumerate() {
            let score = if let Body::Http(http) = &one.event.body { http.score } else { 0.0 };
            let said = detect::Seen { rules: one.rules, score };
            if !said.is_empty() {
                inline.about.push((n, said));
            }
            inline.findings.extend(one.finding.map(|f| *f));
            seen.push(one.event);
            if let Some(sign_in) = one.sign_in {
                inline.findings.extend(sign_in.finding.map(|f| *f));
                events.push(sign_in.event);
            }
        }
        let privacy = Arc::clone(&self.shared.privacy);
        privacy.replace(events);
        privacy.replace(&mut seen);
        if let Some(places) = &self.shared.places {
            places.fill(events);
        }
        let secrets = privacy.secrets(events);
        if let Some(logins) = &self.shared.logins {
            logins.learn(events);
        }
        self.pipeline.mode = if self.shared.enforce.load(Ordering::Relaxed) { Mode::Enforce } else { Mode::Monitor };
        let (pipeline, writer) = (&mut self.pipeline, &mut self.writer);
        let (ahead, mut outcome) = if self.stuck.is_none() && secrets.is_empty() && events.len() + seen.len() >= AHEAD_FROM {
            std::thread::scope(|scope| {
                // What cannot be written now is tried again with all of the step.
                let (events, seen) = (&*events, &*seen);
                let writing = scope.spawn(move || writer.write_ahead(&[events, seen]).ok());
                let outcome = pipeline.step(events, seen, inline, Some(now));
                (writing.join().unwrap_or_default(), outcome)
            })
        } else {
            (None, pipeline.step(events, &seen, inline, Some(now)))
        };
        let mut records = std::mem::take(events);
        Privacy::hide(&mut records, secrets);
        outcome.findings.iter_mut().for_each(decode::mask::told);
        records.extend(seen);
        let kept = self.keep_behind(ahead, records, outcome, now);
        self.shared.figures.steps.fetch_add(1, Ordering::Relaxed);
        self.shared.figures.step_us.store(u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        kept
    }

    fn keep(&mut self, records: Vec<Event>, outcome: Outcome, now: Time) -> bool {
        self.keep_behind(None, records, outcome, now)
    }

    /// Writes events and what they led to, then carries out what was planned. False when the log could not be written.
    fn keep_behind(&mut self, ahead: Option<store::Ahead>, mut records: Vec<Event>, mut outcome: Outcome, now: Time) -> bool {
        let tellings = self.tellings_of(&outcome, now);
        outcome.planned.extend(tellings);
        let figures = &self.shared.figures;
        figures.findings.fetch_add(outcome.findings.len() as u64, Ordering::Relaxed);
        figures.responses.fetch_add(outcome.planned.len() as u64, Ordering::Relaxed);
        let base = self.writer.log().end() + records.len() as u64;
        let bodies = outcome
            .findings
            .iter()
            .map(|f| Body::Finding(Box::new(f.clone())))
            .chain(outcome.incidents.iter().map(|c| Body::Incident(Box::new(c.incident.clone()))))
            .chain(outcome.left.iter().map(|i| Body::Incident(Box::new(i.clone()))))
            .chain(outcome.planned.iter().map(|r| Body::Response(Box::new(r.clone()))));
        records.extend(bodies.zip(base..).map(|(body, offset)| own(body, offset, now)));
        if records.is_empty() {
            return true;
        }
        let Some((records, planned, first)) = self.append_or_hold(ahead, records, outcome.planned, now) else { return false };
        self.follow(&records, planned, first, now);
        true
    }

    /// Once a step is on disk.
    fn follow(&mut self, records: &[Event], planned: Vec<Response>, first: u64, now: Time) {
        self.publish(records, first);
        if planned.is_empty() {
            return;
        }
        let (tellings, planned): (Vec<Response>, Vec<Response>) = planned.into_iter().partition(|r| r.action == incident::tell::NOTIFY);
        let waiting: Vec<Response> = planned.iter().filter(|r| matches!(r.phase, Phase::Waiting { .. })).cloned().collect();
        let never = self.pipeline.never.clone();
        let (desk, writer) = (&mut self.desk, &mut self.writer);
        match desk.carry_out(planned, now, &|e: &Entity| never.refuses(e), &mut |bodies| append(writer, bodies, now)) {
            Ok(done) => {
                done.iter().for_each(|r| self.pipeline.planner.came_of(r, now));
                self.tell(&waiting, "bartizan", now);
                self.tell(&done, "bartizan", now);
            }
            Err(error) => say(&format!("responses were not carried out: {error}")),
        }
        // Last, so that a message says what was done.
        self.send(tellings, now);
    }

    fn tick(&mut self, now: Time) {
        self.shared.figures.beat(now);
        if now.since_s(self.counted).abs() >= COUNTED_EVERY_S {
            self.counted = now;
            self.shared.figures.fill(self.filled());
        }
        let (desk, writer) = (&mut self.desk, &mut self.writer);
        match desk.expire(now, &mut |bodies| append(writer, bodies, now)) {
            Ok(ended) => self.tell(&ended, "bartizan", now),
            Err(error) => say(&format!("ended responses were not written: {error}")),
        }
        let (desk, writer) = (&mut self.desk, &mut self.writer);
        match desk.reject_late(now, &mut |bodies| append(writer, bodies, now)) {
            Ok(late) => self.rejected(&late, "deadline", now),
            Err(error) => say(&format!("late approvals were not written: {error}")),
        }
        self.tend_tellings(now);
        self.writer.tend();
        self.remember(false);
    }

    /// What is held of what grows.
    fn filled(&self) -> Vec<Filled> {
        let row = |(what, now, max): (&'static str, usize, usize)| (what.to_owned(), now, max);
        let pipeline = &self.pipeline;
        let own = pipeline.correlator.filled().into_iter().chain(pipeline.planner.filled()).map(row);
        summed(own.chain(pipeline.shards.filled()))
    }

    /// Carries out what a person asked for: written to the log first.
    pub fn order(&mut self, what: What, by: &Text, now: Time) -> Answer {
        if self.stuck.is_some() {
            return self.refusal();
        }
        if matches!(what, What::Retain(_)) {
            // Not even written: one in the log is what verification believes.
            let why = "what is removed follows from [retention] in the configuration, nobody orders it";
            return Answer { fault: Some(Fault::Refused(why.into())), ..Answer::default() };
        }
        self.orders += 1;
        let uid = short_id("O", &[by.as_bytes(), &now.us().to_le_bytes(), &self.orders.to_le_bytes()]);
        let order = Order { uid, at: now, by: by.clone(), what };
        if let Err(error) = append(&mut self.writer, vec![Body::Order(Box::new(order.clone()))], now) {
            return Answer { fault: Some(Fault::Failed(error)), ..Answer::default() };
        }
        let never = self.pipeline.never.clone();
        let refuses = |e: &Entity| never.refuses(e);
        match &order.what {
            What::Undo { target } => self.undo(target, by, now),
            What::Approve { target } => self.decide(target, true, by, now),
            What::Reject { target } => self.decide(target, false, by, now),
            What::Redo { receipt } => {
                let (desk, writer) = (&mut self.desk, &mut self.writer);
                let (answer, done) = desk.redo(receipt, now, &refuses, &mut |bodies| append(writer, bodies, now));
                for response in &done {
                    self.pipeline.planner.withdraw_soft_allow(&response.analytic, &response.target, response.until);
                }
                self.tell(&done, by, now);
                answer
            }
            What::Block { entity, for_s, reason, .. } if entity.kind == EntityKind::Model => {
                let inverse = format!("serve the version of {} that was taken out", entity.name);
                self.carry_out(vec![by_hand(ModelVersions::NAME, entity, *for_s, reason, by, now, inverse)], now)
            }
            What::Block { entity, .. } if !matches!(entity.kind, EntityKind::Address | EntityKind::Device) => {
                let why =
                    format!("no enforcement point refuses a {}: an address can be blocked, or a program at an address", entity.kind.word());
                Answer { fault: Some(Fault::Refused(why)), ..Answer::default() }
            }
            What::Block { entity, for_s, reason, disposition } => {
                // The packet filter knows no milder thing than to block.
                let blocks = *disposition == Disposition::Block;
                let filtered = blocks && entity.kind == EntityKind::Address && self.pipeline.planner.points.nftables;
                let at = |action: &str, inverse: String| Response {
                    disposition: *disposition,
                    ..by_hand(action, entity, *for_s, reason, by, now, inverse)
                };
                let mut asked = vec![at("decision", format!("remove the decision for {}", entity.name))];
                if filtered {
                    asked.push(at("nftables", format!("take {} out of the sets of table inet bartizan", entity.name)));
                }
                self.carry_out(asked, now)
            }
            What::Quarantine { path, sha256, incident, reason } => {
                const REVIEW_S: u32 = 90 * 86_400;
                let entity = Entity::new(EntityKind::File, path.as_str());
                let asked = by_hand("quarantine", &entity, REVIEW_S, reason, by, now, format!("move it back to {path}"));
                self.carry_out(vec![Response { incident: incident.clone(), sha256: sha256.clone(), ..asked }], now)
            }
            What::Enforce { on } => {
                self.shared.enforce.store(*on, Ordering::Relaxed);
                Answer { done: 1, of: 1, text: if *on { "enforcing" } else { "monitoring" }.into(), ..Answer::default() }
            }
            What::Close { incident, outcome, .. } => {
                let answer = self.about_incident(&order, incident, now);
                let active = self.desk.active(now).any(|r| r.incident == *incident);
                if *outcome == event::incident::Outcome::False && active && answer.fault.is_none() {
                    // A false alarm keeps nobody out.
                    return self.undo(incident, by, now);
                }
                answer
            }
            What::Reopen { incident } | What::Note { incident, .. } => self.about_incident(&order, incident, now),
            What::Retain(_) => Answer::default(),
            // Said, so that it is in the log.
            What::SignIn { .. } | What::TakeUp { .. } => Answer { done: 1, of: 1, text: "written".into(), ..Answer::default() },
        }
    }

    fn about_incident(&mut self, order: &Order, incident: &Text, now: Time) -> Answer {
        match self.pipeline.correlator.order(order) {
            Some(changed) => self.write_incidents(&[changed], now, "written"),
            None => Answer { fault: Some(Fault::Unknown(format!("no incident {incident}"))), ..Answer::default() },
        }
    }

    fn undo(&mut self, target: &str, by: &Text, now: Time) -> Answer {
        let target = if target == "last" {
            match self.desk.last(now) {
                Some(response) => response.uid.clone(),
                None => {
                    let fault = Some(Fault::Unknown("nothing is in force".into()));
                    return Answer { fault, ..Answer::default() };
                }
            }
        } else {
            // The story may have moved into another incident since the id was printed.
            let merged = self.writer.log().incident(target).and_then(|i| i.merged_into.clone());
            merged.unwrap_or_else(|| target.into())
        };
        let known = self.writer.log().incident(&target).is_some();
        let (desk, writer) = (&mut self.desk, &mut self.writer);
        let (mut answer, undone) = desk.undo(&target, by, now, &mut |bodies| append(writer, bodies, now));
        if known && matches!(answer.fault, Some(Fault::Unknown(_))) {
            answer = Answer { text: format!("{target} has nothing to undo: nothing was blocked for it"), ..Answer::default() };
        }
        for response in &undone {
            self.pipeline.planner.soft_allow(&response.analytic, &response.target, now);
            self.shared.logins.iter().for_each(|logins| logins.let_in(response, now));
            // Nothing that is part of the same story shall block again what a person let in.
            let stages = self.pipeline.correlator.incident(&response.incident).map(|i| i.stages.clone()).unwrap_or_default();
            for stage in stages {
                self.pipeline.planner.soft_allow(&stage.analytic, &response.target, now);
            }
        }
        self.tell(&undone, by, now);
        self.tell_undone(&undone, by, now);
        answer
    }

    /// What a person asked for: requested in the log, then carried out.
    fn carry_out(&mut self, asked: Vec<Response>, now: Time) -> Answer {
        let start = std::time::Instant::now();
        let of = asked.len() as u32;
        let never = self.pipeline.never.clone();
        let (desk, writer) = (&mut self.desk, &mut self.writer);
        let mut journal = |bodies| append(writer, bodies, now);
        if let Err(error) = journal(asked.iter().map(|r| Body::Response(Box::new(r.clone()))).collect()) {
            return Answer { of, fault: Some(Fault::Failed(error)), ..Answer::default() };
        }
        let done = match desk.carry_out(asked, now, &|e: &Entity| never.refuses(e), &mut journal) {
            Ok(done) => done,
            Err(error) => return Answer { of, fault: Some(Fault::Failed(error.to_string())), ..Answer::default() },
        };
        self.tell(&done, done.first().map_or("bartizan", |r| r.by.as_str()), now);
        let fault = done.iter().find_map(|r| match &r.phase {
            Phase::Refused { why } => Some(Fault::Refused(why.clone())),
            Phase::Failed { why } => Some(Fault::Failed(why.clone())),
            _ => None,
        });
        let in_force: Vec<&Response> = done.iter().filter(|r| r.is_active(now)).collect();
        let text = match in_force.as_slice() {
            [] => String::new(),
            [first, ..] if first.action == "quarantine" => {
                format!("{} is in quarantine; nobody can open or run it there. look at it before {}", first.target.name, first.until)
            }
            [first, ..] if first.action == ModelVersions::NAME => format!("{} rolled back until {}", first.target.name, first.until),
            [first, ..] => {
                let done = match first.disposition {
                    Disposition::Limit => "slowed down",
                    Disposition::Challenge => "has to pass a check of its browser",
                    Disposition::Allow => "let in",
                    Disposition::Block => "blocked",
                };
                format!("{} {done} until {}", first.target.name, first.until)
            }
        };
        Answer {
            done: in_force.len() as u32,
            of,
            took_us: u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX),
            receipt: in_force.first().and_then(|r| r.phase.receipt().cloned()),
            text,
            fault,
        }
    }

    /// Writes what happened to responses into the trails of their incidents, and says it live.
    fn tell(&mut self, responses: &[Response], by: &str, now: Time) {
        let mut changed: Vec<Incident> = Vec::new();
        for response in responses {
            let verb = match response.mode {
                Mode::Enforce => response.verb().to_owned(),
                Mode::Monitor => format!("would {}", response.verb()),
            };
            let phase = match (response.mode, &response.phase) {
                (Mode::Monitor, Phase::Applied { receipt, .. }) => format!("recorded only, nothing is refused (receipt {receipt})"),
                (_, Phase::Applied { at, .. }) if now.since_s(*at) > RENEWED_AFTER_S => {
                    format!("its time is over and nobody has looked at it: kept until {}, undo puts it back", response.until)
                }
                (_, phase) => incident::phase_words(phase),
            };
            let text = format!("{verb} {}: {phase}", response.target.name);
            let entry = Entry { time: now, by: by.into(), text };
            if let Some(incident) = self.pipeline.correlator.record(&response.incident, Some(&response.uid), entry) {
                changed.retain(|i| i.uid != incident.uid);
                changed.push(incident);
            }
            let fact = Fact {
                offset: self.writer.log().end(),
                kind: "response",
                id: response.uid.clone(),
                severity: None,
                title: format!("{verb} {}: {}", response.target.name, response.phase.word()),
                at: now,
            };
            let _ = self.shared.live.send(fact);
        }
        self.write_incidents(&changed, now, "written");
    }

    fn write_incidents(&mut self, changed: &[Incident], now: Time, text: &str) -> Answer {
        if changed.is_empty() {
            return Answer::default();
        }
        let base = self.writer.log().end();
        let records: Vec<Event> =
            changed.iter().zip(base..).map(|(i, offset)| own(Body::Incident(Box::new(i.clone())), offset, now)).collect();
        match self.append(&records) {
            Some(first) => {
                self.publish(&records, first);
                Answer { done: 1, of: 1, text: text.into(), ..Answer::default() }
            }
            None => Answer { of: 1, fault: Some(Fault::Failed("the log cannot be written".into())), ..Answer::default() },
        }
    }

    fn append(&mut self, records: &[Event]) -> Option<u64> {
        match self.writer.append(records) {
            Ok(offsets) => {
                self.shared.figures.kept(records.len() as u64);
                Some(offsets.start)
            }
            Err(error) => {
                self.shared.figures.lost(records.len() as u64);
                say(&format!("E0607 the log cannot be written, {} records are not kept: {error}", records.len()));
                None
            }
        }
    }

    /// Small facts for open pages; nobody listening is fine.
    fn publish(&self, records: &[Event], first: u64) {
        if self.shared.live.receiver_count() == 0 {
            return;
        }
        for (record, offset) in records.iter().zip(first..) {
            let (kind, id, severity, title) = match &record.body {
                Body::Incident(i) => ("incident", i.uid.clone(), Some(i.severity), i.title.clone()),
                Body::Finding(f) => ("finding", f.uid.clone(), Some(f.severity), f.title.clone()),
                Body::Http(http) => match (&http.request_id, http.verdict) {
                    (Some(id), Some(verdict)) if verdict != event::Verdict::Allowed => {
                        ("request", id.clone(), None, format!("{} {} {}", verdict.word(), http.method, http.path()))
                    }
                    _ => continue,
                },
                _ => continue,
            };
            let _ = self.shared.live.send(Fact { offset, kind, id, severity, title, at: record.meta.time });
        }
    }

    pub fn log(&self) -> store::Log {
        self.writer.log().clone()
    }
}

/// In force at once and whatever the mode: a person asked for it.
fn by_hand(action: &str, entity: &Entity, for_s: u32, reason: &str, by: &Text, now: Time, inverse: String) -> Response {
    const LONGEST_S: u32 = 90 * 86_400;
    let key = short_id("K", &[b"by hand", action.as_bytes(), entity.name.as_bytes(), &now.us().to_le_bytes()]);
    Response {
        uid: short_id("R", &[key.as_bytes()]),
        key,
        incident: Text::default(),
        action: action.into(),
        target: entity.clone(),
        disposition: Disposition::Block,
        mode: Mode::Enforce,
        analytic: "operator".into(),
        by: by.clone(),
        reason: reason.to_owned(),
        requested: now,
        until: now.plus_s(i64::from(for_s.min(LONGEST_S))),
        phase: Phase::Requested,
        inverse: inverse.into(),
        sha256: Text::default(),
    }
}

fn own(body: Body, offset: u64, now: Time) -> Event {
    Event::own(Uid::of_record("bartizan", offset), now, body)
}

fn append(writer: &mut store::Writer, bodies: Vec<Body>, now: Time) -> Result<(), String> {
    let base = writer.log().end();
    let records: Vec<Event> = bodies.into_iter().zip(base..).map(|(body, offset)| own(body, offset, now)).collect();
    writer.append(&records).map(|_| ()).map_err(|e| e.to_string())
}

fn say(text: &str) {
    crate::cli::out::note(text);
}
