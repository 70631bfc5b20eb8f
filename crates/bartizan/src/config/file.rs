//! One file of the configuration, from bytes to values that know their line. Whatever the bytes are, it ends with values and faults.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::fault::{Code, Fault, Origin};
use super::key::Raw;

/// A configuration is written by hand.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Files of `conf.d`.
const FILES_MAX: usize = 100;

/// A value of the top of a file or of a table in it: its key, where it stands, what was written.
pub struct Written {
    pub key: String,
    pub at: Origin,
    pub value: Tree,
}

/// Tables keep the places of their keys; everything below a value does not need them.
pub enum Tree {
    Table(Vec<Written>),
    /// `[[..]]`
    Tables(Vec<(Origin, Vec<Written>)>),
    Value(Raw),
}

/// The file itself, when it is there, then the files of `conf.d` beside it by name.
pub fn list(main: &Path, must_exist: bool) -> (Vec<PathBuf>, Vec<Fault>) {
    let mut files = Vec::new();
    let mut faults = Vec::new();
    if must_exist || main.exists() {
        files.push(main.to_owned());
    }
    let dir = main.with_file_name("conf.d");
    if dir.is_dir() {
        match std::fs::read_dir(&dir) {
            Ok(entries) => {
                let mut more: Vec<PathBuf> =
                    entries.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "toml")).collect();
                more.sort();
                if more.len() > FILES_MAX {
                    let text = format!("{} files", more.len());
                    faults.push(Fault { code: Code::Unreadable, at: whole(&dir), text, instead: format!("at most {FILES_MAX} files") });
                    more.truncate(FILES_MAX);
                }
                files.extend(more);
            }
            Err(error) => faults.push(unreadable(&dir, &error.to_string())),
        }
    }
    (files, faults)
}

fn whole(path: &Path) -> Origin {
    Origin::File { path: Arc::new(path.to_owned()), line: 0, column: 0 }
}

fn unreadable(path: &Path, why: &str) -> Fault {
    let instead = "the path of a file that this user may read".to_owned();
    Fault { code: Code::Unreadable, at: whole(path), text: format!("cannot be read: {why}"), instead }
}

/// Reads one file; what is wrong with it goes to `faults`.
pub fn read(path: &Path, faults: &mut Vec<Fault>) -> Vec<Written> {
    let bytes = match std::fs::metadata(path).map(|facts| facts.len()) {
        Ok(bytes) if bytes > FILE_BYTES_MAX => Err(format!("it has {bytes} bytes, at most {FILE_BYTES_MAX} are read")),
        Ok(_) => std::fs::read(path).map_err(|e| e.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match bytes {
        Ok(bytes) => parse(&bytes, path, faults),
        Err(why) => {
            faults.push(unreadable(path, &why));
            Vec::new()
        }
    }
}

pub fn parse(bytes: &[u8], path: &Path, faults: &mut Vec<Fault>) -> Vec<Written> {
    let lines = Lines::new(bytes, path);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let instead = "text in UTF-8".to_owned();
            faults.push(Fault { code: Code::Syntax, at: lines.at(error.valid_up_to()), text: "a byte that is no UTF-8".into(), instead });
            return Vec::new();
        }
    };
    let (table, errors) = DeTable::parse_recoverable(text);
    faults.extend(errors.iter().map(|error| {
        let at = lines.at(error.span().map_or(0, |span| span.start));
        let text = format!("not TOML: {}", error.message().replace('\n', ", "));
        Fault { code: Code::Syntax, at, text, instead: "key = value, with texts in double quotes, below a [table]".into() }
    }));
    // What could be understood of a broken file would only give faults that follow from the first.
    if errors.is_empty() { tables(table.get_ref(), &lines) } else { Vec::new() }
}

fn tables(table: &DeTable<'_>, lines: &Lines<'_>) -> Vec<Written> {
    let one = |(key, value): (&toml::Spanned<std::borrow::Cow<'_, str>>, &toml::Spanned<DeValue<'_>>)| {
        let value = match value.get_ref() {
            DeValue::Table(inner) => Tree::Table(tables(inner, lines)),
            DeValue::Array(items) if !items.is_empty() && items.iter().all(|item| item.get_ref().is_table()) => {
                let of = |item: &toml::Spanned<DeValue<'_>>| match item.get_ref() {
                    DeValue::Table(inner) => Some((lines.at(item.span().start), tables(inner, lines))),
                    _ => None,
                };
                Tree::Tables(items.iter().filter_map(of).collect())
            }
            other => Tree::Value(raw(other)),
        };
        Written { key: key.get_ref().to_string(), at: lines.at(key.span().start), value }
    };
    let mut all: Vec<Written> = table.iter().map(one).collect();
    // Faults are told in the order of the file.
    all.sort_by_key(|written| if let Origin::File { line, column, .. } = &written.at { (*line, *column) } else { (0, 0) });
    all
}

fn raw(value: &DeValue<'_>) -> Raw {
    match value {
        DeValue::Boolean(on) => Raw::Switch(*on),
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Integer(n) if n.radix() == 10 => Raw::Number(n.as_str().to_owned()),
        DeValue::Integer(n) => Raw::Other(n.as_str().to_owned()),
        DeValue::Float(n) => Raw::Other(n.as_str().to_owned()),
        DeValue::Datetime(at) => Raw::Other(at.to_string()),
        DeValue::Array(items) => Raw::Many(items.iter().map(|item| raw(item.get_ref())).collect()),
        DeValue::Table(table) => Raw::Table(table.iter().map(|(key, value)| (key.get_ref().to_string(), raw(value.get_ref()))).collect()),
    }
}

/// An inline table, which is a value where a secret is expected.
pub fn as_raw(tree: &Tree) -> Raw {
    match tree {
        Tree::Value(raw) => raw.clone(),
        Tree::Table(inner) => Raw::Table(inner.iter().map(|w| (w.key.clone(), as_raw(&w.value))).collect()),
        Tree::Tables(all) => {
            Raw::Many(all.iter().map(|(_, inner)| Raw::Table(inner.iter().map(|w| (w.key.clone(), as_raw(&w.value))).collect())).collect())
        }
    }
}

/// Byte offsets to lines and columns.
struct Lines<'a> {
    bytes: &'a [u8],
    starts: Vec<usize>,
    path: Arc<PathBuf>,
}

impl<'a> Lines<'a> {
    fn new(bytes: &'a [u8], path: &Path) -> Lines<'a> {
        let starts = std::iter::once(0).chain(memchr::memchr_iter(b'\n', bytes).map(|i| i + 1)).collect();
        Lines { bytes, starts, path: Arc::new(path.to_owned()) }
    }

    fn at(&self, offset: usize) -> Origin {
        let offset = offset.min(self.bytes.len());
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts[line - 1];
        // Columns count characters: continuation bytes of UTF-8 are none.
        let column = self.bytes[start..offset].iter().filter(|b| (**b & 0xc0) != 0x80).count() + 1;
        Origin::File { path: Arc::clone(&self.path), line, column }
    }
}
