//! What a caller asks for, what comes back, and what can go wrong.

use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What to draw and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The collection's folder; made where it is missing.
    pub folder: PathBuf,
    /// How many images, anchors and grids included.
    pub images: u32,
    /// Picture `i` of a seed is always the same picture.
    pub seed: u64,
    /// The size of every picture against Midjourney's own.
    pub scale: Scale,
}

/// The size of the pictures. Small scales draw whole small pictures, never crops, so that a
/// caption describes what a small training crop shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scale {
    /// Midjourney's sizes: 1024² and so on.
    #[default]
    #[serde(rename = "1")]
    Whole,
    /// A quarter of each side: 256² and so on.
    #[serde(rename = "1/4")]
    Quarter,
    /// An eighth of each side: 128² and so on.
    #[serde(rename = "1/8")]
    Eighth,
}

impl Scale {
    /// Every scale.
    pub const ALL: [Self; 3] = [Self::Whole, Self::Quarter, Self::Eighth];

    /// What a side at scale 1 is divided by.
    pub const fn divisor(self) -> u32 {
        match self {
            Self::Whole => 1,
            Self::Quarter => 4,
            Self::Eighth => 8,
        }
    }

    /// How it is written on a command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Whole => "1",
            Self::Quarter => "1/4",
            Self::Eighth => "1/8",
        }
    }
}

impl std::fmt::Display for Scale {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Scale {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|scale| scale.name() == text)
            .ok_or_else(|| Error::UnknownScale {
                given: text.to_owned(),
            })
    }
}

/// What lies in the folder after a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Images in all: drawings and anchors.
    pub images: u64,
    /// Images that this call drew.
    pub drawn: u64,
    /// Images that were there already, of the same seed and scale.
    pub kept: u64,
    /// Drawings of a character.
    pub characters: u64,
    /// Drawings of a place.
    pub scenes: u64,
    /// Drawings that are grids of four; they count among characters and scenes too.
    pub grids: u64,
    /// Photo-like anchors.
    pub anchors: u64,
    /// Bytes of all image files.
    pub size_bytes: u64,
}

/// Why the collection was not drawn.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A scale that does not exist.
    #[error("unknown scale `{given}`\nhint: scales are `1`, `1/4` and `1/8`")]
    UnknownScale {
        /// What was asked for.
        given: String,
    },
    /// A collection of another seed, scale or size lies in the folder.
    #[error(
        "`{folder}` holds another demo collection ({found}), asked was for {asked}\n\
         hint: name another folder, or remove this one first"
    )]
    OtherCollection {
        /// The folder.
        folder: PathBuf,
        /// What its stamp says.
        found: String,
        /// What the options say.
        asked: String,
    },
    /// The folder's stamp is not one of ours.
    #[error(
        "`{path}` is not the stamp of a demo collection: {source}\n\
         hint: name another folder, or remove this file"
    )]
    BadStamp {
        /// The stamp.
        path: PathBuf,
        /// Why it could not be read.
        source: serde_json::Error,
    },
    /// Reading or writing failed; the message names the path.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A picture could not be encoded.
    #[error("`{path}`: {source}")]
    Encode {
        /// The picture's file.
        path: PathBuf,
        /// The encoder's words.
        source: terminus_pixels::Error,
    },
    /// A picture without pixels; no scale gives one.
    #[error("`{path}`: a picture of {width_px}x{height_px} pixels cannot be drawn")]
    NoPixels {
        /// The picture's file.
        path: PathBuf,
        /// Its width.
        width_px: u32,
        /// Its height.
        height_px: u32,
    },
    /// The caller's cancel handle said so. Finished images stay; the same call goes on from there.
    #[error("stopped after {done} of {images} images; the same call draws the rest")]
    Cancelled {
        /// Images that lie finished in the folder.
        done: u64,
        /// Images asked for.
        images: u64,
    },
}
