//! What of a picture is drawn anew, and putting it back.

use terminus_pixels::RgbImage;

use crate::Error;

/// From this brightness on a pixel is drawn anew, as in diffusers.
const THRESHOLD: u8 = 128;

/// A part of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Region {
    pub left: u32,
    pub top: u32,
    pub width: u32,
    pub height: u32,
}

/// Which pixels of a picture are drawn anew, and how softly they are put back.
#[derive(Clone, Debug)]
pub struct Mask {
    width_px: u32,
    height_px: u32,
    /// Whether a pixel is drawn anew, row by row.
    is_drawn: Vec<bool>,
    blur_px: u32,
}

impl Mask {
    /// From a brightness for each pixel: white is drawn anew.
    ///
    /// Within `blur_px` of the edge, on the inside, old and new pixels are mixed. Outside no byte changes.
    ///
    /// # Errors
    /// The mask is not as large as `picture`; nothing is drawn anew.
    pub fn new(
        brightness: &[u8],
        size: (u32, u32),
        blur_px: u32,
        picture: &RgbImage,
    ) -> Result<Self, Error> {
        let expected = (picture.width_px, picture.height_px);
        if size != expected || brightness.len() != size.0 as usize * size.1 as usize {
            return Err(Error::MaskSize {
                found: size,
                expected,
            });
        }
        let is_drawn: Vec<bool> = brightness.iter().map(|&b| b >= THRESHOLD).collect();
        if !is_drawn.contains(&true) {
            return Err(Error::EmptyMask);
        }
        Ok(Self {
            width_px: size.0,
            height_px: size.1,
            is_drawn,
            blur_px,
        })
    }

    /// 255 where a pixel of `region` is drawn anew, 0 elsewhere.
    pub(super) fn bytes(&self, region: Region) -> Vec<u8> {
        let mut bytes = Vec::with_capacity((region.width * region.height) as usize);
        for row in region.top..region.top + region.height {
            let start = (row * self.width_px + region.left) as usize;
            let row = &self.is_drawn[start..start + region.width as usize];
            bytes.extend(row.iter().map(|&is_drawn| u8::from(is_drawn) * 255));
        }
        bytes
    }

    /// The smallest part with all that is drawn anew and `padding` around it, grown to the shape of `size` where the
    /// picture leaves room.
    pub(super) fn surroundings(&self, padding: u32, size: (u32, u32)) -> Region {
        let (mut left, mut top, mut right, mut bottom) = (self.width_px, self.height_px, 0, 0);
        for (i, _) in self
            .is_drawn
            .iter()
            .enumerate()
            .filter(|(_, drawn)| **drawn)
        {
            let (x, y) = (i as u32 % self.width_px, i as u32 / self.width_px);
            (left, right) = (left.min(x), right.max(x + 1));
            (top, bottom) = (top.min(y), bottom.max(y + 1));
        }
        left = left.saturating_sub(padding);
        top = top.saturating_sub(padding);
        right = (right + padding).min(self.width_px);
        bottom = (bottom + padding).min(self.height_px);
        let wanted = f64::from(size.0) / f64::from(size.1);
        let (width, height) = (right - left, bottom - top);
        let width_for_height = (f64::from(height) * wanted).round() as u32;
        let height_for_width = (f64::from(width) / wanted).round() as u32;
        let (left, width) = grow(left, width, width_for_height, self.width_px);
        let (top, height) = grow(top, height, height_for_width, self.height_px);
        Region {
            left,
            top,
            width,
            height,
        }
    }

    /// `picture` with `drawn`, as large as `region`, in the place of what the mask covers there.
    pub(super) fn paste(&self, drawn: &RgbImage, picture: &RgbImage, region: Region) -> RgbImage {
        let opacity = self.opacity();
        let mut pasted = picture.clone();
        for row in 0..region.height {
            for column in 0..region.width {
                let at = ((region.top + row) * self.width_px + region.left + column) as usize;
                let share = opacity[at];
                if share <= 0.0 {
                    continue;
                }
                let from = ((row * drawn.width_px + column) * 3) as usize;
                for channel in 0..3 {
                    let (old, new) = (picture.data[at * 3 + channel], drawn.data[from + channel]);
                    let mixed = f32::from(old) * (1.0 - share) + f32::from(new) * share;
                    pasted.data[at * 3 + channel] = mixed.round().clamp(0.0, 255.0) as u8;
                }
            }
        }
        pasted
    }

    /// How much of the new picture shows at each pixel: 0 outside the mask, 1 deep inside.
    fn opacity(&self) -> Vec<f32> {
        let sharp: Vec<f32> = self
            .is_drawn
            .iter()
            .map(|&d| f32::from(u8::from(d)))
            .collect();
        if self.blur_px == 0 {
            return sharp;
        }
        let (width, height) = (self.width_px as usize, self.height_px as usize);
        // Three running means are nearly a normal distribution (central limit); a mean of 1/2 is the edge.
        let radius = (self.blur_px as usize).div_ceil(3).max(1);
        let mut soft = sharp.clone();
        for _ in 0..3 {
            soft = blur_rows(&soft, width, radius);
            soft = transpose(&blur_rows(&transpose(&soft, width), height, radius), height);
        }
        soft.iter()
            .zip(&sharp)
            .map(|(soft, sharp)| (2.0 * soft - 1.0).clamp(0.0, 1.0) * sharp)
            .collect()
    }
}

/// A side brought to `wanted` if it is longer, around its middle, within `limit`.
fn grow(begin: u32, length: u32, wanted: u32, limit: u32) -> (u32, u32) {
    if wanted <= length {
        return (begin, length);
    }
    let wanted = wanted.min(limit);
    let begin = begin.saturating_sub((wanted - length) / 2);
    (begin.min(limit - wanted), wanted)
}

/// The mean of each value and `radius` neighbours on either side in its row; beyond the ends the end goes on.
fn blur_rows(values: &[f32], width: usize, radius: usize) -> Vec<f32> {
    let mut blurred = Vec::with_capacity(values.len());
    for row in values.chunks_exact(width) {
        let at = |i: isize| f64::from(row[i.clamp(0, width as isize - 1) as usize]);
        let reach = radius as isize;
        let mut sum: f64 = (-reach..=reach).map(at).sum();
        for i in 0..width as isize {
            blurred.push((sum / (2 * radius + 1) as f64) as f32);
            sum += at(i + reach + 1) - at(i - reach);
        }
    }
    blurred
}

/// Rows of `width` as columns.
fn transpose(values: &[f32], width: usize) -> Vec<f32> {
    let height = values.len() / width;
    let mut turned = Vec::with_capacity(values.len());
    for x in 0..width {
        turned.extend((0..height).map(|y| values[y * width + x]));
    }
    turned
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32, value: impl Fn(u32) -> u8) -> RgbImage {
        let data = (0..width * height * 3).map(value).collect();
        RgbImage::new(width, height, data).unwrap()
    }

    fn square(width: u32, height: u32, inside: std::ops::Range<u32>) -> Vec<u8> {
        (0..width * height)
            .map(|i| {
                let (x, y) = (i % width, i / width);
                if inside.contains(&x) && inside.contains(&y) {
                    255
                } else {
                    0
                }
            })
            .collect()
    }

    #[test]
    fn no_byte_outside_the_mask_changes_whatever_the_blur() {
        let old = picture(40, 30, |i| (i * 7 % 256) as u8);
        let new = picture(40, 30, |_| 200);
        let bytes = square(40, 30, 8..22);
        let whole = Region {
            left: 0,
            top: 0,
            width: 40,
            height: 30,
        };
        for blur in [0, 1, 4, 9, 100] {
            let mask = Mask::new(&bytes, (40, 30), blur, &old).unwrap();
            let pasted = mask.paste(&new, &old, whole);
            for (i, &inside) in bytes.iter().enumerate() {
                let pixel = |image: &RgbImage| image.data[i * 3..i * 3 + 3].to_vec();
                if inside == 0 {
                    assert_eq!(pixel(&pasted), pixel(&old), "blur {blur}");
                } else if blur == 0 {
                    assert_eq!(pixel(&pasted), pixel(&new));
                }
            }
        }
    }

    #[test]
    fn blur_mixes_on_the_inside_and_leaves_the_middle_new() {
        let old = picture(64, 64, |_| 0);
        let new = picture(64, 64, |_| 100);
        let mask = Mask::new(&square(64, 64, 16..48), (64, 64), 6, &old).unwrap();
        let whole = Region {
            left: 0,
            top: 0,
            width: 64,
            height: 64,
        };
        let pasted = mask.paste(&new, &old, whole);
        let at = |x: u32| pasted.pixel(32, x).unwrap()[0];
        assert_eq!((at(15), at(32)), (0, 100));
        assert!(
            at(16) < at(18) && at(18) < at(22) && at(16) < 40,
            "{} {} {}",
            at(16),
            at(18),
            at(22)
        );
    }

    #[test]
    fn surroundings_hold_the_mask_and_have_the_shape_that_is_asked_for() {
        let old = picture(100, 80, |_| 0);
        let mask = Mask::new(&square(100, 80, 70..75), (100, 80), 0, &old).unwrap();
        let region = mask.surroundings(4, (64, 64));
        assert_eq!(
            region,
            Region {
                left: 66,
                top: 66,
                width: 13,
                height: 13
            }
        );
        let wide = mask.surroundings(4, (128, 64));
        assert_eq!((wide.width, wide.height), (26, 13));
        assert!(wide.left + wide.width <= 100 && wide.left <= 70);
    }

    #[test]
    fn a_mask_of_another_size_or_of_nothing_is_refused() {
        let old = picture(8, 8, |_| 0);
        assert!(matches!(
            Mask::new(&[255; 32], (8, 4), 0, &old),
            Err(Error::MaskSize {
                found: (8, 4),
                expected: (8, 8)
            })
        ));
        assert!(matches!(
            Mask::new(&[127; 64], (8, 8), 0, &old),
            Err(Error::EmptyMask)
        ));
    }
}
