//! A model on disk as diffusers' pipelines load it.

use std::path::Path;

use fs_err as fs;
use serde_json::{Value, json};
use tch::{Kind, Tensor};
use terminus_nn::{Metadata, save_safetensors};

use crate::{
    Error,
    config::{PredictionType, TrainConfig},
    files,
    schedule::Betas,
};

/// File name of a diffusers network's weights.
const WEIGHTS: &str = "diffusion_pytorch_model.safetensors";

/// What a sampler must know of how a model was trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SchedulerSettings {
    /// The noise schedule before rescaling.
    pub betas: Betas,
    /// What the network predicts.
    pub prediction_type: PredictionType,
    /// Whether the schedule ends in pure noise.
    pub zero_terminal_snr: bool,
}

impl SchedulerSettings {
    /// Those of a training run.
    pub fn of(config: &TrainConfig) -> Self {
        Self {
            betas: Betas::default(),
            prediction_type: config.prediction_type,
            zero_terminal_snr: config.zero_terminal_snr,
        }
    }

    /// `scheduler_config.json`: the sampler that walks as [`crate::sampler`] does.
    ///
    /// A model trained with zero terminal SNR gives grey pictures under any other spacing or without the rescaling.
    pub fn to_json(&self) -> Value {
        let prediction_type = match self.prediction_type {
            PredictionType::Epsilon => "epsilon",
            PredictionType::VPrediction => "v_prediction",
        };
        json!({
            "_class_name": "DDIMScheduler",
            "_diffusers_version": DIFFUSERS_VERSION,
            "num_train_timesteps": self.betas.timesteps,
            "beta_start": self.betas.start,
            "beta_end": self.betas.end,
            "beta_schedule": "scaled_linear",
            "trained_betas": null,
            "prediction_type": prediction_type,
            "rescale_betas_zero_snr": self.zero_terminal_snr,
            "timestep_spacing": "trailing",
            "set_alpha_to_one": true,
            "steps_offset": 0,
            "clip_sample": false,
            "thresholding": false,
        })
    }
}

/// The version whose layout the files follow.
const DIFFUSERS_VERSION: &str = "0.30.0";

/// Writes `model_index.json` and `scheduler/` into `folder`.
///
/// # Errors
/// A file cannot be written.
pub fn write_documents(folder: &Path, scheduler: &SchedulerSettings) -> Result<(), Error> {
    let scheduler_folder = folder.join("scheduler");
    fs::create_dir_all(&scheduler_folder)?;
    files::write_json(
        &scheduler_folder.join("scheduler_config.json"),
        &scheduler.to_json(),
    )?;
    // A dropped caption is the empty one, encoded: an empty negative prompt must be encoded too.
    write_index(folder, "DDIMScheduler", false)
}

/// Writes `model_index.json` into `folder`, which names the classes of a pipeline's parts.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn write_index(
    folder: &Path,
    scheduler: &str,
    has_zeros_for_no_prompt: bool,
) -> Result<(), Error> {
    let index = json!({
        "_class_name": "StableDiffusionXLPipeline",
        "_diffusers_version": DIFFUSERS_VERSION,
        "force_zeros_for_empty_prompt": has_zeros_for_no_prompt,
        "scheduler": ["diffusers", scheduler],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "tokenizer_2": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
        "feature_extractor": [null, null],
        "image_encoder": [null, null],
    });
    files::write_json(&folder.join("model_index.json"), &index)
}

/// Writes `config.json` and the weights of a UNet or a VAE, f32, into `folder`.
///
/// # Errors
/// A file cannot be written.
pub fn write_network(
    folder: &Path,
    config: &Value,
    weights: &[(&str, &Tensor)],
) -> Result<(), Error> {
    fs::create_dir_all(folder)?;
    files::write_json(&folder.join("config.json"), config)?;
    let weights = weights.iter().copied();
    save_safetensors(
        &folder.join(WEIGHTS),
        weights,
        Some(Kind::Float),
        &Metadata::new(),
    )?;
    Ok(())
}
