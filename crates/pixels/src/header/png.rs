//! PNG chunks before the pixels.

use std::borrow::Cow;
use std::io::Cursor;

use png::{BitDepth, ColorType, Decoder, DecodingError};

use super::{Facts, Frames, Model};
use crate::{Error, Format::Png, Limits, bytes::be32, exif::Camera};

pub(super) fn facts<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Facts<'a>, Error> {
    let size = |at| be32(bytes, at).ok_or_else(|| Error::truncated(Png, "inside its first chunk"));
    limits.check(size(16)?, size(20)?)?;
    let reader = Decoder::new(Cursor::new(bytes))
        .read_info()
        .map_err(error)?;
    let info = reader.info();
    let (model, has_alpha) = match info.color_type {
        ColorType::Grayscale => (Model::Grey, false),
        ColorType::GrayscaleAlpha => (Model::Grey, true),
        ColorType::Rgb => (Model::Rgb, false),
        ColorType::Rgba => (Model::Rgb, true),
        ColorType::Indexed => (Model::Palette, false),
    };
    let bits = match info.bit_depth {
        BitDepth::One => 1,
        BitDepth::Two => 2,
        BitDepth::Four => 4,
        BitDepth::Eight => 8,
        BitDepth::Sixteen => 16,
    };
    let exif = info
        .exif_metadata
        .as_deref()
        .or_else(|| find_chunk(bytes, *b"eXIf"));
    Ok(Facts {
        width: info.width,
        height: info.height,
        model,
        bits,
        has_alpha: has_alpha || info.trns.is_some(),
        frames: match info.animation_control() {
            Some(control) if control.num_frames > 1 => Frames::Many,
            _ => Frames::One,
        },
        is_progressive: info.interlaced,
        jpeg: None,
        profile: info
            .icc_profile
            .as_deref()
            .map(|profile| Cow::Owned(profile.to_vec())),
        says_srgb: info.srgb.is_some(),
        camera: exif.map(Camera::read).unwrap_or_default(),
    })
}

/// The data of the first chunk of this kind; it may follow the pixels.
fn find_chunk(bytes: &[u8], wanted: [u8; 4]) -> Option<&[u8]> {
    let mut at = 8usize;
    loop {
        let length = be32(bytes, at)? as usize;
        let start = at + 8;
        let end = start.checked_add(length)?;
        match bytes.get(at + 4..start)? {
            kind if *kind == wanted => return bytes.get(start..end),
            b"IEND" => return None,
            _ => at = end.checked_add(4)?,
        }
    }
}

/// Whether the last chunk is there, so that nothing of the file can be missing.
pub(crate) fn has_end(bytes: &[u8]) -> bool {
    find_chunk(bytes, *b"IEND").is_some()
}

pub(crate) fn error(error: DecodingError) -> Error {
    match error {
        DecodingError::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
            Error::truncated(Png, "a chunk is cut off")
        }
        DecodingError::LimitsExceeded => Error::corrupt(Png, "a chunk unpacks to too many bytes"),
        error => Error::corrupt(Png, error.to_string()),
    }
}
