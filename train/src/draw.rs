//! Pictures from a model on disk: from text, from a picture, or into a part of one.
//!
//! ```text
//! prompts ── text encoders ─┐ (then dropped)
//! picture ── VAE ── latents ─┴─ walk with the UNet ── latents ── larger latents, a second walk ── VAE ── paste
//! ```
//!
//! Each network is loaded when its turn comes and dropped after it. What a walk begins with depends on the seed of its
//! picture alone, not on the batch that it stands in.

mod conditions;
mod decode;
pub mod files;
mod frame;
mod infotext;
mod mask;
mod memory;
mod pass;
mod suspicion;

use tch::{Device, Kind, Tensor, no_grad};
use terminus_manifest::run::{Cancel, Progress};
use terminus_nn::guard;
use terminus_pixels::RgbImage;

use crate::{
    Error, config::Solver, networks::AutoencoderKl, noise::NoiseKey, pictures, prompt::Prompt,
    sampler::Guidance, sampling::SamplingSettings, source::ModelSource, time_ids::SampleGeometry,
};

use conditions::Conditions;
use frame::Frame;
use pass::{Inpaint, Pass, Pictures};

pub use decode::TILE_PX;
pub use frame::fitting;
pub use infotext::Infotext;
pub use mask::Mask;
pub use memory::{Demand, Gib, MemoryPlan};

/// What to draw, with every number effective.
#[derive(Debug)]
pub struct DrawRequest {
    /// A prompt for each picture.
    pub prompts: Vec<Prompt>,
    /// A seed for each picture.
    pub seeds: Vec<u64>,
    /// What guidance moves away from; `None` is not the empty prompt for every model: see
    /// [`ModelSource::has_zeros_for_no_prompt`].
    pub negative: Option<Prompt>,
    /// Width and height of the pictures; of the part that is drawn, when it goes into a picture.
    pub size: (u32, u32),
    /// What the networks are told of the picture's origin; the size as a whole picture unless it is set.
    pub geometry: Option<SampleGeometry>,
    /// How the model is sampled.
    pub sampling: SamplingSettings,
    /// Which solver.
    pub solver: Solver,
    /// How many steps a whole walk has.
    pub steps: usize,
    /// How strongly the prompt is followed.
    pub guidance: Guidance,
    /// What the walk begins with.
    pub start: Start,
    /// The first noise, `[pictures, C, h, w]`, in the place of that of the seeds.
    pub noise: Option<Tensor>,
    /// A second walk over larger latents.
    pub upscale: Option<Upscale>,
    /// Pictures that go through the UNet at once.
    pub batch_size: usize,
    /// Whether large pictures are decoded tile by tile.
    pub tiled: bool,
    /// Whether the pictures are wanted, or their latents alone.
    pub decodes: bool,
}

/// What a walk begins with.
#[derive(Debug)]
pub enum Start {
    /// Noise.
    Noise,
    /// A picture, of which `strength` in 0..=1 is drawn anew.
    Picture {
        /// The picture, of any size.
        picture: RgbImage,
        /// The share of the walk that is taken.
        strength: f64,
    },
    /// A picture of which a part is drawn anew.
    Inpaint {
        /// The picture.
        picture: RgbImage,
        /// What is drawn anew; as large as the picture.
        mask: Mask,
        /// The share of the walk that is taken.
        strength: f64,
        /// With `Some(padding)`, only the mask's surroundings are drawn, at the full size, and put back.
        only_masked_padding: Option<u32>,
    },
}

/// A second walk over enlarged latents.
#[derive(Clone, Copy, Debug)]
pub struct Upscale {
    /// How much larger both sides become.
    pub factor: f64,
    /// The share of the walk that is taken again.
    pub strength: f64,
}

/// Where and in what the networks compute.
#[derive(Clone, Copy, Debug)]
pub struct Compute {
    /// The device.
    pub device: Device,
    /// The kind of UNet and text encoders; the VAE computes in f32.
    pub kind: Kind,
}

/// What UNet and text encoders compute in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// 32 bits.
    F32,
    /// 16 bits, with the range of 32.
    Bf16,
    /// 16 bits.
    F16,
}

impl Arithmetic {
    /// libtorch's word for it.
    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::F32 => Kind::Float,
            Self::Bf16 => Kind::BFloat16,
            Self::F16 => Kind::Half,
        }
    }
}

impl Compute {
    /// On the device of this name (`auto`, `cpu`, `cuda`, `cuda:1`); f32 on the CPU and bf16 elsewhere unless it is set.
    ///
    /// # Errors
    /// An unknown device, or one that is not there.
    pub fn open(device: &str, arithmetic: Option<Arithmetic>) -> Result<Self, Error> {
        let device = match device {
            "auto" => terminus_nn::device::open("cuda").unwrap_or(Device::Cpu),
            name => terminus_nn::device::open(name)?,
        };
        let usual = if device == Device::Cpu {
            Arithmetic::F32
        } else {
            Arithmetic::Bf16
        };
        let kind = arithmetic.unwrap_or(usual).kind();
        Ok(Self { device, kind })
    }

    /// Bytes that the device could give now, if they can be known.
    pub fn free_bytes(&self) -> Option<u64> {
        terminus_nn::device::free_bytes(self.device)
    }
}

/// What was drawn.
#[derive(Debug)]
pub struct Drawn {
    /// The pictures, in the order of the seeds; empty unless they were wanted.
    pub images: Vec<RgbImage>,
    /// Their latents, `[pictures, C, h, w]` f32 on the CPU, of the scale that the UNet works in.
    pub latents: Tensor,
    /// What was odd about the model's first answer, if anything.
    pub suspicion: Option<String>,
}

/// Draws the pictures.
///
/// # Errors
/// A size that the VAE cannot halve often enough; a mask of another size, or an empty one; noise of another shape; a model
/// that is made for inpainting without a mask; out of memory; [`Error::Cancelled`].
pub fn draw(
    source: &ModelSource,
    request: &DrawRequest,
    compute: Compute,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<Drawn, Error> {
    check(source, request)?;
    guard(|| no_grad(|| draw_checked(source, request, compute, progress, cancel)))
        .map_err(|error| error.with_way_to_need_less(NEEDS_LESS))
}

/// Arguments of drawing that need less memory.
const NEEDS_LESS: &str = "`--batch-size 1`, `--precision bf16` and `--vae-tiling` need less; so does a smaller picture, \
                          enlarged by `--upscale`";

fn draw_checked(
    source: &ModelSource,
    request: &DrawRequest,
    compute: Compute,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<Drawn, Error> {
    let frame = Frame::new(request, source);
    let conditions = Conditions::encode(source, request, compute)?;
    let pictures = encode(source, request, &frame, compute)?;
    let (latents, suspicion) = walk(
        source,
        request,
        &conditions,
        &pictures,
        compute,
        (progress, cancel),
    )?;
    let images = if request.decodes {
        let vae = source.load_vae(compute.device, Kind::Float)?;
        decode_all(source, request, &frame, &vae, &latents)?
    } else {
        Vec::new()
    };
    Ok(Drawn {
        images,
        latents: latents.f_to_device(Device::Cpu)?,
        suspicion,
    })
}

/// Faults that are plain before anything is loaded.
fn check(source: &ModelSource, request: &DrawRequest) -> Result<(), Error> {
    let (width, height) = request.size;
    let multiple = source.side_multiple();
    if width == 0 || height == 0 || width % multiple != 0 || height % multiple != 0 {
        return Err(Error::DrawnSize {
            width,
            height,
            multiple,
        });
    }
    let latents = source.configs.vae.latent_channels;
    let channels = source.configs.unet.in_channels;
    let is_for_inpainting = channels == 2 * latents + 1;
    let has_mask = matches!(request.start, Start::Inpaint { .. });
    if channels != latents && !is_for_inpainting {
        return Err(Error::UnetChannels { channels, latents });
    }
    if is_for_inpainting && !has_mask {
        return Err(Error::NeedsMask { channels });
    }
    Ok(())
}

/// What the walk needs of the picture that it begins with.
fn encode(
    source: &ModelSource,
    request: &DrawRequest,
    frame: &Frame,
    compute: Compute,
) -> Result<Pictures, Error> {
    let (picture, mask, strength) = match &request.start {
        Start::Noise => return Ok(Pictures::none()),
        Start::Picture { picture, strength } => (picture, None, *strength),
        Start::Inpaint {
            picture,
            mask,
            strength,
            ..
        } => (picture, Some(mask), *strength),
    };
    let vae = source.load_vae(compute.device, Kind::Float)?;
    let scale = source.configs.vae.scaling_factor;
    let canvas = frame.lay_out(picture, compute.device)?; // [1, 3, H, W]
    let encode = |pixels: &Tensor| vae.encode(pixels).mode() * scale; // [1, C, h, w]
    let inpaint = match mask {
        None => None,
        Some(mask) => {
            let mask = frame.lay_out_mask(mask, compute.device)?; // [1, 1, H, W]
            let down = i64::from(source.configs.vae.downsampling());
            Some(Inpaint {
                // A latent is drawn anew if any of its pixels is.
                mask: mask.f_max_pool2d([down, down], [down, down], [0, 0], [1, 1], false)?,
                masked_latents: encode(&(&canvas * (1.0 - &mask))),
            })
        }
    };
    Ok(Pictures {
        latents: Some(encode(&canvas)),
        inpaint,
        strength,
    })
}

/// The finished latents of every picture, on the device, and what was odd about the first answer.
fn walk(
    source: &ModelSource,
    request: &DrawRequest,
    conditions: &Conditions,
    pictures: &Pictures,
    compute: Compute,
    (progress, cancel): (&dyn Progress, &Cancel),
) -> Result<(Tensor, Option<String>), Error> {
    let unet = source.load_unet(compute.device, compute.kind)?;
    let size = latent_size(source, request.size);
    let noise = first_noise(source, request, size)?;
    let pass = Pass {
        unet: &unet,
        request,
        conditions,
        compute,
        cancel,
    };
    let (count, batch_size) = (request.seeds.len(), request.batch_size.max(1));
    let walks = count.div_ceil(batch_size) * (1 + usize::from(request.upscale.is_some()));
    progress.start("drawing", Some((walks * request.steps) as u64), "steps");
    let mut finished = Vec::new();
    let mut suspicion = None;
    for start in (0..count).step_by(batch_size) {
        let batch = start..(start + batch_size).min(count);
        let noise = noise
            .f_narrow(0, start as i64, batch.len() as i64)?
            .f_to_device(compute.device)?;
        let mut walked = pass.walk(&batch, &noise, pictures, request.size, progress)?;
        if let Some(upscale) = request.upscale {
            walked.latents = enlarge(source, &pass, &batch, &walked.latents, upscale, progress)?;
        }
        suspicion = suspicion.or(walked.suspicion);
        finished.push(walked.latents);
    }
    progress.finish();
    Ok((Tensor::f_cat(&finished, 0)?, suspicion))
}

/// A second walk over `latents` made larger.
fn enlarge(
    source: &ModelSource,
    pass: &Pass<'_>,
    batch: &std::ops::Range<usize>,
    latents: &Tensor,
    upscale: Upscale,
    progress: &dyn Progress,
) -> Result<Tensor, Error> {
    let size = upscale.size(pass.request.size, source.side_multiple());
    let (width, height) = latent_size(source, size);
    let sides = [i64::from(height), i64::from(width)];
    let larger = latents.f_upsample_bicubic2d(sides, false, None, None)?;
    let noise = noise_of(
        &pass.request.seeds[batch.clone()],
        "picture upscale",
        &larger.size(),
    )?
    .f_to_device(pass.compute.device)?;
    let pictures = Pictures {
        latents: Some(larger),
        inpaint: None,
        strength: upscale.strength,
    };
    Ok(pass.walk(batch, &noise, &pictures, size, progress)?.latents)
}

impl Upscale {
    /// The size that a picture of `size` gets, a multiple of `multiple`.
    pub fn size(self, size: (u32, u32), multiple: u32) -> (u32, u32) {
        let side = |side: u32| {
            let wanted = f64::from(side) * self.factor / f64::from(multiple);
            (wanted.round() as u32).max(1) * multiple
        };
        (side(size.0), side(size.1))
    }
}

fn latent_size(source: &ModelSource, size: (u32, u32)) -> (u32, u32) {
    let down = source.configs.vae.downsampling();
    (size.0 / down, size.1 / down)
}

/// `[pictures, C, h, w]` f32 on the CPU: what was given, or what the seeds say.
fn first_noise(
    source: &ModelSource,
    request: &DrawRequest,
    (width, height): (u32, u32),
) -> Result<Tensor, Error> {
    let shape = [
        request.seeds.len() as i64,
        source.configs.vae.latent_channels,
        i64::from(height),
        i64::from(width),
    ];
    match &request.noise {
        None => noise_of(&request.seeds, "picture", &shape),
        Some(noise) if noise.size() == shape => Ok(noise.f_to_kind(Kind::Float)?),
        Some(noise) => Err(Error::NoiseShape {
            found: noise.size(),
            expected: shape.to_vec(),
        }),
    }
}

/// Standard normal numbers of `shape`, whose first side is as long as `seeds`.
fn noise_of(seeds: &[u64], purpose: &str, shape: &[i64]) -> Result<Tensor, Error> {
    let count: i64 = shape[1..].iter().product();
    let values: Vec<f32> = seeds
        .iter()
        .flat_map(|seed| NoiseKey::new(purpose, &[&seed.to_string(), "0"]).normal(count as usize))
        .collect();
    Ok(Tensor::f_from_slice(&values)?.f_view(shape)?)
}

/// One picture at a time: the decoder needs the most memory of all.
fn decode_all(
    source: &ModelSource,
    request: &DrawRequest,
    frame: &Frame,
    vae: &AutoencoderKl,
    latents: &Tensor,
) -> Result<Vec<RgbImage>, Error> {
    let scaled = latents / source.configs.vae.scaling_factor; // [B, C, h, w]
    let mut images = Vec::new();
    for latent in scaled.split(1, 0) {
        let pixels = decode::decode(vae, &latent, source.side_multiple(), request.tiled)?; // [1, 3, H, W]
        images.push(match &request.start {
            Start::Noise => only(pictures::to_images(&pixels)?)?,
            Start::Picture { .. } => {
                let pixels = if request.upscale.is_some() {
                    pixels
                } else {
                    frame.without_padding(&pixels)?
                };
                only(pictures::to_images(&pixels)?)?
            }
            Start::Inpaint { picture, mask, .. } => {
                let drawn = only(pictures::to_images(&frame.take_back(&pixels)?)?)?;
                mask.paste(&drawn, picture, frame.region())
            }
        });
    }
    Ok(images)
}

fn only(images: Vec<RgbImage>) -> Result<RgbImage, Error> {
    let mut images = images.into_iter();
    images.next().ok_or(Error::NothingDrawn)
}
