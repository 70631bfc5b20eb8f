//! Names in bytes: found as whole words only, so that a short name leaves the rest of a record alone.

use event::Text;

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Bytes with every name replaced; `None` when there is none of them. Longer names first.
pub(super) fn replaced(bytes: &[u8], names: &[(Text, Text)]) -> Option<Vec<u8>> {
    let mut all: Option<Vec<u8>> = None;
    for (name, pseudonym) in names {
        let from = all.as_deref().unwrap_or(bytes);
        let mut out: Vec<u8> = Vec::new();
        let mut copied = 0;
        for at in memchr::memmem::find_iter(from, name.as_bytes()) {
            let end = at + name.len();
            let before = at.checked_sub(1).is_some_and(|before| is_letter(from[before]) || from[before] == b'~');
            let behind = from.get(end).is_some_and(|byte| is_letter(*byte) || *byte == b'~');
            if !before && !behind && at >= copied {
                out.extend_from_slice(&from[copied..at]);
                out.extend_from_slice(pseudonym.as_bytes());
                copied = end;
            }
        }
        if copied > 0 {
            out.extend_from_slice(&from[copied..]);
            all = Some(out);
        }
    }
    all
}

/// `name@host.domain`
pub(super) fn mailboxes(bytes: &[u8]) -> impl Iterator<Item = &str> {
    const PART_BYTES_MAX: usize = 64;
    const HOST_BYTES_MAX: usize = 253;
    memchr::memchr_iter(b'@', bytes).filter_map(move |at| {
        let local = |byte: u8| byte.is_ascii_alphanumeric() || b"._%+-".contains(&byte);
        let host = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
        let before = bytes[..at].iter().rev().take(PART_BYTES_MAX + 1).take_while(|byte| local(**byte)).count();
        let behind = bytes[at + 1..].iter().take(HOST_BYTES_MAX + 1).take_while(|byte| host(**byte)).count();
        let found =
            std::str::from_utf8(&bytes[at - before..at + 1 + behind]).ok()?.trim_start_matches(['.', '-']).trim_end_matches(['.', '-']);
        let (local, host) = found.split_once('@')?;
        let whole = !local.is_empty() && local.len() <= PART_BYTES_MAX && host.len() <= HOST_BYTES_MAX;
        let domain = host
            .rsplit_once('.')
            .is_some_and(|(name, top)| !name.is_empty() && top.len() >= 2 && top.bytes().all(|b| b.is_ascii_alphabetic()));
        (whole && domain).then_some(found)
    })
}
