//! Real logs, when they are there: `BARTIZAN_DATA`, or `../shared/data` beside the repository. They are never copied into it.

use std::io::Read;
use std::path::{Path, PathBuf};

use decode::{Choice, Format, Place};
use event::{Body, Event, Time};

fn data(file: &str) -> Option<Vec<u8>> {
    let folder = std::env::var_os("BARTIZAN_DATA").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"));
    let Ok(packed) = std::fs::File::open(folder.join(file)) else {
        use std::io::Write;
        let _ = writeln!(std::io::stderr(), "skipped: no data ({file})");
        return None;
    };
    let mut bytes = Vec::new();
    zstd::Decoder::new(packed).expect("a zstd file").take(1 << 30).read_to_end(&mut bytes).expect("an intact file");
    Some(bytes)
}

/// One member of a tar archive.
fn member<'t>(tar: &'t [u8], suffix: &str) -> Option<&'t [u8]> {
    let text = |field: &'t [u8]| std::str::from_utf8(field).unwrap_or_default().trim_end_matches(['\0', ' ']);
    let mut at = 0;
    while let Some(header) = tar.get(at..at + 512) {
        let bytes = usize::from_str_radix(text(&header[124..136]), 8).unwrap_or(0);
        if text(&header[..100]).ends_with(suffix) {
            return tar.get(at + 512..at + 512 + bytes);
        }
        at += 512 + bytes.div_ceil(512) * 512;
    }
    None
}

fn decoded(text: &[u8], logged: &str) -> (Choice, Vec<Event>) {
    let logged = Time::parse_rfc3339(logged).expect("a time");
    let lines: Vec<&[u8]> = text.split(|b| *b == b'\n').map(|l| l.strip_suffix(b"\r").unwrap_or(l)).filter(|l| !l.is_empty()).collect();
    let choice = Choice::new(Format::Auto, lines.iter().copied());
    let events = lines.iter().zip(1..).map(|(line, number)| choice.decode(line, &Place::new("f", number, logged))).collect();
    (choice, events)
}

/// Authentication, Other, Undecoded.
fn counts(events: &[Event]) -> [usize; 3] {
    let count = |is: fn(&Body) -> bool| events.iter().filter(|event| is(&event.body)).count();
    [
        count(|body| matches!(body, Body::Authentication(_))),
        count(|body| matches!(body, Body::Other { .. })),
        count(|body| matches!(body, Body::Undecoded { .. })),
    ]
}

#[test]
fn openssh_lines_are_understood() {
    let Some(tar) = data("logs/loghub-2k-dev.tar.zst") else { return };
    let text = member(&tar, "OpenSSH_2k.log").expect("the log in the archive");
    let (choice, events) = decoded(text, "2017-12-31T00:00:00Z");
    assert_eq!((choice.name(), events.len()), ("syslog", 2_000));
    assert_eq!(counts(&events), OPENSSH, "authentication, other, undecoded");
}

#[test]
fn linux_lines_are_understood() {
    let Some(tar) = data("logs/loghub-2k-dev.tar.zst") else { return };
    let text = member(&tar, "Linux_2k.log").expect("the log in the archive");
    let (choice, events) = decoded(text, "2005-12-31T00:00:00Z");
    assert_eq!((choice.name(), events.len()), ("syslog", 2_000));
    assert_eq!(counts(&events), LINUX, "authentication, other, undecoded");
}

#[test]
fn access_lines_are_understood() {
    let Some(text) = data("http/apache_access_elastic.log.zst") else { return };
    let (choice, events) = decoded(&text, "2015-06-01T00:00:00Z");
    assert_eq!((choice.name(), events.len()), ("combined", 10_000));
    for event in &events {
        let Body::Http(http) = &event.body else { panic!("{:?}", event.raw) };
        assert!(http.client.is_some() && http.status.is_some() && !http.method.is_empty(), "{:?}", event.raw);
    }
}

const OPENSSH: [usize; 3] = [1_152, 848, 0];
const LINUX: [usize; 3] = [490, 1_510, 0];
