//! Syslog lines: the framing here, what a program says in the program's own file.
//!
//! Reads:      RFC 3164 with and without `<PRI>`, RFC 5424, and the ISO-time prefix of rsyslog and systemd.
//! Gives:      what the program's file reads; everything else is `Other` with host and service, kept for hunting.
//! Time:       RFC 3164 has no year: the one nearest to the time of writing, marked as completed. No time at all: the time of reading.
//! Hostile:    the host is what the sender claims; an address comes only out of a program's own message.

use event::native::{Native, Value};
use event::{Body, Text};
use memchr::memchr;

use crate::text::{number, short};
use crate::{Decoder, Place, Reading, When, civil};

mod pam;
mod sshd;
mod sudo;
mod web;

pub struct Syslog;

/// One message, without its framing.
#[derive(Clone, Copy, Debug)]
pub struct Message<'r> {
    pub host: &'r [u8],
    /// Without path, process id and `(pam_unix)`.
    pub program: &'r [u8],
    /// `pam_unix` of `sshd(pam_unix)[123]:`, as PAM wrote it before 2007.
    pub module: &'r [u8],
    pub text: &'r [u8],
}

/// A program whose messages are read.
pub struct Program {
    /// File in `syslog/`.
    pub name: &'static str,
    /// Names that the program logs under; empty when `read` decides by the message.
    pub logs_as: &'static [&'static [u8]],
    /// `None`: nothing of interest. It never refuses: a line that it does not know is kept for hunting.
    pub read: fn(&Message<'_>, &Place<'_>) -> Option<Body>,
}

/// The first that has something to say is believed.
pub const PROGRAMS: &[&Program] = &[&sshd::PROGRAM, &sudo::PROGRAM, &web::PROGRAM, &pam::PROGRAM];

impl Decoder for Syslog {
    fn name(&self) -> &'static str {
        "syslog"
    }

    fn about(&self) -> &'static str {
        "syslog lines (RFC 3164, RFC 5424, ISO time); sshd, sudo, PAM and web servers are read in full"
    }

    fn recognise(&self, record: &[u8]) -> u8 {
        let at = Place::new("", 0, event::Time::from_s(1 << 32));
        match framed(record, &at) {
            Some((When::Unsaid, _)) => 40,
            Some((_, message)) if message.program.is_empty() => 60,
            Some(_) => 90,
            None => 0,
        }
    }

    fn read(&self, record: &[u8], at: &Place<'_>) -> Result<Reading, Text> {
        let (when, message) = framed(record, at).ok_or(Text::const_new("no syslog priority or time at the start"))?;
        let native = native(&message);
        Ok(Reading { when, body: body(&message, at).unwrap_or_else(|| other(&message)), native: Some(Box::new(native)) })
    }
}

/// What the program's file reads out of a message.
pub(crate) fn body(message: &Message<'_>, at: &Place<'_>) -> Option<Body> {
    let named = |program: &&&Program| program.logs_as.is_empty() || program.logs_as.contains(&message.program);
    PROGRAMS.iter().filter(named).find_map(|program| (program.read)(message, at))
}

fn native(message: &Message<'_>) -> Native {
    let field = |name: &'static str, bytes: &[u8]| (Text::const_new(name), Value::Text(crate::text::string(bytes)));
    let fields = vec![field("host", message.host), field("program", message.program), field("message", message.text)];
    Native { product: Text::const_new("linux"), service: short(message.program), fields }
}

fn other(message: &Message<'_>) -> Body {
    Body::Other { host: short(message.host), service: short(message.program) }
}

fn framed<'r>(record: &'r [u8], at: &Place<'_>) -> Option<(When, Message<'r>)> {
    let (has_priority, rest) = match priority(record) {
        Some(rest) => (true, rest),
        None => (false, record),
    };
    if has_priority && let Some(rest) = rest.strip_prefix(b"1 ") {
        return rfc5424(rest, at);
    }
    let (when, rest) = match civil::syslog(rest, at).or_else(|| civil::iso(rest, at)) {
        Some((when, rest)) => (when, rest.strip_prefix(b":").unwrap_or(rest)),
        // RFC 3164, 4.3.3: a message without a time is content from its first byte.
        None if has_priority => return Some((When::Unsaid, tagged(b"", rest))),
        None => return None,
    };
    let rest = rest.strip_prefix(b" ")?;
    // Some daemons leave the host out when they write to a file themselves.
    if let Some(message) = tag(rest) {
        return Some((when, Message { host: b"", ..message }));
    }
    let (host, rest) = split_word(rest);
    let message = tagged(host, rest);
    // Programs' own logs begin with a date and a blank too: only a tag makes such a line syslog.
    let own_log = !has_priority && record.get(10) == Some(&b' ') && record.get(4) == Some(&b'-') && message.program.is_empty();
    (!own_log).then_some((when, message))
}

/// What follows `<0>` .. `<191>`.
fn priority(record: &[u8]) -> Option<&[u8]> {
    let inner = record.strip_prefix(b"<")?;
    let close = memchr(b'>', &inner[..inner.len().min(4)])?;
    number(&inner[..close]).filter(|value| *value <= 191)?;
    Some(&inner[close + 1..])
}

/// `TIME HOST APP PROCID MSGID DATA [MSG]`, where `-` stands for nothing.
fn rfc5424<'r>(rest: &'r [u8], at: &Place<'_>) -> Option<(When, Message<'r>)> {
    let (when, rest) = match rest.strip_prefix(b"- ") {
        Some(rest) => (When::Unsaid, rest),
        None => civil::iso(rest, at).and_then(|(when, rest)| Some((when, rest.strip_prefix(b" ")?)))?,
    };
    let (host, rest) = split_word(rest);
    let (program, rest) = split_word(rest);
    let (_process, rest) = split_word(rest);
    // Some senders leave out the message id before structured data.
    let rest = if rest.starts_with(b"[") { rest } else { split_word(rest).1 };
    let text = after_data(rest);
    let nil = |word: &'r [u8]| if word == b"-" { &[][..] } else { word };
    let (program, module) = parts(nil(program));
    Some((when, Message { host: nil(host), program, module, text: text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text) }))
}

/// What follows the structured data: `-`, or elements in brackets in which `"`, `\` and `]` of values are escaped.
fn after_data(mut rest: &[u8]) -> &[u8] {
    if let Some(after) = rest.strip_prefix(b"-") {
        return after.strip_prefix(b" ").unwrap_or(after);
    }
    while rest.starts_with(b"[") {
        let (mut quoted, mut escaped) = (false, false);
        let close = rest.iter().position(|byte| {
            let ends = *byte == b']' && !quoted;
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => quoted = !quoted,
                _ => {}
            }
            ends
        });
        match close {
            Some(close) => rest = &rest[close + 1..],
            None => return rest,
        }
    }
    rest.strip_prefix(b" ").unwrap_or(rest)
}

fn tagged<'r>(host: &'r [u8], rest: &'r [u8]) -> Message<'r> {
    match tag(rest) {
        Some(message) => Message { host, ..message },
        None => Message { host, program: b"", module: b"", text: rest },
    }
}

/// `sshd[123]: text`, `sudo: text`, `su(pam_unix)[123]: text`.
fn tag(rest: &[u8]) -> Option<Message<'_>> {
    // RFC 3164 allows 32 characters; paths are longer.
    let window = &rest[..rest.len().min(128)];
    let end = window.iter().position(|byte| matches!(byte, b':' | b'[' | b' '))?;
    let after = &rest[end..];
    let text = match after[0] {
        b':' if after.len() == 1 || after[1] == b' ' => &after[1..],
        b'[' => {
            let close = memchr(b']', &after[..after.len().min(64)])?;
            after[close + 1..].strip_prefix(b":")?
        }
        _ => return None,
    };
    let (program, module) = parts(&rest[..end]);
    (!program.is_empty()).then_some(Message { host: b"", program, module, text: text.strip_prefix(b" ").unwrap_or(text) })
}

/// `/usr/sbin/sshd(pam_unix)` is program `sshd` with module `pam_unix`.
fn parts(tag: &[u8]) -> (&[u8], &[u8]) {
    let (program, module) = match memchr(b'(', tag) {
        Some(open) if tag.ends_with(b")") => (&tag[..open], &tag[open + 1..tag.len() - 1]),
        _ => (tag, &[][..]),
    };
    match program.strip_prefix(b"/") {
        Some(path) => (path.rsplit(|b| *b == b'/').next().unwrap_or_default(), module),
        None => (program, module),
    }
}

fn split_word(text: &[u8]) -> (&[u8], &[u8]) {
    match memchr(b' ', text) {
        Some(blank) => (&text[..blank], text[blank + 1..].trim_ascii_start()),
        None => (text, b""),
    }
}
