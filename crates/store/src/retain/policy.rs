//! How long records of each class are kept, and what holds them back.

use std::time::Duration;

use event::{Body, Event, Time};

use crate::{Classes, class};

/// Records of decisions are kept at least so long (EU AI Act, article 26: six months).
pub const DECISIONS_MIN: Duration = Duration::from_secs(180 * 86_400);
/// A segment is rewritten when all records of a class are due, else when one of them has been for so long.
const SLACK: Duration = Duration::from_secs(86_400);

/// What goes, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// By the word of the class: records logged longer ago go. Classes that are not named stay.
    pub ages: Vec<(&'static str, Duration)>,
    /// When the log takes more, the oldest records of what was observed go first; those of decisions never go for this.
    pub bytes_max: Option<u64>,
    pub hold: Hold,
    /// By default a day; none when somebody asks by hand.
    pub slack: Duration,
}

/// A legal hold: nothing that it names goes while it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    pub everything: bool,
    pub classes: Classes,
    /// Events that happened, or were logged, from the first to before the second.
    pub spans: Vec<(Time, Time)>,
}

impl Default for Hold {
    fn default() -> Hold {
        Hold { everything: false, classes: Classes::NONE, spans: Vec::new() }
    }
}

impl Default for Policy {
    /// 90 days of what was observed, 400 days of what Bartizan and people concluded and did.
    fn default() -> Policy {
        Policy::new(Duration::from_secs(90 * 86_400), Duration::from_secs(400 * 86_400))
    }
}

impl Policy {
    pub fn new(observed: Duration, decisions: Duration) -> Policy {
        let age = |word: &&'static str| (*word, if is_decision(word) { decisions } else { observed });
        Policy { ages: class::WORDS.iter().map(age).collect(), bytes_max: None, hold: Hold::default(), slack: SLACK }
    }

    /// Why it may not be so, and what to write instead.
    pub fn fault(&self) -> Option<String> {
        let (word, age) = self.ages.iter().find(|(word, age)| is_decision(word) && *age < DECISIONS_MIN)?;
        Some(format!(
            "{word} records say what was decided and why; they are kept for at least six months (180d), not {}d",
            age.as_secs() / 86_400
        ))
    }

    pub(crate) fn age(&self, class: usize) -> Option<Duration> {
        let word = class::WORDS.get(class)?;
        self.ages.iter().find(|(named, _)| named == word).map(|(_, age)| *age).filter(|_| !self.holds_class(class))
    }

    pub(crate) fn holds_class(&self, class: usize) -> bool {
        self.hold.everything || u8::try_from(class).is_ok_and(|class| self.hold.classes.meets(Classes::of_byte(class)))
    }

    pub(crate) fn holds(&self, event: &Event) -> bool {
        let within = |time: Time| self.hold.spans.iter().any(|(from, to)| (*from..*to).contains(&time));
        self.hold.everything || self.hold.classes.contains(&event.body) || within(event.meta.time) || within(event.meta.logged)
    }

    /// The shortest age there is.
    pub(crate) fn shortest(&self) -> Option<Duration> {
        self.ages.iter().map(|(_, age)| *age).min()
    }
}

/// Findings, incidents, responses and orders.
pub fn is_decision(word: &str) -> bool {
    matches!(word, "finding" | "incident" | "response" | "order")
}

/// When retention counts from: what was logged, which nobody outside can choose.
pub(crate) fn counted_from(event: &Event) -> Time {
    if event.meta.logged == Time::ZERO { event.meta.time } else { event.meta.logged }
}

/// The words that say by which of its numbers a policy removes: `retention.http 90d`.
pub(crate) fn rule(class: usize, age: Duration) -> String {
    let word = class::WORDS.get(class).copied().unwrap_or("unknown");
    format!("{word} {}d", age.as_secs() / 86_400)
}

/// Never goes: what it attests would be missing without a word.
pub(crate) fn is_attestation(event: &Event) -> bool {
    matches!(&event.body, Body::Order(order) if matches!(order.what, event::order::What::Retain(_)))
}
