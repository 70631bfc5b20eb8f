//! Some records of one source in one buffer.

use std::sync::Arc;

use event::Time;

use crate::Position;

/// Consecutive physical lines: their bytes in one buffer, and where each ends. Line ends (`\n`, `\r\n`) are not part of a record.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Name of the source, as given.
    pub source: Arc<str>,
    /// 1-based number of the first line.
    pub first_number: u64,
    /// Last change of the file before it was read; completes times without a year.
    pub written: Option<Time>,
    /// Where to go on after this batch; only for followed files.
    pub position: Option<Position>,
    pub(crate) buffer: Vec<u8>,
    /// Start and end of each line in `buffer`.
    pub(crate) lines: Vec<(u32, u32)>,
    /// Index of a line that was cut, and its length before. Rare, in order.
    pub(crate) cut: Vec<(u32, u64)>,
}

/// One record, without its line end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'b> {
    pub bytes: &'b [u8],
    /// 1-based physical line.
    pub number: u64,
    /// Length before it was cut.
    pub cut_from: Option<u64>,
}

impl Batch {
    /// Every line that is not blank. Blank lines count as lines, not as records.
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let mut cut = self.cut.iter().copied().peekable();
        self.lines.iter().enumerate().filter_map(move |(index, &(start, end))| {
            let cut_from = cut.next_if(|(line, _)| *line as usize == index).map(|(_, bytes)| bytes);
            let bytes = &self.buffer[start as usize..end as usize];
            let blank = bytes.first().is_none_or(u8::is_ascii_whitespace) && bytes.iter().all(u8::is_ascii_whitespace);
            (!blank).then_some(Record { bytes, number: self.first_number + index as u64, cut_from })
        })
    }

    /// Physical lines.
    pub fn line_count(&self) -> usize {
        self.lines.len()
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.buffer.len()
    }
}
