//! The two headers of a Windows bitmap.

use super::{Facts, Frames, Model};
use crate::{
    Error,
    Format::Bmp,
    Limits,
    bytes::{le16, le32},
    exif::Camera,
};

/// `BITMAPCOREHEADER`, the oldest: 16-bit sizes.
const CORE_HEADER: u32 = 12;
/// From this size on (`BITMAPV3INFOHEADER`) the header has an alpha mask.
const ALPHA_HEADER: u32 = 56;

pub(super) fn facts<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Facts<'a>, Error> {
    let truncated = || Error::truncated(Bmp, "inside its header");
    let header_size = le32(bytes, 14).ok_or_else(truncated)?;
    let (width, height, bits) = if header_size == CORE_HEADER {
        let size = le16(bytes, 18).zip(le16(bytes, 20)).ok_or_else(truncated)?;
        (u32::from(size.0), u32::from(size.1), le16(bytes, 24))
    } else {
        let size = le32(bytes, 18).zip(le32(bytes, 22)).ok_or_else(truncated)?;
        // A negative height says that the first row comes first.
        (size.0, size.1.cast_signed().unsigned_abs(), le16(bytes, 28))
    };
    limits.check(width, height)?;
    let bits = bits.ok_or_else(truncated)?;
    let (model, sample_bits) = match bits {
        1 | 2 | 4 | 8 => (Model::Palette, bits as u8),
        16 | 24 | 32 => (Model::Rgb, 8),
        _ => return Err(Error::corrupt(Bmp, format!("{bits} bits per pixel"))),
    };
    let alpha_mask = (header_size >= ALPHA_HEADER)
        .then(|| le32(bytes, 66))
        .flatten();
    Ok(Facts {
        width,
        height,
        model,
        bits: sample_bits,
        has_alpha: matches!(bits, 16 | 32) && alpha_mask.is_some_and(|mask| mask != 0),
        frames: Frames::One,
        is_progressive: false,
        jpeg: None,
        profile: None,
        says_srgb: false,
        camera: Camera::default(),
    })
}
