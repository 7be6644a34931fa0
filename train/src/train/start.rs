//! The start of a run: what is saved of it, its data, its model and everything else in memory.

use std::path::PathBuf;

use terminus_manifest::{Root, run::Progress};

use super::trainer::{Log, Trainer, Window, config_document};
use crate::{
    Error,
    checkpoint::{self, Checkpoints, TrainerState},
    config::{LatentsFrom, Precision},
    dataset::{DataSource, Dataset, manifest_sha256},
    ema::Ema,
    export::SchedulerSettings,
    latents::{LatentCache, vae_identity},
    metrics::{self, Change, MetricsLog, Record, Started},
    model::{Model, open_device},
    objective::Objective,
    optimizer::AdamW,
    plan::{Resume, TrainPlan},
    tensorboard::EventFile,
};

/// What is saved of a run.
#[derive(Debug)]
pub(super) struct Saved {
    /// The checkpoint's folder.
    pub folder: PathBuf,
    /// Where the run stood.
    pub state: TrainerState,
}

impl Saved {
    /// The checkpoint that `plan` goes on from; none for a run that begins.
    ///
    /// A run has one line of checkpoints: from an older one of its own it would grow a second.
    pub fn find(plan: &TrainPlan) -> Result<Option<Self>, Error> {
        let own = Checkpoints::new(plan.checkpoints_folder()).list()?.pop();
        let newest = own.as_ref().map(|(step, _)| *step);
        let folder = match &plan.resume {
            Resume::Latest => own.map(|(_, folder)| folder),
            Resume::From(path) => Some(path.clone()),
        };
        let Some(folder) = folder else {
            return Ok(None);
        };
        let state = checkpoint::read_state(&folder)?;
        match newest {
            Some(newest) if newest > state.step => Err(Error::NewerCheckpoint {
                run: plan.run_folder.clone(),
                step: state.step,
                newest,
            }),
            _ => Ok(Some(Self { folder, state })),
        }
    }
}

/// Everything that a run needs in memory, as it stood when it was saved or as it begins.
pub(super) struct Run<'a> {
    pub trainer: Trainer<'a>,
    pub dataset: Dataset,
    pub cache: LatentCache,
}

impl<'a> Run<'a> {
    /// Opens data and model, and puts what is saved in its place.
    pub fn open(
        plan: &'a TrainPlan,
        saved: Option<&Saved>,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let dataset = Dataset::open(&first_manifest(plan, saved.map(|saved| &saved.state))?)?;
        let device = open_device(plan.config.device)?;
        prepare_base(plan, saved.is_some())?;
        let model = Model::open(&plan.base_folder(), device, plan.config.precision)?;
        check_sizes(&model, &dataset, plan.sample_size)?;
        let objective = Objective::new(&plan.schedule(), plan.objective(), device)?;
        let cache = open_cache(plan, &model, progress)?;

        model.unet_weights.set_trainable(true);
        let mut optimizer = AdamW::new(plan.optimizer(), model.unet_parameters())?;
        let mut ema = match &plan.config.ema {
            Some(config) => Some(Ema::new(config.decay.get(), &optimizer.parameters())?),
            None => None,
        };
        if let Some(Saved { folder, state }) = saved {
            let weights = &model.unet_weights;
            checkpoint::restore(folder, state, weights, &mut optimizer, ema.as_mut())?;
        }
        let state = state(plan, saved, &dataset);
        let log = open_log(plan, saved, &model, progress)?;
        let trainer = Trainer {
            plan,
            saved: saved.map(|saved| saved.state.step),
            objective,
            optimizer,
            ema,
            state,
            checkpoints: Checkpoints::new(plan.checkpoints_folder()),
            log,
            window: Window::new(device),
            model,
        };
        Ok(Self {
            trainer,
            dataset,
            cache,
        })
    }
}

/// The cache of the model's VAE.
pub(crate) fn open_cache(
    plan: &TrainPlan,
    model: &Model,
    progress: &dyn Progress,
) -> Result<LatentCache, Error> {
    let folder = plan.latents_folder.join(vae_identity(&model.vae_weights)?);
    let keeps_logvar = plan.config.latents == LatentsFrom::Sample;
    let cache = LatentCache::open(&folder, keeps_logvar)?;
    for path in cache.damaged() {
        let path = path.display();
        progress.note(&format!("`{path}` is damaged; its latents are made anew"));
    }
    Ok(cache)
}

/// Opens the files that numbers go to, and notes what has changed since the checkpoint.
fn open_log(
    plan: &TrainPlan,
    saved: Option<&Saved>,
    model: &Model,
    progress: &dyn Progress,
) -> Result<Log, Error> {
    let changed = saved.map_or_else(Vec::new, |saved| changes(plan, &saved.state));
    for Change { key, from, to } in &changed {
        progress.note(&format!("`{key}` was {from} and is {to} from here on"));
    }
    let step = saved.map(|saved| saved.state.step);
    let mut metrics = MetricsLog::open(&plan.metrics_path(), step)?;
    let step = step.unwrap_or_default();
    metrics.push(&Record::Started(Started {
        time: metrics::now(),
        step,
        resumed_from: saved.map(|saved| saved.folder.display().to_string()),
        changed,
        terminus_version: env!("CARGO_PKG_VERSION").to_owned(),
        device: format!("{:?}", model.device).to_lowercase(),
        precision: match plan.config.precision {
            Precision::F32 => "f32".to_owned(),
            Precision::Bf16 => "bf16".to_owned(),
        },
        parameters: model.unet_weights.parameter_count(),
    }))?;
    let events = EventFile::create(&plan.run_folder.join("tensorboard"), step)?;
    Ok(Log { metrics, events })
}

/// Where the run stands, with the settings that count from now on.
fn state(plan: &TrainPlan, saved: Option<&Saved>, dataset: &Dataset) -> TrainerState {
    let fresh = fresh_state(plan, dataset);
    match saved {
        None => fresh,
        Some(Saved { state, .. }) => TrainerState {
            seed: fresh.seed,
            config: fresh.config,
            terminus_version: fresh.terminus_version,
            ..state.clone()
        },
    }
}

/// The manifest that the run begins or goes on with.
///
/// Amid an epoch that is the checkpoint's, whatever was published since: the order of the samples that are left
/// depends on it.
fn first_manifest(plan: &TrainPlan, saved: Option<&TrainerState>) -> Result<PathBuf, Error> {
    let Some(state) = saved else {
        return plan.data.manifest();
    };
    let is_amid = state.position > 0;
    let stays = matches!(plan.data, DataSource::Recipe { .. }) && !plan.config.follow;
    if (is_amid || stays)
        && let Some(manifest) = recorded_manifest(plan, state)
    {
        return Ok(manifest);
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

/// The manifest that a checkpoint names, where it lay or where it lies if the root was moved.
pub(crate) fn recorded_manifest(plan: &TrainPlan, state: &TrainerState) -> Option<PathBuf> {
    let moved = match &plan.data {
        DataSource::Manifest(path) => path.clone(),
        DataSource::Recipe { root, name } => Root::new(root)
            .generations_of(name)
            .join(format!("{:06}/manifest.json", state.generation)),
    };
    let is_recorded =
        |path: &PathBuf| manifest_sha256(path).is_ok_and(|sha256| sha256 == state.manifest_sha256);
    [state.manifest.clone(), moved]
        .into_iter()
        .find(is_recorded)
}

/// Makes the run's base unless it has it.
///
/// A run with checkpoints keeps the base that it has. Its source may be gone by then, but not be another model.
fn prepare_base(plan: &TrainPlan, has_checkpoint: bool) -> Result<(), Error> {
    let folder = plan.base_folder();
    let keeps = has_checkpoint && folder.exists();
    if keeps && !plan.base.is_there() {
        return Ok(());
    }
    if plan.base.made(&folder)? {
        return Ok(());
    }
    if keeps {
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
