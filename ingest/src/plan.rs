//! What an ingest will do: the recipe's settings, checked, with paths resolved.

use std::{path::PathBuf, time::Duration};

use terminus_manifest::{Root, overrides::Overrides, words::Role};
use terminus_pixels::{Limits, PixelPolicy};

use crate::config::{
    Columns, Defaults, DownloadConfig, DuplicatesConfig, Grids, ScoresConfig, Select, Source,
    StoreMode,
};

/// A whole ingest.
#[derive(Clone, Debug)]
pub struct IngestPlan {
    /// Where ledger, verdicts and originals lie.
    pub root: Root,
    /// The collections in the recipe's order: an item in two of them belongs to the first.
    pub collections: Vec<CollectionPlan>,
    /// People's decisions.
    pub overrides: Overrides,
    /// Which pictures count as the same.
    pub duplicates: DuplicatesConfig,
    /// How addresses are fetched.
    pub download: DownloadConfig,
    /// Files of scores that join by sha256.
    pub score_files: Vec<PathBuf>,
    /// `i` of `--shard i/N`.
    pub shard: u32,
    /// `N` of it; 1 for all items.
    pub of: u32,
    /// Read every file, whatever its size and times say, and ask every address whether it has changed.
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
    /// What the columns of its lists are called.
    pub columns: Columns,
    /// What made the pictures that do not say.
    pub defaults: Defaults,
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
    /// What becomes of grids.
    pub grids: Grids,
    /// Thresholds on scores.
    pub scores: ScoresConfig,
    /// The largest image file, in bytes.
    pub max_file_bytes: u64,
    /// The largest sidecar, in bytes.
    pub max_sidecar_bytes: u64,
    /// The longest that decoding a picture may take.
    pub decode_timeout: Duration,
    /// Hash of all that its verdicts depend on.
    pub config_hash: String,
}
