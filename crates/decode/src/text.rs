//! Bytes to text: numbers, and the escapes that web servers write.

use event::Text;

/// Decimal digits and nothing else.
pub(crate) fn number(word: &[u8]) -> Option<u64> {
    if word.is_empty() || word.len() > 19 || !word.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(word.iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0')))
}

/// Bytes that are no UTF-8 become U+FFFD; the raw record keeps them.
pub(crate) fn string(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(crate) fn short(bytes: &[u8]) -> Text {
    Text::from_utf8_lossy(bytes)
}

/// Text of a field in which the web server wrote `\"`, `\\`, `\t` or `\x22`; `-` alone is an absent value. An escape that is none stays.
pub(crate) fn unescaped(field: &[u8]) -> String {
    if field == b"-" {
        return String::new();
    }
    match memchr::memchr(b'\\', field) {
        None => string(field),
        Some(first) => string(&unescape(field, first)),
    }
}

fn unescape(field: &[u8], first: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len());
    out.extend_from_slice(&field[..first]);
    let mut rest = &field[first..];
    while let Some((&byte, after)) = rest.split_first() {
        let (made, used) = match (byte, after) {
            (b'\\', [b'x', high, low, ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, 4),
                _ => (byte, 1),
            },
            (b'\\', [quoted @ (b'"' | b'\\'), ..]) => (*quoted, 2),
            (b'\\', [b'n', ..]) => (b'\n', 2),
            (b'\\', [b'r', ..]) => (b'\r', 2),
            (b'\\', [b't', ..]) => (b'\t', 2),
            _ => (byte, 1),
        };
        out.push(made);
        rest = &rest[used..];
    }
    out
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_web_servers() {
        for (field, expected) in [
            ("-", ""),
            ("plain", "plain"),
            (r#"a\"b"#, "a\"b"),
            (r"a\x22b\x5Cc", "a\"b\\c"),
            (r"\xe2\x82\xac", "€"),
            (r"\x16\x03\x01", "\u{16}\u{3}\u{1}"),
            (r"\d\xZZ\", r"\d\xZZ\"),
            (r"a\\x41", r"a\x41"),
            (r"\t\n", "\t\n"),
            (r"\xff", "\u{fffd}"),
        ] {
            assert_eq!(unescaped(field.as_bytes()), expected, "{field}");
        }
    }

    #[test]
    fn numbers() {
        for (word, expected) in [("0", Some(0)), ("42", Some(42)), ("", None), ("-1", None), ("1x", None), ("99999999999999999999", None)] {
            assert_eq!(number(word.as_bytes()), expected, "{word}");
        }
    }
}
