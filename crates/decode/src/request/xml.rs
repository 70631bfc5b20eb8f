//! XML bodies: texts and attribute values, as they stand. No DTD is read and no entity expanded; rules look at the whole body for those.

use memchr::{memchr, memmem};

use super::{Target, Values};

/// More pieces are not read.
const PIECES_MAX: usize = 5_000;

pub(super) fn values(body: &[u8], at: usize, out: &mut Values) {
    let mut pos = 0;
    for _ in 0..PIECES_MAX {
        let Some(open) = memchr(b'<', &body[pos..]) else { break };
        text(&body[pos..pos + open], at + pos, out);
        pos += open;
        let rest = &body[pos..];
        let end = if rest.starts_with(b"<![CDATA[") {
            let end = memmem::find(rest, b"]]>").unwrap_or(rest.len());
            text(&rest[9..end.max(9)], at + pos + 9, out);
            end + 3
        } else if rest.starts_with(b"<!--") {
            memmem::find(rest, b"-->").map_or(rest.len(), |e| e + 3)
        } else {
            let end = memchr(b'>', rest).map_or(rest.len(), |e| e + 1);
            attributes(&rest[..end], at + pos, out);
            end
        };
        pos += end.min(rest.len());
        if pos >= body.len() {
            return;
        }
    }
    text(&body[pos..], at + pos, out);
}

fn text(piece: &[u8], at: usize, out: &mut Values) {
    let blanks = piece.len() - piece.trim_ascii_start().len();
    let piece = piece.trim_ascii();
    if piece.is_empty() || !out.room(piece.len()) {
        return;
    }
    let decoded = out.write(|text| unescape(piece, text));
    out.push(Target::Xml, 0..0, decoded, at + blanks..at + blanks + piece.len());
}

/// The five entities that every XML document knows; others stay as they stand.
fn unescape(piece: &[u8], out: &mut Vec<u8>) {
    const KNOWN: [(&[u8], u8); 5] = [(b"&lt;", b'<'), (b"&gt;", b'>'), (b"&amp;", b'&'), (b"&quot;", b'"'), (b"&apos;", b'\'')];
    let mut rest = piece;
    while let Some(at) = memchr(b'&', rest) {
        out.extend_from_slice(&rest[..at]);
        let (byte, read) =
            KNOWN.iter().find(|(name, _)| rest[at..].starts_with(name)).map_or((b'&', 1), |(name, byte)| (*byte, name.len()));
        out.push(byte);
        rest = &rest[at + read..];
    }
    out.extend_from_slice(rest);
}

fn attributes(tag: &[u8], at: usize, out: &mut Values) {
    let mut pos = 0;
    while let Some(quote) = tag[pos..].iter().position(|b| matches!(b, b'"' | b'\'')) {
        let start = pos + quote + 1;
        let Some(end) = memchr(tag[start - 1], &tag[start..]) else { return };
        text(&tag[start..start + end], at + start, out);
        pos = start + end + 1;
    }
}
