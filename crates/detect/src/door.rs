//! The door: what would be decided about a sign-in before its password is looked at, for a gateway that must answer at once.
//!
//! It holds a memory of its own, taught by the same records as `identity.risk` in the same order, so that no request waits for the engine.
//! Asking teaches nothing. What a person let in (an undo) is asked again at most, until that ends.
//!
//! State: as `identity.risk`; at most 10,000 let in; 20 findings an hour, a flood of refused tries is told by `web.login` and
//! `identity.credential`.   Cost: < 100 us a question.

use std::collections::HashMap;

use event::login::{LoginReason, Step};
use event::{Body, Entity, Event, Finding, LoginDecision, Time};

use crate::Knowledge;
use crate::identity::risk;
use crate::sign_in::{Judge, Scorer};

const LET_IN_MAX: usize = 10_000;
const TOLD_MAX: u32 = 20;

pub struct Door {
    judge: Judge,
    let_in: HashMap<Entity, Time>,
    /// Hour, and findings told in it.
    told: (i64, u32),
}

/// What is said at the door about one sign-in.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    pub decision: LoginDecision,
    /// Why it is turned away; only when the decision is to block, and not for each of a flood.
    pub finding: Option<Box<Finding>>,
}

impl Door {
    pub fn new(knowledge: &Knowledge) -> Door {
        let scorer = Scorer::new(knowledge.models.tree("login").cloned());
        Door { judge: Judge::new(knowledge.config.risk.clone(), scorer), let_in: HashMap::new(), told: (0, 0) }
    }

    /// About an event of authentication that has no outcome yet; `None` when it names no account or address.
    pub fn ask(&mut self, event: &Event) -> Option<Said> {
        let Body::Authentication(auth) = &event.body else { return None };
        let mut judged = self.judge.ask(event, auth)?;
        let client = auth.client.map(Entity::address);
        let let_in = client.is_some_and(|c| self.let_in.get(&c).is_some_and(|end| event.meta.time < *end));
        if let_in && judged.decision.decision == Step::Block {
            judged.decision.decision = Step::StepUp;
            let text = "an operator undid a block of this address: asked again at most".to_owned();
            judged.decision.reasons.insert(0, LoginReason { code: "door.let_in".into(), text, push: 0.0 });
        }
        let hour = event.meta.time.s().div_euclid(3_600);
        if self.told.0 != hour {
            self.told = (hour, 0);
        }
        let tells = judged.decision.decision == Step::Block && self.told.1 < TOLD_MAX;
        self.told.1 += u32::from(tells);
        let finding = tells.then(|| Box::new(risk::turned_away(event, auth, &judged)));
        Some(Said { decision: judged.decision, finding })
    }

    /// Takes up what a record teaches.
    pub fn learn(&mut self, event: &Event) {
        if let Body::Authentication(auth) = &event.body {
            self.judge.look(event, auth);
        }
    }

    /// A person undid a block of this address.
    pub fn let_in(&mut self, client: &Entity, until: Time, now: Time) {
        self.let_in.retain(|_, end| now < *end);
        if self.let_in.len() < LET_IN_MAX {
            self.let_in.insert(client.clone(), until);
        }
    }
}

#[cfg(test)]
mod tests;
