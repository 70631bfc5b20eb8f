//! Pure composition: events in; findings, changed incidents and planned responses out.
//!
//! The same object serves `replay` (no log, no actions), `watch`, `protect` and `demo` (through [`crate::engine`]).

use detect::{Gather, Knowledge};
use event::incident::Entry;
use event::response::Mode;
use event::{Event, Finding, Incident, LoginDecision, Response, Time};
use incident::{Change, Config, Correlator, Forecaster, Never, Plan, Planner, Playbooks, Usual};

use crate::checkpoint::Memory;
use crate::shard::{About, Shards};

pub struct Pipeline {
    pub shards: Shards,
    pub correlator: Correlator,
    pub planner: Planner,
    usual: Usual,
    pub never: Never,
    pub mode: Mode,
}

/// What the gateway's inspection made of the observed requests.
#[derive(Default)]
pub struct Inline {
    pub findings: Vec<Finding>,
    pub about: About,
}

/// What a batch led to.
#[derive(Default)]
pub struct Outcome {
    pub findings: Vec<Finding>,
    /// About the sign-ins of the batch, in order.
    pub decisions: Vec<LoginDecision>,
    pub incidents: Vec<Change>,
    pub planned: Vec<Response>,
    /// What playbooks want somebody to hear.
    pub asks: Vec<incident::tell::Ask>,
    /// Incidents whose trail says why nothing was done.
    pub left: Vec<Incident>,
}

impl Pipeline {
    pub fn new(knowledge: &Knowledge, shards: usize, never: Never, mode: Mode) -> Pipeline {
        Pipeline {
            shards: Shards::new(knowledge, shards),
            correlator: Correlator::new(Config::default()),
            planner: Planner::new(Playbooks::shipped()),
            usual: Usual::default(),
            never,
            mode,
        }
    }

    /// Incidents also tell what is likely to come next.
    #[must_use]
    pub fn foreseeing(mut self, forecaster: Option<Forecaster>) -> Pipeline {
        forecaster.into_iter().for_each(|f| self.correlator.foresee(f));
        self
    }

    /// Every finding is told, also those of noisy rules.
    #[must_use]
    pub fn telling_all(mut self) -> Pipeline {
        self.shards.gather = detect::Gather::telling_all();
        self
    }

    /// For a checkpoint.
    pub fn memory(&self) -> Memory {
        let (gather, usual) = (self.shards.gather.save().into(), self.usual.save().into());
        Memory { shards: self.shards.count(), detectors: self.shards.save(), gather, usual }
    }

    /// Takes up what an earlier run knew. False, and nothing is taken up, when it does not fit.
    pub fn remember(&mut self, memory: &Memory) -> bool {
        let (Ok(gather), Ok(usual)) = (Gather::load(&memory.gather), Usual::load(&memory.usual)) else { return false };
        if memory.shards != self.shards.count() || !self.shards.load(&memory.detectors) {
            return false;
        }
        self.shards.gather = gather;
        self.usual = usual;
        true
    }

    /// Sees events of the log again, after a start: what was `told` of them then is not told anew.
    pub fn again(&mut self, events: &[Event], told: &dyn Fn(&Finding) -> bool, now: Time) -> Outcome {
        let mut findings = self.shards.detect(events, None);
        let decisions = self.shards.decisions();
        self.usual.tell(&mut findings, &[events]);
        findings.retain(|finding| !told(finding));
        self.join(findings, decisions, Some(now))
    }

    /// Findings that grew since they were told: when there is nothing more to read.
    pub fn rest(&mut self, now: Option<Time>) -> Outcome {
        let findings = self.shards.gather.rest();
        self.join(findings, Vec::new(), now)
    }

    /// `events` as they came from sources; `observed` as they came from the gateway, with what its inline inspection said and found.
    /// `now` is when responses begin; without it (`replay`) the time of the finding.
    pub fn step(&mut self, events: &[Event], observed: &[Event], inline: Inline, now: Option<Time>) -> Outcome {
        let mut findings = inline.findings;
        findings.extend(self.shards.detect(observed, Some(inline.about)));
        let mut decisions = self.shards.decisions();
        findings.extend(self.shards.detect(events, None));
        decisions.extend(self.shards.decisions());
        findings.sort_by(|a, b| (a.last_seen, &a.analytic.uid, &a.uid).cmp(&(b.last_seen, &b.analytic.uid, &b.uid)));
        self.usual.tell(&mut findings, &[events, observed]);
        self.join(findings, decisions, now)
    }

    fn join(&mut self, findings: Vec<Finding>, decisions: Vec<LoginDecision>, now: Option<Time>) -> Outcome {
        for finding in &findings {
            self.correlator.take(finding);
        }
        let incidents = self.correlator.settle();
        let (planned, asks, left) = self.plan(&findings, now);
        Outcome { findings, decisions, incidents, planned, asks, left }
    }

    fn plan(&mut self, findings: &[Finding], now: Option<Time>) -> (Vec<Response>, Vec<incident::tell::Ask>, Vec<Incident>) {
        let (mut planned, mut asks, mut left) = (Vec::new(), Vec::new(), Vec::new());
        for finding in findings {
            let now = now.unwrap_or(finding.last_seen);
            let Some(incident) = self.correlator.incident_of(&finding.uid) else { continue };
            let uid = incident.uid.clone();
            for plan in self.planner.plan(incident, finding, self.mode, &self.never, now) {
                match plan {
                    Plan::Do(response) => planned.push(*response),
                    Plan::Tell(ask) => asks.push(ask),
                    Plan::Leave { target, why } => {
                        let verb = match target.kind {
                            event::EntityKind::File => "quarantine",
                            event::EntityKind::Model => "roll back",
                            _ => "block",
                        };
                        let text = format!("did not {verb} {}: {why}", target.name);
                        left.extend(self.correlator.record(&uid, None, Entry { time: now, by: "bartizan".into(), text }));
                    }
                }
            }
        }
        (planned, asks, left)
    }
}
