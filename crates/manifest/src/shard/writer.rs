//! Writes one shard.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use parquet::{
    arrow::{
        ArrowSchemaConverter,
        arrow_writer::{ArrowRowGroupWriterFactory, compute_leaves},
    },
    basic::Compression,
    data_type::{ByteArray, ByteArrayType},
    errors::ParquetError,
    file::{metadata::KeyValue, properties::EnabledStatistics, writer::SerializedFileWriter},
    schema::types::ColumnPath,
};
use serde_json::json;

use super::ShardRow;
use crate::{
    Error,
    atomic::{LargeFile, Written},
    table::{Table as _, writer_properties},
};

/// When a row group and a shard are full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardLimits {
    /// Rows of a shard.
    pub rows: u64,
    /// Bytes of the images of a shard.
    pub size_bytes: u64,
    /// Rows of a row group: what a reader must hold at once.
    pub group_rows: usize,
    /// Bytes of the images of a row group.
    pub group_size_bytes: u64,
}

impl Default for ShardLimits {
    fn default() -> Self {
        Self {
            rows: 4096,
            size_bytes: 512_000_000,
            group_rows: 100,
            group_size_bytes: 200_000_000,
        }
    }
}

/// A shard that is being written; it has its name only once it is finished.
pub struct ShardWriter {
    path: PathBuf,
    writer: SerializedFileWriter<LargeFile>,
    columns: ArrowRowGroupWriterFactory,
    groups: usize,
    limits: ShardLimits,
    pending: Vec<ShardRow>,
    pending_bytes: u64,
    rows: u64,
    size_bytes: u64,
}

impl std::fmt::Debug for ShardWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShardWriter")
            .field("path", &self.path)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl ShardWriter {
    /// Begins the shard `path`.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn create(path: &Path, limits: ShardLimits) -> Result<Self, Error> {
        let failed = |source| Error::Parquet {
            path: path.to_owned(),
            source,
        };
        // The parts one by one: `ColumnPath::from("image.bytes")` is a column with a dot in its name.
        let part = |name: &str| ColumnPath::new(vec!["image".to_owned(), name.to_owned()]);
        let (image, name) = (part("bytes"), part("path"));
        let mut properties = writer_properties()
            .set_key_value_metadata(Some(metadata()))
            // The limits of a row group are kept by this writer, in rows and in bytes.
            .set_max_row_group_row_count(None);
        // A page for each image, so that reading one row reads no other's pixels.
        properties = properties.set_column_data_page_size_limit(image.clone(), 1);
        for column in [image, name] {
            properties = properties
                .set_column_dictionary_enabled(column.clone(), false)
                .set_column_statistics_enabled(column.clone(), EnabledStatistics::None)
                .set_column_compression(column, Compression::UNCOMPRESSED);
        }
        let schema = ShardRow::schema();
        let root = ArrowSchemaConverter::new()
            .convert(&schema)
            .map_err(failed)?;
        let file = LargeFile::create(path)?;
        let properties = Arc::new(properties.build());
        let writer = SerializedFileWriter::new(file, root.root_schema_ptr(), properties);
        let writer = writer.map_err(failed)?;
        let columns = ArrowRowGroupWriterFactory::new(&writer, schema);
        Ok(Self {
            path: path.to_owned(),
            writer,
            columns,
            groups: 0,
            limits,
            pending: Vec::new(),
            pending_bytes: 0,
            rows: 0,
            size_bytes: 0,
        })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn push(&mut self, row: ShardRow) -> Result<(), Error> {
        let size = row.image.bytes.len() as u64;
        let is_full = self.pending.len() >= self.limits.group_rows
            || self.pending_bytes + size > self.limits.group_size_bytes;
        if is_full {
            self.flush()?;
        }
        self.pending.push(row);
        self.pending_bytes += size;
        self.rows += 1;
        self.size_bytes += size;
        Ok(())
    }

    /// Rows so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Whether no further row belongs here.
    pub fn is_full(&self) -> bool {
        self.rows >= self.limits.rows || self.size_bytes >= self.limits.size_bytes
    }

    fn flush(&mut self) -> Result<(), Error> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.pending);
        self.pending_bytes = 0;
        self.write_group(rows).map_err(|source| Error::Parquet {
            path: self.path.clone(),
            source,
        })
    }

    /// Writes a row group. The images, which are nearly all of it, go straight from their rows to the file, page by
    /// page; the other columns go through Arrow.
    fn write_group(&mut self, mut rows: Vec<ShardRow>) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        let no_images = || ParquetError::General("a shard without a column of images".to_owned());
        let mut images = group.next_column()?.ok_or_else(no_images)?;
        let pages = images.typed::<ByteArrayType>();
        for row in &mut rows {
            let bytes = ByteArray::from(std::mem::take(&mut row.image.bytes));
            // Neither the image nor its bytes are null.
            pages.write_batch(&[bytes], Some(&[2]), None)?;
        }
        images.close()?;
        let arrays = ShardRow::to_arrays(&rows);
        let mut writers = self.columns.create_column_writers(self.groups)?.into_iter();
        let mut is_image = true;
        for (field, array) in ShardRow::schema().fields().iter().zip(&arrays) {
            for leaf in compute_leaves(field, array)? {
                let mut writer = writers.next().ok_or_else(no_images)?;
                if std::mem::take(&mut is_image) {
                    continue;
                }
                writer.write(&leaf)?;
                writer.close()?.append_to_row_group(&mut group)?;
            }
        }
        group.close()?;
        self.groups += 1;
        Ok(())
    }

    /// Gives the shard its name.
    ///
    /// # Errors
    /// The file cannot be written, as on a full disk; then no shard of this name appears.
    pub fn finish(mut self) -> Result<Written, Error> {
        self.flush()?;
        let path = self.path.clone();
        let failed = |source: ParquetError| Error::Parquet {
            path: path.clone(),
            source,
        };
        let file = self.writer.into_inner().map_err(failed)?;
        Ok(file.commit()?)
    }
}

/// The features that Hugging Face `datasets` reads, and the version of the contract.
fn metadata() -> Vec<KeyValue> {
    let mut features = serde_json::Map::new();
    for column in ShardRow::columns() {
        let feature = match (column.name, column.data_type.as_str()) {
            ("image", _) => json!({ "_type": "Image" }),
            (_, "UInt32") => json!({ "dtype": "uint32", "_type": "Value" }),
            _ => json!({ "dtype": "string", "_type": "Value" }),
        };
        features.insert(column.name.to_owned(), feature);
    }
    let features = json!({ "info": { "features": features } });
    vec![
        KeyValue::new(
            "terminus.schema_version".to_owned(),
            crate::SCHEMA_VERSION.to_string(),
        ),
        KeyValue::new("huggingface".to_owned(), features.to_string()),
    ]
}
