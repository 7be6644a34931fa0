//! GIF blocks.

use super::{Facts, Frames, Model};
use crate::{Error, Format::Gif, Limits, bytes::le16, exif::Camera};

pub(super) fn facts<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Facts<'a>, Error> {
    let truncated = || Error::truncated(Gif, "its first picture is cut off");
    let (width, height) = le16(bytes, 6).zip(le16(bytes, 8)).ok_or_else(truncated)?;
    let (width, height) = (u32::from(width), u32::from(height));
    limits.check(width, height)?;
    let blocks = walk(bytes).ok_or_else(truncated)?;
    let Frame {
        left,
        top,
        width: frame_width,
        height: frame_height,
    } = blocks.frame;
    limits.check(frame_width.into(), frame_height.into())?;
    // What the first picture leaves open of the screen is transparent.
    let is_covered = (left, top) == (0, 0)
        && u32::from(frame_width) >= width
        && u32::from(frame_height) >= height;
    Ok(Facts {
        width,
        height,
        model: Model::Palette,
        bits: 8,
        has_alpha: blocks.has_alpha || !is_covered,
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

/// A picture's place on the screen, which it need not fit.
#[derive(Default)]
struct Frame {
    left: u16,
    top: u16,
    width: u16,
    height: u16,
}

#[derive(Default)]
struct Blocks {
    /// The first picture.
    frame: Frame,
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
                blocks.frame = Frame {
                    left: le16(bytes, at + 1)?,
                    top: le16(bytes, at + 3)?,
                    width: le16(bytes, at + 5)?,
                    height: le16(bytes, at + 7)?,
                };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_first_picture_leaves_open_is_transparent() {
        // A screen of 2x2 and pictures of one colour, without their codes.
        let gif = |left: u8, width: u8| {
            let mut bytes = b"GIF89a\x02\0\x02\0\0\0\0".to_vec();
            bytes.extend([0x2C, left, 0, 0, 0, width, 0, 2, 0, 0, 2, 0, 0x3B]);
            facts(&bytes, &Limits::default()).unwrap().has_alpha
        };
        assert!(!gif(0, 2));
        assert!(gif(0, 1) && gif(1, 2));
    }
}
