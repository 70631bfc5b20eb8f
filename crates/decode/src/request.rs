//! One HTTP request to the list of values that rules and models look at.
//!
//! Every value knows its target (`ARGS:q`), its bytes after decoding and its byte range in the *raw request text*, so that a page can
//! mark what matched. The raw request text is `METHOD SP target SP version CRLF`, `name: value CRLF` for each header, `CRLF`, body:
//! [`Parts::raw`] writes it. Spans always lie inside it.
//!
//! Bounds: [`VALUES_MAX`] values, [`TEXT_MAX`] decoded bytes, JSON depth [`json::DEPTH_MAX`]. At a bound, what was read stays, and [`Values::cut`]
//! says so. One pass; nothing is allocated once a [`Values`] has grown to the size of ordinary traffic.

use std::fmt;
use std::ops::Range;

use event::{Http, Text};

pub mod json;
pub mod multipart;
pub mod origin;
pub mod urlencoded;
mod xml;

/// At most this many values a request.
pub const VALUES_MAX: usize = 10_000;
/// At most this many decoded bytes a request.
pub const TEXT_MAX: usize = 8 << 20;

/// One request as it came. With `headers` empty (an access log) the named ones stand in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Parts<'a> {
    pub method: &'a str,
    /// Path and query as sent.
    pub target: &'a str,
    pub version: &'a str,
    pub headers: &'a [(Text, String)],
    pub host: &'a str,
    pub user_agent: &'a str,
    pub referrer: &'a str,
    pub content_type: &'a str,
    pub body: &'a [u8],
}

impl<'a> From<&'a Http> for Parts<'a> {
    fn from(http: &'a Http) -> Parts<'a> {
        Parts {
            method: &http.method,
            target: &http.target,
            version: &http.version,
            headers: &http.headers,
            host: &http.host,
            user_agent: &http.user_agent,
            referrer: &http.referrer,
            content_type: &http.content_type,
            body: http.body.as_deref().unwrap_or_default(),
        }
    }
}

impl<'a> Parts<'a> {
    /// Headers with a value, in the order of the raw request text.
    pub fn headers(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let named = if self.headers.is_empty() {
            [("host", self.host), ("user-agent", self.user_agent), ("referer", self.referrer), ("content-type", self.content_type)]
        } else {
            [("", ""); 4]
        };
        let sent = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        sent.chain(named.into_iter().filter(|(_, value)| !value.is_empty()))
    }

    pub fn content_type(&self) -> &'a str {
        if !self.content_type.is_empty() {
            return self.content_type;
        }
        self.headers().find(|(name, _)| name.eq_ignore_ascii_case("content-type")).map_or("", |(_, value)| value)
    }

    /// What stands before the version in the raw text.
    pub fn protocol(&self) -> &'static str {
        if self.version.is_empty() || self.version.starts_with("HTTP") { "" } else { "HTTP/" }
    }

    /// The raw request text, at most `bytes_max` of it.
    pub fn raw(&self, bytes_max: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes_max.min(512 + self.target.len() + self.body.len()));
        for part in [self.method, " ", self.target, " ", self.protocol(), self.version, "\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
        for (name, value) in self.headers() {
            for part in [name, ": ", value, "\r\n"] {
                out.extend_from_slice(part.as_bytes());
            }
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.body[..self.body.len().min(bytes_max)]);
        out.truncate(bytes_max);
        out
    }

    /// Where the target stands in the raw request text.
    pub fn target_at(&self) -> usize {
        self.method.len() + 1
    }
}

/// What part of a request a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Target {
    Method,
    /// The request target as sent.
    Uri,
    /// The query as sent, without `?`.
    Query,
    /// The path, percent-decoded once.
    Path,
    /// A path segment that holds more than plain file-name characters.
    Segment,
    ArgName,
    Arg,
    /// A JSON string or number; its name is a JSON pointer.
    Json,
    /// A text or attribute value of an XML body.
    Xml,
    CookieName,
    Cookie,
    Header,
    /// A body that is neither form, JSON nor multipart, or that could not be read as what it claims to be.
    Body,
    /// File name of an upload.
    File,
    /// First bytes of an upload.
    FileBody,
}

impl Target {
    pub const COUNT: usize = 15;

    /// `ARGS`, `HEADER`, .. as shown to people.
    pub const fn word(self) -> &'static str {
        match self {
            Target::Method => "METHOD",
            Target::Uri => "URI",
            Target::Query => "QUERY",
            Target::Path | Target::Segment => "PATH",
            Target::ArgName => "ARGS_NAMES",
            Target::Arg => "ARGS",
            Target::Json => "JSON",
            Target::Xml => "XML",
            Target::CookieName => "COOKIES_NAMES",
            Target::Cookie => "COOKIE",
            Target::Header => "HEADER",
            Target::Body => "BODY",
            Target::File => "FILES",
            Target::FileBody => "FILES_CONTENT",
        }
    }

    /// One bit a target.
    pub const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// One value of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value<'v> {
    pub target: Target,
    /// Name of the parameter, header, cookie or field; JSON pointer; empty where there is none.
    pub name: &'v [u8],
    pub decoded: &'v [u8],
    /// Byte range in the raw request text.
    pub start: usize,
    pub end: usize,
}

/// `ARGS:q`
impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.target.word())?;
        if self.name.is_empty() || matches!(self.target, Target::ArgName | Target::CookieName) {
            return Ok(());
        }
        write!(f, ":{}", String::from_utf8_lossy(&self.name[..self.name.len().min(64)]))
    }
}

#[derive(Clone, Debug)]
struct Slot {
    target: Target,
    name: Range<u32>,
    decoded: Range<u32>,
    raw: Range<u32>,
}

/// The values of one request; reused from request to request.
#[derive(Clone, Debug, Default)]
pub struct Values {
    slots: Vec<Slot>,
    text: Vec<u8>,
    pointer: Vec<u8>,
    cut: bool,
}

impl Values {
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// A bound was met: not everything was read.
    pub fn cut(&self) -> bool {
        self.cut
    }

    pub fn at(&self, index: usize) -> Option<Value<'_>> {
        self.slots.get(index).map(|slot| self.value(slot))
    }

    pub fn iter(&self) -> impl Iterator<Item = Value<'_>> {
        self.slots.iter().map(|slot| self.value(slot))
    }

    pub fn clear(&mut self) {
        self.slots.clear();
        self.text.clear();
        self.pointer.clear();
        self.cut = false;
    }

    fn value<'v>(&'v self, slot: &Slot) -> Value<'v> {
        let text = |r: &Range<u32>| &self.text[r.start as usize..r.end as usize];
        let (name, decoded) = (text(&slot.name), text(&slot.decoded));
        Value { target: slot.target, name, decoded, start: slot.raw.start as usize, end: slot.raw.end as usize }
    }

    /// Is there room for another value of at most `bytes`?
    fn room(&mut self, bytes: usize) -> bool {
        let fits = self.slots.len() < VALUES_MAX && self.text.len() + bytes <= TEXT_MAX;
        self.cut |= !fits;
        fits
    }

    /// Writes through `write` into the arena and says where.
    fn write(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Range<u32> {
        let start = self.text.len();
        write(&mut self.text);
        start as u32..self.text.len() as u32
    }

    fn push(&mut self, target: Target, name: Range<u32>, decoded: Range<u32>, raw: Range<usize>) {
        self.slots.push(Slot { target, name, decoded, raw: raw.start as u32..raw.end as u32 });
    }

    /// A value that needs no decoding.
    fn plain(&mut self, target: Target, name: &str, value: &[u8], at: usize) {
        if value.is_empty() || !self.room(name.len() + value.len()) {
            return;
        }
        let name = self.write(|text| text.extend(name.bytes().map(|b| b.to_ascii_lowercase())));
        let decoded = self.write(|text| text.extend_from_slice(value));
        self.push(target, name, decoded, at..at + value.len());
    }
}

/// Reads the values of one request into `out`, whatever stood there before.
pub fn values(parts: &Parts<'_>, out: &mut Values) {
    out.clear();
    if parts.target.len() + parts.body.len() > TEXT_MAX {
        out.cut = true;
        return;
    }
    out.plain(Target::Method, "", parts.method.as_bytes(), 0);
    let at = parts.target_at();
    out.plain(Target::Uri, "", parts.target.as_bytes(), at);
    let (path, query) = parts.target.split_once('?').unwrap_or((parts.target, ""));
    urlencoded::path(path.as_bytes(), at, out);
    if !query.is_empty() {
        let at = at + path.len() + 1;
        out.plain(Target::Query, "", query.as_bytes(), at);
        urlencoded::pairs(query.as_bytes(), at, out);
    }
    let mut at = at + parts.target.len() + 1 + parts.protocol().len() + parts.version.len() + 2;
    for (name, value) in parts.headers() {
        let value_at = at + name.len() + 2;
        if name.eq_ignore_ascii_case("cookie") {
            urlencoded::cookies(value.as_bytes(), value_at, out);
        } else {
            out.plain(Target::Header, name, value.as_bytes(), value_at);
        }
        at = value_at + value.len() + 2;
    }
    body(parts, at + 2, out);
}

fn body(parts: &Parts<'_>, at: usize, out: &mut Values) {
    if parts.body.is_empty() {
        return;
    }
    let kind = parts.content_type();
    let is = |word: &str| kind.as_bytes().windows(word.len()).any(|w| w.eq_ignore_ascii_case(word.as_bytes()));
    let read = if is("x-www-form-urlencoded") {
        urlencoded::pairs(parts.body, at, out);
        true
    } else if is("json") {
        json::values(parts.body, at, out)
    } else if is("multipart/") {
        multipart::values(kind, parts.body, at, out)
    } else if matches!(parts.body.iter().find(|b| !b.is_ascii_whitespace()), Some(b'{' | b'[')) {
        json::values(parts.body, at, out)
    } else {
        if is("xml") {
            xml::values(parts.body, at, out);
        }
        false
    };
    if !read {
        out.plain(Target::Body, "", parts.body, at);
    }
}

#[cfg(test)]
mod tests;
