//! From arguments to a request with every number effective; all faults at once.

use std::fmt::Write as _;

use terminus_train::{
    config::{PredictionType, Solver},
    draw::{Arithmetic, DrawRequest, Infotext, Start, Upscale, files, fitting},
    prompt::Prompt,
    sampler::{Guidance, Spacing},
    source::ModelSource,
    time_ids::SampleGeometry,
};

use crate::cli::sample::{Precision, Prediction, SampleArgs, Scheduler};

/// Rescaling that a schedule with zero terminal SNR asks for (Lin et al. 2023, §3.4).
const ZERO_SNR_RESCALE: f64 = 0.7;
/// diffusers' default for pictures.
const PICTURE_STRENGTH: f64 = 0.3;

impl From<Precision> for Arithmetic {
    fn from(precision: Precision) -> Self {
        match precision {
            Precision::F32 => Self::F32,
            Precision::Bf16 => Self::Bf16,
            Precision::F16 => Self::F16,
        }
    }
}

impl From<Scheduler> for Solver {
    fn from(scheduler: Scheduler) -> Self {
        match scheduler {
            Scheduler::Ddim => Self::Ddim,
            Scheduler::Euler => Self::Euler,
            Scheduler::EulerAncestral => Self::EulerAncestral,
            Scheduler::DpmPlusPlus2m => Self::DpmPlusPlus2m,
            Scheduler::UniPc => Self::UniPc,
        }
    }
}

/// What the arguments ask of this model.
pub(super) fn request(args: &SampleArgs, source: &ModelSource) -> anyhow::Result<DrawRequest> {
    check_numbers(args)?;
    let mut sampling = source.sampling.clone();
    override_sampling(args, &mut sampling);
    let (start, size) = start(args, source)?;
    let prompt = |text: &String| {
        if args.what.literal_prompts {
            Prompt::literal(text)
        } else {
            Prompt::weighted(text)
        }
    };
    for text in args
        .what
        .prompt
        .iter()
        .filter(|text| text.trim().is_empty())
    {
        sampling.notes.push(format!(
            "the prompt `{text}` is empty: what is drawn is the model's own choice"
        ));
    }
    let each = args.what.num_images_per_prompt as usize;
    let prompts: Vec<Prompt> = args
        .what
        .prompt
        .iter()
        .flat_map(|text| std::iter::repeat_n(prompt(text), each))
        .collect();
    let seeds = (0..prompts.len() as u64)
        .map(|n| args.what.seed.wrapping_add(n))
        .collect();
    let rescale = if sampling.scheduler.zero_terminal_snr {
        ZERO_SNR_RESCALE
    } else {
        0.0
    };
    Ok(DrawRequest {
        seeds,
        negative: args.what.negative_prompt.as_ref().map(prompt),
        size,
        geometry: geometry(args, size),
        solver: args.walk.scheduler.map_or(sampling.solver, Into::into),
        steps: args.walk.num_inference_steps as usize,
        guidance: Guidance {
            scale: args.walk.guidance_scale,
            rescale: args.walk.guidance_rescale.unwrap_or(rescale),
        },
        start,
        noise: match &args.files.latents {
            Some(path) => Some(files::read_latents(path)?),
            None => None,
        },
        upscale: args.walk.upscale.map(|factor| Upscale {
            factor,
            strength: args.walk.upscale_strength,
        }),
        batch_size: args.machine.batch_size as usize,
        tiled: args.machine.vae_tiling,
        decodes: !args.files.no_decode,
        prompts,
        sampling,
    })
}

/// Numbers that the arguments' types do not hold in range.
fn check_numbers(args: &SampleArgs) -> anyhow::Result<()> {
    let share = |name: &str, value: Option<f64>| {
        let is_share = value.is_none_or(|value| (0.0..=1.0).contains(&value));
        (!is_share).then(|| {
            format!(
                "`{name}` is {}, which should be from 0 to 1",
                value.unwrap_or(0.0)
            )
        })
    };
    let (walk, picture) = (&args.walk, &args.picture);
    let scale = walk.guidance_scale;
    let factor = walk.upscale;
    let faults: Vec<String> = [
        share("--strength", picture.strength),
        share("--guidance-rescale", walk.guidance_rescale),
        share("--upscale-strength", Some(walk.upscale_strength)),
        (!(0.0..=1000.0).contains(&scale))
            .then(|| format!("`--guidance-scale` is {scale}, which should be from 0 to 1000")),
        (!factor.is_none_or(|factor| (1.0..=8.0).contains(&factor))).then(|| {
            format!(
                "`--upscale` is {}, which should be from 1 to 8",
                factor.unwrap_or(0.0)
            )
        }),
        (args.files.latents.is_some() && factor.is_some()).then(|| {
            "`--latents` is the noise of one walk, `--upscale` takes two: give one of them"
                .to_owned()
        }),
    ]
    .into_iter()
    .flatten()
    .collect();
    if faults.is_empty() {
        return Ok(());
    }
    let mut text = String::from("these arguments cannot be obeyed:");
    for fault in faults {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n  {fault}");
    }
    Err(anyhow::Error::msg(text))
}

/// What the arguments say of the model against what its files say, with a word of warning.
fn override_sampling(args: &SampleArgs, sampling: &mut terminus_train::sampling::SamplingSettings) {
    let kind = args
        .walk
        .prediction_type
        .map(|prediction| match prediction {
            Prediction::Epsilon => PredictionType::Epsilon,
            Prediction::VPrediction => PredictionType::VPrediction,
        });
    if let Some(kind) = kind.filter(|kind| *kind != sampling.scheduler.prediction_type) {
        sampling.notes.push(format!(
            "`--prediction-type` overrules the model: {}",
            sampling.evidence.text()
        ));
        sampling.scheduler.prediction_type = kind;
        if kind == PredictionType::Epsilon && sampling.scheduler.zero_terminal_snr {
            sampling.scheduler.zero_terminal_snr = false;
            sampling.notes.push(
                "predicted noise says nothing of a picture at zero SNR: the schedule is not rescaled"
                    .to_owned(),
            );
        }
    }
    let zero = args.walk.rescale_betas_zero_snr;
    if let Some(zero) = zero.filter(|zero| *zero != sampling.scheduler.zero_terminal_snr) {
        if zero && sampling.scheduler.prediction_type == PredictionType::Epsilon {
            sampling.notes.push(
                "predicted noise says nothing of a picture at zero SNR: `--rescale-betas-zero-snr` is left aside"
                    .to_owned(),
            );
            return;
        }
        sampling.notes.push(format!(
            "`--rescale-betas-zero-snr` overrules the model: {}",
            sampling.evidence.text()
        ));
        sampling.scheduler.zero_terminal_snr = zero;
        if zero {
            sampling.spacing = Spacing::Trailing;
            sampling.ends_clean = true;
        }
    }
}

/// What the walk begins with, and the size of the canvas.
fn start(args: &SampleArgs, source: &ModelSource) -> anyhow::Result<(Start, (u32, u32))> {
    let picture_args = &args.picture;
    let own = own_side(source);
    let wanted = |usual: (u32, u32)| {
        (
            args.what.width.unwrap_or(usual.0),
            args.what.height.unwrap_or(usual.1),
        )
    };
    let Some(path) = &picture_args.image else {
        return Ok((Start::Noise, wanted((own, own))));
    };
    let picture = files::Picture::read(path)?;
    let size = fitting(picture.size(), source.side_multiple());
    let mask = match &picture_args.mask_image {
        Some(path) => Some(picture.mask_from(path, picture_args.mask_blur)?),
        None if picture_args.padding_mask_crop.is_some() || is_for_inpainting(source) => {
            picture.mask_from_alpha(picture_args.mask_blur)?
        }
        // A picture whose alpha hides nothing has no mask.
        None => picture
            .mask_from_alpha(picture_args.mask_blur)
            .ok()
            .flatten(),
    };
    Ok(match mask {
        None => {
            anyhow::ensure!(
                picture_args.padding_mask_crop.is_none(),
                "`--padding-mask-crop` needs a mask, and `{}` has no alpha\nhint: `--mask-image FILE`",
                path.display()
            );
            let strength = picture_args.strength.unwrap_or(PICTURE_STRENGTH);
            let picture = picture.image;
            (Start::Picture { picture, strength }, wanted(size))
        }
        Some(mask) => {
            anyhow::ensure!(
                args.walk.upscale.is_none(),
                "`--upscale` cannot enlarge a part of a picture\nhint: leave it out, or draw the part with `--padding-mask-crop`"
            );
            let padding = picture_args.padding_mask_crop;
            let start = Start::Inpaint {
                picture: picture.image,
                mask,
                strength: picture_args.strength.unwrap_or(1.0),
                only_masked_padding: padding,
            };
            let usual = if padding.is_some() { (own, own) } else { size };
            (start, wanted(usual))
        }
    })
}

fn is_for_inpainting(source: &ModelSource) -> bool {
    source.configs.unet.in_channels > source.configs.vae.latent_channels
}

/// The side of the pictures that the model was made for.
fn own_side(source: &ModelSource) -> u32 {
    let latents = u32::try_from(source.configs.unet.sample_size).unwrap_or(128);
    latents.max(1) * source.configs.vae.downsampling()
}

/// What the networks are told of the picture's origin, if anything was said of it.
fn geometry(args: &SampleArgs, size: (u32, u32)) -> Option<SampleGeometry> {
    let walk = &args.walk;
    let said = [
        walk.original_size,
        walk.crops_coords_top_left,
        walk.target_size,
    ];
    said.iter().any(Option::is_some).then(|| {
        let (original_width, original_height) = walk.original_size.unwrap_or(size);
        let (crop_top, crop_left) = walk.crops_coords_top_left.unwrap_or((0, 0));
        let (target_width, target_height) = walk.target_size.unwrap_or(size);
        SampleGeometry {
            original_height,
            original_width,
            crop_top,
            crop_left,
            target_height,
            target_width,
        }
    })
}

/// The parameters of picture `index`.
pub(super) fn infotext(
    args: &SampleArgs,
    source: &ModelSource,
    request: &DrawRequest,
    index: usize,
    size: (u32, u32),
    model_hash: Option<&str>,
) -> Infotext {
    let each = args.what.num_images_per_prompt as usize;
    let strength = match &request.start {
        Start::Noise => None,
        Start::Picture { strength, .. } | Start::Inpaint { strength, .. } => Some(*strength),
    };
    let name = source.path.file_stem().unwrap_or_default();
    Infotext {
        prompt: args
            .what
            .prompt
            .get(index / each)
            .cloned()
            .unwrap_or_default(),
        negative_prompt: args.what.negative_prompt.clone(),
        steps: request.steps,
        solver: request.solver,
        guidance_scale: request.guidance.scale,
        guidance_rescale: request.guidance.rescale,
        seed: request.seeds.get(index).copied().unwrap_or(args.what.seed),
        size,
        model: name.to_string_lossy().into_owned(),
        model_hash: model_hash.map(str::to_owned),
        strength,
        mask_blur: matches!(request.start, Start::Inpaint { .. }).then_some(args.picture.mask_blur),
        upscale: request
            .upscale
            .map(|upscale| (upscale.factor, upscale.strength)),
    }
}
