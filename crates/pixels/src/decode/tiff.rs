//! TIFF: strips or tiles of 1 to 16 bits.

use std::io::Cursor;

use tiff::{
    ColorType, TiffError,
    decoder::{Decoder as TiffDecoder, DecodingResult, Limits as TiffLimits},
};

use super::samples::{Kind, Samples};
use crate::{Error, Format::Tiff, Header, rect::Rect};

/// What the `tiff` crate calls grey with alpha.
pub(crate) const GREY_ALPHA: ColorType = ColorType::Multiband {
    bit_depth: 8,
    num_samples: 2,
};
/// The same of 16 bits.
pub(crate) const GREY_ALPHA_16: ColorType = ColorType::Multiband {
    bit_depth: 16,
    num_samples: 2,
};

pub(super) fn read(bytes: &[u8], header: &Header, rect: Rect) -> Result<Samples, Error> {
    let mut limits = TiffLimits::default();
    let (width, height) = (header.stored_width_px, header.stored_height_px);
    // The header's limits hold already; four samples of two bytes are the most that a pixel has.
    limits.decoding_buffer_size = width as usize * height as usize * 8;
    let mut decoder = TiffDecoder::new(Cursor::new(bytes))
        .map_err(error)?
        .with_limits(limits);
    let colour = decoder.colortype().map_err(error)?;
    let result = decoder.read_image().map_err(error)?;
    let samples = match result {
        DecodingResult::U8(rows) if colour == ColorType::Gray(1) => unpack_bits(&rows, width),
        DecodingResult::U8(samples) => samples,
        DecodingResult::U16(samples) => samples.into_iter().map(|s| (s >> 8) as u8).collect(),
        _ => return Err(unsupported(colour)),
    };
    let kind = match colour {
        ColorType::Gray(1 | 8 | 16) => Kind::Grey,
        ColorType::GrayA(8 | 16) | GREY_ALPHA | GREY_ALPHA_16 => Kind::GreyAlpha,
        ColorType::RGB(8 | 16) => Kind::Rgb,
        ColorType::RGBA(8 | 16) => Kind::Rgba,
        ColorType::CMYK(8 | 16) => Kind::Cmyk,
        other => return Err(unsupported(other)),
    };
    if samples.len() != width as usize * height as usize * kind.channels() {
        return Err(Error::corrupt(
            Tiff,
            "the decoder gave a picture of another size",
        ));
    }
    Ok(Samples::cut(kind, samples, width, height, rect))
}

/// One byte, 0 or 255, for each bit of rows that are padded to whole bytes.
fn unpack_bits(rows: &[u8], width: u32) -> Vec<u8> {
    let bit = |row: &[u8], x: usize| {
        if row[x / 8] << (x % 8) & 0x80 == 0 {
            0
        } else {
            255
        }
    };
    rows.chunks_exact(width.div_ceil(8) as usize)
        .flat_map(|row| (0..width as usize).map(move |x| bit(row, x)))
        .collect()
}

pub(crate) fn unsupported(colour: ColorType) -> Error {
    Error::unsupported(format!("a TIFF of colour type {colour:?}"))
}

pub(crate) fn error(error: TiffError) -> Error {
    match error {
        TiffError::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
            Error::truncated(Tiff, "a directory or a strip is cut off")
        }
        TiffError::UnsupportedError(e) => Error::unsupported(format!("this TIFF ({e})")),
        error => Error::corrupt(Tiff, error.to_string()),
    }
}
