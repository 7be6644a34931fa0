//! One training example as plain numbers, made on any thread.

use terminus_manifest::index::IndexRow;

use crate::{
    Error, config::LatentsFrom, dataset::geometry, draws::SampleDraws, latents::LatentCache,
    time_ids::CropOrder,
};

/// How samples become examples.
#[derive(Clone, Copy, Debug)]
pub struct ExampleOptions {
    /// Timesteps of the schedule.
    pub timesteps: usize,
    /// What the VAE's latents are multiplied by.
    pub scaling_factor: f64,
    /// What a picture's latents are.
    pub latents: LatentsFrom,
    /// How often a caption is swapped for the empty one.
    pub caption_dropout: f64,
    /// Whether that also sets the time ids to 0.
    pub dropout_zeroes_time_ids: bool,
    /// In which order the crop's coordinates stand.
    pub crop_order: CropOrder,
}

/// One use of a sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// Channels, height, width of latents and noise.
    pub shape: [usize; 3],
    /// Scaled latents, `[C, h, w]`.
    pub latents: Vec<f32>,
    /// Standard normal noise, `[C, h, w]`.
    pub noise: Vec<f32>,
    /// Timestep that the noise belongs to.
    pub timestep: i64,
    /// See [`crate::time_ids`].
    pub time_ids: [f32; 6],
    /// The caption; empty if it was dropped.
    pub caption: String,
}

impl ExampleOptions {
    /// The example of `row` that `draws` make.
    ///
    /// # Errors
    /// The sample has no latents in the cache, or they cannot be read.
    pub fn example(
        &self,
        row: &IndexRow,
        draws: &SampleDraws,
        cache: &LatentCache,
    ) -> Result<Example, Error> {
        let is_dropped = draws.drops_caption(self.caption_dropout);
        let caption = draws
            .caption(row.captions.iter().map(|caption| caption.weight))
            .filter(|_| !is_dropped)
            .map_or_else(String::new, |at| row.captions[at].text.clone());
        let time_ids = if is_dropped && self.dropout_zeroes_time_ids {
            [0.0; 6]
        } else {
            geometry(row).time_ids(self.crop_order)
        };
        let (shape, latents) = self.latents(row, draws, cache)?;
        Ok(Example {
            shape,
            noise: draws.noise(latents.len()),
            latents,
            timestep: draws.timestep(self.timesteps) as i64,
            time_ids,
            caption,
        })
    }

    /// Shape and values of the scaled latents of `row`.
    fn latents(
        &self,
        row: &IndexRow,
        draws: &SampleDraws,
        cache: &LatentCache,
    ) -> Result<([usize; 3], Vec<f32>), Error> {
        let missing = || Error::NoLatents {
            sample: row.sample_id,
        };
        let posterior = cache.read(row.sample_id)?.ok_or_else(missing)?;
        let mut latents = posterior.mean;
        if self.latents == LatentsFrom::Sample {
            let logvar = posterior.logvar.ok_or_else(missing)?;
            let noise = draws.posterior_noise(latents.len());
            for ((value, logvar), noise) in latents.iter_mut().zip(logvar).zip(noise) {
                *value += (0.5 * logvar).exp() * noise;
            }
        }
        let scale = self.scaling_factor as f32;
        for value in &mut latents {
            *value *= scale;
        }
        Ok((posterior.shape, latents))
    }
}
