//! Another size for a picture.

use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer, images::Image, images::ImageRef,
};

use crate::{Error, RgbImage};

impl RgbImage {
    /// The picture at another size, by Lanczos3 with antialiasing, on gamma-encoded values as Pillow does it.
    ///
    /// # Errors
    /// [`Error::Resample`] if either size has no area.
    pub fn resample(&self, width_px: u32, height_px: u32) -> Result<Self, Error> {
        let fault = |why: &dyn std::fmt::Display| Error::Resample {
            from: (self.width_px, self.height_px),
            to: (width_px, height_px),
            why: why.to_string(),
        };
        if width_px == 0 || height_px == 0 {
            return Err(fault(&"a picture without area"));
        }
        let source = ImageRef::new(self.width_px, self.height_px, &self.data, PixelType::U8x3)
            .map_err(|error| fault(&error))?;
        let mut target = Image::new(width_px, height_px, PixelType::U8x3);
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
        Resizer::new()
            .resize(&source, &mut target, &options)
            .map_err(|error| fault(&error))?;
        Ok(Self {
            width_px,
            height_px,
            data: target.into_vec(),
        })
    }

    /// The picture shrunk so that it fits into a square of `side_px`; itself if it fits already.
    ///
    /// # Errors
    /// As [`RgbImage::resample`].
    pub fn thumbnail(&self, side_px: u32) -> Result<Self, Error> {
        let longer = self.width_px.max(self.height_px);
        if longer <= side_px {
            return Ok(self.clone());
        }
        let scaled = |side: u32| {
            let side = u64::from(side) * u64::from(side_px) / u64::from(longer);
            (side as u32).max(1)
        };
        self.resample(scaled(self.width_px), scaled(self.height_px))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_picture_stays_flat_at_any_size() {
        let data = [10, 200, 30].repeat(40 * 30);
        let image = RgbImage::new(40, 30, data).unwrap();
        for (width, height) in [(20, 15), (7, 64), (80, 60), (1, 1)] {
            let other = image.resample(width, height).unwrap();
            assert_eq!((other.width_px, other.height_px), (width, height));
            assert!(other.data.chunks(3).all(|pixel| pixel == [10, 200, 30]));
        }
        assert!(image.resample(0, 5).is_err());
    }

    #[test]
    fn a_thumbnail_keeps_the_aspect_and_never_enlarges() {
        let image = RgbImage::new(400, 100, vec![0; 400 * 100 * 3]).unwrap();
        let small = image.thumbnail(100).unwrap();
        assert_eq!((small.width_px, small.height_px), (100, 25));
        assert_eq!(image.thumbnail(500).unwrap(), image);
    }
}
