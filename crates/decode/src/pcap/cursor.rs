//! Reading numbers and lengths off bytes in network order: everything gives `None` past the end.

#[derive(Clone, Copy)]
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(head)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|b| b[0])
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.take(2)?.first_chunk().map(|b| u16::from_be_bytes(*b))
    }

    pub(super) fn u24(&mut self) -> Option<usize> {
        self.take(3).map(|b| usize::from(b[0]) << 16 | usize::from(b[1]) << 8 | usize::from(b[2]))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.take(4)?.first_chunk().map(|b| u32::from_be_bytes(*b))
    }

    /// Bytes behind a length of one byte.
    pub(super) fn short(&mut self) -> Option<Cursor<'a>> {
        let n = self.u8()?;
        self.take(n.into()).map(Cursor)
    }

    /// Bytes behind a length of two bytes.
    pub(super) fn long(&mut self) -> Option<Cursor<'a>> {
        let n = self.u16()?;
        self.take(n.into()).map(Cursor)
    }

    /// The rest as 16-bit numbers.
    pub(super) fn words(self) -> Vec<u16> {
        self.0.chunks_exact(2).map(|b| u16::from_be_bytes([b[0], b[1]])).collect()
    }
}
