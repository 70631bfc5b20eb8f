//! Transformations: the same attack written in other ways becomes the same text. Each says whether it changed anything.

use memchr::{memchr, memchr2, memchr3, memmem};

use super::parse::Fault;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transform {
    Lowercase,
    UrlDecode,
    UrlDecodeUni,
    HtmlEntityDecode,
    RemoveNulls,
    RemoveWhitespace,
    CompressWhitespace,
    RemoveComments,
    ReplaceComments,
    NormalizePath,
    CmdLine,
    Length,
    Base64Decode,
}

const NAMED: [(Transform, &str); 14] = [
    (Transform::Lowercase, "lowercase"),
    (Transform::UrlDecode, "urlDecode"),
    (Transform::UrlDecodeUni, "urlDecodeUni"),
    (Transform::HtmlEntityDecode, "htmlEntityDecode"),
    (Transform::RemoveNulls, "removeNulls"),
    (Transform::RemoveWhitespace, "removeWhitespace"),
    (Transform::CompressWhitespace, "compressWhitespace"),
    (Transform::RemoveComments, "removeComments"),
    (Transform::ReplaceComments, "replaceComments"),
    (Transform::NormalizePath, "normalizePath"),
    (Transform::NormalizePath, "normalisePath"),
    (Transform::CmdLine, "cmdLine"),
    (Transform::Length, "length"),
    (Transform::Base64Decode, "base64Decode"),
];

impl Transform {
    pub(super) fn parse(word: &str) -> Result<Transform, Fault> {
        NAMED.iter().find(|(_, name)| name.eq_ignore_ascii_case(word)).map(|(t, _)| *t).ok_or_else(|| {
            let known: Vec<&str> = NAMED.iter().map(|(_, name)| *name).collect();
            Fault::new("transformation", word, format!("one of none {}", known.join(" ")))
        })
    }

    /// Could it change this value? Cheap and never wrongly no.
    fn concerns(self, value: &[u8]) -> bool {
        match self {
            Transform::Lowercase => value.iter().any(u8::is_ascii_uppercase),
            Transform::UrlDecode | Transform::UrlDecodeUni => memchr2(b'%', b'+', value).is_some(),
            Transform::HtmlEntityDecode => memchr(b'&', value).is_some(),
            Transform::RemoveNulls => memchr(0, value).is_some(),
            Transform::RemoveWhitespace => value.iter().any(|b| blank(*b)),
            Transform::CompressWhitespace => value.iter().any(|b| blank(*b) && *b != b' ') || memmem::find(value, b"  ").is_some(),
            Transform::RemoveComments | Transform::ReplaceComments => memchr3(b'*', b'-', b'#', value).is_some(),
            Transform::NormalizePath => memchr(b'/', value).is_some(),
            Transform::CmdLine | Transform::Length | Transform::Base64Decode => true,
        }
    }

    fn apply(self, value: &[u8], out: &mut Vec<u8>) {
        match self {
            Transform::Lowercase => out.extend(value.iter().map(u8::to_ascii_lowercase)),
            Transform::UrlDecode => url_decode(value, false, out),
            Transform::UrlDecodeUni => url_decode(value, true, out),
            Transform::HtmlEntityDecode => html_entity_decode(value, out),
            Transform::RemoveNulls => out.extend(value.iter().filter(|b| **b != 0)),
            Transform::RemoveWhitespace => out.extend(value.iter().filter(|b| !blank(**b))),
            Transform::CompressWhitespace => compress(value, out),
            Transform::RemoveComments => comments(value, None, out),
            Transform::ReplaceComments => comments(value, Some(b' '), out),
            Transform::NormalizePath => normalize_path(value, out),
            Transform::CmdLine => command_line(value, out),
            Transform::Length => out.extend_from_slice(value.len().to_string().as_bytes()),
            Transform::Base64Decode => base64_decode(value, out),
        }
    }
}

/// Two buffers that take turns.
#[derive(Clone, Debug, Default)]
pub(super) struct Buffers {
    a: Vec<u8>,
    b: Vec<u8>,
}

impl Buffers {
    /// The value after all of `chain`; the value itself when nothing concerns it.
    pub(super) fn run<'v>(&'v mut self, chain: &[Transform], value: &'v [u8]) -> &'v [u8] {
        let mut changed = false;
        for transform in chain {
            let now: &[u8] = if changed { &self.a } else { value };
            if !transform.concerns(now) {
                continue;
            }
            self.b.clear();
            transform.apply(now, &mut self.b);
            std::mem::swap(&mut self.a, &mut self.b);
            changed = true;
        }
        if changed { &self.a } else { value }
    }
}

fn blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c | 0xa0)
}

fn digit(byte: Option<&u8>) -> Option<u8> {
    char::from(*byte?).to_digit(16).map(|d| d as u8)
}

/// `%41`, `+`, and with `unicode` also `%u0041` (its low byte; full-width forms to ASCII).
fn url_decode(value: &[u8], unicode: bool, out: &mut Vec<u8>) {
    let mut at = 0;
    while let Some(&byte) = value.get(at) {
        let (decoded, read) = match byte {
            b'+' => (b' ', 1),
            b'%' => {
                let pair = |from: usize| Some(digit(value.get(from))? << 4 | digit(value.get(from + 1))?);
                match pair(at + 1) {
                    Some(decoded) => (decoded, 3),
                    None if unicode && matches!(value.get(at + 1), Some(b'u' | b'U')) => match (pair(at + 2), pair(at + 4)) {
                        (Some(0xff), Some(low)) if (1..=0x5e).contains(&low) => (low + 0x20, 6),
                        (Some(_), Some(low)) => (low, 6),
                        _ => (byte, 1),
                    },
                    None => (byte, 1),
                }
            }
            _ => (byte, 1),
        };
        out.push(decoded);
        at += read;
    }
}

const ENTITIES: [(&[u8], u8); 16] = [
    (b"lt", b'<'),
    (b"gt", b'>'),
    (b"quot", b'"'),
    (b"apos", b'\''),
    (b"amp", b'&'),
    (b"nbsp", b' '),
    (b"lpar", b'('),
    (b"rpar", b')'),
    (b"colon", b':'),
    (b"semi", b';'),
    (b"tab", b'\t'),
    (b"newline", b'\n'),
    (b"sol", b'/'),
    (b"bsol", b'\\'),
    (b"equals", b'='),
    (b"grave", b'`'),
];

fn html_entity_decode(value: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while let Some(&byte) = value.get(at) {
        if byte == b'&'
            && let Some((decoded, read)) = entity(&value[at + 1..])
        {
            out.push(decoded);
            at += 1 + read;
        } else {
            out.push(byte);
            at += 1;
        }
    }
}

fn entity(rest: &[u8]) -> Option<(u8, usize)> {
    let semicolon = |at: usize| at + usize::from(rest.get(at) == Some(&b';'));
    if let Some(number) = rest.strip_prefix(b"#") {
        let (radix, from) = if matches!(number.first(), Some(b'x' | b'X')) { (16, 1) } else { (10, 0) };
        let digits = number[from..].iter().take(12).take_while(|b| char::from(**b).is_digit(radix)).count();
        let text = std::str::from_utf8(&number[from..from + digits]).ok()?;
        let code = u64::from_str_radix(text, radix).ok()?;
        return Some((code as u8, semicolon(1 + from + digits)));
    }
    let (name, decoded) = ENTITIES.iter().find(|(name, _)| rest.len() > name.len() && rest[..name.len()].eq_ignore_ascii_case(name))?;
    (rest[name.len()] == b';').then_some((*decoded, name.len() + 1))
}

fn compress(value: &[u8], out: &mut Vec<u8>) {
    let mut before = false;
    for &byte in value {
        let now = blank(byte);
        if !now {
            out.push(byte);
        } else if !before {
            out.push(b' ');
        }
        before = now;
    }
}

/// `/* */` goes, or becomes `with`; an open comment takes the rest. The inside of MySQL's `/*!50000 x */` stays: it is run.
fn comments(value: &[u8], with: Option<u8>, out: &mut Vec<u8>) {
    let mut at = 0;
    let mut run_inside = false;
    while at < value.len() {
        let rest = &value[at..];
        if rest.starts_with(b"/*!") {
            at += 3 + rest[3..].iter().take(6).take_while(|b| b.is_ascii_digit()).count();
            out.extend(with);
            run_inside = true;
        } else if rest.starts_with(b"/*") {
            out.extend(with);
            at += memmem::find(&rest[2..], b"*/").map_or(rest.len(), |end| end + 4);
        } else if run_inside && rest.starts_with(b"*/") {
            out.extend(with);
            run_inside = false;
            at += 2;
        } else {
            out.push(rest[0]);
            at += 1;
        }
    }
}

/// `a/./b`, `a//b`, `a/../b`; what climbs out of the beginning stays visible.
fn normalize_path(value: &[u8], out: &mut Vec<u8>) {
    let absolute = value.first() == Some(&b'/');
    let mut kept: Vec<&[u8]> = Vec::new();
    for part in value.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." if kept.last().is_some_and(|p| *p != b"..") => {
                kept.pop();
            }
            b".." if absolute => {}
            part => kept.push(part),
        }
    }
    out.extend(absolute.then_some(b'/'));
    for (n, part) in kept.iter().enumerate() {
        out.extend((n > 0).then_some(b'/'));
        out.extend_from_slice(part);
    }
    if value.len() > 1 && value.last() == Some(&b'/') && out.last() != Some(&b'/') {
        out.push(b'/');
    }
}

/// Quotes, backslashes and carets out; commas, semicolons and blanks to one space, none before `/` and `(`; lower case.
fn command_line(value: &[u8], out: &mut Vec<u8>) {
    let mut space = false;
    for &byte in value {
        match byte {
            b'"' | b'\'' | b'\\' | b'^' => {}
            b' ' | b',' | b';' | b'\t' | b'\r' | b'\n' => {
                if !space {
                    out.push(b' ');
                }
                space = true;
            }
            _ => {
                if matches!(byte, b'/' | b'(') && space {
                    out.pop();
                }
                out.push(byte.to_ascii_lowercase());
                space = false;
            }
        }
    }
}

/// As far as it can be read; both alphabets.
fn base64_decode(value: &[u8], out: &mut Vec<u8>) {
    let (mut bits, mut held) = (0u32, 0u32);
    for &byte in value {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => break,
        };
        held = held << 6 | u32::from(six);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((held >> bits) as u8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transformations() {
        for (chain, input, expected) in [
            ("lowercase", "AbC", "abc"),
            ("urlDecodeUni", "%u003cscript%3e+%uff1c%zz", "<script> <%zz"),
            ("htmlEntityDecode", "&lt;a&#x3e;&#62;&colon;&bogus;&#", "<a>>:&bogus;&#"),
            ("compressWhitespace", "a \t\n b", "a b"),
            ("replaceComments", "un/**/ion/*x", "un ion "),
            ("replaceComments", "/*!50000union*/ select", " union  select"),
            ("removeComments", "un/**/ion", "union"),
            ("normalizePath", "/a/./b//../c/../../../etc/passwd", "/etc/passwd"),
            ("normalizePath", "../../x", "../../x"),
            ("cmdLine", "C^at;  /e\"t\"c/p\\asswd", "cat/etc/passwd"),
            ("length", "abcd", "4"),
            ("base64Decode", "PHNjcmlwdD4=", "<script>"),
            ("removeNulls", "a\0b", "ab"),
            ("removeWhitespace", "a b", "ab"),
        ] {
            let transform = Transform::parse(chain).expect("known");
            let mut buffers = Buffers::default();
            let got = buffers.run(&[transform], input.as_bytes());
            assert_eq!(String::from_utf8_lossy(got), expected, "{chain} {input}");
        }
    }
}
