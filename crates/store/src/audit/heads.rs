//! The file of signed heads, `audit/heads.jsonl`.
//!
//! Each line names the hash of the one before, so that the signature of the last one is over all of them: reading a year of heads checks
//! hashes, and one signature.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::head::{Head, PublicKey};
use super::{Bad, Hash};
use crate::Error;

/// A longer line is no head.
const LINE_MAX: u64 = 1_024;
/// Says of a head that another key signed it.
pub(crate) const OTHER_KEY: &str = "this is not the key that signed the heads";
const NOT_SIGNED: &str = "the signature of this head does not fit the key";

/// Heads in order, as far as they are genuine.
#[derive(Default)]
pub(crate) struct Heads {
    pub(crate) all: Vec<Head>,
    /// The first line that is not.
    pub(crate) bad: Option<Bad>,
}

impl Heads {
    /// A file that is not there has no heads. `name` is what the file is called in [`Bad`].
    pub(crate) fn read(path: &Path, name: &str, key: &PublicKey) -> Result<Heads, Error> {
        let mut heads = Heads::default();
        let Some(file) = opened(path)? else { return Ok(heads) };
        let mut reader = BufReader::new(file);
        let (mut line, mut previous, mut at, mut before) = (Vec::new(), Hash::default(), 0, 0);
        let why = loop {
            line.clear();
            let got = reader.by_ref().take(LINE_MAX).read_until(b'\n', &mut line).map_err(Error::io("read", path))? as u64;
            if got == 0 {
                break heads.all.last().and_then(|last| unsigned(last, key)).map(|why| (before, why));
            }
            match parse(&line) {
                Ok(head) if head.previous == previous && heads.all.last().is_none_or(|last| last.size <= head.size) => heads.all.push(head),
                Ok(head) => {
                    // Whether this line was changed or the one before, the signatures say.
                    let changed = heads.all.last().and_then(|last| unsigned(last, key)).map(|why| (before, why));
                    let missing = (at, unsigned(&head, key).unwrap_or("a head before this one is missing"));
                    break Some(changed.unwrap_or(missing));
                }
                Err(why) => break Some((at, why)),
            }
            previous = Hash::of(&[&line]);
            (before, at) = (at, at + got);
        };
        if let Some((offset, why)) = why {
            if offset == before && at > before {
                heads.all.pop();
            }
            let record = heads.all.last().map(|head| head.size);
            heads.bad = Some(Bad { file: name.into(), offset, record, why: why.into() });
        }
        Ok(heads)
    }
}

/// The end of the file, to go on from.
#[derive(Default)]
pub(crate) struct Last {
    /// Signed by the key.
    pub(crate) head: Option<Head>,
    /// Hash of its line.
    pub(crate) hash: Hash,
    /// Behind the last whole line.
    pub(crate) bytes: u64,
}

impl Last {
    pub(crate) fn read(path: &Path, key: &PublicKey) -> Result<Last, Error> {
        let Some(mut file) = opened(path)? else { return Ok(Last::default()) };
        let read = || {
            let length = file.metadata()?.len();
            let from = length.saturating_sub(2 * LINE_MAX);
            file.seek(SeekFrom::Start(from))?;
            let mut tail = Vec::new();
            file.take(2 * LINE_MAX).read_to_end(&mut tail)?;
            Ok((from, tail))
        };
        let (from, mut tail) = read().map_err(Error::io("read", path))?;
        let whole = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        tail.truncate(whole);
        let start = tail[..whole.saturating_sub(1)].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let head = parse(&tail[start..]).ok().filter(|head| unsigned(head, key).is_none());
        // Behind a line that is not ours the chain begins anew, and verification says where.
        let hash = if head.is_some() { Hash::of(&[&tail[start..]]) } else { Hash::default() };
        Ok(Last { head, hash, bytes: from + whole as u64 })
    }
}

/// Sizes of the heads between two, in order. Whether they are genuine does not matter here: one that is not costs a few hashes.
pub(crate) fn sizes(path: &Path, range: std::ops::Range<u64>) -> Result<Vec<u64>, Error> {
    let Some(file) = opened(path)? else { return Ok(Vec::new()) };
    let (mut reader, mut line, mut all) = (BufReader::new(file), Vec::new(), Vec::new());
    loop {
        line.clear();
        let got = reader.by_ref().take(LINE_MAX).read_until(b'\n', &mut line).map_err(Error::io("read", path))?;
        if got == 0 {
            break;
        }
        all.extend(parse(&line).ok().map(|head| head.size).filter(|size| range.contains(size)));
    }
    all.sort_unstable();
    Ok(all)
}

fn opened(path: &Path) -> Result<Option<File>, Error> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("open", path)(error)),
    }
}

fn parse(line: &[u8]) -> Result<Head, &'static str> {
    let text = line.strip_suffix(b"\n").ok_or("this head is cut")?;
    let head: Head = serde_json::from_slice(text).map_err(|_| "this line is no head")?;
    // What the signature does not cover is covered by there being one way to write it.
    if to_line(&head) == line { Ok(head) } else { Err("this line is not as a head is written") }
}

fn unsigned(head: &Head, key: &PublicKey) -> Option<&'static str> {
    match (head.is_signed_by(key), head.key == key.id()) {
        (true, true) => None,
        (false, false) => Some(OTHER_KEY),
        (true, false) | (false, true) => Some(NOT_SIGNED),
    }
}

pub(crate) fn to_line(head: &Head) -> Vec<u8> {
    let mut line = serde_json::to_vec(head).unwrap_or_default();
    line.push(b'\n');
    line
}
