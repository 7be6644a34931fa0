//! Rows as Rust structs, tables as Parquet files: one declaration gives the struct, its schema and both directions.

pub(crate) mod column;
mod file;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

pub(crate) use column::text_column;
pub use column::{Column, Scalar};
pub(crate) use file::Writer;
pub use file::{
    Decoded, batch_of, metadata, read, read_projected, write, write_to, writer_properties,
};

use crate::error::ColumnFault;

/// A row type and the schema of its table.
pub trait Table: Sized {
    /// The table's name, as docs and errors call it.
    const NAME: &'static str;

    /// Name, type, nullability and meaning of each column, in order.
    fn columns() -> Vec<ColumnDoc>;

    /// The Arrow schema.
    fn schema() -> SchemaRef;

    /// Rows to columns.
    fn to_arrays(rows: &[Self]) -> Vec<arrow_array::ArrayRef>;

    /// Columns to rows. Columns may stand in any order; others are passed over.
    ///
    /// # Errors
    /// The name of the column at fault, and its fault.
    fn from_batch(batch: &RecordBatch) -> Result<Vec<Self>, (&'static str, ColumnFault)>;
}

/// What `docs/schema.md` says of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnDoc {
    /// Its name.
    pub name: &'static str,
    /// Its Arrow type.
    pub data_type: String,
    /// Whether it may be null.
    pub nullable: bool,
    /// What it means.
    pub doc: String,
}

/// Declares a row struct and its [`Table`]; doc comments become the published schema.
macro_rules! table {
    (
        $(#[$struct_attr:meta])*
        pub struct $name:ident as $table:literal {
            $( #[doc = $doc:literal] $(#[doc = $more:literal])* $field:ident : $type:ty ),+ $(,)?
        }
    ) => {
        $(#[$struct_attr])*
        pub struct $name {
            $( #[doc = $doc] $(#[doc = $more])* pub $field: $type ),+
        }

        impl $crate::table::Table for $name {
            const NAME: &'static str = $table;

            fn columns() -> Vec<$crate::table::ColumnDoc> {
                vec![ $( $crate::table::ColumnDoc {
                    name: stringify!($field),
                    data_type: <$type as $crate::table::Column>::data_type().to_string(),
                    nullable: <$type as $crate::table::Column>::NULLABLE,
                    doc: concat!($doc $(, $more)*).trim().to_owned(),
                } ),+ ]
            }

            fn schema() -> arrow_schema::SchemaRef {
                std::sync::Arc::new(arrow_schema::Schema::new(vec![ $( arrow_schema::Field::new(
                    stringify!($field),
                    <$type as $crate::table::Column>::data_type(),
                    <$type as $crate::table::Column>::NULLABLE,
                ) ),+ ]))
            }

            fn to_arrays(rows: &[Self]) -> Vec<arrow_array::ArrayRef> {
                vec![ $( <$type as $crate::table::Column>::encode(
                    &mut rows.iter().map(|row| &row.$field)
                ) ),+ ]
            }

            fn from_batch(
                batch: &arrow_array::RecordBatch,
            ) -> Result<Vec<Self>, (&'static str, $crate::error::ColumnFault)> {
                $( let mut $field = $crate::table::Decoded::<$type>::new(batch, stringify!($field))?; )+
                let mut rows = Vec::with_capacity(batch.num_rows());
                for _ in 0..batch.num_rows() {
                    rows.push(Self { $( $field: $field.next()? ),+ });
                }
                Ok(rows)
            }
        }
    };
}
pub(crate) use table;
