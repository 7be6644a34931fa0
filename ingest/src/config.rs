//! The settings of ingest: `[ingest]` of a recipe, and its parts of each `[[collection]]`.

use std::{num::NonZeroU32, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use terminus_pixels::{Limits, PixelPolicy};

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
    /// The largest picture that is decoded, told by its header.
    pub limits: Limits,
    /// What becomes of pictures that are not 8-bit opaque sRGB.
    pub pixels: PixelPolicy,
}

impl Default for IngestConfig {
    fn default() -> Self {
        Self {
            store: StoreMode::Copy,
            min_side_px: NonZeroU32::MIN,
            max_file_mb: const { NonZeroU32::new(512).unwrap() },
            max_sidecar_kb: const { NonZeroU32::new(1024).unwrap() },
            limits: Limits::default(),
            pixels: PixelPolicy::default(),
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
    /// Left where they lie; the ledger names the place.
    Reference,
}

/// Where the items of a collection are found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A folder of images in any tree, each with an optional sidecar (`x.txt`, `x.json`).
    Folder(PathBuf),
    /// `DiscordChatExporter` JSON files, as a glob.
    Discord(PathBuf),
    /// A list of addresses: txt, csv, tsv, jsonl or parquet.
    Urls(PathBuf),
}

impl Source {
    /// The key that names this kind of source in a recipe.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Folder(_) => "folder",
            Self::Discord(_) => "discord",
            Self::Urls(_) => "urls",
        }
    }

    /// The folder, glob or file, as written or, in a plan, resolved.
    pub fn path(&self) -> &PathBuf {
        match self {
            Self::Folder(path) | Self::Discord(path) | Self::Urls(path) => path,
        }
    }

    /// The same kind of source at another place.
    #[must_use]
    pub fn at(&self, path: PathBuf) -> Self {
        match self {
            Self::Folder(_) => Self::Folder(path),
            Self::Discord(_) => Self::Discord(path),
            Self::Urls(_) => Self::Urls(path),
        }
    }
}

/// Which items of a source are wanted: an item passes if every list that is not empty accepts it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Select {
    /// Generators, such as `niji`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub generator: Vec<Generator>,
    /// Versions of the generator, such as `5.2`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub generator_version: Vec<String>,
    /// The prompt's text holds at least one of these; a hyphen counts as a space, case does not count.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub any_phrase: Vec<String>,
    /// The prompt's text holds none of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub no_phrase: Vec<String>,
}

impl Select {
    /// Whether every item is wanted.
    pub fn is_all(&self) -> bool {
        self == &Self::default()
    }
}

/// What drew a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Generator {
    /// Midjourney.
    Midjourney,
    /// Niji, Midjourney's model for anime.
    Niji,
}

impl Generator {
    /// The word that recipes and the ledger hold.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Midjourney => "midjourney",
            Self::Niji => "niji",
        }
    }
}
