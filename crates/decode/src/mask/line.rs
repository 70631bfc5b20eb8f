//! Secrets in a record of any format: what stands behind a name that speaks of one (`password=`, `"api_key":"`, `--token `, `Authorization:`),
//! bearer tokens, private keys, card numbers that add up.
//!
//! One pass of a prefilter over the bytes; a record without any of its words and without a long run of digits costs nothing more and nothing is
//! allocated. Mistaken for a secret: a word of no meaning behind such a name. Not found: a secret that nothing names.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::{MASK, is_secret_name};

/// Every name of [`is_secret_name`] that is worth looking for holds one of these; the last ones are no names.
const WORDS: [&str; 18] = [
    "passw",
    "passphrase",
    "pwd",
    "privatekey",
    "private_key",
    "token",
    "secret",
    "card",
    "cvv",
    "cvc",
    "credential",
    "api-key",
    "api_key",
    "apikey",
    "authorization",
    "cookie",
    "bearer ",
    "-----begin",
];
const BEARER: usize = 16;
const BEGIN: usize = 17;
/// Of a name.
const NAME_BYTES_MAX: usize = 64;
/// Secrets of one record; what follows is masked as a whole.
const SECRETS_MAX: usize = 256;
/// A bearer token is not shorter.
const BEARER_BYTES_MIN: usize = 8;

static FINDER: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let built = AhoCorasick::builder().ascii_case_insensitive(true).build(WORDS);
    built.unwrap_or_else(|error| unreachable!("invariant: eighteen words make an automaton: {error}"))
});

/// A record without its secrets.
#[derive(Debug, PartialEq, Eq)]
pub struct Masked {
    pub bytes: Vec<u8>,
    /// Secrets that were taken out.
    pub count: u32,
}

/// `None`: there is nothing to take out. What was masked is not masked again.
pub fn line(bytes: &[u8]) -> Option<Masked> {
    let found = secrets(bytes);
    if found.is_empty() {
        return None;
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut copied = 0;
    for (secret, quoted) in &found {
        out.extend_from_slice(&bytes[copied..secret.start]);
        out.extend_from_slice(if *quoted { b"\"***\"" } else { MASK.as_bytes() });
        copied = secret.end;
    }
    out.extend_from_slice(&bytes[copied..]);
    Some(Masked { bytes: out, count: found.len() as u32 })
}

/// The same, with as many `*` as the secret had bytes, so that ranges of bytes in it stay right.
pub fn star(bytes: &mut [u8]) {
    for (secret, _) in secrets(bytes) {
        bytes[secret].fill(b'*');
    }
}

/// Whether [`line`] may find something: cheap, and never wrong about a no.
pub fn looks_secret(bytes: &[u8]) -> bool {
    FINDER.is_match(bytes) || has_long_number(bytes)
}

/// In order, not overlapping; whether the mask needs quotes to stay JSON.
fn secrets(bytes: &[u8]) -> Vec<(Range<usize>, bool)> {
    let mut found: Vec<(Range<usize>, bool)> = Vec::new();
    let mut at = 0;
    while let Some(word) = bytes.get(at..).and_then(|rest| FINDER.find(rest)) {
        let (start, end) = (at + word.start(), at + word.end());
        let secret = match word.pattern().as_usize() {
            BEARER => bearer(bytes, end).map(|range| (range, false)),
            BEGIN => private_key(bytes, start, end).map(|range| (range, false)),
            _ => named(bytes, start, end),
        };
        at = end;
        if let Some((range, quoted)) = secret {
            at = range.end.max(end);
            if found.len() >= SECRETS_MAX {
                found.push((range.start..bytes.len(), false));
                break;
            }
            found.push((range, quoted));
        }
    }
    if has_long_number(bytes) {
        let free = |card: &Range<usize>, found: &[(Range<usize>, bool)]| {
            found.iter().all(|(held, _)| card.end <= held.start || held.end <= card.start)
        };
        for card in cards(bytes) {
            if free(&card, &found) {
                found.push((card, false));
            }
        }
        found.sort_by_key(|(range, _)| range.start);
    }
    found
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'[' | b']')
}

/// The value behind a name in which a word stands.
fn named(bytes: &[u8], start: usize, end: usize) -> Option<(Range<usize>, bool)> {
    let low = start.saturating_sub(NAME_BYTES_MAX);
    let from = start - bytes[low..start].iter().rev().take_while(|b| is_name(**b)).count();
    let to = end + bytes[end..].iter().take(NAME_BYTES_MAX).take_while(|b| is_name(**b)).count();
    let name = std::str::from_utf8(&bytes[from..to]).ok()?;
    let is = |one: &str| name.eq_ignore_ascii_case(one);
    let authorization = is("authorization") || is("proxy-authorization");
    let cookie = is("cookie") || is("set-cookie");
    // The end of a path is no name: `/usr/bin/passwd`.
    if from.checked_sub(1).is_some_and(|before| bytes[before] == b'/') || !(authorization || cookie || is_secret_name(name)) {
        return None;
    }
    let skip = |mut at: usize, what: fn(u8) -> bool| {
        while bytes.get(at).is_some_and(|b| what(*b)) {
            at += 1;
        }
        at
    };
    // `name=`, `name: `, `"name" : `, `\"name\":`, `--name `.
    let closed = skip(to, |b| matches!(b, b'"' | b'\'' | b'\\'));
    let json = closed > to;
    let sign = skip(closed, |b| b == b' ');
    let value = match bytes.get(sign) {
        Some(b'=' | b':') => skip(sign + 1, |b| matches!(b, b' ' | b'>')),
        _ if name.starts_with("--") && sign == to + 1 => sign,
        _ => return None,
    };
    let opened = skip(value, |b| b == b'\\');
    let quote = bytes.get(opened).copied().filter(|b| matches!(b, b'"' | b'\''));
    let from = if quote.is_some() { opened + 1 } else { value };
    let rest = bytes.get(from..)?;
    let length = match quote {
        // Within a quoted text the quotes are escaped: the first one ends it.
        Some(quote) if opened > value => rest.iter().position(|b| matches!(b, b'\\') || *b == quote),
        Some(quote) => {
            (0..rest.len()).find(|at| rest[*at] == quote && rest[..*at].iter().rev().take_while(|b| **b == b'\\').count() % 2 == 0)
        }
        None if cookie => rest.iter().position(|b| matches!(b, b'"' | b'\r' | b'\n')),
        None => {
            let scheme = if authorization { scheme(rest) } else { 0 };
            rest[scheme..].iter().position(|b| b.is_ascii_whitespace() || b"&;,\"'})]<|".contains(b)).map(|at| scheme + at)
        }
    };
    let secret = from..from + length.unwrap_or(rest.len());
    let text = &bytes[secret.clone()];
    let is_word = |word: &str| text.eq_ignore_ascii_case(word.as_bytes());
    let is_nothing = text.iter().all(|b| *b == b'*')
        || ["-", "null", "true", "false", "none", "(null)"].iter().any(|word| is_word(word))
        || text.starts_with(b"%%")
        || (quote.is_none() && matches!(text[0], b'{' | b'['))
        // The working directory, as the shell and sudo call it.
        || ((is("pwd") || is("oldpwd")) && text.starts_with(b"/"));
    (!is_nothing).then_some((secret, json && quote.is_none()))
}

/// `Basic `, `Bearer `, ..: the name of a scheme and the space behind it.
fn scheme(value: &[u8]) -> usize {
    let word = value.iter().take_while(|b| b.is_ascii_alphabetic() || **b == b'-').count();
    if (3..=16).contains(&word) && value.get(word) == Some(&b' ') { word + 1 } else { 0 }
}

fn bearer(bytes: &[u8], from: usize) -> Option<Range<usize>> {
    let length = bytes[from..].iter().take_while(|b| b.is_ascii_alphanumeric() || b"-._~+/=".contains(b)).count();
    let token = &bytes[from..from + length];
    // A word of a sentence has no digit.
    (length >= BEARER_BYTES_MIN && token.iter().any(u8::is_ascii_digit)).then_some(from..from + length)
}

fn private_key(bytes: &[u8], start: usize, end: usize) -> Option<Range<usize>> {
    let head = &bytes[end..bytes.len().min(end + 48)];
    let named = memchr::memmem::find(head, b"PRIVATE KEY")?;
    let from = end + named + "PRIVATE KEY".len();
    let stop = memchr::memmem::find(&bytes[from..], b"-----END").map_or(bytes.len(), |at| from + at);
    let past = memchr::memmem::find(&bytes[stop..], b"KEY-----").map_or(bytes.len(), |at| stop + at + "KEY-----".len());
    Some(start..past)
}

const CARD_DIGITS_MIN: usize = 13;
const CARD_DIGITS_MAX: usize = 19;

/// Thirteen digits in a row, with single spaces or dashes between them.
fn has_long_number(bytes: &[u8]) -> bool {
    let (mut digits, mut gap) = (0, false);
    for byte in bytes {
        if byte.is_ascii_digit() {
            (digits, gap) = (digits + 1, false);
            if digits >= CARD_DIGITS_MIN {
                return true;
            }
        } else if digits > 0 && !gap && matches!(byte, b' ' | b'-') {
            gap = true;
        } else {
            (digits, gap) = (0, false);
        }
    }
    false
}

/// Numbers of the issuers' lengths that add up (Luhn): in one run, or in groups of four.
fn cards(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        // A number begins where no word and no other number goes on: amounts and identities with a sign in them are left alone.
        let begins = bytes[at].is_ascii_digit()
            && at
                .checked_sub(1)
                .is_none_or(|before| !bytes[before].is_ascii_alphanumeric() && !matches!(bytes[before], b'.' | b'_' | b'-'));
        if !begins {
            at += 1;
            continue;
        }
        let mut digits = [0_u8; CARD_DIGITS_MAX + 1];
        let (mut count, mut end, mut separator, mut group, mut in_fours) = (0, at, None, 0, true);
        while let Some(byte) = bytes.get(end) {
            if byte.is_ascii_digit() {
                if count <= CARD_DIGITS_MAX {
                    digits[count.min(CARD_DIGITS_MAX)] = byte - b'0';
                }
                (count, group) = (count + 1, group + 1);
            } else if matches!(byte, b' ' | b'-')
                && separator.is_none_or(|held| held == *byte)
                && bytes.get(end + 1).is_some_and(u8::is_ascii_digit)
                && group > 0
            {
                (separator, in_fours, group) = (Some(*byte), in_fours && group == 4, 0);
            } else {
                break;
            }
            end += 1;
        }
        let ends = bytes.get(end).is_none_or(|b| !b.is_ascii_alphanumeric() && *b != b'_');
        if ends && (separator.is_none() || in_fours) && is_card(digits.get(..count).unwrap_or_default()) {
            found.push(at..end);
        }
        at = end.max(at + 1);
    }
    found
}

fn is_card(digits: &[u8]) -> bool {
    let head = |n: usize| digits.iter().take(n).fold(0_u32, |all, digit| all * 10 + u32::from(*digit));
    let issued = match digits.len() {
        13 | 19 => head(1) == 4,
        14 => matches!(head(2), 30 | 36 | 38),
        15 => matches!(head(2), 34 | 37),
        16 => head(1) == 4 || matches!(head(2), 35 | 51..=55 | 65) || (2221..=2720).contains(&head(4)) || head(4) == 6011,
        _ => false,
    };
    let sum: u32 = digits
        .iter()
        .rev()
        .zip([false, true].into_iter().cycle())
        .map(|(digit, twice)| {
            let digit = u32::from(*digit) * if twice { 2 } else { 1 };
            if digit > 9 { digit - 9 } else { digit }
        })
        .sum();
    issued && sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(before: &str, after: &str) {
        let masked = line(before.as_bytes());
        let said = masked.as_ref().map_or(before.to_owned(), |masked| String::from_utf8_lossy(&masked.bytes).into_owned());
        assert_eq!(said, after);
        assert!(masked.is_none() || looks_secret(before.as_bytes()), "the prefilter says no: {before}");
        assert_eq!(line(said.as_bytes()), None, "masked twice: {said}");
        let mut starred = before.as_bytes().to_vec();
        star(&mut starred);
        assert_eq!((starred.len(), starred == before.as_bytes()), (before.len(), masked.is_none()));
    }

    #[test]
    fn named_secrets() {
        check("GET /login?user=eve&password=hunter2%21&go=1 HTTP/1.1", "GET /login?user=eve&password=***&go=1 HTTP/1.1");
        check(r#"{"user":"eve","apiKey" : "a\"b","n":1}"#, r#"{"user":"eve","apiKey" : "***","n":1}"#);
        check(r#"{"access_token":123,"x":null}"#, r#"{"access_token":"***","x":null}"#);
        check(r#"{"msg":"sent {\"client_secret\":\"abc\"}"}"#, r#"{"msg":"sent {\"client_secret\":\"***\"}"}"#);
        check("mysqldump --password hunter2 --host db", "mysqldump --password *** --host db");
        check("tool --token=abc123 run", "tool --token=*** run");
        check("Authorization: Basic dXNlcjpwYXNz\r\nx: y", "Authorization: ***\r\nx: y");
        check("header authorization=\"Bearer abc.def\" end", "header authorization=\"***\" end");
        check("Cookie: sid=1; theme=dark\r\nx: y", "Cookie: ***\r\nx: y");
        check("curl -H 'x: Bearer eyJhbGciOi1.e30.abc'", "curl -H 'x: Bearer ***'");
        check("a DB_PASSWORD='x y' b SECRET=1", "a DB_PASSWORD='***' b SECRET=***");
    }

    #[test]
    fn keys_and_cards() {
        check("before -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- after", "before *** after");
        check("cut -----BEGIN PRIVATE KEY-----\nMIIE", "cut ***");
        check("paid with 4111 1111 1111 1111, thanks", "paid with ***, thanks");
        check("pan=5555555555554444;x", "pan=***;x");
        check("378282246310005", "***");
    }

    #[test]
    fn what_is_no_secret_stays() {
        for text in [
            "Jan  5 10:00:00 web sshd[7]: Failed password for root from 203.0.113.9 port 4711 ssh2",
            "sudo: ada : TTY=pts/0 ; PWD=/home/ada ; USER=root ; COMMAND=/usr/bin/passwd eve",
            "type=SYSCALL exe=\"/usr/bin/passwd\" key=\"auth\"",
            "open /etc/passwd: denied",
            "the bearer of news went home",
            "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
            "TokenElevationType: %%1936",
            r#"{"token":null,"password":{"set":true},"secret":""}"#,
            "at 1767607200000000 us, 4111111111111112, order-4111111111111111, 1.4111111111111111, 41111111111111111111111",
            "from 10.0.0.1 to 2026-01-05 10:00:00 2026-01-06 11:00:00",
            "",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn a_record_of_secrets_only_is_masked_to_its_end() {
        let many = "password=abcdef ".repeat(1_000);
        let masked = line(many.as_bytes()).expect("secrets");
        assert!(!String::from_utf8_lossy(&masked.bytes).contains("abcdef"));
        assert_eq!(masked.count as usize, SECRETS_MAX + 1);
    }
}
