//! Tables to and from Parquet files.

use std::{
    collections::HashMap,
    io::Write,
    marker::PhantomData,
    path::{Path, PathBuf},
    vec::IntoIter,
};

use arrow_array::{RecordBatch, new_null_array};
use fs_err as fs;
use parquet::{
    arrow::{
        ArrowWriter, ProjectionMask,
        arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder},
        arrow_writer::ArrowWriterOptions,
    },
    basic::{Compression, ZstdLevel},
    errors::ParquetError,
    file::{
        metadata::KeyValue,
        properties::{WriterProperties, WriterPropertiesBuilder},
    },
};

use super::{Column, Table};
use crate::{
    Error,
    atomic::{AtomicFile, Written},
    error::ColumnFault,
};

/// A column of a batch, handed out value by value.
pub struct Decoded<T> {
    name: &'static str,
    values: IntoIter<T>,
}

impl<T: Column> Decoded<T> {
    /// The column `name` of `batch`.
    ///
    /// # Errors
    /// It is missing or holds another type.
    pub fn new(
        batch: &RecordBatch,
        name: &'static str,
    ) -> Result<Self, (&'static str, ColumnFault)> {
        // A file may be older than a column that may be null.
        let nothing = || T::NULLABLE.then(|| new_null_array(&T::data_type(), batch.num_rows()));
        let array = batch
            .column_by_name(name)
            .cloned()
            .or_else(nothing)
            .ok_or((name, ColumnFault::Missing))?;
        let values = T::decode(&array).map_err(|fault| (name, fault))?;
        Ok(Self {
            name,
            values: values.into_iter(),
        })
    }

    /// The next row's value.
    ///
    /// # Errors
    /// The column is shorter than its batch.
    #[expect(
        clippy::should_implement_trait,
        reason = "it fails at the end instead of stopping"
    )]
    pub fn next(&mut self) -> Result<T, (&'static str, ColumnFault)> {
        self.values.next().ok_or((self.name, ColumnFault::Missing))
    }
}

/// The rows as one batch.
///
/// # Errors
/// Never for rows that a [`Table`] declared; Arrow's own checks are passed on.
pub fn batch_of<T: Table>(rows: &[T]) -> Result<RecordBatch, Error> {
    RecordBatch::try_new(T::schema(), T::to_arrays(rows)).map_err(|source| Error::Arrow {
        table: T::NAME,
        source,
    })
}

/// Rows that are turned from columns at once: what a table takes of memory beside its rows.
const BATCH_ROWS: usize = 8192;
/// Rows that are turned into columns at once.
const WRITTEN_ROWS: usize = 1024;

/// What all tables share: the contract's version in the metadata, zstd, no word of who wrote it but the program.
pub fn writer_properties() -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_created_by(concat!("terminus ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_key_value_metadata(Some(vec![KeyValue::new(
            "terminus.schema_version".to_owned(),
            crate::SCHEMA_VERSION.to_string(),
        )]))
}

/// A table that is written piece by piece into any sink; the bytes depend on the rows alone.
struct Pieces<T, W: Write + Send> {
    path: PathBuf,
    writer: ArrowWriter<W>,
    rows: PhantomData<fn(&T)>,
}

impl<T: Table, W: Write + Send> Pieces<T, W> {
    fn new(sink: W, path: &Path) -> Result<Self, Error> {
        let options = ArrowWriterOptions::new()
            .with_properties(writer_properties().build())
            .with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(sink, T::schema(), options);
        Ok(Self {
            writer: writer.map_err(|source| failed(path, source))?,
            path: path.to_owned(),
            rows: PhantomData,
        })
    }

    fn write(&mut self, rows: &[T]) -> Result<(), Error> {
        for rows in rows.chunks(WRITTEN_ROWS) {
            let written = self.writer.write(&batch_of(rows)?);
            written.map_err(|source| failed(&self.path, source))?;
        }
        Ok(())
    }

    fn finish(self) -> Result<W, Error> {
        let sink = self.writer.into_inner();
        sink.map_err(|source| failed(&self.path, source))
    }
}

fn failed(path: &Path, source: ParquetError) -> Error {
    Error::Parquet {
        path: path.to_owned(),
        source,
    }
}

/// A whole table that is written piece by piece, atomically.
pub(crate) struct Writer<T>(Pieces<T, AtomicFile>);

impl<T: Table> Writer<T> {
    /// Begins `path`.
    ///
    /// # Errors
    /// The file cannot be made.
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        Pieces::new(AtomicFile::create(path)?, path).map(Self)
    }

    /// Writes more rows.
    ///
    /// # Errors
    /// They cannot be written.
    pub(crate) fn write(&mut self, rows: &[T]) -> Result<(), Error> {
        self.0.write(rows)
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn commit(self) -> Result<Written, Error> {
        Ok(self.0.finish()?.commit()?)
    }
}

/// Writes rows into any sink; the bytes depend on the rows alone.
///
/// # Errors
/// `path` names the file in the error.
pub fn write_to<T: Table>(sink: impl Write + Send, rows: &[T], path: &Path) -> Result<(), Error> {
    let mut pieces = Pieces::new(sink, path)?;
    pieces.write(rows)?;
    pieces.finish()?;
    Ok(())
}

/// Writes a whole table atomically.
///
/// # Errors
/// The file cannot be written.
pub fn write<T: Table>(path: &Path, rows: &[T]) -> Result<Written, Error> {
    let mut writer = Writer::create(path)?;
    writer.write(rows)?;
    writer.commit()
}

/// Reads a whole table.
///
/// # Errors
/// The file cannot be read, or is not this table.
pub fn read<T: Table>(path: &Path) -> Result<Vec<T>, Error> {
    let names: Vec<&str> = T::columns().iter().map(|column| column.name).collect();
    let (count, batches) = batches(path, &names)?;
    let mut rows = Vec::with_capacity(count);
    for batch in batches {
        let part = T::from_batch(&batch?).map_err(|(column, fault)| Error::Column {
            path: path.to_owned(),
            column,
            fault,
        })?;
        rows.extend(part);
    }
    Ok(rows)
}

/// Reads the named columns of a Parquet file, as batches; a column that is not there is passed over.
///
/// # Errors
/// The file cannot be read.
pub fn read_projected(path: &Path, names: &[&str]) -> Result<Vec<RecordBatch>, Error> {
    batches(path, names)?.1.collect()
}

/// The number of rows, and the named columns in batches that are read as they are asked for.
fn batches<'a>(
    path: &'a Path,
    names: &[&str],
) -> Result<
    (
        usize,
        impl Iterator<Item = Result<RecordBatch, Error>> + use<'a>,
    ),
    Error,
> {
    let failed = move |source: ParquetError| Error::Parquet {
        path: path.to_owned(),
        source,
    };
    let file = fs::File::open(path)?.into_parts().0;
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let builder =
        ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).map_err(failed)?;
    let count = builder.metadata().file_metadata().num_rows();
    let mask = ProjectionMask::columns(builder.parquet_schema(), names.iter().copied());
    let reader = builder
        .with_projection(mask)
        .with_batch_size(BATCH_ROWS)
        .build()
        .map_err(failed)?;
    let batches = reader.map(move |batch| {
        batch.map_err(|error| failed(ParquetError::ArrowError(error.to_string())))
    });
    // A file may promise any number; rows are made room for as they come beyond the first million.
    Ok((usize::try_from(count).unwrap_or(0).min(1 << 20), batches))
}

/// The key-value metadata of a Parquet file.
///
/// # Errors
/// The file cannot be read.
pub fn metadata(path: &Path) -> Result<HashMap<String, String>, Error> {
    let failed = |source: ParquetError| Error::Parquet {
        path: path.to_owned(),
        source,
    };
    let file = fs::File::open(path)?.into_parts().0;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(failed)?;
    let pairs = builder
        .metadata()
        .file_metadata()
        .key_value_metadata()
        .cloned();
    Ok(pairs
        .unwrap_or_default()
        .into_iter()
        .filter_map(|pair| Some((pair.key, pair.value?)))
        .collect())
}
