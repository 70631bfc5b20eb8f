//! The SSH server's settings as they take effect: the first value of a keyword counts, included files stand where they are named, `Match` blocks
//! apart. Keywords that are not set have the server's own default.
//!
//! Method: sshd_config(5).

use serde_json::{Map, Value, json};

use super::Host;

const FILE: &str = "/etc/ssh/sshd_config";
/// As in OpenSSH.
const DEPTH_MAX: usize = 16;
const FILES_MAX: usize = 256;

/// What holds when nothing is written, OpenSSH 9.
const DEFAULTS: &[(&str, &str)] = &[
    ("permitrootlogin", "prohibit-password"),
    ("permitemptypasswords", "no"),
    ("passwordauthentication", "yes"),
    ("maxauthtries", "6"),
    ("logingracetime", "120"),
    ("x11forwarding", "no"),
    ("ignorerhosts", "yes"),
    ("hostbasedauthentication", "no"),
    ("permituserenvironment", "no"),
    ("loglevel", "INFO"),
];

#[derive(Default)]
struct Read {
    global: Map<String, Value>,
    matches: Vec<Value>,
    /// Criteria of the block that is open.
    within: Option<(String, Map<String, Value>)>,
    files: usize,
    missing: Vec<String>,
}

pub(super) fn look(host: &mut Host) {
    let Some(text) = host.read_or_say(FILE) else {
        if host.at(FILE).symlink_metadata().is_err() {
            host.does_not_apply("host_ssh", "no SSH server is set up here");
        }
        return;
    };
    let mut read = Read::default();
    lines(host, &text, 0, &mut read);
    read.close();
    for (key, value) in DEFAULTS {
        read.global.entry((*key).to_owned()).or_insert_with(|| json!(value));
    }
    read.global.insert("matches".into(), Value::Array(read.matches));
    let not_read: Vec<&str> = if read.missing.is_empty() { Vec::new() } else { read.global.keys().map(String::as_str).collect() };
    for path in &read.missing {
        host.not_read.push(json!({"path": path, "why": "an included file may not be read: every setting may be another"}));
    }
    host.partly("host_ssh", "sshd", FILE, Value::Object(read.global.clone()), &not_read);
}

fn lines(host: &Host, text: &str, depth: usize, read: &mut Read) {
    read.files += 1;
    for line in text.lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = line.split_once(|c: char| c.is_whitespace() || c == '=').unwrap_or((line, ""));
        let value = value.trim_start_matches(|c: char| c.is_whitespace() || c == '=');
        let value = value.split(" #").next().unwrap_or_default().trim().trim_matches('"');
        match key.to_ascii_lowercase().as_str() {
            "include" if depth < DEPTH_MAX => {
                for pattern in value.split_whitespace() {
                    include(host, pattern, depth, read);
                }
            }
            "match" => {
                read.close();
                read.within = (!value.eq_ignore_ascii_case("all")).then(|| (value.to_owned(), Map::new()));
            }
            key => {
                let into = read.within.as_mut().map_or(&mut read.global, |(_, inner)| inner);
                into.entry(key.to_owned()).or_insert_with(|| json!(value));
            }
        }
    }
}

/// A name or a pattern with `*` in its last part, below `/etc/ssh` when it is not whole.
fn include(host: &Host, pattern: &str, depth: usize, read: &mut Read) {
    let whole = if pattern.starts_with('/') { pattern.to_owned() } else { format!("/etc/ssh/{pattern}") };
    let (folder, last) = whole.rsplit_once('/').unwrap_or(("", &whole));
    let names = if last.contains(['*', '?', '[']) {
        let (start, end) = last.split_once('*').unwrap_or((last, ""));
        host.list(folder).into_iter().filter(|n| n.starts_with(start) && n.ends_with(end) && !n.starts_with('.')).collect()
    } else {
        vec![last.to_owned()]
    };
    for name in names {
        let path = format!("{folder}/{name}");
        if read.files >= FILES_MAX {
            read.missing.push(path);
            return;
        }
        match host.read(&path) {
            // A Match block of an included file ends with it.
            Some(text) => {
                let outer = read.within.take();
                lines(host, &text, depth + 1, read);
                read.close();
                read.within = outer;
            }
            None if host.at(&path).symlink_metadata().is_ok() => read.missing.push(path),
            None => {}
        }
    }
}

impl Read {
    fn close(&mut self) {
        if let Some((criteria, mut inner)) = self.within.take() {
            inner.insert("criteria".into(), json!(criteria));
            self.matches.push(Value::Object(inner));
        }
    }
}
