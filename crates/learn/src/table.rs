//! Tables of labelled rows with any columns: JSON lines, or CSV with a header. Faults carry file and line.
//!
//! An empty cell, `null` and a column that a row lacks are a missing value. A number cell may stand as text (CSV).

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value;

/// Most rows of a table.
pub const ROWS_MAX: usize = 10_000_000;
/// Most columns of a table.
pub const COLUMNS_MAX: usize = 4_096;
/// Most bytes of one cell.
pub const CELL_BYTES_MAX: usize = 16 << 20;

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Empty, `null` or not there.
    Missing,
    /// Text, also a number written in CSV.
    Text(Box<str>),
    /// A number, truth value, list or object of JSON.
    Json(Box<Value>),
}

/// A fault with the place where it stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {why}")]
#[non_exhaustive]
pub struct TableError {
    /// Name of the file.
    pub file: String,
    /// Line, from 1.
    pub line: u64,
    /// Reason.
    pub why: String,
}

#[derive(Clone, Debug, PartialEq)]
struct Record {
    cells: Vec<Cell>,
    line: u64,
    file: u16,
}

/// Rows of one or several files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    columns: Vec<String>,
    index: HashMap<String, usize>,
    files: Vec<String>,
    rows: Vec<Record>,
}

/// One row of a table.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    table: &'a Table,
    record: &'a Record,
}

impl Table {
    /// An empty table.
    pub fn new() -> Table {
        Table::default()
    }

    /// Adds the rows of a file: JSON lines when its first byte is `{`, else CSV with a header.
    pub fn read(&mut self, file: &str, bytes: &[u8]) -> Result<(), TableError> {
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        self.files.push(file.to_owned());
        match bytes.iter().find(|b| !b.is_ascii_whitespace()) {
            None => Ok(()),
            Some(b'{') => self.read_json(bytes),
            Some(_) => self.read_csv(bytes),
        }
    }

    /// Adds one row made by this program.
    pub fn push<'a>(&mut self, file: &str, cells: impl IntoIterator<Item = (&'a str, Cell)>) {
        if self.files.last().is_none_or(|last| last != file) {
            self.files.push(file.to_owned());
        }
        let mut record = Record { cells: Vec::new(), line: 0, file: (self.files.len() - 1) as u16 };
        for (name, cell) in cells {
            let at = self.column_or_new(name);
            set(&mut record.cells, at, cell);
        }
        self.rows.push(record);
    }

    fn read_json(&mut self, bytes: &[u8]) -> Result<(), TableError> {
        for (at, text) in bytes.split(|&b| b == b'\n').enumerate() {
            let line = at as u64 + 1;
            let text = text.trim_ascii();
            if text.is_empty() {
                continue;
            }
            if text.len() > CELL_BYTES_MAX {
                return Err(self.fault(line, format!("a row of {} bytes, at most {CELL_BYTES_MAX} are read", text.len())));
            }
            let object: serde_json::Map<String, Value> =
                serde_json::from_slice(text).map_err(|error| self.fault(line, error.to_string()))?;
            let mut record = Record { cells: Vec::with_capacity(self.columns.len()), line, file: (self.files.len() - 1) as u16 };
            for (name, value) in object {
                let cell = match value {
                    Value::Null => Cell::Missing,
                    Value::String(text) if text.is_empty() => Cell::Missing,
                    Value::String(text) => Cell::Text(text.into()),
                    other => Cell::Json(Box::new(other)),
                };
                let at = self.column_or_new(&name);
                self.column_limit(line)?;
                set(&mut record.cells, at, cell);
            }
            self.add(record)?;
        }
        Ok(())
    }

    fn read_csv(&mut self, bytes: &[u8]) -> Result<(), TableError> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).has_headers(true).from_reader(bytes);
        let header = reader.byte_headers().map_err(|error| self.fault(1, error.to_string()))?.clone();
        let places: Vec<usize> = header.iter().map(|name| self.column_or_new(String::from_utf8_lossy(name).trim())).collect();
        self.column_limit(1)?;
        let mut record = csv::ByteRecord::new();
        loop {
            match reader.read_byte_record(&mut record) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) => {
                    let line = error.position().map_or(0, csv::Position::line);
                    return Err(self.fault(line, error.to_string()));
                }
            }
            let line = record.position().map_or(0, csv::Position::line);
            if record.len() != places.len() {
                return Err(self.fault(line, format!("{} cells, the header has {}", record.len(), places.len())));
            }
            let mut row = Record { cells: Vec::with_capacity(self.columns.len()), line, file: (self.files.len() - 1) as u16 };
            for (cell, &at) in record.iter().zip(&places) {
                let text = String::from_utf8_lossy(cell);
                let text = text.trim();
                set(&mut row.cells, at, if text.is_empty() { Cell::Missing } else { Cell::Text(text.into()) });
            }
            self.add(row)?;
        }
    }

    fn add(&mut self, record: Record) -> Result<(), TableError> {
        if self.rows.len() >= ROWS_MAX {
            return Err(self.fault(record.line, format!("more than {ROWS_MAX} rows")));
        }
        self.rows.push(record);
        Ok(())
    }

    fn column_limit(&self, line: u64) -> Result<(), TableError> {
        if self.columns.len() > COLUMNS_MAX {
            return Err(self.fault(line, format!("more than {COLUMNS_MAX} columns")));
        }
        Ok(())
    }

    fn column_or_new(&mut self, name: &str) -> usize {
        if let Some(&at) = self.index.get(name) {
            return at;
        }
        self.columns.push(name.to_owned());
        self.index.insert(name.to_owned(), self.columns.len() - 1);
        self.columns.len() - 1
    }

    fn fault(&self, line: u64, why: String) -> TableError {
        TableError { file: self.files.last().cloned().unwrap_or_default(), line, why }
    }

    /// Names of the columns in order of appearance.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Whether the table has that column.
    pub fn has(&self, column: &str) -> bool {
        self.index.contains_key(column)
    }

    /// Rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// No rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// One row; panics beyond the end, like a slice.
    pub fn row(&self, at: usize) -> Row<'_> {
        Row { table: self, record: &self.rows[at] }
    }

    /// All rows in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        self.rows.iter().map(|record| Row { table: self, record })
    }

    /// Keeps the rows that `keep` wants.
    #[must_use]
    pub fn filter(&self, mut keep: impl FnMut(Row<'_>) -> bool) -> Table {
        let rows = self.rows.iter().filter(|record| keep(Row { table: self, record })).cloned().collect();
        Table { columns: self.columns.clone(), index: self.index.clone(), files: self.files.clone(), rows }
    }

    /// Writes one cell anew.
    pub fn set(&mut self, row: usize, column: &str, cell: Cell) {
        let at = self.column_or_new(column);
        set(&mut self.rows[row].cells, at, cell);
    }
}

fn set(cells: &mut Vec<Cell>, at: usize, cell: Cell) {
    if cells.len() <= at {
        cells.resize(at + 1, Cell::Missing);
    }
    cells[at] = cell;
}

impl<'a> Row<'a> {
    /// The cell of a column.
    pub fn cell(&self, column: &str) -> &'a Cell {
        self.table.index.get(column).and_then(|&at| self.record.cells.get(at)).unwrap_or(&Cell::Missing)
    }

    /// The cell as text; JSON values as they would be written.
    pub fn text(&self, column: &str) -> Option<Cow<'a, str>> {
        match self.cell(column) {
            Cell::Missing => None,
            Cell::Text(text) => Some(Cow::Borrowed(text)),
            Cell::Json(value) => Some(Cow::Owned(value.to_string())),
        }
    }

    /// The cell as a number; truth values as 0 and 1. `None` when missing or no number.
    pub fn number(&self, column: &str) -> Option<f64> {
        match self.cell(column) {
            Cell::Missing => None,
            Cell::Text(text) => number(text),
            Cell::Json(value) => value.as_f64().or_else(|| value.as_bool().map(|b| f64::from(u8::from(b)))),
        }
    }

    /// The cell as a JSON value, where it is one.
    pub fn json(&self, column: &str) -> Option<&'a Value> {
        match self.cell(column) {
            Cell::Json(value) => Some(value),
            _ => None,
        }
    }

    /// Line in its file, from 1; 0 for rows made by this program.
    pub fn line(&self) -> u64 {
        self.record.line
    }

    /// Name of its file.
    pub fn file(&self) -> &'a str {
        self.table.files.get(usize::from(self.record.file)).map_or("", String::as_str)
    }

    /// A fault at this row.
    pub fn fault(&self, why: impl Into<String>) -> TableError {
        TableError { file: self.file().to_owned(), line: self.line(), why: why.into() }
    }

    /// A hash of all cells but those of the columns named.
    pub fn hash_without(&self, columns: &[&str]) -> u64 {
        use std::hash::{BuildHasher as _, Hash as _, Hasher as _};
        let mut hasher = foldhash::fast::FixedState::with_seed(9).build_hasher();
        for (at, name) in self.table.columns.iter().enumerate().filter(|(_, name)| !columns.contains(&name.as_str())) {
            match self.record.cells.get(at) {
                None | Some(Cell::Missing) => {}
                Some(Cell::Text(text)) => (name, text).hash(&mut hasher),
                Some(Cell::Json(value)) => (name, value.to_string()).hash(&mut hasher),
            }
        }
        hasher.finish()
    }
}

/// A number as tables write it; `True` and `False` are 1 and 0.
fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    text.parse::<f64>().ok().filter(|number| number.is_finite()).or_else(|| {
        if text.eq_ignore_ascii_case("true") {
            Some(1.0)
        } else if text.eq_ignore_ascii_case("false") {
            Some(0.0)
        } else {
            text.strip_prefix("0x").and_then(|hex| u64::from_str_radix(hex, 16).ok()).map(|number| number as f64)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn json_and_csv_read_alike() {
        let mut table = Table::new();
        table.read("a.jsonl", b"{\"n\":1.5,\"t\":\"x\",\"e\":\"\"}\n\n{\"t\":\"y\",\"more\":[1]}\n").unwrap();
        table.read("b.csv", b"t,n,e\n\"a,b\",2,\nc,,0x10\n").unwrap();
        assert_eq!(table.len(), 4);
        let numbers: Vec<Option<f64>> = table.rows().map(|row| row.number("n")).collect();
        assert_eq!(numbers, [Some(1.5), None, Some(2.0), None]);
        assert_eq!(table.row(2).text("t").as_deref(), Some("a,b"));
        assert_eq!((table.row(3).number("e"), table.row(3).line(), table.row(3).file()), (Some(16.0), 3, "b.csv"));
        assert_eq!(table.row(1).line(), 3);
        assert!(table.row(0).text("nothing").is_none());
    }

    #[test]
    fn faults_name_file_and_line() {
        let mut table = Table::new();
        assert_eq!(table.read("a.csv", b"a,b\n1,2\n3\n").unwrap_err().to_string(), "a.csv:3: 1 cells, the header has 2");
        let fault = table.read("b.jsonl", b"{\"a\":1}\n{\"a\":\n").unwrap_err();
        assert_eq!((fault.file.as_str(), fault.line), ("b.jsonl", 2));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = Table::new().read("x", &bytes);
        }
    }
}
