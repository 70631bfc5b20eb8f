//! A record's bytes to cells and a rest, and back to the same bytes.
//!
//! The rest is the record (MessagePack) with a placeholder where a value went into a column: the byte 0xc1, which MessagePack never uses, and
//! the number of the column. Most records of a source have the same rest, so that a dictionary stores it in less than a byte. Nothing here
//! knows the types of `event`: what a newer or older version wrote comes back bit for bit, and so do the hashes over it.
//!
//! Only values in the shortest form of MessagePack are cut out, because only that form comes back; the rest stays where it is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use event::Uid;

use super::column::{self, Kind};

/// No value begins with this byte.
const PLACEHOLDER: u8 = 0xc1;
/// Stands for the event's name when it follows from source and record, or from its offset.
const UID_OF_RECORD: u8 = 0xff;
const UID_OF_OFFSET: u8 = 0xfe;
/// First byte of a rest: a whole record, or one with placeholders.
const WHOLE: u8 = 0;
const CUT: u8 = 1;
/// As `engine` names what Bartizan makes itself.
const OWN: &str = "bartizan";

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Cell<'a> {
    #[default]
    Null,
    Text(&'a str),
    Address(IpAddr),
    Number(i64),
    Float(f32),
    Bytes(&'a [u8]),
}

#[derive(Default)]
struct Node {
    key: &'static str,
    below: Vec<Node>,
    column: Option<u8>,
}

/// Where in a record columns come from, as a tree of keys.
static PLACES: LazyLock<Node> = LazyLock::new(|| {
    let mut root = Node::default();
    for (number, column) in column::ALL.iter().enumerate() {
        for place in column.places {
            let mut node = &mut root;
            for key in place.split('.') {
                let at = node.below.iter().position(|n| n.key == key).unwrap_or_else(|| {
                    node.below.push(Node { key, ..Node::default() });
                    node.below.len() - 1
                });
                node = &mut node.below[at];
            }
            node.column = Some(number as u8);
        }
    }
    root
});

/// Cuts the record at `offset` up. `cells` has one place for each column of [`column::ALL`]; what was in it is overwritten. The rest is
/// added to `rest`.
pub(crate) fn split<'a>(payload: &'a [u8], offset: u64, cells: &mut [Cell<'a>], rest: &mut Vec<u8>) {
    let start = rest.len();
    cells.fill(Cell::Null);
    rest.push(CUT);
    let mut cut = Cut { payload, at: 0, copied: 0, cells, rest, uid: None };
    let whole = cut.node(&PLACES).is_some() && cut.at == payload.len();
    if whole {
        let uid = cut.uid;
        cut.copy();
        if let Some((place, uid)) = uid {
            name(place, uid, offset, cells, rest);
        }
        return;
    }
    rest.truncate(start);
    cells.fill(Cell::Null);
    rest.push(WHOLE);
    rest.extend_from_slice(payload);
}

/// Puts a placeholder where the event's name stood, when the name follows from what is in the columns.
fn name(place: usize, uid: &[u8], offset: u64, cells: &[Cell<'_>], rest: &mut Vec<u8>) {
    let text = |name: &str| column::place(name).map_or("", |c| if let Cell::Text(text) = cells[c] { text } else { "" });
    let number = |name: &str| column::place(name).map_or(0, |c| if let Cell::Number(n) = cells[c] { n } else { 0 });
    let by = if uid == uid_bytes(Uid::of_record(text("source"), number("record").cast_unsigned())) {
        UID_OF_RECORD
    } else if uid == uid_bytes(Uid::of_record(OWN, offset)) {
        UID_OF_OFFSET
    } else {
        return;
    };
    rest.splice(place..place + uid.len(), [PLACEHOLDER, by]);
}

fn uid_bytes(uid: Uid) -> Vec<u8> {
    rmp_serde::to_vec(&uid).unwrap_or_default()
}

struct Cut<'a, 'c> {
    payload: &'a [u8],
    at: usize,
    /// Everything before is in `rest`.
    copied: usize,
    cells: &'c mut [Cell<'a>],
    rest: &'c mut Vec<u8>,
    /// Where in `rest` the event's name stands, and its bytes.
    uid: Option<(usize, &'a [u8])>,
}

impl<'a> Cut<'a, '_> {
    fn copy(&mut self) {
        self.rest.extend_from_slice(&self.payload[self.copied..self.at]);
        self.copied = self.at;
    }

    /// Walks over the value at `at`. `None`: this is not MessagePack.
    fn node(&mut self, node: &Node) -> Option<()> {
        if let Some(column) = node.column {
            let start = self.at;
            if let Some((cell, end)) = value(column::ALL[usize::from(column)].kind, self.payload, start)
                && self.cells[usize::from(column)] == Cell::Null
            {
                self.copy();
                self.rest.extend_from_slice(&[PLACEHOLDER, column]);
                self.cells[usize::from(column)] = cell;
                (self.at, self.copied) = (end, end);
                return Some(());
            }
        }
        if node.below.is_empty() {
            self.at = skip(self.payload, self.at)?;
            return Some(());
        }
        let Some((entries, next)) = map_head(self.payload, self.at) else {
            self.at = skip(self.payload, self.at)?;
            return Some(());
        };
        self.at = next;
        for _ in 0..entries {
            let (key, next) = text(self.payload, self.at)?;
            self.at = next;
            match node.below.iter().find(|n| n.key == key) {
                Some(below) => self.node(below)?,
                None => {
                    let start = self.at;
                    self.at = skip(self.payload, start)?;
                    if key == "uid" && node.key == "meta" {
                        self.at = start;
                        self.copy();
                        self.at = skip(self.payload, start)?;
                        self.uid = Some((self.rest.len(), &self.payload[start..self.at]));
                        self.copy();
                    }
                }
            }
        }
        Some(())
    }
}

/// Puts the record together again, behind what is in `out`. False when the rest is damaged; `out` is as before then.
pub(crate) fn splice<'c>(rest: &[u8], offset: u64, cell: &dyn Fn(u8) -> Cell<'c>, out: &mut Vec<u8>) -> bool {
    match rest.split_first() {
        Some((&WHOLE, payload)) => {
            out.extend_from_slice(payload);
            true
        }
        Some((&CUT, rest)) => {
            let start = out.len();
            let done = join(rest, offset, cell, out).is_some();
            if !done {
                out.truncate(start);
            }
            done
        }
        _ => false,
    }
}

fn join<'c>(rest: &[u8], offset: u64, cell: &dyn Fn(u8) -> Cell<'c>, out: &mut Vec<u8>) -> Option<()> {
    let (mut at, mut copied, mut open) = (0, 0, 1u64);
    while open > 0 {
        if rest.get(at) == Some(&PLACEHOLDER) {
            out.extend_from_slice(rest.get(copied..at)?);
            match *rest.get(at + 1)? {
                UID_OF_OFFSET => out.extend_from_slice(&uid_bytes(Uid::of_record(OWN, offset))),
                UID_OF_RECORD => {
                    let source = column::place("source").map(|c| cell(c as u8));
                    let source = if let Some(Cell::Text(source)) = source { source } else { "" };
                    let record = column::place("record").map(|c| cell(c as u8));
                    let record = if let Some(Cell::Number(record)) = record { record } else { 0 };
                    out.extend_from_slice(&uid_bytes(Uid::of_record(source, record.cast_unsigned())));
                }
                column => write(cell(column), out)?,
            }
            (at, copied, open) = (at + 2, at + 2, open - 1);
            continue;
        }
        let (size, below) = head(rest, at)?;
        at = at.checked_add(size).filter(|at| *at <= rest.len())?;
        open = (open - 1).checked_add(below)?;
    }
    out.extend_from_slice(rest.get(copied..)?);
    (at == rest.len()).then_some(())
}

/// Bytes of the value at `at` without the values inside it, and the number of those.
fn head(bytes: &[u8], at: usize) -> Option<(usize, u64)> {
    let first = *bytes.get(at)?;
    let length = |width: usize| -> Option<usize> {
        let bytes = bytes.get(at + 1..at + 1 + width)?;
        Some(bytes.iter().fold(0usize, |sum, byte| sum << 8 | usize::from(*byte)))
    };
    Some(match first {
        0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => (1, 0),
        0x80..=0x8f => (1, 2 * u64::from(first & 15)),
        0x90..=0x9f => (1, u64::from(first & 15)),
        0xa0..=0xbf => (1 + usize::from(first & 31), 0),
        0xc4 | 0xd9 => (2 + length(1)?, 0),
        0xc5 | 0xda => (3 + length(2)?, 0),
        0xc6 | 0xdb => (5 + length(4)?, 0),
        0xc7 => (3 + length(1)?, 0),
        0xc8 => (4 + length(2)?, 0),
        0xc9 => (6 + length(4)?, 0),
        0xcc | 0xd0 => (2, 0),
        0xcd | 0xd1 | 0xd4 => (3, 0),
        0xd5 => (4, 0),
        0xca | 0xce | 0xd2 => (5, 0),
        0xd6 => (6, 0),
        0xcb | 0xcf | 0xd3 => (9, 0),
        0xd7 => (10, 0),
        0xd8 => (18, 0),
        0xdc => (3, length(2)? as u64),
        0xdd => (5, length(4)? as u64),
        0xde => (3, 2 * length(2)? as u64),
        0xdf => (5, 2 * length(4)? as u64),
        PLACEHOLDER => return None,
    })
}

/// Behind the value at `at`, whatever is in it.
fn skip(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut open = 1u64;
    while open > 0 {
        let (size, below) = head(bytes, at)?;
        at = at.checked_add(size).filter(|at| *at <= bytes.len())?;
        open = (open - 1).checked_add(below)?;
    }
    Some(at)
}

fn map_head(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    match *bytes.get(at)? {
        0x80..=0x8f | 0xde | 0xdf => head(bytes, at).map(|(size, below)| (below / 2, at + size)),
        _ => None,
    }
}

fn text(bytes: &[u8], at: usize) -> Option<(&str, usize)> {
    let prefix = match *bytes.get(at)? {
        0xa0..=0xbf => 1,
        0xd9 => 2,
        0xda => 3,
        0xdb => 5,
        _ => return None,
    };
    let (size, _) = head(bytes, at)?;
    let text = std::str::from_utf8(bytes.get(at + prefix..at + size)?).ok()?;
    Some((text, at + size))
}

/// The value at `at` when it is of this kind and [`write()`] makes the same bytes of it, and the place behind it.
fn value(kind: Kind, bytes: &[u8], at: usize) -> Option<(Cell<'_>, usize)> {
    let first = *bytes.get(at)?;
    match kind {
        Kind::Text => {
            let (text, end) = text(bytes, at)?;
            let shortest = end - at == text_head(text.len()) + text.len();
            (shortest && !text.is_empty()).then_some((Cell::Text(text), end))
        }
        Kind::Bytes => {
            let prefix = match first {
                0xc4 => 2,
                0xc5 => 3,
                0xc6 => 5,
                _ => return None,
            };
            let (size, _) = head(bytes, at)?;
            let inner = bytes.get(at + prefix..at + size)?;
            let shortest = prefix == bytes_head(inner.len());
            (shortest && !inner.is_empty()).then_some((Cell::Bytes(inner), at + size))
        }
        Kind::Time | Kind::Number => {
            let (size, 0) = head(bytes, at)? else { return None };
            let inner = bytes.get(at + 1..at + size)?;
            let unsigned = inner.iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
            let number = match first {
                0x00..=0x7f => i64::from(first),
                0xe0..=0xff => i64::from(first.cast_signed()),
                0xcc..=0xcf => i64::try_from(unsigned).ok()?,
                0xd0 => i64::from((unsigned as u8).cast_signed()),
                0xd1 => i64::from((unsigned as u16).cast_signed()),
                0xd2 => i64::from((unsigned as u32).cast_signed()),
                0xd3 => unsigned.cast_signed(),
                _ => return None,
            };
            let mut again = Vec::with_capacity(9);
            write_number(number, &mut again);
            (bytes.get(at..at + size)? == again).then_some((Cell::Number(number), at + size))
        }
        Kind::Float => {
            let four: [u8; 4] = bytes.get(at + 1..at + 5)?.try_into().ok()?;
            (first == 0xca).then(|| (Cell::Float(f32::from_be_bytes(four)), at + 5))
        }
        Kind::Address => {
            let end = skip(bytes, at)?;
            let ip = address(bytes.get(at..end)?)?;
            let mut again = Vec::with_capacity(40);
            write(Cell::Address(ip), &mut again)?;
            (bytes.get(at..end)? == again).then_some((Cell::Address(ip), end))
        }
    }
}

/// `{"V4": [203, 0, 113, 9]}`, as serde writes it where nobody reads along.
fn address(bytes: &[u8]) -> Option<IpAddr> {
    let numbers = |from: usize, count: usize| -> Option<Vec<u8>> {
        let mut at = from;
        let mut all = Vec::with_capacity(count);
        for _ in 0..count {
            match *bytes.get(at)? {
                byte @ 0x00..=0x7f => (all.push(byte), at += 1),
                0xcc => (all.push(*bytes.get(at + 1)?), at += 2),
                _ => return None,
            };
        }
        (at == bytes.len()).then_some(all)
    };
    let (variant, at) = text(bytes, 1)?;
    match (*bytes.first()?, variant, *bytes.get(at)?) {
        (0x81, "V4", 0x94) => <[u8; 4]>::try_from(numbers(at + 1, 4)?).ok().map(|four| Ipv4Addr::from(four).into()),
        (0x81, "V6", 0xdc) if bytes.get(at..at + 3)? == [0xdc, 0, 16] => {
            <[u8; 16]>::try_from(numbers(at + 3, 16)?).ok().map(|all| Ipv6Addr::from(all).into())
        }
        _ => None,
    }
}

const fn text_head(length: usize) -> usize {
    match length {
        0..32 => 1,
        32..256 => 2,
        256..65_536 => 3,
        _ => 5,
    }
}

const fn bytes_head(length: usize) -> usize {
    match length {
        0..256 => 2,
        256..65_536 => 3,
        _ => 5,
    }
}

fn write(cell: Cell<'_>, out: &mut Vec<u8>) -> Option<()> {
    match cell {
        // The file lost it, or belongs to another column.
        Cell::Null => return None,
        Cell::Text(text) => {
            match text_head(text.len()) {
                1 => out.push(0xa0 | text.len() as u8),
                2 => out.extend_from_slice(&[0xd9, text.len() as u8]),
                3 => (out.push(0xda), out.extend_from_slice(&(text.len() as u16).to_be_bytes())).1,
                _ => (out.push(0xdb), out.extend_from_slice(&(text.len() as u32).to_be_bytes())).1,
            }
            out.extend_from_slice(text.as_bytes());
        }
        Cell::Bytes(bytes) => {
            match bytes_head(bytes.len()) {
                2 => out.extend_from_slice(&[0xc4, bytes.len() as u8]),
                3 => (out.push(0xc5), out.extend_from_slice(&(bytes.len() as u16).to_be_bytes())).1,
                _ => (out.push(0xc6), out.extend_from_slice(&(bytes.len() as u32).to_be_bytes())).1,
            }
            out.extend_from_slice(bytes);
        }
        Cell::Number(number) => write_number(number, out),
        Cell::Float(float) => {
            out.push(0xca);
            out.extend_from_slice(&float.to_be_bytes());
        }
        Cell::Address(ip) => {
            out.push(0x81);
            let octets = |all: &[u8], out: &mut Vec<u8>| all.iter().for_each(|octet| write_number(i64::from(*octet), out));
            match ip {
                IpAddr::V4(v4) => {
                    out.extend_from_slice(b"\xa2V4\x94");
                    octets(&v4.octets(), out);
                }
                IpAddr::V6(v6) => {
                    out.extend_from_slice(b"\xa2V6\xdc\x00\x10");
                    octets(&v6.octets(), out);
                }
            }
        }
    }
    Some(())
}

/// The shortest form; numbers that are not negative without a sign.
fn write_number(number: i64, out: &mut Vec<u8>) {
    match number {
        0..=0x7f => out.push(number as u8),
        -32..0 => out.push((number as i8).cast_unsigned()),
        0x80..=0xff => out.extend_from_slice(&[0xcc, number as u8]),
        0x100..=0xffff => (out.push(0xcd), out.extend_from_slice(&(number as u16).to_be_bytes())).1,
        0x1_0000..=0xffff_ffff => (out.push(0xce), out.extend_from_slice(&(number as u32).to_be_bytes())).1,
        0x1_0000_0000.. => (out.push(0xcf), out.extend_from_slice(&number.to_be_bytes())).1,
        -0x80..-32 => out.extend_from_slice(&[0xd0, (number as i8).cast_unsigned()]),
        -0x8000..-0x80 => (out.push(0xd1), out.extend_from_slice(&(number as i16).to_be_bytes())).1,
        -0x8000_0000..-0x8000 => (out.push(0xd2), out.extend_from_slice(&(number as i32).to_be_bytes())).1,
        ..-0x8000_0000 => (out.push(0xd3), out.extend_from_slice(&number.to_be_bytes())).1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::{Authentication, Body, Bytes, Event, Http, Meta, Text, Time, Verdict};
    use proptest::prelude::*;
    use serde::Serialize;

    fn encode(event: &Event) -> Vec<u8> {
        let mut out = Vec::new();
        event.serialize(&mut rmp_serde::Serializer::new(&mut out).with_struct_map()).expect("invariant: an event can be encoded");
        out
    }

    /// Number of cells that were cut out, and the length of the rest.
    fn there_and_back(payload: &[u8], offset: u64) -> (usize, usize) {
        let mut cells = vec![Cell::Null; column::ALL.len()];
        let mut rest = Vec::new();
        split(payload, offset, &mut cells, &mut rest);
        let mut again = Vec::new();
        assert!(splice(&rest, offset, &|column| cells[usize::from(column)], &mut again));
        assert_eq!(again, payload);
        (cells.iter().filter(|cell| **cell != Cell::Null).count(), rest.len())
    }

    fn request() -> Event {
        let http = Http {
            client: Some("203.0.113.200".parse().expect("an address")),
            method: Text::const_new("GET"),
            target: "/search?q=1".into(),
            status: Some(404),
            response_bytes: Some(70_000),
            verdict: Some(Verdict::WouldBlock),
            score: 0.25,
            ..Http::default()
        };
        let meta = Meta {
            uid: Uid::of_record("access.log", 7),
            time: Time::from_s(1_769_860_800),
            logged: Time::from_s(1_769_860_801),
            source: Text::const_new("access.log"),
            record: 7,
            format: Text::const_new("clf"),
            ..Meta::default()
        };
        Event::new(meta, Body::Http(Box::new(http)), Bytes::from(&b"203.0.113.200 - - GET"[..]))
    }

    #[test]
    fn a_request_goes_into_columns_and_comes_back() {
        let event = request();
        let (cells, rest) = there_and_back(&encode(&event), 9);
        assert_eq!(cells, 13, "time, logged, source, record, format, src_ip, method, target, status, bytes_out, verdict, score, raw");
        let mut other = event;
        other.meta.uid = Uid::of_record("elsewhere", 1);
        let (_, longer) = there_and_back(&encode(&other), 9);
        assert_eq!(longer, rest - 2 + 19, "a name that follows from nothing is kept");
        other.meta.uid = Uid::of_record(OWN, 9);
        assert_eq!(there_and_back(&encode(&other), 9).1, rest);
    }

    #[test]
    fn what_is_no_messagepack_is_kept_whole() {
        for bytes in [
            &b""[..],
            b"\xc1",
            b"\x82\xa4meta",
            b"{\"json\":1}",
            b"\x81\xa4meta\x81\xa4time\xcf\0\0\0\0\0\0\0\x05",
            b"\x81\xa4meta\xc0\xc0",
        ] {
            there_and_back(bytes, 0);
        }
        for rest in [&b""[..], b"\x01", b"\x01\xc1", b"\x01\xc1\x63", b"\x01\x81\xc1\x27", b"\x07\xc0", b"\x01\xc0\xc0"] {
            assert!(!splice(rest, 0, &|_| Cell::Null, &mut Vec::new()), "{rest:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_come_back(payload in prop::collection::vec(any::<u8>(), 0..200), offset: u64) {
            there_and_back(&payload, offset);
        }

        #[test]
        fn any_event_comes_back(time: i64, logged: i64, record: u64, source in ".{0,40}", user in ".{0,300}", client: std::net::IpAddr,
            port: Option<u16>, raw in prop::collection::vec(any::<u8>(), 0..300), flip in 0usize..4_000, to: u8) {
            let auth = Authentication { user: user.into(), client: Some(client), client_port: port, ..Authentication::default() };
            let meta = Meta { time: Time::from_us(time), logged: Time::from_us(logged), record, source: source.into(), ..Meta::default() };
            let mut payload = encode(&Event::new(meta, Body::Authentication(Box::new(auth)), raw.into()));
            there_and_back(&payload, record);
            let at = flip % payload.len();
            payload[at] = to;
            there_and_back(&payload, record);
        }

        #[test]
        fn a_damaged_rest_does_no_harm(rest in prop::collection::vec(any::<u8>(), 0..200)) {
            splice(&rest, 1, &|_| Cell::Number(4), &mut Vec::new());
        }
    }
}
