//! Reading labelled tables from files, `.zst` too.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use learn::table::{Table, TableError};

use crate::cli::fail::Fail;

/// Most bytes of a table after decompression.
const TABLE_BYTES_MAX: u64 = 4 << 30;

/// Rows of all files, one after the other.
pub(super) fn read(paths: &[PathBuf]) -> Result<Table, Fail> {
    let mut table = Table::new();
    for path in paths {
        let bytes = bytes(path)?;
        table.read(&path.display().to_string(), &bytes).map_err(|error| fault(&error))?;
    }
    Ok(table)
}

pub(super) fn bytes(path: &Path) -> Result<Vec<u8>, Fail> {
    let file = std::fs::File::open(path).map_err(|e| Fail::unreadable(path, &e))?;
    let mut bytes = Vec::new();
    let mut plain: Box<dyn std::io::Read> = if path.extension().is_some_and(|e| e == "zst") {
        Box::new(zstd::stream::read::Decoder::new(file).map_err(|e| Fail::unreadable(path, &e))?)
    } else {
        Box::new(file)
    };
    let read = plain.by_ref().take(TABLE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|e| Fail::unreadable(path, &e))?;
    if read as u64 > TABLE_BYTES_MAX {
        return Err(Fail::new("E0108", format!("{}: more than {TABLE_BYTES_MAX} bytes", path.display())));
    }
    Ok(bytes)
}

/// A row that cannot be read, with file and line.
pub(super) fn fault(error: &TableError) -> Fail {
    Fail::new("E0108", error.to_string())
}
