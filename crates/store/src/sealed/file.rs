//! Reads a sealed segment: single columns of a range of rows, or whole records.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use parquet::basic::Type;
use parquet::bloom_filter::Sbbf;
use parquet::column::reader::{ColumnReaderImpl, get_typed_column_reader};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, FloatType, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::properties::ReaderProperties;
use parquet::file::reader::RowGroupReader;
use parquet::file::serialized_reader::SerializedRowGroupReader;

use super::checked::{Checked, Sums};
use super::column::{self, Kind};
use super::split::{Cell, splice};
use super::write::GROUP_ROWS;
use crate::class;
use crate::rows::Rows;

pub(crate) struct Sealed {
    file: Arc<Checked>,
    meta: ParquetMetaData,
    /// First row of each row group, and the number of all rows behind the last.
    starts: Vec<u64>,
    /// Place in the file of each column of [`column::ALL`].
    places: Vec<usize>,
    /// Kind of the column that a placeholder stands for, by its number.
    kinds: Vec<(Kind, usize)>,
    rest: usize,
}

/// The values of one column for a range of rows.
pub(crate) enum Values {
    /// No row has one.
    Nothing,
    Bytes(Column<ByteArray>),
    Numbers(Column<i64>),
    Floats(Column<f32>),
}

pub(crate) struct Column<T> {
    values: Vec<T>,
    /// 1 where a row has a value; empty when every row has one.
    levels: Vec<i16>,
}

impl<T> Column<T> {
    /// Row by row.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Option<&T>> {
        let mut values = self.values.iter();
        let all = self.levels.is_empty();
        let rows = if all { self.values.len() } else { self.levels.len() };
        (0..rows).map(move |row| if all || self.levels[row] == 1 { values.next() } else { None })
    }
}

impl Sealed {
    pub(crate) fn open(path: &Path, sums: Arc<Sums>) -> Result<Sealed> {
        let file = Checked::open(path, sums)?;
        let parser = || {
            ParquetMetaDataReader::new()
                .with_column_index_policy(PageIndexPolicy::Skip)
                .with_offset_index_policy(PageIndexPolicy::Required)
                .parse_and_finish(&file)
        };
        let meta = caught(parser)?;
        let version = meta.file_metadata().key_value_metadata().into_iter().flatten().find(|kv| kv.key == "bartizan.format");
        let version = version.and_then(|kv| kv.value.as_deref()).and_then(|v| v.parse::<u32>().ok());
        if version.is_none_or(|version| version > super::VERSION) {
            let newest = super::VERSION;
            return Err(ParquetError::General(format!("its format is {version:?}, this program reads versions up to {newest}")));
        }
        let schema = meta.file_metadata().schema_descr();
        let names: Vec<&str> = schema.columns().iter().map(|c| c.name()).collect();
        let place = |name: &str| names.iter().position(|n| *n == name);
        let missing = |name: &str| ParquetError::General(format!("it has no column {name}"));
        let places = column::ALL.iter().map(|c| place(c.name).unwrap_or(usize::MAX)).collect();
        let kind = |name: &str| column::place(name).map(|at| column::ALL[at].kind).ok_or_else(|| missing(name));
        let behind = names.len().saturating_sub(1);
        let kinds =
            names.get(2..behind).unwrap_or_default().iter().zip(2..).map(|(name, at)| Ok((kind(name)?, at))).collect::<Result<_>>()?;
        let rest = place("rest").filter(|at| *at == behind).ok_or_else(|| missing("rest"))?;
        let mut starts = vec![0];
        for group in meta.row_groups() {
            // Room is made for as many: a changed file may not say how many that is.
            if !(0..=GROUP_ROWS as i64).contains(&group.num_rows()) {
                return Err(ParquetError::General(format!("a row group has {} rows, at most {GROUP_ROWS} are written", group.num_rows())));
            }
            starts.push(starts[starts.len() - 1] + group.num_rows().cast_unsigned());
        }
        Ok(Sealed { file: Arc::new(file), starts, places, kinds, rest, meta })
    }

    /// It was opened as a file of these bytes.
    pub(crate) fn has(&self, sums: &Sums) -> bool {
        self.file.sums().sha256 == sums.sha256
    }

    pub(crate) fn rows(&self) -> u64 {
        self.starts.last().copied().unwrap_or(0)
    }

    /// The part of `rows` that lies in the row group of its first row, or of its last one.
    pub(crate) fn within_group(&self, rows: Range<u64>, from_end: bool) -> Range<u64> {
        let row = if from_end { rows.end.saturating_sub(1) } else { rows.start };
        let group = self.starts.partition_point(|start| *start <= row).saturating_sub(1);
        let end = self.starts.get(group + 1).copied().unwrap_or(rows.end);
        rows.start.max(self.starts[group])..rows.end.min(end)
    }

    /// Values of a column of [`column::ALL`]; the rows lie in one row group.
    pub(crate) fn column(&self, column: usize, rows: Range<u64>) -> Result<Values> {
        self.read(self.places[column], rows)
    }

    pub(crate) fn classes(&self, rows: Range<u64>) -> Result<Values> {
        self.read(1, rows)
    }

    pub(crate) fn rests(&self, rows: Range<u64>) -> Result<Values> {
        self.read(self.rest, rows)
    }

    /// False when the row group of `row` has a value in every row.
    pub(crate) fn may_be_null(&self, column: usize, row: u64) -> bool {
        let group = self.starts.partition_point(|start| *start <= row).saturating_sub(1);
        let chunk = self.meta.row_groups().get(group).and_then(|group| group.columns().get(self.places[column]));
        chunk.and_then(|chunk| chunk.statistics()?.null_count_opt()) != Some(0)
    }

    /// True when the column has a Bloom filter and the value is certainly not in the row group of `row`.
    pub(crate) fn bloom_denies(&self, column: usize, row: u64, value: &str) -> bool {
        let group = self.starts.partition_point(|start| *start <= row).saturating_sub(1);
        let Some(chunk) = self.meta.row_groups().get(group).and_then(|group| group.columns().get(self.places[column])) else {
            return false;
        };
        let rows = self.starts[group + 1] - self.starts[group];
        if chunk.statistics().and_then(|s| s.null_count_opt()) == Some(rows) {
            return true;
        }
        matches!(caught(|| Sbbf::read_from_column_chunk(chunk, &*self.file)), Ok(Some(filter)) if !filter.check(value))
    }

    fn read(&self, place: usize, rows: Range<u64>) -> Result<Values> {
        caught(|| self.read_column(place, rows))
    }

    fn read_column(&self, place: usize, rows: Range<u64>) -> Result<Values> {
        let group = self.starts.partition_point(|start| *start <= rows.start).saturating_sub(1);
        let Some(meta) = self.meta.row_groups().get(group) else { return Ok(Values::Nothing) };
        let Some(chunk) = meta.columns().get(place) else { return Ok(Values::Nothing) };
        let nulls = chunk.statistics().and_then(|s| s.null_count_opt());
        if nulls == Some(meta.num_rows().cast_unsigned()) {
            return Ok(Values::Nothing);
        }
        let index = self.meta.page_index_for_row_group(group);
        let properties = Arc::new(ReaderProperties::builder().build());
        let reader = SerializedRowGroupReader::new(self.file.clone(), meta, index, properties)?;
        let optional = chunk.column_descr().max_def_level() > 0;
        let (skip, count) = ((rows.start - self.starts[group]) as usize, (rows.end - rows.start) as usize);
        let reader = reader.get_column_reader(place)?;
        Ok(match chunk.column_type() {
            Type::BYTE_ARRAY => Values::Bytes(values(get_typed_column_reader::<ByteArrayType>(reader), optional, skip, count)?),
            Type::INT64 => Values::Numbers(values(get_typed_column_reader::<Int64Type>(reader), optional, skip, count)?),
            Type::FLOAT => Values::Floats(values(get_typed_column_reader::<FloatType>(reader), optional, skip, count)?),
            other => return Err(ParquetError::General(format!("a column of type {other}"))),
        })
    }

    /// The records of these rows, which lie in one row group, as they were written; those with `wanted` when it is given. What cannot be
    /// put together again is left out.
    pub(crate) fn records(&self, rows: Range<u64>, wanted: Option<&[bool]>) -> Result<Rows> {
        let count = (rows.end - rows.start) as usize;
        let mut out = Rows::default();
        let (Values::Numbers(offsets), Values::Bytes(classes), Values::Bytes(rests)) =
            (self.read(0, rows.clone())?, self.read(1, rows.clone())?, self.read(self.rest, rows.clone())?)
        else {
            return Ok(out);
        };
        let columns = self.kinds.iter().map(|(_, place)| self.read(*place, rows.clone())).collect::<Result<Vec<_>>>()?;
        let mut cursors: Vec<Cursor<'_>> = columns.iter().zip(&self.kinds).map(|(values, (kind, _))| Cursor::new(values, *kind)).collect();
        if offsets.values.len() < count || classes.values.len() < count || rests.values.len() < count {
            return Err(ParquetError::EOF("a column ends before the others".into()));
        }
        for row in 0..count {
            cursors.iter_mut().for_each(|cursor| cursor.step(row));
            if wanted.is_some_and(|wanted| !wanted[row]) {
                continue;
            }
            let offset = offsets.values[row].cast_unsigned();
            let word = classes.values[row].data();
            let class = class::WORDS.iter().position(|w| w.as_bytes() == word).map(|at| at as u8);
            let class = class.or_else(|| std::str::from_utf8(word).ok()?.parse().ok()).unwrap_or(u8::MAX);
            let cell = |number: u8| cursors.get(usize::from(number)).map_or(Cell::Null, Cursor::cell);
            out.add(offset, class, |buffer| splice(rests.values[row].data(), offset, &cell, buffer));
        }
        Ok(out)
    }
}

fn values<T: DataType>(mut reader: ColumnReaderImpl<T>, optional: bool, skip: usize, count: usize) -> Result<Column<T::T>> {
    reader.skip_records(skip)?;
    let (mut values, mut levels) = (Vec::with_capacity(count), Vec::new());
    if optional {
        levels.reserve(count);
    }
    reader.read_records(count, optional.then_some(&mut levels), None, &mut values)?;
    Ok(Column { values, levels })
}

/// The library panics on some changed files, where numbers in them do not add up; here that is damage like any other. Checksums keep such
/// files away from it, except for one whose seal was lost.
fn caught<T>(read: impl FnOnce() -> Result<T>) -> Result<T> {
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(read));
    done.unwrap_or_else(|_| Err(ParquetError::General("it is damaged: its numbers do not add up".to_owned())))
}

/// The value of the row that is being put together.
struct Cursor<'v> {
    values: &'v Values,
    kind: Kind,
    /// Of the next value.
    next: usize,
    here: Option<usize>,
}

impl<'v> Cursor<'v> {
    fn new(values: &'v Values, kind: Kind) -> Cursor<'v> {
        Cursor { values, kind, next: 0, here: None }
    }

    fn step(&mut self, row: usize) {
        let levels = match self.values {
            Values::Nothing => return,
            Values::Bytes(column) => &column.levels,
            Values::Numbers(column) => &column.levels,
            Values::Floats(column) => &column.levels,
        };
        let has = levels.is_empty() || levels.get(row) == Some(&1);
        self.here = has.then_some(self.next);
        self.next += usize::from(has);
    }

    fn cell(&self) -> Cell<'v> {
        let Some(here) = self.here else { return Cell::Null };
        match self.values {
            Values::Nothing => Cell::Null,
            Values::Numbers(column) => column.values.get(here).map_or(Cell::Null, |n| Cell::Number(*n)),
            Values::Floats(column) => column.values.get(here).map_or(Cell::Null, |f| Cell::Float(*f)),
            Values::Bytes(column) => {
                let Some(bytes) = column.values.get(here).map(ByteArray::data) else { return Cell::Null };
                match self.kind {
                    Kind::Bytes => Cell::Bytes(bytes),
                    Kind::Address => std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok()).map_or(Cell::Null, Cell::Address),
                    _ => std::str::from_utf8(bytes).map_or(Cell::Null, Cell::Text),
                }
            }
        }
    }
}
