//! `testdata/<case>.in` holds records, `testdata/<case>.out` what they become. `BLESS=1` rewrites the `.out` files; review the diff.

use std::fmt::Write;
use std::path::Path;

use decode::{Choice, Format, Place};
use event::{Body, Event, Time, TimeSource};
use serde_json::Value;

fn check(case: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let input = std::fs::read(folder.join(format!("{case}.in"))).expect("input of the case");
    let logged = Time::parse_rfc3339("2024-05-02T00:00:00Z").expect("a time");
    let lines: Vec<&[u8]> = input.split(|b| *b == b'\n').filter(|line| !line.is_empty()).collect();
    let choice = Choice::new(Format::Auto, lines.iter().copied());
    let mut out = format!("format: {}\n", choice.name());
    for (index, line) in lines.iter().enumerate() {
        let event = choice.decode(line, &Place::new(case, index as u64 + 1, logged));
        assert_eq!(&*event.raw, *line, "raw of record {}", index + 1);
        writeln!(out, "{}", shown(&event)).expect("to a string");
    }
    let path = folder.join(format!("{case}.out"));
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &out).expect("written");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    for (index, (found, expected)) in out.lines().zip(expected.lines()).enumerate() {
        assert_eq!(found, expected, "{case}.out:{}", index + 1);
    }
    assert_eq!(out.lines().count(), expected.lines().count(), "lines of {case}.out");
}

/// Number, time and everything of the body that is not empty.
fn shown(event: &Event) -> String {
    let mark = match event.meta.time_source {
        TimeSource::Record => "",
        TimeSource::Completed => "~",
        TimeSource::Received => "!",
    };
    let mut body = serde_json::to_value(&event.body).expect("a body is JSON");
    let said = |value: &Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(all) => !all.is_empty(),
        Value::Number(number) => number.as_f64() != Some(0.0),
        _ => true,
    };
    if let Some(fields) = body.as_object_mut().and_then(|kinds| kinds.values_mut().next()).and_then(Value::as_object_mut) {
        fields.retain(|_, value| said(value));
        if matches!(event.body, Body::Authentication(_)) && fields.get("repeats") == Some(&Value::from(1)) {
            fields.remove("repeats");
        }
    }
    format!("{} {mark}{} {} {body}", event.meta.record, event.meta.time, event.meta.format)
}

#[test]
fn access() {
    check("access");
}

#[test]
fn sshd() {
    check("sshd");
}

#[test]
fn sudo_and_pam() {
    check("sudo");
}

#[test]
fn framing() {
    check("framing");
}

#[test]
fn json() {
    check("json");
}

#[test]
fn mixed() {
    check("mixed");
}
