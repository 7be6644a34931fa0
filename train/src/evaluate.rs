//! Does the training mean something? Held-out losses of the trained model with the right captions, with captions
//! shuffled, and of the model that training began with.
//!
//! All three see the same pictures at the same noise and timesteps, so that each difference is one of pairs. The
//! standard errors are over pictures: a picture is one draw from what the model may be asked for, its timesteps are not.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use schemars::JsonSchema;
use serde::Serialize;
use terminus_manifest::{
    ids::hash,
    run::{Cancel, Progress},
    words::Role,
};
use terminus_nn::{Checkpoint, guard};

use crate::{
    Error,
    checkpoint::{self, Checkpoints, UNET_EMA},
    dataset::Dataset,
    held_out::{self, HeldOut, HeldOutOptions, PictureLoss, Shown},
    latents::{self, encode_missing},
    model::{Model, open_device},
    objective::Objective,
    plan::{Resume, TrainPlan},
    train::{open_cache, recorded_manifest},
};

/// How to evaluate a run.
#[derive(Clone, Debug)]
pub struct EvaluateOptions {
    /// At most this many held-out pictures.
    pub max_samples: usize,
    /// Timesteps of each, evenly spread over the schedule.
    pub timesteps: usize,
    /// Whether the averaged weights are evaluated, where a checkpoint has them.
    pub ema: bool,
}

impl Default for EvaluateOptions {
    fn default() -> Self {
        Self {
            max_samples: usize::MAX,
            timesteps: 16,
            ema: true,
        }
    }
}

/// A mean over pictures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Mean {
    /// The mean.
    pub mean: f64,
    /// Its standard error over pictures.
    pub standard_error: f64,
}

/// A difference of losses, picture by picture: above 0 where the trained model with the right captions is better.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Difference {
    /// Mean of the other loss minus the trained one.
    pub mean: f64,
    /// Its standard error over pictures.
    pub standard_error: f64,
    /// The mean in standard errors.
    pub z: f64,
}

/// What an evaluation found. Losses are weighted as in training.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Evaluation {
    /// Updates of the checkpoint.
    pub step: u64,
    /// The checkpoint.
    pub checkpoint: PathBuf,
    /// Whether its averaged weights were evaluated.
    pub ema: bool,
    /// Held-out pictures.
    pub pictures: usize,
    /// Timesteps of each.
    pub timesteps: usize,
    /// Pictures whose shuffled caption reads like their own.
    pub same_captions: usize,
    /// The trained model with the right captions.
    pub trained: Mean,
    /// The trained model with captions shuffled within a role.
    pub shuffled: Mean,
    /// The model that training began with, with the right captions.
    pub untrained: Mean,
    /// Shuffled minus right captions.
    pub captions: Difference,
    /// Untrained minus trained.
    pub training: Difference,
}

impl Evaluation {
    /// Whether both differences are beyond `z` standard errors.
    pub fn is_beyond(&self, z: f64) -> bool {
        self.captions.z > z && self.training.z > z
    }
}

impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "step {}, {} held-out pictures, {} timesteps each, the same noise throughout",
            self.step, self.pictures, self.timesteps
        )?;
        writeln!(
            f,
            "{:<28} {:>10} {:>10} {:>10} {:>8}",
            "", "loss", "± se", "difference", "z"
        )?;
        let mut line = |name, mean: &Mean, difference: Option<&Difference>| {
            write!(
                f,
                "{name:<28} {:>10.6} {:>10.6}",
                mean.mean, mean.standard_error
            )?;
            match difference {
                Some(Difference { mean, z, .. }) => writeln!(f, " {mean:>+10.6} {z:>8.2}"),
                None => writeln!(f),
            }
        };
        line("trained, right captions", &self.trained, None)?;
        line(
            "trained, shuffled captions",
            &self.shuffled,
            Some(&self.captions),
        )?;
        line(
            "untrained, right captions",
            &self.untrained,
            Some(&self.training),
        )
    }
}

/// Evaluates the checkpoint that `plan.resume` names, of the run that `plan` describes, on the held-out pictures of the
/// generation that it was trained on last.
///
/// # Errors
/// There is no checkpoint; nothing is held out; [`Error::Cancelled`]; files that cannot be read.
pub fn evaluate(
    plan: &TrainPlan,
    options: &EvaluateOptions,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<Evaluation, Error> {
    guard(|| measure_all(plan, options, progress, cancel))
}

fn measure_all(
    plan: &TrainPlan,
    options: &EvaluateOptions,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<Evaluation, Error> {
    let folder = match &plan.resume {
        Resume::From(path) => path.clone(),
        Resume::Latest => {
            let folder = plan.checkpoints_folder();
            let latest = Checkpoints::new(folder.clone()).latest()?;
            latest.ok_or(Error::NoCheckpoint { path: folder })?
        }
    };
    let state = checkpoint::read_state(&folder)?;
    let manifest = recorded_manifest(plan, &state).unwrap_or(state.manifest);
    let mut dataset = Dataset::open(&manifest)?;
    let device = open_device(plan.config.device)?;
    let model = Model::open(&plan.base_folder(), device, plan.config.precision)?;
    let objective = Objective::new(&plan.schedule(), plan.objective(), device)?;
    let mut cache = open_cache(plan, &model, progress)?;
    let failed = encode_missing(&dataset, &mut cache, &model.vae, device, progress, cancel)?;
    dataset.leave_out(&latents::ids(&failed))?;

    let held_out_options = HeldOutOptions {
        max_samples: options.max_samples,
        timesteps: options.timesteps,
        ..plan.held_out()
    };
    let right = held_out::choose(dataset.held_out(), &held_out_options);
    if right.len() < 2 {
        return Err(Error::NoSamples {
            manifest: dataset.manifest().to_owned(),
            split: "validation",
        });
    }
    let shuffled = shuffle(&right, plan.seed);
    let held_out = HeldOut {
        model: &model,
        objective: &objective,
        examples: plan.examples(&model),
        cache: &cache,
        options: held_out_options,
    };
    let measure = |what: &str, shown: &[Shown<'_>]| {
        progress.start(what, Some(shown.len() as u64), "pictures");
        let losses = held_out.losses(shown, progress, cancel);
        progress.finish();
        losses
    };
    // The base is loaded first; then the checkpoint's weights take its place in the same network.
    let untrained = measure("evaluating the untrained model", &right)?;
    let has_ema = options.ema && folder.join(UNET_EMA).is_dir();
    let weights = if has_ema { UNET_EMA } else { "unet" };
    model
        .unet_weights
        .copy_from(&Checkpoint::open(&folder.join(weights))?)?;
    let trained = measure("evaluating the trained model", &right)?;
    let mismatched = measure("evaluating with shuffled captions", &shuffled)?;
    let is_same = |(a, b): &(&Shown<'_>, &Shown<'_>)| a.caption == b.caption;
    Ok(Evaluation {
        step: state.step,
        checkpoint: folder,
        ema: has_ema,
        pictures: right.len(),
        timesteps: options.timesteps,
        same_captions: right.iter().zip(&shuffled).filter(is_same).count(),
        trained: mean(trained.iter().map(|picture| picture.loss)),
        shuffled: mean(mismatched.iter().map(|picture| picture.loss)),
        untrained: mean(untrained.iter().map(|picture| picture.loss)),
        captions: difference(&mismatched, &trained),
        training: difference(&untrained, &trained),
    })
}

/// The same pictures, each with the caption of the next one of its role in a seeded circle: none keeps its own.
fn shuffle<'a>(right: &[Shown<'a>], seed: u64) -> Vec<Shown<'a>> {
    let mut circles: BTreeMap<Role, Vec<usize>> = BTreeMap::new();
    for (position, picture) in right.iter().enumerate() {
        circles.entry(picture.row.role).or_default().push(position);
    }
    let mut shuffled = right.to_vec();
    for circle in circles.values_mut() {
        circle.sort_by_cached_key(|&position| {
            let sample = right[position].row.sample_id.to_string();
            hash("shuffle", &[&seed.to_string(), &sample])
        });
        for (at, &position) in circle.iter().enumerate() {
            let next = circle[(at + 1) % circle.len()];
            shuffled[position].caption.clone_from(&right[next].caption);
        }
    }
    shuffled
}

fn mean(values: impl Iterator<Item = f64>) -> Mean {
    let values: Vec<f64> = values.collect();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values
        .iter()
        .map(|value| (value - mean).powi(2))
        .sum::<f64>()
        / (n - 1.0);
    Mean {
        mean,
        standard_error: (variance / n).sqrt(),
    }
}

fn difference(other: &[PictureLoss], trained: &[PictureLoss]) -> Difference {
    let pairs = other.iter().zip(trained);
    let Mean {
        mean,
        standard_error,
    } = mean(pairs.map(|(other, trained)| other.loss - trained.loss));
    Difference {
        mean,
        standard_error,
        z: if standard_error > 0.0 {
            mean / standard_error
        } else {
            0.0
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use terminus_manifest::ids::SampleId;

    fn losses(values: &[f64]) -> Vec<PictureLoss> {
        let picture = |&loss| PictureLoss {
            sample: SampleId([0; 16]),
            loss,
            mse: loss,
        };
        values.iter().map(picture).collect()
    }

    #[test]
    fn a_difference_is_measured_picture_by_picture() {
        // The pictures differ much from each other, the differences do not.
        let found = difference(&losses(&[1.2, 5.1, 9.3]), &losses(&[1.0, 5.0, 9.0]));
        assert!((found.mean - 0.2).abs() < 1e-12);
        assert!((found.standard_error - 0.1 / 3f64.sqrt()).abs() < 1e-12);
        assert!((found.z - 2.0 * 3f64.sqrt()).abs() < 1e-9);
    }

    #[test]
    fn equal_losses_differ_by_nothing() {
        let found = difference(&losses(&[1.0, 2.0]), &losses(&[1.0, 2.0]));
        assert!(found.z.abs() < 1e-12 && found.mean.abs() < 1e-12);
    }
}
