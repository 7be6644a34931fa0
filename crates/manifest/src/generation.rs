//! Generations: immutable versions of a training set. A trainer needs a manifest and what it names, nothing else.

mod manifest;

use std::{
    io,
    path::{Path, PathBuf},
};

use fs_err as fs;
use serde::{Serialize, de::DeserializeOwned};

pub use manifest::{
    BucketRecord, Latest, Manifest, MixRecord, SamplesRecord, ShardRecord, StageCounts,
};

use crate::{
    Error, Root, atomic, failpoint,
    ids::Sha256Digest,
    index::IndexRow,
    plan::{PlanSample, PlanSettings, collection_key},
    table,
    words::Split,
};

/// A published generation.
#[derive(Clone, Debug)]
pub struct Generation {
    /// What it says of itself.
    pub manifest: Manifest,
    folder: PathBuf,
}

impl Generation {
    /// Reads the manifest at `path`.
    ///
    /// # Errors
    /// It cannot be read, or a later program wrote it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let manifest: Manifest = read_json(path)?;
        if manifest.schema_version > crate::SCHEMA_VERSION {
            return Err(Error::SchemaVersion {
                path: path.to_owned(),
                found: manifest.schema_version,
                supported: crate::SCHEMA_VERSION,
            });
        }
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Ok(Self { manifest, folder })
    }

    /// The newest generation of a recipe, if one is published.
    ///
    /// # Errors
    /// Its files cannot be read, or the manifest is not the one that was published.
    pub fn latest(root: &Root, recipe: &str) -> Result<Option<Self>, Error> {
        let folder = root.generations_of(recipe);
        let path = folder.join("latest.json");
        if !path.exists() {
            return Ok(None);
        }
        let latest: Latest = read_json(&path)?;
        let manifest = folder.join(&latest.manifest);
        check_digest(&manifest, &latest.sha256)?;
        Self::open(&manifest).map(Some)
    }

    /// As [`Generation::latest`], for a stage that cannot go on without one.
    ///
    /// # Errors
    /// [`Error::NoGeneration`] if none is published.
    pub fn required(root: &Root, recipe: &str) -> Result<Self, Error> {
        Self::latest(root, recipe)?.ok_or_else(|| Error::NoGeneration {
            path: root.generations_of(recipe).join("latest.json"),
        })
    }

    /// Generation `number` of a recipe.
    ///
    /// # Errors
    /// [`Error::NoSuchGeneration`] if it was never published or is gone; its manifest cannot be read.
    pub fn numbered(root: &Root, recipe: &str, number: u32) -> Result<Self, Error> {
        let folder = root.generations_of(recipe);
        let path = folder.join(format!("{number:06}")).join("manifest.json");
        if !path.exists() {
            return Err(Error::NoSuchGeneration {
                path,
                published: Self::published(root, recipe)?,
            });
        }
        Self::open(&path)
    }

    /// The numbers of a recipe's published generations, the oldest first. One that is being made is not among them.
    ///
    /// # Errors
    /// The folder cannot be listed, or `latest.json` cannot be read.
    pub fn published(root: &Root, recipe: &str) -> Result<Vec<u32>, Error> {
        let folder = root.generations_of(recipe);
        let path = folder.join("latest.json");
        if !path.exists() {
            return Ok(Vec::new());
        }
        let latest: Latest = read_json(&path)?;
        let mut numbers = numbers(&folder)?;
        numbers.retain(|&number| {
            let manifest = folder.join(format!("{number:06}")).join("manifest.json");
            number <= latest.generation && manifest.exists()
        });
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Takes the generation away, its manifest first, so that nobody opens what is half gone. Shards stay.
    ///
    /// # Errors
    /// A file cannot be removed; the generation is then no longer published, and its folder is left to the next try.
    pub fn remove(self) -> Result<(), Error> {
        fs::remove_file(self.manifest_path())?;
        fs::remove_dir_all(&self.folder)?;
        Ok(())
    }

    /// Where the manifest lies.
    pub fn manifest_path(&self) -> PathBuf {
        self.folder.join("manifest.json")
    }

    /// The index, sorted by sample id, after its digest has been checked.
    ///
    /// # Errors
    /// It cannot be read, or is not the one that the manifest names.
    pub fn index(&self) -> Result<Vec<IndexRow>, Error> {
        let path = self.folder.join(&self.manifest.samples.path);
        check_digest(&path, &self.manifest.samples.sha256)?;
        table::read(&path)
    }

    /// Where a shard lies, from its path in the manifest or the index.
    pub fn shard_path(&self, relative: &str) -> PathBuf {
        self.folder.join(relative)
    }

    /// The settings that the manifest's own mix was computed with; a trainer puts its batch sizes in.
    pub fn plan_settings(&self) -> PlanSettings {
        let manifest = &self.manifest;
        PlanSettings::of_manifest(manifest.seed, manifest.shape, manifest.mix.total.asked)
            .with_rules(&manifest.mix.rules)
    }
}

/// The rows of an index that are trained on, as the plan takes them, in the index's order.
pub fn plan_samples(index: &[IndexRow]) -> Vec<PlanSample> {
    let trained = index.iter().filter(|row| row.split == Split::Train);
    trained
        .map(|row| PlanSample {
            sample_id: row.sample_id,
            role: row.role,
            collection: collection_key(&row.collection),
            width: row.width,
            height: row.height,
        })
        .collect()
}

/// A generation that is being made. Its number is claimed by making its folder; a run that was killed goes on with it.
#[derive(Debug)]
pub struct Draft {
    /// The number that it will have.
    pub number: u32,
    root: Root,
    folder: PathBuf,
}

impl Draft {
    /// The unfinished generation of this recipe that a killed run left, if there is one.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn unfinished(root: &Root, recipe: &str) -> Result<Option<Self>, Error> {
        let newest = numbers(&root.generations_of(recipe))?.into_iter().max();
        let Some(number) = newest else {
            return Ok(None);
        };
        let draft = Self::numbered(root, recipe, number);
        let is_published = draft.folder.join("manifest.json").exists()
            && Generation::latest(root, recipe)?
                .is_some_and(|latest| latest.manifest.generation >= number);
        Ok((!is_published).then_some(draft))
    }

    /// The unfinished generation, or the claim of the next number. Numbers are shared by all recipes of a root,
    /// because shards are named after them; the caller holds the root's `bucket` lock.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn claim(root: &Root, recipe: &str) -> Result<Self, Error> {
        if let Some(draft) = Self::unfinished(root, recipe)? {
            return Ok(draft);
        }
        let mut highest = 0;
        for name in recipes(root)? {
            let numbers = numbers(&root.generations_of(&name))?;
            highest = numbers.into_iter().fold(highest, u32::max);
        }
        let draft = Self::numbered(root, recipe, highest + 1);
        fs::create_dir_all(&draft.folder)?;
        failpoint::pass("bucket.after_claim");
        Ok(draft)
    }

    fn numbered(root: &Root, recipe: &str, number: u32) -> Self {
        let folder = root.generations_of(recipe).join(format!("{number:06}"));
        Self {
            number,
            root: root.clone(),
            folder,
        }
    }

    /// The generation that is being made, of whichever recipe, that the shard at `path` belongs to, if there is one.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn owner(root: &Root, path: &Path) -> Result<Option<Self>, Error> {
        for recipe in recipes(root)? {
            let draft = Self::unfinished(root, &recipe)?;
            if let Some(draft) = draft.filter(|draft| draft.owns(path)) {
                return Ok(Some(draft));
            }
        }
        Ok(None)
    }

    /// The path of shard `n` of this generation.
    pub fn shard_path(&self, n: u32) -> PathBuf {
        self.root
            .shards()
            .join(format!("{:06}-{n:05}.parquet", self.number))
    }

    /// Whether the shard at `path` was written for this generation.
    pub fn owns(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(&format!("{:06}-", self.number))
    }

    /// Writes index, manifest and `latest.json`, in this order, each atomically: a reader sees the old generation or
    /// the whole new one. `manifest.samples` is filled in here.
    ///
    /// # Errors
    /// A file cannot be written; then the old generation stays the latest.
    pub fn publish(self, mut manifest: Manifest, index: &[IndexRow]) -> Result<Generation, Error> {
        atomic::remove_leftovers(&self.folder)?;
        failpoint::pass("bucket.before_index");
        let written = table::write(&self.folder.join("samples.parquet"), index)?;
        manifest.samples = SamplesRecord {
            path: "samples.parquet".to_owned(),
            rows: index.len() as u64,
            sha256: written.sha256.to_string(),
        };
        failpoint::pass("bucket.before_manifest");
        let path = self.folder.join("manifest.json");
        let sha256 = write_json(&path, &manifest)?;
        failpoint::pass("bucket.before_latest");
        let latest = Latest {
            generation: self.number,
            manifest: format!("{:06}/manifest.json", self.number),
            sha256: sha256.to_string(),
        };
        let recipe_folder = self.root.generations_of(&manifest.recipe);
        write_json(&recipe_folder.join("latest.json"), &latest)?;
        Ok(Generation {
            manifest,
            folder: self.folder,
        })
    }
}

/// The digest that `index` will have once it is written, so that an unchanged one need not be.
///
/// # Errors
/// Never for valid rows.
pub fn index_digest(index: &[IndexRow]) -> Result<Sha256Digest, Error> {
    let mut bytes = Vec::new();
    table::write_to(&mut bytes, index, Path::new("samples.parquet"))?;
    Ok(Sha256Digest::of(&bytes))
}

/// The names of all recipes that have a generation under `root`, sorted.
///
/// # Errors
/// The folder cannot be listed.
pub fn recipes(root: &Root) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for entry in list(&root.generations())? {
        if entry.path().is_dir()
            && let Ok(name) = entry.file_name().into_string()
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// The generation folders of one recipe.
fn numbers(folder: &Path) -> Result<Vec<u32>, Error> {
    let entries = list(folder)?;
    Ok(entries
        .into_iter()
        .filter_map(|entry| {
            entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok())
        })
        .collect())
}

fn list(folder: &Path) -> Result<Vec<fs::DirEntry>, Error> {
    match fs::read_dir(folder) {
        Ok(entries) => Ok(entries.collect::<io::Result<_>>()?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let bytes = fs::read(path)?;
    serde_json::from_slice(&bytes).map_err(|source| Error::Json {
        path: path.to_owned(),
        source,
    })
}

fn write_json<T: Serialize>(path: &Path, document: &T) -> Result<Sha256Digest, Error> {
    let mut bytes = serde_json::to_vec_pretty(document).map_err(|source| Error::Json {
        path: path.to_owned(),
        source,
    })?;
    bytes.push(b'\n');
    Ok(atomic::write(path, &bytes)?.sha256)
}

fn check_digest(path: &Path, expected: &str) -> Result<(), Error> {
    let found = Sha256Digest::of(&fs::read(path)?).to_string();
    if found == expected {
        Ok(())
    } else {
        Err(Error::Digest {
            path: path.to_owned(),
            expected: expected.to_owned(),
            found,
        })
    }
}
