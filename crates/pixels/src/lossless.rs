//! Crops that keep a JPEG's own coefficients.
//!
//! The picture's symbols, free of their Huffman tables, are taken from the file: as they stand, or made of coefficients
//! that the library reads. They are written with tables made for the crop.

mod bits;
mod coefficients;
mod frame;
mod huffman;
mod plain;
mod scan;
mod symbols;

use libjpeg_turbo_rs::JpegError;

use crate::{
    Decoder, Error,
    Format::Jpeg,
    Limits,
    header::{self, Icc},
    panic,
    rect::Rect,
};

/// Why the fast way ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// The file is of another kind: the library's turn.
    NotPlain,
    /// The scan ends before the picture does.
    Truncated,
}

/// A JPEG of rows `top .. top + height` and columns `left .. left + width`, made of the original's own
/// quantised coefficients: nothing is decoded to pixels and nothing is lost.
///
/// The origin must lie on [`Header::lossless_crop_grid`](crate::Header::lossless_crop_grid); the right and
/// bottom edges may lie anywhere. The result is a plain JPEG: no EXIF, and a profile only if it says sRGB.
/// Its pixels are the original's, save for a border of one pixel where chroma is subsampled, because the
/// chroma beyond the edge, which the original's pixels there lean on, is cut away.
///
/// # Errors
/// [`Error::NotLossless`] if the file or the origin does not allow it, [`Error::OutsideImage`], and what
/// [`decode`](crate::decode()) gives for damaged files.
pub fn crop_jpeg_lossless(
    bytes: &[u8],
    top: u32,
    left: u32,
    width: u32,
    height: u32,
) -> Result<Vec<u8>, Error> {
    panic::guard(|at_work| {
        let found = header::read(bytes, &Limits::default())?;
        let rect = Rect {
            top,
            left,
            width,
            height,
        };
        rect.check(found.header.width_px, found.header.height_px)?;
        let not_lossless = |detail| Err(Error::NotLossless { detail });
        let Some((across, down)) = found.header.lossless_crop_grid() else {
            return not_lossless(format!(
                "a {} of {}",
                found.header.format,
                found.header.colour_text()
            ));
        };
        if !left.is_multiple_of(across) || !top.is_multiple_of(down) {
            return not_lossless(format!(
                "top {top}, left {left} is off its {across}x{down} grid"
            ));
        }
        if !header::jpeg::has_end(bytes) {
            return Err(Error::truncated(Jpeg, "the end marker is missing"));
        }
        at_work.set(Some(Decoder::LibjpegTurbo));
        let jpeg = match scan::cut(bytes, rect) {
            Ok(jpeg) => Ok(jpeg),
            Err(Stop::Truncated) => Err(JpegError::UnexpectedEof),
            Err(Stop::NotPlain) => coefficients::cut(bytes, rect),
        };
        let jpeg = jpeg.map_err(|error| match error {
            JpegError::UnexpectedEof => Error::truncated(Jpeg, "a scan is cut off"),
            error => Error::corrupt(Jpeg, error.to_string()),
        })?;
        match (&found.profile, found.header.colour.icc) {
            (Some(profile), Icc::Srgb) => Ok(with_profile(&jpeg, profile)),
            _ => Ok(jpeg),
        }
    })
}

/// The JPEG with a profile in APP2 segments behind its JFIF segment, as the ICC lays down.
fn with_profile(jpeg: &[u8], profile: &[u8]) -> Vec<u8> {
    /// A segment holds 65,533 bytes; the name, the number and the count take 14.
    const PART: usize = 65_533 - 14;
    let at = header::jpeg::end_of_first_segment(jpeg);
    let mut out = Vec::with_capacity(jpeg.len() + profile.len() + 64);
    out.extend_from_slice(&jpeg[..at]);
    let count = profile.len().div_ceil(PART) as u8;
    for (part, number) in profile.chunks(PART).zip(1u8..) {
        out.extend_from_slice(&[0xFF, 0xE2]);
        out.extend_from_slice(&(part.len() as u16 + 16).to_be_bytes());
        out.extend_from_slice(b"ICC_PROFILE\0");
        out.extend_from_slice(&[number, count]);
        out.extend_from_slice(part);
    }
    out.extend_from_slice(&jpeg[at..]);
    out
}
