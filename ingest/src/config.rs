//! The settings of ingest: `[ingest]` of a recipe, and its parts of each `[[collection]]`.

mod columns;
mod download;
mod duplicates;
mod scores;
mod select;
mod source;

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use terminus_pixels::{Limits, PixelPolicy};

pub use columns::Columns;
pub use download::{Courtesy, DownloadConfig};
pub use duplicates::DuplicatesConfig;
pub use scores::ScoresConfig;
pub use select::{Defaults, Generator, Kind, Range, Select};
pub use source::Source;

/// What an image must be to enter the collection, and where its bytes are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IngestConfig {
    /// Whether originals are copied into the root or left where they lie.
    pub store: StoreMode,
    /// Images whose shorter side is below this are rejected as `too_small`.
    pub min_side_px: NonZeroU32,
    /// Larger image files are rejected as `too_large` without being read, in MiB.
    pub max_file_mb: NonZeroU32,
    /// Larger sidecars are refused as `bad_sidecar` without being read, in KiB.
    pub max_sidecar_kb: NonZeroU32,
    /// A picture whose decoding takes longer fails as `decode_timeout`, in seconds.
    pub decode_timeout_s: NonZeroU32,
    /// The largest picture that is decoded, told by its header.
    pub limits: Limits,
    /// What becomes of pictures that are not 8-bit opaque sRGB.
    pub pixels: PixelPolicy,
    /// What becomes of grids of four pictures.
    pub grids: Grids,
    /// Thresholds on what is measured of each picture.
    pub scores: ScoresConfig,
    /// Which pictures count as the same.
    pub duplicates: DuplicatesConfig,
    /// How addresses are fetched.
    pub download: DownloadConfig,
}

impl Default for IngestConfig {
    fn default() -> Self {
        Self {
            store: StoreMode::Copy,
            min_side_px: NonZeroU32::MIN,
            max_file_mb: const { NonZeroU32::new(512).unwrap() },
            max_sidecar_kb: const { NonZeroU32::new(1024).unwrap() },
            decode_timeout_s: const { NonZeroU32::new(60).unwrap() },
            limits: Limits::default(),
            pixels: PixelPolicy::default(),
            grids: Grids::Split,
            scores: ScoresConfig::default(),
            duplicates: DuplicatesConfig::default(),
            download: DownloadConfig::default(),
        }
    }
}

/// Where the bytes of originals are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StoreMode {
    /// Copied to `originals/` under the root, named by their hash.
    #[default]
    Copy,
    /// Left where they lie; the ledger names the place. Downloads, members of archives and pictures in tables, which
    /// are no files of their own, are copied all the same.
    Reference,
}

/// What becomes of grids, told by their message, else by size and seam.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grids {
    /// Each of the four tiles is an item of its own.
    #[default]
    Split,
    /// Grids and their tiles are rejected as `grid`.
    Reject,
}
