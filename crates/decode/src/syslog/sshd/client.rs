//! Where sshd writes the client: at the right end, `USER from ADDRESS port N ssh2`.

use std::net::IpAddr;

use memchr::{memmem, memrchr};

use crate::address;

/// The client as the line gives it; a host name or `UNKNOWN` is no address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Client {
    pub(super) address: Option<IpAddr>,
    pub(super) port: Option<u16>,
}

/// Splits `USER from ADDRESS port N ssh2[: KEY]`; KEY only for methods that show one.
pub(super) fn tail<'r>(text: &'r [u8], method: &[u8]) -> Option<(&'r [u8], Client)> {
    const END: &[u8] = b" ssh2";
    let key: fn(&[u8]) -> bool = match method {
        b"publickey" => is_key,
        b"hostbased" => |_| true,
        _ if method.starts_with(b"gssapi") => |text| !text.contains(&b' '),
        _ => return from(text.strip_suffix(END).or_else(|| text.strip_suffix(b" ssh1")).unwrap_or(text)),
    };
    // Each place at which sshd may have ended, with a key behind it.
    let mut readings = memmem::find_iter(text, END).filter_map(|at| {
        let behind = &text[at + END.len()..];
        let ends = behind.is_empty() || behind.strip_prefix(b": ").is_some_and(key);
        ends.then(|| from(&text[..at])).flatten()
    });
    let (user, client) = readings.next()?;
    Some((user, if readings.next().is_none() { client } else { Client::default() }))
}

/// Splits `USER from ADDRESS[ port N]` at the last `from`.
pub(super) fn from(text: &[u8]) -> Option<(&[u8], Client)> {
    let (before, client) = last(text)?;
    // A user without a name leaves nothing before ` from`.
    before.strip_suffix(b" from").map(|user| (user, client))
}

/// Splits `.. ADDRESS[ port N]`: what stands before, and the client. `None` when the line ends otherwise.
pub(super) fn last(text: &[u8]) -> Option<(&[u8], Client)> {
    let (rest, word) = last_word(text)?;
    if let (Some(port), Some(rest)) = (address::port(word), rest.strip_suffix(b" port")) {
        let (before, word) = last_word(rest)?;
        return Some((before, Client { address: address::address(word), port: Some(port) }));
    }
    Some((rest, Client { address: address::address(word), port: None }))
}

fn last_word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let blank = memrchr(b' ', text)?;
    Some((&text[..blank], &text[blank + 1..]))
}

/// `RSA SHA256:..`, or `RSA-CERT SHA256:.. ID free text (serial 0) CA RSA SHA256:..`; before 2018 without the first hash.
fn is_key(text: &[u8]) -> bool {
    let Some(kind_end) = memchr::memchr(b' ', text) else { return false };
    let two_words = |text: &[u8]| text.iter().filter(|b| **b == b' ').count() == 1;
    if !text[..kind_end].windows(5).any(|w| w == b"-CERT") {
        return two_words(text);
    }
    memmem::rfind(text, b") CA ").is_some_and(|at| two_words(&text[at + 5..]))
}
