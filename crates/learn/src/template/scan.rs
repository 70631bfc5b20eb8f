//! A message to words: separators are kept, values of a known type are masked.

/// Words looked at in one message; the rest is one mask.
pub const WORDS_MAX: usize = 256;
/// Longest quoted text that is one value.
const QUOTED_MAX: usize = 512;

/// One word and what stands before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word<'l> {
    pub before: &'l str,
    pub text: &'l str,
    /// A typed value.
    pub masked: bool,
}

/// The words of a message and what stands after the last one.
#[derive(Clone, Debug, Default)]
pub struct Words<'l> {
    pub words: Vec<Word<'l>>,
    pub after: &'l str,
}

/// Cuts `line` into words. Linear in its length.
pub fn words<'l>(line: &'l str, out: &mut Words<'l>) {
    out.words.clear();
    let bytes = line.as_bytes();
    let (mut at, mut before) = (0, 0);
    while at < bytes.len() {
        if let Some(end) = quoted(bytes, at) {
            push(out, Word { before: &line[before..at + 1], text: &line[at + 1..end], masked: true });
            (at, before) = (end + 1, end);
            continue;
        }
        if bytes[at] == b'(' && bytes.get(at + 1) == Some(&b')') && (at == 0 || bytes[at - 1] == b' ') {
            push(out, Word { before: &line[before..at + 1], text: "", masked: true });
            (at, before) = (at + 1, at + 1);
            continue;
        }
        if !starts_word(bytes, at) {
            at += 1;
            continue;
        }
        let end = unit_end(bytes, word_end(bytes, at));
        if out.words.len() == WORDS_MAX {
            let rest = Word { before: &line[before..at], text: &line[at..], masked: true };
            push(out, rest);
            out.after = "";
            return;
        }
        let text = &line[at..end];
        push(out, Word { before: &line[before..at], text, masked: is_value(text) });
        (at, before) = (end, end);
    }
    out.after = &line[before..];
}

/// Adds a word; a list of values is one value, however long it is.
fn push<'l>(out: &mut Words<'l>, word: Word<'l>) {
    let list = word.masked
        && out.words.last().is_some_and(|last| last.masked)
        && (word.before.contains([',', '@'])
            || word.before.trim().is_empty() && out.words.len() >= 2 && {
                let earlier = &out.words[out.words.len() - 2];
                earlier.masked && out.words[out.words.len() - 1].before.trim().is_empty()
            });
    if !list {
        out.words.push(word);
    }
}

const fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn starts_word(bytes: &[u8], at: usize) -> bool {
    let next = bytes.get(at + 1).copied().unwrap_or(b' ');
    match bytes[at] {
        byte if is_letter(byte) => true,
        b'.' if next == b'/' => at == 0 || matches!(bytes[at - 1], b' ' | b'=' | b'('),
        b'-' | b'+' | b'.' => next.is_ascii_digit() && (at == 0 || !is_letter(bytes[at - 1]) && bytes[at - 1] != bytes[at]),
        b'/' => next.is_ascii_alphabetic() || next == b'_' || next == b'.' || next == b'/',
        b'\\' => is_letter(next) || next == b'\\',
        _ => false,
    }
}

/// End of the word that begins at `from`.
fn word_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from + 1;
    let (mut digit, mut path) = (bytes[from].is_ascii_digit(), matches!(bytes[from], b'/' | b'\\'));
    while let Some(&byte) = bytes.get(at) {
        let next = bytes.get(at + 1).copied().unwrap_or(b' ');
        let inside = match byte {
            _ if is_letter(byte) => true,
            b'.' | b'-' | b'$' | b'+' | b'~' => is_letter(next) || byte == b'-' && next == b'-' || path && next == b'/',
            b'/' | b'\\' => is_letter(next) || matches!(next, b'.' | b'/' | b'\\' | b'-' | b'$') || path,
            b':' if is_quad(&bytes[from..at]) => false,
            b':' if at - from == 2 && is_octets(&bytes[from..]) => true,
            b':' => {
                digit && (next.is_ascii_hexdigit() || next == b':') || next == b'\\' || next == b'/' && bytes.get(at + 2) == Some(&b'/')
            }
            b'%' => digit && next == b' ' || next.is_ascii_hexdigit() && path,
            b'?' | b'=' | b'&' | b'#' => path && bytes[from..at].windows(3).any(|w| w == b"://"),
            _ => false,
        };
        if !inside {
            break;
        }
        digit |= byte.is_ascii_digit();
        path |= matches!(byte, b'/' | b'\\');
        at += 1;
    }
    at
}

/// `00:0d:60:`
fn is_octets(bytes: &[u8]) -> bool {
    bytes.len() >= 6 && (0..6).all(|n| if n % 3 == 2 { bytes[n] == b':' } else { bytes[n].is_ascii_hexdigit() })
}

/// An IPv4 address: the port after it is a value of its own.
fn is_quad(bytes: &[u8]) -> bool {
    bytes.iter().filter(|b| **b == b'.').count() == 3 && bytes.iter().all(|b| b.is_ascii_digit() || *b == b'.')
}

/// A size in bytes is one value with its unit: `5.2 KB`.
fn unit_end(bytes: &[u8], end: usize) -> usize {
    if !bytes[end - 1].is_ascii_digit() || bytes.get(end) != Some(&b' ') {
        return end;
    }
    let unit = bytes[end + 1..].iter().take(4).take_while(|b| b.is_ascii_alphabetic()).count();
    let known = ["B", "KB", "MB", "GB", "TB", "kB", "KiB", "MiB", "GiB", "TiB"];
    if known.iter().any(|k| k.as_bytes() == &bytes[end + 1..end + 1 + unit]) { end + 1 + unit } else { end }
}

/// End (the closing mark) of a quoted text that begins at `at`.
fn quoted(bytes: &[u8], at: usize) -> Option<usize> {
    let mark = bytes[at];
    if mark != b'"' && mark != b'\'' || at > 0 && is_letter(bytes[at - 1]) {
        return None;
    }
    let end = at + 1 + bytes[at + 1..].iter().take(QUOTED_MAX).position(|b| *b == mark)?;
    let closes = end > at + 1 && bytes.get(end + 1).is_none_or(|b| !is_letter(*b));
    closes.then_some(end)
}

/// A number, address, path, identifier, .. and no word of a language.
fn is_value(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = bytes.iter().filter(|b| b.is_ascii_digit()).count();
    // One digit in a word of letters is part of a name (`ssh2`) until the column says otherwise.
    let named = digits == 1 && bytes.len() >= 4 && bytes.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_');
    digits > 0 && !named
        || matches!(bytes[0], b'/' | b'\\')
        || bytes.iter().filter(|b| matches!(b, b'/' | b'\\')).count() >= 2
        || text.len() >= 8 && bytes.iter().all(u8::is_ascii_hexdigit)
        || is_domain(text)
        || DAYS_AND_MONTHS.contains(&text)
}

/// Parts of a written date; `May` is also a word.
const DAYS_AND_MONTHS: [&str; 18] =
    ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Jan", "Feb", "Mar", "Apr", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `ns.shop.example.com`: lower case, and an ending that names of program packages do not have.
fn is_domain(text: &str) -> bool {
    const ENDINGS: [&str; 30] = [
        "com", "net", "org", "edu", "gov", "mil", "biz", "info", "local", "lan", "internal", "arpa", "de", "uk", "fr", "nl", "br", "cn",
        "ru", "jp", "it", "es", "pl", "tw", "kr", "ca", "au", "us", "eu", "hk",
    ];
    text.contains('.')
        && text.rsplit('.').next().is_some_and(|end| ENDINGS.contains(&end))
        && text.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'.' | b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let mut all = Words::default();
        words(line, &mut all);
        let mut shown = String::new();
        for word in &all.words {
            shown += word.before;
            shown += if word.masked { "<*>" } else { word.text };
        }
        assert_eq!(shown + all.after, expected);
    }

    #[test]
    fn values_are_masked_and_words_stay() {
        check("Received block blk_-69 of size 67108864 from /10.250.10.6", "Received block <*> of size <*> from /<*>");
        check("uid=0 tty=ssh ruser= rhost=1.2.3.4 ", "uid=<*> tty=ssh ruser= rhost=<*> ");
        check("took -1.5 ms, open(/etc/passwd) failed", "took <*> ms, open(<*>) failed");
        check("name=\"View Lock\", ws='a b'", "name=\"<*>\", ws='<*>'");
        check("see http://a.example/x?y=1 and C:\\Windows\\x.dll.", "see <*> and <*>.");
        check("can't stop 0:0:0:0:0:0:0:1:2181", "can't stop <*>");
        check("nodes 1, 2, 3 up", "nodes <*> up");
    }

    #[test]
    fn any_text_is_cut_without_loss_of_the_end() {
        let long = "a1 b ".repeat(1_000);
        let mut all = Words::default();
        words(&long, &mut all);
        assert!(all.words.len() <= WORDS_MAX + 1);
        for odd in ["", "\"", "''", "/", "--", "é1", "\"é\"", ":", "a:", "%%%", "日本 語"] {
            words(odd, &mut all);
        }
    }
}
