//! Connections that end before a try is complete, and tries with a name that is no account.

use event::authentication::{Action, Outcome};
use memchr::memmem;

use super::client::{Client, from, last};
use super::{Said, account};
use crate::address;

/// `None` for lines that say nothing of their own: PAM, sessions, settings.
pub(super) fn read(text: &[u8]) -> Option<Said<'_>> {
    let (text, early) = match text.strip_suffix(b" [preauth]") {
        Some(text) => (text, true),
        None => (text, false),
    };
    let text = text.strip_prefix(b"error: ").or_else(|| text.strip_prefix(b"fatal: ")).unwrap_or(text);
    RULES.iter().find_map(|(start, rule)| {
        let rest = text.strip_prefix(start.as_bytes())?;
        rule(rest, early).map(|said| Said { action: Action::Preauth, outcome: Outcome::Failure, ..said })
    })
}

type Rule = fn(&[u8], bool) -> Option<Said<'_>>;

/// First words of a line, and what reads the rest; the flag says whether sshd marked the line `[preauth]`.
const RULES: &[(&str, Rule)] = &[
    ("Invalid user ", |rest, _| no_account(rest)),
    ("Illegal user ", |rest, _| no_account(rest)),
    ("Connection closed by ", |rest, early| leaving(rest, early, b"connection closed")),
    ("Connection reset by ", |rest, early| leaving(rest, early, b"connection reset")),
    ("Disconnected from ", |rest, early| leaving(rest, early, b"disconnected")),
    ("Received disconnect from ", disconnect),
    ("Disconnecting ", disconnecting),
    ("Disconnecting: Too many authentication failures for ", |rest, _| too_many(rest)),
    ("maximum authentication attempts exceeded for ", |rest, _| exceeded(rest)),
    ("Did not receive identification string from ", |rest, _| only_client(rest, b"no identification string")),
    ("Bad protocol version identification ", |rest, _| ending_in_client(rest, b"bad protocol version")),
    ("Unable to negotiate with ", |rest, _| address_first(rest, b"unable to negotiate")),
    ("Unable to negotiate a key exchange method with ", |rest, _| address_first(rest, b"unable to negotiate")),
    ("Protocol major versions differ for ", |rest, _| address_first(rest, b"protocol versions differ")),
    ("banner exchange: Connection from ", |rest, _| address_first(rest, b"banner exchange")),
    ("ssh_dispatch_run_fatal: Connection from ", |rest, _| address_first(rest, b"protocol error")),
    ("kex_exchange_identification: Connection from ", |rest, _| address_first(rest, b"no identification string")),
    ("Timeout before authentication for connection from ", |rest, _| address_first(rest, b"timeout before authentication")),
    ("Timeout before authentication for ", |rest, _| address_first(rest, b"timeout before authentication")),
    ("User ", not_allowed),
    ("ROOT LOGIN REFUSED FROM ", |rest, _| only_client(rest, b"root login refused").map(|said| Said { user: b"root", ..said })),
    ("refused connect from ", |rest, _| refused(rest)),
    ("drop connection #", |rest, _| dropped(rest)),
];

/// `NAME from ADDRESS[ port N]`
fn no_account(rest: &[u8]) -> Option<Said<'_>> {
    let (user, client) = from(rest)?;
    Some(Said { user, user_unknown: true, client, reason: b"invalid user", ..Said::default() })
}

/// `[invalid|authenticating user NAME ]ADDRESS[ port N]`; after a sign-in it is the ordinary end of a session.
fn leaving<'r>(rest: &'r [u8], early: bool, reason: &'static [u8]) -> Option<Said<'r>> {
    let (user, user_unknown) = match account(rest) {
        (_, false) => (rest.strip_prefix(b"authenticating user "), false),
        (user, true) => (Some(user), true),
    };
    let Some(user) = user else {
        return early.then(|| only_client(rest, reason)).flatten();
    };
    let (user, client) = last(user)?;
    Some(Said { user, user_unknown, client, reason, ..Said::default() })
}

/// `ADDRESS[ port N]: 11: Bye Bye`, the words are the client's.
fn disconnect(rest: &[u8], early: bool) -> Option<Said<'_>> {
    early.then(|| address_first(rest, b"client disconnected")).flatten()
}

/// `[invalid|authenticating user NAME ]ADDRESS port N: Too many authentication failures`, in which only the last part is sshd's.
fn disconnecting(rest: &[u8], early: bool) -> Option<Said<'_>> {
    let at = memmem::rfind(rest, b": ")?;
    let said = leaving(&rest[..at], early, b"")?;
    Some(Said { reason: &rest[at + 2..], ..said })
}

/// `NAME`: before 7.3 sshd did not say who.
fn too_many(rest: &[u8]) -> Option<Said<'_>> {
    let (user, user_unknown) = account(rest);
    Some(Said { user, user_unknown, reason: b"too many authentication failures", ..Said::default() })
}

/// `[invalid user ]NAME from ADDRESS port N ssh2`
fn exceeded(rest: &[u8]) -> Option<Said<'_>> {
    let (user, client) = from(rest.strip_suffix(b" ssh2").unwrap_or(rest))?;
    let (user, user_unknown) = account(user);
    Some(Said { user, user_unknown, client, reason: b"maximum authentication attempts exceeded", ..Said::default() })
}

/// `NAME from HOST not allowed because ..`; the host is a name unless the look-up failed, and NAME exists.
fn not_allowed(rest: &[u8], _: bool) -> Option<Said<'_>> {
    let at = memmem::rfind(rest, b" not allowed because ")?;
    let (user, client) = from(&rest[..at])?;
    Some(Said { user, client, reason: &rest[at + 1..], ..Said::default() })
}

/// Nothing but the client.
fn only_client<'r>(rest: &'r [u8], reason: &'static [u8]) -> Option<Said<'r>> {
    match rest.iter().filter(|b| **b == b' ').count() {
        0 => address::address(rest).map(|a| Said { client: Client { address: Some(a), port: None }, reason, ..Said::default() }),
        2 => {
            let end = memchr::memchr(b' ', rest)?;
            let port = address::port(rest[end..].strip_prefix(b" port ")?);
            Some(Said { client: Client { address: address::address(&rest[..end]), port }, reason, ..Said::default() })
        }
        _ => None,
    }
}

/// `'what the client sent' from ADDRESS[ port N]`
fn ending_in_client<'r>(rest: &'r [u8], reason: &'static [u8]) -> Option<Said<'r>> {
    from(rest).map(|(_, client)| Said { client, reason, ..Said::default() })
}

/// `ADDRESS[ port N]: ..`, `ADDRESS[ port N] to ..`: sshd writes the address first, the client's words follow.
fn address_first<'r>(rest: &'r [u8], reason: &'static [u8]) -> Option<Said<'r>> {
    let end = rest.iter().position(|b| *b == b' ').unwrap_or(rest.len());
    let address = address::address(rest[..end].strip_suffix(b":").unwrap_or(&rest[..end]))?;
    let port = rest[end..].strip_prefix(b" port ").and_then(|after| {
        let digits = after.iter().take_while(|b| b.is_ascii_digit()).count();
        address::port(&after[..digits])
    });
    Some(Said { client: Client { address: Some(address), port }, reason, ..Said::default() })
}

/// TCP wrappers: `HOST (ADDRESS)` or `ADDRESS`.
fn refused(rest: &[u8]) -> Option<Said<'_>> {
    let word = rest.rsplit(|b| *b == b' ').next()?;
    let word = word.strip_prefix(b"(").and_then(|w| w.strip_suffix(b")")).unwrap_or(word);
    let client = Client { address: Some(address::address(word)?), port: None };
    Some(Said { client, reason: b"refused by tcp wrappers", ..Said::default() })
}

/// `12 from [ADDRESS]:PORT on [..]:22 past MaxStartups`
fn dropped(rest: &[u8]) -> Option<Said<'_>> {
    let at = memmem::find(rest, b" from ")? + b" from ".len();
    let word = rest[at..].split(|b| *b == b' ').next()?;
    let (address, port) = address::endpoint(word)?;
    Some(Said { client: Client { address: Some(address), port }, reason: b"too many connections", ..Said::default() })
}
