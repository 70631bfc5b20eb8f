//! Web servers that send their access log by syslog: the message is an access log line.
//!
//! Gives:      http_activity (4002). The time is the one of the framing; the host of the request is not known.

use event::Body;

use super::{Message, Program};
use crate::access::Access;
use crate::{Decoder, Place};

pub(super) const PROGRAM: Program = Program { name: "web", logs_as: &[b"nginx", b"httpd", b"apache", b"apache2"], read };

fn read(message: &Message<'_>, at: &Place<'_>) -> Option<Body> {
    Access.read(message.text, at).ok().map(|reading| reading.body)
}
