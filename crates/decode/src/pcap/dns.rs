//! DNS messages (RFC 1035 and later types). Compression pointers must point backwards, so that no name can loop.

use event::dns::Answer;
use event::{Dns, Text};

use super::cursor::Cursor;

/// Answers of one message that are kept.
const ANSWERS_MAX: usize = 64;
/// RFC 1035: a name is at most 255 bytes long.
const NAME_BYTES_MAX: usize = 255;
const TEXT_CHARS_MAX: usize = 1_024;

#[derive(Debug)]
pub(super) struct Message {
    pub(super) id: u16,
    pub(super) is_response: bool,
    pub(super) name: String,
    pub(super) kind: Text,
    pub(super) rcode: Text,
    pub(super) answers: Vec<Answer>,
}

/// A message with at most one question, which is what resolvers send; `None` when it is not DNS.
pub(super) fn read(message: &[u8]) -> Option<Message> {
    let mut cursor = Cursor(message);
    let (id, flags) = (cursor.u16()?, cursor.u16()?);
    let (questions, answers) = (cursor.u16()?, cursor.u16()?);
    let (authorities, additional) = (cursor.u16()?, cursor.u16()?);
    let is_response = flags & 0x8000 != 0;
    // Dynamic updates and unknown operations use the sections differently.
    let operation = flags >> 11 & 15;
    let records = u32::from(answers) + u32::from(authorities) + u32::from(additional);
    if operation > 5 || questions > 32 || records > 4_096 {
        return None;
    }
    let mut made = Message {
        id,
        is_response,
        name: String::new(),
        kind: Text::default(),
        rcode: if is_response { rcode(flags & 15) } else { Text::default() },
        answers: Vec::new(),
    };
    for n in 0..questions {
        let name = name(message, &mut cursor)?;
        let kind = cursor.u16()?;
        cursor.u16()?;
        if n == 0 {
            (made.name, made.kind) = (name, kind_name(kind));
        }
    }
    for _ in 0..answers {
        let Some(answer) = record(message, &mut cursor) else { break };
        if made.name.is_empty() && questions == 0 {
            // Multicast announcements ask nothing.
            (made.name, made.kind) = (answer.0, answer.1.kind.clone());
        }
        if made.answers.len() < ANSWERS_MAX {
            made.answers.push(answer.1);
        }
    }
    (questions > 0 || records > 0 || is_response).then_some(made)
}

impl Message {
    /// Fills what the message says into the event of its query.
    pub(super) fn fill(self, dns: &mut Dns) {
        if dns.name.is_empty() {
            (dns.name, dns.kind) = (self.name, self.kind);
        }
        dns.id = Some(self.id);
        if self.is_response {
            dns.rcode = self.rcode;
            dns.answers = self.answers;
        }
    }
}

/// Lower case, without the last dot; bytes that are no visible ASCII are written `\ddd` as in zone files.
fn name<'a>(message: &'a [u8], cursor: &mut Cursor<'a>) -> Option<String> {
    let mut text = String::new();
    let mut at = message.len() - cursor.0.len();
    // Where the name may still be followed to: strictly backwards.
    let mut limit = at;
    let mut jumped = false;
    let mut bytes = 0;
    loop {
        let length = *message.get(at)?;
        match length {
            0 => {
                at += 1;
                break;
            }
            1..=0x3f => {
                let label = message.get(at + 1..at + 1 + usize::from(length))?;
                bytes += label.len() + 1;
                if bytes > NAME_BYTES_MAX {
                    return None;
                }
                if !text.is_empty() {
                    text.push('.');
                }
                for byte in label {
                    match byte {
                        b'.' => text.push_str("\\."),
                        b'!'..=b'~' => text.push(byte.to_ascii_lowercase().into()),
                        other => text.push_str(&format!("\\{other:03}")),
                    }
                }
                at += 1 + usize::from(length);
            }
            0xc0.. => {
                let target = usize::from(u16::from_be_bytes([length & 0x3f, *message.get(at + 1)?]));
                if target >= limit {
                    return None;
                }
                if !jumped {
                    cursor.0 = message.get(at + 2..)?;
                }
                jumped = true;
                (at, limit) = (target, target);
            }
            _ => return None,
        }
    }
    if !jumped {
        cursor.0 = message.get(at..)?;
    }
    Some(text)
}

fn record<'a>(message: &'a [u8], cursor: &mut Cursor<'a>) -> Option<(String, Answer)> {
    let owner = name(message, cursor)?;
    let kind = cursor.u16()?;
    cursor.u16()?;
    let ttl_s = cursor.u32()?;
    let length = usize::from(cursor.u16()?);
    let mut inside = *cursor;
    let data = cursor.take(length)?;
    let text = match (kind, data) {
        (1, [a, b, c, d]) => format!("{a}.{b}.{c}.{d}"),
        (28, data) if data.len() == 16 => {
            let address: [u8; 16] = std::array::from_fn(|i| data[i]);
            std::net::Ipv6Addr::from(address).to_string()
        }
        (2 | 5 | 12 | 39, _) => name(message, &mut inside)?,
        (15, _) => {
            let preference = inside.u16()?;
            format!("{preference} {}", name(message, &mut inside)?)
        }
        (33, _) => {
            let (priority, weight, port) = (inside.u16()?, inside.u16()?, inside.u16()?);
            format!("{priority} {weight} {port} {}", name(message, &mut inside)?)
        }
        (6, _) => format!("{} {}", name(message, &mut inside)?, name(message, &mut inside)?),
        (16 | 99, _) => {
            let mut strings = Cursor(data);
            let mut text = String::new();
            while let Some(one) = strings.short() {
                text.push_str(&String::from_utf8_lossy(one.0));
            }
            text
        }
        (_, data) => super::digest::hex(&data[..data.len().min(TEXT_CHARS_MAX / 2)]),
    };
    Some((owner, Answer { kind: kind_name(kind), data: text.chars().take(TEXT_CHARS_MAX).collect(), ttl_s }))
}

fn rcode(wire: u16) -> Text {
    const NAMES: [&str; 11] =
        ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE"];
    NAMES.get(usize::from(wire)).map_or_else(|| format!("RCODE{wire}").into(), |name| (*name).into())
}

fn kind_name(wire: u16) -> Text {
    let name = match wire {
        1 => "A",
        2 => "NS",
        5 => "CNAME",
        6 => "SOA",
        10 => "NULL",
        12 => "PTR",
        13 => "HINFO",
        15 => "MX",
        16 => "TXT",
        17 => "RP",
        24 => "SIG",
        25 => "KEY",
        28 => "AAAA",
        29 => "LOC",
        33 => "SRV",
        35 => "NAPTR",
        39 => "DNAME",
        41 => "OPT",
        43 => "DS",
        44 => "SSHFP",
        46 => "RRSIG",
        47 => "NSEC",
        48 => "DNSKEY",
        50 => "NSEC3",
        51 => "NSEC3PARAM",
        52 => "TLSA",
        64 => "SVCB",
        65 => "HTTPS",
        99 => "SPF",
        249 => "TKEY",
        250 => "TSIG",
        251 => "IXFR",
        252 => "AXFR",
        255 => "ANY",
        257 => "CAA",
        other => return format!("TYPE{other}").into(),
    };
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: [u8; 12] = [0x12, 0x34, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0];

    #[test]
    fn a_question_and_its_compressed_answer() {
        let mut message = HEAD.to_vec();
        message.extend(b"\x03WwW\x07example\x03com\x00\x00\x01\x00\x01");
        message.extend(b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x07");
        let read = read(&message).expect("a message");
        assert_eq!((read.name.as_str(), read.kind.as_str(), read.rcode.as_str()), ("www.example.com", "A", "NOERROR"));
        assert_eq!(read.answers, [Answer { kind: "A".into(), data: "192.0.2.7".into(), ttl_s: 60 }]);
    }

    #[test]
    fn loops_and_forward_pointers_are_refused() {
        for name in [&b"\xc0\x0c"[..], b"\x01a\xc0\x0c", b"\xc0\x20", b"\x40a\x00"] {
            let mut message = HEAD.to_vec();
            message.extend(name);
            message.extend([0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            assert!(read(&message).is_none(), "{name:x?}");
        }
    }
}
