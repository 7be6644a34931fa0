//! What can go wrong with one picture.

use crate::{Decoder, Format, Limits};

/// Why bytes did not become pixels. One bad picture is one of these, never a panic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There are no bytes at all.
    #[error("the file has no bytes")]
    Empty,
    /// The first bytes belong to no picture format.
    #[error("not an image: it starts with {start}")]
    NotAnImage {
        /// The first bytes, escaped.
        start: String,
    },
    /// A picture, but of a kind that is not read.
    #[error("{what} is not read\nhint: convert it to PNG, JPEG or WebP")]
    UnsupportedFormat {
        /// The format or the variant of one.
        what: String,
    },
    /// The bytes end before the picture does.
    #[error("the {format} ends too early: {detail}")]
    Truncated {
        /// The format that the first bytes show.
        format: Format,
        /// What the decoder missed.
        detail: String,
    },
    /// The bytes contradict their format.
    #[error("the {format} is damaged: {detail}")]
    Corrupt {
        /// The format that the first bytes show.
        format: Format,
        /// What the decoder stumbled over.
        detail: String,
    },
    /// The header names more pixels than the limits allow; nothing was decoded.
    #[error(
        "the header says {width_px}x{height_px} pixels; at most {} a side and {} in all are decoded",
        limits.max_side_px, limits.max_pixels
    )]
    TooLarge {
        /// The width that the header names.
        width_px: u32,
        /// The height that the header names.
        height_px: u32,
        /// The limits that it breaks.
        limits: Limits,
    },
    /// A colour policy is `reject` for this kind of picture.
    #[error("the policy `{key} = \"reject\"` refuses this picture: it is {found}")]
    ColourPolicy {
        /// The key of [`PixelPolicy`](crate::PixelPolicy) that refuses.
        key: &'static str,
        /// The colour as found.
        found: String,
    },
    /// The policy `animated` is `reject` and the file has many frames.
    #[error(
        "the policy `animated = \"reject\"` refuses this picture: the {format} has many frames"
    )]
    Animated {
        /// The format that the first bytes show.
        format: Format,
    },
    /// A decoder crashed; the crash was caught.
    #[error("the decoder {decoder} crashed: {message}")]
    DecoderPanic {
        /// The decoder that was at work, or `header`.
        decoder: String,
        /// The text of the panic.
        message: String,
    },
    /// A rectangle that leaves the picture.
    #[error(
        "the rectangle {width}x{height} at top {top}, left {left} leaves its {width_px}x{height_px} picture"
    )]
    OutsideImage {
        /// First row of the rectangle.
        top: u32,
        /// First column of the rectangle.
        left: u32,
        /// Columns of the rectangle.
        width: u32,
        /// Rows of the rectangle.
        height: u32,
        /// Width of the picture.
        width_px: u32,
        /// Height of the picture.
        height_px: u32,
    },
    /// A crop in the coefficient domain that this file or this origin does not allow.
    #[error("no lossless crop: {detail}")]
    NotLossless {
        /// What stands in the way.
        detail: String,
    },
    /// A size that a picture cannot be brought to.
    #[error("a {}x{} picture cannot be resized to {}x{}: {why}", from.0, from.1, to.0, to.1)]
    Resample {
        /// Width and height of the picture.
        from: (u32, u32),
        /// Width and height asked for.
        to: (u32, u32),
        /// What stands in the way.
        why: String,
    },
    /// An encoder refused the pixels.
    #[error("cannot write a {format}: {detail}")]
    Encode {
        /// The format asked for.
        format: Format,
        /// What the encoder said.
        detail: String,
    },
}

impl Error {
    /// The word of the closed list of reasons that verdict tables hold.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NotAnImage { .. } => "not_an_image",
            Self::UnsupportedFormat { .. } => "unsupported_format",
            Self::Truncated { .. } => "truncated",
            Self::Corrupt { .. } => "corrupt",
            Self::TooLarge { .. } => "too_large",
            Self::ColourPolicy { .. } => "colour_policy",
            Self::Animated { .. } => "animated",
            Self::DecoderPanic { .. } => "decoder_panic",
            Self::OutsideImage { .. } => "crop_outside",
            Self::NotLossless { .. } | Self::Resample { .. } | Self::Encode { .. } => {
                "packing_impossible"
            }
        }
    }

    pub(crate) fn corrupt(format: Format, detail: impl Into<String>) -> Self {
        Self::Corrupt {
            format,
            detail: detail.into(),
        }
    }

    pub(crate) fn truncated(format: Format, detail: impl Into<String>) -> Self {
        Self::Truncated {
            format,
            detail: detail.into(),
        }
    }

    pub(crate) fn unsupported(what: impl Into<String>) -> Self {
        Self::UnsupportedFormat { what: what.into() }
    }

    pub(crate) fn panic(decoder: Option<Decoder>, payload: &(dyn std::any::Any + Send)) -> Self {
        let message = payload
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| {
                payload
                    .downcast_ref::<&str>()
                    .map(|text| (*text).to_owned())
            })
            .unwrap_or_else(|| "no message".to_owned());
        let decoder = decoder.map_or_else(|| "header".to_owned(), |d| d.name().to_owned());
        Self::DecoderPanic { decoder, message }
    }
}
