//! What an ingest will do: the recipe's settings, checked, with paths resolved.

use std::path::PathBuf;

use terminus_manifest::{Root, overrides::Overrides, words::Role};
use terminus_pixels::{Limits, PixelPolicy};

use crate::config::{Select, Source, StoreMode};

/// A whole ingest.
#[derive(Clone, Debug)]
pub struct IngestPlan {
    /// Where ledger, verdicts and originals lie.
    pub root: Root,
    /// The collections in the recipe's order: an item in two of them belongs to the first.
    pub collections: Vec<CollectionPlan>,
    /// People's decisions.
    pub overrides: Overrides,
    /// `i` of `--shard i/N`.
    pub shard: u32,
    /// `N` of it; 1 for all items.
    pub of: u32,
    /// Read every file, whatever its size and times say.
    pub rehash: bool,
    /// Only say what would be done.
    pub dry_run: bool,
}

/// One collection.
#[derive(Clone, Debug)]
pub struct CollectionPlan {
    /// Its name.
    pub name: String,
    /// What its samples are for.
    pub role: Role,
    /// Where its items are found.
    pub source: Source,
    /// Which of them are wanted.
    pub select: Select,
    /// Whether originals are copied into the root.
    pub store: StoreMode,
    /// The least that the shorter side may measure.
    pub min_side_px: u32,
    /// What is refused by its header.
    pub limits: Limits,
    /// Which kinds of pictures are refused rather than converted.
    pub policy: PixelPolicy,
    /// The largest image file, in bytes.
    pub max_file_bytes: u64,
    /// The largest sidecar, in bytes.
    pub max_sidecar_bytes: u64,
    /// Hash of all that its verdicts depend on.
    pub config_hash: String,
}

impl CollectionPlan {
    /// The folder of the collection, if its source is one.
    pub fn folder(&self) -> Option<&PathBuf> {
        match &self.source {
            Source::Folder(path) => Some(path),
            Source::Discord(_) | Source::Urls(_) => None,
        }
    }
}
