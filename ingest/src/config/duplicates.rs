//! Which pictures count as the same.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which pictures count as the same. Of each group one is kept: a protected one (anchors), then the largest, the
/// oldest, the first by source id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DuplicatesConfig {
    /// Whether near duplicates are rejected.
    pub near: bool,
    /// Bits of 64 in which the perceptual hashes of near duplicates may differ.
    #[schemars(range(max = 12))]
    pub radius: u32,
    /// Bits of 64 in which their gradient hashes may differ.
    #[schemars(range(max = 64))]
    pub gradient_radius: u32,
    /// The mean difference of their colours in a 4x4 grid, in codes of 256.
    #[schemars(range(max = 255))]
    pub colour_distance: u32,
}

impl Default for DuplicatesConfig {
    fn default() -> Self {
        Self {
            near: true,
            radius: 4,
            gradient_radius: 8,
            colour_distance: 8,
        }
    }
}
