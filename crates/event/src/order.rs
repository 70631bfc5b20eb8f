//! What a person asks for, from console or command line, and what else an auditor asks about: who came in, what decides from when on.
//! Events like any other; what is to be carried out is written before.

use serde::{Deserialize, Serialize};

use crate::decision::Disposition;
use crate::incident::Outcome;
use crate::{Entity, Text, Time};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// `O-..`
    pub uid: Text,
    pub at: Time,
    /// `console:operator`, `cli:root`, ..
    pub by: Text,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Take back a response, or every response of an incident; `last` is the latest one in force.
    Undo {
        target: Text,
    },
    /// Put an undone response in force again.
    Redo {
        receipt: Text,
    },
    /// Carry out what waits: a response, or every one of an incident.
    Approve {
        target: Text,
    },
    /// Leave it, for a day.
    Reject {
        target: Text,
    },
    Block {
        entity: Entity,
        for_s: u32,
        reason: String,
        /// Milder than a block: to limit, or to challenge.
        #[serde(default)]
        disposition: Disposition,
    },
    /// Move a file out of everybody's reach.
    Quarantine {
        path: String,
        /// Hex SHA-256 that was judged; another content is not moved. Empty: whatever it is.
        sha256: Text,
        /// Empty when nothing was found in it.
        incident: Text,
        reason: String,
    },
    Close {
        incident: Text,
        outcome: Outcome,
        note: String,
    },
    Reopen {
        incident: Text,
    },
    Note {
        incident: Text,
        text: String,
    },
    /// Start or stop refusing requests at the gateway.
    Enforce {
        on: bool,
    },
    /// Somebody opened the console with a one-time link, or with one that was never made, used or too old.
    SignIn {
        granted: bool,
        /// Refusals before this one that were not written, so that guessing does not fill the log.
        unsaid: u32,
    },
    /// What decides from now on.
    TakeUp {
        /// `program`, `configuration`, `model web-payload`, ..
        thing: Text,
        /// Empty where there is none.
        version: Text,
        /// Hex; of a model the root digest that is signed. Empty where there is none.
        sha256: Text,
        /// What changed, or why it was refused.
        text: String,
        /// It was not taken up: what was there before goes on.
        refused: bool,
    },
    /// Records leave a finished segment because their time is over; Bartizan's own order, never a person's.
    Retain(Box<Retain>),
}

/// Written, and under a signed head, before the records go: `audit verify` refuses records that are missing without it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retain {
    /// Offset of the segment's first record, which names its file.
    pub segment: u64,
    /// That go now.
    pub records: u64,
    /// Words of their classes.
    pub classes: Vec<Text>,
    /// All that go were logged before.
    pub until: Time,
    /// `retention.observed 90d`, `retention.bytes_max`
    pub rule: Text,
    /// SHA-256 over everything that is missing from the segment from now on: places and subtree hashes.
    pub missing: Text,
}

/// What came of an order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Enforcement points done, and asked.
    pub done: u32,
    pub of: u32,
    pub took_us: u64,
    pub receipt: Option<Text>,
    /// One line for a person.
    pub text: String,
    /// Why not, when it was refused (exit 4) or could not be done (exit 3).
    pub fault: Option<Fault>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// By policy: never-block list, caps.
    Refused(String),
    /// No such incident, response or receipt.
    Unknown(String),
    Failed(String),
}
