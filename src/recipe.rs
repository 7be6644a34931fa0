//! Recipes: one TOML file that says what is collected, captioned, cut, mixed and trained.
//!
//! Reading one takes five steps, and every fault that any of them finds is reported at once, with its line:
//!
//! 1. `document`: the text and the `--set` overrides become one tree whose every value knows where it was written;
//! 2. `names`: names that refer to names;
//! 3. `walk`: the tree is held against the JSON Schema of [`Recipe`]: unknown keys, types, ranges, words;
//! 4. the tree becomes a [`Recipe`], with the defaults of each stage's settings;
//! 5. `checks`: settings that need or exclude each other.
//!
//! What the schema faults is cut out of the tree, so that the later steps still see the rest.

mod allowed;
mod checks;
mod collection;
mod document;
mod fault;
mod key;
mod names;
mod near;
mod plan;
mod schema;
mod show;
mod walk;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use terminus_bucket::config::{BucketConfig, MixConfig};
use terminus_caption::config::CaptionerConfig;
use terminus_ingest::config::IngestConfig;
use terminus_train::config::{ModelConfig, SampleConfig, TrainConfig};

use document::{Document, Sources};
use fault::Faults;

pub use collection::Collection;
pub use fault::{Fault, Place, RecipeError};
pub use key::KeyPath;
pub use plan::{CollectionPlan, Plan};
pub use schema::schema;
pub use show::show;

/// What a recipe says, every default filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The recipe's name, which its generations and runs bear; the file's stem unless it is set.
    #[serde(default)]
    #[schemars(extend("format" = "file-name"))]
    pub name: String,
    /// The folder that holds everything that the stages make.
    pub root: PathBuf,
    /// Seed of every draw.
    #[serde(default = "default_seed")]
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    pub seed: u64,
    /// What is collected; where two hold the same item, the first counts.
    #[schemars(length(min = 1))]
    pub collection: Vec<Collection>,
    /// What an image must be to enter the collection.
    #[serde(default)]
    pub ingest: IngestConfig,
    /// How pictures get their captions, by the names that collections use; `prompt` is built in.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub captioner: BTreeMap<String, CaptionerConfig>,
    /// Which crops become samples, and how they are stored.
    #[serde(default)]
    pub bucket: BucketConfig,
    /// How train and anchor samples are mixed in an epoch.
    #[serde(default)]
    pub mix: MixConfig,
    /// What the trained model says of itself.
    #[serde(default)]
    pub model: ModelConfig,
    /// What is trained, on what, towards what, and for how long.
    #[serde(default, skip_serializing_if = "has_no_base")]
    pub train: TrainConfig,
    /// The pictures that a run draws.
    #[serde(default)]
    pub sample: SampleConfig,
    /// The recipe's file, whose folder relative paths start from.
    #[serde(skip)]
    file: PathBuf,
}

fn default_seed() -> u64 {
    42
}

/// Whether there is nothing to train: a `[train]` that is written needs a base.
fn has_no_base(train: &TrainConfig) -> bool {
    train.base.is_none()
}

impl Recipe {
    /// The recipe's file, as it was named.
    pub fn file(&self) -> &Path {
        &self.file
    }
}

/// The recipe in the file at `path`, with `sets` (`key=value`, as TOML) laid over it.
///
/// Whether the paths that it names exist is not checked: the stage that reads one does that.
///
/// # Errors
/// [`RecipeError`], with every fault that was found.
pub fn load(path: &Path, sets: &[String]) -> Result<Recipe, RecipeError> {
    let text = String::from_utf8(fs_err::read(path).map_err(RecipeError::Read)?)
        .map_err(|error| RecipeError::not_text(path, &error))?;
    let sources = Sources::new(text, sets);
    read(path, &sources).map_err(|faults| faults.into_error(path, &sources))
}

fn read(path: &Path, sources: &Sources) -> Result<Recipe, Faults> {
    let mut faults = Faults::default();
    let Some(mut document) = Document::parse(sources, &mut faults) else {
        return Err(faults);
    };
    document.name_after(path);
    names::check(&document, &mut faults);
    walk::check(&mut document, &mut faults);
    let recipe = document.to_recipe(path, &mut faults);
    if let Some(recipe) = &recipe {
        checks::check(recipe, &document, &mut faults);
    }
    match recipe {
        Some(recipe) if faults.is_empty() => Ok(recipe),
        _ => Err(faults),
    }
}
