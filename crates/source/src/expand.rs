//! Archives: gzip and zstd, known by their first bytes, expanded as a stream within bounds.
//!
//! A bound that is hit ends the source and is reported: what was expanded until then is handed over. Memory does not grow with the archive;
//! the bounds hold the time that a small hostile file can cost.

use std::io::{self, Cursor, Read};

/// How far an archive may expand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Expanded bytes per archived byte, beyond `free_bytes`. Log files reach 10 to 40.
    pub ratio_max: u64,
    /// Expanded bytes that the ratio leaves alone.
    pub free_bytes: u64,
    /// Expanded bytes of one file. Rotated logs of a day reach some GiB; the ratio asks at least a hundredth of it as input.
    pub bytes_max: u64,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { ratio_max: 100, free_bytes: 1 << 20, bytes_max: 4 << 30 }
    }
}

/// The bound that was hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    Ratio { max: u64 },
    Bytes { max: u64 },
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Bound::Ratio { max } => write!(f, "it expands to more than {max} times its size"),
            Bound::Bytes { max } => write!(f, "it expands to more than {max} bytes"),
        }
    }
}

/// zstd frames that ask for a larger window (2^27 = 128 MiB) are refused.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

type Headed<R> = io::Chain<Cursor<Vec<u8>>, Counted<R>>;

enum Kind<R: Read> {
    Plain(Headed<R>),
    Gzip(Box<flate2::read::MultiGzDecoder<Headed<R>>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, io::BufReader<Headed<R>>>>),
}

/// Reads through: plain bytes as they are, archives expanded.
pub struct Expanded<R: Read> {
    kind: Kind<R>,
    bounds: Bounds,
    /// Expanded bytes so far.
    bytes: u64,
    hit: Option<Bound>,
    /// Expanded, looked at and not yet handed on.
    peeked: Cursor<Vec<u8>>,
    /// What went wrong while looking ahead: said when reading comes to it.
    failed: Option<io::Error>,
}

pub(crate) fn is_archive(magic: &[u8; 4]) -> bool {
    is_gzip(magic) || is_zstd(magic)
}

fn is_gzip(magic: &[u8; 4]) -> bool {
    matches!(magic, [0x1f, 0x8b, 8, _])
}

/// A frame, or a skippable frame before one.
fn is_zstd(magic: &[u8; 4]) -> bool {
    matches!(magic, [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18])
}

impl<R: Read> Expanded<R> {
    /// Looks at the first four bytes.
    pub fn new(mut inner: R, bounds: Bounds) -> io::Result<Expanded<R>> {
        let mut head = Vec::with_capacity(4);
        inner.by_ref().take(4).read_to_end(&mut head)?;
        let magic = <[u8; 4]>::try_from(head.as_slice()).unwrap_or_default();
        let headed = Cursor::new(head).chain(Counted { inner, bytes: 4 });
        let kind = match magic {
            magic if is_gzip(&magic) => Kind::Gzip(Box::new(flate2::read::MultiGzDecoder::new(headed))),
            magic if is_zstd(&magic) => {
                let mut decoder = zstd::stream::read::Decoder::new(headed)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                Kind::Zstd(Box::new(decoder))
            }
            _ => Kind::Plain(headed),
        };
        Ok(Expanded { kind, bounds, bytes: 0, hit: None, peeked: Cursor::default(), failed: None })
    }

    pub fn is_archive(&self) -> bool {
        !matches!(self.kind, Kind::Plain(_))
    }

    /// The next expanded bytes, at most `max` of them; fewer at the end, or where the archive is damaged. They are still to be read.
    pub fn peek(&mut self, max: usize) -> &[u8] {
        let mut ahead = self.peeked.get_ref()[self.peeked.position() as usize..].to_vec();
        while ahead.len() < max && self.failed.is_none() {
            let held = ahead.len();
            ahead.resize(max, 0);
            match self.next(&mut ahead[held..]) {
                Ok(read) => {
                    ahead.truncate(held + read);
                    if read == 0 {
                        break;
                    }
                }
                Err(error) => {
                    ahead.truncate(held);
                    if error.kind() != io::ErrorKind::Interrupted {
                        self.failed = Some(error);
                    }
                }
            }
        }
        self.peeked = Cursor::new(ahead);
        self.peeked.get_ref()
    }

    /// Set when reading ended at a bound.
    pub fn hit(&self) -> Option<Bound> {
        self.hit
    }

    fn archived_bytes(&self) -> u64 {
        match &self.kind {
            Kind::Plain(inner) => inner.get_ref().1.bytes,
            Kind::Gzip(inner) => inner.get_ref().get_ref().1.bytes,
            Kind::Zstd(inner) => inner.get_ref().get_ref().get_ref().1.bytes,
        }
    }
}

impl<R: Read> Read for Expanded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.peeked.read(into)? {
            0 => match self.failed.take() {
                Some(error) => Err(error),
                None => self.next(into),
            },
            read => Ok(read),
        }
    }
}

impl<R: Read> Expanded<R> {
    fn next(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.kind {
            Kind::Plain(inner) => return inner.read(into),
            Kind::Gzip(inner) => inner.read(into)?,
            Kind::Zstd(inner) => inner.read(into)?,
        };
        self.bytes += read as u64;
        let Bounds { ratio_max, free_bytes, bytes_max } = self.bounds;
        if self.bytes > bytes_max {
            self.hit = Some(Bound::Bytes { max: bytes_max });
        } else if self.bytes > free_bytes && self.bytes / ratio_max > self.archived_bytes() {
            self.hit = Some(Bound::Ratio { max: ratio_max });
        }
        match self.hit {
            Some(bound) => Err(io::Error::other(bound.to_string())),
            None => Ok(read),
        }
    }
}

struct Counted<R> {
    inner: R,
    bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.bytes += read as u64;
        Ok(read)
    }
}
