//! Pictures of prompts.

use tch::{Kind, Tensor, no_grad};
use terminus_manifest::run::{Cancel, Progress};
use terminus_pixels::RgbImage;

use crate::{
    Error,
    config::{PredictionType, SampleConfig},
    model::Model,
    networks::TextConditions,
    noise::NoiseKey,
    pictures,
    sampler::{Guidance, SamplerOptions, sample},
    schedule::NoiseSchedule,
    time_ids::{CropOrder, SampleGeometry},
};

/// What to draw.
#[derive(Clone, Debug)]
pub struct GalleryOptions {
    /// The prompts, each of which is drawn `images_per_prompt` times.
    pub prompts: Vec<String>,
    /// Width and height of the pictures.
    pub size: (u32, u32),
    /// What the network predicts.
    pub prediction_type: PredictionType,
    /// Seed of the first noise.
    pub seed: u64,
    /// Pictures on the device at a time.
    pub batch_size: usize,
}

/// The pictures, prompt by prompt.
///
/// The noise of picture `n` of a prompt depends on the seed, `n` and the size alone: two checkpoints, or two prompts,
/// are seen on the same noise.
///
/// # Errors
/// Out of memory; [`Error::Cancelled`]; a size that the networks cannot halve often enough.
pub fn draw(
    model: &Model,
    schedule: &NoiseSchedule,
    config: &SampleConfig,
    options: &GalleryOptions,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<Vec<RgbImage>, Error> {
    let (width, height) = options.size;
    let multiple = model.side_multiple();
    if width % multiple != 0 || height % multiple != 0 {
        return Err(Error::SideMultiple {
            width,
            height,
            multiple,
        });
    }
    let repeats = config.images_per_prompt.get();
    let wanted: Vec<(&str, u32)> = options
        .prompts
        .iter()
        .flat_map(|prompt| (0..repeats).map(move |n| (prompt.as_str(), n)))
        .collect();
    let mut images = Vec::with_capacity(wanted.len());
    progress.start("drawing pictures", Some(wanted.len() as u64), "images");
    for batch in wanted.chunks(options.batch_size.max(1)) {
        images.extend(draw_batch(model, schedule, config, options, batch, cancel)?);
        progress.advance(batch.len() as u64);
    }
    progress.finish();
    Ok(images)
}

fn draw_batch(
    model: &Model,
    schedule: &NoiseSchedule,
    config: &SampleConfig,
    options: &GalleryOptions,
    batch: &[(&str, u32)],
    cancel: &Cancel,
) -> Result<Vec<RgbImage>, Error> {
    let guidance = Guidance {
        scale: config.guidance_scale,
        rescale: config.guidance_rescale.get(),
    };
    let steps = config.steps.get() as usize;
    let sampler = SamplerOptions::trailing(config.solver, steps, options.prediction_type);
    no_grad(|| {
        let (width, height) = options.size;
        let asker = Asker {
            model,
            guidance,
            positive: model
                .text
                .encode(&batch.iter().map(|(prompt, _)| *prompt).collect::<Vec<_>>())?,
            negative: model
                .text
                .encode(&vec![config.negative_prompt.as_str(); batch.len()])?,
            time_ids: time_ids(width, height, batch.len(), model)?,
        };
        let noise = first_noise(model, options, batch)?;
        let latents = sample(
            schedule,
            &sampler,
            &noise,
            cancel,
            |latents, timestep| asker.answer(latents, timestep),
            |step| fresh_noise(&noise, options, batch, step),
        )?;
        decode(model, &latents)
    })
}

/// Asks the network with and without the prompt.
struct Asker<'a> {
    model: &'a Model,
    guidance: Guidance,
    positive: TextConditions,
    negative: TextConditions,
    time_ids: Tensor, // [B, 6]
}

impl Asker<'_> {
    /// The guided answer, `[B, C, h, w]` f32.
    fn answer(&self, latents: &Tensor, timestep: usize) -> Result<Tensor, Error> {
        let batch = latents.size()[0];
        let timesteps = Tensor::f_full([batch], timestep as i64, (Kind::Int64, self.model.device))?;
        let ask = |text| {
            self.model
                .predict(latents, &timesteps, text, &self.time_ids)
        };
        let positive = ask(&self.positive);
        Ok(if self.guidance.needs_negative() {
            self.guidance.apply(&positive, &ask(&self.negative))
        } else {
            positive
        })
    }
}

/// `[B, 6]` f32: whole pictures of that size.
fn time_ids(width: u32, height: u32, batch: usize, model: &Model) -> Result<Tensor, Error> {
    // Nothing is cropped, so that the order of the crop's coordinates does not matter.
    let ids = SampleGeometry::uncropped(width, height).time_ids(CropOrder::TopLeft);
    Ok(Tensor::f_from_slice(&ids.repeat(batch))?
        .f_view([batch as i64, 6])?
        .f_to_device(model.device)?)
}

fn first_noise(
    model: &Model,
    options: &GalleryOptions,
    batch: &[(&str, u32)],
) -> Result<Tensor, Error> {
    let down = model.vae_config.downsampling();
    let channels = model.vae_config.latent_channels;
    let (width, height) = (options.size.0 / down, options.size.1 / down);
    let count = channels as usize * width as usize * height as usize;
    let seed = options.seed.to_string();
    let values: Vec<f32> = batch
        .iter()
        .flat_map(|(_, n)| NoiseKey::new("picture", &[&seed, &n.to_string()]).normal(count))
        .collect();
    let shape = [
        batch.len() as i64,
        channels,
        i64::from(height),
        i64::from(width),
    ];
    Ok(Tensor::f_from_slice(&values)?
        .f_view(shape)?
        .f_to_device(model.device)?)
}

/// The noise that an ancestral solver adds in a step, of the shape of the first.
fn fresh_noise(
    first: &Tensor,
    options: &GalleryOptions,
    batch: &[(&str, u32)],
    step: usize,
) -> Result<Tensor, Error> {
    let count = first.numel() / batch.len().max(1);
    let (seed, step) = (options.seed.to_string(), step.to_string());
    let values: Vec<f32> = batch
        .iter()
        .flat_map(|(_, n)| {
            NoiseKey::new("picture step", &[&seed, &n.to_string(), &step]).normal(count)
        })
        .collect();
    Ok(Tensor::f_from_slice(&values)?
        .f_view_as(first)?
        .f_to_device(first.device())?)
}

/// One picture at a time: the decoder needs the most memory of all.
fn decode(model: &Model, latents: &Tensor) -> Result<Vec<RgbImage>, Error> {
    let latents = latents / model.vae_config.scaling_factor; // [B, C, h, w]
    let mut images = Vec::new();
    for latent in latents.split(1, 0) {
        images.extend(pictures::to_images(&model.vae.decode(&latent))?); // [1, 3, H, W]
    }
    Ok(images)
}
