//! Sign-ins as JSON: one object a line, also the body of the decision API.
//!
//! Reads:      objects with the keys `time`, `user`, `src_ip`, `result`, and the optional ones of [`KEYS`]; `null` is an absent optional key.
//! Gives:      authentication (3002). Unknown keys are kept as JSON in `unmapped`. `user` is put into Unicode NFC, and into lower case when it
//!             holds an `@`, so that one account has one name; `country` into upper case. Without `id` the line number is it.
//! Refuses:    a missing key, a wrong type, an impossible address or time, a key given twice: the reason names the key.
//! Bounds:     depth 64, 2,048 keys; of a line above 64 KiB each text is cut to 4 KiB and `unmapped` is left out (the raw record keeps all).

use std::net::IpAddr;

use event::authentication::{Action, Outcome};
use event::{Authentication, Body, Text};
use serde_json::{Map, Value};
use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::{Decoder, Place, Reading, When, address, civil};

mod object;

pub struct AuthJson;

const USER_BYTES_MAX: usize = 256;
/// Lines above this are cut for scoring.
const LINE_BYTES_MAX: usize = 64 << 10;
const TEXT_BYTES_MAX: usize = 4 << 10;

impl Decoder for AuthJson {
    fn name(&self) -> &'static str {
        "json"
    }

    fn about(&self) -> &'static str {
        "sign-ins as JSON, one object a line, with the keys time, user, src_ip, result"
    }

    fn recognise(&self, record: &[u8]) -> u8 {
        if !record.trim_ascii_start().starts_with(b"{") {
            return 0;
        }
        let keys: [&[u8]; 3] = [b"\"time\"", b"\"user\"", b"\"result\""];
        if keys.iter().all(|key| memchr::memmem::find(record, key).is_some()) { 95 } else { 20 }
    }

    fn read(&self, record: &[u8], at: &Place<'_>) -> Result<Reading, Text> {
        let members = object::read(record)?;
        let long = record.len() > LINE_BYTES_MAX || at.cut_from.is_some();
        let mut line = Line::default();
        let mut unmapped = Map::new();
        for (name, value) in members {
            match KEYS.iter().find(|key| key.name == name) {
                Some(key) if value.is_null() && !key.needed => {}
                Some(key) => (key.set)(&mut line, &value).map_err(|fault| Text::from(format!("{}: {fault}", key.name)))?,
                None => drop(unmapped.insert(name, value)),
            }
        }
        let missing = |name: &str| Text::from(format!("{name}: missing"));
        let mut auth = line.auth;
        let time = line.time.ok_or_else(|| missing("time"))?;
        if !line.user_given {
            return Err(missing("user"));
        }
        auth.client = Some(line.client.ok_or_else(|| missing("src_ip"))?);
        auth.outcome = line.outcome.ok_or_else(|| missing("result"))?;
        auth.repeats = 1;
        if !line.id_given {
            auth.id = Text::from(at.record.to_string());
        }
        if long {
            shorten(&mut auth);
        } else if !unmapped.is_empty() {
            auth.unmapped = Value::Object(unmapped).to_string();
        }
        Ok(Reading::new(When::Said(time), Body::Authentication(Box::new(auth))))
    }
}

#[derive(Default)]
struct Line {
    auth: Authentication,
    time: Option<event::Time>,
    client: Option<IpAddr>,
    outcome: Option<Outcome>,
    user_given: bool,
    id_given: bool,
}

/// One key of the format.
struct Key {
    name: &'static str,
    needed: bool,
    set: fn(&mut Line, &Value) -> Result<(), Fault>,
}

/// Why a value is refused.
type Fault = std::borrow::Cow<'static, str>;

const KEYS: &[Key] = &[
    needed("time", |line, value| {
        line.time = Some(civil::rfc3339(text(value)?).ok_or("not an RFC 3339 time with a zone")?);
        Ok(())
    }),
    needed("user", |line, value| {
        let user = text(value)?;
        if user.len() > USER_BYTES_MAX {
            return Err(format!("{} bytes, expected at most {USER_BYTES_MAX}", user.len()).into());
        }
        line.auth.user = account(user);
        line.user_given = true;
        Ok(())
    }),
    needed("src_ip", |line, value| {
        line.client = Some(address::address(text(value)?.as_bytes()).ok_or("not an IP address")?);
        Ok(())
    }),
    needed("result", |line, value| {
        line.outcome = Some(Outcome::parse(text(value)?).ok_or("expected success, failure or pending")?);
        Ok(())
    }),
    optional("action", |line, value| {
        // `preauth` is a word of ours for what no sign-in service reports.
        let action = Action::parse(text(value)?).filter(|action| *action != Action::Preauth);
        line.auth.action = action.ok_or("expected login, session, logout, password_reset, mfa_reset or step_up")?;
        Ok(())
    }),
    optional("country", |line, value| {
        let country = text(value)?;
        if !matches!(country.as_bytes(), [] | [b'a'..=b'z' | b'A'..=b'Z', b'a'..=b'z' | b'A'..=b'Z']) {
            return Err("expected two letters (ISO 3166 alpha-2)".into());
        }
        line.auth.country = country.to_ascii_uppercase().into();
        Ok(())
    }),
    optional("asn", |line, value| {
        let number = value.as_u64().ok_or("expected a whole number")?;
        line.auth.asn = Some(u32::try_from(number).map_err(|_| "larger than 32 bits")?);
        Ok(())
    }),
    optional("rtt_ms", |line, value| {
        let ms = value.as_f64().ok_or("expected a number")? as f32;
        if !ms.is_finite() || ms < 0.0 {
            return Err("expected a number of at least 0".into());
        }
        line.auth.rtt_ms = Some(ms);
        Ok(())
    }),
    optional("id", |line, value| {
        line.auth.id = text(value)?.into();
        line.id_given = true;
        Ok(())
    }),
    optional("user_agent", |line, value| {
        line.auth.user_agent = text(value)?.to_owned();
        Ok(())
    }),
    optional("session", |line, value| short(&mut line.auth.session, value)),
    optional("device", |line, value| short(&mut line.auth.device, value)),
    optional("ja4", |line, value| short(&mut line.auth.ja4, value)),
    optional("service", |line, value| short(&mut line.auth.service, value)),
    optional("factor", |line, value| short(&mut line.auth.factor, value)),
    optional("reason", |line, value| short(&mut line.auth.reason, value)),
];

const fn needed(name: &'static str, set: fn(&mut Line, &Value) -> Result<(), Fault>) -> Key {
    Key { name, needed: true, set }
}

const fn optional(name: &'static str, set: fn(&mut Line, &Value) -> Result<(), Fault>) -> Key {
    Key { name, needed: false, set }
}

fn text(value: &Value) -> Result<&str, Fault> {
    value.as_str().ok_or_else(|| "expected text".into())
}

fn short(into: &mut Text, value: &Value) -> Result<(), Fault> {
    *into = text(value)?.into();
    Ok(())
}

/// One name for one account.
fn account(typed: &str) -> Text {
    let composed = if is_nfc(typed) { Text::from(typed) } else { typed.nfc().collect() };
    if composed.contains('@') { composed.to_lowercase() } else { composed }
}

fn shorten(auth: &mut Authentication) {
    let cut = |text: &str| {
        let end = (0..=TEXT_BYTES_MAX.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text[..end].to_owned()
    };
    auth.user_agent = cut(&auth.user_agent);
    for text in [&mut auth.session, &mut auth.device, &mut auth.ja4, &mut auth.service, &mut auth.factor, &mut auth.reason, &mut auth.id] {
        if text.len() > TEXT_BYTES_MAX {
            *text = cut(text).into();
        }
    }
}
