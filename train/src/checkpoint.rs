//! Checkpoints: a model that pipelines load, and beside it all that a run needs to go on.
//!
//! `checkpoints/000010/` is a diffusers folder with, in addition,
//! - `unet_ema/`: the averaged UNet, if there is one;
//! - `optimizer.safetensors`: the averages of `AdamW`, f32, as `exp_avg.<parameter>` and `exp_avg_sq.<parameter>`;
//! - `trainer.json`: a [`TrainerState`].
//!
//! There is no state of a random generator: every draw is a function of the seed and of what it is for.

use std::path::{Path, PathBuf};

use fs_err as fs;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tch::{Kind, Tensor};
use terminus_nn::{Checkpoint, Metadata, Weights, save_safetensors};

use crate::{
    Error, TensorFault,
    base::FROZEN,
    ema::Ema,
    export::{self, SchedulerSettings},
    files::{self, Draft},
    metrics::Change,
    networks::UNetConfig,
    optimizer::AdamW,
};

/// Version of `trainer.json`.
pub const SCHEMA_VERSION: u32 = 1;

const STATE: &str = "trainer.json";
const OPTIMIZER: &str = "optimizer.safetensors";
const UNET: &str = "unet";
/// Folder of the averaged UNet.
pub const UNET_EMA: &str = "unet_ema";

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrainerState {
    /// Version of this document.
    pub schema_version: u32,
    /// Updates done.
    pub step: u64,
    /// Epochs done.
    pub epoch: u64,
    /// Updates done of the epoch that is under way.
    pub position: u64,
    /// Updates of that epoch.
    pub updates_in_epoch: u64,
    /// Samples trained on, repeats counted.
    pub samples: u64,
    /// Updates that the averaged weights have taken in.
    pub ema_updates: Option<u64>,
    /// Seed of everything that is drawn.
    pub seed: u64,
    /// The generation that was trained on last.
    pub generation: u64,
    /// Its manifest.
    pub manifest: PathBuf,
    /// sha256 of that manifest.
    pub manifest_sha256: String,
    /// Whether the run came to its end.
    pub finished: bool,
    /// The effective `[train]`.
    pub config: Value,
    /// Version of the program that wrote it.
    pub terminus_version: String,
}

/// What a checkpoint is written from.
#[derive(Debug)]
pub struct Parts<'a> {
    /// Folder of the run's base: the frozen parts come from there.
    pub base: &'a Path,
    /// Sizes of the UNet.
    pub unet_config: &'a UNetConfig,
    /// Its weights.
    pub weights: &'a Weights,
    /// Their averages, if they are kept.
    pub ema: Option<&'a Ema>,
    /// The optimizer.
    pub optimizer: &'a AdamW,
    /// What a sampler must know.
    pub scheduler: SchedulerSettings,
}

/// The checkpoints of a run.
#[derive(Debug)]
pub struct Checkpoints {
    folder: PathBuf,
}

impl Checkpoints {
    /// Those in `folder`, which need not exist.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Every whole checkpoint with its step, the oldest first.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn list(&self) -> Result<Vec<(u64, PathBuf)>, Error> {
        if !self.folder.exists() {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let step = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok());
            if let Some(step) = step
                && entry.path().join(STATE).exists()
            {
                found.push((step, entry.path()));
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// The newest checkpoint.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn latest(&self) -> Result<Option<PathBuf>, Error> {
        Ok(self.list()?.pop().map(|(_, path)| path))
    }

    /// Writes a checkpoint, whole or not at all, and removes the oldest but `keep`. Gives back where it lies.
    ///
    /// # Errors
    /// The disk is full; then the checkpoints are as they were.
    pub fn write(
        &self,
        parts: &Parts<'_>,
        state: &TrainerState,
        keep: usize,
    ) -> Result<PathBuf, Error> {
        let path = self.folder.join(format!("{:06}", state.step));
        let draft = Draft::begin(&path)?;
        let folder = draft.path();
        for part in FROZEN {
            files::link_folder(&parts.base.join(part), &folder.join(part))?;
        }
        let config = parts.unet_config.to_json();
        let weights: Vec<(&str, &Tensor)> = parts.weights.iter().collect();
        export::write_network(&folder.join(UNET), &config, &weights)?;
        if let Some(ema) = parts.ema {
            let averages = named(ema.averages());
            export::write_network(&folder.join(UNET_EMA), &config, &averages)?;
        }
        let optimizer = parts.optimizer.state();
        save_safetensors(
            &folder.join(OPTIMIZER),
            named(&optimizer),
            Some(Kind::Float),
            &Metadata::new(),
        )?;
        export::write_documents(folder, &parts.scheduler)?;
        files::write_json(&folder.join(STATE), state)?;
        draft.finish()?;
        self.prune(keep, &path)?;
        Ok(path)
    }

    /// Removes the oldest checkpoints until `keep` are left, `newest` among them.
    fn prune(&self, keep: usize, newest: &Path) -> Result<(), Error> {
        let mut found = self.list()?;
        found.retain(|(_, path)| path != newest);
        let surplus = (found.len() + 1).saturating_sub(keep.max(1));
        for (_, path) in found.iter().take(surplus) {
            fs::remove_dir_all(path)?;
        }
        Ok(())
    }
}

fn named(tensors: &[(String, Tensor)]) -> Vec<(&str, &Tensor)> {
    tensors
        .iter()
        .map(|(name, tensor)| (name.as_str(), tensor))
        .collect()
}

/// Reads the state of the checkpoint `folder`.
///
/// # Errors
/// It is no checkpoint, or a later program wrote it.
pub fn read_state(folder: &Path) -> Result<TrainerState, Error> {
    let path = folder.join(STATE);
    if !path.exists() {
        return Err(Error::NoCheckpoint {
            path: folder.to_owned(),
        });
    }
    let state: TrainerState = files::read_json(&path)?;
    if state.schema_version > SCHEMA_VERSION {
        return Err(Error::CheckpointVersion {
            path,
            found: state.schema_version,
            supported: SCHEMA_VERSION,
        });
    }
    Ok(state)
}

/// Puts the UNet, its averages and the optimizer of the checkpoint `folder` in the place of the fresh ones.
///
/// A checkpoint without averages leaves `ema` as it is: it begins with the weights that are loaded here.
///
/// # Errors
/// A file is missing or damaged, or belongs to another network.
pub fn restore(
    folder: &Path,
    state: &TrainerState,
    weights: &Weights,
    optimizer: &mut AdamW,
    ema: Option<&mut Ema>,
) -> Result<(), Error> {
    weights.copy_from(&Checkpoint::open(&folder.join(UNET))?)?;
    let path = folder.join(OPTIMIZER);
    let saved = Checkpoint::open(&path)?;
    let load = |name: &str| {
        let fault = |fault| Error::CheckpointTensor {
            path: path.clone(),
            name: name.to_owned(),
            fault,
        };
        saved
            .tensor(name)?
            .ok_or_else(|| fault(TensorFault::Missing))
    };
    optimizer.restore(state.step, load)?;
    match (ema, state.ema_updates) {
        (Some(ema), Some(updates)) => {
            let saved = Checkpoint::open(&folder.join(UNET_EMA))?;
            ema.restore(updates, |name| {
                saved.tensor(name)?.ok_or_else(|| Error::CheckpointTensor {
                    path: folder.join(UNET_EMA),
                    name: name.to_owned(),
                    fault: TensorFault::Missing,
                })
            })
        }
        (Some(ema), None) => ema.restart(&optimizer.parameters()),
        (None, _) => Ok(()),
    }
}

/// The settings that differ between two documents, leaf by leaf, under `prefix`.
pub(crate) fn changes(prefix: &str, from: &Value, to: &Value) -> Vec<Change> {
    match (from, to) {
        (Value::Object(from), Value::Object(to)) => {
            let added = to.keys().filter(|key| !from.contains_key(*key));
            from.keys()
                .chain(added)
                .flat_map(|key| {
                    let side = |map: &serde_json::Map<String, Value>| {
                        map.get(key).cloned().unwrap_or(Value::Null)
                    };
                    changes(&format!("{prefix}.{key}"), &side(from), &side(to))
                })
                .collect()
        }
        _ if from == to => Vec::new(),
        _ => vec![Change {
            key: prefix.to_owned(),
            from: from.to_string(),
            to: to.to_string(),
        }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_changed_setting_is_named_with_both_values() {
        let from = json!({ "lr": { "start": 1e-6, "end": 1e-7 }, "epochs": 2 });
        let to = json!({ "lr": { "start": 5e-7, "end": 1e-7 }, "epochs": 2, "seed": 3 });
        let found: Vec<String> = changes("train", &from, &to)
            .into_iter()
            .map(|change| format!("{} {} {}", change.key, change.from, change.to))
            .collect();
        assert_eq!(found, ["train.lr.start 1e-6 5e-7", "train.seed null 3"]);
    }

    #[test]
    fn a_folder_without_a_state_is_no_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::new(folder.path().to_owned());
        fs::create_dir(folder.path().join("000005")).unwrap();
        assert!(checkpoints.latest().unwrap().is_none());
        let error = read_state(&folder.path().join("000005")).unwrap_err();
        assert!(matches!(error, Error::NoCheckpoint { .. }));
    }
}
