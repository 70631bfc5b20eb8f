//! A stream of bytes to batches of lines.
//!
//! A block is read behind the partial line that the last one left; lines are found with `memchr`; what follows the last line end is moved to
//! the next block. A line longer than the limit keeps its first part, and its length is counted to the end.

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::sync::Arc;

use event::Time;

use crate::{Batch, Done, Out, Position, RECORD_BYTES_MAX};

/// Bytes read at once.
pub(crate) const BLOCK_BYTES: usize = 256 << 10;

pub(crate) struct Splitter {
    source: Arc<str>,
    written: Option<Time>,
    /// A line that has not ended yet, at most [`RECORD_BYTES_MAX`] of it.
    partial: Vec<u8>,
    /// Its whole length so far.
    partial_bytes: u64,
    /// Number of the next line.
    next: u64,
    /// Only before the first byte of a file a byte order mark is none of the record.
    at_start: bool,
    pub(crate) done: Done,
}

impl Splitter {
    pub(crate) fn new(source: Arc<str>, written: Option<Time>) -> Splitter {
        Splitter { source, written, partial: Vec::new(), partial_bytes: 0, next: 1, at_start: true, done: Done::default() }
    }

    /// Goes on after `lines` lines.
    pub(crate) fn resume(&mut self, lines: u64) {
        (self.next, self.at_start) = (lines + 1, lines == 0);
    }

    /// A new file stands behind the same name.
    pub(crate) fn rewind(&mut self) {
        self.at_start = true;
    }

    /// Lines that have ended.
    pub(crate) fn lines(&self) -> u64 {
        self.next - 1
    }

    /// Bytes of the line that has not ended.
    pub(crate) fn held_bytes(&self) -> u64 {
        self.partial_bytes
    }

    /// Reads one block; the lines that end in it, if any, as a batch. `Ok(None)` at the end of the stream.
    pub(crate) fn block(&mut self, from: &mut impl Read) -> io::Result<Option<Option<Batch>>> {
        let mut buffer = std::mem::take(&mut self.partial);
        let held = buffer.len();
        buffer.resize(held + BLOCK_BYTES, 0);
        // One read a block: a pipe that has little gives it at once.
        let read = loop {
            match from.read(&mut buffer[held..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        buffer.truncate(held + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(1..) => {
                self.done.bytes += (buffer.len() - held) as u64;
                Ok(Some(self.cut(buffer, held)))
            }
            none => {
                self.partial = buffer;
                none.map(|_| None)
            }
        }
    }

    /// Ends the partial line, as at the end of a file.
    pub(crate) fn flush(&mut self) -> Option<Batch> {
        if self.partial_bytes == 0 {
            return None;
        }
        let buffer = std::mem::take(&mut self.partial);
        let mut batch = self.batch(buffer);
        let end = batch.buffer.len();
        self.line(&mut batch, 0, end, self.partial_bytes);
        self.partial_bytes = 0;
        Some(batch)
    }

    /// Counts a batch and gives it away.
    pub(crate) fn hand(&mut self, batch: Option<Batch>, position: Option<Position>, out: &mut Out<'_>) -> ControlFlow<()> {
        let Some(mut batch) = batch else { return ControlFlow::Continue(()) };
        batch.position = position;
        self.done.lines += batch.lines.len() as u64;
        self.done.cut += batch.cut.len() as u64;
        self.done.records += batch.records().count() as u64;
        out(batch)
    }

    fn batch(&self, buffer: Vec<u8>) -> Batch {
        Batch { first_number: self.next, written: self.written, buffer, ..Batch::of(Arc::clone(&self.source)) }
    }

    fn cut(&mut self, mut buffer: Vec<u8>, held: usize) -> Option<Batch> {
        let fresh_bytes = (buffer.len() - held) as u64;
        let Some(last) = memchr::memrchr(b'\n', &buffer[held..]).map(|at| held + at) else {
            self.partial = buffer;
            self.partial.truncate(RECORD_BYTES_MAX);
            self.partial_bytes += fresh_bytes;
            return None;
        };
        let rest = buffer[last + 1..].to_vec();
        buffer.truncate(last + 1);
        if buffer.len() < buffer.capacity() / 4 {
            buffer.shrink_to_fit();
        }
        let mut batch = self.batch(buffer);
        batch.lines.reserve((last + 1 - held) / 128);
        // The first line began in an earlier block; of a long one only the beginning is here.
        let unseen = self.partial_bytes - held as u64;
        let mut start = 0;
        let mut searched = held;
        while let Some(found) = memchr::memchr(b'\n', &batch.buffer[searched..=last]) {
            let end = searched + found;
            let bytes = (end - start) as u64 + if start == 0 { unseen } else { 0 };
            self.line(&mut batch, start, end, bytes);
            (start, searched) = (end + 1, end + 1);
        }
        self.partial_bytes = rest.len() as u64;
        self.partial = rest;
        Some(batch)
    }

    fn line(&mut self, batch: &mut Batch, mut start: usize, mut end: usize, bytes: u64) {
        if self.at_start {
            self.at_start = false;
            if batch.buffer[start..end].starts_with(b"\xef\xbb\xbf") {
                start += 3;
            }
        }
        if bytes > RECORD_BYTES_MAX as u64 {
            end = end.min(start + RECORD_BYTES_MAX);
            batch.cut.push((batch.lines.len() as u32, bytes));
        } else if batch.buffer[start..end].ends_with(b"\r") {
            end -= 1;
        }
        batch.lines.push((start as u32, end as u32));
        self.next += 1;
    }
}
