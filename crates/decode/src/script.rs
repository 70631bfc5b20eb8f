//! Scripts as text: cut into the tokens of the training table, and rewritten until nothing is hidden any more. Nothing is ever run.

use std::fmt::Write as _;

mod reveal;

pub use reveal::{Layer, reveal};

/// Characters of a script that are read.
pub const CHARS_MAX: usize = 300_000;
pub const TOKENS_MAX: usize = 1_200;

/// Text of a script: UTF-16 with a byte order mark, UTF-8 where it is valid, else Latin-1.
pub fn text(bytes: &[u8]) -> String {
    let wide = |bytes: &[u8], of: fn([u8; 2]) -> u16| {
        let (pairs, _) = bytes.as_chunks::<2>();
        char::decode_utf16(pairs.iter().map(|p| of(*p))).take(CHARS_MAX).map(|c| c.unwrap_or('\u{fffd}')).collect()
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        _ => {
            let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            match std::str::from_utf8(bytes) {
                Ok(text) => text.chars().take(CHARS_MAX).collect(),
                Err(_) => bytes.iter().take(CHARS_MAX).map(|b| char::from(*b)).collect(),
            }
        }
    }
}

/// PowerShell cut into tokens: marks of comments, `$variables`, `[types]`, words and cmdlet-words, numbers, quoted strings, single signs.
/// Strings of more than 16 characters stand as `<STR:length:entropy:class>`, unquoted runs of more than 40 as `<LONG:..>`, numbers as
/// `<NUM:digits>`, short strings in lower case. At most [`TOKENS_MAX`].
pub fn tokens(script: &str) -> Vec<String> {
    let chars: Vec<char> = script.chars().take(CHARS_MAX).collect();
    let mut out = Vec::new();
    let mut at = 0;
    while at < chars.len() && out.len() < TOKENS_MAX {
        let rest = &chars[at..];
        let run = |from: usize, keep: &dyn Fn(char) -> bool| rest[from..].iter().take_while(|c| keep(**c)).count() + from;
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        match rest[0] {
            c if c.is_whitespace() => at += 1,
            '<' if rest.get(1) == Some(&'#') => (at, _) = (at + 2, out.push("<#".to_owned())),
            '#' if rest.get(1) == Some(&'>') => (at, _) = (at + 2, out.push("#>".to_owned())),
            '$' => {
                let end = run(1, &|c| is_word(c) || c == ':');
                out.push(rest[..end].iter().collect());
                at += end;
            }
            '[' => {
                let end = run(1, &|c| is_word(c) || c == '.');
                // A whole type, or only the bracket.
                let end = if end > 1 && rest.get(end) == Some(&']') { end + 1 } else { 1 };
                out.push(rest[..end].iter().collect());
                at += end;
            }
            quote @ ('"' | '\'') => {
                let end = rest[1..].iter().position(|c| *c == quote).map(|n| n + 1);
                match end {
                    Some(end) => {
                        let inner: String = rest[1..end].iter().collect();
                        out.push(string(&inner, quote));
                        at += end + 1;
                    }
                    None => (at, _) = (at + 1, out.push(quote.to_string())),
                }
            }
            c if c.is_ascii_digit() => {
                let end = run(0, &|c| c.is_ascii_digit());
                out.push(format!("<NUM:{end}>"));
                at += end;
            }
            c if is_word(c) => {
                let mut end = run(0, &is_word);
                // Cmdlet words: Get-ChildItem.
                while rest.get(end) == Some(&'-') && rest.get(end + 1).is_some_and(|c| c.is_alphabetic()) {
                    end = run(end + 1, &is_word);
                }
                let word: String = rest[..end].iter().collect();
                out.push(if end > LONG_CHARS { measured("LONG", &word) } else { word });
                at += end;
            }
            c => (at, _) = (at + 1, out.push(c.to_string())),
        }
    }
    out
}

const LONG_CHARS: usize = 40;
const STRING_CHARS: usize = 16;

fn string(inner: &str, quote: char) -> String {
    if inner.chars().count() > STRING_CHARS { measured("STR", inner) } else { format!("{quote}{}{quote}", inner.to_lowercase()) }
}

fn measured(what: &str, text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let all = |keep: fn(char) -> bool| text.chars().all(keep);
    let class = if lower.contains("://") {
        "URL"
    } else if text.len() >= LONG_CHARS && all(|c| c.is_ascii_alphanumeric() || "+/=".contains(c)) {
        "B64"
    } else if all(|c| c.is_ascii_hexdigit()) {
        "HEX"
    } else if all(|c| c.is_alphanumeric() || c == '_') {
        "WORD"
    } else {
        "MIX"
    };
    let mut out = String::new();
    let _ = write!(out, "<{what}:{}:{:.1}:{class}>", text.chars().count(), crate::pe::entropy(text.as_bytes()));
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tokens_as_in_the_table() {
        let cut = |text: &str| tokens(text).join(" ");
        assert_eq!(cut("$z = Add-Type -memberDefinition $c -Name \"Win32\""), "$z = Add-Type - memberDefinition $c - Name \"win32\"");
        assert_eq!(cut("[Byte[]]$z = 0xfc,0xe8"), "[ Byte [ ] ] $z = <NUM:1> xfc , <NUM:1> xe8");
        assert_eq!(cut("[string]$a <# note #>"), "[string] $a <# note #>");
        assert_eq!(cut(&format!("'{}'", "QUJD".repeat(20))), "<STR:80:2.0:B64>");
        assert_eq!(cut("\"http://files.example/a.ps1\""), "<STR:26:3.8:URL>");
    }

    proptest! {
        #[test]
        fn any_text_is_cut(text in "\\PC{0,300}") {
            prop_assert!(tokens(&text).len() <= TOKENS_MAX);
        }
    }
}
