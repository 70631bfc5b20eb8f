//! The systemd journal as JSON, one entry a line (`journalctl -o json`).
//!
//! Gives:      what the program's file in `syslog/` reads out of the message; other entries are kept for hunting.
//! Hostile:    the trusted fields begin with `_` and are written by the journal itself; `MESSAGE` and `SYSLOG_IDENTIFIER` are the sender's.

use event::native::Native;
use event::{Body, Text, Time};
use memchr::memmem;
use serde_json::Value;

use crate::syslog::{self, Message};
use crate::{Decoder, Place, Reading, When, flat};

pub struct Journald;

impl Decoder for Journald {
    fn name(&self) -> &'static str {
        "journald"
    }

    fn about(&self) -> &'static str {
        "the systemd journal as JSON lines (journalctl -o json)"
    }

    fn recognise(&self, record: &[u8]) -> u8 {
        let marks: [&[u8]; 2] = [b"\"__REALTIME_TIMESTAMP\"", b"\"MESSAGE\""];
        let known = record.trim_ascii_start().starts_with(b"{") && marks.iter().all(|mark| memmem::find(record, mark).is_some());
        if known { 96 } else { 0 }
    }

    fn read(&self, record: &[u8], at: &Place<'_>) -> Result<Reading, Text> {
        let members = flat::object(record)?;
        let text = |name: &str| match members.get(name) {
            Some(Value::String(text)) => text.clone(),
            // Bytes that are no text are written as an array of numbers.
            Some(Value::Array(bytes)) => {
                let bytes: Vec<u8> = bytes.iter().filter_map(|b| u8::try_from(b.as_u64()?).ok()).collect();
                crate::text::string(&bytes)
            }
            _ => String::new(),
        };
        let us = text("__REALTIME_TIMESTAMP").parse::<i64>().map_err(|_| Text::const_new("__REALTIME_TIMESTAMP: not a number"))?;
        let (host, message) = (text("_HOSTNAME"), text("MESSAGE"));
        let program = [text("SYSLOG_IDENTIFIER"), text("_COMM")].into_iter().find(|name| !name.is_empty()).unwrap_or_default();
        let said = Message { host: host.as_bytes(), program: program.as_bytes(), module: b"", text: message.as_bytes() };
        let body = syslog::body(&said, at).unwrap_or_else(|| Body::Other { host: host.as_str().into(), service: program.as_str().into() });
        let mut native =
            Native { product: Text::const_new("linux"), service: program.as_str().into(), fields: Vec::with_capacity(members.len()) };
        flat::add(&mut native, "", &members);
        Ok(Reading { when: When::Said(Time::from_us(us)), body, native: Some(Box::new(native)) })
    }
}
