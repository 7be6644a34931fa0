//! The state of a run in memory, and what is done with it: updates, validation, checkpoints.

use std::{
    path::PathBuf,
    sync::mpsc::Receiver,
    time::{Duration, Instant},
};

use serde_json::Value;
use tch::{Device, Kind, Tensor, no_grad};
use terminus_manifest::run::{Cancel, Silent};

use crate::{
    Error,
    checkpoint::{Checkpoints, Parts, TrainerState},
    dataset::Dataset,
    ema::Ema,
    export::SchedulerSettings,
    held_out::{self, HeldOut, Shown},
    latents::LatentCache,
    loader::Batch,
    lr::{RunPosition, learning_rate},
    metrics::{MetricsLog, Record, Step, Validation, Written},
    model::Model,
    objective::Objective,
    optimizer::AdamW,
    plan::TrainPlan,
    tensorboard::EventFile,
};

/// Everything that an update changes, and what it needs for that.
#[derive(Debug)]
pub(crate) struct Trainer<'a> {
    pub plan: &'a TrainPlan,
    pub model: Model,
    pub objective: Objective,
    pub optimizer: AdamW,
    pub ema: Option<Ema>,
    pub state: TrainerState,
    pub checkpoints: Checkpoints,
    pub log: Log,
    pub window: Window,
    /// Step of the newest checkpoint.
    pub saved: Option<u64>,
}

/// Where a run's numbers go.
#[derive(Debug)]
pub(crate) struct Log {
    pub metrics: MetricsLog,
    pub events: EventFile,
}

/// What happened since the last line of the log. Sums stay on the device until the line is written.
#[derive(Debug)]
pub(crate) struct Window {
    loss: Tensor,
    mse: Tensor,
    grad_norm: Tensor,
    lr: f64,
    samples: u64,
    anchors: u64,
    waited: Duration,
    /// Time for validation and checkpoints, which are not training.
    paused: Duration,
    since: Instant,
}

impl Window {
    pub fn new(device: Device) -> Self {
        let zero = || Tensor::zeros([], (Kind::Float, device));
        Self {
            loss: zero(),
            mse: zero(),
            grad_norm: zero(),
            lr: 0.0,
            samples: 0,
            anchors: 0,
            waited: Duration::ZERO,
            paused: Duration::ZERO,
            since: Instant::now(),
        }
    }
}

impl Trainer<'_> {
    /// One update of the weights from the next batches.
    pub fn update(&mut self, batches: &Receiver<Result<Batch, Error>>) -> Result<(), Error> {
        let rounds = self.plan.config.accumulation.get();
        for _ in 0..rounds {
            let asked = Instant::now();
            let batch = batches.recv().map_err(|_| Error::LoaderEnded)??;
            self.window.waited += asked.elapsed();
            self.accumulate(&batch, f64::from(rounds))?;
        }
        self.window.grad_norm = self.optimizer.clip_gradients()?;
        self.window.lr = self.learning_rate();
        self.optimizer.step(self.window.lr)?;
        if let Some(ema) = &mut self.ema {
            ema.update(&self.optimizer.parameters())?;
        }
        self.state.step += 1;
        self.state.position += 1;
        if self.state.position >= self.state.updates_in_epoch {
            self.state.epoch += 1;
            self.state.position = 0;
        }
        Ok(())
    }

    /// Adds the gradients of one batch, one of `rounds` that make an update.
    fn accumulate(&mut self, batch: &Batch, rounds: f64) -> Result<(), Error> {
        let (model, objective) = (&self.model, &self.objective);
        let on_device = batch.to_device(model.device)?;
        let (latents, noise) = (&on_device.latents, &on_device.noise);
        let timesteps = &on_device.timesteps;
        let text = no_grad(|| model.text.encode(&batch.captions))?;
        let noisy = objective.add_noise(latents, noise, timesteps); // [B, C, h, w]
        let target = objective.target(latents, noise, timesteps);
        let answer = model.predict(&noisy, timesteps, &text, &on_device.time_ids);
        let losses = objective.losses(&answer, &target, timesteps); // [B] each
        (losses.weighted.mean(Kind::Float) / rounds).f_backward()?;

        let window = &mut self.window;
        window.loss = &window.loss + losses.weighted.detach().sum(Kind::Float);
        window.mse = &window.mse + losses.mse.detach().sum(Kind::Float);
        window.samples += batch.captions.len() as u64;
        window.anchors += batch.anchors;
        self.state.samples += batch.captions.len() as u64;
        Ok(())
    }

    fn learning_rate(&self) -> f64 {
        let position = RunPosition {
            step: self.state.step,
            progress: self.progress(),
        };
        let config = &self.plan.config;
        learning_rate(&config.lr, config.warm_up_steps, position)
    }

    /// The share of all epochs that is done.
    fn progress(&self) -> f64 {
        self.epochs_done() / f64::from(self.plan.config.epochs.get())
    }

    /// Epochs done, with the fraction of the one that is under way.
    fn epochs_done(&self) -> f64 {
        let fraction = self.state.position as f64 / self.state.updates_in_epoch.max(1) as f64;
        self.state.epoch as f64 + fraction
    }

    /// Whether all that the settings ask for is done.
    pub fn is_finished(&self) -> bool {
        is_finished(self.plan, &self.state)
    }

    /// Writes a line about the updates since the last one, if there were any.
    pub fn log_updates(&mut self) -> Result<(), Error> {
        if self.window.samples == 0 {
            return Ok(());
        }
        self.require_finite()?;
        let device = self.model.device;
        let window = std::mem::replace(&mut self.window, Window::new(device));
        let count = window.samples.max(1) as f64;
        let trained = window.since.elapsed().saturating_sub(window.paused);
        let seconds = trained.as_secs_f64().max(1e-9);
        let step = self.state.step;
        let record = Step {
            step,
            // The last update of an epoch belongs to it.
            epoch: if self.state.position == 0 {
                self.state.epoch.saturating_sub(1)
            } else {
                self.state.epoch
            },
            progress: self.epochs_done(),
            loss: window.loss.f_double_value(&[])? / count,
            mse: window.mse.f_double_value(&[])? / count,
            lr: window.lr,
            grad_norm: window.grad_norm.f_double_value(&[])?,
            samples_per_s: window.samples as f64 / seconds,
            data_wait: window.waited.as_secs_f64() / seconds,
            generation: self.state.generation,
            samples: self.state.samples,
            anchors: window.anchors,
        };
        let events = &mut self.log.events;
        events.scalar(step, "train/loss", record.loss)?;
        events.scalar(step, "train/mse", record.mse)?;
        events.scalar(step, "train/lr", record.lr)?;
        events.scalar(step, "train/grad_norm", record.grad_norm)?;
        events.scalar(step, "train/samples_per_s", record.samples_per_s)?;
        self.log.metrics.push(&Record::Step(record))
    }

    /// Refuses to go on, and above all to save, once the loss is infinite or no number.
    fn require_finite(&self) -> Result<(), Error> {
        let loss = (&self.window.loss + &self.window.grad_norm).f_double_value(&[])?;
        if loss.is_finite() {
            return Ok(());
        }
        Err(Error::LossNotFinite {
            step: self.state.step,
            loss,
            saved: self.saved,
        })
    }

    /// Measures the held-out loss with the weights and, if there are any, with the averaged ones.
    pub fn validate(
        &mut self,
        dataset: &Dataset,
        cache: &LatentCache,
        cancel: &Cancel,
    ) -> Result<(), Error> {
        let began = Instant::now();
        self.require_finite()?;
        let options = self.plan.held_out();
        let shown = held_out::choose(dataset.held_out(), &options);
        if shown.is_empty() {
            return Ok(());
        }
        self.validate_weights(&shown, cache, cancel, false)?;
        if self.ema.is_some() {
            self.swap_ema()?;
            let measured = self.validate_weights(&shown, cache, cancel, true);
            self.swap_ema()?;
            measured?;
        }
        self.window.paused += began.elapsed();
        Ok(())
    }

    fn validate_weights(
        &mut self,
        shown: &[Shown<'_>],
        cache: &LatentCache,
        cancel: &Cancel,
        ema: bool,
    ) -> Result<(), Error> {
        let held_out = HeldOut {
            model: &self.model,
            objective: &self.objective,
            examples: self.plan.examples(&self.model),
            cache,
            options: self.plan.held_out(),
        };
        let losses = held_out.losses(shown, &Silent, cancel)?;
        let count = losses.len() as f64;
        let record = Validation {
            step: self.state.step,
            loss: losses.iter().map(|picture| picture.loss).sum::<f64>() / count,
            mse: losses.iter().map(|picture| picture.mse).sum::<f64>() / count,
            samples: losses.len() as u64,
            ema,
        };
        let tag = if ema {
            "validation/loss_ema"
        } else {
            "validation/loss"
        };
        self.log.events.scalar(record.step, tag, record.loss)?;
        self.log.metrics.push(&Record::Validation(record))
    }

    /// Exchanges the weights for the averaged ones, or back. Nothing without averages.
    pub fn swap_ema(&mut self) -> Result<(), Error> {
        let weights = self.optimizer.parameters();
        self.ema.as_mut().map_or(Ok(()), |ema| ema.swap(&weights))
    }

    /// Writes a checkpoint of this step, unless there is one.
    pub fn save(&mut self) -> Result<(), Error> {
        if self.saved == Some(self.state.step) {
            return Ok(());
        }
        let began = Instant::now();
        self.require_finite()?;
        self.state.finished = self.is_finished();
        self.state.ema_updates = self.ema.as_ref().map(Ema::updates);
        let parts = Parts {
            base: &self.plan.base_folder(),
            unet_config: &self.model.unet_config,
            weights: &self.model.unet_weights,
            ema: self.ema.as_ref(),
            optimizer: &self.optimizer,
            scheduler: SchedulerSettings::of(&self.plan.config),
        };
        let keep = self.plan.config.checkpoint.keep.get() as usize;
        let path = self.checkpoints.write(&parts, &self.state, keep)?;
        self.saved = Some(self.state.step);
        self.window.paused += began.elapsed();
        self.log.metrics.push(&Record::Checkpoint(Written {
            step: self.state.step,
            path: self.relative(&path),
        }))
    }

    /// `path` as records hold it.
    pub fn relative(&self, path: &std::path::Path) -> String {
        let inside = path.strip_prefix(&self.plan.run_folder);
        inside.unwrap_or(path).to_string_lossy().into_owned()
    }

    /// Where the checkpoint of this step lies.
    pub fn checkpoint_path(&self) -> Option<PathBuf> {
        let step = self.saved?;
        Some(self.plan.checkpoints_folder().join(format!("{step:06}")))
    }
}

/// Whether a run that stands at `state` has done all that the settings ask for.
pub(crate) fn is_finished(plan: &TrainPlan, state: &TrainerState) -> bool {
    let config = &plan.config;
    let is_last_step = config.max_steps.is_some_and(|max| state.step >= max.get());
    is_last_step || state.epoch >= u64::from(config.epochs.get())
}

/// The settings as checkpoints record them.
pub(crate) fn config_document(plan: &TrainPlan) -> Value {
    serde_json::to_value(&plan.config).unwrap_or_default()
}
