//! Second machine: layout and literals. Whitespace runs, short comments, numbers, hex literals.

use super::{Canonical, Span, Steps};

/// Longest comment that is folded away, in bytes with its marks.
const COMMENT_BYTES_MAX: usize = 68;

/// Works in place: what is written never overtakes what is read.
pub(super) fn run<const SPANS: bool>(canonical: &mut Canonical) {
    let mut machine = Machine::<SPANS> { canonical, length: 0 };
    for at in 0..machine.canonical.bytes.len() {
        let byte = machine.canonical.bytes[at];
        let span = if SPANS { machine.canonical.spans[at] } else { Span::default() };
        machine.feed(byte, span);
    }
    let length = machine.length;
    canonical.bytes.truncate(length);
    if SPANS {
        canonical.spans.truncate(length);
    }
}

struct Machine<'a, const SPANS: bool> {
    canonical: &'a mut Canonical,
    length: usize,
}

impl<const SPANS: bool> Machine<'_, SPANS> {
    #[inline]
    fn feed(&mut self, byte: u8, span: Span) {
        match byte {
            b'g'..=b'z' => self.write(byte, span),
            b'0'..=b'9' | b'a'..=b'f' => self.digit_or_hex(byte, span),
            b' ' | b'\t' => self.space(b' ', span),
            b'\n' | b'\r' => self.space(b'\n', span),
            1..=0x1F | 0x7F => {
                self.canonical.steps.add(Steps::CONTROL);
                self.space(b' ', span);
            }
            b'/' if self.length > 0 && self.canonical.bytes[self.length - 1] == b'*' => self.comment_end(span),
            _ => self.write(byte, span),
        }
    }

    #[inline]
    fn write(&mut self, byte: u8, span: Span) {
        self.canonical.bytes[self.length] = byte;
        if SPANS {
            self.canonical.spans[self.length] = span;
        }
        self.length += 1;
    }

    fn widen(&mut self, span: Span) {
        if SPANS {
            let last = &mut self.canonical.spans[self.length - 1];
            last.start = last.start.min(span.start);
            last.end = last.end.max(span.end);
        }
    }

    fn space(&mut self, byte: u8, span: Span) {
        match self.canonical.bytes[..self.length].last() {
            Some(b'\n') => self.widen(span),
            Some(b' ') => {
                self.widen(span);
                self.canonical.bytes[self.length - 1] = byte;
            }
            _ => self.write(byte, span),
        }
    }

    fn digit_or_hex(&mut self, byte: u8, span: Span) {
        match &self.canonical.bytes[..self.length] {
            [.., b'0', b'x', b'0'] => self.widen(span),
            [.., b'0', b'x'] => {
                self.canonical.steps.add(Steps::HEX_LITERAL);
                self.write(b'0', span);
            }
            [.., b'0'] if byte.is_ascii_digit() => self.widen(span),
            _ => self.write(if byte.is_ascii_digit() { b'0' } else { byte }, span),
        }
    }

    /// `*` stands last and `/` arrives: fold the comment if it is short and its text is harmless.
    fn comment_end(&mut self, span: Span) {
        let written = &self.canonical.bytes[..self.length];
        let from = self.length.saturating_sub(COMMENT_BYTES_MAX);
        // At least `/**`: the `*` of the opening may not also close it.
        let open = written[from..self.length - 1].windows(2).rposition(|two| two == b"/*").map(|at| from + at);
        let Some(open) = open else { return self.write(b'/', span) };
        let text = &written[open + 2..self.length - 1];
        let versioned = text.first() == Some(&b'!');
        if !versioned && !text.iter().all(|&b| b.is_ascii_alphanumeric() || b" _.,:-*\n".contains(&b)) {
            return self.write(b'/', span);
        }
        let mut kept = [(0u8, Span::default()); COMMENT_BYTES_MAX];
        let mut count = 0;
        let mut whole = span;
        if SPANS {
            for s in &self.canonical.spans[open..self.length] {
                whole.start = whole.start.min(s.start);
                whole.end = whole.end.max(s.end);
            }
        }
        if versioned {
            for at in open + 3..self.length - 1 {
                kept[count] = (self.canonical.bytes[at], if SPANS { self.canonical.spans[at] } else { span });
                count += 1;
            }
        }
        self.length = open;
        self.space(b' ', if versioned && SPANS { self.canonical.spans[open] } else { whole });
        if versioned {
            self.canonical.steps.add(Steps::SQL_VERSIONED_COMMENT);
            for &(byte, at) in &kept[..count] {
                self.feed(byte, at);
            }
            self.space(b' ', span);
        } else {
            self.canonical.steps.add(Steps::SQL_COMMENT);
        }
    }
}
