//! First machine: encodings. Percent, backslash and HTML escapes, UTF-8, Unicode folding, case, `+`.

use super::{Canonical, Span, Steps, entity, unicode};

/// Digits kept of a numeric character reference; more are swallowed, so that a long one cannot stay undecoded.
const REFERENCE_DIGITS_MAX: usize = 8;

pub(super) fn run<const SPANS: bool>(canonical: &mut Canonical, raw: &[u8]) {
    canonical.bytes.reserve(raw.len());
    if SPANS {
        canonical.spans.reserve(raw.len());
    }
    let mut machine = Machine::<SPANS> { canonical, introducer: usize::MAX, decoded_percent: usize::MAX, folded: Vec::new() };
    for (at, &byte) in raw.iter().enumerate() {
        machine.feed(byte, Span { start: at as u32, end: at as u32 + 1 });
    }
    machine.close_reference_at_end(raw.len() as u32);
}

struct Machine<'a, const SPANS: bool> {
    canonical: &'a mut Canonical,
    /// Position of the last `%`, `\` or `&` that was appended; may be past the end after a removal.
    introducer: usize,
    /// Position of the last percent sign that came out of an escape.
    decoded_percent: usize,
    /// Only allocated when a character beyond ASCII appears.
    folded: Vec<char>,
}

impl<const SPANS: bool> Machine<'_, SPANS> {
    #[inline]
    fn feed(&mut self, byte: u8, span: Span) {
        // Ordinary ASCII far from any escape: the common case.
        if byte.is_ascii_alphanumeric() || byte == b' ' || byte == b'.' || byte == b'-' {
            let length = self.canonical.bytes.len();
            if self.introducer >= length || length - self.introducer > 2 + REFERENCE_DIGITS_MAX + 1 {
                self.append(byte.to_ascii_lowercase(), span);
                return;
            }
        }
        self.feed_slowly(byte, span);
    }

    fn feed_slowly(&mut self, byte: u8, span: Span) {
        let (mut byte, mut span) = (byte, span);
        let mut from_fold = false;
        loop {
            // Some: a rule rewrote the tail and this byte is what comes out of it. None: the byte is done.
            let next = if from_fold && byte >= 0x80 {
                self.append(byte, span);
                None
            } else {
                self.step(byte.to_ascii_lowercase(), span)
            };
            match next {
                Some((decoded, at)) => (byte, span, from_fold) = (decoded, at, false),
                None => match self.canonical.pending.pop() {
                    Some((waiting, at)) => (byte, span, from_fold) = (waiting, at, true),
                    None => return,
                },
            }
        }
    }

    #[inline]
    fn append(&mut self, byte: u8, span: Span) {
        if matches!(byte, b'%' | b'\\' | b'&') {
            self.introducer = self.canonical.bytes.len();
        }
        self.canonical.bytes.push(byte);
        if SPANS {
            self.canonical.spans.push(span);
        }
    }

    /// Removes the tail from `at` and gives its span joined with `last`.
    fn cut(&mut self, at: usize, last: Span) -> Span {
        let mut joined = last;
        if SPANS {
            for span in &self.canonical.spans[at..] {
                joined.start = joined.start.min(span.start);
                joined.end = joined.end.max(span.end);
            }
            self.canonical.spans.truncate(at);
        }
        self.canonical.bytes.truncate(at);
        // The escape that was cut may have stood inside another one.
        let from = at.saturating_sub(2 + REFERENCE_DIGITS_MAX + 1);
        self.introducer =
            self.canonical.bytes[from..].iter().rposition(|b| matches!(b, b'%' | b'\\' | b'&')).map_or(usize::MAX, |i| from + i);
        joined
    }

    fn step(&mut self, byte: u8, span: Span) -> Option<(u8, Span)> {
        if let Some((code, at)) = self.unclosed_reference(byte) {
            // `&#106` closed by a byte that is no digit: the character first, then that byte.
            let joined = self.cut(at, Span { start: u32::MAX, end: 0 });
            self.canonical.steps.add(Steps::HTML_ENTITY);
            self.canonical.pending.push((byte, span));
            // A byte beyond ASCII would be appended unread from `pending`; it cannot be one, see `unclosed_reference`.
            return self.character(code, joined);
        }
        match byte {
            b'0'..=b'9' | b'a'..=b'f' => self.hex_digit(byte, span),
            b';' => self.named_or_numeric(span),
            b'\'' | b'"' | b'/' if self.canonical.bytes.last() == Some(&b'\\') => {
                let joined = self.cut(self.canonical.bytes.len() - 1, span);
                Some((byte, joined))
            }
            b'+' => {
                self.append(b' ', span);
                None
            }
            0 => {
                self.canonical.steps.add(Steps::NUL);
                self.append(0, span);
                None
            }
            0x80..=0xBF => self.continuation(byte, span),
            _ => {
                self.append(byte, span);
                None
            }
        }
    }

    /// The code and position of a tail `&#ddd` or `&#xhh` that `byte` ends without a semicolon.
    fn unclosed_reference(&self, byte: u8) -> Option<(u32, usize)> {
        let bytes = &self.canonical.bytes;
        if self.introducer >= bytes.len() || byte == b';' || byte >= 0x80 {
            return None;
        }
        let (code, hex) = reference(bytes.get(self.introducer..)?)?;
        let goes_on = byte.is_ascii_digit() || (hex && byte.is_ascii_hexdigit());
        (!goes_on).then_some((code, self.introducer))
    }

    fn close_reference_at_end(&mut self, end: u32) {
        if let Some((code, at)) = self.unclosed_reference(b' ') {
            let joined = self.cut(at, Span { start: u32::MAX, end });
            self.canonical.steps.add(Steps::HTML_ENTITY);
            if let Some((byte, span)) = self.character(code, joined) {
                self.feed_slowly(byte, span);
            } else if let Some((byte, span)) = self.canonical.pending.pop() {
                // Folded text waits in `pending`; feeding its first byte drains the rest.
                if byte >= 0x80 {
                    self.append(byte, span);
                } else {
                    self.feed_slowly(byte, span);
                }
                while let Some((byte, span)) = self.canonical.pending.pop() {
                    if byte >= 0x80 { self.append(byte, span) } else { self.feed_slowly(byte, span) }
                }
            }
            self.close_reference_at_end(end);
        }
    }

    fn hex_digit(&mut self, byte: u8, span: Span) -> Option<(u8, Span)> {
        let bytes = &self.canonical.bytes;
        let length = bytes.len();
        if self.introducer < length && bytes[self.introducer] == b'&' && reference(&bytes[self.introducer..]).is_some() {
            if length - self.introducer >= 2 + REFERENCE_DIGITS_MAX {
                // Leading zeros go first; then digits beyond the limit are swallowed (the code is invalid anyway).
                let digits = self.introducer + if bytes[self.introducer + 2] == b'x' { 3 } else { 2 };
                if bytes[digits] == b'0' {
                    self.canonical.bytes.remove(digits);
                    if SPANS {
                        let gone = self.canonical.spans.remove(digits);
                        self.canonical.spans[digits - 1].end = gone.end;
                    }
                } else {
                    return None;
                }
            }
            self.append(byte, span);
            return None;
        }
        let tail = |n: usize| length.checked_sub(n).map(|at| &bytes[at..]);
        if let Some([b'%', high]) = tail(2)
            && let Some(high) = hex(*high)
        {
            let twice = self.decoded_percent == length - 2;
            let decoded = high << 4 | hex(byte)?;
            let joined = self.cut(length - 2, span);
            self.canonical.steps.add(if twice { Steps::PERCENT_TWICE } else { Steps::PERCENT });
            if decoded == b'%' {
                self.decoded_percent = length - 2;
            }
            return Some((decoded, joined));
        }
        if let Some([b'\\', b'x', high]) = tail(3)
            && let Some(high) = hex(*high)
        {
            let decoded = high << 4 | hex(byte)?;
            let joined = self.cut(length - 3, span);
            self.canonical.steps.add(Steps::BACKSLASH_ESCAPE);
            return Some((decoded, joined));
        }
        if let Some([first @ (b'%' | b'\\'), b'u', a, b, c]) = tail(5)
            && let (Some(a), Some(b), Some(c)) = (hex(*a), hex(*b), hex(*c))
        {
            let code = u32::from(a) << 12 | u32::from(b) << 8 | u32::from(c) << 4 | u32::from(hex(byte)?);
            let step = if *first == b'%' { Steps::PERCENT_U } else { Steps::BACKSLASH_ESCAPE };
            let joined = self.cut(length - 5, span);
            self.canonical.steps.add(step);
            return self.character(code, joined);
        }
        self.append(byte, span);
        None
    }

    fn named_or_numeric(&mut self, span: Span) -> Option<(u8, Span)> {
        let bytes = &self.canonical.bytes;
        if self.introducer < bytes.len() && bytes[self.introducer] == b'&' {
            let tail = &bytes[self.introducer..];
            if let Some((code, _)) = reference(tail) {
                let joined = self.cut(self.introducer, span);
                self.canonical.steps.add(Steps::HTML_ENTITY);
                return self.character(code, joined);
            }
            if tail.len() <= 1 + entity::NAME_BYTES_MAX
                && let Some(decoded) = entity::by_name(&tail[1..])
            {
                let joined = self.cut(self.introducer, span);
                self.canonical.steps.add(Steps::HTML_ENTITY);
                return Some((decoded, joined));
            }
        }
        self.append(b';', span);
        None
    }

    /// A byte 10xxxxxx: does it complete a UTF-8 sequence (overlong ones too)?
    fn continuation(&mut self, byte: u8, span: Span) -> Option<(u8, Span)> {
        let bytes = &self.canonical.bytes;
        let low = |b: u8| u32::from(b & 0x3F);
        let follows = |b: u8| (0x80..=0xBF).contains(&b);
        let (count, code) = match *bytes.as_slice() {
            [.., a @ 0xC0..=0xDF] => (1, u32::from(a & 0x1F) << 6 | low(byte)),
            [.., a @ 0xE0..=0xEF, b] if follows(b) => (2, u32::from(a & 0x0F) << 12 | low(b) << 6 | low(byte)),
            [.., a @ 0xF0..=0xF7, b, c] if follows(b) && follows(c) => {
                (3, u32::from(a & 0x07) << 18 | low(b) << 12 | low(c) << 6 | low(byte))
            }
            _ => {
                self.append(byte, span);
                return None;
            }
        };
        let joined = self.cut(bytes.len() - count, span);
        if code < [0x80, 0x800, 0x10000][count - 1] {
            self.canonical.steps.add(Steps::OVERLONG_UTF8);
        }
        self.character(code, joined)
    }

    /// A decoded code point: ASCII goes on through the rules; others are folded and wait in `pending`.
    fn character(&mut self, code: u32, span: Span) -> Option<(u8, Span)> {
        if code < 0x80 {
            if code == u32::from(b'%') {
                self.decoded_percent = self.canonical.bytes.len();
            }
            return Some((code as u8, span));
        }
        let c = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        match unicode::fold(c, &mut self.folded) {
            unicode::Folded::Nothing => {
                self.canonical.steps.add(Steps::ZERO_WIDTH);
                None
            }
            unicode::Folded::Tag(ascii) => {
                self.canonical.steps.add(Steps::TAG_CHARACTER);
                Some((ascii, span))
            }
            unicode::Folded::Text { confusable } => {
                if confusable {
                    self.canonical.steps.add(Steps::CONFUSABLE);
                }
                let mut utf8 = [0; 4];
                for c in self.folded.iter().rev() {
                    for &byte in c.encode_utf8(&mut utf8).as_bytes().iter().rev() {
                        self.canonical.pending.push((byte, span));
                    }
                }
                None
            }
        }
    }
}

fn hex(byte: u8) -> Option<u8> {
    (byte as char).to_digit(16).map(|digit| digit as u8)
}

/// `&#ddd` or `&#xhh` with at least one digit, and nothing else: its code, and whether it is hexadecimal.
fn reference(tail: &[u8]) -> Option<(u32, bool)> {
    let (digits, radix) = match tail {
        [b'&', b'#', b'x', digits @ ..] => (digits, 16),
        [b'&', b'#', digits @ ..] => (digits, 10),
        _ => return None,
    };
    if digits.is_empty() || digits.len() > REFERENCE_DIGITS_MAX {
        return None;
    }
    let mut code = 0u32;
    for &digit in digits {
        code = code.checked_mul(radix)?.checked_add((digit as char).to_digit(radix)?)?;
    }
    Some((code, radix == 16))
}
