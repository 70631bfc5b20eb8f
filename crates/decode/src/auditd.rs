//! The Linux audit log: `type=SYSCALL msg=audit(1605000000.123:42): key=value ..`.
//!
//! Reads:      files: records of one id, which the kernel writes one after the other, are one event; streams: each record by itself.
//! Gives:      a command that was run: process; `USER_LOGIN` and `USER_AUTH`: authentication; the rest is kept for rules and for hunting.
//!             Native names are those of the record; a name that stands in several records of the id repeats, so `type` has each of them.
//! Hostile:    values that are no plain text are written in hexadecimal by the kernel and are read back; a quote ends at the next quote, so a
//!             name cannot bring in a key of its own.

use event::authentication::Outcome;
use event::native::{FIELDS_MAX, Native, Value};
use event::{Authentication, Body, Event, Process, Text, Time};
use memchr::memchr;

use crate::text::{short, string};
use crate::{Decoder, FileDecoder, Place, Reading, When, address, record};

pub struct Auditd;

const NAME: &str = "auditd";
const ABOUT: &str = "the Linux audit log; records of one id are one event";
/// Records of one id beyond this begin a new event.
const GROUP_MAX: usize = 64;
/// Arguments of one command that are read.
const ARGUMENTS_MAX: usize = 256;

impl Decoder for Auditd {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        ABOUT
    }

    fn recognise(&self, record: &[u8]) -> u8 {
        if head(record).is_some() { 95 } else { 0 }
    }

    fn read(&self, record: &[u8], _at: &Place<'_>) -> Result<Reading, Text> {
        reading(&[record])
    }
}

impl FileDecoder for Auditd {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        ABOUT
    }

    fn recognise(&self, head_bytes: &[u8], _name: &str) -> u8 {
        let mut lines = head_bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).take(8).peekable();
        // The last line of the sample may be cut; one line that is no audit record makes the file a mixed one.
        if lines.peek().is_some() && lines.all(|line| head(line).is_some()) { 95 } else { 0 }
    }

    fn decode(&self, bytes: &[u8], at: &Place<'_>, out: &mut dyn FnMut(Event)) {
        let mut group: Vec<&[u8]> = Vec::new();
        let (mut id, mut first, mut begin) = (&b""[..], 0, 0);
        let mut offset = 0;
        let mut tell = |group: &mut Vec<&[u8]>, first: u64, raw: &[u8]| {
            if !group.is_empty() {
                out(record(NAME, raw.trim_ascii_end(), at, first, |_| reading(group)));
                group.clear();
            }
        };
        for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
            let end = offset + line.len();
            if !line.trim_ascii().is_empty() {
                let of = head(line).map_or(&b""[..], |head| head.id);
                if of.is_empty() || of != id || group.len() >= GROUP_MAX {
                    tell(&mut group, first, &bytes[begin..offset]);
                    (id, first, begin) = (of, number, offset);
                }
                group.push(line.strip_suffix(b"\r").unwrap_or(line));
            }
            offset = (end + 1).min(bytes.len());
        }
        tell(&mut group, first, &bytes[begin..]);
    }
}

struct Head<'r> {
    kind: &'r [u8],
    /// `1605000000.123:42`
    id: &'r [u8],
    node: &'r [u8],
    rest: &'r [u8],
}

fn head(line: &[u8]) -> Option<Head<'_>> {
    let (node, line) = match line.strip_prefix(b"node=") {
        Some(named) => named.split_at(memchr(b' ', named)?),
        None => (&b""[..], line),
    };
    let line = line.trim_ascii_start().strip_prefix(b"type=")?;
    let (kind, line) = line.split_at(memchr(b' ', line)?);
    let line = line.strip_prefix(b" msg=audit(")?;
    let (id, line) = line.split_at(memchr(b')', &line[..line.len().min(64)])?);
    Some(Head { kind, id, node, rest: line.strip_prefix(b"):").unwrap_or(&line[1..]) })
}

fn reading(group: &[&[u8]]) -> Result<Reading, Text> {
    let mut native = Native { product: Text::const_new("linux"), service: Text::const_new(NAME), fields: Vec::with_capacity(32) };
    let (mut when, mut node) = (When::Unsaid, Text::default());
    for line in group {
        let head = head(line).ok_or(Text::const_new("no type and msg=audit(..) at the start"))?;
        native.fields.push((Text::const_new("type"), Value::Text(string(head.kind))));
        if when == When::Unsaid {
            when = std::str::from_utf8(head.id).ok().and_then(time).map_or(When::Unsaid, When::Said);
            node = short(head.node);
        }
        pairs(head.rest, head.kind, &mut native, 1);
    }
    let body = body(&native, &node);
    Ok(Reading { when, body, native: Some(Box::new(native)) })
}

fn time(id: &str) -> Option<Time> {
    let (s, rest) = id.split_once('.')?;
    let ms: i64 = rest.split(':').next()?.parse().ok()?;
    Some(Time::from_us(s.parse::<i64>().ok()?.checked_mul(1_000_000)?.checked_add(ms.checked_mul(1_000)?)?))
}

/// `key=value key="value" msg='key=value ..'`
fn pairs(mut rest: &[u8], kind: &[u8], native: &mut Native, depth: u8) {
    while native.fields.len() < FIELDS_MAX {
        // 0x1d stands before the part that auditd added.
        let start = rest.iter().position(|b| !b.is_ascii_whitespace() && *b != 0x1d).unwrap_or(rest.len());
        rest = &rest[start..];
        let Some(equals) = memchr(b'=', rest) else { return };
        // What stands before a blank is no part of the key.
        let key = rest[..equals].rsplit(|b| *b == b' ').next().unwrap_or_default();
        let value = &rest[equals + 1..];
        let (value, after, quoted) = match value.first() {
            Some(quote @ (b'"' | b'\'')) => match memchr(*quote, &value[1..]) {
                Some(close) => (&value[1..=close], &value[close + 2..], true),
                None => (&value[1..], &b""[..], true),
            },
            _ => {
                let end = value.iter().position(|b| *b == b' ' || *b == 0x1d).unwrap_or(value.len());
                (&value[..end], &value[end..], false)
            }
        };
        if key == b"msg" && quoted && depth > 0 {
            pairs(value, kind, native, depth - 1);
        } else {
            let coded = !quoted && is_text(key, kind);
            let text = if coded { unhex(value).unwrap_or_else(|| string(value)) } else { string(value) };
            native.fields.push((short(key), Value::Text(text)));
        }
        rest = after;
    }
}

/// Keys whose value is text, written in hexadecimal when it holds blanks, quotes or bytes that are none. Arguments of a system call are numbers.
fn is_text(key: &[u8], kind: &[u8]) -> bool {
    match key {
        b"proctitle" | b"cmd" | b"name" | b"exe" | b"comm" | b"cwd" | b"data" | b"acct" => true,
        [b'a', digits @ ..] => kind == b"EXECVE" && !digits.is_empty() && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

fn unhex(value: &[u8]) -> Option<String> {
    if value.len() < 2 || !value.len().is_multiple_of(2) || !value.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let nibble = |b: u8| char::from(b).to_digit(16).unwrap_or(0) as u8;
    let bytes: Vec<u8> =
        value.chunks_exact(2).map(|pair| nibble(pair[0]) << 4 | nibble(pair[1])).map(|b| if b == 0 { b' ' } else { b }).collect();
    Some(string(&bytes))
}

fn body(native: &Native, node: &Text) -> Body {
    let kinds: Vec<&str> = native.all("type").filter_map(|v| if let Value::Text(text) = v { Some(text.as_str()) } else { None }).collect();
    let set = |name: &str| Some(native.text(name)).filter(|t| *t != "?" && *t != "(null)").unwrap_or_default();
    let host = || if node.is_empty() { Text::from(set("hostname")) } else { node.clone() };
    let success = ["success", "res"].iter().map(|name| set(name)).find(|t| !t.is_empty()).is_none_or(|t| t == "yes" || t == "success");
    if kinds.contains(&"EXECVE") || kinds.contains(&"USER_CMD") {
        let mut command_line = set("cmd").to_owned();
        if command_line.is_empty() {
            let arguments: Vec<&str> = (0..ARGUMENTS_MAX).map_while(|n| execve_argument(native, n)).collect();
            command_line = arguments.join(" ");
        }
        let user =
            [set("AUID"), set("UID"), set("auid"), set("uid")].into_iter().find(|t| !t.is_empty() && *t != "unset" && *t != "4294967295");
        return Body::Process(Box::new(Process {
            host: node.clone(),
            user: user.unwrap_or_default().into(),
            run_as: [set("EUID"), set("euid")].into_iter().find(|t| !t.is_empty()).unwrap_or_default().into(),
            command_line,
            working_directory: set("cwd").into(),
            terminal: set("tty").into(),
            service: Text::const_new(NAME),
            allowed: success,
            image: set("exe").to_owned(),
            pid: native.int("pid").and_then(|n| u32::try_from(n).ok()),
            parent_pid: native.int("ppid").and_then(|n| u32::try_from(n).ok()),
            ..Process::default()
        }));
    }
    if kinds.contains(&"USER_LOGIN") || kinds.contains(&"USER_AUTH") {
        return Body::Authentication(Box::new(Authentication {
            outcome: if success { Outcome::Success } else { Outcome::Failure },
            user: [set("acct"), set("id")].into_iter().find(|t| !t.is_empty()).unwrap_or_default().into(),
            user_unknown: set("acct") == "(unknown user)" || set("acct") == "(invalid user)",
            client: address::address(set("addr").as_bytes()),
            host: node.clone(),
            service: set("exe").rsplit('/').next().unwrap_or_default().into(),
            repeats: 1,
            ..Authentication::default()
        }));
    }
    Body::Other { host: host(), service: Text::const_new(NAME) }
}

/// The system call has `a0` to `a3` of its own before those of the command: numbers. The command's stand last.
fn execve_argument(native: &Native, n: usize) -> Option<&str> {
    let name = format!("a{n}");
    match native.fields.iter().rev().find(|(held, _)| *held == name).map(|(_, value)| value)? {
        Value::Text(text) => Some(text.as_str()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXECVE: &[u8] = b"type=SYSCALL msg=audit(1700000000.250:77): arch=c000003e syscall=59 success=yes exit=0 a0=55d1 a1=55d2 ppid=10 pid=11 auid=1000 uid=0 comm=\"nc\" exe=\"/usr/bin/nc\"\ntype=EXECVE msg=audit(1700000000.250:77): argc=3 a0=\"nc\" a1=\"-e\" a2=2F62696E2F7368\ntype=CWD msg=audit(1700000000.250:77): cwd=\"/tmp\"\ntype=USER_LOGIN msg=audit(1700000001.000:78): pid=9 uid=0 msg='op=login acct=\"root\" exe=\"/usr/sbin/sshd\" addr=192.0.2.9 res=failed'\n";

    fn events(bytes: &[u8]) -> Vec<Event> {
        let mut all = Vec::new();
        FileDecoder::decode(&Auditd, bytes, &Place::new("audit.log", 0, Time::from_s(1_800_000_000)), &mut |event| all.push(event));
        all
    }

    #[test]
    fn records_of_one_id_are_one_event() {
        let all = events(EXECVE);
        assert_eq!(all.len(), 2);
        let Body::Process(process) = &all[0].body else { panic!("{:?}", all[0].body) };
        assert_eq!((process.command_line.as_str(), process.image.as_str(), process.pid), ("nc -e /bin/sh", "/usr/bin/nc", Some(11)));
        assert_eq!((all[0].meta.time, all[0].meta.record, all[1].meta.record), (Time::from_us(1_700_000_000_250_000), 1, 4));
        let Body::Authentication(auth) = &all[1].body else { panic!("{:?}", all[1].body) };
        assert_eq!((auth.user.as_str(), auth.outcome, auth.service.as_str()), ("root", Outcome::Failure, "sshd"));
        assert_eq!(auth.client, Some("192.0.2.9".parse().expect("an address")));
    }

    #[test]
    fn a_value_cannot_bring_in_a_record() {
        let line = b"type=EXECVE msg=audit(1700000000.250:77): argc=1 a0=\"x type=USER_LOGIN msg=audit(1.0:1): acct=root\"";
        let all = events(line);
        assert_eq!(all.len(), 1);
        let native = all[0].native.as_ref().expect("native");
        assert_eq!(native.all("type").count(), 1);
        assert_eq!(native.text("a0"), "x type=USER_LOGIN msg=audit(1.0:1): acct=root");
    }

    #[test]
    fn what_is_no_audit_record_says_so() {
        let all = events(b"garbage\ntype=EXECVE msg=audit(\n\n");
        assert_eq!(all.len(), 2);
        assert!(all.iter().all(|e| matches!(e.body, Body::Undecoded { .. })));
    }
}
