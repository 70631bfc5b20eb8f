//! Every record from one offset to another, in order.

use std::sync::PoisonError;

use crate::Error;
use crate::log::Shared;
use crate::reader::Reader;
use crate::rows::Row;

/// Shows the records from `from` up to `to`, as far as one segment goes; those that cannot be read are left out. Returns the offset behind
/// what was looked at, at least `from + 1`.
pub(crate) fn records(shared: &Shared, from: u64, to: u64, each: &mut dyn FnMut(Row<'_>)) -> Result<u64, Error> {
    let _reading = shared.reading.read().unwrap_or_else(PoisonError::into_inner);
    let found = {
        let state = shared.read();
        let segment = state.segments.iter().find(|segment| segment.index.end_offset() > from);
        segment.map(|s| (s.path.clone(), s.form.clone(), s.index.clone(), s.lost))
    };
    let Some((path, form, index, lost)) = found else { return Ok(to) };
    let end = index.end_offset().min(to).max(from + 1);
    if lost {
        return Ok(end);
    }
    let Some(reader) = Reader::open(&path, index.header, &form, &shared.open)? else { return Ok(end) };
    let first = index.header.first;
    for block in index.blocks.iter() {
        let (start, behind) = (first + u64::from(block.start.number), first + u64::from(block.end.number));
        if behind <= from || start >= end {
            continue;
        }
        let (rows, _) = reader.rows(&path, block.start, block.end)?;
        rows.iter().filter(|row| (from..end).contains(&row.offset)).for_each(&mut *each);
    }
    Ok(end)
}
