//! The one place where bytes become pixels.
//!
//! [`inspect`] reads a header and decodes nothing: the format by its first bytes, the size as people
//! see it, the colour, and whether the file can be kept or cut without loss. [`decode()`] gives the whole
//! picture as upright, opaque, 8-bit sRGB, by a [`PixelPolicy`] that says what to do with everything
//! else; [`decode_region`] gives a rectangle of exactly those pixels. [`crop_jpeg_lossless`] cuts a JPEG
//! without decoding it, and [`encode_png`], [`encode_jpeg`] and [`encode_webp_lossless`] write.
//!
//! Three promises hold for every function. A picture's header is held against [`Limits`] before memory
//! is reserved for it. Missing or damaged pixels are an [`Error`], never grey. A decoder that crashes is
//! an [`Error`] too, so that one bad file never ends a run.
//!
//! JPEG pixels are libjpeg-turbo's to the last bit, hence Pillow's and PyTorch's.

mod bytes;
mod decode;
mod decoder;
mod encode;
mod error;
mod exif;
mod fit;
mod format;
mod header;
mod icc;
mod limits;
mod lossless;
mod orientation;
mod panic;
mod policy;
mod raster;
mod rect;
mod resample;

pub use decode::{Decoded, decode, decode_alpha, decode_region};
pub use decoder::Decoder;
pub use encode::{
    Effort, Subsampling, encode_jpeg, encode_png, encode_png_with_text, encode_webp_lossless,
};
pub use error::Error;
pub use fit::PillowFilter;
pub use format::{Format, sniff};
pub use header::{Colour, Frames, Header, Icc, JpegCoding, JpegLayout, Model, inspect};
pub use limits::Limits;
pub use lossless::crop_jpeg_lossless;
pub use orientation::Orientation;
pub use policy::{Action, CODE_VERSION, PixelPolicy};
pub use raster::RgbImage;
