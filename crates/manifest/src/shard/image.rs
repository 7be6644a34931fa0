//! The image column, as Hugging Face wants it: a nullable `struct<bytes: binary, path: string>`.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BinaryArray, StringArray, StructArray, cast::AsArray};
use arrow_schema::{DataType, Field, Fields};

use crate::{error::ColumnFault, table::Column};

/// An image file within a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedImage {
    /// The file's bytes.
    pub bytes: Vec<u8>,
    /// The file's name.
    pub path: String,
}

fn fields() -> Fields {
    Fields::from(vec![
        Field::new("bytes", DataType::Binary, true),
        Field::new("path", DataType::Utf8, true),
    ])
}

impl Column for EncodedImage {
    const NULLABLE: bool = true;

    fn data_type() -> DataType {
        DataType::Struct(fields())
    }

    fn encode(values: &mut dyn Iterator<Item = &Self>) -> ArrayRef {
        let images: Vec<&Self> = values.collect();
        let bytes = BinaryArray::from_iter_values(images.iter().map(|image| &image.bytes));
        let paths = StringArray::from_iter_values(images.iter().map(|image| &image.path));
        Arc::new(StructArray::new(
            fields(),
            vec![Arc::new(bytes), Arc::new(paths)],
            None,
        ))
    }

    fn decode(array: &ArrayRef) -> Result<Vec<Self>, ColumnFault> {
        let fault = || ColumnFault::Type {
            found: array.data_type().to_string(),
            expected: Self::data_type().to_string(),
        };
        let images = array.as_struct_opt().ok_or_else(fault)?;
        let bytes = images
            .column_by_name("bytes")
            .and_then(|c| c.as_binary_opt::<i32>());
        let paths = images
            .column_by_name("path")
            .and_then(|c| c.as_string_opt::<i32>());
        let (bytes, paths) = bytes.zip(paths).ok_or_else(fault)?;
        (0..images.len())
            .map(|row| {
                if bytes.is_null(row) || paths.is_null(row) {
                    return Err(ColumnFault::Null { row });
                }
                let (bytes, path) = (bytes.value(row).to_vec(), paths.value(row).to_owned());
                Ok(Self { bytes, path })
            })
            .collect()
    }
}
