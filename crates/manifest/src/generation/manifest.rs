//! The document that names everything that a trainer needs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    plan::{Mix, MixRules, RoleMix, Shape},
    words::{Outcome, Stage},
};

/// `manifest.json`, written last. Paths are relative to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the contract.
    pub schema_version: u32,
    /// The recipe's name.
    pub recipe: String,
    /// The generation's number; numbers are shared by all recipes of a root.
    pub generation: u32,
    /// The generation before it, of the same recipe.
    pub parent: Option<u32>,
    /// When it was published, RFC 3339.
    pub created_at: String,
    /// Hash of the effective recipe without its root and `[train]`.
    pub recipe_sha256: String,
    /// The recipe's seed: the plan of every epoch rests on it.
    pub seed: u64,
    /// How batches are made up.
    pub shape: Shape,
    /// The index.
    pub samples: SamplesRecord,
    /// Every shard that the index names, by name.
    pub shards: Vec<ShardRecord>,
    /// The mix of epoch 0 at device batch 1, one device, accumulation 1.
    pub mix: MixRecord,
    /// Samples by the decoder that read their pixels.
    pub decoders: BTreeMap<String, u64>,
    /// Samples by size, train and validation together, the widest first.
    pub buckets: Vec<BucketRecord>,
    /// What each stage did with its items.
    pub counts: BTreeMap<Stage, StageCounts>,
}

/// The index file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SamplesRecord {
    /// Relative path.
    pub path: String,
    /// Rows in it.
    pub rows: u64,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

/// A shard file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ShardRecord {
    /// Relative path.
    pub path: String,
    /// Rows in it.
    pub rows: u64,
    /// Its size.
    pub size_bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

/// Asked and achieved mix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MixRecord {
    /// Of the whole epoch.
    #[serde(flatten)]
    pub total: Mix,
    /// By collection.
    pub by_collection: BTreeMap<String, RoleMix>,
    /// What the recipe says of collections' parts.
    #[serde(default, skip_serializing_if = "MixRules::is_empty")]
    pub rules: MixRules,
    /// Places that the rules ask for and that a collection cannot take, because `max_repeats` allows no more.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub short_by_collection: BTreeMap<String, u64>,
}

/// The samples of one size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketRecord {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// How many.
    pub samples: u64,
}

/// What a stage did: `in` = passed + rejected + failed + pending + gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageCounts {
    /// Items that came in.
    #[serde(rename = "in")]
    pub entered: u64,
    /// Items that go on.
    pub passed: u64,
    /// Items that the settings do not want.
    pub rejected: u64,
    /// Items that could not be judged or used.
    pub failed: u64,
    /// Items that have not been judged with these settings.
    pub pending: u64,
    /// Items that are no longer where they were found.
    pub gone: u64,
}

impl StageCounts {
    /// Counts one more item.
    pub fn add(&mut self, outcome: Outcome) {
        self.entered += 1;
        match outcome {
            Outcome::Passed => self.passed += 1,
            Outcome::Rejected => self.rejected += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Pending => self.pending += 1,
            Outcome::Gone => self.gone += 1,
        }
    }
}

/// `latest.json`: which generation is the newest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latest {
    /// Its number.
    pub generation: u32,
    /// Its manifest, relative to `latest.json`.
    pub manifest: String,
    /// SHA-256 of the manifest's bytes.
    pub sha256: String,
}
