//! What an argument of `check` means, and the files below a folder.

use std::io::Read;
use std::path::Path;

use detect::content::{Matter, Verdict};

use super::{As, Checked, Judge};
use crate::cli::out;

/// A longer file is not read: it would not fit into memory beside what is unpacked from it.
const FILE_BYTES_MAX: u64 = 256 << 20;
/// Nesting of folders.
const DEPTH_MAX: usize = 64;
/// Bytes of a thing that go into the log.
const HEAD_BYTES: usize = 4_096;

/// Judges what `name` stands for: each file of a folder by itself, in order of names.
pub(super) fn each(name: &str, as_type: Option<As>, judge: &mut Judge, done: &mut dyn FnMut(Checked)) {
    let path = Path::new(name);
    match as_type {
        Some(As::Url) => return done(judge.look(name, Matter::Url(name))),
        None if name != "-" && !path.exists() => {
            if is_hash(name) {
                return done(judge.look(name, Matter::Hash(name)));
            }
            if is_url(name) {
                return done(judge.look(name, Matter::Url(name)));
            }
        }
        _ => {}
    }
    if name == "-" {
        let mut bytes = Vec::new();
        return match std::io::stdin().lock().take(FILE_BYTES_MAX).read_to_end(&mut bytes) {
            Ok(_) => look(name, &bytes, as_type, judge, done),
            Err(error) => done(judge.could_not(name, "unreadable.file", error.to_string())),
        };
    }
    walk(path, as_type, DEPTH_MAX, judge, done);
}

fn walk(path: &Path, as_type: Option<As>, depth: usize, judge: &mut Judge, done: &mut dyn FnMut(Checked)) {
    let name = path.display().to_string();
    let mut refuse = |judge: &mut Judge, why: String| {
        out::note(format!("E0107 cannot read {}: {why}", out::shown(&name)));
        done(judge.could_not(&name, "unreadable.file", why));
    };
    let about = match std::fs::metadata(path) {
        Ok(about) => about,
        Err(error) => return refuse(judge, error.to_string()),
    };
    if about.is_dir() {
        if depth == 0 {
            return refuse(judge, format!("folders are nested deeper than {DEPTH_MAX}"));
        }
        let mut below: Vec<_> = match std::fs::read_dir(path) {
            Ok(entries) => entries.flatten().collect(),
            Err(error) => return refuse(judge, error.to_string()),
        };
        below.sort_by_key(std::fs::DirEntry::file_name);
        for entry in below {
            // Links inside a folder would lead out of it, or round and round; pipes and devices have no end.
            if entry.file_type().is_ok_and(|t| t.is_dir() || t.is_file()) {
                walk(&entry.path(), as_type, depth - 1, judge, done);
            }
        }
        return;
    }
    if !about.is_file() {
        return refuse(judge, "it is no ordinary file".into());
    }
    if about.len() > FILE_BYTES_MAX {
        return refuse(judge, format!("it has {} bytes, more than {FILE_BYTES_MAX}", about.len()));
    }
    match std::fs::read(path) {
        // Of an mbox each message has its own result, and none of them is a file.
        Ok(bytes) => look(&name, &bytes, as_type, judge, &mut |mut checked| {
            checked.is_file = checked.input == name;
            if checked.is_file && checked.said.verdict >= Verdict::Phishing {
                checked.sha256 = decode::sniff::sha256(&bytes);
            }
            done(checked);
        }),
        Err(error) => refuse(judge, error.to_string()),
    }
}

/// Messages of one mbox that are judged.
const MESSAGES_MAX: usize = 100_000;

/// One result; of an mbox one for each message, called `mbox#1`, ..
fn look(name: &str, bytes: &[u8], as_type: Option<As>, judge: &mut Judge, done: &mut dyn FnMut(Checked)) {
    let text = String::from_utf8_lossy(bytes);
    let matter = match as_type {
        Some(As::Mail) | None if decode::mail::is_mbox(bytes) => {
            let messages = decode::mail::messages(bytes);
            let many = messages.len() > 1;
            for (message, n) in messages.iter().take(MESSAGES_MAX).zip(1_usize..) {
                let name = if many { format!("{name}#{n}") } else { name.to_owned() };
                done(judge.look(&name, Matter::Mail(message)));
            }
            if messages.len() > MESSAGES_MAX {
                let why = format!("it holds {} messages; the first {MESSAGES_MAX} were judged", messages.len());
                out::note(format!("E0107 cannot read all of {}: {why}", out::shown(name)));
                done(judge.could_not(name, "unreadable.rest", why));
            }
            return;
        }
        Some(As::Mail) => Matter::Mail(bytes),
        Some(As::Text) => Matter::Text(&text),
        Some(As::Prompt) => Matter::Prompt(&text),
        Some(As::Url) => Matter::Url(text.trim()),
        Some(As::File) | None => Matter::Bytes(bytes),
    };
    done(judge.look(name, matter));
}

fn is_hash(text: &str) -> bool {
    [32, 40, 64].contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// A link, also one that was made harmless: `hxxp://`, `example[.]org`.
fn is_url(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    ["http://", "https://", "hxxp://", "hxxps://", "ftp://", "www."].iter().any(|start| lower.starts_with(start)) || lower.contains("[.]")
}

pub(super) fn head(matter: Matter<'_>) -> Vec<u8> {
    let bytes = match matter {
        Matter::Bytes(bytes) | Matter::Mail(bytes) => bytes,
        Matter::Url(text) | Matter::Text(text) | Matter::Prompt(text) | Matter::Hash(text) => text.as_bytes(),
    };
    bytes[..bytes.len().min(HEAD_BYTES)].to_vec()
}

/// CPU time of this thread in milliseconds.
pub(super) fn cpu_ms() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}
