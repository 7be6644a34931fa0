//! `metrics.jsonl`: what a run did, one JSON record a line.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
};

use fs_err as fs;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use terminus_manifest::{atomic, plan::Mix, time::Timestamp};

use crate::Error;

/// A line of `metrics.jsonl`; `event` says which kind it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Record {
    /// A process began to train, at the start of a run or after a stop.
    Started(Started),
    /// An epoch began: what it is made of.
    Epoch(Epoch),
    /// Updates of the weights.
    Step(Step),
    /// The loss on held-out samples.
    Validation(Validation),
    /// A checkpoint was written.
    Checkpoint(Written),
    /// A grid of pictures was written.
    Samples(Written),
    /// A process stopped training.
    Stopped(Stopped),
}

/// A process began to train.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Started {
    /// When, RFC 3339 in UTC.
    pub time: String,
    /// Updates done before.
    pub step: u64,
    /// The checkpoint that training goes on from; none at the start of a run.
    pub resumed_from: Option<String>,
    /// Settings that differ from those of the checkpoint and count from now on.
    pub changed: Vec<Change>,
    /// The program's version.
    pub terminus_version: String,
    /// Device that trains.
    pub device: String,
    /// `f32` or `bf16`.
    pub precision: String,
    /// Numbers that are trained.
    pub parameters: u64,
}

/// A setting that differs from the checkpoint's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The setting, as in `train.lr.start`.
    pub key: String,
    /// The checkpoint's value, as JSON.
    pub from: String,
    /// The value from now on, as JSON.
    pub to: String,
}

/// An epoch began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Epoch {
    /// Updates done before.
    pub step: u64,
    /// The epoch's number, from 0.
    pub epoch: u64,
    /// The generation that it is made of.
    pub generation: u64,
    /// sha256 of that generation's manifest.
    pub manifest_sha256: String,
    /// Updates in it.
    pub updates: u64,
    /// Samples of the train split.
    pub samples: u64,
    /// Samples that are left out because their pixels could not be decoded.
    pub skipped: u64,
    /// Anchors over samples as asked for and as planned, for the real batch size, with repeats and fill.
    #[schemars(with = "serde_json::Value")]
    pub mix: Mix,
}

/// Updates of the weights: means since the record before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Updates done, this one included.
    pub step: u64,
    /// The epoch's number, from 0.
    pub epoch: u64,
    /// Epochs done, with the fraction of this one.
    pub progress: f64,
    /// Weighted mean squared error: what is trained on.
    pub loss: f64,
    /// The same without weights.
    pub mse: f64,
    /// Learning rate of this update.
    pub lr: f64,
    /// Norm of all gradients of this update together, before clipping.
    pub grad_norm: f64,
    /// Samples trained on a second.
    pub samples_per_s: f64,
    /// Seconds that the device waited for data, over all seconds.
    pub data_wait: f64,
    /// The generation that the samples come from.
    pub generation: u64,
    /// Samples since the start of the run, repeats counted.
    pub samples: u64,
    /// Anchors among the samples since the record before.
    pub anchors: u64,
}

/// The loss on held-out samples, at noise and timesteps that never change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Validation {
    /// Updates done.
    pub step: u64,
    /// Weighted mean squared error.
    pub loss: f64,
    /// The same without weights.
    pub mse: f64,
    /// Samples that it was measured on.
    pub samples: u64,
    /// Whether the averaged weights were measured.
    pub ema: bool,
}

/// A file or folder was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Written {
    /// Updates done.
    pub step: u64,
    /// Where, relative to the run's folder.
    pub path: String,
}

/// A process stopped training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stopped {
    /// When, RFC 3339 in UTC.
    pub time: String,
    /// Updates done.
    pub step: u64,
    /// Whether the run is finished; otherwise it was interrupted and can be resumed.
    pub finished: bool,
}

impl Record {
    /// Updates done when it was written.
    pub fn step(&self) -> u64 {
        match self {
            Self::Started(record) => record.step,
            Self::Epoch(record) => record.step,
            Self::Step(record) => record.step,
            Self::Validation(record) => record.step,
            Self::Checkpoint(record) | Self::Samples(record) => record.step,
            Self::Stopped(record) => record.step,
        }
    }
}

/// This moment, as records hold it.
pub(crate) fn now() -> String {
    Timestamp::now().to_string()
}

/// The file, open for appending.
#[derive(Debug)]
pub struct MetricsLog {
    path: PathBuf,
    file: fs::File,
}

impl MetricsLog {
    /// Opens `path` for a run that goes on after `step` updates; without a step the file begins anew.
    ///
    /// What an interrupted process wrote past its last checkpoint is dropped, because it will be done again: every
    /// update stands in the file once.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn open(path: &Path, step: Option<u64>) -> Result<Self, Error> {
        if let Some(step) = step
            && path.exists()
        {
            let mut kept = Vec::new();
            for line in BufReader::new(fs::File::open(path)?).lines() {
                let line = line?;
                // A last line that a kill cut off is no record.
                let is_done = serde_json::from_str::<Record>(&line)
                    .is_ok_and(|record| record.step() <= step && !is_boundary(&record, step));
                if is_done {
                    kept.extend_from_slice(line.as_bytes());
                    kept.push(b'\n');
                }
            }
            atomic::write(path, &kept)?;
        } else {
            atomic::write(path, b"")?;
        }
        let file = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)?;
        Ok(Self {
            path: path.to_owned(),
            file,
        })
    }

    /// Appends a record.
    ///
    /// # Errors
    /// The disk is full.
    pub fn push(&mut self, record: &Record) -> Result<(), Error> {
        let mut line = serde_json::to_vec(record).map_err(|source| Error::Json {
            path: self.path.clone(),
            source,
        })?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        Ok(())
    }
}

/// An epoch that begins where the run stopped is announced again by the process that goes on.
fn is_boundary(record: &Record, step: u64) -> bool {
    matches!(record, Record::Epoch(epoch) if epoch.step == step)
}

/// All records of a file, in order; a last line that a kill cut off is left out.
///
/// # Errors
/// The file cannot be read.
pub fn read_metrics(path: &Path) -> Result<Vec<Record>, Error> {
    let mut records = Vec::new();
    for line in BufReader::new(fs::File::open(path)?).lines() {
        records.extend(serde_json::from_str(&line?).ok());
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(step: u64) -> Record {
        Record::Checkpoint(Written {
            step,
            path: format!("checkpoints/{step:06}"),
        })
    }

    #[test]
    fn what_will_be_done_again_is_dropped_and_every_step_stands_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let mut log = MetricsLog::open(&path, None).unwrap();
        for step in [5, 10, 12] {
            log.push(&written(step)).unwrap();
        }
        log.file.write_all(b"{\"event\":\"st").unwrap();
        let mut log = MetricsLog::open(&path, Some(10)).unwrap();
        log.push(&written(15)).unwrap();
        let steps: Vec<u64> = read_metrics(&path)
            .unwrap()
            .iter()
            .map(Record::step)
            .collect();
        assert_eq!(steps, [5, 10, 15]);
    }

    #[test]
    fn a_record_names_its_kind_and_reads_back() {
        let line = serde_json::to_string(&written(3)).unwrap();
        assert!(line.starts_with(r#"{"event":"checkpoint","step":3"#));
        assert_eq!(serde_json::from_str::<Record>(&line).unwrap(), written(3));
    }
}
