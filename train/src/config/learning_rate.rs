//! The learning rate over the run.

use std::num::NonZeroU64;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The learning rate over the run; the defaults are the published range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LrConfig {
    /// After warm-up.
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 1))]
    pub start: f64,
    /// At the end; `constant` does not use it.
    #[schemars(range(min = 0, max = 1))]
    pub end: f64,
    /// The way from `start` to `end`.
    pub schedule: LrSchedule,
    /// Updates from `start` to `end` and from there back: `cosine-wave` needs it, and it alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period_steps: Option<NonZeroU64>,
    /// The exponent of `polynomial`, which needs it, and it alone; 1 is `linear`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub power: Option<f64>,
}

impl Default for LrConfig {
    fn default() -> Self {
        Self {
            start: 1e-6,
            end: 1e-7,
            schedule: LrSchedule::Cosine,
            period_steps: None,
            power: None,
        }
    }
}

/// The way of the learning rate from its start to its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LrSchedule {
    /// `start` throughout.
    Constant,
    /// A straight line over the run.
    Linear,
    /// Half a cosine over the run.
    #[default]
    Cosine,
    /// Cosines without an end, each half of `period_steps` updates.
    CosineWave,
    /// `end + (start − end)·(1 − progress)^power` over the run.
    Polynomial,
}
