//! The first certificate of a chain that was sent in the clear: names, serial number, validity. Only as much DER as that needs.

use event::network::Tls;
use event::{Text, Time};

use super::cursor::Cursor;
use super::digest;

/// Parts of a name that are shown.
const PARTS_MAX: usize = 16;

/// A TLS Certificate message.
pub(super) fn read(message: &[u8], tls: &mut Tls) {
    let mut cursor = Cursor(message);
    let first = cursor.u24().and_then(|_| cursor.u24()).and_then(|length| cursor.take(length));
    if let Some(der) = first {
        parse(der, tls);
    }
}

/// One DER element: tag and content.
fn element<'a>(cursor: &mut Cursor<'a>) -> Option<(u8, Cursor<'a>)> {
    let tag = cursor.u8()?;
    let length = match cursor.u8()? {
        short @ 0..=0x7f => usize::from(short),
        long @ 0x81..=0x84 => {
            let bytes = cursor.take(usize::from(long & 0x7f))?;
            bytes.iter().fold(0usize, |sum, b| sum << 8 | usize::from(*b))
        }
        _ => return None,
    };
    cursor.take(length).map(|content| (tag, Cursor(content)))
}

fn parse(der: &[u8], tls: &mut Tls) -> Option<()> {
    let (_, mut certificate) = element(&mut Cursor(der))?;
    let (_, mut body) = element(&mut certificate)?;
    let (mut tag, mut serial) = element(&mut body)?;
    if tag == 0xa0 {
        (tag, serial) = element(&mut body)?;
    }
    if tag == 0x02 {
        tls.serial = digest::hex(&serial.0[..serial.0.len().min(32)]).into();
    }
    element(&mut body)?;
    tls.issuer = name(element(&mut body)?.1);
    let (_, mut validity) = element(&mut body)?;
    tls.not_before = element(&mut validity).and_then(|(tag, text)| time(tag, text.0));
    tls.not_after = element(&mut validity).and_then(|(tag, text)| time(tag, text.0));
    tls.subject = name(element(&mut body)?.1);
    Some(())
}

/// `CN=www.example.com,O=Example,C=US`: the last part first, as RFC 4514 writes names.
fn name(mut sets: Cursor<'_>) -> String {
    let mut parts = Vec::new();
    while let Some((_, mut set)) = element(&mut sets) {
        while let Some((_, mut pair)) = element(&mut set) {
            let (Some((_, kind)), Some((tag, value))) = (element(&mut pair), element(&mut pair)) else { break };
            let text = if tag == 0x1e {
                char::decode_utf16(value.words()).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
            } else {
                String::from_utf8_lossy(value.0).into_owned()
            };
            let text: String = text.chars().take(256).collect();
            if parts.len() < PARTS_MAX {
                parts.push(format!("{}={}", attribute(kind.0), text.replace(',', "\\,")));
            }
        }
    }
    parts.reverse();
    parts.join(",")
}

fn attribute(oid: &[u8]) -> Text {
    match oid {
        [0x55, 4, 3] => "CN".into(),
        [0x55, 4, 4] => "SN".into(),
        [0x55, 4, 5] => "serialNumber".into(),
        [0x55, 4, 6] => "C".into(),
        [0x55, 4, 7] => "L".into(),
        [0x55, 4, 8] => "ST".into(),
        [0x55, 4, 9] => "street".into(),
        [0x55, 4, 10] => "O".into(),
        [0x55, 4, 11] => "OU".into(),
        [0x55, 4, 15] => "businessCategory".into(),
        [0x55, 4, 17] => "postalCode".into(),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1] => "emailAddress".into(),
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25] => "DC".into(),
        other => format!("#{}", digest::hex(&other[..other.len().min(16)])).into(),
    }
}

/// UTCTime and GeneralizedTime, which certificates give in UTC.
fn time(tag: u8, text: &[u8]) -> Option<Time> {
    let digits = |from: usize, n: usize| -> Option<u32> { std::str::from_utf8(text.get(from..from + n)?).ok()?.parse().ok() };
    let (year, at) = match tag {
        0x17 => {
            let two = digits(0, 2)?;
            (if two < 50 { 2000 + two } else { 1900 + two }, 2)
        }
        0x18 => (digits(0, 4)?, 4),
        _ => return None,
    };
    let seconds = digits(at + 8, 2).unwrap_or(0);
    Time::from_civil(year as i32, digits(at, 2)?, digits(at + 2, 2)?, digits(at + 4, 2)?, digits(at + 6, 2)?, seconds, 0)
}
