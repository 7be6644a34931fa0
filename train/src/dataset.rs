//! What a trainer reads: a generation's samples, split, and the encoded pictures behind them.

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
};

use fs_err as fs;
use terminus_manifest::{
    Root,
    generation::Generation,
    ids::{SampleId, Sha256Digest},
    index::IndexRow,
    plan::PlanSettings,
    shard::ShardReader,
    words::Split,
};
use terminus_pixels::{Limits, PixelPolicy, RgbImage, decode};

use crate::{Error, time_ids::SampleGeometry};

/// Where samples come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataSource {
    /// One manifest, for good.
    Manifest(PathBuf),
    /// The newest generation of a recipe.
    Recipe {
        /// The recipe's root.
        root: PathBuf,
        /// The recipe's name.
        name: String,
    },
}

impl DataSource {
    /// The manifest to train on now.
    ///
    /// # Errors
    /// No generation of the recipe is published.
    pub fn manifest(&self) -> Result<PathBuf, Error> {
        match self {
            Self::Manifest(path) => Ok(path.clone()),
            Self::Recipe { root, name } => {
                Ok(Generation::required(&Root::new(root), name)?.manifest_path())
            }
        }
    }
}

/// One generation, opened: its index in memory, its shards' footers read.
#[derive(Debug)]
pub struct Dataset {
    manifest: PathBuf,
    sha256: String,
    generation: Generation,
    train: Vec<IndexRow>,
    held_out: Vec<IndexRow>,
    shards: BTreeMap<String, ShardReader>,
    skipped: usize,
}

impl Dataset {
    /// Opens the generation of the manifest at `path`.
    ///
    /// # Errors
    /// Manifest, index or a shard cannot be read; nothing is in the train split.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let sha256 = manifest_sha256(path)?;
        let generation = Generation::open(path)?;
        let index = generation.index()?;
        let mut shards = BTreeMap::new();
        for row in &index {
            if !shards.contains_key(&row.shard) {
                let reader = ShardReader::open(&generation.shard_path(&row.shard))?;
                shards.insert(row.shard.clone(), reader);
            }
        }
        let (train, held_out) = index.into_iter().partition(|row| row.split == Split::Train);
        let dataset = Self {
            manifest: path.to_owned(),
            sha256,
            generation,
            train,
            held_out,
            shards,
            skipped: 0,
        };
        dataset.require_train()?;
        Ok(dataset)
    }

    /// The samples that are trained on, sorted by id.
    pub fn train(&self) -> &[IndexRow] {
        &self.train
    }

    /// The samples that are held out, sorted by id.
    pub fn held_out(&self) -> &[IndexRow] {
        &self.held_out
    }

    /// Every sample.
    pub fn rows(&self) -> impl Iterator<Item = &IndexRow> {
        self.train.iter().chain(&self.held_out)
    }

    /// The settings of the recipe's plan; a trainer puts its batch sizes in.
    pub fn plan_settings(&self) -> PlanSettings {
        self.generation.plan_settings()
    }

    /// The generation's number.
    pub fn generation(&self) -> u64 {
        u64::from(self.generation.manifest.generation)
    }

    /// Where the manifest lies.
    pub fn manifest(&self) -> &Path {
        &self.manifest
    }

    /// sha256 of the manifest.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// How many samples [`Dataset::leave_out`] has taken away.
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// The size of every bucket: width, height.
    pub fn sizes(&self) -> HashSet<(u32, u32)> {
        self.rows().map(|row| (row.width, row.height)).collect()
    }

    /// Goes on without these samples.
    ///
    /// # Errors
    /// Nothing would be left of the train split.
    pub fn leave_out(&mut self, samples: &HashSet<SampleId>) -> Result<(), Error> {
        let before = self.train.len() + self.held_out.len();
        for rows in [&mut self.train, &mut self.held_out] {
            rows.retain(|row| !samples.contains(&row.sample_id));
        }
        self.skipped += before - self.train.len() - self.held_out.len();
        self.require_train()
    }

    /// The pixels of a sample.
    ///
    /// # Errors
    /// Its shard cannot be read, or the picture in it is damaged or of another size than the index says.
    pub fn pixels(&self, row: &IndexRow) -> Result<RgbImage, Error> {
        let missing = || terminus_manifest::Error::RowOutOfRange {
            path: self.generation.shard_path(&row.shard),
            rows: 0,
            row: u64::from(row.row),
        };
        let shard = self.shards.get(&row.shard).ok_or_else(missing)?;
        let encoded = shard.image(u64::from(row.row))?;
        let image = decode(&encoded.bytes, &PixelPolicy::default(), &Limits::default())?.image;
        if (image.width_px, image.height_px) != (row.width, row.height) {
            return Err(Error::SampleSize {
                sample: row.sample_id,
                found: (image.width_px, image.height_px),
                expected: (row.width, row.height),
            });
        }
        Ok(image)
    }

    fn require_train(&self) -> Result<(), Error> {
        if self.train.is_empty() {
            return Err(Error::NoSamples {
                manifest: self.manifest.clone(),
                split: "train",
            });
        }
        Ok(())
    }
}

/// sha256 of the manifest at `path`, hex.
///
/// # Errors
/// It cannot be read.
pub fn manifest_sha256(path: &Path) -> Result<String, Error> {
    Ok(Sha256Digest::of(&fs::read(path)?).to_string())
}

/// What the network is told of where a sample's pixels come from.
///
/// Of a picture that was resized before it was cropped, SDXL names the size before and the crop's place after.
pub fn geometry(row: &IndexRow) -> SampleGeometry {
    SampleGeometry {
        original_height: row.original_height,
        original_width: row.original_width,
        crop_top: row.crop_top,
        crop_left: row.crop_left,
        target_height: row.height,
        target_width: row.width,
    }
}
