//! What an enforcement point has to be able to do. One file an action, one line where the desk is made.

use event::{Response, Text, Time};

/// Carries responses of one kind out and takes them back. Each method is idempotent and returns within seconds.
pub trait Action: Send {
    /// As in [`Response::action`].
    fn name(&self) -> &'static str;

    /// Why this point must not act on this target, whatever was planned; asked before [`Action::apply`].
    fn refuses(&self, _response: &Response) -> Option<String> {
        None
    }

    /// Puts it in force, or counts what it would do in monitor mode; says at which points: `gateway`, `nftables`, ..
    fn apply(&mut self, response: &Response, now: Time) -> Result<Vec<Text>, String>;

    /// Takes it back. Undoing what is not in force changes nothing.
    fn undo(&mut self, response: &Response) -> Result<(), String>;

    /// It is in force at this moment, asked of the point itself.
    fn probe(&self, response: &Response) -> bool;

    /// Times that it met somebody since it is in force.
    fn hits(&self, _response: &Response) -> u64 {
        0
    }

    /// What an undo means for the target, as a sentence's end: `203.0.113.9 let in again`.
    fn undone_words(&self) -> &'static str {
        "as it was before"
    }

    /// What must not end by itself is renewed for so long when its time is over, and the trail says that nobody has looked at it.
    fn renewed_s(&self) -> Option<u32> {
        None
    }
}
