//! Writes a sealed segment: rows in the order of their offsets, columns by [`super::column::ALL`].

use std::fs::File;
use std::io::{BufWriter, Write};
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, FloatType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{ColumnPath, TypePtr};

use super::column::{self, Column, Kind};
use super::split::{Cell, split};

/// Rows of a row group and of a page: what a reader decodes at once.
pub(crate) const GROUP_ROWS: usize = 65_536;
pub(crate) const PAGE_ROWS: usize = 4_096;
/// A row group is closed before its rows take more memory.
const GROUP_BYTES: usize = 96 << 20;
/// Level 1 writes twice as fast as level 3 and its files are a tenth larger.
const ZSTD: i32 = 1;

static SCHEMA: LazyLock<TypePtr> = LazyLock::new(|| {
    let mut text = String::from("message event {\n required int64 offset;\n required binary class (UTF8);\n");
    for column in column::ALL {
        let name = column.name;
        text.push_str(&match column.kind {
            Kind::Text | Kind::Address => format!(" optional binary {name} (UTF8);\n"),
            Kind::Time => format!(" optional int64 {name} (TIMESTAMP(MICROS,true));\n"),
            Kind::Number => format!(" optional int64 {name};\n"),
            Kind::Float => format!(" optional float {name};\n"),
            Kind::Bytes => format!(" optional binary {name};\n"),
        });
    }
    text.push_str(" required binary rest;\n}");
    Arc::new(parse_message_type(&text).unwrap_or_else(|e| panic!("invariant: the schema is understood: {e}")))
});

static PROPERTIES: LazyLock<WriterPropertiesPtr> = LazyLock::new(|| {
    let path = |name: &str| ColumnPath::from(name);
    let mut properties = WriterProperties::builder()
        .set_created_by("bartizan".into())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD).unwrap_or_default()))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(PAGE_ROWS)
        .set_data_page_size_limit(64 << 20)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_key_value_metadata(Some(vec![KeyValue::new("bartizan.format".into(), super::VERSION.to_string())]))
        .set_column_dictionary_enabled(path("offset"), false)
        .set_column_encoding(path("offset"), Encoding::DELTA_BINARY_PACKED)
        .set_column_statistics_enabled(path("rest"), EnabledStatistics::None);
    for column in column::ALL {
        let path = path(column.name);
        if let Some(encoding) = column.encoding() {
            properties = properties.set_column_dictionary_enabled(path.clone(), false).set_column_encoding(path.clone(), encoding);
        }
        if column.kind == Kind::Bytes {
            properties = properties.set_column_statistics_enabled(path.clone(), EnabledStatistics::None);
        }
        if column.bloom {
            properties = properties
                .set_column_bloom_filter_enabled(path.clone(), true)
                .set_column_bloom_filter_fpp(path.clone(), 0.01)
                .set_column_bloom_filter_max_ndv(path, GROUP_ROWS as u64);
        }
    }
    Arc::new(properties.build())
});

/// Values of one column that wait for their row group.
enum Values {
    Bytes(Vec<ByteArray>),
    Numbers(Vec<i64>),
    Floats(Vec<f32>),
}

struct Waiting {
    values: Values,
    /// 1 where a row has a value; not for columns that every row has.
    levels: Vec<i16>,
    /// The latest address and its text: neighbours are often of one client.
    latest: Option<(IpAddr, Bytes)>,
}

impl Waiting {
    fn new(kind: Kind) -> Waiting {
        let values = match kind {
            Kind::Text | Kind::Address | Kind::Bytes => Values::Bytes(Vec::new()),
            Kind::Time | Kind::Number => Values::Numbers(Vec::new()),
            Kind::Float => Values::Floats(Vec::new()),
        };
        Waiting { values, levels: Vec::new(), latest: None }
    }

    /// `whole` is the buffer that text of the cell lies in.
    fn add(&mut self, cell: Cell<'_>, whole: &Bytes) {
        let mut bytes = |bytes: Bytes| {
            if let Values::Bytes(all) = &mut self.values {
                all.push(bytes.into());
            }
        };
        match cell {
            Cell::Null => {}
            Cell::Text(text) => bytes(whole.slice_ref(text.as_bytes())),
            Cell::Bytes(inner) => bytes(whole.slice_ref(inner)),
            Cell::Address(ip) => match &self.latest {
                Some((same, text)) if *same == ip => bytes(text.clone()),
                _ => {
                    let text = Bytes::from(ip.to_string());
                    bytes(text.clone());
                    self.latest = Some((ip, text));
                }
            },
            Cell::Number(number) => {
                if let Values::Numbers(all) = &mut self.values {
                    all.push(number);
                }
            }
            Cell::Float(float) => {
                if let Values::Floats(all) = &mut self.values {
                    all.push(float);
                }
            }
        }
        self.levels.push(i16::from(cell != Cell::Null));
    }

    fn write(&mut self, group: &mut SerializedRowGroupWriter<'_, BufWriter<File>>, optional: bool) -> Result<(), ParquetError> {
        let levels = optional.then_some(self.levels.as_slice());
        match &mut self.values {
            Values::Bytes(all) => write_column::<ByteArrayType>(group, all, levels)?,
            Values::Numbers(all) => write_column::<Int64Type>(group, all, levels)?,
            Values::Floats(all) => write_column::<FloatType>(group, all, levels)?,
        }
        self.levels.clear();
        Ok(())
    }
}

fn write_column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, BufWriter<File>>,
    values: &mut Vec<T::T>,
    levels: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else { return Err(ParquetError::General("more values than columns".into())) };
    column.typed::<T>().write_batch(values, levels, None)?;
    values.clear();
    column.close()
}

/// One file that is being written; it counts for nothing before [`Sealing::finish`].
pub(crate) struct Sealing {
    file: SerializedFileWriter<BufWriter<File>>,
    offsets: Waiting,
    classes: Waiting,
    columns: Vec<Waiting>,
    rests: Waiting,
    rows: usize,
    bytes: usize,
    class_words: Vec<Bytes>,
}

impl Sealing {
    pub(crate) fn create(path: &Path) -> Result<Sealing, ParquetError> {
        let file = BufWriter::with_capacity(1 << 20, File::create(path)?);
        Ok(Sealing {
            file: SerializedFileWriter::new(file, SCHEMA.clone(), PROPERTIES.clone())?,
            offsets: Waiting::new(Kind::Number),
            classes: Waiting::new(Kind::Text),
            columns: column::ALL.iter().map(|Column { kind, .. }| Waiting::new(*kind)).collect(),
            rests: Waiting::new(Kind::Bytes),
            rows: 0,
            bytes: 0,
            class_words: crate::class::WORDS.iter().map(|word| Bytes::from_static(word.as_bytes())).collect(),
        })
    }

    /// Adds records, which lie in `whole`: offset, byte of the class, payload.
    pub(crate) fn add<'p>(&mut self, whole: &Bytes, records: impl Iterator<Item = (u64, u8, &'p [u8])>) -> Result<(), ParquetError> {
        let mut cells = vec![Cell::Null; column::ALL.len()];
        // All rests of a call share one buffer.
        let (mut rest, mut ends) = (Vec::new(), Vec::new());
        for (offset, class, payload) in records {
            split(payload, offset, &mut cells, &mut rest);
            ends.push(rest.len());
            self.offsets.add(Cell::Number(offset.cast_signed()), whole);
            let word = self.class_words.get(usize::from(class)).cloned().unwrap_or_else(|| Bytes::from(class.to_string()));
            if let Values::Bytes(all) = &mut self.classes.values {
                all.push(word.into());
            }
            for (column, cell) in self.columns.iter_mut().zip(&cells) {
                column.add(*cell, whole);
            }
            self.rows += 1;
            self.bytes += payload.len();
            if self.rows == GROUP_ROWS || self.bytes > GROUP_BYTES {
                self.take_rests(std::mem::take(&mut rest), std::mem::take(&mut ends));
                self.flush()?;
            }
        }
        self.take_rests(rest, ends);
        Ok(())
    }

    fn take_rests(&mut self, rest: Vec<u8>, ends: Vec<usize>) {
        let (whole, mut start) = (Bytes::from(rest), 0);
        for end in ends {
            self.rests.add(Cell::Bytes(&whole[start..end]), &whole);
            start = end;
        }
    }

    fn flush(&mut self) -> Result<(), ParquetError> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.file.next_row_group()?;
        self.offsets.write(&mut group, false)?;
        self.classes.write(&mut group, false)?;
        for column in &mut self.columns {
            column.write(&mut group, true)?;
        }
        self.rests.write(&mut group, false)?;
        group.close()?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }

    /// Durable when it returns. Returns the length of the file.
    pub(crate) fn finish(mut self) -> Result<u64, ParquetError> {
        self.flush()?;
        self.file.finish()?;
        self.file.inner_mut().flush()?;
        let file = self.file.inner().get_ref();
        file.sync_all()?;
        Ok(file.metadata()?.len())
    }
}
