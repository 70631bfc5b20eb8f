//! Some records of one source in one buffer.

use std::sync::Arc;

use event::Time;

use crate::{Position, Receipt};

/// Consecutive physical lines: their bytes in one buffer, and where each ends. Line ends (`\n`, `\r\n`) are not part of a record.
#[derive(Debug)]
pub struct Batch {
    /// Name of the source, as given.
    pub source: Arc<str>,
    /// 1-based number of the first line.
    pub first_number: u64,
    /// Last change of the file before it was read; completes times without a year.
    pub written: Option<Time>,
    /// Where to go on after this batch; only for followed files.
    pub position: Option<Position>,
    /// Somebody waits to hear that these records are on disk.
    pub receipt: Option<Receipt>,
    pub(crate) buffer: Vec<u8>,
    /// Start and end of each line in `buffer`.
    pub(crate) lines: Vec<(u32, u32)>,
    /// Index of a line that was cut, and its length before. Rare, in order.
    pub(crate) cut: Vec<(u32, u64)>,
    /// Index of a record and what its shipper says about its time. In order.
    pub(crate) shipped: Vec<(u32, Time)>,
}

/// One record, without its line end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'b> {
    pub bytes: &'b [u8],
    /// 1-based physical line.
    pub number: u64,
    /// Length before it was cut.
    pub cut_from: Option<u64>,
    /// When its shipper says that it was written; for records that say nothing themselves.
    pub shipped: Option<Time>,
}

impl Batch {
    /// Empty, for records that come one by one.
    pub(crate) fn of(source: Arc<str>) -> Batch {
        Batch {
            source,
            first_number: 0,
            written: None,
            position: None,
            receipt: None,
            buffer: Vec::new(),
            lines: Vec::new(),
            cut: Vec::new(),
            shipped: Vec::new(),
        }
    }

    /// One more record.
    pub(crate) fn push(&mut self, record: &[u8], cut_from: Option<u64>, shipped: Option<Time>) {
        let index = self.lines.len() as u32;
        let start = self.buffer.len() as u32;
        self.buffer.extend_from_slice(record);
        self.lines.push((start, self.buffer.len() as u32));
        self.cut.extend(cut_from.map(|bytes| (index, bytes)));
        self.shipped.extend(shipped.map(|time| (index, time)));
    }

    /// The records of `more` behind these.
    pub(crate) fn join(&mut self, more: &Batch) {
        let (index, start) = (self.lines.len() as u32, self.buffer.len() as u32);
        self.buffer.extend_from_slice(&more.buffer);
        self.lines.extend(more.lines.iter().map(|(from, to)| (start + from, start + to)));
        self.cut.extend(more.cut.iter().map(|(n, bytes)| (index + n, *bytes)));
        self.shipped.extend(more.shipped.iter().map(|(n, time)| (index + n, *time)));
    }

    /// Every line that is not blank. Blank lines count as lines, not as records.
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let mut cut = self.cut.iter().copied().peekable();
        let mut shipped = self.shipped.iter().copied().peekable();
        self.lines.iter().enumerate().filter_map(move |(index, &(start, end))| {
            let cut_from = cut.next_if(|(line, _)| *line as usize == index).map(|(_, bytes)| bytes);
            let shipped = shipped.next_if(|(line, _)| *line as usize == index).map(|(_, time)| time);
            let bytes = &self.buffer[start as usize..end as usize];
            let blank = bytes.first().is_none_or(u8::is_ascii_whitespace) && bytes.iter().all(u8::is_ascii_whitespace);
            (!blank).then_some(Record { bytes, number: self.first_number + index as u64, cut_from, shipped })
        })
    }

    /// Physical lines.
    pub fn line_count(&self) -> usize {
        self.lines.len()
    }

    /// Records that were cut.
    pub fn cut_count(&self) -> usize {
        self.cut.len()
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.buffer.len()
    }
}
