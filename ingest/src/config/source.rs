//! Where items are found.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the items of a collection are found. Where a file is named, a glob such as `exports/*.json` names many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A folder of images in any tree, each with optional sidecars (`x.txt`, `x.caption`, `x.json`).
    Folder(PathBuf),
    /// `DiscordChatExporter` JSON files; their media lie beside them or are fetched.
    Discord(PathBuf),
    /// Lists of addresses, which are fetched: txt, csv, tsv, jsonl or parquet, plain or `.gz`.
    Urls(PathBuf),
    /// Parquet files that hold the images themselves, as Hugging Face does.
    Parquet(PathBuf),
    /// Webdataset tars: `key.png` with `key.txt`, `key.json`.
    Webdataset(PathBuf),
    /// Zip archives of images and sidecars.
    Zip(PathBuf),
    /// A folder of tars and a `train.parquet` that describes their members, as nijijourney-v6-520k-raw has.
    Nijijourney(PathBuf),
    /// The output folder of img2dataset: `files`, `webdataset` or `parquet` format with its tables.
    Img2dataset(PathBuf),
}

impl Source {
    /// The key that names this kind of source in a recipe.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Folder(_) => "folder",
            Self::Discord(_) => "discord",
            Self::Urls(_) => "urls",
            Self::Parquet(_) => "parquet",
            Self::Webdataset(_) => "webdataset",
            Self::Zip(_) => "zip",
            Self::Nijijourney(_) => "nijijourney",
            Self::Img2dataset(_) => "img2dataset",
        }
    }

    /// The folder, glob or file, as written or, in a plan, resolved.
    pub fn path(&self) -> &PathBuf {
        match self {
            Self::Folder(path)
            | Self::Discord(path)
            | Self::Urls(path)
            | Self::Parquet(path)
            | Self::Webdataset(path)
            | Self::Zip(path)
            | Self::Nijijourney(path)
            | Self::Img2dataset(path) => path,
        }
    }

    /// The same kind of source at another place.
    #[must_use]
    pub fn at(&self, path: PathBuf) -> Self {
        match self {
            Self::Folder(_) => Self::Folder(path),
            Self::Discord(_) => Self::Discord(path),
            Self::Urls(_) => Self::Urls(path),
            Self::Parquet(_) => Self::Parquet(path),
            Self::Webdataset(_) => Self::Webdataset(path),
            Self::Zip(_) => Self::Zip(path),
            Self::Nijijourney(_) => Self::Nijijourney(path),
            Self::Img2dataset(_) => Self::Img2dataset(path),
        }
    }
}
