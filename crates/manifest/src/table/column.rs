//! How each Rust type of a row stands in a column.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, StringArray,
    TimestampMicrosecondArray, UInt32Array, UInt64Array,
    builder::{ListBuilder, StringBuilder},
    cast::AsArray,
};
use arrow_schema::{DataType, Field, TimeUnit};

use crate::{error::ColumnFault, ids, time::Timestamp};

/// A type that fills one column.
pub trait Column: Sized + 'static {
    /// Whether the column may hold nulls.
    const NULLABLE: bool;

    /// The column's Arrow type.
    fn data_type() -> DataType;

    /// Values to an array.
    fn encode(values: &mut dyn Iterator<Item = &Self>) -> ArrayRef;

    /// An array to values.
    ///
    /// # Errors
    /// Another type, a null where none may be, a text that is no value.
    fn decode(array: &ArrayRef) -> Result<Vec<Self>, ColumnFault>;
}

/// A value that is never null by itself; `Option` of it is a nullable column.
pub trait Scalar: Sized + 'static {
    /// The column's Arrow type.
    fn data_type() -> DataType;

    /// Values to an array.
    fn encode(values: &mut dyn Iterator<Item = Option<&Self>>) -> ArrayRef;

    /// An array to values.
    ///
    /// # Errors
    /// Another type, or a text that is no value.
    fn decode(array: &ArrayRef) -> Result<Vec<Option<Self>>, ColumnFault>;
}

impl<T: Scalar> Column for T {
    const NULLABLE: bool = false;

    fn data_type() -> DataType {
        T::data_type()
    }

    fn encode(values: &mut dyn Iterator<Item = &Self>) -> ArrayRef {
        T::encode(&mut values.map(Some))
    }

    fn decode(array: &ArrayRef) -> Result<Vec<Self>, ColumnFault> {
        let values = T::decode(array)?;
        let rows = values.len();
        let present: Vec<T> = values.into_iter().flatten().collect();
        if present.len() == rows {
            Ok(present)
        } else {
            Err(ColumnFault::Null {
                row: (0..rows).find(|&row| array.is_null(row)).unwrap_or(0),
            })
        }
    }
}

impl<T: Scalar> Column for Option<T> {
    const NULLABLE: bool = true;

    fn data_type() -> DataType {
        T::data_type()
    }

    fn encode(values: &mut dyn Iterator<Item = &Self>) -> ArrayRef {
        T::encode(&mut values.map(Option::as_ref))
    }

    fn decode(array: &ArrayRef) -> Result<Vec<Self>, ColumnFault> {
        T::decode(array)
    }
}

pub(crate) fn wrong_type(array: &ArrayRef, expected: &DataType) -> ColumnFault {
    ColumnFault::Type {
        found: array.data_type().to_string(),
        expected: expected.to_string(),
    }
}

macro_rules! primitive_column {
    ($rust:ty, $array:ty, $data_type:expr) => {
        impl Scalar for $rust {
            fn data_type() -> DataType {
                $data_type
            }

            fn encode(values: &mut dyn Iterator<Item = Option<&Self>>) -> ArrayRef {
                Arc::new(values.map(|value| value.copied()).collect::<$array>())
            }

            fn decode(array: &ArrayRef) -> Result<Vec<Option<Self>>, ColumnFault> {
                let typed = array
                    .as_any()
                    .downcast_ref::<$array>()
                    .ok_or_else(|| wrong_type(array, &<Self as Scalar>::data_type()))?;
                Ok(typed.iter().collect())
            }
        }
    };
}

primitive_column!(u32, UInt32Array, DataType::UInt32);
primitive_column!(u64, UInt64Array, DataType::UInt64);
primitive_column!(i64, Int64Array, DataType::Int64);
primitive_column!(f64, Float64Array, DataType::Float64);
primitive_column!(bool, BooleanArray, DataType::Boolean);

impl Scalar for Timestamp {
    fn data_type() -> DataType {
        DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
    }

    fn encode(values: &mut dyn Iterator<Item = Option<&Self>>) -> ArrayRef {
        let array: TimestampMicrosecondArray = values.map(|value| value.map(|t| t.0)).collect();
        Arc::new(array.with_timezone("UTC"))
    }

    fn decode(array: &ArrayRef) -> Result<Vec<Option<Self>>, ColumnFault> {
        let typed = array
            .as_any()
            .downcast_ref::<TimestampMicrosecondArray>()
            .ok_or_else(|| wrong_type(array, &<Self as Scalar>::data_type()))?;
        Ok(typed.iter().map(|value| value.map(Timestamp)).collect())
    }
}

fn strings(array: &ArrayRef) -> Result<&StringArray, ColumnFault> {
    array
        .as_string_opt::<i32>()
        .ok_or_else(|| wrong_type(array, &DataType::Utf8))
}

impl Scalar for String {
    fn data_type() -> DataType {
        DataType::Utf8
    }

    fn encode(values: &mut dyn Iterator<Item = Option<&Self>>) -> ArrayRef {
        Arc::new(values.collect::<StringArray>())
    }

    fn decode(array: &ArrayRef) -> Result<Vec<Option<Self>>, ColumnFault> {
        Ok(strings(array)?
            .iter()
            .map(|value| value.map(str::to_owned))
            .collect())
    }
}

/// Text of which there are few different ones: each is held once.
impl Scalar for Arc<str> {
    fn data_type() -> DataType {
        DataType::Utf8
    }

    fn encode(values: &mut dyn Iterator<Item = Option<&Self>>) -> ArrayRef {
        Arc::new(
            values
                .map(|value| value.map(|text| &**text))
                .collect::<StringArray>(),
        )
    }

    fn decode(array: &ArrayRef) -> Result<Vec<Option<Self>>, ColumnFault> {
        let mut known: Vec<Arc<str>> = Vec::new();
        let mut hold = |text: &str| {
            if let Some(found) = known.iter().rev().take(8).find(|held| &***held == text) {
                return Arc::clone(found);
            }
            let held: Arc<str> = text.into();
            known.push(Arc::clone(&held));
            held
        };
        let texts = strings(array)?.iter();
        Ok(texts.map(|value| value.map(&mut hold)).collect())
    }
}

/// Encodes what prints as text.
pub(crate) fn encode_text<T: std::fmt::Display + 'static>(
    values: &mut dyn Iterator<Item = Option<&T>>,
) -> ArrayRef {
    use std::fmt::Write as _;
    let mut builder = StringBuilder::new();
    for value in values {
        match value {
            // Writing to an Arrow builder cannot fail.
            Some(value) => {
                let _ = write!(builder, "{value}");
                builder.append_value("");
            }
            None => builder.append_null(),
        }
    }
    Arc::new(builder.finish())
}

/// Decodes what parses from text.
pub(crate) fn decode_text<T: std::str::FromStr>(
    array: &ArrayRef,
) -> Result<Vec<Option<T>>, ColumnFault> {
    let parse = |(row, value): (usize, Option<&str>)| {
        value
            .map(|text| {
                text.parse().map_err(|_| ColumnFault::Value {
                    found: text.to_owned(),
                    row,
                })
            })
            .transpose()
    };
    strings(array)?.iter().enumerate().map(parse).collect()
}

/// Makes a type that prints and parses as text a string column.
macro_rules! text_column {
    ($($type:ty),+ $(,)?) => { $(
        impl $crate::table::Scalar for $type {
            fn data_type() -> arrow_schema::DataType {
                arrow_schema::DataType::Utf8
            }

            fn encode(
                values: &mut dyn Iterator<Item = Option<&Self>>,
            ) -> arrow_array::ArrayRef {
                $crate::table::column::encode_text(values)
            }

            fn decode(
                array: &arrow_array::ArrayRef,
            ) -> Result<Vec<Option<Self>>, $crate::error::ColumnFault> {
                $crate::table::column::decode_text(array)
            }
        }
    )+ };
}
pub(crate) use text_column;

text_column!(
    ids::ItemId,
    ids::PictureId,
    ids::SampleId,
    ids::GroupId,
    ids::CaptionKey,
    ids::Sha256Digest,
);

impl Column for Vec<String> {
    const NULLABLE: bool = false;

    fn data_type() -> DataType {
        DataType::List(Arc::new(Field::new("element", DataType::Utf8, false)))
    }

    fn encode(values: &mut dyn Iterator<Item = &Self>) -> ArrayRef {
        let mut builder = ListBuilder::new(StringBuilder::new()).with_field(Field::new(
            "element",
            DataType::Utf8,
            false,
        ));
        for list in values {
            for text in list {
                builder.values().append_value(text);
            }
            builder.append(true);
        }
        Arc::new(builder.finish())
    }

    fn decode(array: &ArrayRef) -> Result<Vec<Self>, ColumnFault> {
        let lists: &ListArray = array
            .as_list_opt()
            .ok_or_else(|| wrong_type(array, &Self::data_type()))?;
        (0..lists.len())
            .map(|row| <String as Column>::decode(&lists.value(row)))
            .collect()
    }
}
