//! sudo: commands as another user, run or refused, and wrong passwords.
//!
//! Reads:      `USER : [REASON ; ]TTY=.. ; PWD=.. ; USER=.. ; COMMAND=..`
//! Gives:      process_activity (1007), refused when a reason stands first; `3 incorrect password attempts` is an authentication (3002)
//!             failure with 3 repeats. PAM's lines for the same tries are left out: they would count twice.
//! Hostile:    the command is everything behind the first `COMMAND=`, so that a command cannot hide a part of itself.
//! Method:     sudo plugins/sudoers/logging.c

use event::authentication::{Action, Outcome};
use event::{Authentication, Body, Process, Text};
use memchr::memmem;

use super::{Message, Program};
use crate::Place;
use crate::text::{number, short, string};

pub(super) const PROGRAM: Program = Program { name: "sudo", logs_as: &[b"sudo", b"sudoedit"], read };

fn read(message: &Message<'_>, _: &Place<'_>) -> Option<Body> {
    let text = message.text.trim_ascii_start();
    let colon = memmem::find(text, b" : ")?;
    let user = short(&text[..colon]);
    let mut rest = &text[colon + 3..];
    let mut reason: &[u8] = b"";
    let mut process = Process { host: short(message.host), user, service: Text::const_new("sudo"), ..Process::default() };
    let mut known = false;
    loop {
        if let Some(command) = rest.strip_prefix(b"COMMAND=") {
            process.command_line = string(command);
            known = true;
            break;
        }
        let (part, after) = match memmem::find(rest, b" ; ") {
            Some(end) => (&rest[..end], Some(&rest[end + 3..])),
            None => (rest, None),
        };
        match part.iter().position(|b| *b == b'=').map(|eq| (&part[..eq], &part[eq + 1..])) {
            Some((b"TTY", value)) => (process.terminal, known) = (short(value), true),
            Some((b"PWD", value)) => (process.working_directory, known) = (short(value), true),
            Some((b"USER", value)) => (process.run_as, known) = (short(value), true),
            Some(_) => {}
            None if reason.is_empty() && !known => reason = part,
            None => {}
        }
        match after {
            Some(after) => rest = after,
            None => break,
        }
    }
    if let Some(tries) = wrong_passwords(reason) {
        return Some(Body::Authentication(Box::new(Authentication {
            action: Action::Login,
            outcome: Outcome::Failure,
            user: process.user,
            host: process.host,
            service: process.service,
            factor: Text::const_new("password"),
            reason: short(reason),
            repeats: tries,
            ..Authentication::default()
        })));
    }
    // `(command continued)` and notes without a place.
    if !known {
        return None;
    }
    process.allowed = reason.is_empty();
    process.reason = short(reason);
    Some(Body::Process(Box::new(process)))
}

/// `3 incorrect password attempts`
fn wrong_passwords(reason: &[u8]) -> Option<u32> {
    let end = memmem::find(reason, b" incorrect password attempt")?;
    number(&reason[..end]).and_then(|tries| u32::try_from(tries).ok()).filter(|tries| *tries > 0)
}
