//! PAM: tries that failed at a service which has no file of its own here (su, login, ftp, mail).
//!
//! Reads:      `pam_unix(su:auth): authentication failure; .. ruser=U rhost=H  user=V`, and the form before 2007, in which the module stands
//!             in the tag: `sshd(pam_unix)[123]: authentication failure; ..`.
//! Gives:      authentication (3002) failures. Today's sshd and sudo say the same in their own words in the same file: left out, so that a
//!             try does not count twice. The old form of sshd is read, because its own words went to another file.
//! Client:     `rhost` when it is an address; a host name stays in the raw record.
//! Hostile:    `ruser=` and `user=` are what the client says: when `rhost=` stands twice, no address is believed.
//! Method:     Linux-PAM modules/pam_unix/support.c

use event::authentication::{Action, Outcome};
use event::{Authentication, Body, Text};
use memchr::memmem;

use super::{Message, Program};
use crate::text::short;
use crate::{Place, address};

pub(super) const PROGRAM: Program = Program { name: "pam", logs_as: &[], read };

fn read(message: &Message<'_>, _: &Place<'_>) -> Option<Body> {
    let (service, text) = service(message)?;
    let fields = text.strip_prefix(b"authentication failure; ")?;
    // ruser and rhost come from the client, in this order; user is last.
    let rhost = behind(fields, b" rhost=")?;
    let (host, rest) = match rhost.iter().position(|b| *b == b' ') {
        Some(blank) => (&rhost[..blank], &rhost[blank..]),
        None => (rhost, &[][..]),
    };
    let user = behind(rest, b" user=").unwrap_or_default().trim_ascii();
    Some(Body::Authentication(Box::new(Authentication {
        action: Action::Login,
        outcome: Outcome::Failure,
        user: short(user),
        client: address::address(host).filter(|_| behind(rhost, b" rhost=").is_none()),
        host: short(message.host),
        service,
        factor: Text::const_new("password"),
        reason: Text::const_new("authentication failure"),
        repeats: 1,
        ..Authentication::default()
    })))
}

fn service<'r>(message: &Message<'r>) -> Option<(Text, &'r [u8])> {
    if message.module.starts_with(b"pam_") {
        return Some((short(message.program), message.text));
    }
    let inner = message.text.strip_prefix(b"pam_unix(")?;
    let end = memmem::find(inner, b":auth): ")?;
    let service = &inner[..end];
    let told_elsewhere = matches!(service, b"sshd" | b"sudo");
    (!told_elsewhere).then(|| (short(service), &inner[end + b":auth): ".len()..]))
}

fn behind<'r>(text: &'r [u8], key: &[u8]) -> Option<&'r [u8]> {
    memmem::find(text, key).map(|at| &text[at + key.len()..])
}
