//! Messages of Cisco devices: `172.16.5.10 6705: Feb 17 13:40:03.673: %PARSER-5-CFGLOG_LOGGEDCMD: User:admin  logged command:..`
//!
//! Gives:      nothing typed: kept for rules (product `cisco`, service by facility) and for hunting.
//! Hostile:    the mark is looked for in the first bytes only, so that a message that quotes one stays what it is.

use event::native::{Native, Value};
use event::{Body, Text};

use crate::text::{short, string};
use crate::{Decoder, Place, Reading, When, civil};

pub(crate) struct Cisco;

/// The mark stands within the first bytes: after a sender, a number and a time.
const MARK_WITHIN: usize = 120;

impl Decoder for Cisco {
    fn name(&self) -> &'static str {
        "cisco"
    }

    fn about(&self) -> &'static str {
        "system messages of Cisco devices (%FACILITY-SEVERITY-NAME)"
    }

    fn recognise(&self, record: &[u8]) -> u8 {
        if mark(record).is_some() { 95 } else { 0 }
    }

    fn read(&self, record: &[u8], at: &Place<'_>) -> Result<Reading, Text> {
        let (start, end) = mark(record).ok_or(Text::const_new("no %FACILITY-SEVERITY-NAME near the start"))?;
        let (head, name) = (&record[..start], &record[start + 1..end]);
        let facility = name.split(|b| *b == b'-').next().unwrap_or_default();
        let message = record[end + 1..].trim_ascii();
        // The time is the last part of the head that is one.
        let mut places = (0..head.len()).rev().filter(|n| *n == 0 || !head[n - 1].is_ascii_alphabetic());
        let when = places.find_map(|n| civil::syslog(&head[n..], at)).map_or(When::Unsaid, |(when, _)| when);
        let sender = head.split(|b| b.is_ascii_whitespace()).next().unwrap_or_default();
        let host = if sender.starts_with(b"<") || sender.ends_with(b":") { &b""[..] } else { sender };
        let service = match facility {
            b"BGP" | b"BGP_SESSION" => "bgp",
            b"LDP" | b"TDP" => "ldp",
            // Commands and sign-ins: what the devices' accounting tells.
            _ => "aaa",
        };
        let field = |name: &'static str, bytes: &[u8]| (Text::const_new(name), Value::Text(string(bytes)));
        let native = Native {
            product: Text::const_new("cisco"),
            service: Text::const_new(service),
            fields: vec![field("host", host), field("name", name), field("message", message)],
        };
        let body = Body::Other { host: short(host), service: Text::const_new(service) };
        Ok(Reading { when, body, native: Some(Box::new(native)) })
    }
}

/// Where `%` and the colon of `%FACILITY-5-NAME:` stand.
fn mark(record: &[u8]) -> Option<(usize, usize)> {
    let head = &record[..record.len().min(MARK_WITHIN)];
    let start = head.iter().position(|b| *b == b'%')?;
    let length = head[start..].iter().position(|b| *b == b':')?;
    let mut parts = head[start + 1..start + length].split(|b| *b == b'-');
    let upper = |part: &[u8]| part.len() >= 2 && part.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_');
    let (facility, rest) = (parts.next()?, parts.collect::<Vec<&[u8]>>());
    let severity = rest.iter().position(|part| matches!(part, [b'0'..=b'7']))?;
    (upper(facility) && severity + 1 < rest.len() && rest[severity + 1..].iter().all(|part| upper(part))).then_some((start, start + length))
}

#[cfg(test)]
mod tests {
    use event::Time;

    use super::*;

    const LINE: &[u8] = b"172.16.5.10 6705: Feb 17 13:40:03.673: %PARSER-5-CFGLOG_LOGGEDCMD: User:admin  logged command:no logging";

    #[test]
    fn a_message_is_kept_for_rules_with_its_time_and_sender() {
        let at = Place::new("t", 1, Time::from_s(1_772_000_000));
        assert_eq!(Cisco.recognise(LINE), 95);
        let read = Cisco.read(LINE, &at).expect("a message");
        let native = read.native.expect("fields");
        assert_eq!((native.service.as_str(), native.text("host")), ("aaa", "172.16.5.10"));
        assert!(native.text("message").starts_with("User:admin") && matches!(read.when, When::Completed(_)));
    }

    #[test]
    fn other_lines_and_garbage_are_not_taken() {
        for line in [&b"Jan  5 10:00:00 web1 app[1]: 100%-5-x: done"[..], b"%", b"%A-5", b"%%%-5-X:", b"", b"GET /a%20b-5-C: x"] {
            assert_eq!(Cisco.recognise(line), 0, "{:?}", String::from_utf8_lossy(line));
            let _ = Cisco.read(line, &Place::new("t", 1, Time::ZERO));
        }
        let cut: Vec<u8> = (0..LINE.len()).map(|n| Cisco.recognise(&LINE[..n])).collect();
        assert!(cut[..30].iter().all(|sure| *sure == 0));
    }
}
