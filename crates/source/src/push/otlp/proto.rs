//! The few protobuf messages of OTLP logs: the wire format is read here, so that every length is held against what is there.

use serde_json::{Map, Value};

use super::{DEPTH_MAX, Log, RECORD_BYTES_MAX, RESOURCE_BYTES_MAX, Sink};

const BROKEN: &str = "the body is no ExportLogsServiceRequest";

/// One field of a message.
enum Field<'m> {
    Number(u64),
    Fixed(u64),
    Bytes(&'m [u8]),
}

/// The fields of a message, in their order.
struct Message<'m>(&'m [u8]);

impl<'m> Message<'m> {
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for at in 0..10 {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f).checked_shl(7 * at)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, bytes: usize) -> Option<&'m [u8]> {
        let (taken, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(taken)
    }

    /// `Ok(None)` at the end.
    fn next(&mut self) -> Result<Option<(u64, Field<'m>)>, &'static str> {
        if self.0.is_empty() {
            return Ok(None);
        }
        self.field().map(Some).ok_or(BROKEN)
    }

    fn field(&mut self) -> Option<(u64, Field<'m>)> {
        let key = self.varint()?;
        let fixed = |bytes: &[u8]| bytes.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte));
        let field = match key & 7 {
            0 => Field::Number(self.varint()?),
            1 => Field::Fixed(fixed(self.take(8)?)),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Field::Bytes(self.take(length)?)
            }
            5 => Field::Fixed(fixed(self.take(4)?)),
            _ => return None,
        };
        (key >> 3 != 0).then_some((key >> 3, field))
    }
}

pub(super) fn read(body: &[u8], sink: &mut Sink) -> Result<(), &'static str> {
    let mut request = Message(body);
    while let Some((number, field)) = request.next()? {
        if let (1, Field::Bytes(of)) = (number, field) {
            of_resource(of, sink)?;
        }
    }
    Ok(())
}

/// `ResourceLogs`; the resource may stand behind what was logged.
fn of_resource(bytes: &[u8], sink: &mut Sink) -> Result<(), &'static str> {
    let mut resource = Map::new();
    let mut all = Message(bytes);
    while let Some((number, field)) = all.next()? {
        if let (1, Field::Bytes(of)) = (number, field)
            && of.len() <= RESOURCE_BYTES_MAX
        {
            let mut described = Message(of);
            while let Some((number, field)) = described.next()? {
                if let (1, Field::Bytes(pair)) = (number, field) {
                    resource.extend(pair_of(pair, 0)?);
                }
            }
        }
    }
    let mut all = Message(bytes);
    while let Some((number, field)) = all.next()? {
        if let (2, Field::Bytes(scope)) = (number, field) {
            let mut scope = Message(scope);
            while let Some((number, field)) = scope.next()? {
                if let (2, Field::Bytes(record)) = (number, field) {
                    one(record, &resource, sink)?;
                }
            }
        }
    }
    Ok(())
}

fn one(bytes: &[u8], resource: &Map<String, Value>, sink: &mut Sink) -> Result<(), &'static str> {
    if sink.is_full() {
        return Err("too many log records in one request");
    }
    if bytes.len() > RECORD_BYTES_MAX {
        sink.rejected.one("a log record is longer than 1 MiB");
        return Ok(());
    }
    match log(bytes) {
        Ok(log) => sink.add(log, resource),
        Err(why) => sink.rejected.one(why),
    }
    Ok(())
}

fn log(bytes: &[u8]) -> Result<Log, &'static str> {
    let mut log = Log::default();
    let mut fields = Message(bytes);
    while let Some(field) = fields.next()? {
        match field {
            (1, Field::Fixed(ns)) => log.time_ns = ns,
            (11, Field::Fixed(ns)) => log.observed_ns = ns,
            (2, Field::Number(number)) => log.severity_number = number,
            (3, Field::Bytes(text)) => log.severity = string(text),
            (5, Field::Bytes(body)) => log.body = value(body, 0)?,
            (6, Field::Bytes(pair)) => log.attributes.extend(pair_of(pair, 0)?),
            (12, Field::Bytes(name)) => log.event = string(name),
            _ => {}
        }
    }
    Ok(log)
}

/// `KeyValue`; one without a key is none.
fn pair_of(bytes: &[u8], depth: usize) -> Result<Option<(String, Value)>, &'static str> {
    let (mut key, mut held) = (String::new(), Value::Null);
    let mut fields = Message(bytes);
    while let Some(field) = fields.next()? {
        match field {
            (1, Field::Bytes(text)) => key = string(text),
            (2, Field::Bytes(of)) => held = value(of, depth + 1)?,
            _ => {}
        }
    }
    Ok((!key.is_empty()).then_some((key, held)))
}

/// `AnyValue`
fn value(bytes: &[u8], depth: usize) -> Result<Value, &'static str> {
    if depth > DEPTH_MAX {
        return Err("values within values, deeper than 32");
    }
    let mut held = Value::Null;
    let mut fields = Message(bytes);
    while let Some(field) = fields.next()? {
        held = match field {
            (1, Field::Bytes(text)) => string(text).into(),
            (2, Field::Number(yes)) => (yes != 0).into(),
            (3, Field::Number(number)) => (number as i64).into(),
            (4, Field::Fixed(bits)) => f64::from_bits(bits).into(),
            (5, Field::Bytes(list)) => {
                let mut all = Vec::new();
                let mut items = Message(list);
                while let Some((number, item)) = items.next()? {
                    if let (1, Field::Bytes(item)) = (number, item) {
                        all.push(value(item, depth + 1)?);
                    }
                }
                all.into()
            }
            (6, Field::Bytes(list)) => {
                let mut all = Map::new();
                let mut items = Message(list);
                while let Some((number, item)) = items.next()? {
                    if let (1, Field::Bytes(pair)) = (number, item) {
                        all.extend(pair_of(pair, depth + 1)?);
                    }
                }
                all.into()
            }
            (7, Field::Bytes(bytes)) => string(bytes).into(),
            _ => continue,
        };
    }
    Ok(held)
}

fn string(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn put_varint(into: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        into.push(value as u8 | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}

fn put_bytes(into: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    put_varint(into, number << 3 | 2);
    put_varint(into, bytes.len() as u64);
    into.extend_from_slice(bytes);
}

/// Two fields, a number and a text: `ExportLogsPartialSuccess` and `google.rpc.Status` are alike.
pub(super) fn status(number: u64, text: &str) -> Vec<u8> {
    let mut out = vec![1 << 3];
    put_varint(&mut out, number);
    put_bytes(&mut out, 2, text.as_bytes());
    out
}

/// `ExportLogsServiceResponse`
pub(super) fn partial(rejected: u64, why: &str) -> Vec<u8> {
    let mut out = Vec::new();
    if rejected > 0 {
        put_bytes(&mut out, 1, &status(rejected, why));
    }
    out
}
