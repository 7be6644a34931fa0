//! The settings of training, sampling and export: `[train]`, `[sample]` and `[model]` of a recipe.
//!
//! This module compiles without libtorch, so that every binary reads every recipe.

mod learning_rate;
mod model;
mod optimizer;
mod probability;
mod sample;

use std::{
    num::{NonZeroU32, NonZeroU64},
    path::PathBuf,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use learning_rate::{LrConfig, LrSchedule};
pub use model::ModelConfig;
pub use optimizer::{EmaConfig, OptimizerConfig, OptimizerKind};
pub use probability::{Probability, ProbabilityError};
pub use sample::{SampleConfig, SampleSize, Solver};

/// What is trained, on what, towards what, and for how long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a setting of its own, and all their combinations make sense"
)]
pub struct TrainConfig {
    /// The model that training starts from, in diffusers' layout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<PathBuf>,
    /// Whether the weights of `base` are loaded, or drawn from the seed by its config files alone.
    pub init: Init,
    /// A VAE to use in place of the base's: its weights are always loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vae: Option<PathBuf>,
    /// Where tensors live.
    pub device: Device,
    /// How many devices train together.
    pub devices: NonZeroU32,
    /// The type of matrix products; weights, loss and averages are f32.
    pub precision: Precision,
    /// Seed of weights, noise, timesteps and dropout; the recipe's unless it is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    pub seed: Option<u64>,

    /// What the network predicts.
    pub prediction_type: PredictionType,
    /// Whether the noise schedule ends in pure noise (Lin et al. 2023, arXiv:2305.08891).
    pub zero_terminal_snr: bool,
    /// How the loss of each timestep is weighted.
    pub loss_weight: LossWeight,
    /// γ of Min-SNR: signal-to-noise ratios count up to this.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub snr_gamma: f64,
    /// The least loss weight of a timestep; above 0 the terminal step learns too.
    pub snr_weight_floor: Probability,

    /// How often all samples are seen.
    pub epochs: NonZeroU32,
    /// Training ends after this many updates, even within an epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_steps: Option<NonZeroU64>,
    /// Whether an epoch takes up the newest generation; otherwise the run stays with the one that it began with.
    pub follow: bool,
    /// Samples on one device at a time.
    pub batch_size: NonZeroU32,
    /// Batches whose gradients are added up before an update.
    pub accumulation: NonZeroU32,
    /// The learning rate over the run.
    pub lr: LrConfig,
    /// Updates over which the learning rate rises from 0.
    pub warm_up_steps: u64,

    /// How often a caption is swapped for the empty one, so that guidance works.
    pub caption_dropout: Probability,
    /// Whether a dropped caption also sets its `time_ids` to zero.
    pub dropout_zeroes_time_ids: bool,
    /// Writes the crop's left before its top, as an early trainer of this model family did.
    pub swap_crop_coordinates: bool,
    /// What a picture's latents are.
    pub latents: LatentsFrom,

    /// How gradients become updates.
    pub optimizer: OptimizerConfig,
    /// A running average of the weights; without it there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ema: Option<EmaConfig>,
    /// When and on what the validation loss is measured.
    pub validation: ValidationConfig,
    /// When the state is saved.
    pub checkpoint: CheckpointConfig,
    /// Updates between two lines of `metrics.jsonl`.
    pub log_every_steps: NonZeroU64,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            base: None,
            init: Init::Pretrained,
            vae: None,
            device: Device::Auto,
            devices: NonZeroU32::MIN,
            precision: Precision::Bf16,
            seed: None,
            prediction_type: PredictionType::VPrediction,
            zero_terminal_snr: true,
            loss_weight: LossWeight::MinSnr,
            snr_gamma: 5.0,
            snr_weight_floor: Probability::ZERO,
            epochs: NonZeroU32::MIN,
            max_steps: None,
            follow: false,
            batch_size: NonZeroU32::MIN,
            accumulation: NonZeroU32::MIN,
            lr: LrConfig::default(),
            warm_up_steps: 0,
            caption_dropout: Probability::CAPTION_DROPOUT,
            dropout_zeroes_time_ids: false,
            swap_crop_coordinates: false,
            latents: LatentsFrom::Sample,
            optimizer: OptimizerConfig::default(),
            ema: None,
            validation: ValidationConfig::default(),
            checkpoint: CheckpointConfig::default(),
            log_every_steps: const { NonZeroU64::new(10).unwrap() },
        }
    }
}

impl TrainConfig {
    /// γ of Min-SNR, or none where every timestep weighs the same.
    pub fn min_snr_gamma(&self) -> Option<f64> {
        match self.loss_weight {
            LossWeight::MinSnr => Some(self.snr_gamma),
            LossWeight::Uniform => None,
        }
    }
}

/// Where the first weights come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Init {
    /// The base's weight files.
    #[default]
    Pretrained,
    /// The seed; the base gives the sizes alone.
    Random,
}

/// Where tensors live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Device {
    /// A CUDA device if there is one, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// CUDA devices, and an error without one.
    Cuda,
}

/// The type of matrix products.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 32-bit floats.
    F32,
    /// bfloat16 products over f32 master weights.
    #[default]
    Bf16,
}

/// What the network predicts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PredictionType {
    /// The noise.
    Epsilon,
    /// The velocity `√ᾱ·ε − √(1−ᾱ)·x0` (Salimans & Ho 2022, arXiv:2202.00512).
    #[default]
    VPrediction,
}

/// How the loss of each timestep is weighted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LossWeight {
    /// Min-SNR (Hang et al. 2023, arXiv:2303.09556).
    #[default]
    MinSnr,
    /// All alike.
    Uniform,
}

/// What a picture's latents are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LatentsFrom {
    /// A draw from the VAE's posterior.
    #[default]
    Sample,
    /// The posterior's mode.
    Mode,
}

/// When and on what the validation loss is measured: always the same noise at the same timesteps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ValidationConfig {
    /// How often.
    pub every: Interval,
    /// At most this many held-out samples.
    pub max_samples: NonZeroU32,
    /// How many timesteps of each, evenly spread over the schedule.
    pub timesteps: NonZeroU32,
}

impl Default for ValidationConfig {
    fn default() -> Self {
        Self {
            every: Interval::Epochs(NonZeroU32::MIN),
            max_samples: const { NonZeroU32::new(256).unwrap() },
            timesteps: const { NonZeroU32::new(8).unwrap() },
        }
    }
}

/// When the state is saved; the last state always is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CheckpointConfig {
    /// How often.
    pub every: Interval,
    /// How many of the newest stay.
    pub keep: NonZeroU32,
}

impl Default for CheckpointConfig {
    fn default() -> Self {
        Self {
            every: Interval::Epochs(NonZeroU32::MIN),
            keep: const { NonZeroU32::new(3).unwrap() },
        }
    }
}

/// A distance between two events of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Interval {
    /// So many epochs.
    Epochs(NonZeroU32),
    /// So many updates.
    Steps(NonZeroU64),
}
