//! Pictures as a model takes them: one size, one range of numbers. No libtorch here, so that threads can do it.

use terminus_pixels::{PillowFilter, RgbImage};

/// What a model wants a picture to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ImageInput {
    pub side_px: u32,
    pub filter: PillowFilter,
    pub fit: Fit,
    /// Blue first.
    pub is_bgr: bool,
    pub mean: [f32; 3],
    pub std: [f32; 3],
}

/// How a picture of another aspect becomes a square.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// Squashed.
    Squash,
    /// Laid on white first.
    Pad,
    /// Its shorter side fits, and the middle is kept.
    Crop,
}

/// The mean and deviation of CLIP's pictures.
pub(crate) const CLIP_MEAN: [f32; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
pub(crate) const CLIP_STD: [f32; 3] = [0.268_629_54, 0.261_302_6, 0.275_777_1];

impl ImageInput {
    /// As `preprocessor_config.json` says; without one, as SigLIP's pictures are.
    #[cfg(feature = "torch")]
    pub(crate) fn from_folder(
        folder: &std::path::Path,
        side_px: u32,
    ) -> Result<Self, crate::Error> {
        let mut input = Self {
            side_px,
            filter: PillowFilter::Bicubic,
            fit: Fit::Squash,
            is_bgr: false,
            mean: [0.5; 3],
            std: [0.5; 3],
        };
        let Some(config) = super::config::Config::read_beside(folder, "preprocessor_config.json")?
        else {
            return Ok(input);
        };
        // The numbers are PIL's.
        input.filter = match config.value("resample").and_then(serde_json::Value::as_i64) {
            Some(1) => PillowFilter::Lanczos,
            None | Some(3) => PillowFilter::Bicubic,
            Some(_) => return Err(config.fault("resample", "1 (Lanczos) or 3 (bicubic)")),
        };
        if config.value("do_center_crop") == Some(&true.into()) {
            input.fit = Fit::Crop;
        }
        let three = |key: &str| -> Option<[f32; 3]> {
            serde_json::from_value(config.value(key)?.clone()).ok()
        };
        input.mean = three("image_mean").unwrap_or(input.mean);
        input.std = three("image_std").unwrap_or(input.std);
        Ok(input)
    }

    /// `[3, side, side]` f32, flat.
    pub(crate) fn prepare(&self, image: &RgbImage) -> Vec<f32> {
        let side = self.side_px;
        let small = match self.fit {
            Fit::Squash => image.resized_as_pillow(side, side, self.filter),
            Fit::Pad => image
                .padded_to_square([255; 3])
                .resized_as_pillow(side, side, self.filter),
            Fit::Crop => {
                let shorter = u64::from(image.width_px.min(image.height_px).max(1));
                let scaled = |px: u32| (u64::from(side) * u64::from(px) / shorter) as u32;
                let (width, height) = (scaled(image.width_px), scaled(image.height_px));
                let whole = image.resized_as_pillow(width, height, self.filter);
                let (top, left) = ((height - side) / 2, (width - side) / 2);
                whole.crop(top, left, side, side).unwrap_or(whole)
            }
        };
        let area = small.data.len() / 3;
        let mut out = vec![0.0; area * 3];
        for (channel, plane) in out.chunks_exact_mut(area.max(1)).enumerate() {
            let from = if self.is_bgr { 2 - channel } else { channel };
            // Every byte's number once: the same as computing it for each pixel.
            let table: Vec<f32> = (0..=255_u8)
                .map(|byte| (f32::from(byte) / 255.0 - self.mean[channel]) / self.std[channel])
                .collect();
            for (value, pixel) in plane.iter_mut().zip(small.data.chunks_exact(3)) {
                *value = table[usize::from(pixel[from])];
            }
        }
        out
    }
}
