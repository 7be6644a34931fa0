//! Pixels in memory.

use crate::{Error, rect::Rect};

/// An upright picture in sRGB: 8-bit red, green, blue, row by row without padding.
#[derive(Clone, PartialEq, Eq)]
pub struct RgbImage {
    /// Columns.
    pub width_px: u32,
    /// Rows.
    pub height_px: u32,
    /// `height_px · width_px · 3` bytes.
    pub data: Vec<u8>,
}

impl RgbImage {
    /// A picture from its bytes; none if their number is not `width_px · height_px · 3`.
    pub fn new(width_px: u32, height_px: u32, data: Vec<u8>) -> Option<Self> {
        let expected = width_px as usize * height_px as usize * 3;
        (data.len() == expected).then_some(Self {
            width_px,
            height_px,
            data,
        })
    }

    /// The pixels of rows `top .. top + height` and columns `left .. left + width`.
    ///
    /// # Errors
    /// [`Error::OutsideImage`] if the rectangle has no area or leaves the picture.
    pub fn crop(&self, top: u32, left: u32, width: u32, height: u32) -> Result<Self, Error> {
        let rect = Rect {
            top,
            left,
            width,
            height,
        };
        rect.check(self.width_px, self.height_px)?;
        let data = rect.cut(&self.data, self.width_px, 3);
        Ok(Self {
            width_px: width,
            height_px: height,
            data,
        })
    }

    /// Red, green and blue of one pixel; none outside.
    pub fn pixel(&self, row: u32, column: u32) -> Option<[u8; 3]> {
        if column >= self.width_px || row >= self.height_px {
            return None;
        }
        let at = (row as usize * self.width_px as usize + column as usize) * 3;
        self.data.get(at..at + 3)?.try_into().ok()
    }
}

impl std::fmt::Debug for RgbImage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RgbImage({}x{})", self.width_px, self.height_px)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counting(width: u32, height: u32) -> RgbImage {
        let data = (0..width * height * 3).map(|i| i as u8).collect();
        RgbImage::new(width, height, data).unwrap()
    }

    #[test]
    fn a_crop_holds_the_rows_and_columns_that_it_names() {
        let whole = counting(5, 4);
        let crop = whole.crop(1, 2, 3, 2).unwrap();
        for row in 0..2 {
            for column in 0..3 {
                assert_eq!(crop.pixel(row, column), whole.pixel(row + 1, column + 2));
            }
        }
    }

    #[test]
    fn a_crop_never_leaves_the_image() {
        let whole = counting(5, 4);
        for (top, left, width, height) in [
            (0, 0, 6, 1),
            (0, 0, 1, 5),
            (4, 0, 1, 1),
            (0, 0, 0, 1),
            (u32::MAX, 0, 1, 2),
        ] {
            assert!(matches!(
                whole.crop(top, left, width, height),
                Err(Error::OutsideImage { .. })
            ));
        }
    }
}
