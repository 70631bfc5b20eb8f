//! One HTTP/1 request head, read strictly before hyper sees it (RFC 9112, RFC 9110): what two servers could read in two ways is refused.
//!
//! hyper by itself lets pass, or settles silently: bare LF, both Content-Length and Transfer-Encoding (it drops the length), several
//! Host, no Host, an absolute target that differs from Host, spaces around names in part. So it is not asked.

use std::ops::Range;

use crate::Limits;

/// Why a request goes no further: the status for the client, the reason for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) why: &'static str,
}

impl Refusal {
    pub(crate) const fn bad(why: &'static str) -> Refusal {
        Refusal { status: 400, why }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Empty,
    Length(u64),
    Chunked,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) framing: Framing,
    /// It asks for another protocol, so what follows may not be HTTP.
    pub(crate) upgrade: bool,
    /// Target, when it holds bytes that belong percent-encoded; browsers and scripts do send them.
    pub(crate) encode: Option<Range<usize>>,
}

/// Stands for a refused head on the way through hyper, so that the answer comes in its turn. A client that sends it is refused.
pub(crate) const REFUSED_METHOD: &str = "BARTIZAN-REFUSED";

/// How far a head was looked at that is not whole yet, so that one byte at a time costs no more than all at once.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Progress {
    seen: usize,
    line_start: usize,
    /// Something else than empty lines was there.
    begun: bool,
}

/// Length of the head with its empty line, `None` when more is needed.
pub(crate) fn find_end(bytes: &[u8], progress: &mut Progress, limits: &Limits) -> Result<Option<usize>, Refusal> {
    for lf in memchr::memchr_iter(b'\n', &bytes[progress.seen..]) {
        let lf = progress.seen + lf;
        if lf == progress.line_start || bytes[lf - 1] != b'\r' {
            return Err(Refusal::bad("bare LF"));
        }
        let is_empty = lf - progress.line_start == 1;
        progress.line_start = lf + 1;
        if !is_empty {
            progress.begun = true;
        } else if progress.begun {
            return if lf < limits.head_bytes_max { Ok(Some(lf + 1)) } else { Err(TOO_LARGE) };
        } else if lf > 3 {
            return Err(Refusal::bad("empty lines instead of a request"));
        }
    }
    progress.seen = bytes.len();
    if bytes.len() >= limits.head_bytes_max { Err(TOO_LARGE) } else { Ok(None) }
}

const TOO_LARGE: Refusal = Refusal { status: 431, why: "head too large" };

/// `head` is what [`find_end`] found.
pub(crate) fn parse(head: &[u8], limits: &Limits) -> Result<Head, Refusal> {
    // RFC 9112 2.2: an empty line or two in front are ignored.
    let mut at = head.iter().position(|b| !matches!(b, b'\r' | b'\n')).unwrap_or(head.len());
    let line = line_at(head, at);
    let request = request_line(line, at, limits)?;
    at += line.len() + 2;

    let mut hosts = 0;
    let mut host: &[u8] = b"";
    let mut length: Option<&[u8]> = None;
    let mut codings = 0;
    let mut asks_upgrade = false;
    let mut names_upgrade = false;
    let mut count = 0;
    loop {
        let line = line_at(head, at);
        if line.is_empty() {
            break;
        }
        at += line.len() + 2;
        count += 1;
        if count > limits.headers_max {
            return Err(Refusal { status: 431, why: "too many headers" });
        }
        if matches!(line[0], b' ' | b'\t') {
            return Err(Refusal::bad("folded header line"));
        }
        if line.iter().fold(false, |bad, &b| bad | ((b < 0x20) & (b != b'\t')) | (b == 0x7f)) {
            return Err(Refusal::bad("control character in a header"));
        }
        let colon = memchr::memchr(b':', line).ok_or(Refusal::bad("header without colon"))?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.is_empty() || !name.iter().fold(true, |ok, &b| ok & is_token(b)) {
            return Err(Refusal::bad("bad header name"));
        }
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => {
                hosts += 1;
                host = value;
            }
            7 if name.eq_ignore_ascii_case(b"upgrade") => names_upgrade = true,
            10 if name.eq_ignore_ascii_case(b"connection") => {
                asks_upgrade |= value.split(|b| *b == b',').any(|t| t.trim_ascii().eq_ignore_ascii_case(b"upgrade"));
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                if length.is_some_and(|earlier| earlier != value) {
                    return Err(Refusal::bad("differing Content-Length"));
                }
                length = Some(value);
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                codings += 1;
                if !value.eq_ignore_ascii_case(b"chunked") || codings > 1 {
                    return Err(Refusal::bad("unknown Transfer-Encoding"));
                }
            }
            _ => {}
        }
    }

    if hosts > 1 {
        return Err(Refusal::bad("several Host"));
    }
    if hosts == 0 && request.is_11 {
        return Err(Refusal::bad("no Host"));
    }
    if hosts == 1 && !is_host(host) {
        return Err(Refusal::bad("bad Host"));
    }
    if hosts == 1 && request.authority.is_some_and(|authority| !authority.eq_ignore_ascii_case(host)) {
        return Err(Refusal::bad("target and Host differ"));
    }
    let framing = match (length, codings) {
        (Some(_), 1) => return Err(Refusal::bad("both Content-Length and Transfer-Encoding")),
        (None, 1) if !request.is_11 => return Err(Refusal::bad("Transfer-Encoding in HTTP/1.0")),
        (None, 1) => Framing::Chunked,
        (Some(digits), _) => match length_of(digits).ok_or(Refusal::bad("bad Content-Length"))? {
            0 => Framing::Empty,
            n => Framing::Length(n),
        },
        (None, _) => Framing::Empty,
    };
    Ok(Head { framing, upgrade: asks_upgrade && names_upgrade && request.is_11, encode: request.encode })
}

struct RequestLine<'a> {
    is_11: bool,
    authority: Option<&'a [u8]>,
    encode: Option<Range<usize>>,
}

fn request_line<'a>(line: &'a [u8], at: usize, limits: &Limits) -> Result<RequestLine<'a>, Refusal> {
    const BAD: Refusal = Refusal::bad("bad request line");
    let space = memchr::memchr(b' ', line).ok_or(BAD)?;
    let (method, rest) = (&line[..space], &line[space + 1..]);
    let space = memchr::memchr(b' ', rest).ok_or(BAD)?;
    let (target, version) = (&rest[..space], &rest[space + 1..]);
    if method.is_empty() || method.len() > 32 || !method.iter().copied().all(is_token) || method == REFUSED_METHOD.as_bytes() {
        return Err(Refusal::bad("bad method"));
    }
    let is_11 = match version {
        b"HTTP/1.1" => true,
        b"HTTP/1.0" => false,
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => {
            return Err(Refusal { status: 505, why: "unknown HTTP version" });
        }
        _ => return Err(BAD),
    };
    if matches!(method, b"CONNECT" | b"TRACE") {
        return Err(Refusal { status: 405, why: "method not for a reverse proxy" });
    }
    if target.len() > limits.uri_bytes_max {
        return Err(Refusal { status: 414, why: "target too long" });
    }
    let mut is_plain = true;
    for &b in target {
        match b {
            0..=0x20 | 0x7f => return Err(Refusal::bad("control character in the target")),
            b'#' => return Err(Refusal::bad("fragment in the target")),
            _ => is_plain &= !needs_encoding(b),
        }
    }
    let authority = match target {
        [b'/', ..] => None,
        b"*" if method == b"OPTIONS" => None,
        _ => {
            let after = strip_prefix_any_case(target, b"http://")
                .or_else(|| strip_prefix_any_case(target, b"https://"))
                .ok_or(Refusal::bad("bad target"))?;
            let end = after.iter().position(|b| matches!(b, b'/' | b'?')).unwrap_or(after.len());
            if !is_host(&after[..end]) {
                return Err(Refusal::bad("bad target"));
            }
            Some(&after[..end])
        }
    };
    let start = at + method.len() + 1;
    Ok(RequestLine { is_11, authority, encode: (!is_plain).then_some(start..start + target.len()) })
}

fn strip_prefix_any_case<'a>(bytes: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    bytes.split_at_checked(prefix.len()).filter(|(head, _)| head.eq_ignore_ascii_case(prefix)).map(|(_, rest)| rest)
}

fn needs_encoding(b: u8) -> bool {
    matches!(b, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'|' | 0x80..)
}

/// The same target with what belongs encoded encoded; nothing is decoded, so it means the same.
pub(crate) fn encoded(target: &[u8]) -> Vec<u8> {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = Vec::with_capacity(target.len() + 32);
    for &b in target {
        if needs_encoding(b) {
            out.extend([b'%', HEX[usize::from(b >> 4)], HEX[usize::from(b & 15)]]);
        } else {
            out.push(b);
        }
    }
    out
}

/// Digits only, at most 18 of them.
fn length_of(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    digits.iter().try_fold(0_u64, |n, b| b.is_ascii_digit().then(|| n * 10 + u64::from(b - b'0')))
}

pub(crate) fn is_host(host: &[u8]) -> bool {
    !host.is_empty()
        && host.len() <= 270
        && host.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'[' | b']' | b'~' | b'%'))
}

fn line_at(head: &[u8], at: usize) -> &[u8] {
    let rest = head.get(at..).unwrap_or_default();
    let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end])
}

const fn is_token(b: u8) -> bool {
    TOKEN[b as usize]
}

/// RFC 9110 section 5.6.2.
static TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut b = 0;
    while b < 128 {
        let c = b as u8;
        table[b] = c.is_ascii_alphanumeric()
            || matches!(c, b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~');
        b += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Result<Option<Head>, Refusal> {
        let limits = Limits::default();
        let mut progress = Progress::default();
        match find_end(text, &mut progress, &limits)? {
            Some(end) => parse(&text[..end], &limits).map(Some),
            None => Ok(None),
        }
    }

    fn check(text: &str, expected: Result<Framing, &str>) {
        let found = read(text.as_bytes()).map(|head| head.expect("a whole head").framing).map_err(|r| r.why);
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn one_reading_or_none() {
        check("GET / HTTP/1.1\r\nHost: a\r\n\r\n", Ok(Framing::Empty));
        check("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Ok(Framing::Empty));
        check("GET / HTTP/1.0\r\n\r\n", Ok(Framing::Empty));
        check("GET http://a.example:80/x HTTP/1.1\r\nHost: A.example:80\r\n\r\n", Ok(Framing::Empty));
        check("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", Ok(Framing::Empty));
        check("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", Ok(Framing::Length(5)));
        check("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", Ok(Framing::Length(5)));
        check("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", Ok(Framing::Chunked));
        for (head, why) in [
            ("GET / HTTP/1.1\nHost: a\r\n\r\n", "bare LF"),
            ("GET / HTTP/1.1\r\nHost: a\n\r\n", "bare LF"),
            ("GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", "control character in a header"),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", "control character in a header"),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", "folded header line"),
            ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", "bad header name"),
            ("GET / HTTP/1.1\r\n: a\r\n\r\n", "bad header name"),
            ("GET / HTTP/1.1\r\nHost\r\n\r\n", "header without colon"),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "several Host"),
            ("GET / HTTP/1.1\r\nX: a\r\n\r\n", "no Host"),
            ("GET / HTTP/1.1\r\nHost:\r\n\r\n", "bad Host"),
            ("GET / HTTP/1.1\r\nHost: a/b@c\r\n\r\n", "bad Host"),
            ("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", "target and Host differ"),
            ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "bad target"),
            ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", "bad target"),
            ("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", "fragment in the target"),
            ("GET /a\0 HTTP/1.1\r\nHost: a\r\n\r\n", "control character in the target"),
            ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "bad request line"),
            ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "bad request line"),
            ("GET /\r\nHost: a\r\n\r\n", "bad request line"),
            ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", "unknown HTTP version"),
            ("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", "bad method"),
            ("BARTIZAN-REFUSED / HTTP/1.1\r\nHost: a\r\n\r\n", "bad method"),
            ("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", "method not for a reverse proxy"),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", "differing Content-Length"),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", "bad Content-Length"),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n", "bad Content-Length"),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", "bad Content-Length"),
            (
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
                "both Content-Length and Transfer-Encoding",
            ),
            ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "unknown Transfer-Encoding"),
            ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", "unknown Transfer-Encoding"),
            ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "unknown Transfer-Encoding"),
            ("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "Transfer-Encoding in HTTP/1.0"),
        ] {
            check(head, Err(why));
        }
    }

    #[test]
    fn one_byte_at_a_time_says_the_same() {
        let text = b"\r\nPOST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
        let limits = Limits::default();
        let mut progress = Progress::default();
        let end = (1..=text.len()).find_map(|n| find_end(&text[..n], &mut progress, &limits).expect("fine"));
        assert_eq!(end, Some(text.len() - 5));
    }

    #[test]
    fn limits_hold() {
        let head = |target: usize, headers: usize| {
            format!("GET /{} HTTP/1.1\r\nHost: a\r\n{}\r\n", "a".repeat(target), "x: y\r\n".repeat(headers))
        };
        let why = |text: String| read(text.as_bytes()).map_err(|r| r.status).err();
        assert_eq!(why(head(16_000, 100)), None);
        assert_eq!(why(head(17_000, 1)), Some(414));
        assert_eq!(why(head(1, 200)), Some(431));
        assert_eq!(why(head(70_000, 1)), Some(431));
        assert_eq!(why("GET / HTTP/1.1\r\nx: ".to_owned() + &"a".repeat(70_000)), Some(431));
    }

    #[test]
    fn targets_are_encoded_where_they_must() {
        let text = "GET /a?q=<b>\"é|%41 HTTP/1.1\r\nHost: a\r\n\r\n";
        let range = read(text.as_bytes()).expect("fine").expect("whole").encode.expect("to encode");
        let target = String::from_utf8(encoded(&text.as_bytes()[range])).expect("text");
        assert_eq!(target, "/a?q=%3Cb%3E%22%C3%A9%7C%41");
        assert!(target.parse::<http::Uri>().is_ok());
    }
}
