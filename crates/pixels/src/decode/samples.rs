//! Decoded samples, before colour and alpha are dealt with.

use crate::{icc::Conversion, rect::Rect};

/// 8-bit samples of one rectangle, row by row without padding.
pub(super) struct Samples {
    pub kind: Kind,
    pub data: Vec<u8>,
}

/// What the bytes of a pixel are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Grey,
    GreyAlpha,
    Rgb,
    Rgba,
    /// Ink amounts: 0 none, 255 full.
    Cmyk,
}

impl Kind {
    pub fn channels(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::GreyAlpha => 2,
            Self::Rgb => 3,
            Self::Rgba | Self::Cmyk => 4,
        }
    }
}

impl Samples {
    /// The samples of a rectangle out of a whole picture's.
    pub fn cut(kind: Kind, whole: Vec<u8>, width_px: u32, height_px: u32, rect: Rect) -> Self {
        let data = if rect == Rect::whole(width_px, height_px) {
            whole
        } else {
            rect.cut(&whole, width_px, kind.channels())
        };
        Self { kind, data }
    }

    /// The opacity alone; none where there is none.
    pub fn into_alpha(self) -> Option<Vec<u8>> {
        match self.kind {
            Kind::GreyAlpha => Some(split_alpha::<1, 2>(&self.data).1),
            Kind::Rgba => Some(split_alpha::<3, 4>(&self.data).1),
            Kind::Grey | Kind::Rgb | Kind::Cmyk => None,
        }
    }

    /// Opaque sRGB bytes: the profile first, then the matte, which is sRGB, under what is transparent.
    pub fn into_srgb(self, conversion: Option<&Conversion>, matte: [u8; 3]) -> Vec<u8> {
        let (colour, alpha) = match self.kind {
            Kind::GreyAlpha => split_alpha::<1, 2>(&self.data),
            Kind::Rgba => split_alpha::<3, 4>(&self.data),
            Kind::Grey | Kind::Rgb | Kind::Cmyk => (self.data, Vec::new()),
        };
        let converted = conversion.and_then(|conversion| match self.kind {
            Kind::Grey | Kind::GreyAlpha => conversion.grey_to_srgb(&colour),
            Kind::Rgb | Kind::Rgba => conversion.rgb_to_srgb(&colour),
            Kind::Cmyk => conversion.cmyk_to_srgb(&colour),
        });
        let mut rgb = converted.unwrap_or_else(|| match self.kind {
            Kind::Grey | Kind::GreyAlpha => colour.iter().flat_map(|&v| [v; 3]).collect(),
            Kind::Rgb | Kind::Rgba => colour,
            Kind::Cmyk => colour
                .as_chunks()
                .0
                .iter()
                .copied()
                .flat_map(mix_inks)
                .collect(),
        });
        for (pixel, &alpha) in rgb.chunks_exact_mut(3).zip(&alpha) {
            for (sample, matte) in pixel.iter_mut().zip(matte) {
                *sample = over(*sample, matte, alpha);
            }
        }
        rgb
    }
}

fn split_alpha<const COLOURS: usize, const CHANNELS: usize>(data: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let pixels = data.as_chunks::<CHANNELS>().0;
    let colour = pixels
        .iter()
        .flat_map(|pixel| pixel[..COLOURS].iter().copied())
        .collect();
    (colour, pixels.iter().map(|pixel| pixel[COLOURS]).collect())
}

/// `colour` of this opacity over `matte`, rounded as Pillow's `paste` rounds.
fn over(colour: u8, matte: u8, alpha: u8) -> u8 {
    let alpha = u32::from(alpha);
    div_255(u32::from(colour) * alpha + u32::from(matte) * (255 - alpha))
}

/// The colour of four inks without a profile, as Pillow mixes it: `(255 − k) · (255 − ink) / 255`.
fn mix_inks([c, m, y, k]: [u8; 4]) -> [u8; 3] {
    let light = 255 - k;
    [c, m, y].map(|ink| light.saturating_sub(div_255(u32::from(ink) * u32::from(light))))
}

/// Rounded division by 255 of a product of two bytes.
fn div_255(product: u32) -> u8 {
    let shifted = product + 128;
    ((shifted + (shifted >> 8)) >> 8) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn division_by_255_rounds_to_the_nearest() {
        for product in 0..=255 * 255 {
            assert_eq!(
                u32::from(div_255(product)),
                (2 * product + 255) / 510,
                "{product}"
            );
        }
    }

    #[test]
    fn full_opacity_hides_the_matte_and_none_shows_it() {
        let samples = Samples {
            kind: Kind::Rgba,
            data: vec![10, 20, 30, 255, 10, 20, 30, 0],
        };
        assert_eq!(samples.into_srgb(None, [1, 2, 3]), [10, 20, 30, 1, 2, 3]);
    }

    #[test]
    fn no_ink_is_white_and_black_ink_is_black() {
        assert_eq!(mix_inks([0, 0, 0, 0]), [255; 3]);
        assert_eq!(mix_inks([0, 255, 255, 0]), [255, 0, 0]);
        assert_eq!(mix_inks([7, 8, 9, 255]), [0; 3]);
    }
}
