//! Draws the demo collection: anime characters and places with prompts in Midjourney's own
//! syntax, photo-like anchors, and a truth file that says what each picture shows.
//!
//! The quickstart trains on it, so it needs no download, and its truth is known: each attribute
//! that a prompt names changes a visible share of the pixels. [`draw`] is the whole interface.
//!
//! A picture is made in four steps, each a module: a `plan` (subject, size, format, `prompt`)
//! comes from the seed and the index alone; `scene`, `character` and `photo` draw it with a
//! `canvas` that knows smooth `curve`s and `ink`ed lines in the `light` of a time of day;
//! `finish` adds glow; `collection` encodes and writes.

mod attributes;
mod canvas;
mod character;
mod collection;
mod colour;
mod curve;
mod dice;
mod encode;
mod finish;
mod ink;
mod light;
mod options;
mod palette;
mod photo;
mod picture;
mod plan;
mod prompt;
mod scene;
mod stretch;

use terminus_pixels::RgbImage;

pub use collection::draw;
pub use options::{Error, Options, Scale, Summary};

/// The pixels of picture `index` of the collection `seed`, as they are before encoding.
/// None never happens at the scales that exist.
pub fn picture(seed: u64, index: u64, scale: Scale) -> Option<RgbImage> {
    picture::draw(&plan::Plan::new(seed, index, scale))
}
