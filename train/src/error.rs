//! What can go wrong while training, sampling and exporting.

use std::path::PathBuf;

use crate::networks::ConfigFault;

/// A fact about settings, files or the device that stops a run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Somebody asked to stop; everything that was done is saved.
    #[error("interrupted")]
    Cancelled,
    /// ε-prediction says nothing of the picture where the schedule leaves nothing of it.
    #[error(
        "epsilon prediction cannot be trained under a schedule with zero terminal SNR: its loss weight is 0/0 at the last timestep\nhint: set `train.prediction_type = \"v_prediction\"`, or `train.zero_terminal_snr = false`"
    )]
    EpsilonAtZeroSnr,
    /// The loss is infinite or not a number.
    #[error(
        "the loss of step {step} is {loss}\nhint: nothing was saved since step {saved}; resume from there with a lower `train.lr`, or with `train.precision = \"f32\"`"
    )]
    LossNotFinite {
        /// The step whose loss it was.
        step: u64,
        /// The loss.
        loss: f64,
        /// Step of the last checkpoint.
        saved: u64,
    },
    /// Latents cannot be put into a file.
    #[error("latents for `{}`: {source}", path.display())]
    LatentPart {
        /// The cache's folder.
        path: PathBuf,
        /// What the format says.
        source: safetensors::SafeTensorError,
    },
    /// A generation has nothing to train on.
    #[error("`{}` has no samples in the split `{split}`\nhint: look at `terminus report`: were all rejected?", manifest.display())]
    NoSamples {
        /// The generation's manifest.
        manifest: PathBuf,
        /// Which split.
        split: &'static str,
    },
    /// A tensor of a checkpoint has another shape than the network's.
    #[error("`{}`: tensor `{name}` {fault}\nhint: the checkpoint belongs to another model; give another one, or start a new run name", path.display())]
    CheckpointTensor {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// What is wrong with it.
        fault: TensorFault,
    },
    /// There is no checkpoint to resume from.
    #[error("`{}` is not a checkpoint: it has no `trainer.json`\nhint: a checkpoint is a folder of `runs/<name>/checkpoints`", path.display())]
    NoCheckpoint {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The generation that a checkpoint was trained on has changed or is gone.
    #[error("checkpoint `{}` stopped amid an epoch over manifest {expected}, `{}` is {found}\nhint: resume with the manifest it was trained on, or from a checkpoint at the end of an epoch", checkpoint.display(), manifest.display())]
    OtherManifest {
        /// The checkpoint.
        checkpoint: PathBuf,
        /// The manifest that was given.
        manifest: PathBuf,
        /// sha256 of the manifest that the checkpoint names.
        expected: String,
        /// sha256 of the manifest that was given.
        found: String,
    },
    /// A network's `config.json` lacks something, or asks for a part that the networks here have not.
    #[error("`{}` describes no network that can be built here:{}\nhint: these networks are SDXL's, of any size; models of other families do not fit", path.display(), lines(faults))]
    ModelConfig {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, key by key.
        faults: Vec<ConfigFault>,
    },
    /// A JSON document cannot be read or written.
    #[error("`{}`: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// Reading or writing failed; the message names the path.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The data contract was broken.
    #[error(transparent)]
    Manifest(#[from] terminus_manifest::Error),
    /// A picture cannot be read or written.
    #[error(transparent)]
    Pixels(#[from] terminus_pixels::Error),
    /// A network or its weights cannot be loaded or run.
    #[error(transparent)]
    Nn(#[from] terminus_nn::Error),
    /// A tokenizer cannot be read or written.
    #[error(transparent)]
    Tokens(#[from] terminus_tokens::TokenError),
    /// libtorch refused: mostly the device is out of memory.
    #[error("libtorch: {0}")]
    Torch(#[from] tch::TchError),
}

fn lines(faults: &[ConfigFault]) -> String {
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    lines
        .iter()
        .fold(String::new(), |text, line| text + "\n  " + line)
}

/// What is wrong with a tensor of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TensorFault {
    /// It is not there.
    #[error("is missing")]
    Missing,
    /// It has another shape.
    #[error("has shape {found:?}, the network has {expected:?}")]
    Shape {
        /// Shape in the file.
        found: Vec<i64>,
        /// Shape in the network.
        expected: Vec<i64>,
    },
}
