//! Which process answers an ask, and when two intents are independent (T1656).

use super::playbook::{self, Playbook};

/// What is asked for, as against how it is pressed.
const ASKS: [&str; 8] = ["credentials", "payment_change", "gift_card", "payroll_change", "code", "download", "call_number", "move_channel"];

/// The first playbook whose trigger is among the intents, strongest intent first.
pub(crate) fn playbook(intents: &[&str]) -> Option<&'static Playbook> {
    intents.iter().find_map(|intent| playbook::all().iter().find(|one| one.trigger.iter().any(|trigger| trigger == intent)))
}

/// An ask and a pressure, or two asks: two reasons that do not come from the same words.
pub(crate) fn independent(intents: &[&str]) -> bool {
    let asks = intents.iter().filter(|intent| ASKS.contains(intent)).count();
    asks >= 1 && intents.iter().filter(|intent| **intent != "pretext" && **intent != "spam").count() >= 2
}
