//! Proofs that can be checked without the log: that a record is in it, and that it only grew.

use std::ops::Range;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use event::Event;
use serde::{Deserialize, Serialize};

use super::gaps::{Cuts, leaves};
use super::head::{Head, PublicKey};
use super::heads::Last;
use super::tree::{self, BLOCK, Frontier, Hash};
use super::{BLOCKS, HEADS, KEY};
use crate::walk::records;
use crate::{Error, Log};

/// What `audit prove` writes and `audit check` reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "schema")]
pub enum Proof {
    #[serde(rename = "bartizan.inclusion/1")]
    Inclusion(Inclusion),
    #[serde(rename = "bartizan.growth/1")]
    Growth(Growth),
}

/// Record `record` is in the log that `head` attests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inclusion {
    pub record: u64,
    /// As stored: class byte and MessagePack, the latter in Base64.
    pub class: u8,
    pub payload: String,
    /// From the leaf upwards.
    pub path: Vec<Hash>,
    pub head: Head,
}

/// The log of `size` records under `root` is a beginning of the one that `head` attests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Growth {
    pub size: u64,
    pub root: Hash,
    pub path: Vec<Hash>,
    pub head: Head,
}

impl Inclusion {
    /// `None`: the record is in no head yet, which takes ten seconds at most.
    pub fn of(data_dir: &Path, log: &Log, record: u64) -> Result<Option<Inclusion>, Error> {
        let Some(tree) = Tree::open(data_dir, log)?.filter(|tree| record < tree.head.size) else { return Ok(None) };
        let mut found = None;
        records(&log.shared, record, record + 1, &mut |row| found = Some((row.class, STANDARD.encode(row.payload))))?;
        let Some((class, payload)) = found else { return Err(Error::NoRecord { record }) };
        let path = tree::path(record, 0..tree.head.size, &mut |range| tree.root(range))?;
        Ok(Some(Inclusion { record, class, payload, path, head: tree.head }))
    }

    /// The record, when the proof holds and the head is signed by this key.
    pub fn check(&self, key: &PublicKey) -> Result<Option<Event>, &'static str> {
        let payload = STANDARD.decode(&self.payload).map_err(|_| "the payload is no Base64")?;
        if !self.head.is_signed_by(key) {
            return Err("the signature of the head does not fit the key");
        }
        if !tree::contains(Hash::leaf(self.class, &payload), self.record, self.head.size, &self.path, self.head.root) {
            return Err("the path does not lead from the record to the head");
        }
        Ok(rmp_serde::from_slice(&payload).ok())
    }
}

impl Growth {
    /// `None`: there is no head of so many records yet.
    pub fn of(data_dir: &Path, log: &Log, size: u64, root: Hash) -> Result<Option<Growth>, Error> {
        let Some(tree) = Tree::open(data_dir, log)?.filter(|tree| size <= tree.head.size) else { return Ok(None) };
        let mut path = Vec::new();
        if size > 0 {
            path = tree::growth(size, 0..tree.head.size, true, &mut |range| tree.root(range))?;
        }
        Ok(Some(Growth { size, root, path, head: tree.head }))
    }

    pub fn check(&self, key: &PublicKey) -> Result<(), &'static str> {
        if !self.head.is_signed_by(key) {
            return Err("the signature of the head does not fit the key");
        }
        let grew = tree::grew(self.size, self.root, self.head.size, self.head.root, &self.path);
        grew.then_some(()).ok_or("the log under the head does not begin with those records")
    }
}

/// The tree under the latest head.
struct Tree<'a> {
    log: &'a Log,
    head: Head,
    blocks: Vec<u8>,
}

impl Tree<'_> {
    fn open<'a>(data_dir: &Path, log: &'a Log) -> Result<Option<Tree<'a>>, Error> {
        let dir = super::dir(data_dir);
        let Some(head) = latest(data_dir)? else { return Ok(None) };
        let path = dir.join(BLOCKS);
        let blocks = std::fs::read(&path).map_err(Error::io("read", &path))?;
        Ok(Some(Tree { log, head, blocks }))
    }

    /// Over leaves from a multiple of a power of two that is no smaller than their number.
    fn root(&self, range: Range<u64>) -> Result<Hash, Error> {
        let mut frontier = Frontier::default();
        let mut at = range.start;
        while range.end - at >= BLOCK {
            let from = (at / BLOCK * 32) as usize;
            let Some(root) = self.blocks.get(from..from + 32) else { return Err(Error::NoRecord { record: at }) };
            let mut hash = Hash::default();
            hash.0.copy_from_slice(root);
            frontier.push_block(hash);
            at += BLOCK;
        }
        let mut cuts = Cuts::open(&self.log.shared.dir)?;
        let mut astray = None;
        leaves(&self.log.shared, &mut cuts, at..range.end, &mut |at, level, hash| {
            if frontier.size().is_multiple_of(1 << level) {
                frontier.push_range(hash, level);
            } else {
                astray = astray.or(Some(at));
            }
            Ok(())
        })?;
        match astray {
            // A tree that ends among records that are gone, where no head was signed.
            Some(record) => Err(Error::NoRecord { record }),
            None => Ok(frontier.root()),
        }
    }
}

/// The latest signed head, without a look at the log.
pub fn latest(data_dir: &Path) -> Result<Option<Head>, Error> {
    let dir = super::dir(data_dir);
    let path = dir.join(KEY);
    let pem = match std::fs::read_to_string(&path) {
        Ok(pem) => pem,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("read", &path)(error)),
    };
    let Some(key) = PublicKey::from_pem(&pem) else { return Err(Error::Key { path, why: "it is no PEM of a public key".into() }) };
    Ok(Last::read(&dir.join(HEADS), &key)?.head)
}
