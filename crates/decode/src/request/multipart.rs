//! multipart/form-data: fields, file names and the first bytes of each upload. Simple and bounded; the strict reader comes with its own file.

use memchr::memmem;

use super::{Target, Values};

/// First bytes of an upload that are looked at.
pub const FILE_HEAD_BYTES: usize = 16 << 10;
const PARTS_MAX: usize = 1_000;
const HEAD_BYTES_MAX: usize = 8 << 10;

/// False when no part could be read.
pub(super) fn values(content_type: &str, body: &[u8], at: usize, out: &mut Values) -> bool {
    let Some(boundary) = parameter(content_type.as_bytes(), b"boundary").filter(|(b, _)| !b.is_empty() && b.len() <= 200) else {
        return false;
    };
    let mut mark = Vec::with_capacity(boundary.0.len() + 2);
    mark.extend_from_slice(b"--");
    mark.extend_from_slice(boundary.0);
    let finder = memmem::Finder::new(&mark);
    let Some(first) = finder.find(body) else { return false };
    let mut start = first + mark.len();
    for _ in 0..PARTS_MAX {
        let rest = &body[start..];
        if rest.starts_with(b"--") {
            return true;
        }
        let end = finder.find(rest).unwrap_or(rest.len());
        part(&rest[..end], at + start, out);
        start += end + mark.len();
        if start >= body.len() {
            // Without a final boundary; the application may read it all the same.
            return true;
        }
    }
    out.cut = true;
    true
}

fn part(part: &[u8], at: usize, out: &mut Values) {
    let Some((head_end, body_start)) =
        memmem::find(part, b"\r\n\r\n").map(|p| (p, p + 4)).or_else(|| memmem::find(part, b"\n\n").map(|p| (p, p + 2)))
    else {
        return out.plain(Target::Body, "", part, at);
    };
    let head = &part[..head_end.min(HEAD_BYTES_MAX)];
    let content = &part[body_start..];
    let content = content.strip_suffix(b"\r\n").or_else(|| content.strip_suffix(b"\n")).unwrap_or(content);
    let name = parameter(head, b"name").map_or(&b""[..], |(name, _)| name);
    let name = String::from_utf8_lossy(&name[..name.len().min(256)]);
    if let Some((file, file_at)) = parameter(head, b"filename").or_else(|| parameter(head, b"filename*")) {
        out.plain(Target::File, &name, file, at + file_at);
        out.plain(Target::FileBody, &name, &content[..content.len().min(FILE_HEAD_BYTES)], at + body_start);
    } else {
        out.plain(Target::Arg, &name, content, at + body_start);
    }
}

/// The value of `key=value` or `key="value"` and where it stands.
fn parameter<'h>(head: &'h [u8], key: &[u8]) -> Option<(&'h [u8], usize)> {
    let mut from = 0;
    loop {
        let found = head.get(from..)?.windows(key.len()).position(|w| w.eq_ignore_ascii_case(key))? + from;
        from = found + 1;
        let before = found.checked_sub(1).and_then(|b| head.get(b));
        let follows = head.get(found + key.len()) == Some(&b'=');
        if !follows || !before.is_none_or(|b| matches!(b, b';' | b' ' | b'\t' | b'\n')) {
            continue;
        }
        let value_at = found + key.len() + 1;
        let rest = &head[value_at..];
        return Some(match rest {
            [b'"', quoted @ ..] => (&quoted[..memchr::memchr(b'"', quoted).unwrap_or(quoted.len())], value_at + 1),
            _ => (&rest[..rest.iter().position(|b| matches!(b, b';' | b'\r' | b'\n' | b' ')).unwrap_or(rest.len())], value_at),
        });
    }
}
