//! The one place that asks the inspector, and the order in which decision, inspection and mode make a verdict.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use detect::web::request::{Inspection, Inspector, Scratch};
use event::decision::Disposition;
use event::response::Mode;
use event::{Decision, Event, Verdict};

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// `None`: the inspector panicked. Its working memory is thrown away with it.
pub(crate) fn inspect(inspector: &Inspector, event: &Event) -> Option<Inspection> {
    SCRATCH.with_borrow_mut(|scratch| {
        let result = catch_unwind(AssertUnwindSafe(|| inspector.inspect(event, scratch)));
        if result.is_err() {
            *scratch = Scratch::default();
        }
        result.ok()
    })
}

/// What the table of decisions says about a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ruling {
    /// Nothing, or nothing yet.
    None,
    /// Whatever the inspector says.
    Allow,
    Block,
    Limit,
    /// A browser may do some work first.
    Challenge,
    /// Would block or limit if it were in force.
    Watch,
}

/// `within_rate` is asked only when it decides; `checked`: the client has done the work of a challenge.
pub(crate) fn ruling(decision: &Decision, enforce: bool, checked: bool, within_rate: impl FnOnce() -> bool) -> Ruling {
    let in_force = enforce && decision.mode == Mode::Enforce;
    match decision.disposition {
        Disposition::Allow => Ruling::Allow,
        Disposition::Block if in_force => Ruling::Block,
        Disposition::Block => Ruling::Watch,
        Disposition::Limit if within_rate() => Ruling::None,
        Disposition::Limit if in_force => Ruling::Limit,
        Disposition::Limit => Ruling::Watch,
        Disposition::Challenge if checked => Ruling::None,
        Disposition::Challenge if in_force => Ruling::Challenge,
        Disposition::Challenge => Ruling::Watch,
    }
}

pub(crate) fn verdict(ruling: Ruling, inspection_blocks: bool, enforce: bool) -> Verdict {
    match ruling {
        Ruling::Allow => Verdict::Allowed,
        Ruling::Block => Verdict::Blocked,
        Ruling::Limit => Verdict::Limited,
        Ruling::Challenge => Verdict::Challenged,
        Ruling::None | Ruling::Watch if inspection_blocks && enforce => Verdict::Blocked,
        Ruling::None if !inspection_blocks => Verdict::Allowed,
        Ruling::None | Ruling::Watch => Verdict::WouldBlock,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::{Entity, Text, Time};

    fn decision(disposition: Disposition, mode: Mode) -> Decision {
        Decision {
            entity: Entity::address([192, 0, 2, 1].into()),
            disposition,
            mode,
            until: Time::from_s(1),
            response: Text::default(),
            incident: Text::default(),
            reason: Text::default(),
            hits: std::sync::Arc::default(),
        }
    }

    #[test]
    fn decisions_inspection_and_mode_in_order() {
        use Disposition::{Allow, Block, Challenge, Limit};
        use Mode::{Enforce, Monitor};
        use Verdict::{Allowed, Blocked, Challenged, Limited, WouldBlock};
        for (decided, attack, enforce, expected) in [
            (None, false, true, Allowed),
            (None, true, true, Blocked),
            (None, true, false, WouldBlock),
            (Some((Allow, Enforce)), true, true, Allowed),
            (Some((Block, Enforce)), false, true, Blocked),
            (Some((Block, Enforce)), false, false, WouldBlock),
            (Some((Block, Monitor)), false, true, WouldBlock),
            (Some((Block, Monitor)), true, true, Blocked),
            (Some((Limit, Enforce)), false, true, Limited),
            (Some((Limit, Enforce)), false, false, WouldBlock),
            (Some((Limit, Monitor)), false, true, WouldBlock),
            (Some((Challenge, Enforce)), false, true, Challenged),
            (Some((Challenge, Enforce)), false, false, WouldBlock),
            (Some((Challenge, Monitor)), false, true, WouldBlock),
        ] {
            let ruling = decided.map_or(Ruling::None, |(what, mode)| ruling(&decision(what, mode), enforce, false, || false));
            assert_eq!(verdict(ruling, attack, enforce), expected, "{decided:?} {attack} {enforce}");
        }
        assert_eq!(ruling(&decision(Limit, Enforce), true, false, || true), Ruling::None);
        assert_eq!(ruling(&decision(Challenge, Enforce), true, true, || true), Ruling::None);
        assert_eq!(ruling(&decision(Block, Enforce), true, true, || true), Ruling::Block, "a pass is for a challenge alone");
    }
}
