//! The loss on held-out pictures, at noise and timesteps that never change.
//!
//! Two models, or one model with two sets of captions, are compared on the same noise: differences are then those of
//! the models or captions, not of the draws.

use tch::{Tensor, no_grad};
use terminus_manifest::{
    ids::{SampleId, hash},
    index::IndexRow,
    run::{Cancel, Progress},
};

use crate::{
    Error,
    dataset::geometry,
    draws::SampleDraws,
    examples::{Example, ExampleOptions},
    latents::LatentCache,
    loader::Batch,
    model::Model,
    objective::Objective,
};

/// What to measure, and how.
#[derive(Clone, Copy, Debug)]
pub struct HeldOutOptions {
    /// Seed of the noise and of the choice of samples.
    pub seed: u64,
    /// At most this many samples.
    pub max_samples: usize,
    /// Timesteps of each sample, evenly spread over the schedule.
    pub timesteps: usize,
    /// Examples on the device at a time.
    pub batch_size: usize,
}

/// A picture and the caption that it is shown with.
#[derive(Clone, Debug)]
pub struct Shown<'a> {
    /// The sample.
    pub row: &'a IndexRow,
    /// The caption.
    pub caption: String,
}

/// The loss of one picture: means over its timesteps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PictureLoss {
    /// The picture.
    pub sample: SampleId,
    /// Weighted mean squared error.
    pub loss: f64,
    /// The same without weights.
    pub mse: f64,
}

/// The pictures to measure on, each with its own caption: a seeded choice of `rows` that keeps to itself while the
/// collection grows.
pub fn choose<'a>(rows: &'a [IndexRow], options: &HeldOutOptions) -> Vec<Shown<'a>> {
    let mut chosen: Vec<&IndexRow> = rows.iter().collect();
    let seed = options.seed.to_string();
    chosen.sort_by_cached_key(|row| hash("held-out", &[&seed, &row.sample_id.to_string()]));
    chosen.truncate(options.max_samples);
    chosen
        .into_iter()
        .map(|row| {
            let draws = SampleDraws::fixed(options.seed, row.sample_id, 0);
            let caption = draws
                .caption(row.captions.iter().map(|caption| caption.weight))
                .map_or_else(String::new, |at| row.captions[at].text.clone());
            Shown { row, caption }
        })
        .collect()
}

/// What held-out losses are measured with.
#[derive(Clone, Copy, Debug)]
pub struct HeldOut<'a> {
    /// The model, with the weights that it has now.
    pub model: &'a Model,
    /// Noise, target and weights.
    pub objective: &'a Objective,
    /// How samples become examples.
    pub examples: ExampleOptions,
    /// Where the latents are.
    pub cache: &'a LatentCache,
    /// What to measure, and how.
    pub options: HeldOutOptions,
}

impl HeldOut<'_> {
    /// The loss of every picture of `shown`, in their order. Latents are the posterior's mode.
    ///
    /// # Errors
    /// A sample has no latents; out of memory; [`Error::Cancelled`].
    pub fn losses(
        &self,
        shown: &[Shown<'_>],
        progress: &dyn Progress,
        cancel: &Cancel,
    ) -> Result<Vec<PictureLoss>, Error> {
        let mut losses = Vec::with_capacity(shown.len());
        for picture in shown {
            if cancel.is_cancelled() {
                return Err(Error::Cancelled);
            }
            losses.push(self.picture_loss(picture)?);
            progress.advance(1);
        }
        Ok(losses)
    }

    fn picture_loss(&self, picture: &Shown<'_>) -> Result<PictureLoss, Error> {
        let drawn = self.fixed_examples(picture)?;
        let mut sums = (0.0, 0.0);
        // A batch is one picture at many timesteps: nothing depends on which pictures stand beside it.
        for chunk in drawn.chunks(self.options.batch_size.max(1)) {
            let (loss, mse) = self.batch_losses(chunk.to_vec())?;
            sums = (sums.0 + loss, sums.1 + mse);
        }
        let count = drawn.len().max(1) as f64;
        Ok(PictureLoss {
            sample: picture.row.sample_id,
            loss: sums.0 / count,
            mse: sums.1 / count,
        })
    }

    fn fixed_examples(&self, picture: &Shown<'_>) -> Result<Vec<Example>, Error> {
        let (examples, options) = (&self.examples, &self.options);
        let sample = picture.row.sample_id;
        let posterior = self
            .cache
            .read(sample)?
            .ok_or(Error::NoLatents { sample })?;
        let scale = examples.scaling_factor as f32;
        let latents: Vec<f32> = posterior.mean.iter().map(|value| value * scale).collect();
        Ok((0..options.timesteps)
            .map(|draw| {
                // The middle of each of so many equal parts of the schedule.
                let timestep = (2 * draw + 1) * examples.timesteps / (2 * options.timesteps);
                let draws = SampleDraws::fixed(options.seed, sample, draw as u32);
                Example {
                    shape: posterior.shape,
                    latents: latents.clone(),
                    noise: draws.noise(latents.len()),
                    timestep: timestep as i64,
                    time_ids: geometry(picture.row).time_ids(examples.crop_order),
                    caption: picture.caption.clone(),
                }
            })
            .collect())
    }

    /// Sums over a batch of the weighted and of the plain losses.
    fn batch_losses(&self, examples: Vec<Example>) -> Result<(f64, f64), Error> {
        let (model, objective) = (self.model, self.objective);
        let batch = Batch::new(examples, 0)?;
        let on_device = batch.to_device(model.device)?;
        no_grad(|| {
            let text = model.text.encode(&batch.captions)?;
            let noisy =
                objective.add_noise(&on_device.latents, &on_device.noise, &on_device.timesteps);
            let target =
                objective.target(&on_device.latents, &on_device.noise, &on_device.timesteps);
            let answer = model.predict(&noisy, &on_device.timesteps, &text, &on_device.time_ids);
            let losses = objective.losses(&answer, &target, &on_device.timesteps);
            let sum = |losses: &Tensor| -> Result<f64, Error> {
                Ok(losses.f_sum(tch::Kind::Double)?.f_double_value(&[])?)
            };
            Ok((sum(&losses.weighted)?, sum(&losses.mse)?))
        })
    }
}
