//! Records of one read, in the order of their offsets, in one buffer.

#[derive(Default)]
pub(crate) struct Rows {
    buffer: Vec<u8>,
    /// Offset, byte of the class, end of the payload in `buffer`; it begins where the one before ends.
    rows: Vec<(u64, u8, usize, usize)>,
    /// Offsets of records that could not be put together.
    pub(crate) lost: Vec<u64>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    pub(crate) offset: u64,
    pub(crate) class: u8,
    pub(crate) payload: &'a [u8],
}

impl Row<'_> {
    /// `None`: a whole record, but this version does not know how to read it.
    pub(crate) fn decode(&self) -> Option<event::Event> {
        rmp_serde::from_slice(self.payload).ok()
    }
}

impl Rows {
    /// Records that lie in a buffer already: offset, class, range.
    pub(crate) fn within(buffer: Vec<u8>, rows: Vec<(u64, u8, usize, usize)>) -> Rows {
        Rows { buffer, rows, lost: Vec::new() }
    }

    /// `write` adds the payload to the buffer, or says that it cannot.
    pub(crate) fn add(&mut self, offset: u64, class: u8, write: impl FnOnce(&mut Vec<u8>) -> bool) {
        let start = self.buffer.len();
        if write(&mut self.buffer) {
            self.rows.push((offset, class, start, self.buffer.len()));
        } else {
            self.lost.push(offset);
        }
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = Row<'_>> {
        self.rows.iter().map(|(offset, class, start, end)| Row { offset: *offset, class: *class, payload: &self.buffer[*start..*end] })
    }

    /// Adds those of a later read.
    pub(crate) fn append(&mut self, later: Rows) {
        let base = self.buffer.len();
        if base == 0 && self.rows.is_empty() {
            let lost = std::mem::take(&mut self.lost);
            *self = later;
            self.lost.splice(0..0, lost);
            return;
        }
        self.buffer.extend_from_slice(&later.buffer);
        self.rows.extend(later.rows.into_iter().map(|(offset, class, start, end)| (offset, class, base + start, base + end)));
        self.lost.extend(later.lost);
    }
}
