//! Which process answers an ask, and when two intents are independent (T1656).

use learn::lure::ASKS;

use super::playbook::{self, Playbook};

/// The first playbook whose trigger is among the intents, strongest intent first.
pub(crate) fn playbook(intents: &[&str]) -> Option<&'static Playbook> {
    intents.iter().find_map(|intent| playbook::all().iter().find(|one| one.trigger.iter().any(|trigger| trigger == intent)))
}

/// Whether anything is asked for that harms.
pub(crate) fn asks(intents: &[&str]) -> bool {
    intents.iter().any(|intent| ASKS.contains(intent))
}

/// An ask and a pressure, or two asks: two reasons that do not come from the same words.
pub(crate) fn independent(intents: &[&str]) -> bool {
    let asks = intents.iter().filter(|intent| ASKS.contains(intent)).count();
    asks >= 1 && intents.iter().filter(|intent| **intent != "pretext" && **intent != "spam").count() >= 2
}
