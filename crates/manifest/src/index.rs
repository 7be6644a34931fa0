//! The index of a generation, `samples.parquet`: which samples there are, where they lie, and what they are called.

use std::sync::Arc;

use arrow_array::{
    Array as _, ArrayRef, ListArray, StructArray,
    builder::{Float64Builder, ListBuilder, StringBuilder, StructBuilder},
    cast::AsArray,
    types::Float64Type,
};
use arrow_schema::{DataType, Field, Fields};

use crate::{
    error::ColumnFault,
    ids::{GroupId, ItemId, PictureId, SampleId},
    table::{Column, table},
    words::{Packing, Role, Split},
};

table! {
    /// One sample of a generation; the table is sorted by `sample_id`.
    #[derive(Clone, Debug, PartialEq)]
    pub struct IndexRow as "samples" {
        /// Identity of the pixels.
        sample_id: SampleId,
        /// The shard's path, relative to the manifest.
        shard: String,
        /// The row in that shard, from 0.
        row: u32,
        /// The item that the sample was cut from.
        item_id: ItemId,
        /// The picture that it was cut from.
        picture_id: PictureId,
        /// Duplicates share one; a group never stands on both sides of the split, nor does what was made of one picture.
        group_id: GroupId,
        /// The collection's name.
        collection: String,
        /// `train` or `anchor`.
        role: Role,
        /// `train` or `validation`.
        split: Split,
        /// Width of the oriented original; of the tile, for a tile.
        original_width: u32,
        /// Height of it.
        original_height: u32,
        /// Rows of the original above the crop.
        crop_top: u32,
        /// Columns of the original left of the crop.
        crop_left: u32,
        /// Rows of the file above the tile; 0 for a whole picture.
        tile_top: u32,
        /// Columns of the file left of the tile; 0 for a whole picture.
        tile_left: u32,
        /// Width that the picture was resized to before it was cropped; null = never.
        resized_width: Option<u32>,
        /// Height that it was resized to; null = never.
        resized_height: Option<u32>,
        /// Width of the sample.
        width: u32,
        /// Height of the sample.
        height: u32,
        /// How the pixels are stored.
        packing: Packing,
        /// Texts that a trainer draws one of, by weight.
        captions: Vec<CaptionChoice>,
    }
}

/// One of the captions of a sample.
#[derive(Clone, Debug, PartialEq)]
pub struct CaptionChoice {
    /// The caption.
    pub text: String,
    /// What kind of captioner wrote it: `prompt`, `text`, `vlm`, `override`.
    pub kind: String,
    /// The captioner's name in the recipe.
    pub source: String,
    /// How often it is drawn, relative to the others.
    pub weight: f64,
}

fn fields() -> Fields {
    Fields::from(vec![
        Field::new("text", DataType::Utf8, true),
        Field::new("kind", DataType::Utf8, true),
        Field::new("source", DataType::Utf8, true),
        Field::new("weight", DataType::Float64, true),
    ])
}

impl Column for Vec<CaptionChoice> {
    const NULLABLE: bool = false;

    fn data_type() -> DataType {
        DataType::List(Arc::new(Field::new(
            "element",
            DataType::Struct(fields()),
            true,
        )))
    }

    fn encode(values: &mut dyn Iterator<Item = &Self>) -> ArrayRef {
        let text = || Box::new(StringBuilder::new()) as Box<dyn arrow_array::builder::ArrayBuilder>;
        let element = StructBuilder::new(
            fields(),
            vec![text(), text(), text(), Box::new(Float64Builder::new())],
        );
        let mut lists = ListBuilder::new(element).with_field(Field::new(
            "element",
            DataType::Struct(fields()),
            true,
        ));
        for captions in values {
            for caption in captions {
                let element = lists.values();
                for (column, text) in [&caption.text, &caption.kind, &caption.source]
                    .iter()
                    .enumerate()
                {
                    if let Some(builder) = element.field_builder::<StringBuilder>(column) {
                        builder.append_value(text);
                    }
                }
                if let Some(builder) = element.field_builder::<Float64Builder>(3) {
                    builder.append_value(caption.weight);
                }
                element.append(true);
            }
            lists.append(true);
        }
        Arc::new(lists.finish())
    }

    fn decode(array: &ArrayRef) -> Result<Vec<Self>, ColumnFault> {
        let fault = || ColumnFault::Type {
            found: array.data_type().to_string(),
            expected: Self::data_type().to_string(),
        };
        let lists: &ListArray = array.as_list_opt().ok_or_else(fault)?;
        let elements: &StructArray = lists.values().as_struct_opt().ok_or_else(fault)?;
        let text = |name| {
            elements
                .column_by_name(name)
                .and_then(|c| c.as_string_opt::<i32>())
        };
        let weight = elements
            .column_by_name("weight")
            .and_then(|c| c.as_primitive_opt::<Float64Type>());
        let (Some(texts), Some(kinds), Some(sources), Some(weights)) =
            (text("text"), text("kind"), text("source"), weight)
        else {
            return Err(fault());
        };
        let offsets = lists.value_offsets();
        let caption = |at: usize| CaptionChoice {
            text: texts.value(at).to_owned(),
            kind: kinds.value(at).to_owned(),
            source: sources.value(at).to_owned(),
            weight: weights.value(at),
        };
        Ok((0..lists.len())
            .map(|row| {
                (offsets[row] as usize..offsets[row + 1] as usize)
                    .map(caption)
                    .collect()
            })
            .collect())
    }
}
