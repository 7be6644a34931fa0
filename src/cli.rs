//! The arguments.

#[cfg(feature = "torch")]
pub mod export;
#[cfg(feature = "torch")]
pub mod sample;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Turns collections of generated art and photographs into an SDXL fine-tune.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Run every stage of a recipe: ingest, caption, bucket, train
    Run(StageArgs),
    /// Find the items of the collections; record their facts and verdicts
    Ingest(IngestArgs),
    /// Give every picture its captions
    Caption(CaptionArgs),
    /// Cut and pack samples; publish a generation
    Bucket(StageArgs),
    /// Train from the newest generation of a recipe
    #[cfg(feature = "torch")]
    Train(TrainArgs),
    /// Draw pictures: from text, from a picture, or into a part of one
    #[cfg(feature = "torch")]
    Sample(Box<sample::SampleArgs>),
    /// Write a model in another layout: a diffusers folder, or a single file
    #[cfg(feature = "torch")]
    Export(Box<export::ExportArgs>),
    /// Show the order of samples, repeats and batches of an epoch
    Plan(PlanArgs),
    /// Show what every stage did with every collection, and the mix that came of it
    Report(ReportArgs),
    /// Show all that is known of an item, picture or sample
    Explain(ExplainArgs),
    /// Show what thresholds on each score would keep
    Sweep(StageArgs),
    /// Write what did not pass as a table, and count it by reason
    Rejects(StageArgs),
    /// Hold every file that a generation names against its hash
    Verify(VerifyArgs),
    /// Put the parts of ledger, verdicts and captions together
    Compact(StageArgs),
    /// Take away old generations, and the shards that no kept one names
    Gc(StageArgs),
    /// Write the newest generation in the format of another tool
    ExportDataset(ExportDatasetArgs),
    /// Make a recipe of the dataset config of another trainer
    Import(ImportArgs),
    /// Look at this machine, and at a recipe if one is named
    Doctor(DoctorArgs),
    /// Draw a collection of anime pictures and photo-like anchors
    Demo(DemoArgs),
    /// Show a recipe with every default filled in, or the schema of recipes
    #[command(subcommand)]
    Config(ConfigVerb),
    /// Print a script that completes arguments in a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Which recipe.
#[derive(Args, Clone, Debug)]
pub struct RecipeArgs {
    /// The recipe, a TOML file
    pub recipe: PathBuf,
    /// Lay a setting over the recipe, as TOML: `bucket.target_px=512`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
}

/// What every stage takes.
#[derive(Args, Clone, Debug)]
pub struct StageArgs {
    /// Which recipe.
    #[command(flatten)]
    pub recipe: RecipeArgs,
    /// How.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// How a verb works and talks.
#[derive(Args, Clone, Copy, Debug)]
pub struct CommonArgs {
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print one JSON document on stdout
    #[arg(long)]
    pub json: bool,
    /// Threads to work with; all cores unless set
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Show no progress
    #[arg(long, short)]
    pub quiet: bool,
}

/// A stage that can be split over processes.
#[derive(Args, Clone, Debug)]
pub struct ShardedArgs {
    /// The stage.
    #[command(flatten)]
    pub stage: StageArgs,
    /// Work on a share of the items, told by the hash of their ids: `0/4` to `3/4`
    #[arg(long, value_name = "I/N", value_parser = share)]
    pub shard: Option<(u32, u32)>,
}

/// `terminus caption`.
#[derive(Args, Clone, Debug)]
pub struct CaptionArgs {
    /// The stage.
    #[command(flatten)]
    pub sharded: ShardedArgs,
    /// Only say what the recipe's captioners make of these files, and write nothing
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "shard")]
    pub image: Vec<PathBuf>,
    /// Ask this captioner alone, with `--image` or `--self-check`
    #[arg(long, value_name = "NAME")]
    pub captioner: Option<String>,
    /// Print every stage of the models in numbers, over the first `--image` or a picture made by a formula, so that they can be held against the originals
    #[arg(long)]
    pub self_check: bool,
}

/// `terminus ingest`.
#[derive(Args, Clone, Debug)]
pub struct IngestArgs {
    /// The stage.
    #[command(flatten)]
    pub sharded: ShardedArgs,
    /// Read every file again, whatever its size and times say, and ask every address whether it has changed
    #[arg(long)]
    pub rehash: bool,
    /// Take in what is new, again and again, until stopped
    #[arg(long, conflicts_with = "dry_run")]
    pub watch: bool,
    /// Seconds between two looks of `--watch`
    #[arg(long, value_name = "SECONDS", default_value = "10", requires = "watch")]
    pub every: std::num::NonZeroU32,
}

/// `terminus verify`.
#[derive(Args, Clone, Debug)]
pub struct VerifyArgs {
    /// The stage.
    #[command(flatten)]
    pub stage: StageArgs,
    /// Bring back damaged originals: from where they were found, or by having the next ingest fetch them
    #[arg(long)]
    pub repair: bool,
}

/// `terminus train`.
#[derive(Args, Clone, Debug)]
pub struct TrainArgs {
    /// The stage.
    #[command(flatten)]
    pub stage: StageArgs,
    /// Train from this manifest instead of the recipe's newest generation
    #[arg(long, value_name = "PATH")]
    pub manifest: Option<PathBuf>,
    /// The run's name; its folder is `runs/<name>` under the root
    #[arg(long, value_name = "NAME")]
    pub run: Option<String>,
    /// Go on from this checkpoint instead of the run's newest
    #[arg(long, value_name = "FOLDER")]
    pub resume_from: Option<PathBuf>,
    /// After training, hold the model's loss against shuffled captions and against the untrained model
    #[arg(long)]
    pub evaluate: bool,
}

/// `terminus plan`.
#[derive(Args, Clone, Debug)]
pub struct PlanArgs {
    /// The stage.
    #[command(flatten)]
    pub stage: StageArgs,
    /// The epoch, from 0
    #[arg(long, default_value_t = 0)]
    pub epoch: u64,
    /// Samples that a device takes at once; as `[train]` says unless set
    #[arg(long, value_name = "N")]
    pub device_batch: Option<std::num::NonZeroU32>,
    /// Devices; as `[train]` says unless set
    #[arg(long, value_name = "N")]
    pub devices: Option<std::num::NonZeroU32>,
    /// Device batches between two updates; as `[train]` says unless set
    #[arg(long, value_name = "N")]
    pub accumulation: Option<std::num::NonZeroU32>,
    /// Print every place as a line: step, place, sample, role, width, height, fill
    #[arg(long, conflicts_with = "json")]
    pub list: bool,
    /// Write every place as a row of a Parquet file
    #[arg(long, value_name = "FILE.parquet", conflicts_with = "list")]
    pub out: Option<PathBuf>,
}

/// `terminus export-dataset`.
#[derive(Args, Clone, Debug)]
pub struct ExportDatasetArgs {
    /// The stage.
    #[command(flatten)]
    pub stage: StageArgs,
    /// The format
    #[arg(long, value_enum)]
    pub format: DatasetFormat,
    /// The folder to write, which must not exist or be empty; or `s3://bucket/prefix`, `gs://…`, `az://…`, with keys from
    /// the environment
    #[arg(long, value_name = "FOLDER|ADDRESS")]
    pub to: PathBuf,
    /// Write the places of this epoch, repeats and all, instead of every sample once
    #[arg(long, value_name = "E")]
    pub epoch: Option<u64>,
    /// Write this generation instead of the newest
    #[arg(long, value_name = "N")]
    pub generation: Option<u32>,
    /// Samples in one Parquet or tar file
    #[arg(long, value_name = "N", default_value = "4096")]
    pub file_rows: std::num::NonZeroU32,
}

/// Formats of other tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DatasetFormat {
    /// Parquet with an image column: Hugging Face `datasets`, DuckDB, Polars
    Parquet,
    /// Tar files of image, text and JSON: `webdataset`
    Webdataset,
    /// Folders, captions and a `dataset.toml`: kohya's scripts
    Kohya,
    /// Folders with a `metadata.jsonl`: `load_dataset("imagefolder")`
    HfImagefolder,
}

/// `terminus import`.
#[derive(Args, Clone, Debug)]
pub struct ImportArgs {
    /// The config: kohya's `dataset.toml` or `.json`, or `SimpleTuner`'s `multidatabackend.json`
    pub config: PathBuf,
    /// Whose config it is; told by what it holds unless set
    #[arg(long, value_enum)]
    pub from: Option<Trainer>,
    /// Write the recipe here instead of on stdout
    #[arg(long, value_name = "FILE.toml")]
    pub out: Option<PathBuf>,
}

/// Trainers whose dataset configs are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Trainer {
    /// kohya's sd-scripts
    Kohya,
    /// `SimpleTuner`
    #[value(name = "simpletuner")]
    SimpleTuner,
}

/// `terminus report`.
#[derive(Args, Clone, Debug)]
pub struct ReportArgs {
    /// The stage.
    #[command(flatten)]
    pub stage: StageArgs,
    /// Report on this generation instead of the newest
    #[arg(long, value_name = "N")]
    pub generation: Option<u32>,
    /// Write the report as one HTML file that needs nothing beside it
    #[arg(long, value_name = "FILE", conflicts_with = "diff")]
    pub html: Option<PathBuf>,
    /// Compare two generations
    #[arg(long, value_names = ["A", "B"], num_args = 2, conflicts_with = "generation")]
    pub diff: Option<Vec<u32>>,
}

/// `terminus explain`.
#[derive(Args, Clone, Debug)]
pub struct ExplainArgs {
    /// The recipe.
    #[command(flatten)]
    pub stage: StageArgs,
    /// An item, picture or sample id (its first digits are enough), a source id or a part of a path
    pub id: String,
}

/// `terminus doctor`.
#[derive(Args, Clone, Debug)]
pub struct DoctorArgs {
    /// A recipe to check
    pub recipe: Option<PathBuf>,
    /// A model to look at: a diffusers folder or a single safetensors file
    #[cfg(feature = "torch")]
    #[arg(long, value_name = "PATH")]
    pub model: Option<PathBuf>,
    /// A diffusers folder with the configurations of a single file
    #[cfg(feature = "torch")]
    #[arg(long, value_name = "FOLDER", requires = "model")]
    pub config: Option<PathBuf>,
    /// Print one JSON document on stdout
    #[arg(long)]
    pub json: bool,
}

/// `terminus demo`.
#[derive(Args, Clone, Debug)]
pub struct DemoArgs {
    /// Where to draw
    pub folder: PathBuf,
    /// How many pictures
    #[arg(long, default_value_t = 400)]
    pub images: u32,
    /// The seed: the same one draws the same bytes
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// The size of the pictures, of which 1 is Midjourney's
    #[arg(long, value_enum, default_value = "1")]
    pub scale: DemoScale,
    /// How.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Sizes of demo pictures.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum DemoScale {
    /// As Midjourney draws them: 1024² and its kin
    #[value(name = "1")]
    Whole,
    /// A quarter of each side
    #[value(name = "1/4")]
    Quarter,
    /// An eighth of each side
    #[value(name = "1/8")]
    Eighth,
}

/// `terminus config`.
#[derive(Debug, Subcommand)]
pub enum ConfigVerb {
    /// The effective recipe, as TOML
    Show {
        /// Which recipe.
        #[command(flatten)]
        recipe: RecipeArgs,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// The JSON Schema of recipes
    Schema,
}

/// Reads `I/N`.
fn share(text: &str) -> Result<(u32, u32), String> {
    let parse = || {
        let (index, of) = text.split_once('/')?;
        Some((index.parse().ok()?, of.parse().ok()?))
    };
    match parse() {
        Some((index, of)) if index < of => Ok((index, of)),
        _ => Err("a share is `I/N` with I from 0 to N - 1, such as `0/4`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_share_counts_from_0() {
        assert_eq!(share("3/4"), Ok((3, 4)));
        assert!(share("4/4").is_err());
        assert!(share("1").is_err());
    }
}
