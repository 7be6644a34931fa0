//! What can go wrong while training, sampling and exporting.

use std::path::PathBuf;

use terminus_manifest::ids::SampleId;

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
        "the loss of step {step} is {loss}\nhint: {}; lower `train.lr`, or set `train.precision = \"f32\"`", saved_hint(*saved)
    )]
    LossNotFinite {
        /// The step whose loss it was.
        step: u64,
        /// The loss.
        loss: f64,
        /// Step of the last checkpoint.
        saved: Option<u64>,
    },
    /// Latents cannot be put into a file.
    #[error("latents for `{}`: {source}", path.display())]
    LatentPart {
        /// The cache's folder.
        path: PathBuf,
        /// What the format says.
        source: safetensors::SafeTensorError,
    },
    /// A sample that should have latents has none.
    #[error(
        "sample {sample} has no latents in the cache\nhint: the cache was changed while the run was going on; start it again"
    )]
    NoLatents {
        /// The sample.
        sample: SampleId,
    },
    /// A VAE made no finite latents of a picture.
    #[error("the VAE gives infinite latents for sample {sample}")]
    LatentsNotFinite {
        /// The sample.
        sample: SampleId,
    },
    /// The picture in a shard is not of the size that the index says.
    #[error("sample {sample} is {}x{} in its shard, {}x{} in the index\nhint: `terminus verify` lists what was changed", found.0, found.1, expected.0, expected.1)]
    SampleSize {
        /// The sample.
        sample: SampleId,
        /// Width and height of the picture.
        found: (u32, u32),
        /// Width and height in the index.
        expected: (u32, u32),
    },
    /// Samples of one batch differ in size.
    #[error(
        "a batch holds latents of {first:?} and of {other:?}\nhint: a recipe with samples of many sizes needs `bucket.shape = \"aspect\"`"
    )]
    MixedSizes {
        /// Channels, height and width of the first.
        first: [usize; 3],
        /// Those of another.
        other: [usize; 3],
    },
    /// A picture's size that the networks cannot halve often enough.
    #[error(
        "pictures of {width}x{height} do not fit the networks: both sides must be multiples of {multiple}\nhint: choose another `bucket.target_px`, or `sample.size`"
    )]
    SideMultiple {
        /// Width.
        width: u32,
        /// Height.
        height: u32,
        /// What both must be multiples of.
        multiple: u32,
    },
    /// A size that the VAE cannot halve often enough.
    #[error(
        "pictures of {width}x{height} cannot be drawn: both sides must be multiples of {multiple}\nhint: `--width {} --height {}`",
        width.next_multiple_of(*multiple).max(*multiple), height.next_multiple_of(*multiple).max(*multiple)
    )]
    DrawnSize {
        /// Width.
        width: u32,
        /// Height.
        height: u32,
        /// What both must be multiples of.
        multiple: u32,
    },
    /// A UNet that takes neither latents alone nor latents, mask and picture.
    #[error("the UNet takes {channels} channels; {latents} are latents alone, {} latents with mask and picture", 2 * latents + 1)]
    UnetChannels {
        /// Channels that it takes.
        channels: i64,
        /// Channels of the latents.
        latents: i64,
    },
    /// A UNet that is made for inpainting has nothing to paint into.
    #[error(
        "this model is made for inpainting: its UNet takes {channels} channels\nhint: give it `--image FILE --mask-image FILE`"
    )]
    NeedsMask {
        /// Channels that it takes.
        channels: i64,
    },
    /// A mask is not as large as its picture.
    #[error("the mask is {}x{}, its picture {}x{}\nhint: both must be of one size", found.0, found.1, expected.0, expected.1)]
    MaskSize {
        /// Width and height of the mask.
        found: (u32, u32),
        /// Width and height of the picture.
        expected: (u32, u32),
    },
    /// Nothing is to be drawn anew.
    #[error(
        "the mask is empty: no pixel of it is as bright as 128 of 255\nhint: white (or transparent) is drawn anew, black stays"
    )]
    EmptyMask,
    /// Noise that was given has another shape than the latents.
    #[error(
        "the given latents are {found:?}, this request takes {expected:?}\nhint: they are `[pictures, channels, height / 8, width / 8]`"
    )]
    NoiseShape {
        /// Their shape.
        found: Vec<i64>,
        /// The shape of the latents.
        expected: Vec<i64>,
    },
    /// The networks do not fit the memory.
    #[error("drawing takes about {needed}, {available} are free\nhint: {way}")]
    TooLittleMemory {
        /// What is needed.
        needed: crate::draw::Gib,
        /// What is there.
        available: crate::draw::Gib,
        /// Which setting makes it fit.
        way: String,
    },
    /// A file is no picture, or a damaged one.
    #[error("`{}`: {fault}", path.display())]
    Picture {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: terminus_pixels::Error,
    },
    /// A file of latents has no tensor of that name.
    #[error("`{}` holds no tensor `latents`\nhint: `--save-latents` writes such files; the shape is `[pictures, channels, height / 8, width / 8]`", path.display())]
    NoLatentsTensor {
        /// The file.
        path: PathBuf,
    },
    /// A network gave nothing where a picture was expected.
    #[error("the network gave no picture")]
    NothingDrawn,
    /// A model has no averaged UNet.
    #[error("`{}` holds no `unet_ema/`\nhint: a run keeps an average with `train.ema`; leave `--ema` out for its last weights", path.display())]
    NoAverage {
        /// The model.
        path: PathBuf,
    },
    /// What was to be written is there already.
    #[error("`{}` is there already\nhint: name another place, or remove it first", path.display())]
    TargetExists {
        /// The file or folder.
        path: PathBuf,
    },
    /// A parameter has no place in the original layout.
    #[error("`{part}/{name}` has no place in a single file")]
    NoOriginalName {
        /// The network's folder.
        part: &'static str,
        /// The parameter.
        name: String,
    },
    /// There is no model at a path.
    #[error(
        "`{}` is no model: neither a diffusers folder (with `unet/` in it) nor a safetensors file{}", path.display(),
        if path.exists() { "" } else { "; there is nothing there" }
    )]
    NoModel {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A single file's text encoders have a vocabulary that is not CLIP's.
    #[error("the text encoders in `{}` have {found} tokens, the built-in tokenizers {built_in}\nhint: name a diffusers folder with the right tokenizers: `--config FOLDER`", path.display())]
    NoTokenizer {
        /// The file.
        path: PathBuf,
        /// Tokens of the encoders.
        found: i64,
        /// Tokens of the built-in tokenizers.
        built_in: usize,
    },
    /// No model to start from is named.
    #[error("there is no model to train\nhint: name one in diffusers' layout as `train.base`")]
    NoBase,
    /// More devices than this program trains on.
    #[error(
        "`train.devices` is {devices}; one process trains on one device\nhint: set `train.devices = 1` and multiply `train.accumulation` for the same effective batch"
    )]
    ManyDevices {
        /// How many were asked for.
        devices: u32,
    },
    /// A run was to go on from a checkpoint that is not its newest.
    #[error("`{}` has a checkpoint of step {newest}, newer than the one of step {step} to go on from\nhint: to branch off, give the new run another name: `--run NAME`", run.display())]
    NewerCheckpoint {
        /// The run's folder.
        run: PathBuf,
        /// Step of the checkpoint that was named.
        step: u64,
        /// Step of the run's newest checkpoint.
        newest: u64,
    },
    /// A run with checkpoints was started from another model.
    #[error("`{}` was started from another model than `train.base`, `train.vae`, `train.init` and the seed name now\nhint: take another run name, or put the old settings back", run.display())]
    OtherBase {
        /// The run's folder.
        run: PathBuf,
    },
    /// The thread that makes batches has ended before the epoch.
    #[error("the loader ended before the epoch did\nhint: the lines above say why")]
    LoaderEnded,
    /// A checkpoint of a later program.
    #[error("`{}` has schema version {found}, this program reads up to {supported}\nhint: update terminus", path.display())]
    CheckpointVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version that this program reads.
        supported: u32,
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
    #[error("the checkpoint of step {step} stopped amid an epoch over the manifest with sha256 {expected}, `{}` has {found}\nhint: resume with the manifest that it was trained on, or from a checkpoint at the end of an epoch", manifest.display())]
    OtherManifest {
        /// Updates that the checkpoint has done.
        step: u64,
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
    /// The device has no memory for what was asked of it.
    #[error("{what}\nhint: {way}")]
    OutOfMemory {
        /// What libtorch says.
        what: String,
        /// The settings that need less.
        way: &'static str,
    },
}

impl Error {
    /// With the settings that need less, if memory was what there was not enough of.
    pub(crate) fn with_way_to_need_less(self, way: &'static str) -> Self {
        match self {
            Self::Nn(error @ terminus_nn::Error::OutOfMemory { .. }) => Self::OutOfMemory {
                what: error.to_string(),
                way,
            },
            other => other,
        }
    }
}

impl From<tch::TchError> for Error {
    fn from(error: tch::TchError) -> Self {
        Self::Nn(error.into())
    }
}

fn saved_hint(saved: Option<u64>) -> String {
    saved.map_or_else(
        || "nothing was saved yet".to_owned(),
        |step| format!("the checkpoint of step {step} is sound, the run goes on from there"),
    )
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
}
