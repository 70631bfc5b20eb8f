//! Proof that the log is what it was: a Merkle tree over all records, whose heads are signed as it grows.
//!
//! ```text
//! audit/heads.jsonl    signed heads: size, root, time
//! audit/blocks         root of each 1,024 records, 32 bytes each
//! audit/%016x.leaves   first 8 bytes of each record's leaf, one file a segment: names the record that was changed
//! audit/key.pub        whose signatures they are; the private half is secrets/audit.pem
//! ```
//!
//! Blocks and leaves can be made again from the log, heads cannot. Who can write the data directory and read the private key can make
//! all of it anew: therefore `audit verify --head` compares with a head that was kept elsewhere.

mod gaps;
mod head;
mod heads;
mod keeper;
mod proof;
mod tree;
mod verify;

pub use head::{Head, PublicKey};
pub(crate) use heads::sizes;
pub(crate) use keeper::{Keeper, Opening};
pub use proof::{Growth, Inclusion, Proof, latest};
pub(crate) use tree::BLOCK_LEVEL;
pub use tree::Hash;
pub use verify::{Bad, Known, Report, verify};

use std::path::{Path, PathBuf};

pub(crate) fn dir(data_dir: &Path) -> PathBuf {
    data_dir.join("audit")
}

pub(crate) const HEADS: &str = "heads.jsonl";
pub(crate) const BLOCKS: &str = "blocks";
pub(crate) const KEY: &str = "key.pub";

pub(crate) fn leaves_name(first: u64) -> String {
    format!("{first:016x}.leaves")
}
