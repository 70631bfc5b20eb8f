//! Many calls of one kind by one caller: how many, about how many different things, how many were refused, against what that caller usually does.

use event::finding::Reason;
use event::{Analytic, Event, Finding, Score, Severity, Technique};
use learn::baseline::table::Table;
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::campaign::{Campaign, Distinct, key, logistic};
use crate::{Detector, Seen, StateError, state};

/// What one kind of burst looks for.
pub(crate) struct Kind {
    pub(crate) code: &'static str,
    pub(crate) title: &'static str,
    pub(crate) techniques: &'static [Technique],
    /// `read {} different secrets`
    pub(crate) verb: &'static str,
    pub(crate) things: &'static str,
    /// Different things in one burst that make an even chance.
    pub(crate) even: f64,
    pub(crate) severity: Severity,
    /// The keys of what this call is about; empty when it is no call of this kind.
    pub(crate) of: fn(&Call<'_>) -> Vec<u64>,
}

/// A pause this long ends a burst.
const IDLE_S: i64 = 900;
const CALLERS_MAX: usize = 20_000;
/// Bursts of a caller before the largest of them counts as usual.
const USUAL_BURSTS: u32 = 2;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Caller {
    campaign: Campaign,
    things: Distinct,
    failed: u64,
    /// Told in this burst.
    told: bool,
    /// Different things in the largest earlier burst, and the number of earlier bursts, of those that were not told.
    usual: u32,
    bursts: u32,
}

/// A detector for bursts of one or more kinds.
pub(crate) struct Burst {
    analytic: &'static Analytic,
    kinds: &'static [Kind],
    callers: Table<Caller>,
}

impl Burst {
    pub(crate) fn new(analytic: &'static Analytic, kinds: &'static [Kind]) -> Burst {
        Burst { analytic, kinds, callers: Table::new(CALLERS_MAX, 30 * 86_400_000_000, 0x6275_7273) }
    }
}

impl Detector for Burst {
    fn detect(&mut self, event: &Event, _seen: &Seen, out: &mut Vec<Finding>) {
        let Some(call) = Call::of(event) else { return };
        if call.by_provider() {
            return;
        }
        let now = event.meta.time;
        for kind in self.kinds {
            let keys = (kind.of)(&call);
            if keys.is_empty() {
                continue;
            }
            let caller =
                self.callers.entry(call.caller_key() ^ key(kind.code.as_bytes()), now.us(), |c| c.bursts * 4 + c.things.len() as u32);
            let earlier = caller.campaign.count;
            if caller.campaign.begin_if_idle(now, IDLE_S) {
                // What was told is not learned: a baseline stands still for who is in a finding.
                if earlier > 0 && !caller.told {
                    caller.usual = caller.usual.max(caller.things.len() as u32);
                    caller.bursts = caller.bursts.saturating_add(1);
                }
                (caller.things, caller.failed, caller.told) = (Distinct::default(), 0, false);
            }
            caller.campaign.add(event, 1);
            for thing in keys {
                caller.things.insert(thing);
            }
            caller.failed += u64::from(!call.api.success);
            if let Some(finding) = caller.judge(self.analytic, kind, &call) {
                out.push(finding);
            }
        }
    }

    fn filled(&self) -> Vec<(&'static str, usize, usize)> {
        vec![("callers", self.callers.len(), CALLERS_MAX)]
    }

    fn save(&self) -> Vec<u8> {
        state::save(&self.callers)
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), StateError> {
        self.callers = state::load(self.analytic.uid, saved)?;
        Ok(())
    }
}

impl Caller {
    fn judge(&mut self, analytic: &Analytic, kind: &Kind, call: &Call<'_>) -> Option<Finding> {
        let things = self.things.len() as f64;
        let known = self.bursts >= USUAL_BURSTS;
        let usual = if known { f64::from(self.usual) } else { 0.0 };
        // Twice what is usual and the even number more.
        let odds = (things - usual * 2.0) / kind.even * 3.0 - 3.0;
        if odds < 0.0 {
            return None;
        }
        let odds = odds.min(4.0);
        let state = u32::from(things >= kind.even * 2.0) + 1;
        if !self.campaign.due(state) {
            return None;
        }
        self.told = true;
        let name = call.caller();
        let learned = if known {
            format!("at most {} in {} earlier bursts", self.usual, self.bursts)
        } else {
            format!("not known yet: has seen {} of {USUAL_BURSTS} bursts", self.bursts)
        };
        let text = format!("{} {things} different {} in {} calls", kind.verb, kind.things, self.campaign.count);
        let mut reasons =
            vec![Reason { code: kind.code.into(), text: text.clone(), usual: learned, now: things.to_string(), push: (odds + 3.0) as f32 }];
        let all_failed = self.failed == self.campaign.count;
        if self.failed > 0 {
            let text = format!("{} of {} calls were refused or failed", self.failed, self.campaign.count);
            let push = if all_failed { -0.5 } else { 0.0 };
            reasons.push(Reason { code: "cloud.refused".into(), text, usual: "few".to_owned(), now: self.failed.to_string(), push });
        }
        let mut finding = self.campaign.tell(analytic, &format!("{name} {}", kind.code), state);
        finding = finding.explained(Score::new(logistic(odds - if all_failed { 0.5 } else { 0.0 })), reasons);
        finding.title = kind.title.to_owned();
        finding.text = format!("{name} {text}");
        finding.would_change =
            format!("fewer than {} {} in a burst, or a caller that does this each day", (usual * 2.0 + kind.even).ceil(), kind.things);
        finding.techniques = kind.techniques.to_vec();
        finding.severity = if all_failed { kind.severity.min(Severity::Low) } else { kind.severity };
        finding.entities = call.entities();
        Some(finding)
    }
}
