//! A copy of the log and its tree while they are written, and back.
//!
//! A backup is a data directory that ends with the latest signed head: sealed files by hard link (they are never written again) or copied,
//! the segment that is written up to what the head attests, and no more of heads, roots and leaves than it covers. It is verified before it
//! is said to be one.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::audit::{self, Head, Known, Report};
use crate::index::Index;
use crate::segment::{self, HEADER, Header, Place, Step};

/// As long as a finished segment is sealed or rewritten while it is copied.
const TRIES: usize = 8;
const SOON: Duration = Duration::from_millis(250);
/// Written into every backup: which head it ends with.
pub const MANIFEST: &str = "backup.json";
/// Of the form of a backup.
pub const VERSION: u32 = 1;

/// What a backup says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub schema: String,
    pub version: u32,
    /// Of the program that made it.
    pub program: String,
    /// The log ends with it; `None` for one that has no records.
    pub head: Option<Head>,
}

/// Copies `log` and `audit` of a data directory into `target`, which is empty or not there. Needs no lock; a service may be running.
pub fn backup(data_dir: &Path, target: &Path, program: &str) -> Result<(Manifest, Report), Error> {
    must_be_empty(target)?;
    let logs = data_dir.join("log");
    if !logs.is_dir() {
        return Err(Error::Missing { dir: data_dir.to_owned() });
    }
    let mut tried = 0;
    loop {
        tried += 1;
        match copy(data_dir, target) {
            Ok((head, behind)) if behind == 0 || tried >= TRIES => {
                let manifest = Manifest { schema: "bartizan.backup/1".into(), version: VERSION, program: program.to_owned(), head };
                let report = check(target, &manifest)?;
                if report.ok || tried >= TRIES {
                    let path = target.join(MANIFEST);
                    let text = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
                    fs::write(&path, text).map_err(Error::io("write", &path))?;
                    return Ok((manifest, report));
                }
                // Changed while it was copied, or it is what it is: the last try says so.
                tried = tried.max(TRIES - 3);
            }
            // A segment was finished that the head does not cover: soon there is one that does, unless nothing runs.
            Ok(_) => std::thread::sleep(SOON),
            // The file was sealed, rewritten or removed since it was listed.
            Err(Error::Io { source, .. }) if tried < TRIES && source.kind() == io::ErrorKind::NotFound => {}
            Err(Error::Sealed { .. }) if tried < TRIES => {}
            Err(error) => return Err(error),
        }
        for part in ["log", "audit"] {
            let part = target.join(part);
            fs::remove_dir_all(&part).map_err(Error::io("remove", &part))?;
        }
    }
}

/// Reads what a backup says about itself; one of a newer program is refused.
pub fn manifest(from: &Path) -> Result<Manifest, Error> {
    let path = from.join(MANIFEST);
    let unfit = |why: String| Error::Sealed { path: path.clone(), why };
    let mut text = String::new();
    let file = File::open(&path).map_err(Error::io("open", &path))?;
    file.take(1 << 20).read_to_string(&mut text).map_err(Error::io("read", &path))?;
    let any: serde_json::Value = serde_json::from_str(&text).map_err(|e| unfit(e.to_string()))?;
    let found = any.get("version").and_then(serde_json::Value::as_u64).and_then(|v| u32::try_from(v).ok()).unwrap_or(0);
    if found > VERSION {
        return Err(Error::Version { path, found, newest: VERSION });
    }
    serde_json::from_value(any).map_err(|e| unfit(e.to_string()))
}

/// Whether a backup, or what was made of it, is what was attested: nothing more and nothing less than its head.
pub fn check(dir: &Path, manifest: &Manifest) -> Result<Report, Error> {
    newest(&dir.join("log"))?;
    let Some(head) = &manifest.head else { return Ok(Report { ok: true, ..Report::default() }) };
    audit::verify(dir, &Known { head: Some((head.size, head.root)), key: None })
}

/// Refuses files of a newer program before anything is made of them.
fn newest(logs: &Path) -> Result<(), Error> {
    for ending in [".seal", ".idx"] {
        for first in segment::list_of(logs, ending)? {
            let path = logs.join(format!("{first:016x}{ending}"));
            if let Some(found) = Index::newer(&path) {
                return Err(Error::Version { path, found, newest: Index::NEWEST });
            }
        }
    }
    for first in segment::list_of(logs, ".log")? {
        let path = segment::path(logs, first);
        Header::read(&File::open(&path).map_err(Error::io("open", &path))?, &path, first)?;
    }
    Ok(())
}

/// For what is made new: nothing may stand there.
pub fn must_be_empty(dir: &Path) -> Result<(), Error> {
    match fs::read_dir(dir) {
        Ok(mut all) => {
            let source = || io::Error::new(io::ErrorKind::DirectoryNotEmpty, "it is not empty; name another directory");
            all.next().map_or(Ok(()), |_| Err(Error::Io { doing: "use", path: dir.to_owned(), source: source() }))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::create_dir_all(dir).map_err(Error::io("create", dir)),
        Err(error) => Err(Error::io("use", dir)(error)),
    }
}

/// Finished segments first, so that the head is signed after every order of retention that they rest on; then what it covers of the rest.
/// Returns also how many records behind it came with a finished segment.
fn copy(data_dir: &Path, target: &Path) -> Result<(Option<Head>, u64), Error> {
    let (logs, to_logs) = (data_dir.join("log"), target.join("log"));
    let (trees, to_trees) = (audit::dir(data_dir), target.join("audit"));
    for dir in [&to_logs, &to_trees] {
        fs::create_dir_all(dir).map_err(Error::io("create", dir))?;
    }
    let mut ends = BTreeMap::new();
    for first in segment::list_of(&logs, ".seal")? {
        if let Some(records) = seal(&logs, &to_logs, first)? {
            ends.insert(first, records);
        }
    }
    let Some(head) = audit::latest(data_dir)? else { return Ok((None, 0)) };
    let size = head.size;
    for first in segment::list(&logs)?.into_iter().filter(|first| *first < size) {
        if let Entry::Vacant(new) = ends.entry(first) {
            let records = seal(&logs, &to_logs, first)?;
            new.insert(records.map_or_else(|| hot(&logs, &to_logs, first, size), Ok)?);
        }
    }
    for (first, records) in ends.iter().filter(|(_, records)| **records > 0) {
        let leaves = audit::leaves_name(*first);
        beginning(&trees.join(&leaves), &to_trees.join(&leaves), records.saturating_mul(8))?;
    }
    let behind = ends.iter().map(|(first, records)| first + records).max().unwrap_or(0).saturating_sub(size);
    let path = trees.join(audit::KEY);
    fs::copy(&path, to_trees.join(audit::KEY)).map_err(Error::io("copy", &path))?;
    beginning(&trees.join(audit::BLOCKS), &to_trees.join(audit::BLOCKS), size / 1_024 * 32)?;
    heads(&trees.join(audit::HEADS), &to_trees.join(audit::HEADS), Some(&head))?;
    Ok((Some(head), behind))
}

/// Number of offsets of a sealed segment, 0 when nothing is left of it; `None` when it is not sealed.
fn seal(logs: &Path, to: &Path, first: u64) -> Result<Option<u64>, Error> {
    let Some(seal) = Index::seal_in_force(logs, first) else { return Ok(None) };
    let (target, parquet) = (segment::sealed_path(to, first), segment::sealed_path(logs, first));
    let (path, next) = (segment::seal_path(logs, first), segment::next_seal_path(logs, first));
    // A crash parted them: `Index::seal_in_force`.
    let waits = Index::read_seal(&next, first).is_some_and(|next| next.sums == seal.sums);
    link(if waits { &next } else { &path }, &segment::seal_path(to, first))?;
    if seal.is_empty() {
        return Ok(Some(0));
    }
    link(&parquet, &target)?;
    // Both names may have been given to rewritten files in between.
    let now = Index::load_seal(to, first).map(|seal| seal.sums.bytes);
    if now.is_none() || now != target.metadata().ok().map(|meta| meta.len()) {
        return Err(Error::Sealed { path: parquet, why: "it was rewritten while it was copied".into() });
    }
    Ok(Some(u64::from(seal.index.end.number)))
}

/// A segment that is not sealed, up to offset `size`; returns the number of records.
fn hot(logs: &Path, to: &Path, first: u64, size: u64) -> Result<u64, Error> {
    let path = segment::path(logs, first);
    let file = File::open(&path).map_err(Error::io("open", &path))?;
    let Some(header) = Header::read(&file, &path, first)? else {
        return Err(Error::Sealed { path, why: "it has no header".into() });
    };
    let (most, mut end) = (size - first, Place { position: HEADER as u64, number: 0 });
    segment::walk(&file, &path, header, Place::START, &mut |step| {
        if let Step::Record(position, record) = step
            && u64::from(record.number) < most
        {
            end = Place { position: position + record.bytes(), number: record.number.saturating_add(1) };
        }
    })?;
    beginning(&path, &segment::path(to, first), end.position)?;
    Ok(u64::from(end.number))
}

fn link(from: &Path, to: &Path) -> Result<(), Error> {
    if fs::hard_link(from, to).is_ok() {
        return Ok(());
    }
    fs::copy(from, to).map(|_| ()).map_err(Error::io("copy", from))
}

/// The first bytes of a file; one that is not there is made again by who needs it.
fn beginning(from: &Path, to: &Path, bytes: u64) -> Result<(), Error> {
    let file = match File::open(from) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound && from.extension().is_none_or(|ending| ending != "log") => return Ok(()),
        Err(error) => return Err(Error::io("open", from)(error)),
    };
    let copy = || {
        let mut new = File::create_new(to)?;
        io::copy(&mut file.take(bytes), &mut new)?;
        new.sync_all()
    };
    copy().map_err(Error::io("write", to))
}

/// Up to the head itself, whole lines.
fn heads(from: &Path, to: &Path, head: Option<&Head>) -> Result<(), Error> {
    let text = fs::read_to_string(from).map_err(Error::io("read", from))?;
    let signature = head.map(|head| head.signature.as_str()).unwrap_or_default();
    let mut bytes = 0;
    for line in text.split_inclusive('\n') {
        bytes += line.len();
        if line.contains(signature) {
            break;
        }
    }
    fs::write(to, &text[..bytes]).map_err(Error::io("write", to))
}
