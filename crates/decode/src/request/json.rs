//! JSON bodies: every key, string and number as a value named by its JSON pointer. Reads what servers read, not only what RFC 8259 allows.

use super::urlencoded::digit;
use super::{Target, Values};

/// Deeper nesting is not read.
pub const DEPTH_MAX: usize = 64;

/// False when the body is not JSON; what was read until then stays.
pub(super) fn values(body: &[u8], at: usize, out: &mut Values) -> bool {
    out.pointer.clear();
    let mut reader = Reader { body, pos: 0, at, out };
    let read = reader.value(0).is_some();
    reader.blanks();
    read && reader.pos == body.len()
}

struct Reader<'r> {
    body: &'r [u8],
    pos: usize,
    /// Where the body stands in the raw request text.
    at: usize,
    out: &'r mut Values,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.body.get(self.pos).copied()
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(|b| b.is_ascii_whitespace()) {
            self.pos += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        self.blanks();
        let there = self.peek() == Some(byte);
        self.pos += usize::from(there);
        there
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        if depth > DEPTH_MAX {
            self.out.cut = true;
            return None;
        }
        self.blanks();
        match self.peek()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => self.string(Target::Json),
            _ => self.bare(),
        }
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        self.pos += 1;
        if self.eat(b'}') {
            return Some(());
        }
        loop {
            self.blanks();
            if self.peek()? != b'"' {
                return None;
            }
            let before = self.out.pointer.len();
            let slots = self.out.slots.len();
            self.string(Target::ArgName)?;
            self.out.pointer.push(b'/');
            if let Some(key) = self.out.slots.get(slots) {
                let key = key.decoded.start as usize..(key.decoded.end as usize).min(key.decoded.start as usize + 64);
                self.out.pointer.extend_from_slice(&self.out.text[key]);
            }
            if !self.eat(b':') {
                return None;
            }
            self.value(depth + 1)?;
            self.out.pointer.truncate(before);
            if self.eat(b'}') {
                return Some(());
            }
            if !self.eat(b',') {
                return None;
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        self.pos += 1;
        if self.eat(b']') {
            return Some(());
        }
        // Items share a pointer, `/ids/-`: their number would only make names longer.
        let before = self.out.pointer.len();
        self.out.pointer.extend_from_slice(b"/-");
        loop {
            self.value(depth + 1)?;
            if self.eat(b']') {
                self.out.pointer.truncate(before);
                return Some(());
            }
            if !self.eat(b',') {
                return None;
            }
        }
    }

    /// The quote stands at `pos`.
    fn string(&mut self, target: Target) -> Option<()> {
        let start = self.pos + 1;
        let mut pos = start;
        if !self.out.room(self.out.pointer.len() + (self.body.len() - start).min(4096)) {
            return None;
        }
        let name_at = self.out.text.len();
        if target != Target::ArgName {
            self.out.text.extend_from_slice(&self.out.pointer);
        }
        let decoded_at = self.out.text.len();
        loop {
            let rest = self.body.get(pos..)?;
            let stop = memchr::memchr2(b'"', b'\\', rest)?;
            if !self.out.room(stop) {
                return None;
            }
            self.out.text.extend_from_slice(&rest[..stop]);
            pos += stop;
            if rest[stop] == b'"' {
                break;
            }
            pos += 1 + escape(self.body.get(pos + 1..)?, &mut self.out.text)?;
        }
        self.pos = pos + 1;
        if pos > start {
            let (name, decoded) = (name_at as u32..decoded_at as u32, decoded_at as u32..self.out.text.len() as u32);
            self.out.push(target, name, decoded, self.at + start..self.at + pos);
        }
        Some(())
    }

    /// Numbers, `true`, `null`; also what lenient readers take, such as NaN.
    fn bare(&mut self) -> Option<()> {
        let start = self.pos;
        while self.peek().is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')) {
            self.pos += 1;
        }
        if start == self.pos {
            return None;
        }
        let text = &self.body[start..self.pos];
        if !matches!(text, b"true" | b"false" | b"null") {
            if !self.out.room(self.out.pointer.len() + text.len()) {
                return None;
            }
            let name_at = self.out.text.len() as u32;
            self.out.text.extend_from_slice(&self.out.pointer);
            let decoded = self.out.write(|out| out.extend_from_slice(text));
            self.out.push(Target::Json, name_at..decoded.start, decoded, self.at + start..self.at + self.pos);
        }
        Some(())
    }
}

/// What follows a backslash; the number of bytes read.
fn escape(rest: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    let plain = match rest.first()? {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'b' => 8,
        b'f' => 12,
        b'u' => {
            let unit = |from: usize| {
                let digits = rest.get(from..from + 4)?;
                digits.iter().try_fold(0u32, |sum, b| Some(sum << 4 | u32::from(digit(*b)?)))
            };
            let first = unit(1)?;
            let mut read = 5;
            let mut code = first;
            if (0xd800..0xdc00).contains(&first)
                && rest.get(5..7) == Some(b"\\u")
                && let Some(second) = unit(7).filter(|c| (0xdc00..0xe000).contains(c))
            {
                code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                read = 11;
            }
            let char = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
            out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(read);
        }
        other => *other,
    };
    out.push(plain);
    Some(1)
}
