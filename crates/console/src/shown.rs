//! Hostile text made fit to be looked at. Escaping for HTML is the templates' business; here are the characters that deceive a reader:
//! controls, bidirectional overrides, zero-width and other invisible ones become visible marks. Pure.

use std::borrow::Cow;
use std::ops::Range;

/// Characters of a table cell; the whole text is one click away.
pub(crate) const CELL_MAX: usize = 200;
/// Characters of a field.
pub(crate) const FIELD_MAX: usize = 64 * 1024;

/// Text for a line: deceiving characters as marks, cut to `max` characters.
pub(crate) fn shown(text: &str, max: usize) -> Cow<'_, str> {
    if text.len() <= max && text.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len().min(max * 4) + 8);
    let mut chars = text.chars();
    for c in chars.by_ref().take(max) {
        push(c, &mut out);
    }
    if chars.next().is_some() {
        out.push('…');
    }
    Cow::Owned(out)
}

/// [`shown`], and suspect addresses in it written so that neither a person nor a program follows them by accident.
pub(crate) fn defanged(text: &str, max: usize) -> Cow<'_, str> {
    const LIVE: [(&str, &str); 3] = [("://", "[:]//"), ("javascript:", "javascript[:]"), ("data:", "data[:]")];
    LIVE.iter().fold(shown(text, max), |text, (live, dead)| if text.contains(live) { text.replace(live, dead).into() } else { text })
}

/// Bytes as a reader sees them: printable text as it is, everything else as `\x00`. Line ends stay.
pub(crate) fn bytes(raw: &[u8]) -> String {
    let mut out = String::with_capacity(raw.len() + 8);
    for chunk in raw.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\n' => out.push('\n'),
                '\r' => {}
                '\t' => out.push_str("\\t"),
                '\\' => out.push('\\'),
                c if (c as u32) < 0x20 || c == '\u{7f}' => out.push_str(&format!("\\x{:02x}", c as u32)),
                c => push(c, &mut out),
            }
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}

fn push(c: char, out: &mut String) {
    match c {
        '\n' | '\r' | '\t' => out.push('␤'),
        '\u{0}'..='\u{1f}' => out.push(char::from_u32(0x2400 + c as u32).unwrap_or('␀')),
        '\u{7f}' => out.push('␡'),
        c if deceives(c) => out.push_str(&format!("⟨U+{:04X}⟩", c as u32)),
        c => out.push(c),
    }
}

/// Invisible, or changes how other characters are read.
fn deceives(c: char) -> bool {
    matches!(c,
        '\u{80}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}' | '\u{1d173}'..='\u{1d17a}')
}

/// A piece of marked bytes: the text to show and which of the marks cover it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) text: String,
    /// Places in the list of marks.
    pub(crate) marks: Vec<usize>,
}

/// Bytes with where each of them stood in the original, so that marks survive decoding.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traced {
    bytes: Vec<u8>,
    /// Begin and end in the original.
    from: Vec<(u32, u32)>,
}

impl Traced {
    pub(crate) fn raw(raw: &[u8]) -> Traced {
        let from = (0_u32..).take(raw.len()).map(|at| (at, at + 1)).collect();
        Traced { bytes: raw.to_vec(), from }
    }

    /// One round of percent-decoding, `+` is a space after the first `?`. Bytes that are no valid escape stay.
    pub(crate) fn decoded(&self) -> Traced {
        let mut out = Traced { bytes: Vec::with_capacity(self.bytes.len()), from: Vec::with_capacity(self.bytes.len()) };
        let hex = |at: usize| self.bytes.get(at).and_then(|b| char::from(*b).to_digit(16));
        let first_line_end = self.bytes.iter().position(|b| *b == b'\n').unwrap_or(self.bytes.len());
        let mut in_query = false;
        let mut at = 0;
        while let (Some(&byte), Some(&(begin, end))) = (self.bytes.get(at), self.from.get(at)) {
            let escape = if byte == b'%' { hex(at + 1).zip(hex(at + 2)) } else { None };
            in_query = (in_query || byte == b'?') && byte != b' ' && at < first_line_end;
            if let Some((high, low)) = escape {
                out.bytes.push((high * 16 + low) as u8);
                out.from.push((begin, self.from.get(at + 2).map_or(end, |f| f.1)));
                at += 3;
            } else {
                out.bytes.push(if byte == b'+' && in_query { b' ' } else { byte });
                out.from.push((begin, end));
                at += 1;
            }
        }
        out
    }

    /// Cut where marks begin and end. Marks outside the bytes cover nothing.
    pub(crate) fn pieces(&self, marks: &[Range<u32>]) -> Vec<Piece> {
        let covering = |&(begin, end): &(u32, u32)| -> Vec<usize> {
            marks.iter().enumerate().filter(|(_, m)| m.start < end && begin < m.end).map(|(i, _)| i).collect()
        };
        let mut pieces: Vec<Piece> = Vec::new();
        let mut at = 0;
        while let Some(first) = self.from.get(at) {
            let marks = covering(first);
            let mut end = at + 1;
            while self.from.get(end).is_some_and(|f| covering(f) == marks || continues(self.bytes.get(end))) {
                end += 1;
            }
            pieces.push(Piece { text: bytes(self.bytes.get(at..end).unwrap_or_default()), marks });
            at = end;
        }
        pieces
    }
}

/// A piece never ends inside a UTF-8 character.
fn continues(byte: Option<&u8>) -> bool {
    byte.is_some_and(|b| b & 0xc0 == 0x80)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn deceiving_characters_are_seen() {
        let check = |text: &str, expected: &str| assert_eq!(shown(text, 200), expected);
        check("plain text", "plain text");
        check("invoice\u{202e}fdp.exe", "invoice⟨U+202E⟩fdp.exe");
        check("pay\u{200b}pal", "pay⟨U+200B⟩pal");
        check("a\u{0}b\u{1b}[31m", "a␀b␛[31m");
        check("two\nlines", "two␤lines");
        check("Grüße, 東京", "Grüße, 東京");
        assert_eq!(shown("abcdef", 3), "abc…");
    }

    #[test]
    fn bytes_are_seen() {
        assert_eq!(bytes(b"GET /\x00\xff HTTP/1.1\r\nHost: a\r\n"), "GET /\\x00\\xff HTTP/1.1\nHost: a\n");
    }

    #[test]
    fn addresses_are_defanged() {
        assert_eq!(defanged("http://evil.example/x", 99), "http[:]//evil.example/x");
        assert_eq!(defanged("javascript:alert(1)", 99), "javascript[:]alert(1)");
    }

    fn marked(traced: &Traced, marks: &[Range<u32>]) -> String {
        traced.pieces(marks).into_iter().map(|p| if p.marks.is_empty() { p.text } else { format!("[{}]", p.text) }).collect()
    }

    #[test]
    fn marks_survive_decoding() {
        let raw = b"GET /s?q=1%27+OR+1=1 HTTP/1.1";
        let traced = Traced::raw(raw);
        let mark = 9..20;
        assert_eq!(marked(&traced, std::slice::from_ref(&mark)), "GET /s?q=[1%27+OR+1=1] HTTP/1.1");
        assert_eq!(marked(&traced.decoded(), &[mark]), "GET /s?q=[1' OR 1=1] HTTP/1.1");
        assert_eq!(marked(&Traced::raw(b"a%zz%4"), &[]), "a%zz%4");
    }

    proptest! {
        #[test]
        fn nothing_invisible_is_left(text in any::<String>()) {
            let shown = shown(&text, 100);
            prop_assert!(!shown.chars().any(|c| c.is_control() || deceives(c)));
            prop_assert!(text.chars().count() > 100 || text.chars().count() <= shown.chars().count());
        }

        #[test]
        fn showing_twice_changes_nothing_more(text in any::<String>()) {
            let once = shown(&text, 10_000).into_owned();
            prop_assert_eq!(shown(&once, 1_000_000), once.as_str());
        }

        #[test]
        fn pieces_say_all_bytes(raw in proptest::collection::vec(any::<u8>(), 0..200), marks in proptest::collection::vec((0_u32..220, 0_u32..40), 0..5)) {
            let marks: Vec<Range<u32>> = marks.into_iter().map(|(at, len)| at..at + len).collect();
            for traced in [Traced::raw(&raw), Traced::raw(&raw).decoded()] {
                let pieces = traced.pieces(&marks);
                for piece in &pieces {
                    prop_assert!(!piece.text.chars().any(|c| (c.is_control() && c != '\n') || deceives(c)));
                }
                if raw.is_ascii() {
                    let joined: String = pieces.iter().map(|p| p.text.as_str()).collect();
                    prop_assert_eq!(joined, bytes(&traced.bytes));
                }
            }
        }
    }
}
