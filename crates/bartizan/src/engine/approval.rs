//! Yes and no of a person to what waits, and the no of a deadline that passed.

use event::order::{Answer, Fault};
use event::response::Phase;
use event::{Body, Entity, Response, Text, Time};

use super::{Engine, append};

impl Engine {
    /// The order stands in the log already.
    pub(super) fn decide(&mut self, target: &str, yes: bool, by: &Text, now: Time) -> Answer {
        let start = std::time::Instant::now();
        let waiting = self.desk.waiting(target, now);
        if waiting.is_empty() {
            let text = format!("nothing waits for approval under {target}");
            return Answer { fault: Some(Fault::Unknown(text)), ..Answer::default() };
        }
        let of = waiting.len() as u32;
        let never = self.pipeline.never.clone();
        let (desk, writer) = (&mut self.desk, &mut self.writer);
        let mut journal = |bodies: Vec<Body>| append(writer, bodies, now);
        let decided = if yes {
            desk.approve(waiting, now, &|e: &Entity| never.refuses(e), &mut journal)
        } else {
            desk.reject(waiting, by, now, &mut journal)
        };
        let done = match decided {
            Ok(done) => done,
            Err(error) => return Answer { of, fault: Some(Fault::Failed(error.to_string())), ..Answer::default() },
        };
        if !yes {
            self.rejected(&done, by, now);
            let text = format!("{of} rejected; not asked again for the same reason for 24 h");
            return Answer { done: of, of, took_us: micros(start), receipt: None, text, fault: None };
        }
        for response in &done {
            self.pipeline.planner.came_of(response, now);
            self.pipeline.planner.approved(response);
        }
        self.tell(&done, by, now);
        let fault = done.iter().find_map(|r| match &r.phase {
            Phase::Refused { why } => Some(Fault::Refused(why.clone())),
            Phase::Failed { why } => Some(Fault::Failed(why.clone())),
            _ => None,
        });
        let in_force: Vec<&Response> = done.iter().filter(|r| r.is_active(now)).collect();
        let text = in_force.first().map_or(String::new(), |r| format!("{} {}: until {}", r.verb(), r.target.name, r.until));
        let receipt = in_force.first().and_then(|r| r.phase.receipt().cloned());
        Answer { done: in_force.len() as u32, of, took_us: micros(start), receipt, text, fault }
    }

    /// Not planned again for the same reason for a day, and told.
    pub(super) fn rejected(&mut self, rejected: &[Response], by: &str, now: Time) {
        for response in rejected {
            self.pipeline.planner.soft_allow(&response.analytic, &response.target, now);
        }
        self.tell(rejected, by, now);
    }
}

fn micros(start: std::time::Instant) -> u64 {
    u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX)
}
