//! Reads samples back, whole or row by row.

use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use fs_err as fs;
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{
            ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection,
            RowSelector,
        },
    },
    errors::ParquetError,
};

use super::{EncodedImage, ShardRow};
use crate::{
    ColumnFault, Error,
    ids::SampleId,
    table::{self, Column as _, Table as _},
    words::Packing,
};

/// One shard, opened. Clones share the footer, so that threads can read at once.
#[derive(Clone, Debug)]
pub struct ShardReader {
    path: PathBuf,
    metadata: ArrowReaderMetadata,
}

impl ShardReader {
    /// Opens the shard at `path` and reads its footer.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = fs::File::open(path)?.into_parts().0;
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let metadata =
            ArrowReaderMetadata::load(&file, options).map_err(|source| Error::Parquet {
                path: path.to_owned(),
                source,
            })?;
        Ok(Self {
            path: path.to_owned(),
            metadata,
        })
    }

    /// How many rows it has.
    pub fn rows(&self) -> u64 {
        self.metadata.metadata().file_metadata().num_rows() as u64
    }

    /// The encoded image of one row; reads only that row's pages.
    ///
    /// # Errors
    /// There is no such row, or the file cannot be read.
    pub fn image(&self, row: u64) -> Result<EncodedImage, Error> {
        let batch = self.batch(row, Some(["image"]))?;
        let column = |fault| self.column_fault("image", fault);
        let images = EncodedImage::decode(batch.column(0)).map_err(column)?;
        images.into_iter().next().ok_or_else(|| self.no_row(row))
    }

    /// One row, whole; reads only its pages.
    ///
    /// # Errors
    /// There is no such row, or the file cannot be read.
    pub fn row(&self, row: u64) -> Result<ShardRow, Error> {
        let batch = self.batch(row, None::<[&str; 0]>)?;
        let rows = ShardRow::from_batch(&batch)
            .map_err(|(column, fault)| self.column_fault(column, fault))?;
        rows.into_iter().next().ok_or_else(|| self.no_row(row))
    }

    fn column_fault(&self, column: &'static str, fault: ColumnFault) -> Error {
        Error::Column {
            path: self.path.clone(),
            column,
            fault,
        }
    }

    fn no_row(&self, row: u64) -> Error {
        Error::RowOutOfRange {
            path: self.path.clone(),
            rows: self.rows(),
            row,
        }
    }

    /// The named columns of one row, or all of them.
    fn batch<'a>(
        &self,
        row: u64,
        columns: Option<impl IntoIterator<Item = &'a str>>,
    ) -> Result<RecordBatch, Error> {
        let failed = |source: ParquetError| Error::Parquet {
            path: self.path.clone(),
            source,
        };
        let mut first = 0;
        let mut found = None;
        for (index, group) in self.metadata.metadata().row_groups().iter().enumerate() {
            let end = first + group.num_rows() as u64;
            if row < end {
                found = Some(index);
                break;
            }
            first = end;
        }
        let index = found.ok_or_else(|| self.no_row(row))?;
        let file = fs::File::open(&self.path)?.into_parts().0;
        let mut builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        if let Some(columns) = columns {
            let mask = ProjectionMask::columns(builder.parquet_schema(), columns);
            builder = builder.with_projection(mask);
        }
        let selection = RowSelection::from(vec![
            RowSelector::skip((row - first) as usize),
            RowSelector::select(1),
        ]);
        let mut reader = builder
            .with_row_groups(vec![index])
            .with_row_selection(selection)
            .build()
            .map_err(failed)?;
        reader
            .next()
            .ok_or_else(|| self.no_row(row))?
            .map_err(|error| failed(ParquetError::ArrowError(error.to_string())))
    }

    /// Calls `each` with every row, in order, one row group in memory at a time.
    ///
    /// # Errors
    /// The file cannot be read, or `each` fails.
    pub fn for_each<E: From<Error>>(
        &self,
        mut each: impl FnMut(u64, ShardRow) -> Result<(), E>,
    ) -> Result<(), E> {
        let failed = |source: ParquetError| Error::Parquet {
            path: self.path.clone(),
            source,
        };
        let mut number = 0;
        for group in 0..self.metadata.metadata().num_row_groups() {
            let file = fs::File::open(&self.path)
                .map_err(Error::from)?
                .into_parts()
                .0;
            let builder =
                ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
            let reader = builder
                .with_row_groups(vec![group])
                .build()
                .map_err(failed)?;
            for batch in reader {
                let batch =
                    batch.map_err(|error| failed(ParquetError::ArrowError(error.to_string())))?;
                let rows =
                    ShardRow::from_batch(&batch).map_err(|(column, fault)| Error::Column {
                        path: self.path.clone(),
                        column,
                        fault,
                    })?;
                for row in rows {
                    each(number, row)?;
                    number += 1;
                }
            }
        }
        Ok(())
    }

    /// The sample ids of all rows, in order, each with how its pixels are stored; reads those columns alone.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn samples(&self) -> Result<Vec<(SampleId, Packing)>, Error> {
        let mut samples = Vec::new();
        for batch in table::read_projected(&self.path, &["sample_id", "packing"])? {
            let ids = self.column::<SampleId>(&batch, "sample_id")?;
            let packings = self.column::<Packing>(&batch, "packing")?;
            samples.extend(ids.into_iter().zip(packings));
        }
        Ok(samples)
    }

    fn column<T: table::Column>(
        &self,
        batch: &RecordBatch,
        name: &'static str,
    ) -> Result<Vec<T>, Error> {
        let array = batch
            .column_by_name(name)
            .ok_or_else(|| self.column_fault(name, ColumnFault::Missing))?;
        T::decode(array).map_err(|fault| self.column_fault(name, fault))
    }
}

#[cfg(test)]
mod tests {
    use parquet::{basic::Compression, file::metadata::PageIndexPolicy};

    use super::*;
    use crate::{
        ids::{ItemId, PictureId, Rect, Sha256Digest},
        shard::{ShardLimits, ShardWriter},
        words::Role,
    };

    fn row(n: u8) -> ShardRow {
        let sha256 = Sha256Digest::of(&[n]);
        ShardRow {
            image: EncodedImage {
                bytes: vec![n; 10 + usize::from(n)],
                path: format!("{n}.png"),
            },
            sample_id: SampleId([n; 16]),
            item_id: ItemId::new(&format!("a:{n}"), 0),
            picture_id: PictureId::new(sha256, Rect::whole(9, 8)),
            sha256,
            source_id: format!("a:{n}"),
            collection: "a".into(),
            role: Role::Train,
            caption: "a picture".into(),
            original_width: 9,
            original_height: 8,
            crop_top: 0,
            crop_left: 1,
            tile_top: 0,
            tile_left: 0,
            resized_width: None,
            resized_height: None,
            width: 8,
            height: 8,
            packing: Packing::Png,
        }
    }

    fn images_stand_as_they_are_one_to_a_page(path: &Path) {
        let file = fs::File::open(path).unwrap().into_parts().0;
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
        let metadata = ArrowReaderMetadata::load(&file, options).unwrap();
        let metadata = metadata.metadata();
        for (number, group) in metadata.row_groups().iter().enumerate() {
            for column in [0, 1] {
                let column = group.column(column);
                assert_eq!(column.compression(), Compression::UNCOMPRESSED);
                assert_eq!(column.dictionary_page_offset(), None);
                assert_eq!(column.statistics(), None);
            }
            let pages = metadata.page_index_for_row_group(number);
            assert_eq!(pages.num_data_pages(0), Some(group.num_rows() as usize));
        }
    }

    #[test]
    fn a_shard_gives_back_its_rows_in_order_and_one_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("000001-00000.parquet");
        let limits = ShardLimits {
            group_rows: 3,
            ..ShardLimits::default()
        };
        let mut writer = ShardWriter::create(&path, limits).unwrap();
        let rows: Vec<ShardRow> = (0..8).map(row).collect();
        for row in &rows {
            writer.push(row.clone()).unwrap();
        }
        assert!(!path.exists());
        let written = writer.finish().unwrap();
        assert_eq!(Sha256Digest::of(&fs::read(&path).unwrap()), written.sha256);
        let reader = ShardReader::open(&path).unwrap();
        assert_eq!(reader.metadata.metadata().num_row_groups(), 3);
        images_stand_as_they_are_one_to_a_page(&path);
        let mut back = Vec::new();
        reader
            .for_each(|_, row| -> Result<(), Error> {
                back.push(row);
                Ok(())
            })
            .unwrap();
        assert_eq!(back, rows);
        for (n, row) in rows.iter().enumerate().rev() {
            assert_eq!(reader.image(n as u64).unwrap(), row.image);
            assert_eq!(&reader.row(n as u64).unwrap(), row);
        }
        assert!(matches!(
            reader.image(8),
            Err(Error::RowOutOfRange {
                rows: 8,
                row: 8,
                ..
            })
        ));
        assert_eq!(
            reader.samples().unwrap(),
            rows.iter()
                .map(|r| (r.sample_id, r.packing))
                .collect::<Vec<_>>()
        );
    }
}
