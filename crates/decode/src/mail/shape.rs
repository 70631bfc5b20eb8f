//! Bounds before parsing: a message is cut where it is too long, has too many parts or nests too deep.

use super::{BYTES_MAX, HEADER_BYTES_MAX, LEVELS_MAX, PARTS_MAX};
use std::borrow::Cow;

/// The message within its bounds, and which of them it hit.
pub(super) fn cut(raw: &[u8]) -> (Cow<'_, [u8]>, Vec<&'static str>) {
    let mut limits = Vec::new();
    let mut raw = raw;
    if raw.len() > BYTES_MAX {
        raw = &raw[..BYTES_MAX];
        limits.push("bytes");
    }
    // Each part costs a line that begins with `--`, each level one that declares a container.
    let (mut parts, mut levels, mut at) = (0_usize, 0_usize, 0_usize);
    for line in raw.split_inclusive(|&b| b == b'\n') {
        if line.len() > 14 && line[..13].eq_ignore_ascii_case(b"content-type:") {
            parts += 1;
            let kind = line[13..].trim_ascii_start();
            let starts = |name: &[u8]| kind.len() >= name.len() && kind[..name.len()].eq_ignore_ascii_case(name);
            if starts(b"multipart/") || starts(b"message/") {
                levels += 1;
            }
            // A part that only quotes such lines counts too: twice the bound leaves room for it.
            let over = if levels > LEVELS_MAX { Some("levels") } else { (parts > 2 * PARTS_MAX).then_some("parts") };
            if let Some(name) = over {
                limits.push(name);
                raw = &raw[..at];
                break;
            }
        }
        at += line.len();
    }
    let end = header_end(raw);
    if end <= HEADER_BYTES_MAX {
        return (Cow::Borrowed(raw), limits);
    }
    limits.push("header");
    // Whole lines of the header that fit, then the body.
    let stop = raw[..HEADER_BYTES_MAX].iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
    (Cow::Owned([&raw[..stop], b"\r\n", &raw[end..]].concat()), limits)
}

fn header_end(raw: &[u8]) -> usize {
    let mut at = 0;
    for line in raw.split_inclusive(|&b| b == b'\n') {
        at += line.len();
        if matches!(line, b"\n" | b"\r\n") {
            return at;
        }
    }
    raw.len()
}
