//! GIF blocks.

use super::{Facts, Frames, Model};
use crate::{Error, Format::Gif, Limits, bytes::le16, exif::Camera};

pub(super) fn facts<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Facts<'a>, Error> {
    let truncated = || Error::truncated(Gif, "its first picture is cut off");
    let (width, height) = le16(bytes, 6).zip(le16(bytes, 8)).ok_or_else(truncated)?;
    let (width, height) = (u32::from(width), u32::from(height));
    limits.check(width, height)?;
    let blocks = walk(bytes).ok_or_else(truncated)?;
    let (frame_width, frame_height) = blocks.frame;
    limits.check(frame_width.into(), frame_height.into())?;
    Ok(Facts {
        width,
        height,
        model: Model::Palette,
        bits: 8,
        has_alpha: blocks.has_alpha,
        frames: if blocks.is_animated {
            Frames::Many
        } else {
            Frames::One
        },
        is_progressive: blocks.is_interlaced,
        jpeg: None,
        profile: None,
        says_srgb: false,
        camera: Camera::default(),
    })
}

#[derive(Default)]
struct Blocks {
    /// Width and height of the first picture, which need not fit the screen.
    frame: (u16, u16),
    has_alpha: bool,
    is_interlaced: bool,
    is_animated: bool,
}

/// Walks to the second picture or the end; none if the first picture is not whole.
fn walk(bytes: &[u8]) -> Option<Blocks> {
    let mut blocks = Blocks::default();
    let mut pictures = 0;
    let flags = *bytes.get(10)?;
    let mut at = 13 + table_bytes(flags);
    loop {
        match bytes.get(at) {
            Some(0x21) => {
                if pictures == 0 && bytes.get(at + 1) == Some(&0xF9) {
                    blocks.has_alpha |= bytes.get(at + 3).is_some_and(|flags| flags & 1 != 0);
                }
                let Some(end) = past_sub_blocks(bytes, at + 2) else {
                    return (pictures > 0).then_some(blocks);
                };
                at = end;
            }
            Some(0x2C) => {
                pictures += 1;
                if pictures == 2 {
                    blocks.is_animated = true;
                    return Some(blocks);
                }
                blocks.frame = (le16(bytes, at + 5)?, le16(bytes, at + 7)?);
                let flags = *bytes.get(at + 9)?;
                blocks.is_interlaced = flags & 0x40 != 0;
                at = past_sub_blocks(bytes, at + 10 + table_bytes(flags) + 1)?;
            }
            _ => return (pictures > 0).then_some(blocks),
        }
    }
}

/// Size of the colour table that these flags announce.
fn table_bytes(flags: u8) -> usize {
    if flags & 0x80 == 0 {
        0
    } else {
        3 << ((flags & 7) + 1)
    }
}

/// Behind a chain of sub-blocks; none if the file ends inside it.
fn past_sub_blocks(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let size = *bytes.get(at)?;
        at += 1 + usize::from(size);
        if size == 0 {
            return Some(at);
        }
    }
}
