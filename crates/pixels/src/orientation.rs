//! The eight ways to hold a camera.

use crate::{RgbImage, rect::Rect};

/// EXIF orientation, 1 to 8: how stored rows and columns lie in the picture that people see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Orientation(u8);

impl Default for Orientation {
    fn default() -> Self {
        Self::UPRIGHT
    }
}

impl Orientation {
    /// Orientation 1: the stored picture is upright.
    pub const UPRIGHT: Self = Self(1);

    /// The orientation of this EXIF value; none outside 1 to 8.
    pub fn from_exif(value: u32) -> Option<Self> {
        matches!(value, 1..=8).then_some(Self(value as u8))
    }

    /// The EXIF value, 1 to 8.
    pub fn exif(self) -> u8 {
        self.0
    }

    /// Whether the picture is seen as it is stored.
    pub fn is_upright(self) -> bool {
        self.0 == 1
    }

    /// Whether rows are seen as columns (5 to 8), so that width and height change places.
    pub fn swaps_sides(self) -> bool {
        self.0 >= 5
    }

    /// Whether the seen picture, after a swap of sides, is mirrored left to right and top to bottom.
    fn mirrors(self) -> (bool, bool) {
        match self.0 {
            2 | 6 => (true, false),
            3 | 7 => (true, true),
            4 | 8 => (false, true),
            _ => (false, false),
        }
    }

    /// The size that people see, from the stored one: (width, height).
    pub fn seen_size(self, stored_width: u32, stored_height: u32) -> (u32, u32) {
        if self.swaps_sides() {
            (stored_height, stored_width)
        } else {
            (stored_width, stored_height)
        }
    }

    /// The rectangle of stored pixels behind a rectangle of the seen picture, whose size is given.
    pub(crate) fn stored_rect(self, seen: Rect, seen_width: u32, seen_height: u32) -> Rect {
        let (mirror_x, mirror_y) = self.mirrors();
        let left = if mirror_x {
            seen_width - seen.left - seen.width
        } else {
            seen.left
        };
        let top = if mirror_y {
            seen_height - seen.top - seen.height
        } else {
            seen.top
        };
        if self.swaps_sides() {
            Rect {
                top: left,
                left: top,
                width: seen.height,
                height: seen.width,
            }
        } else {
            Rect {
                top,
                left,
                width: seen.width,
                height: seen.height,
            }
        }
    }

    /// The picture that people see, from the stored one.
    pub(crate) fn apply(self, stored: RgbImage) -> RgbImage {
        if self.is_upright() {
            return stored;
        }
        let (width, height) = self.seen_size(stored.width_px, stored.height_px);
        let (mirror_x, mirror_y) = self.mirrors();
        let stored_stride = stored.width_px as usize * 3;
        // One step right in the seen picture is this many bytes in the stored one.
        let step = if self.swaps_sides() { stored_stride } else { 3 };
        let mut data = Vec::with_capacity(stored.data.len());
        for row in 0..height {
            let y = (if mirror_y { height - 1 - row } else { row }) as usize;
            let start = if self.swaps_sides() {
                y * 3
            } else {
                y * stored_stride
            };
            let mut push = |column: usize| {
                let at = start + column * step;
                data.extend_from_slice(&stored.data[at..at + 3]);
            };
            if mirror_x {
                (0..width as usize).rev().for_each(&mut push);
            } else {
                (0..width as usize).for_each(&mut push);
            }
        }
        RgbImage {
            width_px: width,
            height_px: height,
            data,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stored 2 rows x 3 columns: a b c / d e f.
    fn stored() -> RgbImage {
        let data = b"abcdef".iter().flat_map(|&letter| [letter; 3]).collect();
        RgbImage::new(3, 2, data).unwrap()
    }

    fn letters(image: &RgbImage) -> String {
        image
            .data
            .chunks(3)
            .map(|pixel| pixel[0] as char)
            .collect::<Vec<_>>()
            .chunks(image.width_px as usize)
            .map(|row| row.iter().collect::<String>())
            .collect::<Vec<_>>()
            .join("/")
    }

    #[test]
    fn each_orientation_shows_the_picture_as_exif_defines_it() {
        let expected = [
            "abc/def", "cba/fed", "fed/cba", "def/abc", "ad/be/cf", "da/eb/fc", "fc/eb/da",
            "cf/be/ad",
        ];
        for (value, expected) in (1..=8).zip(expected) {
            let seen = Orientation::from_exif(value).unwrap().apply(stored());
            assert_eq!(letters(&seen), expected, "orientation {value}");
        }
        assert_eq!(Orientation::from_exif(0), None);
        assert_eq!(Orientation::from_exif(9), None);
    }

    #[test]
    fn a_seen_rectangle_is_the_same_pixels_before_and_after_orientation() {
        for value in 1..=8 {
            let orientation = Orientation::from_exif(value).unwrap();
            let seen = orientation.apply(stored());
            let rect = Rect {
                top: 0,
                left: 1,
                width: 1,
                height: 2,
            };
            let raw = orientation.stored_rect(rect, seen.width_px, seen.height_px);
            let cut = stored()
                .crop(raw.top, raw.left, raw.width, raw.height)
                .unwrap();
            assert_eq!(
                orientation.apply(cut),
                seen.crop(0, 1, 1, 2).unwrap(),
                "orientation {value}"
            );
        }
    }
}
