//! Path, query, form and cookies: percent-encoding and separators. A bad percent stays as it is; both stay visible through the raw span.

use memchr::{memchr, memchr2};

use super::{Target, Values};

/// Percent-decodes once into `out`; a form's `+` is a space.
pub fn decode(value: &[u8], plus_is_space: bool, out: &mut Vec<u8>) {
    let mut rest = value;
    while let Some(at) = if plus_is_space { memchr2(b'%', b'+', rest) } else { memchr(b'%', rest) } {
        out.extend_from_slice(&rest[..at]);
        let tail = &rest[at..];
        match tail {
            [b'%', high, low, ..] if let (Some(high), Some(low)) = (digit(*high), digit(*low)) => {
                out.push(high << 4 | low);
                rest = &tail[3..];
            }
            [b'+', ..] => {
                out.push(b' ');
                rest = &tail[1..];
            }
            _ => {
                out.push(b'%');
                rest = &tail[1..];
            }
        }
    }
    out.extend_from_slice(rest);
}

pub(crate) fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|d| d as u8)
}

/// The decoded path as one value, and each segment that holds more than plain file-name characters.
pub(super) fn path(path: &[u8], at: usize, out: &mut Values) {
    if path.is_empty() || !out.room(path.len()) {
        return;
    }
    let decoded = out.write(|text| decode(path, false, text));
    out.push(Target::Path, 0..0, decoded, at..at + path.len());
    let mut start = 0;
    for segment in path.split(|b| *b == b'/') {
        let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'~');
        if !segment.iter().all(plain) && out.room(segment.len()) {
            let decoded = out.write(|text| decode(segment, false, text));
            out.push(Target::Segment, 0..0, decoded, at + start..at + start + segment.len());
        }
        start += segment.len() + 1;
    }
}

/// `a=1&b=2`. A semicolon separates nothing: it stays in the value.
pub(super) fn pairs(query: &[u8], at: usize, out: &mut Values) {
    let mut start = 0;
    for pair in query.split(|b| *b == b'&') {
        let here = at + start;
        start += pair.len() + 1;
        if pair.is_empty() {
            continue;
        }
        if !out.room(pair.len() * 2) {
            return;
        }
        // `?payload` without `=`: the application sees a name, an attacker's text stands in it all the same.
        let (name, value) = match memchr(b'=', pair) {
            Some(equals) => (&pair[..equals], Some(&pair[equals + 1..])),
            None => (pair, None),
        };
        let name_text = out.write(|text| decode(name, true, text));
        if !name.is_empty() {
            out.push(Target::ArgName, name_text.clone(), name_text.clone(), here..here + name.len());
        }
        if let Some(value) = value.filter(|v| !v.is_empty()) {
            let decoded = out.write(|text| decode(value, true, text));
            let value_at = here + name.len() + 1;
            out.push(Target::Arg, name_text, decoded, value_at..value_at + value.len());
        }
    }
}

/// `a=1; b=2`, decoded as percent-encoded text without `+`.
pub(super) fn cookies(header: &[u8], at: usize, out: &mut Values) {
    let mut start = 0;
    for pair in header.split(|b| *b == b';') {
        let blanks = pair.iter().take_while(|b| **b == b' ').count();
        let here = at + start + blanks;
        start += pair.len() + 1;
        let pair = &pair[blanks..];
        if pair.is_empty() {
            continue;
        }
        if !out.room(pair.len() * 2) {
            return;
        }
        let equals = memchr(b'=', pair).unwrap_or(pair.len());
        let name = out.write(|text| text.extend_from_slice(&pair[..equals]));
        if equals > 0 {
            out.push(Target::CookieName, name.clone(), name.clone(), here..here + equals);
        }
        if let Some(value) = pair.get(equals + 1..).filter(|v| !v.is_empty()) {
            let decoded = out.write(|text| decode(value, false, text));
            out.push(Target::Cookie, name, decoded, here + equals + 1..here + pair.len());
        }
    }
}
