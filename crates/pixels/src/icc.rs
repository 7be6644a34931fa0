//! Embedded colour profiles.

use moxcms::{ColorProfile, DataColorSpace, Layout, RenderingIntent, TransformOptions};

use crate::header::{Icc, Model};

/// A profile that turns samples of one model into sRGB.
pub(crate) struct Conversion {
    profile: ColorProfile,
    srgb: ColorProfile,
}

/// What a profile asks for, when it stands in a picture of this model.
pub(crate) fn classify(profile: &[u8], model: Model) -> Icc {
    match Conversion::new(profile) {
        Some(conversion) if conversion.is_identity(model) => Icc::Srgb,
        _ => Icc::Foreign,
    }
}

impl Conversion {
    /// From the bytes of a profile; none if they are no profile that can be read.
    pub fn new(profile: &[u8]) -> Option<Self> {
        let profile = ColorProfile::new_from_slice(profile).ok()?;
        Some(Self {
            profile,
            srgb: ColorProfile::new_srgb(),
        })
    }

    /// Whether no colour of a coarse grid moves by more than one code.
    fn is_identity(&self, model: Model) -> bool {
        const STEP: usize = 17;
        if self.profile.color_space == DataColorSpace::Rgb {
            let steps = || (0..=255u8).step_by(STEP);
            let grid: Vec<u8> = steps()
                .flat_map(|r| steps().flat_map(move |g| steps().flat_map(move |b| [r, g, b])))
                .collect();
            return self
                .apply(&grid, Layout::Rgb, Layout::Rgb)
                .is_some_and(|out| is_close(&grid, &out));
        }
        if self.profile.color_space == DataColorSpace::Gray && model == Model::Grey {
            let ramp: Vec<u8> = (0..=255).collect();
            let grey: Vec<u8> = ramp.iter().flat_map(|&v| [v; 3]).collect();
            return self
                .apply(&ramp, Layout::Gray, Layout::Rgb)
                .is_some_and(|out| is_close(&grey, &out));
        }
        false
    }

    /// Grey, one byte a pixel, to sRGB, three; none if the profile does not fit.
    pub fn grey_to_srgb(&self, grey: &[u8]) -> Option<Vec<u8>> {
        if self.profile.color_space == DataColorSpace::Gray {
            return self.apply(grey, Layout::Gray, Layout::Rgb);
        }
        let rgb: Vec<u8> = grey.iter().flat_map(|&v| [v; 3]).collect();
        self.rgb_to_srgb(&rgb)
    }

    /// RGB to sRGB; none if the profile does not fit.
    pub fn rgb_to_srgb(&self, rgb: &[u8]) -> Option<Vec<u8>> {
        let fits = self.profile.color_space == DataColorSpace::Rgb;
        fits.then(|| self.apply(rgb, Layout::Rgb, Layout::Rgb))
            .flatten()
    }

    /// Ink amounts (0 none, 255 full), four bytes a pixel, to sRGB; none if the profile does not fit.
    pub fn cmyk_to_srgb(&self, cmyk: &[u8]) -> Option<Vec<u8>> {
        let fits = self.profile.color_space == DataColorSpace::Cmyk;
        fits.then(|| self.apply(cmyk, Layout::Rgba, Layout::Rgb))
            .flatten()
    }

    fn apply(&self, source: &[u8], from: Layout, to: Layout) -> Option<Vec<u8>> {
        let options = TransformOptions {
            // ImageCms's default, so that its pixels are ours within two codes.
            rendering_intent: RenderingIntent::Perceptual,
            prefer_fixed_point: false,
            ..TransformOptions::default()
        };
        let transform = self
            .profile
            .create_transform_8bit(from, &self.srgb, to, options)
            .ok()?;
        let mut out = vec![0; source.len() / from.channels() * to.channels()];
        transform.transform(source, &mut out).ok()?;
        Some(out)
    }
}

fn is_close(a: &[u8], b: &[u8]) -> bool {
    a.iter().zip(b).all(|(&a, &b)| a.abs_diff(b) <= 1)
}
