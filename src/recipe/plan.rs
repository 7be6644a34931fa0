//! From what was written to what will be done: paths resolved, defaults of collections filled in.

mod settings;

use std::{
    num::NonZeroU32,
    path::{Component, Path, PathBuf},
};

use serde_json::Value;
use terminus_bucket::config::{BucketConfig, MixConfig};
use terminus_caption::config::CaptionerConfig;
use terminus_ingest::config::{Columns, Defaults, IngestConfig, Select, Source, StoreMode};
use terminus_manifest::{canonical::document_hash, words::Role};
use terminus_train::config::{ModelConfig, SampleConfig, TrainConfig};

use super::{Collection, Recipe};

/// What a recipe does; every path in it is as good as absolute: nothing depends on the recipe's folder any more.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The recipe's name.
    pub name: String,
    /// The folder that holds everything that the stages make.
    pub root: PathBuf,
    /// Seed of every draw.
    pub seed: u64,
    /// Hash of the recipe as it bears on generations: without root and `[train]`.
    pub recipe_sha256: String,
    /// The collections, in the recipe's order.
    pub collections: Vec<CollectionPlan>,
    /// Limits, and how pictures become pixels.
    pub ingest: IngestConfig,
    /// Crops and shards.
    pub bucket: BucketConfig,
    /// The mix of an epoch.
    pub mix: MixConfig,
    /// What the trained model says of itself; it has a name.
    pub model: ModelConfig,
    /// Training, its paths resolved; it has a seed.
    pub train: TrainConfig,
    /// The pictures that a run draws; it has a seed.
    pub sample: SampleConfig,
}

/// One collection, nothing left to ask.
#[derive(Clone, Debug, PartialEq)]
pub struct CollectionPlan {
    /// Its name.
    pub name: String,
    /// What it is in the mix.
    pub role: Role,
    /// Where its items are found.
    pub source: Source,
    /// What the columns of its lists are called.
    pub columns: Columns,
    /// What made the pictures that do not say.
    pub defaults: Defaults,
    /// Which of them are wanted.
    pub select: Select,
    /// Whether its originals are copied.
    pub store: StoreMode,
    /// The least that the shorter side of an image may measure.
    pub min_side_px: NonZeroU32,
    /// Its captioners, by name.
    pub captioners: Vec<(String, CaptionerConfig)>,
    /// What its ingest verdicts depend on, for `config_hash`.
    pub ingest_settings: Value,
    /// What its captions and caption verdicts depend on, for `config_hash`.
    pub caption_settings: Value,
    /// What its samples and bucket verdicts depend on, for `config_hash`.
    pub bucket_settings: Value,
}

impl Recipe {
    /// The plan of this recipe; relative paths start from the recipe's folder.
    ///
    /// # Errors
    /// A number that canonical JSON cannot hold, which the checks of [`load`](super::load) leave no room for.
    pub fn plan(&self) -> Result<Plan, terminus_manifest::Error> {
        let folder = self.file.parent().unwrap_or(Path::new(""));
        let resolve = |path: &Path| resolve(folder, path);
        let collections = self
            .collection
            .iter()
            .map(|collection| self.collection_plan(collection));
        let mut train = self.train.clone();
        train.base = train.base.map(|path| resolve(&path));
        train.vae = train.vae.map(|path| resolve(&path));
        train.seed = train.seed.or(Some(self.seed));
        let mut sample = self.sample.clone();
        sample.seed = sample.seed.or(Some(self.seed));
        let mut ingest = self.ingest.clone();
        for path in &mut ingest.scores.files {
            *path = resolve(path);
        }
        let mut model = self.model.clone();
        model.name.get_or_insert_with(|| self.name.clone());
        Ok(Plan {
            name: self.name.clone(),
            root: resolve(&self.root),
            seed: self.seed,
            recipe_sha256: document_hash(&settings::recipe(self))?,
            collections: collections.collect(),
            ingest,
            bucket: self.bucket.clone(),
            mix: self.mix.clone(),
            model,
            train,
            sample,
        })
    }

    fn collection_plan(&self, collection: &Collection) -> CollectionPlan {
        let folder = self.file.parent().unwrap_or(Path::new(""));
        let captioners: Vec<(String, CaptionerConfig)> = collection
            .captioners()
            .map(|name| {
                let config = self.captioner.get(name).cloned().unwrap_or_default();
                (name.to_owned(), config.at(|path| resolve(folder, path)))
            })
            .collect();
        CollectionPlan {
            name: collection.name.clone(),
            role: collection.role,
            source: collection
                .source
                .at(resolve(folder, collection.source.path())),
            columns: collection.columns.clone(),
            defaults: collection.defaults.clone(),
            select: collection.select.clone(),
            store: collection.store.unwrap_or(self.ingest.store),
            min_side_px: collection.min_side_px.unwrap_or(self.ingest.min_side_px),
            ingest_settings: settings::ingest(self, collection),
            caption_settings: settings::caption(self, collection),
            bucket_settings: settings::bucket(self),
            captioners,
        }
    }
}

/// `path` from `folder`, without `.`, and without `..` where dropping it names the same place.
fn resolve(folder: &Path, path: &Path) -> PathBuf {
    let mut resolved = PathBuf::new();
    for component in folder.join(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if ends_in_folder(&resolved) => {
                resolved.pop();
            }
            component => resolved.push(component),
        }
    }
    if resolved.as_os_str().is_empty() {
        resolved.push(Component::CurDir);
    }
    resolved
}

/// Whether the last component is a name that `..` leads back from: a symbolic link leads elsewhere.
fn ends_in_folder(path: &Path) -> bool {
    matches!(path.components().next_back(), Some(Component::Normal(_))) && !path.is_symlink()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_start_from_the_recipes_folder() {
        let resolved = |folder, path| resolve(Path::new(folder), Path::new(path));
        assert_eq!(resolved("recipes", "../work/demo"), Path::new("work/demo"));
        assert_eq!(resolved("recipes", "/data/demo"), Path::new("/data/demo"));
        assert_eq!(resolved("", "../../work"), Path::new("../../work"));
        assert_eq!(resolved("a/b", "./c/../d"), Path::new("a/b/d"));
        assert_eq!(resolved("recipes", ".."), Path::new("."));
    }

    #[cfg(unix)]
    #[test]
    fn dots_behind_a_symbolic_link_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("elsewhere/configs", folder.path().join("configs")).unwrap();
        let configs = folder.path().join("configs");
        assert_eq!(
            resolve(&configs, Path::new("../work")),
            configs.join("../work")
        );
    }
}
