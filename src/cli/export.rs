//! Arguments of `terminus export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::sample::Precision;

/// `terminus export`.
#[derive(Args, Clone, Debug)]
pub struct ExportArgs {
    /// The model: a checkpoint, a diffusers folder or a single safetensors file
    #[arg(long, value_name = "PATH")]
    pub model: PathBuf,
    /// A diffusers folder with the configurations and tokenizers of a single file
    #[arg(long, value_name = "FOLDER")]
    pub config: Option<PathBuf>,
    /// Take the UNet's average over its training, `unet_ema/`, in the place of its last weights
    #[arg(long)]
    pub ema: bool,
    /// The layout to write
    #[arg(long, value_enum)]
    pub format: Format,
    /// Where to write; it must not be there yet
    #[arg(long, short, value_name = "PATH")]
    pub output: PathBuf,
    /// What numbers are stored in; each tensor's own kind unless set
    #[arg(long, value_enum)]
    pub precision: Option<Precision>,
    /// A word in the names of a folder's files, such as `fp16`
    #[arg(long, value_name = "WORD")]
    pub variant: Option<String>,
    /// What the file says of itself.
    #[command(flatten)]
    pub card: CardArgs,
    /// Print one JSON document on stdout
    #[arg(long)]
    pub json: bool,
}

/// What a single file says of itself (`ModelSpec` 1.0.1).
#[derive(Args, Clone, Debug)]
pub struct CardArgs {
    /// Take what is not set here from the `[model]` of this recipe
    #[arg(long, value_name = "FILE")]
    pub recipe: Option<PathBuf>,
    /// Its name; the file's unless set
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// Who made it
    #[arg(long, value_name = "TEXT")]
    pub author: Option<String>,
    /// Its licence, as an SPDX id where there is one
    #[arg(long, value_name = "TEXT")]
    pub license: Option<String>,
    /// What it is
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// A picture to show it by
    #[arg(long, value_name = "FILE")]
    pub thumbnail: Option<PathBuf>,
    /// When it was made, as `2026-01-31T12:00:00Z`; now unless set
    #[arg(long, value_name = "TIME")]
    pub date: Option<String>,
}

/// Layouts of a model on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A folder with a folder for each network
    Diffusers,
    /// One safetensors file, as ComfyUI, A1111 and model sites know it
    SingleFile,
}
