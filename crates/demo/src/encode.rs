//! How the collection's files are encoded, in the words of the truth file.

use serde::Serialize;
use terminus_pixels::{
    Effort, RgbImage, Subsampling, encode_jpeg, encode_png, encode_webp_lossless,
};

/// How a JPEG stores colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Chroma {
    /// 4:2:0, half the resolution.
    #[serde(rename = "4:2:0")]
    Halved,
    /// 4:4:4.
    #[serde(rename = "4:4:4")]
    Full,
}

/// How an image file is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "format", rename_all = "lowercase")]
pub enum Format {
    /// PNG.
    Png,
    /// Baseline JPEG.
    Jpeg {
        /// 1 to 100.
        quality: u8,
        /// How colour is stored.
        chroma: Chroma,
    },
    /// WebP, lossless.
    #[serde(rename = "webp")]
    WebpLossless,
}

impl Format {
    /// The file's extension.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg { .. } => "jpg",
            Self::WebpLossless => "webp",
        }
    }
}

/// The bytes of `picture` as a file of `format`.
///
/// # Errors
/// The encoder's.
pub fn encode(picture: &RgbImage, format: Format) -> Result<Vec<u8>, terminus_pixels::Error> {
    match format {
        Format::Png => encode_png(picture, Effort::Fast),
        Format::WebpLossless => encode_webp_lossless(picture),
        Format::Jpeg {
            quality,
            chroma: Chroma::Halved,
        } => encode_jpeg(picture, quality, Subsampling::Both),
        Format::Jpeg {
            quality,
            chroma: Chroma::Full,
        } => encode_jpeg(picture, quality, Subsampling::None),
    }
}
