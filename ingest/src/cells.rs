//! Other people's Parquet files, cell by cell, whatever the types of their columns.

use std::{collections::HashMap, path::Path};

use arrow_array::{
    Array, ArrayRef, BooleanArray, RecordBatch, StructArray,
    cast::AsArray as _,
    types::{
        Date32Type, Decimal128Type, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type,
        Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
        TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type,
        UInt64Type,
    },
};
use arrow_schema::{DataType, TimeUnit};
use bytes::Bytes;
use fs_err as fs;
use jiff::Timestamp as Moment;
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{
            ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
            ParquetRecordBatchReaderBuilder,
        },
    },
    errors::ParquetError,
};

/// A Parquet file, its columns known.
pub(crate) struct Table {
    path: std::path::PathBuf,
    metadata: ArrowReaderMetadata,
}

impl Table {
    /// Opens a file and reads its footer.
    ///
    /// # Errors
    /// It cannot be read, or is no Parquet.
    pub(crate) fn open(path: &Path) -> Result<Self, ParquetError> {
        let file = fs::File::open(path)?.into_parts().0;
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        Ok(Self {
            path: path.to_owned(),
            metadata: ArrowReaderMetadata::load(&file, options)?,
        })
    }

    /// The names of its columns.
    pub(crate) fn names(&self) -> Vec<String> {
        let fields = self.metadata.schema().fields().iter();
        fields.map(|field| field.name().clone()).collect()
    }

    /// The named column, else the first of the usual names that is there, case aside.
    pub(crate) fn column(&self, named: Option<&String>, usual: &[&str]) -> Option<String> {
        let names = self.names();
        let find = |wanted: &str| {
            names
                .iter()
                .find(|name| name.eq_ignore_ascii_case(wanted))
                .cloned()
        };
        match named {
            Some(name) => find(name),
            None => usual.iter().find_map(|name| find(name)),
        }
    }

    /// The rows in blocks, with the columns that `wants` wants. The file is read as they are asked for. What is damaged is an
    /// error; rows before it, and those of the row groups behind it, are there.
    pub(crate) fn read(
        &self,
        block_rows: usize,
        wants: impl Fn(&str) -> bool,
    ) -> impl Iterator<Item = Result<Cells, ParquetError>> {
        let names = self.names();
        let wanted = (0..names.len()).filter(|&at| wants(&names[at]));
        let schema = self.metadata.metadata().file_metadata().schema_descr_ptr();
        Blocks {
            path: self.path.clone(),
            metadata: self.metadata.clone(),
            mask: ProjectionMask::roots(&schema, wanted),
            block_rows,
            group: 0,
            rows_before: 0,
            rows_read: 0,
            reader: None,
        }
    }
}

/// The rows of one row group after the other.
struct Blocks {
    path: std::path::PathBuf,
    metadata: ArrowReaderMetadata,
    mask: ProjectionMask,
    block_rows: usize,
    group: usize,
    /// Rows of the groups before.
    rows_before: usize,
    /// Rows of this group that were read.
    rows_read: usize,
    reader: Option<(ParquetRecordBatchReader, usize)>,
}

impl Blocks {
    /// Opens the group at the row that comes next.
    fn open(&self, block_rows: usize) -> Result<ParquetRecordBatchReader, ParquetError> {
        let file = fs::File::open(&self.path)?.into_parts().0;
        ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
            .with_projection(self.mask.clone())
            .with_row_groups(vec![self.group])
            .with_offset(self.rows_read)
            .with_batch_size(block_rows)
            .build()
    }

    fn next_group(&mut self, rows: usize) {
        self.rows_before += rows;
        self.rows_read = 0;
        self.group += 1;
        self.reader = None;
    }
}

impl Iterator for Blocks {
    type Item = Result<Cells, ParquetError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let group = self.metadata.metadata().row_groups().get(self.group)?;
            let rows = usize::try_from(group.num_rows()).unwrap_or(0);
            let (mut reader, block_rows) = match self.reader.take() {
                Some(reader) => reader,
                None => match self.open(self.block_rows) {
                    Ok(reader) => (reader, self.block_rows),
                    Err(error) => {
                        self.next_group(rows);
                        return Some(Err(error));
                    }
                },
            };
            match reader.next() {
                Some(Ok(batch)) => {
                    let first_row = self.rows_before + self.rows_read;
                    self.rows_read += batch.num_rows();
                    self.reader = Some((reader, block_rows));
                    return Some(Ok(Cells::new(&batch, first_row)));
                }
                None => self.next_group(rows),
                // Of a damaged block the rows before the damage are still to be had, one by one.
                Some(Err(_))
                    if block_rows > 1
                        && let Ok(reader) = self.open(1) =>
                {
                    self.reader = Some((reader, 1));
                }
                Some(Err(error)) => {
                    let at = self.rows_before + self.rows_read;
                    let more = rows - self.rows_read.min(rows);
                    self.next_group(rows);
                    let text = format!("the {more} rows behind row {at} cannot be read: {error}");
                    return Some(Err(ParquetError::General(text)));
                }
            }
        }
    }
}

/// A block of rows.
pub(crate) struct Cells {
    first_row: usize,
    rows: usize,
    columns: HashMap<String, ArrayRef>,
}

impl Cells {
    fn new(batch: &RecordBatch, first_row: usize) -> Self {
        let schema = batch.schema();
        let names = schema
            .fields()
            .iter()
            .map(|field| field.name().to_lowercase());
        Self {
            first_row,
            rows: batch.num_rows(),
            columns: names.zip(batch.columns().iter().cloned()).collect(),
        }
    }

    /// The place of its first row in the file, from 0.
    pub(crate) fn first_row(&self) -> usize {
        self.first_row
    }

    /// How many rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// A cell as text; none for null, blank text and types that are no text, number or moment.
    pub(crate) fn text(&self, name: &str, row: usize) -> Option<String> {
        let array = self.columns.get(&name.to_lowercase())?;
        let text = text_of(array, row)?;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// A cell as a number; true is 1.
    pub(crate) fn number(&self, name: &str, row: usize) -> Option<f64> {
        let text = self.text(name, row)?;
        match text.as_str() {
            "true" => Some(1.0),
            "false" => Some(0.0),
            text => text.parse().ok(),
        }
    }

    /// An image: bytes, or the `bytes` of a struct.
    pub(crate) fn image(&self, name: &str, row: usize) -> Option<Bytes> {
        let array = self.columns.get(&name.to_lowercase())?;
        match array.as_any().downcast_ref::<StructArray>() {
            Some(fields) => bytes_of(fields.column_by_name("bytes")?, row),
            None => bytes_of(array, row),
        }
    }
}

fn bytes_of(array: &ArrayRef, row: usize) -> Option<Bytes> {
    if array.is_null(row) {
        return None;
    }
    let bytes = match array.data_type() {
        DataType::Binary => array.as_binary::<i32>().value(row),
        DataType::LargeBinary => array.as_binary::<i64>().value(row),
        DataType::BinaryView => array.as_binary_view().value(row),
        _ => return None,
    };
    Some(Bytes::copy_from_slice(bytes))
}

fn text_of(array: &ArrayRef, row: usize) -> Option<String> {
    if array.is_null(row) {
        return None;
    }
    macro_rules! number {
        ($type:ty) => {
            array.as_primitive::<$type>().value(row).to_string()
        };
    }
    Some(match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row).to_owned(),
        DataType::Utf8View => array.as_string_view().value(row).to_owned(),
        // Writers that do not say that bytes are text.
        DataType::Binary => String::from_utf8(array.as_binary::<i32>().value(row).to_vec()).ok()?,
        DataType::Boolean => array
            .as_any()
            .downcast_ref::<BooleanArray>()?
            .value(row)
            .to_string(),
        DataType::Int8 => number!(Int8Type),
        DataType::Int16 => number!(Int16Type),
        DataType::Int32 => number!(Int32Type),
        DataType::Int64 => number!(Int64Type),
        DataType::UInt8 => number!(UInt8Type),
        DataType::UInt16 => number!(UInt16Type),
        DataType::UInt32 => number!(UInt32Type),
        DataType::UInt64 => number!(UInt64Type),
        DataType::Float16 => number!(Float16Type),
        DataType::Float32 => number!(Float32Type),
        DataType::Float64 => number!(Float64Type),
        DataType::Timestamp(unit, _) => {
            let microseconds = match unit {
                TimeUnit::Second => array
                    .as_primitive::<TimestampSecondType>()
                    .value(row)
                    .checked_mul(1_000_000)?,
                TimeUnit::Millisecond => array
                    .as_primitive::<TimestampMillisecondType>()
                    .value(row)
                    .checked_mul(1000)?,
                TimeUnit::Microsecond => {
                    array.as_primitive::<TimestampMicrosecondType>().value(row)
                }
                TimeUnit::Nanosecond => {
                    array.as_primitive::<TimestampNanosecondType>().value(row) / 1000
                }
            };
            Moment::from_microsecond(microseconds).ok()?.to_string()
        }
        DataType::Date32 => {
            let days = i64::from(array.as_primitive::<Date32Type>().value(row));
            Moment::from_second(days.checked_mul(86_400)?)
                .ok()?
                .to_string()
        }
        DataType::Decimal128(..) => array.as_primitive::<Decimal128Type>().value_as_string(row),
        DataType::List(_) | DataType::Struct(_) => json_of(array, row)?.to_string(),
        _ => return None,
    })
}

/// Lists and structs, such as reactions, as JSON.
fn json_of(array: &ArrayRef, row: usize) -> Option<serde_json::Value> {
    if array.is_null(row) {
        return None;
    }
    Some(match array.data_type() {
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            (0..items.len())
                .filter_map(|at| json_of(&items, at))
                .collect()
        }
        DataType::Struct(fields) => {
            let columns = array.as_struct();
            let pairs = fields.iter().zip(columns.columns());
            pairs
                .filter_map(|(field, column)| Some((field.name().clone(), json_of(column, row)?)))
                .collect()
        }
        _ => {
            let text = text_of(array, row)?;
            serde_json::from_str(&text).unwrap_or(serde_json::Value::String(text))
        }
    })
}
