//! What a training run will do: settings with every path and number resolved.

use std::path::PathBuf;

use crate::{
    Error,
    base::BaseSource,
    config::{SampleConfig, TrainConfig},
    dataset::DataSource,
    examples::ExampleOptions,
    held_out::HeldOutOptions,
    model::Model,
    objective::ObjectiveOptions,
    optimizer::AdamWOptions,
    schedule::{Betas, NoiseSchedule},
    time_ids::CropOrder,
};

/// A training run, checked and resolved.
#[derive(Clone, Debug)]
pub struct TrainPlan {
    /// The run's folder: `runs/<name>`.
    pub run_folder: PathBuf,
    /// Folder of the latent caches of all VAEs; runs share it.
    pub latents_folder: PathBuf,
    /// Where samples come from.
    pub data: DataSource,
    /// The model to start from.
    pub base: BaseSource,
    /// `[train]`.
    pub config: TrainConfig,
    /// `[sample]`.
    pub sample: SampleConfig,
    /// Seed of everything that is drawn while training.
    pub seed: u64,
    /// Seed of the noise that pictures are drawn from.
    pub sample_seed: u64,
    /// Width and height of the pictures that are drawn at the end.
    pub sample_size: (u32, u32),
    /// Where to go on from.
    pub resume: Resume,
}

/// Where a run goes on from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Resume {
    /// Its newest checkpoint; without one it begins.
    #[default]
    Latest,
    /// This checkpoint of it.
    From(PathBuf),
}

/// What a plan is made of besides `[train]` and `[sample]`.
#[derive(Clone, Debug)]
pub struct RunSettings {
    /// The run's folder.
    pub run_folder: PathBuf,
    /// Folder of the latent caches.
    pub latents_folder: PathBuf,
    /// Where samples come from.
    pub data: DataSource,
    /// The recipe's seed.
    pub seed: u64,
    /// `bucket.target_px`: side of the pictures that are drawn, unless `[sample]` says otherwise.
    pub target_px: u32,
    /// Where to go on from.
    pub resume: Resume,
}

impl TrainPlan {
    /// The plan of these settings.
    ///
    /// # Errors
    /// Settings that contradict each other, or that ask for what this program does not do.
    pub fn new(
        settings: RunSettings,
        config: TrainConfig,
        sample: SampleConfig,
    ) -> Result<Self, Error> {
        let base = config.base.clone().ok_or(Error::NoBase)?;
        if config.devices.get() > 1 {
            return Err(Error::ManyDevices {
                devices: config.devices.get(),
            });
        }
        let seed = config.seed.unwrap_or(settings.seed);
        let side = settings.target_px;
        let plan = Self {
            run_folder: settings.run_folder,
            latents_folder: settings.latents_folder,
            data: settings.data,
            base: BaseSource {
                folder: base,
                vae: config.vae.clone(),
                init: config.init,
                seed,
            },
            seed,
            sample_seed: sample.seed.unwrap_or(settings.seed),
            sample_size: sample.size.map_or((side, side), |size| {
                (size.width_px.get(), size.height_px.get())
            }),
            resume: settings.resume,
            config,
            sample,
        };
        plan.objective().check(plan.config.zero_terminal_snr)?;
        Ok(plan)
    }

    /// The noise schedule.
    pub fn schedule(&self) -> NoiseSchedule {
        NoiseSchedule::scaled_linear(Betas::default(), self.config.zero_terminal_snr)
    }

    /// The objective.
    pub fn objective(&self) -> ObjectiveOptions {
        ObjectiveOptions {
            prediction_type: self.config.prediction_type,
            snr_gamma: self.config.min_snr_gamma(),
            snr_weight_floor: self.config.snr_weight_floor.get(),
        }
    }

    /// The optimizer.
    pub fn optimizer(&self) -> AdamWOptions {
        let optimizer = &self.config.optimizer;
        AdamWOptions {
            beta1: optimizer.beta1.get(),
            beta2: optimizer.beta2.get(),
            epsilon: optimizer.epsilon,
            weight_decay: optimizer.weight_decay,
            max_grad_norm: Some(optimizer.max_grad_norm),
        }
    }

    /// How samples become examples for `model`.
    pub fn examples(&self, model: &Model) -> ExampleOptions {
        ExampleOptions {
            timesteps: self.schedule().timesteps(),
            scaling_factor: model.vae_config.scaling_factor,
            latents: self.config.latents,
            caption_dropout: self.config.caption_dropout.get(),
            dropout_zeroes_time_ids: self.config.dropout_zeroes_time_ids,
            crop_order: if self.config.swap_crop_coordinates {
                CropOrder::LeftTop
            } else {
                CropOrder::TopLeft
            },
        }
    }

    /// How the held-out loss is measured.
    pub fn held_out(&self) -> HeldOutOptions {
        HeldOutOptions {
            seed: self.seed,
            max_samples: self.config.validation.max_samples.get() as usize,
            timesteps: self.config.validation.timesteps.get() as usize,
            batch_size: self.config.batch_size.get() as usize,
        }
    }

    /// Folder of the model that the run starts from.
    pub fn base_folder(&self) -> PathBuf {
        self.run_folder.join("base")
    }

    /// Folder of the run's checkpoints.
    pub fn checkpoints_folder(&self) -> PathBuf {
        self.run_folder.join("checkpoints")
    }

    /// The run's record of what it did.
    pub fn metrics_path(&self) -> PathBuf {
        self.run_folder.join("metrics.jsonl")
    }
}
