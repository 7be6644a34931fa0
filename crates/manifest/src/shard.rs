//! Shards: Parquet files of samples, pixels and all. Append-only and never rewritten.
//!
//! Hugging Face `datasets`, DuckDB and Polars read them as they are: the `image` column is the nullable
//! `struct<bytes, path>` that viewers show as a picture, and the file's metadata says so.

mod image;
mod reader;
mod writer;

pub use image::EncodedImage;
pub use reader::ShardReader;
pub use writer::{ShardLimits, ShardWriter};

use crate::{
    ids::{ItemId, PictureId, SampleId, Sha256Digest},
    table::table,
    words::{Packing, Role},
};

table! {
    /// One sample: its pixels, their coordinates, and what they are.
    #[derive(Clone, Debug, PartialEq)]
    pub struct ShardRow as "shards" {
        /// The encoded image and its name, `<sample_id>.<ext>`.
        image: EncodedImage,
        /// Identity of the pixels.
        sample_id: SampleId,
        /// The item that they were cut from.
        item_id: ItemId,
        /// Identity of the picture that they were cut from.
        picture_id: PictureId,
        /// SHA-256 of the original's bytes.
        sha256: Sha256Digest,
        /// Where the item was found.
        source_id: String,
        /// The collection's name.
        collection: String,
        /// `train` or `anchor`.
        role: Role,
        /// The caption as of packing, for readers that want one; the index has the newest.
        caption: String,
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
    }
}
