//! The only way to a terminal: results on stdout, everything else on stderr; a closed pipe ends quietly.

use std::io::{IsTerminal, Write};
use std::sync::OnceLock;

use event::Severity;
use serde_json::{Value, json};

use crate::config::section::diagnostics::Form;

/// How notes are written; text until a configuration says otherwise.
static FORM: OnceLock<Form> = OnceLock::new();

/// Settles how notes are written, once a process.
pub(super) fn speak(form: Form) {
    let _ = FORM.set(form);
}

/// One line on stdout, flushed.
pub fn line(text: impl AsRef<str>) {
    let mut out = anstream::stdout().lock();
    check(&writeln!(out, "{}", text.as_ref()).and_then(|()| out.flush()));
}

/// One JSON object on a line of stdout.
pub fn json(value: &Value) {
    let mut out = std::io::stdout().lock();
    let written = serde_json::to_writer(&mut out, value).map_err(std::io::Error::from).and_then(|()| out.write_all(b"\n"));
    check(&written);
}

/// Many JSON lines at once.
pub fn raw(bytes: &[u8]) {
    check(&std::io::stdout().lock().write_all(bytes));
}

/// Progress, hints and warnings.
pub fn note(text: impl AsRef<str>) {
    let text = text.as_ref();
    let _ = match FORM.get() {
        None | Some(Form::Text) => writeln!(anstream::stderr().lock(), "{text}"),
        Some(form) => writeln!(std::io::stderr().lock(), "{}", machine_note(text, *form, &crate::clock::now().to_string())),
    };
}

/// One line for machines. A note that begins with a code (`E0107 ..`) is an error, another is information.
fn machine_note(text: &str, form: Form, time: &str) -> String {
    let text = text.trim();
    let code = text.split(' ').next().filter(|w| w.len() == 5 && w.starts_with('E') && w[1..].bytes().all(|b| b.is_ascii_digit()));
    if form == Form::Json {
        let said = code.map_or(text, |code| text[code.len()..].trim_start());
        let level = if code.is_some() { "error" } else { "info" };
        return json!({"time": time, "level": level, "code": code, "text": said}).to_string();
    }
    // Levels of syslog, as journald reads them at the beginning of a line.
    let level = if code.is_some() { "<3>" } else { "<6>" };
    text.lines().map(|line| format!("{level}{line}")).collect::<Vec<_>>().join("\n")
}

/// One line of several with outside text in it.
pub(super) fn shown_line(line: &str) -> String {
    shown(line)
}

/// `| head` is no failure.
fn check(written: &std::io::Result<()>) {
    if written.is_err() {
        std::process::exit(0);
    }
}

pub fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Outside text for a terminal: control characters as `\x1b`, bidi and zero-width as `<U+202E>`, at most 512 characters.
pub(super) fn shown(text: &str) -> String {
    const CHARS_MAX: usize = 512;
    let mut out = String::with_capacity(text.len());
    let mut rest = 0;
    for (i, c) in text.chars().enumerate() {
        if i >= CHARS_MAX {
            rest += 1;
            continue;
        }
        match c {
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' => out.push_str(&format!("\\x{:02x}", c as u32)),
            '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{061c}'
            | '\u{e0000}'..='\u{e007f}' => {
                out.push_str(&format!("<U+{:04X}>", c as u32));
            }
            _ => out.push(c),
        }
    }
    if rest > 0 {
        out.push_str(&format!("…(+{rest})"));
    }
    out
}

/// Severity is word and glyph, never colour alone.
pub fn severity(severity: Severity) -> String {
    let utf8 = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|n| std::env::var(n).ok().filter(|v| !v.is_empty()));
    let utf8 = utf8.is_none_or(|v| v.to_ascii_lowercase().contains("utf"));
    let glyph = if utf8 { severity.glyph() } else { severity.glyph_ascii() };
    let word = severity.word().to_uppercase();
    let colour = match severity {
        Severity::Critical => "\x1b[1;35m",
        Severity::High => "\x1b[1;31m",
        Severity::Medium => "\x1b[33m",
        Severity::Low => "\x1b[34m",
        Severity::Info => "\x1b[2m",
    };
    format!("{colour}{glyph} {word}\x1b[0m")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_get_a_level_and_a_code() {
        let json: Value = serde_json::from_str(&machine_note("E0107 cannot read\n\"x\"", Form::Json, "T")).expect("JSON");
        assert_eq!(json, json!({"time": "T", "level": "error", "code": "E0107", "text": "cannot read\n\"x\""}));
        let plain: Value = serde_json::from_str(&machine_note("the console stopped", Form::Json, "T")).expect("JSON");
        assert_eq!((&plain["level"], &plain["code"]), (&json!("info"), &Value::Null));
        assert_eq!(machine_note("E0107 one\ntwo", Form::Journal, "T"), "<3>E0107 one\n<3>two");
    }

    #[test]
    fn hostile_text_cannot_move_the_cursor() {
        assert_eq!(shown("a\x1b[2Jb"), "a\\x1b[2Jb");
        assert_eq!(shown("user\u{202e}txt.exe"), "user<U+202E>txt.exe");
        assert_eq!(shown("line\nforged"), "line\\x0aforged");
        let long = "x".repeat(600);
        assert!(shown(&long).ends_with("…(+88)"));
        let once = shown("\u{200b}\r\n\t");
        assert_eq!(shown(&once), once);
    }
}
