//! A training run from its start, or its last checkpoint, to its end.

mod finish;
mod start;
mod trainer;

use std::{path::PathBuf, sync::mpsc::Receiver, thread};

use serde::Serialize;
use terminus_manifest::{
    Lock,
    generation::plan_samples,
    plan::{EpochPlan, plan as plan_epoch},
    run::{Cancel, Progress},
};
use terminus_nn::guard;

use crate::{
    Error,
    checkpoint::TrainerState,
    config::Interval,
    dataset::{Dataset, manifest_sha256},
    latents::{self, LatentCache, encode_missing},
    loader::{self, Batch},
    metrics::{self, Record, Stopped},
    pictures::PictureStatistics,
    plan::TrainPlan,
};
use finish::{already_done, finish, first_and_last_validation};
use start::{Run, Saved};
pub(crate) use start::{open_cache, recorded_manifest};
use trainer::Trainer;

/// What a run came to.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Whether all is done; otherwise somebody asked to stop, and the same command goes on.
    pub finished: bool,
    /// Updates done in all.
    pub step: u64,
    /// Updates done by this process.
    pub updates: u64,
    /// The newest checkpoint, a diffusers folder.
    pub checkpoint: Option<PathBuf>,
    /// The grid of pictures that was drawn at the end.
    pub samples: Option<PathBuf>,
    /// Held-out loss before the first and after the last update.
    pub validation: Option<(f64, f64)>,
    /// What tells the pictures of the grid from noise.
    pub pictures: Vec<PictureStatistics>,
}

/// Trains as `plan` says, from the newest checkpoint if there is one.
///
/// Draws depend on the seed and on what they are for alone, and the order of samples on the generation: on the CPU a
/// run that was stopped and resumed gives the bits of a run that was not.
///
/// # Errors
/// Settings, data or models that do not fit; a full disk; out of memory; a loss that is no number. Whatever was saved
/// stays.
pub fn train(plan: &TrainPlan, progress: &dyn Progress, cancel: &Cancel) -> Result<Outcome, Error> {
    guard(|| whole_run(plan, progress, cancel))
        .map_err(|error| error.with_way_to_need_less(NEEDS_LESS))
}

/// Settings of training that need less memory.
const NEEDS_LESS: &str = "half of `train.batch_size` with twice of `train.accumulation` makes the same updates; \
                          `train.precision = \"bf16\"` halves activations; `train.ema` costs a copy of the weights";

fn whole_run(plan: &TrainPlan, progress: &dyn Progress, cancel: &Cancel) -> Result<Outcome, Error> {
    let _lock = Lock::take(&plan.run_folder.join("lock"))?;
    let saved = Saved::find(plan)?;
    if let Some(saved) = &saved
        && let Some(outcome) = already_done(plan, saved)?
    {
        return Ok(outcome);
    }
    let Run {
        mut trainer,
        mut dataset,
        mut cache,
    } = Run::open(plan, saved.as_ref(), progress)?;
    let first_step = trainer.state.step;

    let drawn = match run(&mut trainer, &mut dataset, &mut cache, progress, cancel) {
        Ok(()) => finish(&mut trainer, &dataset, progress, cancel)?,
        Err(Error::Cancelled) => {
            if trainer.state.step > 0 {
                trainer.log_updates()?;
                trainer.save()?;
            }
            None
        }
        Err(error) => return Err(error),
    };
    let finished = drawn.is_some();
    trainer.log.metrics.push(&Record::Stopped(Stopped {
        time: metrics::now(),
        step: trainer.state.step,
        finished,
    }))?;
    let (samples, pictures) = drawn.unzip();
    Ok(Outcome {
        finished,
        step: trainer.state.step,
        updates: trainer.state.step - first_step,
        checkpoint: trainer.checkpoint_path(),
        samples,
        validation: first_and_last_validation(plan)?,
        pictures: pictures.unwrap_or_default(),
    })
}

/// Every epoch that is left.
fn run(
    trainer: &mut Trainer<'_>,
    dataset: &mut Dataset,
    cache: &mut LatentCache,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<(), Error> {
    while !trainer.is_finished() {
        let is_boundary = trainer.state.position == 0;
        if is_boundary && trainer.plan.config.follow {
            take_up_newest(trainer.plan, dataset, progress)?;
        }
        prepare_latents(trainer, dataset, cache, progress, cancel)?;
        if trainer.state.step == 0 {
            trainer.validate(dataset, cache, cancel)?;
        }
        let epoch = plan_of(trainer.plan, dataset, trainer.state.epoch)?;
        begin_epoch(trainer, dataset, &epoch)?;
        train_epoch(trainer, dataset, &epoch, cache, progress, cancel)?;
    }
    Ok(())
}

/// The updates of one epoch that are left.
fn train_epoch(
    trainer: &mut Trainer<'_>,
    dataset: &Dataset,
    epoch: &EpochPlan,
    cache: &LatentCache,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<(), Error> {
    let number = trainer.state.epoch;
    let done = trainer.state.position;
    let config = &trainer.plan.config;
    let left = trainer.state.updates_in_epoch - done;
    let left = config
        .max_steps
        .map_or(left, |max| left.min(max.get() - trainer.state.step));
    let step = format!("training, epoch {} of {}", number + 1, config.epochs);
    progress.start(&step, Some(left), "updates");
    let options = trainer.plan.examples(&trainer.model);
    let result = thread::scope(|scope| {
        let epoch = loader::Epoch {
            rows: dataset.train(),
            plan: epoch,
            batch_size: config.batch_size.get() as usize,
            seed: trainer.plan.seed,
            done: done as usize,
        };
        let batches = loader::spawn(scope, epoch, options, cache);
        // The receiver must end with the loop, whatever ends it: the loader waits for it.
        updates(trainer, dataset, cache, &batches, number, progress, cancel)
    });
    progress.finish();
    result
}

/// Updates until the epoch or the run ends.
fn updates(
    trainer: &mut Trainer<'_>,
    dataset: &Dataset,
    cache: &LatentCache,
    batches: &Receiver<Result<Batch, Error>>,
    epoch: u64,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<(), Error> {
    while trainer.state.epoch == epoch && !trainer.is_finished() {
        if cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        trainer.update(batches)?;
        progress.advance(1);
        let is_last = trainer.is_finished();
        let config = &trainer.plan.config;
        let logs = trainer
            .state
            .step
            .is_multiple_of(config.log_every_steps.get());
        if logs || is_last || trainer.state.step == 1 {
            trainer.log_updates()?;
        }
        let validates = is_due(config.validation.every, &trainer.state) || is_last;
        let saves = is_due(config.checkpoint.every, &trainer.state) || is_last;
        // The checkpoint comes last: what a killed run did after it is done again.
        if validates {
            trainer.validate(dataset, cache, cancel)?;
        }
        if saves {
            trainer.save()?;
        }
    }
    Ok(())
}

fn is_due(interval: Interval, state: &TrainerState) -> bool {
    match interval {
        Interval::Steps(steps) => state.step.is_multiple_of(steps.get()),
        Interval::Epochs(epochs) => {
            state.position == 0 && state.epoch.is_multiple_of(u64::from(epochs.get()))
        }
    }
}

/// Opens the newest generation if it is not the one that is open.
fn take_up_newest(
    plan: &TrainPlan,
    dataset: &mut Dataset,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let manifest = plan.data.manifest()?;
    if manifest_sha256(&manifest)? != dataset.sha256() {
        *dataset = Dataset::open(&manifest)?;
        progress.note(&format!("took up generation {}", dataset.generation()));
    }
    Ok(())
}

/// Makes the latents that are missing, and leaves out samples that cannot have any.
fn prepare_latents(
    trainer: &Trainer<'_>,
    dataset: &mut Dataset,
    cache: &mut LatentCache,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<(), Error> {
    let model = &trainer.model;
    let failed = encode_missing(dataset, cache, &model.vae, model.device, progress, cancel)?;
    if failed.is_empty() {
        return Ok(());
    }
    for unencoded in &failed {
        progress.note(&format!(
            "left out sample {}: {}",
            unencoded.sample, unencoded.error
        ));
    }
    dataset.leave_out(&latents::ids(&failed))
}

fn plan_of(plan: &TrainPlan, dataset: &Dataset, epoch: u64) -> Result<EpochPlan, Error> {
    let mut settings = dataset.plan_settings();
    settings.device_batch = plan.config.batch_size;
    settings.accumulation = plan.config.accumulation;
    Ok(plan_epoch(
        &plan_samples(dataset.train()),
        &settings,
        epoch,
    )?)
}

/// Brings the state to the epoch that begins or goes on.
fn begin_epoch(
    trainer: &mut Trainer<'_>,
    dataset: &Dataset,
    epoch: &EpochPlan,
) -> Result<(), Error> {
    let updates = epoch.steps() as u64;
    let state = &mut trainer.state;
    if state.position > 0 && state.updates_in_epoch != updates {
        // Another batch size: the same share of the epoch is done.
        state.position =
            (state.position * updates / state.updates_in_epoch.max(1)).min(updates - 1);
    }
    state.updates_in_epoch = updates;
    state.generation = dataset.generation();
    dataset.manifest().clone_into(&mut state.manifest);
    dataset.sha256().clone_into(&mut state.manifest_sha256);
    if state.position > 0 {
        return Ok(());
    }
    let record = metrics::Epoch {
        step: state.step,
        epoch: state.epoch,
        generation: dataset.generation(),
        manifest_sha256: dataset.sha256().to_owned(),
        updates,
        samples: dataset.train().len() as u64,
        skipped: dataset.skipped() as u64,
        mix: epoch.mix().clone(),
    };
    trainer.log.metrics.push(&Record::Epoch(record))
}
