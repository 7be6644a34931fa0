//! A training run from its start, or its last checkpoint, to its end.

use std::{path::PathBuf, sync::mpsc::Receiver, thread};

use serde::{Deserialize, Serialize};
use terminus_manifest::{
    Lock,
    generation::plan_samples,
    plan::{EpochPlan, plan as plan_epoch},
    run::{Cancel, Progress},
};
use terminus_pixels::{Effort, encode_png};

use crate::{
    Error,
    checkpoint::{self, Checkpoints, TrainerState},
    config::{Interval, LatentsFrom, Precision},
    dataset::{DataSource, Dataset, manifest_sha256},
    ema::Ema,
    export::SchedulerSettings,
    files,
    gallery::{self, GalleryOptions},
    held_out,
    latents::{self, LatentCache, encode_missing, vae_identity},
    loader::{self, Batch},
    metrics::{self, Change, MetricsLog, Record, Started, Stopped, Written, read_metrics},
    model::{Model, open_device},
    objective::Objective,
    optimizer::AdamW,
    pictures::{self, PictureStatistics},
    plan::{Resume, TrainPlan},
    tensorboard::EventFile,
    trainer::{Log, Trainer, Window, config_document, is_finished},
};

/// Prompts that are taken from the collection if the settings name none.
const PROMPTS: usize = 8;

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
    let _lock = Lock::take(&plan.run_folder.join("lock"))?;
    let checkpoints = Checkpoints::new(plan.checkpoints_folder());
    let from = match &plan.resume {
        Resume::Latest => checkpoints.latest()?,
        Resume::From(path) => Some(path.clone()),
    };
    let saved = from.as_deref().map(checkpoint::read_state).transpose()?;
    if let Some(state) = &saved
        && let Some(outcome) = already_done(plan, state, from.clone())?
    {
        return Ok(outcome);
    }
    let manifest = first_manifest(plan, saved.as_ref())?;
    let mut dataset = Dataset::open(&manifest)?;

    let device = open_device(plan.config.device)?;
    prepare_base(plan, from.is_some())?;
    let model = Model::open(&plan.base_folder(), device, plan.config.precision)?;
    check_sizes(&model, &dataset, plan.sample_size)?;
    let objective = Objective::new(&plan.schedule(), plan.objective(), device)?;
    model.unet_weights.set_trainable(true);
    let mut optimizer = AdamW::new(plan.optimizer(), model.unet_parameters())?;
    let mut ema = match &plan.config.ema {
        Some(config) => Some(Ema::new(config.decay.get(), &optimizer.parameters())?),
        None => None,
    };
    if let (Some(folder), Some(state)) = (&from, &saved) {
        checkpoint::restore(
            folder,
            state,
            &model.unet_weights,
            &mut optimizer,
            ema.as_mut(),
        )?;
    }
    let changed = saved
        .as_ref()
        .map_or_else(Vec::new, |state| changes(plan, state));
    for Change { key, from, to } in &changed {
        progress.note(&format!("`{key}` was {from} and is {to} from here on"));
    }

    let state = match saved {
        Some(state) => TrainerState {
            seed: plan.seed,
            config: config_document(plan),
            terminus_version: env!("CARGO_PKG_VERSION").to_owned(),
            ..state
        },
        None => fresh_state(plan, &dataset),
    };
    let first_step = state.step;
    let started = Record::Started(Started {
        time: metrics::now(),
        step: first_step,
        resumed_from: from.as_ref().map(|path| path.display().to_string()),
        changed,
        terminus_version: env!("CARGO_PKG_VERSION").to_owned(),
        device: format!("{device:?}").to_lowercase(),
        precision: match plan.config.precision {
            Precision::F32 => "f32".to_owned(),
            Precision::Bf16 => "bf16".to_owned(),
        },
        parameters: model.unet_weights.parameter_count(),
    });
    let mut log = Log {
        metrics: MetricsLog::open(&plan.metrics_path(), from.as_ref().map(|_| first_step))?,
        events: EventFile::create(&plan.run_folder.join("tensorboard"), first_step)?,
    };
    log.metrics.push(&started)?;
    let cache_folder = plan.latents_folder.join(vae_identity(&model.vae_weights)?);
    let keeps_logvar = plan.config.latents == LatentsFrom::Sample;
    let mut cache = LatentCache::open(&cache_folder, keeps_logvar)?;
    for path in cache.damaged() {
        progress.note(&format!(
            "`{}` is damaged; its latents are made anew",
            path.display()
        ));
    }
    let mut trainer = Trainer {
        plan,
        saved: from.is_some().then_some(first_step),
        model,
        objective,
        optimizer,
        ema,
        state,
        checkpoints,
        log,
        window: Window::new(device),
    };

    let done = run(&mut trainer, &mut dataset, &mut cache, progress, cancel);
    let finished = match done {
        Ok(()) => true,
        Err(Error::Cancelled) => {
            if trainer.state.step > 0 {
                trainer.log_updates()?;
                trainer.save()?;
            }
            false
        }
        Err(error) => return Err(error),
    };
    let drawn = if finished {
        finish(&mut trainer, &dataset, progress, cancel)?
    } else {
        None
    };
    let finished = finished && drawn.is_some();
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

/// The manifest that the run begins or goes on with.
///
/// Amid an epoch that is the checkpoint's, whatever was published since: the order of the samples that are left
/// depends on it.
fn first_manifest(plan: &TrainPlan, saved: Option<&TrainerState>) -> Result<PathBuf, Error> {
    let is_recorded = |state: &TrainerState| {
        manifest_sha256(&state.manifest).is_ok_and(|sha256| sha256 == state.manifest_sha256)
    };
    let Some(state) = saved else {
        return plan.data.manifest();
    };
    let is_amid = state.position > 0;
    let stays = matches!(plan.data, DataSource::Recipe { .. }) && !plan.config.follow;
    if (is_amid || stays) && is_recorded(state) {
        return Ok(state.manifest.clone());
    }
    let manifest = plan.data.manifest()?;
    let found = manifest_sha256(&manifest)?;
    if is_amid && found != state.manifest_sha256 {
        return Err(Error::OtherManifest {
            step: state.step,
            manifest,
            expected: state.manifest_sha256.clone(),
            found,
        });
    }
    Ok(manifest)
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

fn prepare_base(plan: &TrainPlan, has_checkpoint: bool) -> Result<(), Error> {
    let folder = plan.base_folder();
    if plan.base.made(&folder)? {
        return Ok(());
    }
    if has_checkpoint && folder.exists() {
        return Err(Error::OtherBase {
            run: plan.run_folder.clone(),
        });
    }
    plan.base
        .prepare(&folder, &SchedulerSettings::of(&plan.config))
}

/// Refuses sizes that the networks cannot work with: before hours of training, not after.
fn check_sizes(model: &Model, dataset: &Dataset, drawn: (u32, u32)) -> Result<(), Error> {
    let multiple = model.side_multiple();
    for (width, height) in dataset.sizes().into_iter().chain([drawn]) {
        if width % multiple != 0 || height % multiple != 0 {
            return Err(Error::SideMultiple {
                width,
                height,
                multiple,
            });
        }
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

fn fresh_state(plan: &TrainPlan, dataset: &Dataset) -> TrainerState {
    TrainerState {
        schema_version: checkpoint::SCHEMA_VERSION,
        step: 0,
        epoch: 0,
        position: 0,
        updates_in_epoch: 0,
        samples: 0,
        ema_updates: None,
        seed: plan.seed,
        generation: dataset.generation(),
        manifest: dataset.manifest().to_owned(),
        manifest_sha256: dataset.sha256().to_owned(),
        finished: false,
        config: config_document(plan),
        terminus_version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

fn changes(plan: &TrainPlan, state: &TrainerState) -> Vec<Change> {
    let mut changes = checkpoint::changes("train", &state.config, &config_document(plan));
    if state.seed != plan.seed {
        changes.push(Change {
            key: "seed".to_owned(),
            from: state.seed.to_string(),
            to: plan.seed.to_string(),
        });
    }
    changes
}

/// `samples/<step>.json`: what the grid of that name shows.
#[derive(Debug, Serialize, Deserialize)]
struct Drawing {
    prompts: Vec<String>,
    statistics: Vec<PictureStatistics>,
}

/// What a finished run came to, if nothing is left to do.
fn already_done(
    plan: &TrainPlan,
    state: &TrainerState,
    checkpoint: Option<PathBuf>,
) -> Result<Option<Outcome>, Error> {
    let samples = samples_path(plan, state.step);
    let record = samples.with_extension("json");
    if !(state.finished && is_finished(plan, state) && samples.exists() && record.exists()) {
        return Ok(None);
    }
    let drawing: Drawing = files::read_json(&record)?;
    Ok(Some(Outcome {
        finished: true,
        step: state.step,
        updates: 0,
        checkpoint,
        samples: Some(samples),
        validation: first_and_last_validation(plan)?,
        pictures: drawing.statistics,
    }))
}

fn samples_path(plan: &TrainPlan, step: u64) -> PathBuf {
    plan.run_folder
        .join("samples")
        .join(format!("{step:06}.png"))
}

type Drawn = (PathBuf, Vec<PictureStatistics>);

/// Draws the grid of the finished run; none if somebody asked to stop.
fn finish(
    trainer: &mut Trainer<'_>,
    dataset: &Dataset,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<Option<Drawn>, Error> {
    trainer.swap_ema()?;
    let images = draw(trainer, dataset, progress, cancel);
    trainer.swap_ema()?;
    let (prompts, images) = match images {
        Err(Error::Cancelled) => return Ok(None),
        other => other?,
    };
    let per_row = trainer.plan.sample.images_per_prompt.get() as usize;
    let columns = if per_row > 1 {
        per_row
    } else {
        images.len().isqrt().max(1)
    };
    let statistics = images.iter().map(PictureStatistics::of).collect();
    let step = trainer.state.step;
    let path = samples_path(trainer.plan, step);
    if let Some(grid) = pictures::grid(&images, columns) {
        let png = encode_png(&grid, Effort::Fast)?;
        terminus_manifest::atomic::write(&path, &png)?;
        let size = (grid.width_px, grid.height_px);
        trainer.log.events.picture(step, "samples", size, &png)?;
    }
    let record = Drawing {
        prompts,
        statistics,
    };
    files::write_json(&path.with_extension("json"), &record)?;
    let written = Written {
        step,
        path: trainer.relative(&path),
    };
    trainer.log.metrics.push(&Record::Samples(written))?;
    Ok(Some((path, record.statistics)))
}

fn draw(
    trainer: &Trainer<'_>,
    dataset: &Dataset,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<(Vec<String>, Vec<terminus_pixels::RgbImage>), Error> {
    let plan = trainer.plan;
    let mut prompts = plan.sample.prompts.clone();
    if prompts.is_empty() {
        prompts = captions(plan, dataset);
    }
    let options = GalleryOptions {
        prompts,
        size: plan.sample_size,
        prediction_type: plan.config.prediction_type,
        seed: plan.sample_seed,
        batch_size: plan.config.batch_size.get() as usize,
    };
    let schedule = plan.schedule();
    let images = gallery::draw(
        &trainer.model,
        &schedule,
        &plan.sample,
        &options,
        progress,
        cancel,
    )?;
    Ok((options.prompts, images))
}

/// Captions of held-out pictures, or of trained ones if none is held out.
fn captions(plan: &TrainPlan, dataset: &Dataset) -> Vec<String> {
    let mut options = plan.held_out();
    options.max_samples = PROMPTS;
    let held_out = dataset.held_out();
    let rows = if held_out.is_empty() {
        dataset.train()
    } else {
        held_out
    };
    let shown = held_out::choose(rows, &options);
    shown.into_iter().map(|picture| picture.caption).collect()
}

fn first_and_last_validation(plan: &TrainPlan) -> Result<Option<(f64, f64)>, Error> {
    let records = read_metrics(&plan.metrics_path())?;
    let mut losses = records.iter().filter_map(|record| match record {
        Record::Validation(validation) if !validation.ema => Some(validation.loss),
        _ => None,
    });
    let first = losses.next();
    Ok(first.map(|first| (first, losses.next_back().unwrap_or(first))))
}
