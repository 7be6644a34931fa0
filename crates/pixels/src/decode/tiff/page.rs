//! The first page of a TIFF, opened; one with a palette too, which the `tiff` crate does not read.

use std::{borrow::Cow, io::Cursor};

use tiff::{ColorType, decoder::Decoder, tags::Tag};

use super::error;
use crate::Error;

/// The photometric interpretations that a page with a palette has, and that it is read by.
const PALETTE: u16 = 3;
const BLACK_IS_ZERO: u16 = 1;

/// The first page.
pub(crate) struct Page<'a> {
    /// The decoder, before any limit of its own.
    pub decoder: Decoder<Cursor<Cow<'a, [u8]>>>,
    /// The colours that values stand for; none where they are samples.
    pub palette: Option<Vec<[u8; 3]>>,
    /// What the values are; `Gray` where they are indices.
    pub colour: ColorType,
}

impl<'a> Page<'a> {
    /// Opens a file. Indices are read as if they were grey: of a page with a palette the one tag that says what its
    /// values are is replaced in a copy.
    pub fn open(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut decoder = Decoder::new(Cursor::new(Cow::Borrowed(bytes))).map_err(error)?;
        let interpretation = decoder
            .find_tag_unsigned::<u16>(Tag::PhotometricInterpretation)
            .map_err(error)?;
        let mut palette = None;
        if interpretation == Some(PALETTE)
            && let Some(place) = interpretation_place(bytes)
        {
            let map = decoder.get_tag_u16_vec(Tag::ColorMap).map_err(error)?;
            palette = Some(colours(&map));
            let mut copy = bytes.to_vec();
            let value = if is_big_endian(bytes) {
                BLACK_IS_ZERO.to_be_bytes()
            } else {
                BLACK_IS_ZERO.to_le_bytes()
            };
            copy[place..place + 2].copy_from_slice(&value);
            decoder = Decoder::new(Cursor::new(Cow::Owned(copy))).map_err(error)?;
        }
        let colour = decoder.colortype().map_err(error)?;
        Ok(Self {
            decoder,
            palette,
            colour,
        })
    }
}

/// All reds, then all greens, then all blues, of 16 bits: of each the upper 8.
fn colours(map: &[u16]) -> Vec<[u8; 3]> {
    let count = map.len() / 3;
    (0..count)
        .map(|at| [0, 1, 2].map(|channel| (map[channel * count + at] >> 8) as u8))
        .collect()
}

fn is_big_endian(bytes: &[u8]) -> bool {
    bytes.starts_with(b"MM")
}

/// Where the first directory holds the photometric interpretation, as a 16-bit number.
fn interpretation_place(bytes: &[u8]) -> Option<usize> {
    let is_big_endian = is_big_endian(bytes);
    let number = |at: usize, length: usize| -> Option<usize> {
        let part = bytes.get(at..at.checked_add(length)?)?;
        let fold = |sum: usize, byte: &u8| sum << 8 | usize::from(*byte);
        Some(if is_big_endian {
            part.iter().fold(0, fold)
        } else {
            part.iter().rev().fold(0, fold)
        })
    };
    // A BigTIFF has wider counts and offsets.
    let is_wide = number(2, 2)? == 43;
    let (directory, count_bytes, entry_bytes, value_at) = if is_wide {
        (number(8, 8)?, 8, 20, 12)
    } else {
        (number(4, 4)?, 2, 12, 8)
    };
    let count = number(directory, count_bytes)?.min(4096);
    let first = directory.checked_add(count_bytes)?;
    for at in (0..count).map(|entry| first + entry * entry_bytes) {
        let (tag, kind) = (number(at, 2)?, number(at + 2, 2)?);
        if tag == usize::from(Tag::PhotometricInterpretation.to_u16()) {
            let place = at + value_at;
            return (kind == 3 && place + 2 <= bytes.len()).then_some(place);
        }
    }
    None
}
