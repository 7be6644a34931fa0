//! TIFF: strips or tiles of 1 to 16 bits, samples together or in planes.

mod page;

use tiff::{
    ColorType, TiffError,
    decoder::{Decoder as TiffDecoder, DecodingResult, Limits as TiffLimits},
    tags::Tag,
};

use super::samples::{Kind, Samples};
use crate::{Error, Format::Tiff, Header, rect::Rect};

pub(crate) use page::Page;

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

/// The planar configuration in which each sample has a plane of its own.
const PLANES: u32 = 2;
/// The kind of an extra sample that is opacity which the colours are multiplied by already.
const PREMULTIPLIED: u32 = 1;

pub(super) fn read(bytes: &[u8], header: &Header, rect: Rect) -> Result<Samples, Error> {
    let mut limits = TiffLimits::default();
    let (width, height) = (header.stored_width_px, header.stored_height_px);
    let pixels = width as usize * height as usize;
    // The header's limits hold already; four samples of two bytes are the most that a pixel has.
    limits.decoding_buffer_size = pixels * 8;
    let Page {
        decoder,
        palette,
        colour,
    } = Page::open(bytes)?;
    let mut decoder = decoder.with_limits(limits);
    let kind = match (colour, &palette) {
        (ColorType::Gray(1 | 2 | 4 | 8 | 16), None) => Kind::Grey,
        (ColorType::GrayA(8 | 16) | GREY_ALPHA | GREY_ALPHA_16, None) => Kind::GreyAlpha,
        (ColorType::Gray(1 | 2 | 4 | 8), Some(_)) | (ColorType::RGB(8 | 16), None) => Kind::Rgb,
        (ColorType::RGBA(8 | 16), None) => Kind::Rgba,
        (ColorType::CMYK(8 | 16), None) => Kind::Cmyk,
        (other, _) => return Err(unsupported(other)),
    };
    let samples = match whole(&mut decoder)? {
        DecodingResult::U8(samples) => samples,
        DecodingResult::U16(samples) => samples.into_iter().map(|s| (s >> 8) as u8).collect(),
        _ => return Err(unsupported(colour)),
    };
    let mut samples = match (colour, &palette) {
        (ColorType::Gray(bits), Some(palette)) => {
            let indices = unpack(samples, width, bits);
            let colour = |index: u8| palette.get(usize::from(index)).copied().unwrap_or_default();
            indices.into_iter().flat_map(colour).collect()
        }
        (ColorType::Gray(bits @ (1 | 2 | 4)), None) => {
            let step = 255 / ((1 << bits) - 1);
            let mut values = unpack(samples, width, bits);
            for value in &mut values {
                *value *= step;
            }
            values
        }
        _ => samples,
    };
    if samples.len() != pixels * kind.channels() {
        return Err(Error::corrupt(
            Tiff,
            "the decoder gave a picture of another size",
        ));
    }
    if unsigned(&mut decoder, Tag::PlanarConfiguration) == Some(PLANES) {
        samples = interleave(&samples, kind.channels());
    }
    if unsigned(&mut decoder, Tag::ExtraSamples) == Some(PREMULTIPLIED) {
        match kind {
            Kind::Rgba => divide_by_alpha::<4>(&mut samples),
            Kind::GreyAlpha => divide_by_alpha::<2>(&mut samples),
            Kind::Grey | Kind::Rgb | Kind::Cmyk => {}
        }
    }
    Ok(Samples::cut(kind, samples, width, height, rect))
}

/// Every sample of every plane.
fn whole<R: std::io::Read + std::io::Seek>(
    decoder: &mut TiffDecoder<R>,
) -> Result<DecodingResult, Error> {
    let mut result = DecodingResult::U8(Vec::new());
    decoder.read_image_to_buffer(&mut result).map_err(error)?;
    Ok(result)
}

/// The first number of a tag.
fn unsigned<R: std::io::Read + std::io::Seek>(
    decoder: &mut TiffDecoder<R>,
    tag: Tag,
) -> Option<u32> {
    let values = decoder.find_tag_unsigned_vec(tag).ok()??;
    values.first().copied()
}

/// One byte for each value of 1, 2, 4 or 8 bits; rows are padded to whole bytes.
fn unpack(rows: Vec<u8>, width: u32, bits: u8) -> Vec<u8> {
    if bits == 8 {
        return rows;
    }
    let (width, bits) = (width as usize, usize::from(bits));
    let value = |row: &[u8], x: usize| {
        let at = x * bits;
        row[at / 8] << (at % 8) >> (8 - bits)
    };
    rows.chunks_exact((width * bits).div_ceil(8))
        .flat_map(|row| (0..width).map(move |x| value(row, x)))
        .collect()
}

/// Planes, one behind the other, as pixels.
fn interleave(planes: &[u8], channels: usize) -> Vec<u8> {
    let pixels = planes.len() / channels;
    (0..pixels)
        .flat_map(|pixel| (0..channels).map(move |channel| planes[channel * pixels + pixel]))
        .collect()
}

/// Colours that were multiplied by their opacity, as they were before, rounded as Pillow rounds.
fn divide_by_alpha<const CHANNELS: usize>(samples: &mut [u8]) {
    for pixel in samples.as_chunks_mut::<CHANNELS>().0 {
        let alpha = u32::from(pixel[CHANNELS - 1]);
        if alpha == 0 {
            continue;
        }
        for sample in &mut pixel[..CHANNELS - 1] {
            *sample = (u32::from(*sample) * 255 / alpha).min(255) as u8;
        }
    }
}

pub(crate) fn unsupported(colour: ColorType) -> Error {
    match colour {
        ColorType::YCbCr(_) => Error::unsupported("a TIFF of luma and chroma, as JPEG in TIFF is,"),
        other => Error::unsupported(format!("a TIFF of colour type {other:?}")),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_values_come_out_row_by_row() {
        let rows = vec![0b1110_0100, 0b0100_0000];
        assert_eq!(unpack(rows.clone(), 5, 2), [3, 2, 1, 0, 1]);
        assert_eq!(unpack(rows, 2, 4), [14, 4, 4, 0]);
        assert_eq!(unpack(vec![0b1010_0000], 3, 1), [1, 0, 1]);
    }

    #[test]
    fn planes_become_pixels() {
        assert_eq!(interleave(&[1, 2, 3, 4, 5, 6], 3), [1, 3, 5, 2, 4, 6]);
    }

    #[test]
    fn what_was_multiplied_is_divided_and_nothing_runs_over() {
        let mut samples = vec![50, 100, 200, 100, 9, 9, 9, 0, 7, 8, 9, 255];
        divide_by_alpha::<4>(&mut samples);
        assert_eq!(samples, [127, 255, 255, 100, 9, 9, 9, 0, 7, 8, 9, 255]);
    }
}
