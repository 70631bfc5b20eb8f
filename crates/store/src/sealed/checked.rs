//! A sealed file whose bytes are checked as they are read, 16 KiB at a time: what the disk changed is damage, never a wrong answer.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};
use ring::digest::{Context, SHA256};

use crate::segment::read_at;

const PART: usize = 16 << 10;

/// What the bytes of a file were when it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Sums {
    pub(crate) bytes: u64,
    pub(crate) sha256: [u8; 32],
    /// CRC32 of each 16 KiB.
    pub(crate) parts: Vec<u32>,
}

impl Sums {
    pub(crate) fn of(path: &Path) -> io::Result<Sums> {
        let mut file = File::open(path)?;
        let (mut sums, mut sha) = (Sums::default(), Context::new(&SHA256));
        let mut buffer = vec![0; PART * 64];
        loop {
            let got = fill(&mut file, &mut buffer)?;
            if got == 0 {
                break;
            }
            sums.bytes += got as u64;
            sums.parts.extend(buffer[..got].chunks(PART).map(crc32fast::hash));
            sha.update(&buffer[..got]);
        }
        sums.sha256.copy_from_slice(sha.finish().as_ref());
        Ok(sums)
    }

    /// Byte position of the first part that is not as it was, when the file is not.
    pub(crate) fn first_difference(&self, now: &Sums) -> Option<u64> {
        if self == now {
            return None;
        }
        let part = self.parts.iter().zip(&now.parts).position(|(then, now)| then != now);
        Some(part.map_or(self.bytes.min(now.bytes), |part| (part * PART) as u64))
    }
}

fn fill(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < buffer.len() {
        match file.read(&mut buffer[got..]) {
            Ok(0) => break,
            Ok(n) => got += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

#[derive(Clone)]
pub(crate) struct Checked {
    file: Arc<File>,
    path: PathBuf,
    sums: Arc<Sums>,
}

impl Checked {
    pub(crate) fn open(path: &Path, sums: Arc<Sums>) -> io::Result<Checked> {
        Ok(Checked { file: Arc::new(File::open(path)?), path: path.to_owned(), sums })
    }

    pub(crate) fn sums(&self) -> &Sums {
        &self.sums
    }
}

impl Length for Checked {
    fn len(&self) -> u64 {
        self.sums.bytes
    }
}

impl ChunkReader for Checked {
    type T = bytes::buf::Reader<Bytes>;

    /// Only asked for by readers without an offset index, which are not used here; a page header and its page fit in.
    fn get_read(&self, start: u64) -> Result<Self::T> {
        let length = (self.sums.bytes.saturating_sub(start)).min(64 << 20) as usize;
        Ok(bytes::Buf::reader(self.get_bytes(start, length)?))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let end = start.checked_add(length as u64).filter(|end| *end <= self.sums.bytes);
        let Some(end) = end else { return Err(ParquetError::EOF(format!("{} ends before byte {start} + {length}", self.path.display()))) };
        let first = start / PART as u64;
        let last = end.div_ceil(PART as u64);
        let base = first * PART as u64;
        let mut buffer = vec![0; ((last * PART as u64).min(self.sums.bytes) - base) as usize];
        let got = read_at(&self.file, base, &mut buffer)?;
        buffer.truncate(got);
        for (n, part) in (first..last).zip(buffer.chunks(PART)) {
            if self.sums.parts.get(n as usize) != Some(&crc32fast::hash(part)) {
                return Err(ParquetError::General(format!("{} is damaged at byte {}", self.path.display(), n * PART as u64)));
            }
        }
        let from = (start - base) as usize;
        if buffer.len() < from + length {
            return Err(ParquetError::EOF(format!("{} is cut at byte {}", self.path.display(), base + got as u64)));
        }
        Ok(Bytes::from(buffer).slice(from..from + length))
    }
}
