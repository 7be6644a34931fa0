//! The end of a run: pictures of its prompts, and what they say of it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use terminus_manifest::{
    atomic,
    run::{Cancel, Progress},
};
use terminus_pixels::{Effort, RgbImage, encode_png};

use super::{
    Outcome,
    start::Saved,
    trainer::{Trainer, is_finished},
};
use crate::{
    Error,
    config::SampleConfig,
    dataset::Dataset,
    files,
    gallery::{self, GalleryOptions},
    held_out,
    metrics::{Record, Written, read_metrics},
    pictures::{self, PictureStatistics},
    plan::TrainPlan,
};

/// Prompts that are taken from the collection if the settings name none.
const PROMPTS: usize = 8;

/// `samples/<step>.json`: what the grid of that name shows.
#[derive(Debug, Serialize, Deserialize)]
struct Drawing {
    /// Every prompt that was drawn, in the grid's order.
    prompts: Vec<String>,
    /// How they were drawn.
    sample: SampleConfig,
    /// Width of each picture.
    width: u32,
    /// Height of each picture.
    height: u32,
    /// Seed of the first noise.
    seed: u64,
    /// What tells each picture from noise.
    statistics: Vec<PictureStatistics>,
}

/// What a finished run came to, if nothing is left to do.
pub(super) fn already_done(plan: &TrainPlan, saved: &Saved) -> Result<Option<Outcome>, Error> {
    let state = &saved.state;
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
        checkpoint: Some(saved.folder.clone()),
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

/// Where the grid lies, and what tells its pictures from noise.
pub(super) type Drawn = (PathBuf, Vec<PictureStatistics>);

/// Draws the grid of the finished run; none if somebody asked to stop.
pub(super) fn finish(
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
        atomic::write(&path, &png)?;
        let size = (grid.width_px, grid.height_px);
        trainer.log.events.picture(step, "samples", size, &png)?;
    }
    let (width, height) = trainer.plan.sample_size;
    let record = Drawing {
        prompts,
        sample: trainer.plan.sample.clone(),
        width,
        height,
        seed: trainer.plan.sample_seed,
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
) -> Result<(Vec<String>, Vec<RgbImage>), Error> {
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

pub(super) fn first_and_last_validation(plan: &TrainPlan) -> Result<Option<(f64, f64)>, Error> {
    let records = read_metrics(&plan.metrics_path())?;
    let mut losses = records.iter().filter_map(|record| match record {
        Record::Validation(validation) if !validation.ema => Some(validation.loss),
        _ => None,
    });
    let first = losses.next();
    Ok(first.map(|first| (first, losses.next_back().unwrap_or(first))))
}
