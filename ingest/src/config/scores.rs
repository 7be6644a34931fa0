//! Thresholds on what is measured of each picture.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Thresholds on what is measured of each picture; none is set by default. `terminus sweep` shows what each keeps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ScoresConfig {
    /// `too_dark`: 90 of 100 pixels are darker than this, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_dark: Option<f64>,
    /// `too_light`: 90 of 100 pixels are lighter than this, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_light: Option<f64>,
    /// `low_information`: the entropy of the luminance is under this, in bits of 8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_entropy: Option<f64>,
    /// `blurry`: the variance of an edge filter is under this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_sharpness: Option<f64>,
    /// `odd_aspect`: the longer side is more than this many times the shorter one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_aspect: Option<f64>,
    /// `odd_size`: the logarithm of the area is this many interquartile ranges outside the quartiles; 3 is usual.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_iqr: Option<f64>,
    /// Scores that were computed elsewhere: Parquet files with a `sha256` column and number columns, for `select.scores`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<PathBuf>,
}
