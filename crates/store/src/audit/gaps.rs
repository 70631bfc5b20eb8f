//! The leaves of the tree from the records that are there and, where retention removed some, from what stands in their place.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::Hash;
use crate::index::Index;
use crate::log::Shared;
use crate::sealed::{Cut, Gone};
use crate::walk::records;
use crate::{Error, segment};

/// What retention removed, read from the seals one after another.
pub(crate) struct Cuts {
    logs: PathBuf,
    firsts: Vec<u64>,
    /// The seal that was read last: where its segment begins, and what is missing from it.
    open: Option<(u64, Option<Cut>)>,
}

impl Cuts {
    pub(crate) fn open(logs: &Path) -> Result<Cuts, Error> {
        Ok(Cuts { logs: logs.to_owned(), firsts: segment::list_of(logs, ".seal")?, open: None })
    }

    /// What stands in place of the record at this offset and maybe more behind it.
    pub(crate) fn at(&mut self, offset: u64) -> Option<Gone> {
        let behind = self.firsts.partition_point(|first| *first <= offset);
        let first = *self.firsts.get(behind.checked_sub(1)?)?;
        if self.open.as_ref().is_none_or(|(open, _)| *open != first) {
            self.open = Some((first, Index::seal_in_force(&self.logs, first).and_then(|seal| seal.cut)));
        }
        self.open.as_ref()?.1.as_ref()?.at(offset)
    }
}

/// Shows the leaves of these records in order, and for those that are gone the roots of the ranges they were in: first offset, level, hash.
/// A record that is gone without a trace is a lost one.
pub(crate) fn leaves(
    shared: &Shared,
    cuts: &mut Cuts,
    range: Range<u64>,
    each: &mut dyn FnMut(u64, u32, Hash) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut from = range.start;
    while from < range.end {
        let mut done = Ok(());
        let next = records(shared, from, range.end, &mut |row| {
            if done.is_ok() {
                done = fill(cuts, from, row.offset, each).and_then(|()| each(row.offset, 0, Hash::leaf(row.class, row.payload)));
                from = row.offset + 1;
            }
        })?;
        done?;
        fill(cuts, from, next, each)?;
        from = next.max(from);
    }
    Ok(())
}

fn fill(cuts: &mut Cuts, mut from: u64, to: u64, each: &mut dyn FnMut(u64, u32, Hash) -> Result<(), Error>) -> Result<(), Error> {
    while from < to {
        let Gone { level, hash, .. } =
            cuts.at(from).filter(|gone| gone.end() <= to).unwrap_or(Gone { start: from, level: 0, hash: Hash::lost() });
        each(from, level, hash)?;
        from += 1 << level;
    }
    Ok(())
}
