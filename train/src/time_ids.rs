//! The micro-conditioning of SDXL: what the network is told about where its pixels come from.

/// In which order the crop's coordinates stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CropOrder {
    /// Rows above, then columns left: what SDXL was trained with.
    #[default]
    TopLeft,
    /// The other way round, as an early trainer of this model family had it.
    LeftTop,
}

/// Geometry of a sample, in pixels of its oriented original.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleGeometry {
    /// Height of the picture that the sample was cut from.
    pub original_height: u32,
    /// Width of the picture that the sample was cut from.
    pub original_width: u32,
    /// Rows above the crop.
    pub crop_top: u32,
    /// Columns left of the crop.
    pub crop_left: u32,
    /// Height of the sample.
    pub target_height: u32,
    /// Width of the sample.
    pub target_width: u32,
}

impl SampleGeometry {
    /// A picture that is all there: what a sampler asks for.
    pub fn uncropped(width: u32, height: u32) -> Self {
        Self {
            original_height: height,
            original_width: width,
            crop_top: 0,
            crop_left: 0,
            target_height: height,
            target_width: width,
        }
    }

    /// `[original_h, original_w, crop_top, crop_left, target_h, target_w]` (Podell et al. 2023, arXiv:2307.01952).
    ///
    /// They stay f32 up to the sinusoids: bf16 holds 1025 as 1024.
    pub fn time_ids(&self, order: CropOrder) -> [f32; 6] {
        let crop = match order {
            CropOrder::TopLeft => [self.crop_top, self.crop_left],
            CropOrder::LeftTop => [self.crop_left, self.crop_top],
        };
        [
            self.original_height,
            self.original_width,
            crop[0],
            crop[1],
            self.target_height,
            self.target_width,
        ]
        .map(|value| value as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GEOMETRY: SampleGeometry = SampleGeometry {
        original_height: 816,
        original_width: 1456,
        crop_top: 40,
        crop_left: 1025,
        target_height: 768,
        target_width: 512,
    };

    #[test]
    fn heights_come_before_widths_and_the_top_before_the_left() {
        let expected = [816, 1456, 40, 1025, 768, 512].map(|n: u16| f32::from(n).to_bits());
        assert_eq!(
            GEOMETRY.time_ids(CropOrder::TopLeft).map(f32::to_bits),
            expected
        );
    }

    #[test]
    fn the_compatible_order_swaps_the_crop_alone() {
        let expected = [816, 1456, 1025, 40, 768, 512].map(|n: u16| f32::from(n).to_bits());
        assert_eq!(
            GEOMETRY.time_ids(CropOrder::LeftTop).map(f32::to_bits),
            expected
        );
    }
}
