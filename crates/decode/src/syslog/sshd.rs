//! OpenSSH server: who signed in, who tried, who went away before.
//!
//! Reads:      `Accepted|Failed|Partial METHOD for [invalid user ]USER from ADDRESS port N ssh2`, `Invalid user ..`, connections that end with
//!             `[preauth]`, refused negotiations; `message repeated N times: [ .. ]` around any of them. Versions 3 to 10.
//! Gives:      authentication (3002): `login` for each try, `preauth` for what ended before one. PAM's lines about the same try, session lines
//!             and the rest are `Other`: a try counts once.
//! Hostile:    the user name is the client's free text (`root from 192.0.2.1 port 22 ssh2`), so address and port are read from the right end of
//!             the line, where sshd wrote them. A certificate's key id stands even further right and is free text too: when it makes
//!             the line readable in two ways, no address is believed.
//! Method:     openssh-portable auth.c (auth_log, auth_maxtries_exceeded), packet.c (sshpkt_logdie), sshd.c

use event::authentication::{Action, Outcome};
use event::{Authentication, Body, Text};
use memchr::memmem;

use super::{Message, Program};
use crate::Place;
use crate::text::{number, short};

mod client;
mod preauth;

use client::{Client, tail};

/// Since 9.8 the part that talks to a client is `sshd-session`, since 10.0 its first half is `sshd-auth`.
pub(super) const PROGRAM: Program = Program { name: "sshd", logs_as: &[b"sshd", b"sshd-session", b"sshd-auth"], read };

fn read(message: &Message<'_>, _: &Place<'_>) -> Option<Body> {
    if !message.module.is_empty() {
        return None;
    }
    let (text, repeats) = repeated(message.text.trim_ascii_end());
    let said = attempt(text).or_else(|| preauth::read(text))?;
    Some(Body::Authentication(Box::new(said.authentication(message, repeats))))
}

/// What one line says.
#[derive(Default)]
struct Said<'r> {
    action: Action,
    outcome: Outcome,
    user: &'r [u8],
    user_unknown: bool,
    client: Client,
    factor: &'r [u8],
    reason: &'r [u8],
}

impl Said<'_> {
    fn authentication(self, message: &Message<'_>, repeats: u32) -> Authentication {
        Authentication {
            action: self.action,
            outcome: self.outcome,
            user: short(self.user),
            user_unknown: self.user_unknown,
            client: self.client.address,
            client_port: self.client.port,
            host: short(message.host),
            service: Text::const_new("sshd"),
            factor: short(self.factor),
            reason: short(self.reason),
            repeats,
            ..Authentication::default()
        }
    }
}

/// The line inside `message repeated 5 times: [ .. ]`, and 5; any other line, and 1.
fn repeated(text: &[u8]) -> (&[u8], u32) {
    let inner = || {
        let rest = text.strip_prefix(b"message repeated ")?;
        let blank = memchr::memchr(b' ', rest)?;
        let times = u32::try_from(number(&rest[..blank])?).ok()?.max(1);
        let line = rest[blank..].strip_prefix(b" times: [ ")?.strip_suffix(b"]")?;
        Some((line.trim_ascii_end(), times))
    };
    inner().unwrap_or((text, 1))
}

/// One try to sign in.
fn attempt(text: &[u8]) -> Option<Said<'_>> {
    let blank = memchr::memchr(b' ', text)?;
    let outcome = match &text[..blank] {
        b"Accepted" => Outcome::Success,
        b"Failed" => Outcome::Failure,
        b"Partial" => Outcome::Pending,
        _ => return None,
    };
    let rest = &text[blank + 1..];
    let method_end = memmem::find(rest, b" for ")?;
    let method = &rest[..method_end];
    // `Accepted key RSA .. found at`, `Failed to ..`.
    if method.is_empty() || method.contains(&b' ') {
        return None;
    }
    let (user, client) = tail(&rest[method_end + 5..], method)?;
    let (user, user_unknown) = account(user);
    let factor = method.split(|b| *b == b'/').next().unwrap_or_default();
    let reason: &[u8] = match outcome {
        Outcome::Failure if user_unknown => b"invalid user",
        _ => b"",
    };
    Some(Said { action: Action::Login, outcome, user, user_unknown, client, factor, reason })
}

/// Strips `invalid user ` (before 2004: `illegal user `), which says that there is no such account.
fn account(text: &[u8]) -> (&[u8], bool) {
    match text.strip_prefix(b"invalid user ").or_else(|| text.strip_prefix(b"illegal user ")) {
        Some(user) => (user, true),
        None => (text, false),
    }
}
