//! One direction of a TCP connection, put in order. Data ahead of what is missing is held up to 64 KiB; of bytes that come twice the
//! first copy is kept.

use std::collections::BTreeMap;

const AHEAD_BYTES_MAX: usize = 64 << 10;
const AHEAD_PARTS_MAX: usize = 1_024;

#[derive(Default)]
pub(super) struct Stream {
    /// Sequence number of the next byte wanted.
    next: Option<u32>,
    /// Bytes delivered or skipped so far.
    position: u64,
    /// By position in the stream.
    ahead: BTreeMap<u64, Vec<u8>>,
    ahead_bytes: usize,
    /// Delivered and not yet used.
    pub(super) data: Vec<u8>,
}

/// What comes next in order.
pub(super) enum Piece {
    /// More bytes are in [`Stream::data`].
    Data,
    /// So many bytes were never captured.
    Gap(u64),
}

impl Stream {
    pub(super) fn synchronise(&mut self, sequence: u32) {
        if self.next.is_none() {
            self.next = Some(sequence.wrapping_add(1));
        }
    }

    /// A segment's bytes; `cut` more were sent and not captured.
    pub(super) fn push(&mut self, sequence: u32, bytes: &[u8], cut: usize, pieces: &mut dyn FnMut(&mut Stream, Piece)) {
        let next = *self.next.get_or_insert(sequence);
        let distance = i64::from(sequence.wrapping_sub(next) as i32);
        let (start, bytes) = if distance < 0 {
            // Sent again: only what is new counts.
            let old = usize::try_from(-distance).unwrap_or(usize::MAX);
            (self.position, bytes.get(old..).unwrap_or_default())
        } else {
            (self.position + distance as u64, bytes)
        };
        if start > self.position {
            let room = distance as usize + bytes.len() <= AHEAD_BYTES_MAX && self.ahead.len() < AHEAD_PARTS_MAX;
            if room && !bytes.is_empty() && !self.ahead.contains_key(&start) && self.ahead_bytes + bytes.len() <= 2 * AHEAD_BYTES_MAX {
                self.ahead_bytes += bytes.len();
                self.ahead.insert(start, bytes.to_vec());
            }
            if room {
                return;
            }
            // What is missing will not come any more.
            while self.position < start && !self.ahead.is_empty() {
                self.skip(pieces);
            }
            if self.position < start {
                let missing = start - self.position;
                self.advance(missing);
                pieces(self, Piece::Gap(missing));
            }
        }
        let known = (self.position - start.min(self.position)) as usize;
        self.deliver(bytes.get(known..).unwrap_or_default(), pieces);
        if cut > 0 {
            self.advance(cut as u64);
            pieces(self, Piece::Gap(cut as u64));
        }
        self.catch_up(pieces);
    }

    /// Delivers what is held behind gaps: at the end of the connection.
    pub(super) fn finish(&mut self, pieces: &mut dyn FnMut(&mut Stream, Piece)) {
        while !self.ahead.is_empty() {
            self.skip(pieces);
        }
    }

    fn skip(&mut self, pieces: &mut dyn FnMut(&mut Stream, Piece)) {
        if let Some((&first, _)) = self.ahead.first_key_value()
            && first > self.position
        {
            let missing = first - self.position;
            self.advance(missing);
            pieces(self, Piece::Gap(missing));
        }
        self.catch_up(pieces);
    }

    fn catch_up(&mut self, pieces: &mut dyn FnMut(&mut Stream, Piece)) {
        while let Some(entry) = self.ahead.first_entry().filter(|e| *e.key() <= self.position) {
            let (start, part) = entry.remove_entry();
            self.ahead_bytes -= part.len();
            let known = (self.position - start) as usize;
            self.deliver(part.get(known..).unwrap_or_default(), pieces);
        }
    }

    fn deliver(&mut self, bytes: &[u8], pieces: &mut dyn FnMut(&mut Stream, Piece)) {
        if !bytes.is_empty() {
            self.advance(bytes.len() as u64);
            self.data.extend_from_slice(bytes);
            pieces(self, Piece::Data);
        }
    }

    fn advance(&mut self, n: u64) {
        self.position += n;
        self.next = self.next.map(|next| next.wrapping_add(n as u32));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(segments: &[(u32, &[u8])]) -> (Vec<u8>, u64) {
        let mut stream = Stream::default();
        let mut missing = 0;
        let mut each = |_: &mut Stream, piece: Piece| {
            if let Piece::Gap(n) = piece {
                missing += n;
            }
        };
        segments.iter().for_each(|(sequence, bytes)| stream.push(*sequence, bytes, 0, &mut each));
        stream.finish(&mut each);
        (stream.data, missing)
    }

    #[test]
    fn order_overlap_and_loss() {
        let near_wrap = u32::MAX - 2;
        assert_eq!(run(&[(5, b"ab"), (9, b"ef"), (7, b"cd")]).0, b"abcdef");
        assert_eq!(run(&[(near_wrap, b"abcd"), (near_wrap.wrapping_add(4), b"ef")]).0, b"abcdef");
        assert_eq!(run(&[(5, b"abcd"), (7, b"XXef"), (5, b"YYYY")]).0, b"abcdef", "the first copy is kept");
        assert_eq!(run(&[(5, b"ab"), (9, b"ef"), (9, b"XX"), (7, b"cdZ")]).0, b"abcdZf", "what is in order is never held back");
        assert_eq!(run(&[(5, b"ab"), (105, b"cd")]), (b"abcd".to_vec(), 98));
    }

    #[test]
    fn what_is_ahead_is_bounded() {
        let part = [b'x'; 1_000];
        let mut stream = Stream::default();
        stream.push(0, b"a", 0, &mut |_, _| {});
        for n in 0..10_000u32 {
            stream.push(100 + n * 1_001, &part, 0, &mut |stream, _| stream.data.clear());
            assert!(stream.ahead_bytes <= 2 * AHEAD_BYTES_MAX && stream.ahead.len() <= AHEAD_PARTS_MAX);
        }
    }
}
