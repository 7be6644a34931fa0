//! WebP chunks.

use std::borrow::Cow;

use super::{Facts, Frames, Model};
use crate::{
    Error,
    Format::WebP,
    Limits,
    bytes::{le16, le24, le32},
    exif::Camera,
};

/// What the chunks say, in whatever order they come.
#[derive(Default)]
struct Chunks<'a> {
    canvas: Option<(u32, u32)>,
    frame: Option<(u32, u32)>,
    has_alpha: bool,
    is_animated: bool,
    profile: Option<&'a [u8]>,
    exif: Option<&'a [u8]>,
}

pub(super) fn facts<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Facts<'a>, Error> {
    let chunks = walk(bytes)?;
    let (width, height) = chunks
        .canvas
        .or(chunks.frame)
        .ok_or_else(|| Error::truncated(WebP, "it ends before its picture"))?;
    limits.check(width, height)?;
    if let Some((width, height)) = chunks.frame {
        limits.check(width, height)?;
    }
    Ok(Facts {
        width,
        height,
        model: Model::Rgb,
        bits: 8,
        has_alpha: chunks.has_alpha,
        frames: if chunks.is_animated {
            Frames::Many
        } else {
            Frames::One
        },
        is_progressive: false,
        jpeg: None,
        profile: chunks.profile.map(Cow::Borrowed),
        says_srgb: false,
        camera: chunks.exif.map(Camera::read).unwrap_or_default(),
    })
}

fn walk(bytes: &[u8]) -> Result<Chunks<'_>, Error> {
    let mut chunks = Chunks::default();
    let mut at = 12;
    while let (Some(kind), Some(size)) = (bytes.get(at..at + 4), le32(bytes, at + 4)) {
        let start = at + 8;
        let end = start.saturating_add(size as usize);
        let data = &bytes[start..end.min(bytes.len())];
        let cut_off = || Error::truncated(WebP, format!("inside chunk `{}`", kind.escape_ascii()));
        match kind {
            b"VP8X" => {
                let (Some(&flags), Some(width), Some(height)) =
                    (data.first(), le24(data, 4), le24(data, 7))
                else {
                    return Err(cut_off());
                };
                chunks.has_alpha |= flags & 0x10 != 0;
                chunks.is_animated |= flags & 0x02 != 0;
                chunks.canvas = Some((width + 1, height + 1));
            }
            b"VP8 " if chunks.frame.is_none() => {
                let (Some(width), Some(height)) = (le16(data, 6), le16(data, 8)) else {
                    return Err(cut_off());
                };
                chunks.frame = Some((u32::from(width & 0x3FFF), u32::from(height & 0x3FFF)));
            }
            b"VP8L" if chunks.frame.is_none() => {
                let packed = le32(data, 1).ok_or_else(cut_off)?;
                chunks.frame = Some(((packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1));
                chunks.has_alpha |= packed >> 28 & 1 != 0;
            }
            b"ICCP" => chunks.profile = Some(data),
            b"EXIF" => chunks.exif = Some(data),
            _ => {}
        }
        at = end.saturating_add(size as usize & 1);
    }
    Ok(chunks)
}
