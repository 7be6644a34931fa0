//! Which items of a source are wanted.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which items of a source are wanted: an item passes if every condition that is set accepts it.
///
/// Phrases are found as whole words of the prompt's text, never in its `--no`; a hyphen counts as a space, case does
/// not count.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Select {
    /// Generators, such as `niji`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub generator: Vec<Generator>,
    /// Versions of the generator, such as `5.2`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub generator_version: Vec<String>,
    /// Kinds of outputs, such as `upscale`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kind: Vec<Kind>,
    /// The prompt's text holds at least one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub any_phrase: Vec<String>,
    /// The prompt's text holds all of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub all_phrases: Vec<String>,
    /// The prompt's text holds none of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub none_of: Vec<String>,
    /// Width in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width_px: Option<Range>,
    /// Height in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height_px: Option<Range>,
    /// Reactions that people gave; an item without any has 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reactions: Option<Range>,
    /// Scores by name: those of the ledger (`brightness`, `dark`, `light`, `entropy`, `sharpness`, `flatness`,
    /// `palette`) and those of `ingest.scores.files`. An item without the score is not wanted.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub scores: BTreeMap<String, Range>,
}

impl Select {
    /// Whether every item is wanted.
    pub fn is_all(&self) -> bool {
        self == &Self::default()
    }
}

/// From `min` to `max`, both included; a side that is not set is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Range {
    /// The least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
}

impl Range {
    /// The bound that `value` breaks; none if it is in range. What is no number breaks every bound.
    pub fn broken_by(&self, value: f64) -> Option<f64> {
        let below = self.min.filter(|&min| value.is_nan() || value < min);
        below.or_else(|| self.max.filter(|&max| value.is_nan() || value > max))
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

/// Kinds of outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Four pictures in one.
    Grid,
    /// One of the four.
    Tile,
    /// One picture that was taken out of a grid by the generator.
    Single,
    /// One that was enlarged.
    Upscale,
}

impl Kind {
    /// The word that recipes and the ledger hold.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Grid => "grid",
            Self::Tile => "tile",
            Self::Single => "single",
            Self::Upscale => "upscale",
        }
    }
}

/// What made the pictures whose prompt does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Defaults {
    /// The generator of pictures that do not name one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generator: Option<Generator>,
    /// The version where neither flag nor date tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

impl Defaults {
    /// Whether nothing is assumed.
    pub fn is_none(&self) -> bool {
        self == &Self::default()
    }
}
